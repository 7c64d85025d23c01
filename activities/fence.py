"""The fence: all that a step does is one transaction, which moves the deal's row from `turn` to `turn + 1`, or nothing.

An activity that finds its turn taken writes nothing and answers with the step and the outcome that took it: a local
activity whose commit the workflow forgot (a kill, a failed workflow task) is thus folded as it happened.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio.exceptions import ApplicationError

from domain.calendar import local_date
from domain.deal import after
from domain.errors import DomainError
from domain.outcome import Failed, Outcome
from domain.standing import standing
from domain.state import Deal
from domain.step import Step
from models.database import Database
from models.deal import DealRow, DealStepRow, TimelineRow
from models.write import DuplicateRow, Fence, NextNumber, Update, WrongRowCount, write, write_alone
from workflows.converter import from_json, to_json
from workflows.stubs import Perform, Performed


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One line of the timeline, in words; `amount_minor` where money is meant, in the deal's currency."""

    text: str
    actor: str = "q2c"
    cause: str = ""
    amount_minor: int | None = None
    data: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a step does to the database, beside moving the turn: rows, updates, one outcome, and its story."""

    outcome: Outcome
    told: Sequence[Told] = ()
    rows: Sequence[SQLModel] = ()
    updates: Sequence[Update] = field(default_factory=tuple)
    acv_minor: int | None = None
    number: NextNumber | None = None  # taken as it is written: until then all of this says `number.said` and `.count`


Work = Callable[[AsyncSession], Awaitable[Effect]]
_TAKEN = "SELECT kind, subject, number, at, outcome, performed_at FROM deal_steps WHERE deal_id = $1 AND turn = $2"


class Books:
    """Performs steps behind the fence. Every activity that writes for a deal goes through here."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def perform(self, command: Perform, work: Work) -> Performed:
        """Run `work` (loads, computes, decides the effect) and commit its effect with the turn, in one transaction."""

        async def written() -> Outcome | None:
            async with self.database.transaction() as session:
                effect = await work(session)
                rows, fence = _rows_and_fence(command, effect)
                return effect.outcome if await write(session, rows, fence=fence, updates=effect.updates) else None

        return await self._behind_the_fence(command, written)

    async def perform_alone(self, command: Perform, work: Callable[[], Awaitable[Effect]]) -> Performed:
        """The same for `work` that only reads, by statements of its own: the effect is the one statement that writes,
        and needs no transaction around it.
        """

        async def written() -> Outcome | None:
            effect = await work()
            rows, fence = _rows_and_fence(command, effect)
            count = await write_alone(self.database, rows, fence=fence, updates=effect.updates, number=effect.number)
            if count is None or effect.number is None:
                return None if count is None else effect.outcome
            return _numbered(effect.outcome, effect.number, count)

        return await self._behind_the_fence(command, written)

    async def record(self, command: Perform, effect: Effect) -> Performed:
        """Commit an effect that is known already: what a call outside came to."""

        async def known() -> Effect:
            return effect

        return await self.perform_alone(command, known)

    async def _behind_the_fence(self, command: Perform, written: Callable[[], Awaitable[Outcome | None]]) -> Performed:
        stood_against: Exception | None = None
        try:
            if (outcome := await written()) is not None:
                return Performed(step=command.step, outcome=outcome, now=command.now)
        except (DuplicateRow, WrongRowCount, IntegrityError, DomainError) as error:
            stood_against = error
        taken = await self.taken(command.deal)
        if taken is not None:
            return taken
        raise refusal(stood_against, command.step)

    async def taken(self, deal: Deal) -> Performed | None:
        """What took the deal's present turn; None while it is free. A step that goes outside asks before it calls."""
        row = await self.database.row(_TAKEN, deal.id, deal.turn)
        if row is None:
            return None
        step = {name: row[name] for name in ("kind", "subject", "number", "at")}
        return from_json(Performed, {"step": step, "outcome": row["outcome"], "now": row["performed_at"]})


def refusal(error: Exception | None, step: Step) -> ApplicationError:
    """The error that parks the step: trying again with the same state cannot help."""
    if isinstance(error, DomainError):
        return ApplicationError(str(error), type=error.type, non_retryable=True)
    if error is None:
        return ApplicationError(f"the fence of {step.kind} did not hold, but nothing took its turn", type="FenceLost")
    return ApplicationError(str(error), type=type(error).__name__, non_retryable=True)


def _rows_and_fence(command: Perform, effect: Effect) -> tuple[list[SQLModel], Fence]:
    """Every row of the step, and the deal's own row as it is afterwards."""
    deal, step, now = command.deal, command.step, command.now
    moved = after(deal, step, effect.outcome, now)
    rows: list[SQLModel] = [_step_row(command, effect.outcome), *effect.rows]
    rows.extend(_timeline_row(command, told) for told in effect.told)
    columns = _columns(moved, effect)
    fence = Fence.opening(_opening_row(deal, columns)) if deal.turn == 0 else Fence(deal.id, deal.turn, columns)
    return rows, fence


def _numbered(outcome: Outcome, number: NextNumber, count: int) -> Outcome:
    """The outcome with the number in place of what stood for it, as the statement wrote it down."""
    said = {
        each.name: value.replace(number.said, number.of(count)).replace(number.count, str(count))
        for each in fields(outcome)
        if isinstance(value := getattr(outcome, each.name), str)
    }
    return replace(outcome, **said)  # type: ignore[arg-type]  # texts for texts


def _step_row(command: Perform, outcome: Outcome) -> DealStepRow:
    deal, step = command.deal, command.step
    key = step.key(deal.id)
    if isinstance(outcome, Failed):
        key = f"{key}/failed/{deal.turn}"  # what failed did not happen: its own key stays free for the next try
    return DealStepRow(
        deal_id=deal.id,
        turn=deal.turn,
        key=key,
        kind=step.kind.value,
        subject=step.subject,
        number=step.number,
        at=step.at,
        performed_at=command.now,
        outcome=to_json(outcome),
    )


def _timeline_row(command: Perform, told: Told) -> TimelineRow:
    deal, step = command.deal, command.step
    return TimelineRow(
        deal_id=deal.id,
        turn=deal.turn,
        at=command.now,
        kind=step.kind.value,
        actor=told.actor,
        cause=told.cause,
        text=told.text,
        subject_kind=step.kind.value,
        subject_id=step.subject,
        amount_minor=told.amount_minor,
        currency=None if told.amount_minor is None else deal.currency,
        data=told.data,
    )


def _columns(deal: Deal, effect: Effect) -> dict[str, Any]:
    """The deal's row for lists, and its whole state, as they are after this step."""
    place = standing(deal)
    columns: dict[str, Any] = {
        "stage": place.stage,
        "waits_for": place.waits_for,
        "who": place.who,
        "since": place.since,
        "next_kind": place.next_kind,
        "next_at": place.next_at,
        "parked": place.parked,
        "contract_id": deal.contract.id if deal.contract else None,
        "ended_on": _ended_on(deal),
        "state": to_json(deal),
    }
    if effect.acv_minor is not None:
        columns["acv_minor"] = effect.acv_minor
    return columns


def _ended_on(deal: Deal) -> Any:
    return local_date(deal.since, deal.zone) if deal.closed else None


def _opening_row(deal: Deal, columns: dict[str, Any]) -> DealRow:
    return DealRow(
        id=deal.id,
        name=deal.name,
        entity_id=deal.entity_id,
        virtual=deal.clock.virtual,
        account_id=deal.account_id,
        owner=deal.owner,
        currency=deal.currency,
        opened_at=deal.opened_at,
        **columns,
    )


def at_utc(at: datetime) -> str:
    """An instant as people read it in a timeline."""
    return f"{at:%Y-%m-%d %H:%M} UTC"
