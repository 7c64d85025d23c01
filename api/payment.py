"""Payments: money that came (receipts, each once by the gateway's or the bank's id) and every attempt to collect it."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from sqlmodel import col, select

from api.amount import AmountOut, amount
from api.caller import Anyone
from api.pagination import Cursor, Limit, Page, decode, encode, page
from api.schema import At, Id, Out
from api.store import Db
from models.payment import PaymentAttemptRow, ReceiptRow

router = APIRouter(prefix="/v1/payments", tags=["payments"])


class ReceiptOut(Out):
    id: str
    deal_id: str | None
    entity_id: str
    invoice_id: str | None
    source: str
    gateway_ref: str
    amount: AmountOut
    received_on: date


class AttemptOut(Out):
    key: str
    deal_id: str
    invoice_id: str
    attempt: int
    amount: AmountOut
    status: str
    code: str
    gateway_ref: str
    started_at: At
    settled_at: At | None


def _receipt(row: ReceiptRow) -> ReceiptOut:
    known = row.model_dump(exclude={"amount_minor", "currency", "recorded_at"})
    return ReceiptOut(**known, amount=amount(row.amount_minor, row.currency))


def _attempt(row: PaymentAttemptRow) -> AttemptOut:
    known = row.model_dump(exclude={"amount_minor", "currency", "recorded_at"})
    return AttemptOut(**known, amount=amount(row.amount_minor, row.currency))


@router.get("")
async def list_payments(
    _caller: Anyone,
    database: Db,
    deal: Annotated[str | None, Query()] = None,
    entity: Annotated[str | None, Query()] = None,
    invoice: Annotated[str | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ReceiptOut]:
    """Money that came, by day."""
    query = select(ReceiptRow).order_by(col(ReceiptRow.received_on), col(ReceiptRow.id)).limit(limit + 1)
    for column, value in ((ReceiptRow.deal_id, deal), (ReceiptRow.entity_id, entity), (ReceiptRow.invoice_id, invoice)):
        if value is not None:
            query = query.where(col(column) == value)
    if cursor is not None:
        on, id_ = decode(cursor, date, str)
        later = col(ReceiptRow.received_on) > on
        query = query.where(later | ((col(ReceiptRow.received_on) == on) & (col(ReceiptRow.id) > id_)))
    async with database.session() as session:
        rows = (await session.exec(query)).all()
    return page(rows, limit, lambda row: encode(row.received_on, row.id), _receipt)


@router.get("/attempts")
async def list_attempts(
    _caller: Anyone, database: Db, deal: Annotated[Id, Query()], limit: Limit = 100, cursor: Cursor = None
) -> Page[AttemptOut]:
    """Every attempt to collect, of one deal, by invoice and number."""
    table = PaymentAttemptRow
    query = select(table).where(col(table.deal_id) == deal).order_by(col(table.key)).limit(limit + 1)
    if cursor is not None:
        query = query.where(col(table.key) > decode(cursor, str)[0])
    async with database.session() as session:
        rows = (await session.exec(query)).all()
    return page(rows, limit, lambda row: encode(row.key), _attempt)
