"""Money asked for (attempts) and money that came (receipts), each once by its key or by the gateway's own id."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.base import Recorded, Row, currency_code, one_of, positive, together

ATTEMPT_STATUSES = ("started", "captured", "declined", "pending", "unknown", "failed")
SOURCES = ("card", "bank")


class PaymentAttemptRow(Row, table=True):
    """`key` is the operation key and goes to the gateway as its idempotency key."""

    __tablename__ = "payment_attempts"
    __table_args__ = (
        together("invoices", {"invoice_id": "id", "deal_id": "deal_id"}),
        UniqueConstraint("invoice_id", "attempt"),
        one_of("status", ATTEMPT_STATUSES),
        currency_code(),
        positive("amount_minor"),
        Index("payment_attempts_deal_ix", "deal_id", "started_at"),
        Index("payment_attempts_gateway_ref_ix", "gateway_ref"),
    )

    key: str = Field(primary_key=True)
    deal_id: str
    invoice_id: str
    attempt: int
    amount_minor: int
    currency: str
    status: str
    gateway_ref: str = ""
    code: str = ""
    started_at: datetime
    settled_at: datetime | None = None
    recorded_at: Recorded = None


class ReceiptRow(Row, table=True):
    """Money received, once per `(source, gateway_ref)`. Without an invoice it is unapplied cash; the amount, its
    source and its entity never change, and its deal and invoice are of the same entity (composite keys).
    """

    __tablename__ = "receipts"
    __table_args__ = (
        together("deals", {"deal_id": "id", "entity_id": "entity_id"}),
        together("invoices", {"invoice_id": "id", "entity_id": "entity_id"}),
        UniqueConstraint("source", "gateway_ref"),
        one_of("source", SOURCES),
        currency_code(),
        positive("amount_minor"),
        Index("receipts_deal_ix", "deal_id"),
        Index("receipts_invoice_ix", "invoice_id"),
        Index("receipts_entity_ix", "entity_id", "received_on", "id"),
    )

    id: str = Field(primary_key=True)
    deal_id: str | None = None
    entity_id: str = Field(foreign_key="legal_entities.id")
    invoice_id: str | None = None
    source: str
    gateway_ref: str
    amount_minor: int
    currency: str
    received_on: date
    recorded_at: Recorded = None


async def attempts(session: AsyncSession, invoice_id: str) -> Sequence[PaymentAttemptRow]:
    """Every attempt to collect the invoice, the first one first."""
    query = select(PaymentAttemptRow).where(col(PaymentAttemptRow.invoice_id) == invoice_id)
    return (await session.exec(query.order_by(col(PaymentAttemptRow.attempt)))).all()


async def by_gateway_ref(session: AsyncSession, gateway_ref: str) -> PaymentAttemptRow | None:
    """The attempt that the gateway calls so."""
    query = select(PaymentAttemptRow).where(col(PaymentAttemptRow.gateway_ref) == gateway_ref)
    return (await session.exec(query)).first()


async def receipts_of_deal(session: AsyncSession, deal_id: str) -> Sequence[ReceiptRow]:
    """The money that the deal brought, by day."""
    query = select(ReceiptRow).where(col(ReceiptRow.deal_id) == deal_id)
    return (await session.exec(query.order_by(col(ReceiptRow.received_on), col(ReceiptRow.id)))).all()
