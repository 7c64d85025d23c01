"""Who stands in for whom and when, and when people of a country work: what asking for an approval looks at."""
# ruff: noqa: RUF012 (a column's default is a value, never changed in place)

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, TextualSelect, column, or_
from sqlalchemy import Row as Found
from sqlalchemy import text as sql
from sqlmodel import Field, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.approving.asking import Whom
from domain.approving.calendar import Calendars
from domain.approving.people import Delegation, Directory, Person
from models.base import DOCUMENT, Json, Recorded, Row, Texts, positive


class AbsenceRow(Row, table=True):
    """From `since` until `until` (not included) `delegate_to` speaks for `person` ('' nobody does).

    `away`: the person is not asked at all; otherwise both may decide. `groups`: for these only. Only its revocation may be
    added, once (triggers).
    """

    __tablename__ = "absences"
    __table_args__ = (
        CheckConstraint("since < until", name="dates"),
        CheckConstraint("person = lower(person)", name="one_person"),
        CheckConstraint("person <> lower(delegate_to)", name="another_person"),
        CheckConstraint("away OR delegate_to <> ''", name="says_something"),
        Index("absences_person_ix", "person", "until", postgresql_where="revoked_at IS NULL"),
    )

    id: str = Field(primary_key=True)
    person: str
    delegate_to: str = ""
    since: datetime
    until: datetime
    away: bool = True
    groups: Texts = []
    created_by: str
    created_at: datetime
    revoked_at: datetime | None = None
    recorded_at: Recorded = None


class CalendarRow(Row, table=True):
    """When people of a country (two letters, or `*` for all others) work: one section of `Calendars.parse`. Immutable."""

    __tablename__ = "calendars"
    __table_args__ = (
        positive("version"),
        CheckConstraint(r"country ~ '^([A-Z]{2}|\*)$'", name="country"),
    )

    country: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    content: Json
    created_by: str
    created_at: datetime
    recorded_at: Recorded = None


class SeatChangeRow(Row, table=True):
    """Something was said of a person that may change who decides about open approvals; it is written with what was said.

    `told_at`: the relay told the deals concerned. Whoever said it told them at once; the relay comes some seconds later, so
    that nothing is forgotten after a crash, and sees what was just being asked while it was said.
    """

    __tablename__ = "seat_changes"
    __table_args__ = (Index("seat_changes_untold_ix", "recorded_at", postgresql_where="told_at IS NULL"),)

    id: str = Field(primary_key=True)
    person: str
    reason: str
    told_at: datetime | None = None
    recorded_at: Recorded = None


async def calendars(session: AsyncSession) -> Sequence[CalendarRow]:
    """The latest calendar of every country."""
    table = CalendarRow
    rows = (await session.exec(select(table).order_by(col(table.country), col(table.version)))).all()
    return list({row.country: row for row in rows}.values())


async def absences(session: AsyncSession, *, person: str = "", at: datetime | None = None) -> Sequence[AbsenceRow]:
    """What was not revoked: of one person where said, and not over at `at` where said; the earliest first."""
    table = AbsenceRow
    query = select(table).where(col(table.revoked_at).is_(None))
    if person:
        query = query.where(or_(col(table.person) == person, col(table.delegate_to) == person))
    if at is not None:
        query = query.where(col(table.until) > at)
    return (await session.exec(query.order_by(col(table.since), col(table.id)))).all()


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """How a person is told: `email` as it is kept, the language, the Slack channel ('' none)."""

    email: str
    name: str
    language: str = "en"
    slack: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """Everybody who may be asked, when they work, and how each is told (by e-mail in lower case)."""

    directory: Directory
    calendars: Calendars
    contacts: Mapping[str, Contact]


# those named, those in the roles, then, again and again, their managers and whoever stands in for them
_CONCERNED = """
    WITH RECURSIVE concerned (email) AS (
        (SELECT unnest(CAST(:people AS text[])) UNION SELECT email FROM people WHERE groups && CAST(:roles AS text[]))
        UNION
        SELECT next.email FROM concerned c CROSS JOIN LATERAL (
            SELECT lower(p.manager) FROM people p WHERE p.email = c.email AND p.manager <> ''
            UNION ALL
            SELECT lower(a.delegate_to) FROM absences a WHERE a.person = c.email AND a.delegate_to <> ''
               AND a.revoked_at IS NULL AND a.until > :at
        ) AS next (email)
    )"""
_EVERYBODY = """
    WITH concerned (email) AS (SELECT email FROM people UNION SELECT person FROM absences)"""
_READ = """
    , known AS (SELECT p.* FROM people p JOIN concerned c ON p.email = c.email)
    SELECT (SELECT coalesce(jsonb_agg(to_jsonb(k)), '[]') FROM known k) AS people,
           (SELECT coalesce(jsonb_agg(to_jsonb(a)), '[]') FROM absences a JOIN concerned c ON a.person = c.email
             WHERE a.revoked_at IS NULL AND a.until > :at) AS absences,
           (SELECT coalesce(jsonb_object_agg(country, content), '{}')
              FROM (SELECT DISTINCT ON (country) country, content FROM calendars
                     WHERE country = '*' OR country IN (SELECT country FROM known) ORDER BY country, version DESC) d
           ) AS calendars"""


def _reading(who: str) -> TextualSelect:
    return sql(who + _READ).columns(
        column("people", DOCUMENT), column("absences", DOCUMENT), column("calendars", DOCUMENT)
    )


_OF_SOME, _OF_ALL = _reading(_CONCERNED), _reading(_EVERYBODY)
_CONTACTS = sql("SELECT email, name, language, slack FROM people WHERE email = ANY(:emails)")


async def around(session: AsyncSession, at: datetime, whom: Whom) -> Around:
    """All that asking these people and roles looks at, as it is at `at`: them, their managers and deputies, and theirs in
    turn; in one query. Raises CalendarsInvalid.
    """
    given = {"at": at, "people": list(whom.people), "roles": list(whom.roles)}
    return _around((await session.execute(_OF_SOME, given)).one())


async def everybody(session: AsyncSession, at: datetime) -> Around:
    """The same of all people: for who looks at a whole policy, or for circles of deputies."""
    return _around((await session.execute(_OF_ALL, {"at": at})).one())


def _around(row: Found[Any]) -> Around:
    people, absences_, calendars_ = tuple(row)
    return Around(
        directory=Directory(tuple(map(_person, people)), tuple(map(_delegation, absences_))),
        calendars=Calendars.parse(calendars_),
        contacts={p["email"].lower(): Contact(**{name: p[name] for name in Contact.__slots__}) for p in people},
    )


async def contacts(session: AsyncSession, people: Sequence[str]) -> dict[str, Contact]:
    """How these people are told; whoever is not known is left out."""
    wanted = [person.lower() for person in people]
    rows = (await session.execute(_CONTACTS, {"emails": wanted})).mappings().all() if wanted else []
    return {row["email"].lower(): Contact(**row) for row in rows}


def _person(row: Mapping[str, Any]) -> Person:
    left = row["left_at"]
    return Person(
        email=row["email"].lower(),
        roles=tuple(row["groups"]),
        manager=(row["manager"] or "").lower(),
        country=row["country"],
        left_at=datetime.fromisoformat(left) if left else None,
    )


def _delegation(row: Mapping[str, Any]) -> Delegation:
    return Delegation(
        person=row["person"].lower(),
        to=row["delegate_to"].lower(),
        since=datetime.fromisoformat(row["since"]),
        until=datetime.fromisoformat(row["until"]),
        away=row["away"],
        groups=tuple(row["groups"]),
    )
