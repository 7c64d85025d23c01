"""People: who may be asked to approve, in which groups, and to whom a request escalates."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field
from sqlalchemy import any_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from api.approving.world import note_change, reseat
from api.caller import Admin, Anyone
from api.errors import missing
from api.idempotency import OnceKey, WriteRoute
from api.key import Group
from api.pagination import Cursor, Limit, Page, decode, encode, page
from api.schema import At, Country, Email, Language, Line, Out, Schema, Zone
from api.store import Db, sql
from models.access import PersonRow
from models.directory import SeatChangeRow

router = APIRouter(prefix="/v1/people", tags=["people"], route_class=WriteRoute)


class PersonIn(Schema):
    email: Email = Field(examples=["dana@acme.example"])
    name: Line = Field(examples=["Dana Desk"])
    groups: list[Group] = Field(default=[], max_length=50, examples=[["sales_manager"]])
    manager: Email | None = Field(default=None, examples=["vera@acme.example"])
    country: Country | None = Field(default=None, examples=["DE"])
    left_at: At | None = Field(default=None, description="from then on nobody decides by that name")
    language: Language = "en"
    zone: Zone = "UTC"
    slack: str = Field(
        default="",
        max_length=500,
        pattern=r"^[^\x00]*$",
        description="where they read notices: `@name`, a direct message that they alone read, or a channel",
    )


class PersonOut(Out):
    email: str
    name: str
    groups: list[str]
    manager: str | None
    country: str
    left_at: At | None
    language: str
    zone: str
    slack: str


@router.post("", status_code=201)
async def save_person(person: PersonIn, request: Request, _caller: Admin, once: OnceKey, database: Db) -> PersonOut:
    """Make a person, or write over what is known of one. Open approvals are looked up anew where it matters to them."""
    values = {
        **person.model_dump(),
        "email": person.email.lower(),
        "manager": person.manager.lower() if person.manager else None,
        "country": person.country or "",
        "groups": sorted(set(person.groups)),
    }
    statement = insert(PersonRow).values(values)
    known = {name: value for name, value in values.items() if name != "email"}
    change: SeatChangeRow | None = None
    async with database.transaction() as session:
        before = await session.get(PersonRow, values["email"])
        if reason := _moved(before, person, values["groups"]):
            change = await note_change(session, values["email"], reason, cause=once.id("person"))
        await sql(session, statement.on_conflict_do_update(index_elements=["email"], set_=known))
    if change is not None:
        await reseat(request, database, change)
    return PersonOut.model_validate(PersonRow(**values))


def _moved(before: PersonRow | None, person: PersonIn, groups: list[str]) -> str:
    """What of it may change who decides about open approvals; '' nothing."""
    email = person.email.lower()
    if before is None:
        return f"{email} is new in {', '.join(groups)}" if groups else f"{email} is new"
    if before.left_at != person.left_at:
        return f"{email} left" if person.left_at is not None else f"{email} is back"
    if before.groups != groups:
        return f"{email} is in other groups"
    manager = (person.manager or "").lower()
    return f"{email} has another manager" if (before.manager or "").lower() != manager else ""


@router.get("")
async def list_people(
    _caller: Anyone,
    database: Db,
    group: Annotated[str | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[PersonOut]:
    """People by email; `group` for the members of one group."""
    query = select(PersonRow).order_by(col(PersonRow.email)).limit(limit + 1)
    if group is not None:
        query = query.where(group == any_(col(PersonRow.groups)))
    if cursor is not None:
        query = query.where(col(PersonRow.email) > decode(cursor, str)[0])
    async with database.session() as session:
        rows = (await session.exec(query)).all()
    return page(rows, limit, lambda row: encode(row.email), PersonOut.model_validate)


@router.get("/{email}")
async def show_person(email: str, _caller: Anyone, database: Db) -> PersonOut:
    """One person."""
    async with database.session() as session:
        row = await session.get(PersonRow, email.lower())
    if row is None:
        raise missing("person", email)
    return PersonOut.model_validate(row)
