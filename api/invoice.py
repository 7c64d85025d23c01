"""Invoices: final from the moment they exist, with how each line came about, and their paper."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlmodel import col, select

from api.amount import AmountOut, amount
from api.caller import Anyone
from api.document import invoice_document, pdf_response
from api.errors import missing
from api.pagination import LARGEST_PAGE, Page, decode, encode, page
from api.schema import Figure, Id, Out, Schema
from api.store import Db
from models import invoice as invoices
from models.invoice import InvoiceLineRow, InvoiceRow

router = APIRouter(prefix="/v1/invoices", tags=["invoices"])


class InvoiceOut(Out):
    id: str
    number: str = Field(examples=["ACME-DE-000001"])
    status: str
    deal_id: str
    entity_id: str
    account_id: str
    contract_id: str
    term: int
    period_no: int
    occasion: str = Field(description="a milestone's name; empty: the period itself")
    issued_on: date
    due_on: date
    period_start: date
    period_end: date = Field(description="the first day after the period")
    method: str
    net: AmountOut
    tax: AmountOut
    tax_rate: Figure
    tax_name: str
    total: AmountOut
    paid: AmountOut


class LineOut(Out):
    line_no: int
    description: str
    quantity: Figure
    unit_label: str
    amount: AmountOut
    period_start: date
    period_end: date
    revenue_account: str
    explain: list[str] = Field(description="how the amount came about, step by step")


class InvoiceFullOut(InvoiceOut):
    lines: list[LineOut]


class InvoiceFilter(Schema):
    """Which invoices; by day of issue."""

    deal: str | None = None
    account: str | None = None
    entity: str | None = None
    status: Literal["open", "paid", "uncollectible"] | None = None
    number: str | None = Field(default=None, max_length=100, examples=["ACME-DE-000001"])
    issued_from: date | None = None
    issued_before: date | None = None
    limit: int = Field(default=50, ge=1, le=LARGEST_PAGE)
    cursor: str | None = Field(default=None, max_length=500)


def _known(row: InvoiceRow) -> dict[str, Any]:
    plain = row.model_dump(exclude={"net_minor", "tax_minor", "total_minor", "paid_minor", "recorded_at", "key"})
    amounts = {name: amount(getattr(row, f"{name}_minor"), row.currency) for name in ("net", "tax", "total", "paid")}
    return {**plain, **amounts}


@router.get("")
async def list_invoices(_caller: Anyone, database: Db, wanted: Annotated[InvoiceFilter, Query()]) -> Page[InvoiceOut]:
    """Invoices by day of issue, the oldest first; every filter narrows."""
    query = select(InvoiceRow).order_by(col(InvoiceRow.issued_on), col(InvoiceRow.id)).limit(wanted.limit + 1)
    names = {"deal": "deal_id", "account": "account_id", "entity": "entity_id", "status": "status", "number": "number"}
    for said, column in names.items():
        if (value := getattr(wanted, said)) is not None:
            query = query.where(col(getattr(InvoiceRow, column)) == value)
    if wanted.issued_from is not None:
        query = query.where(col(InvoiceRow.issued_on) >= wanted.issued_from)
    if wanted.issued_before is not None:
        query = query.where(col(InvoiceRow.issued_on) < wanted.issued_before)
    if wanted.cursor is not None:
        on, id_ = decode(wanted.cursor, date, str)
        later = col(InvoiceRow.issued_on) > on
        query = query.where(later | ((col(InvoiceRow.issued_on) == on) & (col(InvoiceRow.id) > id_)))
    async with database.session() as session:
        rows = (await session.exec(query)).all()
    return page(rows, wanted.limit, lambda row: encode(row.issued_on, row.id), lambda row: InvoiceOut(**_known(row)))


@router.get("/{invoice_id}")
async def show_invoice(invoice_id: Id, _caller: Anyone, database: Db) -> InvoiceFullOut:
    """One invoice with its lines and how each came about."""
    async with database.session() as session:
        row = await session.get(InvoiceRow, invoice_id)
        if row is None:
            raise missing("invoice", invoice_id)
        lines = await invoices.lines(session, invoice_id)
    return InvoiceFullOut(**_known(row), lines=[_line(line, row.currency) for line in lines])


def _line(row: InvoiceLineRow, currency: str) -> LineOut:
    known = row.model_dump(exclude={"invoice_id", "amount_minor", "recorded_at", "explain"})
    steps = (row.explain or {}).get("steps", [])
    return LineOut(**known, amount=amount(row.amount_minor, currency), explain=steps)


@router.get("/{invoice_id}/pdf", response_class=Response, responses={200: {"content": {"application/pdf": {}}}})
async def show_invoice_pdf(invoice_id: Id, _caller: Anyone, database: Db) -> Response:
    """The invoice's paper: the same bytes whenever it is asked for."""
    invoice, document = await invoice_document(database, invoice_id)
    return pdf_response(document, invoice.number)
