"""Contracts: what was signed, its terms one after another, and the lines that each term bills."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from sqlmodel import col, select

from api.caller import Anyone
from api.deal_page import AmountOut, amount
from api.errors import missing
from api.pagination import Cursor, Limit, Page, decode, encode, page
from api.schema import Figure, Id, Out
from api.store import Db
from models import contract as contracts
from models.contract import ContractLineRow, ContractRow

router = APIRouter(prefix="/v1/contracts", tags=["contracts"])


class ContractOut(Out):
    id: str
    deal_id: str
    entity_id: str
    account_id: str
    number: str
    currency: str
    stage: str
    starts_on: date | None
    ends_on: date | None
    method: str
    net_days: int
    auto_renew: bool
    notice_days: int
    uplift: Figure
    signed_sha256: str


class LineOut(Out):
    line_no: int
    product: str
    description: str
    model: str
    quantity: Figure
    unit_label: str
    period_amount: AmountOut


class TermOut(Out):
    term: int
    order_number: int
    quote_version_id: str
    starts_on: date | None
    ends_on: date | None
    interval_months: int
    lines: list[LineOut]


class ContractFullOut(ContractOut):
    terms: list[TermOut]


@router.get("")
async def list_contracts(
    _caller: Anyone,
    database: Db,
    account: Annotated[str | None, Query()] = None,
    entity: Annotated[str | None, Query()] = None,
    stage: Annotated[str | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ContractOut]:
    """Contracts by id."""
    query = select(ContractRow).order_by(col(ContractRow.id)).limit(limit + 1)
    for column, value in (
        (ContractRow.account_id, account),
        (ContractRow.entity_id, entity),
        (ContractRow.stage, stage),
    ):
        if value is not None:
            query = query.where(col(column) == value)
    if cursor is not None:
        query = query.where(col(ContractRow.id) > decode(cursor, str)[0])
    async with database.session() as session:
        rows = (await session.exec(query)).all()
    return page(rows, limit, lambda row: encode(row.id), ContractOut.model_validate)


@router.get("/{contract_id}")
async def show_contract(contract_id: Id, _caller: Anyone, database: Db) -> ContractFullOut:
    """One contract with its terms and lines."""
    async with database.session() as session:
        row = await session.get(ContractRow, contract_id)
        if row is None:
            raise missing("contract", contract_id)
        terms = await contracts.terms(session, contract_id)
        lines = {term.term: await contracts.lines(session, contract_id, term.term) for term in terms}
    shown = [
        TermOut(
            term=term.term,
            order_number=term.order_number,
            quote_version_id=term.quote_version_id,
            starts_on=term.starts_on,
            ends_on=term.ends_on,
            interval_months=term.interval_months,
            lines=[_line(line, row.currency) for line in lines[term.term]],
        )
        for term in terms
    ]
    return ContractFullOut(**ContractOut.model_validate(row).model_dump(), terms=shown)


def _line(row: ContractLineRow, currency: str) -> LineOut:
    return LineOut(
        line_no=row.line_no,
        product=row.product,
        description=row.description,
        model=row.model,
        quantity=row.quantity,
        unit_label=row.unit_label,
        period_amount=amount(row.period_amount_minor, currency),
    )
