"""Who may be asked, as the tables hold it; and what a change of a person means for the approvals that are open."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import structlog
from fastapi import Request
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from api.caller import Caller
from api.clock_lock import refuse_while_moving
from api.door import Door, door_of
from api.entity import entity_of
from api.errors import Refusal
from api.quotes.draft import now_of
from api.store import insert_once, sql
from domain.approving import machine
from domain.approving.asking import Whom, World, ask_anew, concerned_by
from domain.approving.people import Directory
from domain.ids import derived
from domain.message import Message, Reseat, Verdict
from domain.order import Order, OrderStage
from domain.state import Deal
from models import directory
from models.database import Database
from models.deal import DealRow
from models.directory import SeatChangeRow
from workflows.converter import from_json

log = structlog.get_logger(__name__)

SYSTEM = "q2c"
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
# every open approval in which the person, or one for whom they may stand in, is meant, has a seat or a hand; one that was
# escalated also where they are, by however many steps, the manager of somebody who is meant
_TOUCHED = text("""
    WITH RECURSIVE meant (email, above) AS (
        SELECT CAST(:person AS text), false
        UNION SELECT next.email, next.above FROM meant m CROSS JOIN LATERAL (
            SELECT a.person AS email, m.above FROM absences a WHERE lower(a.delegate_to) = m.email AND a.revoked_at IS NULL
            UNION ALL SELECT p.email, true FROM people p WHERE lower(p.manager) = m.email
        ) AS next
    ), who AS (
        SELECT array_agg(DISTINCT m.email) FILTER (WHERE NOT m.above) AS people, array_agg(DISTINCT m.email) AS all_people,
               coalesce(array_agg(DISTINCT g) FILTER (WHERE g IS NOT NULL AND NOT m.above), '{}') AS roles,
               coalesce(array_agg(DISTINCT g) FILTER (WHERE g IS NOT NULL), '{}') AS all_roles
          FROM meant m LEFT JOIN people p ON p.email = m.email LEFT JOIN LATERAL unnest(p.groups) AS g ON true
    )
    SELECT DISTINCT r.deal_id FROM approval_requests r, who
     WHERE r.status = 'asked' AND r.policy <> '' AND (
           r.people && who.people OR r.roles && who.roles
           OR (r.rung > 0 AND (r.people && who.all_people OR r.roles && who.all_roles))
           OR EXISTS (SELECT FROM jsonb_array_elements(r.seats) s
                       WHERE s->>'holder' = :person OR s->>'member' = :person OR s->'via' ? :person))
     ORDER BY 1
""")

# a voice that was handed on after the change was handed on by somebody who was asked in view of it: it stays where it is
_HANDED_ON_SINCE = text("""
    SELECT EXISTS (SELECT FROM approval_votes v JOIN seat_changes c ON c.id = :change
                    WHERE v.deal_id = :deal_id AND v.verb = 'delegate' AND v.recorded_at > c.recorded_at
                      AND c.person = ANY (v.members || v.hands || v.to_))
""")


async def directory_of(database: Database) -> Directory:
    """Everybody, with the delegations that nobody took back."""
    async with database.session() as session:
        return (await directory.everybody(session, BEGINNING)).directory


async def world_of(database: Database, *, at: datetime, barred: Iterable[str], whom: Whom | None = None) -> World:
    """All that asking looks at, at a moment: of some people and roles, or of everybody."""
    async with database.session() as session:
        found = await (directory.everybody(session, at) if whom is None else directory.around(session, at, whom))
    return World(
        directory=found.directory,
        calendars=found.calendars,
        at=at,
        barred=tuple(dict.fromkeys(each.lower() for each in barred if each)),
    )


def in_approval(deal: Deal) -> Order | None:
    """The order whose version waits for approval."""
    return next((each for each in deal.orders if each.stage is OrderStage.IN_APPROVAL), None)


async def groups_of(database: Database, caller: Caller, *, at: datetime | None = None) -> tuple[str, ...]:
    """For which groups the caller speaks where a whole group is asked: those they are in; by their key alone, if they are
    none of our people; none any more once they left (`at`: now in a sandbox).
    """
    person = await database.row("SELECT groups, left_at FROM people WHERE email = $1", caller.person.lower())
    if person is None:
        return caller.groups
    gone = person["left_at"] is not None and person["left_at"] <= (at or datetime.now(tz=UTC))
    return () if gone else tuple(person["groups"])


# --- a person changes ------------------------------------------------------------------------------------------------


async def note_change(session: AsyncSession, person: str, reason: str, *, cause: str) -> SeatChangeRow:
    """Written with the change itself: whatever happens afterwards, the deals concerned will be told. `cause` names it."""
    row = SeatChangeRow(id=cause, person=person.lower(), reason=reason)
    await insert_once(session, row)
    return row


async def reseat(request: Request, database: Database, change: SeatChangeRow) -> None:
    """Tell the deals concerned at once. What cannot be told now (a clock that moves, a deal that is busy) is told by the
    relay: the change itself stands.
    """
    for deal_id in await touched(database, change.person):
        try:
            await tell(database, door_of(request), change, deal_id, person=change.person)
        except Refusal as error:
            log.info("told later", deal_id=deal_id, change=change.id, error=error.detail)


async def reseat_for_sure(database: Database, door: Door, change: SeatChangeRow) -> None:
    """The same by the relay, also for what was just being asked while the change was made. Raises what stands against it,
    so that it comes again.
    """
    for deal_id in await touched(database, change.person):
        since = await _handed_on_since(database, change, deal_id)
        await tell(database, door, change, deal_id, person="" if since else change.person)
    done = text("UPDATE seat_changes SET told_at = now() WHERE id = :id AND told_at IS NULL")
    async with database.transaction() as session:
        await sql(session, done, {"id": change.id})


async def _handed_on_since(database: Database, change: SeatChangeRow, deal_id: str) -> bool:
    async with database.session() as session:
        values = {"change": change.id, "deal_id": deal_id}
        return bool((await sql(session, _HANDED_ON_SINCE, values)).scalar_one())


async def touched(database: Database, person: str) -> tuple[str, ...]:
    """The deals whose open approvals a change of this person may move."""
    async with database.session() as session:
        return tuple(row[0] for row in (await sql(session, _TOUCHED, {"person": person.lower()})).all())


async def tell(database: Database, door: Door, change: SeatChangeRow, deal_id: str, *, person: str) -> None:
    """Look up anew who decides about this deal; where nothing would move, nothing is said. What was handed on through the
    hands of `person` is looked up as well.

    The message is named after the change and the deal's turn: said again before the deal took it in, it is the same one.
    """
    async with database.session() as session:
        row = await session.get_one(DealRow, deal_id)
    order = in_approval(from_json(Deal, row.state))
    if order is None:
        return
    entity = await entity_of(database, row.entity_id)
    await refuse_while_moving(database, entity)
    now, approval = now_of(entity), order.approval
    asks = ask_anew(approval, await world_of(database, at=now, barred=approval.barred, whom=concerned_by(approval)))
    if not machine.stirs(approval, machine.reseated(approval, person, now, asks)):
        return
    body = Reseat(version=order.version, person=person, asks=asks, reason=change.reason)
    ref = derived("msg", "reseat", change.id, deal_id, row.turn)
    answer = await door.command(deal_id, Message(id=ref, by=SYSTEM, body=body, channel="system", at=entity.clock_at))
    if answer is None:
        raise Refusal(503, "NotHeardYet", f"the deal {deal_id} has not answered yet", hint="it is told again")
    if answer.verdict is Verdict.REFUSED:
        log.info("not reseated", deal_id=deal_id, error=answer.error)
