"""Reminding, suspending and giving up: what the rungs of a dunning ladder do in the books."""

from __future__ import annotations

from typing import Any

from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities import ending
from activities.fence import Books, Effect, Told
from activities.reference import MissingReference
from activities.version import status
from domain.calendar import local_date
from domain.money import Money, text
from domain.outcome import Done
from models.account import AccountRow
from models.contract import ContractRow
from models.invoice import InvoiceRow
from models.outbox import MailRow, OutboxRow
from models.write import Update
from workflows import stubs
from workflows.stubs import Perform, Performed


class DunningActivities(stubs.DunningActivities):
    def __init__(self, books: Books) -> None:
        self.books = books

    @activity.defn
    async def send_reminder(self, command: Perform) -> Performed:
        """One message about one open invoice, in words that fit the day it is sent."""
        return await self.books.perform(command, lambda session: _remind(session, command))

    @activity.defn
    async def suspend_contract(self, command: Perform) -> Performed:
        """The last retry failed: access is to be suspended (billing goes on)."""
        return await self.books.perform(command, lambda session: _suspend(session, command))

    @activity.defn
    async def cancel_contract(self, command: Perform) -> Performed:
        """The end of the ladder: the contract is cancelled, and what is open is given up as uncollectible."""
        return await self.books.perform(command, lambda session: _cancel(session, command))


async def _invoice(session: AsyncSession, command: Perform) -> tuple[InvoiceRow, AccountRow]:
    row = await session.get(InvoiceRow, command.step.subject)
    account = await session.get(AccountRow, command.deal.account_id)
    if row is None or account is None:
        raise MissingReference(what=f"invoice {command.step.subject}")
    return row, account


def _mail(command: Perform, account: AccountRow, subject: str, body: str) -> MailRow:
    return MailRow(
        key=command.step.key(command.deal.id),
        deal_id=command.deal.id,
        to_=account.email,
        subject=subject,
        body=f"Dear {account.name},\n\n{body}\n",
        at=command.now,
    )


async def _remind(session: AsyncSession, command: Perform) -> Effect:
    row, account = await _invoice(session, command)
    days = (local_date(command.now, command.deal.zone) - row.due_on).days
    amount = text(Money(row.total_minor - row.paid_minor, row.currency))
    if days < 0:
        when = f"is due on {row.due_on}"
    elif days == 0:
        when = "is due today"
    else:
        when = f"is overdue by {days} days"
    collection = command.deal.collection(row.id)
    declined = collection is not None and collection.decline
    ask = "Your payment method was declined; please give us another one." if declined else f"Please name {row.number}."
    mail = _mail(command, account, f"Invoice {row.number} {when}", f"{amount} of invoice {row.number} {when}. {ask}")
    told = Told(text=f"Reminder {command.step.number} to {account.email}: invoice {row.number} {when}, {amount} open")
    return Effect(outcome=Done(), rows=[mail], told=[told])


async def _suspend(session: AsyncSession, command: Perform) -> Effect:
    row, account = await _invoice(session, command)
    body = f"invoice {row.number} is still open. Your access is suspended until it is paid."
    rows: list[SQLModel] = [
        _mail(command, account, f"Access suspended: invoice {row.number} is open", body),
        _event(command, "contract.suspended", row),
    ]
    return Effect(outcome=Done(), rows=rows, told=[Told(text=f"To be suspended: invoice {row.number} was not paid")])


async def _cancel(session: AsyncSession, command: Perform) -> Effect:
    deal = command.deal
    row, account = await _invoice(session, command)
    query = select(InvoiceRow).where(col(InvoiceRow.deal_id) == deal.id, col(InvoiceRow.status) == "open")
    unpaid = (await session.exec(query)).all()
    updates = [
        Update(InvoiceRow, {"status": "uncollectible"}, {"id": each.id, "paid_minor": each.paid_minor})
        for each in unpaid
    ]
    if deal.contract is not None:
        ends_on = local_date(command.now, deal.zone)
        values: dict[str, Any] = {"stage": "cancelled", "ends_on": ends_on}
        updates.append(Update(ContractRow, values, {"id": deal.contract.id}))
    updates += [status(order.version_id, "withdrawn") for order in deal.orders if order.version_id]
    given_up = sum(each.total_minor - each.paid_minor for each in unpaid)
    body = f"invoice {row.number} was never paid. Your contract is cancelled; what is open stays owed."
    rows: list[SQLModel] = [
        _mail(command, account, f"Contract cancelled: invoice {row.number} was not paid", body),
        _event(command, "contract.cancelled", row),
    ]
    for order in deal.orders:
        entries, closed = await ending.ended(session, command, order, ending.CANCELLED, "the contract was never paid")
        rows, updates = [*rows, *entries], [*updates, *closed]
    told = Told(
        text=f"Cancelled for non-payment: {len(unpaid)} invoices are given up as uncollectible", amount_minor=given_up
    )
    return Effect(outcome=Done(), rows=rows, updates=updates, told=[told])


def _event(command: Perform, topic: str, row: InvoiceRow) -> OutboxRow:
    return OutboxRow(
        key=f"{command.step.key(command.deal.id)}/{topic}",
        topic=topic,
        deal_id=command.deal.id,
        at=command.now,
        payload={"deal": command.deal.id, "invoice": row.id, "number": row.number},
    )
