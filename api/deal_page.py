"""The page of one deal: where it stands, what it waits for, who has to move, what comes next and when; its orders, contract and open invoices."""

from datetime import date, datetime
from typing import Any

from pydantic import Field
from sqlalchemy import BindParameter, bindparam
from sqlmodel import col, select

from api.amount import AmountOut, amount
from api.errors import missing
from api.order_page import OrderOut, orders_of
from api.schema import At, Out
from domain.agenda import agenda
from domain.state import Deal
from domain.step import StepKind
from models import share as shares
from models.account import AccountRow
from models.approval import ApprovalRequestRow
from models.contract import ContractRow
from models.database import Database
from models.deal import DealRow
from models.invoice import InvoiceRow
from models.quote import QuoteVersionRow
from workflows.converter import from_json

MOST_COMING = 10


class NextOut(Out):
    kind: str = Field(examples=["bill"])
    at: At
    subject: str = ""


class DealLineOut(Out):
    """A deal as lists show it."""

    id: str
    name: str
    entity_id: str
    virtual: bool
    account_id: str
    owner: str
    currency: str
    stage: str = Field(examples=["approval"])
    waits_for: str = Field(examples=["approval"])
    who: str = Field(examples=["sales_manager"])
    since: At
    parked: str = Field(description="what is parked and why; empty: nothing")
    next: NextOut | None
    acv: AmountOut
    contract_id: str | None
    opened_at: At
    ended_on: date | None


class QuestionOut(Out):
    """What a customer asked about a quote; open while `reply` is null."""

    id: str
    version_id: str
    share_id: str | None
    text: str
    by: str
    at: At
    reply: str | None
    replied_by: str
    replied_at: At | None


class CollectionOut(Out):
    invoice_id: str
    invoice_number: str
    method: str
    open: AmountOut | None
    attempts: int
    messages: int
    last_decline: str
    parked: str
    next: NextOut | None


class ContractLineOut(Out):
    id: str
    number: str
    stage: str
    starts_on: date | None
    ends_on: date | None
    billed_through: date | None
    access: str


class DealOut(DealLineOut):
    """The page of a deal."""

    account_name: str
    turn: int
    coming: list[NextOut] = Field(description="what comes next and when, if nothing else comes; the first ten")
    orders: list[OrderOut]
    contract: ContractLineOut | None
    collections: list[CollectionOut]
    questions: list[QuestionOut] = Field(description="of the customer, in the order in which they were asked")


def line(row: DealRow) -> dict[str, Any]:
    """What a list says of a deal."""
    known = row.model_dump(exclude={"state", "recorded_at", "turn", "next_kind", "next_at", "acv_minor"})
    upcoming = NextOut(kind=row.next_kind, at=row.next_at) if row.next_at is not None else None
    return {**known, "next": upcoming, "acv": amount(row.acv_minor, row.currency)}


# made once: half of what such a question costs is the making
_WHOSE: BindParameter[str] = bindparam("deal_id")
_DEAL = (
    select(DealRow, AccountRow, ContractRow)
    .join(AccountRow, col(AccountRow.id) == col(DealRow.account_id))
    .join(ContractRow, col(ContractRow.id) == col(DealRow.contract_id), isouter=True)
    .where(col(DealRow.id) == _WHOSE)
)
_VERSIONS = (
    select(QuoteVersionRow)
    .where(col(QuoteVersionRow.deal_id) == _WHOSE)
    .order_by(col(QuoteVersionRow.order_number), col(QuoteVersionRow.version))
)
_APPROVALS = (
    select(ApprovalRequestRow)
    .where(col(ApprovalRequestRow.deal_id) == _WHOSE)
    .order_by(col(ApprovalRequestRow.order_number), col(ApprovalRequestRow.asked_at), col(ApprovalRequestRow.id))
)
_OPEN_INVOICES = select(InvoiceRow).where(col(InvoiceRow.deal_id) == _WHOSE, col(InvoiceRow.status) == "open")


async def page_of(database: Database, deal_id: str) -> DealOut:
    """The page of one deal. Raises a 404 refusal."""
    whose = {"deal_id": deal_id}
    async with database.session() as session:
        found = (await session.exec(_DEAL, params=whose)).first()
        if found is None:
            raise missing("deal", deal_id)
        row, account = found[0], found[1]
        contract: ContractRow | None = found[2]
        versions = (await session.exec(_VERSIONS, params=whose)).all()
        approvals = (await session.exec(_APPROVALS, params=whose)).all()
        invoices = (await session.exec(_OPEN_INVOICES, params=whose)).all() if contract is not None else []
        questions = await shares.questions(session, deal_id)
    deal = from_json(Deal, row.state)
    steps = [step for step in agenda(deal) if step.kind is not StepKind.TAKE][:MOST_COMING]
    return DealOut(
        **line(row),
        account_name=account.name,
        turn=row.turn,
        coming=[NextOut(kind=step.kind.value, at=step.at, subject=step.subject) for step in steps],
        orders=orders_of(deal, versions, approvals),
        contract=_contract(deal, contract),
        collections=_collections(deal, {invoice.id: invoice for invoice in invoices}),
        questions=[QuestionOut.model_validate(each) for each in questions],
    )


def _contract(deal: Deal, row: ContractRow | None) -> ContractLineOut | None:
    if row is None:
        return None
    running = deal.contract
    return ContractLineOut(
        id=row.id,
        number=row.number,
        stage=row.stage,
        starts_on=row.starts_on,
        ends_on=running.ends_on if running is not None and running.terms else row.ends_on,
        billed_through=running.billed_through if running is not None and running.terms else None,
        access=running.access if running is not None else "",
    )


def _collections(deal: Deal, invoices: dict[str, InvoiceRow]) -> list[CollectionOut]:
    upcoming: dict[str, tuple[str, datetime]] = {}
    for step in agenda(deal):
        upcoming.setdefault(step.subject, (step.kind.value, step.at))
    found = []
    for one in deal.collections:
        invoice = invoices.get(one.invoice_id)
        rest = amount(invoice.total_minor - invoice.paid_minor, invoice.currency) if invoice else None
        following = upcoming.get(one.invoice_id)
        found.append(
            CollectionOut(
                invoice_id=one.invoice_id,
                invoice_number=one.invoice_number,
                method=one.method,
                open=rest,
                attempts=one.attempts,
                messages=one.messages,
                last_decline=one.decline,
                parked=one.parked,
                next=NextOut(kind=following[0], at=following[1], subject=one.invoice_id) if following else None,
            )
        )
    return found
