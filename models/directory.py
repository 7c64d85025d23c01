"""Who stands in for whom and when, and when people of a country work: what asking for an approval looks at."""
# ruff: noqa: RUF012 (a column's default is a value, never changed in place)

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import CheckConstraint, Index, or_
from sqlmodel import Field, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.base import Json, Recorded, Row, Texts, positive


class AbsenceRow(Row, table=True):
    """From `since` until `until` (not included) `delegate_to` speaks for `person` ('' nobody does).

    `away`: the person is not asked at all; otherwise both may decide. `groups`: for these only. Only its revocation may be
    added, once (triggers).
    """

    __tablename__ = "absences"
    __table_args__ = (
        CheckConstraint("since < until", name="dates"),
        CheckConstraint("lower(person) <> lower(delegate_to)", name="another_person"),
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


async def calendars(session: AsyncSession) -> Sequence[CalendarRow]:
    """The latest calendar of every country."""
    table = CalendarRow
    query = select(table).distinct(col(table.country)).order_by(col(table.country), col(table.version).desc())
    return (await session.exec(query)).all()


async def absences(session: AsyncSession, *, person: str = "", at: datetime | None = None) -> Sequence[AbsenceRow]:
    """What was not revoked: of one person where said, and not over at `at` where said; the earliest first."""
    table = AbsenceRow
    query = select(table).where(col(table.revoked_at).is_(None))
    if person:
        query = query.where(or_(col(table.person) == person, col(table.delegate_to) == person))
    if at is not None:
        query = query.where(col(table.until) > at)
    return (await session.exec(query.order_by(col(table.since), col(table.id)))).all()
