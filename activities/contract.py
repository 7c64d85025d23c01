"""The signed version becomes the contract; service begins; the contract ends. No money moves here."""

from __future__ import annotations

from typing import Any

from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities import ending
from activities.fence import Books, Effect, Told
from activities.lines import plan_line, rows_of
from activities.reference import MissingReference, order_of
from domain import contract as contracts
from domain.billing_plan import plan, resolve_starts
from domain.calendar import local_date
from domain.contract import Contract
from domain.ids import derived
from domain.order import RENEWAL, Order
from domain.outcome import Activated, Booked, Done
from domain.quote_version import PricedQuote, offer
from domain.state import Deal
from models import contract as line_rows
from models.account import AccountRow
from models.contract import ContractLineRow, ContractRow, ContractTermRow
from models.outbox import MailRow, OutboxRow
from models.quote import QuoteVersionRow
from models.write import Update
from workflows import stubs
from workflows.stubs import Perform, Performed


class ContractActivities(stubs.ContractActivities):
    def __init__(self, books: Books) -> None:
        self.books = books

    @activity.defn
    async def book_contract(self, command: Perform) -> Performed:
        """From the signed version, never retyped: a new contract, or one more term of the running one."""
        return await self.books.perform(command, lambda session: _book(session, command))

    @activity.defn
    async def activate_contract(self, command: Perform) -> Performed:
        """Everything is provisioned: the first term gets its dates."""
        return await self.books.perform(command, lambda session: _activate(session, command))

    @activity.defn
    async def end_contract(self, command: Perform) -> Performed:
        """The term ended without a renewal, or the contract was cancelled."""
        return await self.books.perform(command, lambda session: _end(session, command))


async def _book(session: AsyncSession, command: Perform) -> Effect:
    order, deal = order_of(command), command.deal
    version = await session.get(QuoteVersionRow, order.version_id)
    if version is None:
        raise MissingReference(what=f"version {order.version}")
    quote = offer(version.content, order.chosen)
    if deal.contract is not None:
        return _book_renewal(command, order, deal.contract, version, quote)
    contract_id = derived("con", deal.id)
    contract = ContractRow(
        id=contract_id,
        deal_id=deal.id,
        entity_id=deal.entity_id,
        account_id=deal.account_id,
        number=f"C-{contract_id.removeprefix('con_')[:8].upper()}",
        currency=deal.currency,
        stage="booked",
        method=quote.terms.method,
        net_days=quote.terms.net_days,
        auto_renew=quote.terms.auto_renew,
        notice_days=quote.terms.notice_days,
        uplift=quote.terms.uplift_percent / 100,
        signed_sha256=order.document_sha256,
    )
    term = ContractTermRow(
        contract_id=contract_id,
        term=1,
        order_number=order.number,
        quote_version_id=version.id,
        interval_months=quote.terms.interval_months,
    )
    chosen = f", {order.chosen}" if order.chosen else ""
    told = Told(
        text=f"Contract {contract.number} booked from version {version.version}{chosen}: {quote.terms.term_months} months, "
        f"{', '.join(quote.provisioning) or 'nothing'} to provision",
        amount_minor=quote.totals.tcv_minor,
        data={"contract": contract_id, "signed_sha256": order.document_sha256},
    )
    return Effect(
        outcome=Booked(contract_id=contract_id, provisioning=quote.provisioning),
        rows=[contract, term, *rows_of(contract_id, 1, quote), _event(command, "contract.booked", contract_id)],
        updates=[Update(QuoteVersionRow, {"status": "booked"}, {"id": version.id})],
        told=[told],
        acv_minor=quote.totals.acv_minor,
    )


def _book_renewal(
    command: Perform, order: Order, running: Contract, version: QuoteVersionRow, quote: PricedQuote
) -> Effect:
    if order.terms is None:
        raise MissingReference(what=f"the terms of {order.subject}")
    following = running.renewed(terms=order.terms, order_number=order.number).last
    term = ContractTermRow(
        contract_id=running.id,
        term=following.number,
        order_number=order.number,
        quote_version_id=version.id,
        starts_on=following.starts_on,
        ends_on=following.ends_on,
        interval_months=version.interval_months,
    )
    values: dict[str, Any] = {
        "ends_on": following.ends_on,
        "method": version.method,
        "net_days": version.net_days,
        "auto_renew": version.auto_renew,
        "notice_days": version.notice_days,
        "uplift": version.uplift,
    }
    if order.document_sha256:
        values["signed_sha256"] = order.document_sha256
    lines = resolve_starts(
        plan(quote),
        signed_on=local_date(order.signed_at, command.deal.zone) if order.signed_at else None,
        provisioned_on=following.starts_on,
        term_starts_on=following.starts_on,
    )
    event = _event(command, "contract.renewed", running.id)
    how = "by signature" if order.signed_at else "by silence"
    told = Told(
        text=f"Renewed {how}: term {following.number}, {following.starts_on} to {following.ends_on}",
        amount_minor=version.total_minor,
    )
    return Effect(
        outcome=Booked(contract_id=running.id, provisioning=()),
        rows=[term, *rows_of(running.id, following.number, quote, lines), event],
        updates=[
            Update(ContractRow, values, {"id": running.id}),
            Update(QuoteVersionRow, {"status": "booked"}, {"id": version.id}),
        ],
        told=[told],
        acv_minor=version.acv_minor,
    )


def _event(command: Perform, topic: str, contract_id: str) -> OutboxRow:
    deal = command.deal
    return OutboxRow(
        key=f"{command.step.key(deal.id)}/{topic}",
        topic=topic,
        deal_id=deal.id,
        at=command.now,
        payload={"deal": deal.id, "contract": contract_id},
    )


async def _activate(session: AsyncSession, command: Perform) -> Effect:
    order, deal = order_of(command), command.deal
    if order.terms is None or deal.contract is None:
        raise MissingReference(what="the booked contract")
    anchor = contracts.anchored_on(order.terms.start, signed_at=order.signed_at, zone=deal.zone, now=command.now)
    activated = deal.contract.activated(terms=order.terms, order_number=order.number, anchor=anchor, at=command.now)
    term = activated.last
    rows = await line_rows.lines(session, deal.contract.id, term.number)
    lines = resolve_starts(
        [plan_line(row.model_dump(), periods=term.periods) for row in rows],
        signed_on=local_date(order.signed_at, deal.zone) if order.signed_at else None,
        provisioned_on=local_date(command.now, deal.zone),
        term_starts_on=anchor,
    )
    dates = {"starts_on": term.starts_on, "ends_on": term.ends_on}
    return Effect(
        outcome=Activated(anchor=anchor),
        rows=[_event(command, "contract.activated", deal.contract.id)],
        updates=[
            Update(ContractRow, {**dates, "stage": "active"}, {"id": deal.contract.id}),
            Update(ContractTermRow, dates, {"contract_id": deal.contract.id, "term": 1}),
            *(
                Update(ContractLineRow, {"starts_on": line.starts_on}, {"id": row.id})
                for row, line in zip(rows, lines, strict=True)
                if line.starts_on is not None
            ),
        ],
        told=[Told(text=f"Service begins: {term.starts_on} to {term.ends_on}")],
    )


async def _end(session: AsyncSession, command: Perform) -> Effect:
    deal = command.deal
    running = deal.contract
    if running is None:
        raise MissingReference(what="the contract")
    began = running.stage == contracts.ACTIVE
    reason = running.cancel_reason or "the term ended and was not renewed"
    values: dict[str, Any] = {"stage": "cancelled" if running.cancel_reason else "ended"}
    if began:
        values["ends_on"] = running.ends_on
    updates = [Update(ContractRow, values, {"id": running.id})]
    updates += [
        Update(QuoteVersionRow, {"status": "expired"}, {"id": order.version_id})
        for order in deal.orders
        if order.kind == RENEWAL and order.version_id
    ]
    rows: list[SQLModel] = [_event(command, "contract.ended", running.id)]
    for order in deal.orders:
        entries, closed = await ending.ended(session, command, order, ending.EXPIRED, f"the contract ended: {reason}")
        rows, updates = [*rows, *entries], [*updates, *closed]
    account = await session.get(AccountRow, deal.account_id)
    if began and account is not None:
        rows.append(_goodbye(deal, account, command, running, reason))
    return Effect(outcome=Done(), rows=rows, updates=updates, told=[Told(text=f"The contract ends: {reason}")])


def _goodbye(deal: Deal, account: AccountRow, command: Perform, running: Contract, reason: str) -> MailRow:
    return MailRow(
        key=command.step.key(deal.id),
        deal_id=deal.id,
        to_=account.email,
        subject=f"{deal.name}: your contract ended",
        body=f"Dear {account.name},\n\nyour contract ended on {running.ends_on} ({reason}). "
        "Access is closed from that day on.\n",
        at=command.now,
    )
