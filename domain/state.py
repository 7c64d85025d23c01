"""The whole state of a deal, as its workflow carries it: ids, hashes, stages, dates and counters; no lines, no amounts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from domain import contract as contracts
from domain.calendar import local_date
from domain.contract import Contract
from domain.dunning import Collection
from domain.message import Answer, Message
from domain.order import Order, OrderStage

ANSWERS_KEPT = 100
# The rule set of this release (see docs/decisions/0005-rules-are-numbered.md). 1: whatever of a contract fails parks all
# of it, and no fact is let go. 2: access and notice park alone; what a state has no room for is told again.
RULES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """`now` is the instant of the last thing done; on a virtual clock the deal may act up to `target`."""

    virtual: bool
    now: datetime
    target: datetime

    def seen(self, now: datetime) -> Clock:
        return replace(self, now=max(self.now, now), target=max(self.target, now))


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """One deal for its whole life. `turn` counts performed steps and fences the database (`deal.md`, "The fence").

    `rules` numbers what replay depends on; `closed` says why the deal is over ('' while it lives).
    """

    id: str
    name: str
    entity_id: str
    account_id: str
    owner: str
    currency: str
    zone: str
    clock: Clock
    opened_at: datetime
    since: datetime
    turn: int = 0
    rules: int = RULES
    orders: tuple[Order, ...] = ()
    next_order: int = 1
    contract: Contract | None = None
    collections: tuple[Collection, ...] = ()
    voids: tuple[tuple[int, str], ...] = ()  # (order number, envelope) to take back
    stuck: tuple[tuple[int, str, str], ...] = ()  # (order number, envelope, reason): could not be taken back
    inbox: tuple[Message, ...] = ()
    answers: tuple[Answer, ...] = ()
    last_charge_at: datetime | None = None
    last_message_at: datetime | None = None
    burst: int = 0  # steps performed at one instant, against a spinning agenda
    closed: str = ""

    # --- reading ---

    def order(self, subject: str) -> Order | None:
        return next((order for order in self.orders if order.subject == subject), None)

    def collection(self, invoice_id: str) -> Collection | None:
        return next((c for c in self.collections if c.invoice_id == invoice_id), None)

    def answer(self, message_id: str) -> Answer | None:
        return next((answer for answer in self.answers if answer.message_id == message_id), None)

    def knows(self, message_id: str) -> bool:
        """Has this message been accepted or taken already?"""
        return self.answer(message_id) is not None or any(m.id == message_id for m in self.inbox)

    @property
    def parks_alone(self) -> bool:
        """Rules 2: access and notice park alone, and a state has room for so many facts."""
        return self.rules >= 2  # noqa: PLR2004  (the rule set that brought it)

    # --- small moves, shared by all folds; each returns the new state ---

    def with_order(self, order: Order) -> Deal:
        return replace(self, orders=tuple(order if o.number == order.number else o for o in self.orders))

    def without_order(self, order: Order) -> Deal:
        return replace(self, orders=tuple(o for o in self.orders if o.number != order.number))

    def with_contract(self, change: Callable[[Contract], Contract]) -> Deal:
        return self if self.contract is None else replace(self, contract=change(self.contract))

    def with_collection(self, collection: Collection) -> Deal:
        return replace(
            self,
            collections=tuple(collection if c.invoice_id == collection.invoice_id else c for c in self.collections),
        )

    def voiding(self, order: Order) -> Deal:
        """The envelope of this order must not be signed any more; one that is closed already needs no taking back."""
        if not order.envelope_id:
            return self
        deal = self.with_order(replace(order, envelope_id=""))
        if order.stage is not OrderStage.OUT_FOR_SIGNATURE:
            return deal
        return replace(deal, voids=(*deal.voids, (order.number, order.envelope_id)))

    def void_failed(self, envelope_id: str, reason: str) -> Deal:
        """It waits for `retry`; a deal that is over lets go of it (a signature on it is recorded as unexpected)."""
        failed = () if self.closed else tuple((n, e, reason) for n, e in self.voids if e == envelope_id)
        return replace(self.without_void(envelope_id), stuck=(*self.stuck, *failed))

    def voiding_again(self, envelope_id: str = "") -> Deal:
        """What could not be taken back (all of it, or one envelope) is tried again."""
        again = tuple((n, e) for n, e, _ in self.stuck if envelope_id in ("", e))
        rest = tuple(stuck for stuck in self.stuck if stuck[:2] not in again)
        return replace(self, voids=(*self.voids, *again), stuck=rest)

    def without_void(self, envelope_id: str) -> Deal:
        return replace(self, voids=tuple(void for void in self.voids if void[1] != envelope_id))

    def settled(self, invoice_id: str, at: datetime) -> Deal:
        """An invoice has nothing left open: its dunning ends, and so does a suspension that no other invoice asks for."""
        rest = tuple(c for c in self.collections if c.invoice_id != invoice_id)
        deal = replace(self, collections=rest)
        if any(c.suspends for c in rest):
            return deal
        return deal.with_contract(
            lambda c: c.wanting(contracts.FULL, at) if c.access_wanted == contracts.SUSPENDED else c
        )

    def abandoned(self, order: Order, at: datetime) -> Deal:
        """Everything that was provisioned is undone: the booked contract ends before it began."""
        today = local_date(at, self.zone)
        return self.without_order(order).with_contract(
            lambda c: replace(c, cancel_on=today, cancel_reason=order.reason, since=at)
        )

    def answered(self, answer: Answer) -> Deal:
        return replace(
            self,
            inbox=tuple(m for m in self.inbox if m.id != answer.message_id),
            answers=(*self.answers, answer)[-ANSWERS_KEPT:],
        )

    def parked(self, subject: str, reason: str) -> Deal:
        """Nothing more is done about `subject` until somebody brings it back; the rest of the deal goes on."""
        order, collection = self.order(subject), self.collection(subject)
        if order is not None:
            return self.with_order(replace(order, parked=reason))
        if collection is not None:
            return self.with_collection(replace(collection, parked=reason))
        return self.with_contract(lambda c: c.parking(subject, reason))

    @property
    def parkings(self) -> tuple[tuple[str, str], ...]:
        """All that is parked: subject and reason."""
        found = [(o.subject, o.parked) for o in self.orders if o.parked]
        if self.contract is not None:
            found.extend(self.contract.parkings)
        found.extend((c.invoice_id, c.parked) for c in self.collections if c.parked)
        found.extend((envelope, reason) for _, envelope, reason in self.stuck)
        return tuple(found)
