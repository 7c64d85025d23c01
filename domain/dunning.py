"""Collecting one open invoice: what is due, what a decline changes, and how lateness moves what follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from domain import ids
from domain.calendar import local_midnight
from domain.payment import ChargeStatus, DeclineClass
from domain.step import Step, StepKind

Ladder = tuple[tuple[str, datetime], ...]

RESOLVE_AFTER = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6), timedelta(hours=24), timedelta(days=3))
PENDING_PATIENCE = timedelta(days=30)  # a bank debit that never says anything is asked about
ONE_A_DAY = timedelta(days=1)
JITTER = timedelta(hours=1)  # a step performed within the hour was on time

CHARGE, MESSAGE, SUSPEND, CANCEL = "charge", "message", "suspend", "cancel"
KIND = {CHARGE: StepKind.CHARGE, MESSAGE: StepKind.MESSAGE, SUSPEND: StepKind.SUSPEND, CANCEL: StepKind.CANCEL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """One open invoice on its way to being paid. It holds dates and counters, never an amount.

    `rungs` are what is still to come (kind, when), in order. `attempts` counts charges with a definite answer, so
    the next charge is attempt `attempts + 1`; a charge whose answer was lost stays that attempt until it is resolved.
    """

    invoice_id: str
    invoice_number: str
    method: str
    issued_at: datetime
    rungs: Ladder
    attempts: int = 0
    messages: int = 0
    rungs_done: int = 0
    status: str = ""  # "", pending, unknown
    asked: int = 0  # how often the unknown outcome was asked about
    asked_at: datetime | None = None
    decline: str = ""  # class of the last decline
    parked: str = ""
    suspends: bool = False  # access is suspended because of this invoice

    @property
    def overdue(self) -> bool:
        """Has a charge been declined or a reminder been sent?"""
        return bool(self.decline) or self.messages > 0

    @property
    def attempt(self) -> int:
        """The number of the charge that is in flight or comes next; a new one only after a definite answer."""
        return self.attempts + 1


def charge_key(deal_id: str, collection: Collection) -> str:
    """The operation key of the charge in flight, which the gateway has as its idempotency key."""
    return ids.charge_key(deal_id, collection.invoice_id, collection.attempt)


def opened(*, invoice_id: str, invoice_number: str, method: str, issued_at: datetime, ladder: Ladder) -> Collection:
    """A card is charged at once; an invoice on terms starts with its reminders, which the ladder dates."""
    first: Ladder = ((CHARGE, issued_at),) if method == "card" else ()
    return Collection(
        invoice_id=invoice_id, invoice_number=invoice_number, method=method, issued_at=issued_at, rungs=first + ladder
    )


def card_ladder(rungs: Sequence[tuple[str, int]], *, failed_at: datetime) -> Ladder:
    """The policy's rungs (kind, days after the first decline), dated from the instant of that decline.

    >>> from datetime import UTC
    >>> card_ladder([("charge", 1)], failed_at=datetime(2027, 1, 1, 9, tzinfo=UTC))
    (('charge', datetime.datetime(2027, 1, 2, 9, 0, tzinfo=datetime.timezone.utc)),)
    """
    return tuple((name, failed_at + timedelta(days=days)) for name, days in rungs)


def terms_ladder(rungs: Sequence[tuple[str, int]], *, due_on: date, zone: str, issued_at: datetime) -> Ladder:
    """The policy's rungs (kind, days after the due date), at local midnight; none before the invoice is issued."""
    dated = ((name, local_midnight(due_on + timedelta(days=days), zone)) for name, days in rungs)
    return tuple((name, at) for name, at in dated if at > issued_at)


def steps(
    collection: Collection, *, last_charge_at: datetime | None, last_message_at: datetime | None
) -> tuple[Step, ...]:
    """The next thing to do for this invoice; at most one charge and one message per deal and day."""
    subject = collection.invoice_id
    if collection.parked:
        return ()
    if collection.status and collection.asked_at is not None:
        number = collection.attempt * 100 + collection.asked
        return (
            Step(kind=StepKind.RESOLVE, subject=subject, number=number, at=collection.asked_at + _wait(collection)),
        )
    if not collection.rungs:
        return ()
    name, at = collection.rungs[0]
    if name == CHARGE:
        at = _spaced(at, last_charge_at)
        return (Step(kind=StepKind.CHARGE, subject=subject, number=collection.attempt, at=at),)
    if name == MESSAGE:
        at = _spaced(at, last_message_at)
        return (Step(kind=StepKind.MESSAGE, subject=subject, number=collection.messages + 1, at=at),)
    return (Step(kind=KIND[name], subject=subject, number=collection.rungs_done, at=at),)


def next_kind(collection: Collection) -> StepKind | None:
    """What the next rung does, whenever that is."""
    return KIND[collection.rungs[0][0]] if collection.rungs else None


def _wait(collection: Collection) -> timedelta:
    if collection.status == ChargeStatus.PENDING:
        return PENDING_PATIENCE
    return RESOLVE_AFTER[min(collection.asked, len(RESOLVE_AFTER) - 1)]


def _spaced(at: datetime, last: datetime | None) -> datetime:
    return at if last is None else max(at, last + ONE_A_DAY)


def charged(
    collection: Collection, *, status: str, decline: str, ladder: Ladder, step_at: datetime, now: datetime
) -> Collection:
    """Fold the answer to a charge, or to the question what became of it. What stays without an end parks.

    A captured charge that left something open (seldom: the amount is what was open) waits for the rest.
    """
    if status in (ChargeStatus.UNKNOWN, ChargeStatus.PENDING):
        asked = collection.asked + 1 if collection.status else 0
        parked = "nobody knows what became of the charge" if asked >= len(RESOLVE_AFTER) else ""
        return replace(collection, status=status, asked=asked, asked_at=now, parked=parked)
    if status == ChargeStatus.CAPTURED:
        return replace(collection, status="", asked=0, asked_at=None, attempts=collection.attempt, rungs=())
    rungs = collection.rungs[1:] if collection.rungs and collection.rungs[0][0] == CHARGE else collection.rungs
    rungs = late(rungs, step_at=step_at, now=now) if collection.decline else ladder or rungs
    if decline in (DeclineClass.HARD, DeclineClass.FRAUD, DeclineClass.ACTION_REQUIRED):
        rungs = tuple(rung for rung in rungs if rung[0] != CHARGE)
    return replace(
        collection,
        status="",
        asked=0,
        asked_at=None,
        attempts=collection.attempt,
        rungs_done=collection.rungs_done + 1,
        decline=decline,
        rungs=rungs,
    )


def climbed(collection: Collection, *, step_at: datetime, now: datetime) -> Collection:
    """A message, suspension or cancellation was performed: the next rung, shifted where this one was late."""
    if not collection.rungs:
        return collection
    name = collection.rungs[0][0]
    rest = collection.rungs[1:]
    if name == MESSAGE:
        while rest and rest[0][0] == MESSAGE and rest[0][1] <= now:
            rest = rest[1:]  # superseded: one message says it all
    return replace(
        collection,
        messages=collection.messages + (name == MESSAGE),
        rungs_done=collection.rungs_done + 1,
        suspends=collection.suspends or name == SUSPEND,
        rungs=late(rest, step_at=step_at, now=now),
    )


def late(rungs: Ladder, *, step_at: datetime, now: datetime) -> Ladder:
    """Outward steps count from the day the one before was performed: lateness moves all that follow by as much.

    >>> from datetime import UTC
    >>> day = datetime(2027, 1, 1, tzinfo=UTC)
    >>> [at.day for _, at in late((("charge", day + timedelta(days=3)),), step_at=day, now=day + timedelta(days=7))]
    [11]
    """
    lateness = now - step_at
    if lateness <= JITTER:
        return rungs
    return tuple((name, at + lateness) for name, at in rungs)


def retried(collection: Collection, *, now: datetime) -> Collection:
    """An operator brings it back: a card is charged again now, the rest of the ladder stays.

    A charge in flight is never doubled: what became of it is asked now.
    """
    if collection.status:
        asked_at = now - _wait(collection) if collection.parked else collection.asked_at
        return replace(collection, parked="", asked_at=asked_at)
    rungs = collection.rungs
    if collection.method == "card" and (not rungs or rungs[0][0] != CHARGE or rungs[0][1] > now):
        rungs = ((CHARGE, now), *rungs)
    return replace(collection, parked="", rungs=rungs)
