"""Contracts: one per deal, its terms (one per signed order that began one), and the lines each term bills."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.billing_plan import PlanLine
from models.account import METHODS
from models.base import Json, Quantity, Recorded, Row, Share, currency_code, not_negative, one_of, positive, together

KINDS = ("recurring", "one_time", "usage", "milestone")
TIMINGS = ("advance", "arrears")
STAGES = ("booked", "provisioning", "active", "suspended", "ended", "cancelled")


class ContractRow(Row, table=True):
    __tablename__ = "contracts"
    __table_args__ = (
        together("deals", {"deal_id": "id", "entity_id": "entity_id"}),
        together("accounts", {"account_id": "id", "entity_id": "entity_id"}),
        UniqueConstraint("id", "deal_id"),
        UniqueConstraint("entity_id", "number"),
        one_of("stage", STAGES),
        one_of("method", METHODS),
        currency_code(),
        not_negative("net_days", "notice_days"),
    )

    id: str = Field(primary_key=True)
    deal_id: str = Field(unique=True)
    entity_id: str
    account_id: str = Field(index=True)
    number: str
    currency: str
    stage: str
    starts_on: date | None = None  # unknown until provisioning ended, where that starts the term
    ends_on: date | None = None
    method: str
    net_days: int
    auto_renew: bool
    notice_days: int
    uplift: Share = Decimal(0)
    signed_sha256: str
    recorded_at: Recorded = None


class ContractTermRow(Row, table=True):
    """Term 1, 2, …: half-open [starts_on, ends_on), billed every `interval_months`."""

    __tablename__ = "contract_terms"
    __table_args__ = (
        CheckConstraint("starts_on < ends_on", name="period"),
        positive("term"),
        positive("interval_months"),
    )

    contract_id: str = Field(primary_key=True, foreign_key="contracts.id")
    term: int = Field(primary_key=True)
    order_number: int
    quote_version_id: str = Field(foreign_key="quote_versions.id")
    starts_on: date | None = None
    ends_on: date | None = None
    interval_months: int
    recorded_at: Recorded = None


class ContractLineRow(Row, table=True):
    """What one segment of a line bills in the periods [from_period, to_period) of its term (`domain/billing_plan.py`).

    `period_amount_minor` is the net amount of one full period (of the whole for `one_time` and `milestone`), `charge`
    how it came about. `to_period` NULL: to the end of the term. `starts` is '', 'signature', 'provisioning' or an ISO
    date; `starts_on` what it came to, known from the activation on.
    """

    __tablename__ = "contract_lines"
    __table_args__ = (
        UniqueConstraint("contract_id", "term", "line_no", "segment", "from_period"),
        together("contract_terms", {"contract_id": "contract_id", "term": "term"}),
        not_negative("quantity", "segment", "from_period"),
        CheckConstraint("from_period <= to_period", name="periods"),
        CheckConstraint("(kind = 'milestone') = (milestone <> '')", name="a_milestone_has_a_name"),
        one_of("kind", KINDS),
        one_of("timing", TIMINGS),
    )

    id: str = Field(primary_key=True)
    contract_id: str
    term: int
    line_no: int
    product: str
    description: str
    model: str
    quantity: Quantity
    unit_label: str = ""
    period_amount_minor: int
    charge: Json
    segment: int = 0
    kind: str = "recurring"
    timing: str = "advance"
    from_period: int = 0
    to_period: int | None = None
    milestone: str = ""
    starts: str = ""
    starts_on: date | None = None
    recorded_at: Recorded = None


async def of_deal(session: AsyncSession, deal_id: str) -> ContractRow | None:
    """The deal's one contract."""
    return (await session.exec(select(ContractRow).where(col(ContractRow.deal_id) == deal_id))).first()


async def terms(session: AsyncSession, contract_id: str) -> Sequence[ContractTermRow]:
    """Its terms, the first one first."""
    query = (
        select(ContractTermRow)
        .where(col(ContractTermRow.contract_id) == contract_id)
        .order_by(col(ContractTermRow.term))
    )
    return (await session.exec(query)).all()


async def lines(session: AsyncSession, contract_id: str, term: int) -> Sequence[ContractLineRow]:
    """What one term bills, in the order of the order form: each line's segments in the order of their periods."""
    query = (
        select(ContractLineRow)
        .where(col(ContractLineRow.contract_id) == contract_id, col(ContractLineRow.term) == term)
        .order_by(col(ContractLineRow.line_no), col(ContractLineRow.from_period), col(ContractLineRow.segment))
    )
    return (await session.exec(query)).all()


def plan_line(row: Mapping[str, Any], *, periods: int) -> PlanLine:
    """A line as it was booked; `row` is the row's columns, or their JSON. A term has `periods`."""
    charge, starts_on, to_period = row["charge"], row["starts_on"], row["to_period"]
    return PlanLine(
        line_no=row["line_no"],
        segment=row["segment"],
        kind=row["kind"],
        timing=row["timing"],
        from_period=row["from_period"],
        to_period=periods if to_period is None else to_period,
        product=row["product"],
        description=row["description"],
        model=row["model"],
        unit_label=row["unit_label"],
        quantity=Decimal(str(row["quantity"])),
        amount_minor=row["period_amount_minor"],
        revenue_account=charge["revenue_account"],
        explain=tuple(charge["explain"]),
        milestone=row["milestone"],
        starts=row["starts"],
        starts_on=date.fromisoformat(starts_on) if isinstance(starts_on, str) else starts_on,
    )
