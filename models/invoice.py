"""Invoices and their lines: final from the moment they exist, but for their status and what was paid on them."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.account import METHODS
from models.base import (
    OptionalJson,
    Quantity,
    Recorded,
    Row,
    Share,
    currency_code,
    not_negative,
    one_of,
    positive,
    together,
)

STATUSES = ("open", "paid", "uncollectible")


class InvoiceRow(Row, table=True):
    """One invoice per contract, term, period and occasion ('' is the period itself, a milestone has its name). Its entity is its deal's (composite key): a sandbox deal cannot
    take a number of a real series. Only `status` and `paid_minor` may change (trigger); at the commit its net must
    be the sum of its lines (deferred trigger).
    """

    __tablename__ = "invoices"
    __table_args__ = (
        together("deals", {"deal_id": "id", "entity_id": "entity_id"}),
        together("accounts", {"account_id": "id", "entity_id": "entity_id"}),
        together("contracts", {"contract_id": "id", "deal_id": "deal_id"}),
        UniqueConstraint("id", "entity_id"),
        UniqueConstraint("id", "deal_id"),
        UniqueConstraint("contract_id", "term", "period_no", "occasion"),
        UniqueConstraint("entity_id", "series", "sequence"),
        UniqueConstraint("entity_id", "number"),
        one_of("status", STATUSES),
        one_of("method", METHODS),
        currency_code(),
        not_negative("net_minor", "tax_minor", "total_minor", "paid_minor", "tax_rate"),
        positive("sequence"),
        CheckConstraint("total_minor = net_minor + tax_minor", name="total"),
        CheckConstraint("paid_minor <= total_minor", name="not_overpaid"),
        CheckConstraint("(status = 'paid') = (paid_minor = total_minor)", name="paid_is_paid_in_full"),
        CheckConstraint("issued_on <= due_on", name="due"),
        CheckConstraint("period_start < period_end", name="period"),
        Index("invoices_deal_ix", "deal_id", "issued_on", "id"),
        Index("invoices_account_ix", "account_id", "issued_on", "id"),
        Index("invoices_issued_ix", "issued_on", "id"),
        Index("invoices_open_ix", "entity_id", "due_on", "id", postgresql_where="status = 'open'"),
    )

    id: str = Field(primary_key=True)
    deal_id: str
    entity_id: str
    account_id: str
    contract_id: str
    term: int
    period_no: int
    occasion: str = ""
    number: str
    sequence: int = Field(sa_type=BigInteger)
    series: str
    status: str = "open"
    issued_on: date
    due_on: date
    period_start: date
    period_end: date
    currency: str
    net_minor: int
    tax_minor: int
    total_minor: int
    paid_minor: int = 0
    tax_rate: Share = Decimal(0)
    tax_name: str = ""
    method: str
    key: str = Field(unique=True)
    recorded_at: Recorded = None


class InvoiceLineRow(Row, table=True):
    """`amount_minor` is net of tax; `explain` says how it came about. Immutable."""

    __tablename__ = "invoice_lines"

    invoice_id: str = Field(primary_key=True, foreign_key="invoices.id")
    line_no: int = Field(primary_key=True)
    description: str
    quantity: Quantity
    unit_label: str = ""
    amount_minor: int
    period_start: date
    period_end: date
    revenue_account: str
    explain: OptionalJson = None
    recorded_at: Recorded = None


async def of_deal(session: AsyncSession, deal_id: str) -> Sequence[InvoiceRow]:
    """Every invoice of the deal, in the order of the service they bill."""
    query = select(InvoiceRow).where(col(InvoiceRow.deal_id) == deal_id)
    return (
        await session.exec(query.order_by(col(InvoiceRow.term), col(InvoiceRow.period_no), col(InvoiceRow.occasion)))
    ).all()


async def open_for_deal(session: AsyncSession, deal_id: str) -> Sequence[InvoiceRow]:
    """What the deal still owes, the earliest due first."""
    query = select(InvoiceRow).where(col(InvoiceRow.deal_id) == deal_id, col(InvoiceRow.status) == "open")
    return (await session.exec(query.order_by(col(InvoiceRow.due_on), col(InvoiceRow.id)))).all()


async def open_by_number(session: AsyncSession, entity_id: str, numbers: Sequence[str]) -> Sequence[InvoiceRow]:
    """The entity's open invoices with one of these numbers: what a bank line's reference may mean."""
    query = select(InvoiceRow).where(
        col(InvoiceRow.entity_id) == entity_id, col(InvoiceRow.number).in_(numbers), col(InvoiceRow.status) == "open"
    )
    return (await session.exec(query.order_by(col(InvoiceRow.due_on), col(InvoiceRow.id)))).all()


async def lines(session: AsyncSession, invoice_id: str) -> Sequence[InvoiceLineRow]:
    """Its lines, as printed."""
    query = select(InvoiceLineRow).where(col(InvoiceLineRow.invoice_id) == invoice_id)
    return (await session.exec(query.order_by(col(InvoiceLineRow.line_no)))).all()
