"""Out of office and delegations with dates: kept, listed, taken back; open approvals are looked up anew at once."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field, model_validator
from sqlalchemy import text

from api.approving.world import directory_of, note_change, reseat
from api.caller import Anyone, Caller, Role
from api.errors import Refusal, missing
from api.idempotency import OnceKey, WriteRoute
from api.key import Group
from api.schema import At, Email, Id, Out, Schema
from api.store import Db, insert_once, sql
from domain.approving.people import Delegation, Directory, circles
from models import directory
from models.database import Database
from models.directory import AbsenceRow

router = APIRouter(prefix="/v1/absences", tags=["approvals"], route_class=WriteRoute)

_REVOKE = text("UPDATE absences SET revoked_at = now() WHERE id = :id AND revoked_at IS NULL")


class AbsenceIn(Schema):
    person: Email | None = Field(default=None, description="admin only; otherwise the caller")
    delegate_to: Email | None = Field(default=None, description="who decides meanwhile; nobody where left out")
    since: At
    until: At = Field(description="not included")
    away: bool = Field(default=True, description="false: both may decide")
    groups: list[Group] = Field(default=[], max_length=50, description="for these groups only; all unless said")

    @model_validator(mode="after")
    def _dates(self) -> "AbsenceIn":
        if self.since >= self.until:
            raise ValueError("until is not after since")
        if not self.away and self.delegate_to is None:
            raise ValueError("whoever is not away and names nobody says nothing")
        return self


class AbsenceOut(Out):
    id: str
    person: str
    delegate_to: str
    since: At
    until: At
    away: bool
    groups: list[str]
    created_by: str
    created_at: At
    revoked_at: At | None


@router.post("", status_code=201)
async def save_absence(absence: AbsenceIn, request: Request, caller: Anyone, once: OnceKey, database: Db) -> AbsenceOut:
    """Be away, or let somebody decide besides; nobody else says so for you but an admin."""
    person = (absence.person or caller.person).lower()
    _own(person, caller)
    to = (absence.delegate_to or "").lower()
    await _check(database, absence, person, to)
    row = AbsenceRow(
        id=once.id("abs"),
        person=person,
        delegate_to=to,
        since=absence.since,
        until=absence.until,
        away=absence.away,
        groups=sorted(set(absence.groups)),
        created_by=caller.person,
        created_at=datetime.now(tz=absence.since.tzinfo),
    )
    reason = f"{person} is away" if row.away else f"{to} stands in for {person}"
    async with database.transaction() as session:
        await insert_once(session, row)
        change = await note_change(session, person, reason, cause=row.id)
        kept = await session.get_one(AbsenceRow, row.id)
    await reseat(request, database, change)
    return AbsenceOut.model_validate(kept)


def _own(person: str, caller: Caller) -> None:
    if person != caller.person.lower() and caller.role is not Role.ADMIN:
        raise Refusal(
            403,
            "AbsenceOfAnother",
            "only an admin says so for somebody else",
            where="person",
            hint="leave it out: then it is about you",
        )


async def _check(database: Database, absence: AbsenceIn, person: str, to: str) -> None:
    """Known people who have not left, another person, and no circle of deputies."""
    known = await directory_of(database)
    for where, email in (("person", person), ("delegate_to", to)):
        if email and not known.is_here(email, absence.since):
            raise Refusal(
                422, "UnknownPerson", f"{email} does not work here", where=where, hint="name somebody of /v1/people"
            )
    if person == to:
        raise Refusal(422, "OwnDeputy", "nobody stands in for themselves", where="delegate_to", hint="name another")
    new = Delegation(
        person=person, to=to, since=absence.since, until=absence.until, away=absence.away, groups=tuple(absence.groups)
    )
    after = Directory(known.people, (*known.delegations, new))
    around = [circle for circle in circles(after) if person in circle]
    if around and not [circle for circle in circles(known) if person in circle]:
        row = " to ".join((*around[0], around[0][0]))
        raise Refusal(
            409,
            "DeputiesInACircle",
            f"while all are away the voice would go round: {row}",
            where="delegate_to",
            hint="name somebody who is there",
        )


@router.get("")
async def list_absences(
    _caller: Anyone,
    database: Db,
    person: Annotated[str, Query(max_length=254)] = "",
    at: Annotated[At | None, Query()] = None,
) -> list[AbsenceOut]:
    """What nobody took back, the earliest first: of one person (also as deputy), or what is not over at a moment."""
    async with database.session() as session:
        rows = await directory.absences(session, person=person.lower(), at=at)
    return [AbsenceOut.model_validate(row) for row in rows]


@router.post("/{absence_id}/revoke")
async def revoke_absence(absence_id: Id, request: Request, caller: Anyone, once: OnceKey, database: Db) -> AbsenceOut:
    """Back again: what was handed over goes back where nobody has answered yet."""
    async with database.transaction() as session:
        row = await session.get(AbsenceRow, absence_id)
        if row is None:
            raise missing("absence", absence_id)
        _own(row.person, caller)
        await sql(session, _REVOKE, {"id": absence_id})
        await session.refresh(row)
        change = await note_change(session, row.person, f"{row.person} is back", cause=once.id("back"))
    await reseat(request, database, change)
    return AbsenceOut.model_validate(row)
