"""The page of one deal: where it stands, what it waits for, who has to move, what comes next and when; its orders, contract and open invoices."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pydantic import Field
from sqlmodel import col, select

from api.errors import missing
from api.schema import At, Figure, Out
from domain import money
from domain.agenda import agenda
from domain.order import Order, OrderStage
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
AFTER_ACCEPTANCE = frozenset(
    {
        OrderStage.ACCEPTED,
        OrderStage.OUT_FOR_SIGNATURE,
        OrderStage.SIGNED,
        OrderStage.PROVISIONING,
    }
)


class AmountOut(Out):
    minor: int = Field(examples=[123450])
    currency: str = Field(examples=["EUR"])
    text: str = Field(examples=["1,234.50 EUR"])


def amount(minor: int, currency: str) -> AmountOut:
    """Minor units with their text."""
    return AmountOut(minor=minor, currency=currency, text=money.text(money.Money(minor, currency)))


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


class VersionOut(Out):
    id: str
    version: int
    kind: str = Field(description="quote, renewal or migration")
    status: str
    alternative: str = Field(
        description="the alternative that the customer chose; empty: none yet, or there is no choice"
    )
    total: AmountOut
    acv: AmountOut
    discount_percent: Figure
    expires_at: At
    content_hash: str


class ApprovalOut(Out):
    version: int
    level: int
    group: str
    reason: str
    status: str
    asked_at: At
    decided_by: str
    decided_at: At | None
    comment: str
    escalated_to: str


class AlternativeOut(Out):
    name: str
    recommended: bool
    term_months: int
    interval_months: int
    acv: AmountOut


class OrderOut(Out):
    number: int
    kind: str = Field(description="new or renewal")
    stage: str
    since: At | None
    reason: str = Field(description="why it came back: of a refused price, a rejection, a decline")
    parked: str
    version: int = Field(description="the current version; 0: nothing is priced yet")
    delivery: str = Field(description="link: it is shown by a share link and accepted there before it is signed")
    alternatives: list[AlternativeOut] = Field(description="of the current version, of which the customer picks one")
    chosen: str = Field(description="the alternative that the customer picked")
    answer: str = Field(description="what the customer said on the share link: accepted, declined, or nothing yet")
    versions: list[VersionOut]
    approvals: list[ApprovalOut]


class QuestionOut(Out):
    """What a customer asked about a quote; open while `reply` is null."""

    id: str
    version_id: str
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


async def page_of(database: Database, deal_id: str) -> DealOut:
    """The page of one deal. Raises a 404 refusal."""
    async with database.session() as session:
        row = await session.get(DealRow, deal_id)
        if row is None:
            raise missing("deal", deal_id)
        account = await session.get(AccountRow, row.account_id)
        contract = await session.get(ContractRow, row.contract_id) if row.contract_id else None
        versions = (
            await session.exec(
                select(QuoteVersionRow)
                .where(col(QuoteVersionRow.deal_id) == deal_id)
                .order_by(col(QuoteVersionRow.order_number), col(QuoteVersionRow.version))
            )
        ).all()
        approvals = (
            await session.exec(
                select(ApprovalRequestRow)
                .where(col(ApprovalRequestRow.deal_id) == deal_id)
                .order_by(
                    col(ApprovalRequestRow.order_number), col(ApprovalRequestRow.asked_at), col(ApprovalRequestRow.id)
                )
            )
        ).all()
        invoices = (
            await session.exec(
                select(InvoiceRow).where(col(InvoiceRow.deal_id) == deal_id, col(InvoiceRow.status) == "open")
            )
        ).all()
        questions = await shares.questions(session, deal_id)
    deal = from_json(Deal, row.state)
    steps = [step for step in agenda(deal) if step.kind is not StepKind.TAKE][:MOST_COMING]
    return DealOut(
        **line(row),
        account_name=account.name if account else row.account_id,
        turn=row.turn,
        coming=[NextOut(kind=step.kind.value, at=step.at, subject=step.subject) for step in steps],
        orders=_orders(deal, versions, approvals),
        contract=_contract(deal, contract),
        collections=_collections(deal, {invoice.id: invoice for invoice in invoices}),
        questions=[QuestionOut.model_validate(each) for each in questions],
    )


def _orders(deal: Deal, versions: Sequence[QuoteVersionRow], approvals: Sequence[ApprovalRequestRow]) -> list[OrderOut]:
    """Every order, the closed ones too: those are only in the tables."""
    numbers = sorted({row.order_number for row in versions} | {order.number for order in deal.orders})
    found: list[OrderOut] = []
    for number in numbers:
        order = deal.order(f"order-{number}")
        rows = [row for row in versions if row.order_number == number]
        newest = rows[-1] if rows else None
        found.append(
            OrderOut(
                number=number,
                kind=order.kind if order else ("new" if number == 1 else "renewal"),
                stage=order.stage.value if order else (newest.status if newest else ""),
                since=order.since if order else None,
                reason=order.reason if order else "",
                parked=order.parked if order else "",
                version=order.version if order else (newest.version if newest else 0),
                **_with_customer(order, newest, deal.currency),
                versions=[version_out(row) for row in rows],
                approvals=[_approval(row) for row in approvals if row.order_number == number],
            )
        )
    return found


def _with_customer(order: Order | None, newest: QuoteVersionRow | None, currency: str) -> dict[str, Any]:
    """How the current version reaches the customer, and what the customer said. Of a closed order the version tells."""
    terms = order.terms if order else None
    if order is None or terms is None:
        chosen = newest.alternative if newest else ""
        return {"delivery": "", "alternatives": [], "chosen": chosen, "answer": ""}
    choices = [
        AlternativeOut(
            name=each.name,
            recommended=each.recommended,
            term_months=each.term_months,
            interval_months=each.interval_months,
            acv=amount(each.acv_minor, currency),
        )
        for each in terms.alternatives
    ]
    answer = "declined" if order.stage is OrderStage.DECLINED and not order.document_sha256 else ""
    if order.stage in AFTER_ACCEPTANCE:
        answer = "accepted"
    shown = bool(order.share_id)
    return {
        "delivery": terms.delivery,
        "alternatives": choices,
        "chosen": order.chosen,
        "answer": answer if shown else "",
    }


def version_out(row: QuoteVersionRow) -> VersionOut:
    """A version as a deal's page shows it."""
    return VersionOut(
        id=row.id,
        version=row.version,
        kind=row.kind,
        status=row.status,
        alternative=row.alternative,
        total=amount(row.total_minor, row.currency),
        acv=amount(row.acv_minor, row.currency),
        discount_percent=discount_of(row),
        expires_at=row.expires_at,
        content_hash=row.content_hash,
    )


def discount_of(row: QuoteVersionRow) -> Decimal:
    """The discount on the list total as stated, in percent; of alternatives, that of the recommended one."""
    content = row.content
    if "alternatives" in content:
        content = next(each["offer"] for each in content["alternatives"] if each["name"] == content["recommended"])
    return Decimal(content["totals"]["discount_percent"])


def _approval(row: ApprovalRequestRow) -> ApprovalOut:
    known = row.model_dump(exclude={"group_name", "id", "deal_id", "order_number", "recorded_at"})
    return ApprovalOut(group=row.group_name, **known)


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
