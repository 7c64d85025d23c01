"""Contracts: what was signed, its terms one after another, the lines that each term bills, and what is still to come."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from sqlmodel import col, select

from api.amount import AmountOut, amount
from api.caller import Anyone
from api.errors import missing
from api.pagination import Cursor, Limit, Page, decode, encode, page
from api.quotes.page import MilestoneOut
from api.schema import Figure, Id, Out
from api.store import Db
from domain.billing_schedule import Term
from domain.contract import Contract
from domain.preview.coming import coming
from domain.state import Deal
from models import contract as contracts
from models.contract import ContractLineRow, ContractRow, ContractTermRow
from models.deal import DealRow
from workflows.converter import from_json

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
    period_amount: AmountOut = Field(description="of one full period; of a one-time or milestone charge, of the whole")
    segment: int
    kind: str = Field(description="recurring, one_time, usage or milestone")
    timing: str
    from_period: int
    to_period: int | None = Field(description="the first period without it; null: to the end of the term")
    milestone: str
    starts: str
    starts_on: date | None
    explain: list[str] = Field(description="how the amount came about, step by step")


class ComingOut(Out):
    """An invoice that the plan of the term makes, if nothing changes."""

    on: date
    period_start: date
    period_end: date
    net: AmountOut


class TermOut(Out):
    term: int
    order_number: int
    quote_version_id: str
    starts_on: date | None
    ends_on: date | None
    interval_months: int
    lines: list[LineOut]
    coming: list[ComingOut] = Field(description="what the running term still invoices by date, net of tax")
    milestones: list[MilestoneOut] = Field(description="not reached yet: invoiced when they are")


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
        deal = await session.get_one(DealRow, row.deal_id)
        terms = await contracts.terms(session, contract_id)
        lines = {term.term: await contracts.lines(session, contract_id, term.term) for term in terms}
    running = from_json(Deal, deal.state).contract
    shown = [_term(term, lines[term.term], running, row.currency) for term in terms]
    return ContractFullOut(**ContractOut.model_validate(row).model_dump(), terms=shown)


def _term(row: ContractTermRow, lines: Sequence[ContractLineRow], contract: Contract | None, currency: str) -> TermOut:
    term = next((each for each in contract.terms if each.number == row.term), None) if contract else None
    milestones = contract.milestones if contract else ()
    return TermOut(
        term=row.term,
        order_number=row.order_number,
        quote_version_id=row.quote_version_id,
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        interval_months=row.interval_months,
        lines=[_line(line, currency) for line in lines],
        coming=_coming(lines, term, contract.cancel_on, currency) if contract and term else [],
        milestones=[
            MilestoneOut(milestone=each.name, net=amount(_worth(lines, each.name), currency))
            for each in milestones
            if each.term == row.term and each.reached_at is None
        ],
    )


def _coming(lines: Sequence[ContractLineRow], term: Term, stop_on: date | None, currency: str) -> list[ComingOut]:
    plan = [contracts.plan_line(line.model_dump(), periods=term.periods) for line in lines]
    return [
        ComingOut(
            on=each.on,
            period_start=each.period.start,
            period_end=each.period.end,
            net=amount(each.net_minor, currency),
        )
        for each in coming(plan, term, stop_on=stop_on)
    ]


def _worth(lines: Sequence[ContractLineRow], milestone: str) -> int:
    return sum(line.period_amount_minor for line in lines if line.milestone == milestone)


def _line(row: ContractLineRow, currency: str) -> LineOut:
    return LineOut(
        line_no=row.line_no,
        product=row.product,
        description=row.description,
        model=row.model,
        quantity=row.quantity,
        unit_label=row.unit_label,
        period_amount=amount(row.period_amount_minor, currency),
        segment=row.segment,
        kind=row.kind,
        timing=row.timing,
        from_period=row.from_period,
        to_period=row.to_period,
        milestone=row.milestone,
        starts=row.starts,
        starts_on=row.starts_on,
        explain=row.charge.get("explain", []),
    )
