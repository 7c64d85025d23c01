"""People, who stands in for whom, and calendars as the tables hold them: what trying a policy and asking anew look at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import structlog
from fastapi import Request
from sqlalchemy import text
from sqlmodel import col, select

from api.clock_lock import refuse_while_moving
from api.door import door_of
from api.entity import entity_of
from api.quotes.draft import now_of
from api.store import sql
from domain.approving.asking import World, ask_anew
from domain.approving.calendar import Calendars
from domain.approving.people import Delegation, Directory, Person
from domain.ids import derived
from domain.message import Message, Reseat, Verdict
from domain.order import Order, OrderStage
from domain.state import Deal
from models import directory
from models.access import PersonRow
from models.database import Database
from models.deal import DealRow
from workflows.converter import from_json

log = structlog.get_logger(__name__)

SYSTEM = "q2c"
# every open approval in which the person has a seat, a voice or a hand
_TOUCHED = text("""
    SELECT DISTINCT r.deal_id FROM approval_requests r, jsonb_array_elements(r.seats) s
    WHERE r.status = 'asked' AND (s->>'holder' = :person OR s->>'member' = :person OR s->'via' ? :person)
    ORDER BY 1
""")
_IN_GROUPS = text("""
    SELECT DISTINCT deal_id FROM approval_requests WHERE status = 'asked' AND policy <> '' AND group_name = ANY(:groups)
    ORDER BY 1
""")


async def directory_of(database: Database) -> Directory:
    """Everybody, with the delegations that nobody took back."""
    async with database.session() as session:
        people = (await session.exec(select(PersonRow).order_by(col(PersonRow.email)))).all()
        absences = await directory.absences(session)
    return Directory(
        tuple(
            Person(
                email=row.email.lower(),
                roles=tuple(row.groups),
                manager=(row.manager or "").lower(),
                country=row.country,
                left_at=row.left_at,
            )
            for row in people
        ),
        tuple(
            Delegation(
                person=row.person.lower(),
                to=row.delegate_to.lower(),
                since=row.since,
                until=row.until,
                away=row.away,
                groups=tuple(row.groups),
            )
            for row in absences
        ),
    )


async def calendars_of(database: Database) -> Calendars:
    """The latest calendar of every country."""
    async with database.session() as session:
        rows = await directory.calendars(session)
    return Calendars.parse({row.country: row.content for row in rows})


async def world_of(database: Database, *, at: datetime, barred: Iterable[str]) -> World:
    """All that asking looks at, at a moment."""
    return World(
        directory=await directory_of(database),
        calendars=await calendars_of(database),
        at=at,
        barred=tuple(dict.fromkeys(each.lower() for each in barred if each)),
    )


def in_approval(deal: Deal) -> Order | None:
    """The order whose version waits for approval."""
    return next((each for each in deal.orders if each.stage is OrderStage.IN_APPROVAL), None)


async def touched(database: Database, person: str, groups: Sequence[str] = ()) -> tuple[str, ...]:
    """The deals whose open approvals a change of this person may move."""
    async with database.session() as session:
        found = [row[0] for row in (await sql(session, _TOUCHED, {"person": person.lower()})).all()]
        if groups:
            found += [row[0] for row in (await sql(session, _IN_GROUPS, {"groups": list(groups)})).all()]
    return tuple(dict.fromkeys(found))


async def reseat(
    request: Request, database: Database, person: str, reason: str, *, cause: str, groups: Sequence[str] = ()
) -> int:
    """Look up anew who decides wherever this person has a part; returns how many deals were told.

    `cause` names the change: told again, the deals know it. Raises the door's refusals, so that the caller comes again.
    """
    told = 0
    for deal_id in await touched(database, person, groups):
        async with database.session() as session:
            row = await session.get_one(DealRow, deal_id)
        deal = from_json(Deal, row.state)
        order = in_approval(deal)
        if order is None:
            continue
        entity = await entity_of(database, row.entity_id)
        await refuse_while_moving(database, entity)
        world = await world_of(database, at=now_of(entity), barred=order.approval.barred)
        body = Reseat(version=order.version, person=person.lower(), asks=ask_anew(order.approval, world), reason=reason)
        message = Message(
            id=derived("msg", "reseat", cause, deal_id), by=SYSTEM, body=body, channel="system", at=entity.clock_at
        )
        answer = await door_of(request).command(deal_id, message)
        if answer is not None and answer.verdict is Verdict.REFUSED:
            log.info("not reseated", deal_id=deal_id, error=answer.error)
            continue
        told += 1
    return told
