"""Deals: the row that lists read and the fence guards, every step that was taken, and the timeline people read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, func, tuple_
from sqlmodel import Field, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.base import Json, OptionalJson, Recorded, Row, Serial, currency_code, one_of, together

STAGES = ("quote", "approval", "signature", "provisioning", "active", "suspended", "ended")


class DealRow(Row, table=True):
    """One row per deal, written only by the deal's own steps through the fence (`models/write.py`).

    `turn` is the number of steps taken; a trigger lets it grow by one at a time, and keeps `virtual` and
    `entity_id` as they were opened.
    """

    __tablename__ = "deals"
    __table_args__ = (
        together("legal_entities", {"entity_id": "id", "virtual": "virtual"}),
        together("accounts", {"account_id": "id", "entity_id": "entity_id"}),
        UniqueConstraint("id", "entity_id"),
        one_of("stage", STAGES),
        currency_code(),
        CheckConstraint("turn >= 0", name="turn"),
        Index("deals_opened_ix", "opened_at", "id"),
        Index("deals_stage_ix", "stage", "opened_at", "id"),
        Index("deals_owner_ix", "owner", "opened_at", "id"),
        Index("deals_account_ix", "account_id", "opened_at", "id"),
        Index("deals_entity_next_ix", "entity_id", "next_at"),
    )

    id: str = Field(primary_key=True)
    name: str
    entity_id: str
    virtual: bool
    account_id: str
    owner: str
    currency: str
    turn: int = 0
    stage: str = "quote"
    waits_for: str = ""
    who: str = ""
    since: datetime
    next_kind: str = ""
    next_at: datetime | None = None
    parked: str = ""
    acv_minor: int = 0
    # use_alter: deals and contracts point at each other
    contract_id: str | None = Field(
        default=None, sa_column_args=[ForeignKey("contracts.id", use_alter=True, name="deals_contract_id_fk")]
    )
    ended_on: date | None = None
    state: Json
    opened_at: datetime
    recorded_at: Recorded = None


class DealStepRow(Row, table=True):
    """What took turn `turn` of the deal, with its outcome: what a forgotten activity is answered with. Immutable."""

    __tablename__ = "deal_steps"

    deal_id: str = Field(primary_key=True, foreign_key="deals.id")
    turn: int = Field(primary_key=True)
    key: str = Field(unique=True)
    kind: str
    subject: str
    number: int
    at: datetime
    performed_at: datetime
    outcome: Json
    recorded_at: Recorded = None


class TimelineRow(Row, table=True):
    """One line of the deal's story: when, who, why, what, how much. Immutable."""

    __tablename__ = "timeline"
    __table_args__ = (
        CheckConstraint("(amount_minor IS NULL) = (currency IS NULL)", name="an_amount_has_a_currency"),
        currency_code(),
        Index("timeline_deal_ix", "deal_id", "id"),
    )

    id: Serial = None
    deal_id: str = Field(foreign_key="deals.id")
    turn: int
    at: datetime
    kind: str
    actor: str = ""
    cause: str = ""
    text: str
    subject_kind: str = ""
    subject_id: str = ""
    amount_minor: int | None = Field(default=None, sa_type=BigInteger)
    currency: str | None = None
    data: OptionalJson = None
    recorded_at: Recorded = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a list of deals shows; None is anything. `opened_before` and `opened_from` are instants (age)."""

    stage: str | None = None
    owner: str | None = None
    account_id: str | None = None
    entity_id: str | None = None
    waits_for: str | None = None
    opened_from: datetime | None = None
    opened_before: datetime | None = None


async def page(
    session: AsyncSession, wanted: Filter, *, limit: int, after: tuple[datetime, str] | None = None
) -> Sequence[DealRow]:
    """At most `limit` deals, the newest first; `after` is (opened_at, id) of the last one of the page before."""
    query = select(DealRow).order_by(col(DealRow.opened_at).desc(), col(DealRow.id).desc()).limit(limit)
    for name in ("stage", "owner", "account_id", "entity_id", "waits_for"):
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(col(getattr(DealRow, name)) == value)
    if wanted.opened_from is not None:
        query = query.where(col(DealRow.opened_at) >= wanted.opened_from)
    if wanted.opened_before is not None:
        query = query.where(col(DealRow.opened_at) < wanted.opened_before)
    if after is not None:
        query = query.where(tuple_(col(DealRow.opened_at), col(DealRow.id)) < after)
    return (await session.exec(query)).all()


async def steps(session: AsyncSession, deal_id: str) -> Sequence[DealStepRow]:
    """All that the deal did, in order."""
    query = select(DealStepRow).where(col(DealStepRow.deal_id) == deal_id).order_by(col(DealStepRow.turn))
    return (await session.exec(query)).all()


async def timeline(
    session: AsyncSession, deal_id: str, *, after: int = 0, limit: int | None = None
) -> Sequence[TimelineRow]:
    """The deal's story from the line with the id `after` on, in the order in which it was written."""
    query = select(TimelineRow).where(col(TimelineRow.deal_id) == deal_id, col(TimelineRow.id) > after)
    return (await session.exec(query.order_by(col(TimelineRow.id)).limit(limit))).all()


async def next_due(session: AsyncSession, entity_id: str) -> datetime | None:
    """When the next of all deals of this entity has something to do: where a sandbox's clock hops to."""
    found: datetime | None = (
        await session.exec(select(func.min(col(DealRow.next_at))).where(col(DealRow.entity_id) == entity_id))
    ).one()
    return found


async def due(session: AsyncSession, entity_id: str, until: datetime) -> Sequence[DealRow]:
    """The deals of this entity that have something to do up to and including `until`, the earliest first."""
    query = select(DealRow).where(col(DealRow.entity_id) == entity_id, col(DealRow.next_at) <= until)
    return (await session.exec(query.order_by(col(DealRow.next_at), col(DealRow.id)))).all()
