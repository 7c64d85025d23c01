"""One bank statement: each line once, as unapplied cash, and the deals whose invoices it names are to be told."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.posting import rows_of
from activities.reference import MissingReference
from domain import cash_application, ledger
from domain.cash_application import OpenInvoice
from domain.ids import derived
from gateways.ports import BankLine, BankStatement
from models.account import AccountRow
from models.cash import BankLineRow, BankStatementRow
from models.database import Database
from models.invoice import InvoiceRow
from models.outbox import InboxRow
from models.payment import ReceiptRow
from models.write import Update, write
from workflows import stubs
from workflows.converter import from_json
from workflows.stubs import ToTell

PROVIDER = "bank"


class CashActivities(stubs.CashActivities):
    def __init__(self, database: Database) -> None:
        self.database = database

    @activity.defn
    async def book_statement(self, statement_id: str) -> list[ToTell]:
        """Book the statement whose webhook the inbox holds; a second run books nothing more.

        Dr bank / Cr unapplied cash per line, in the books of the entity that owns the account; each line that names
        an open invoice leaves a fact in the inbox of that invoice's deal.
        """
        async with self.database.transaction() as session:
            inbox = await _webhook(session, statement_id)
            statement = await session.get(BankStatementRow, statement_id)
            if inbox is None or statement is None:
                raise MissingReference(what=f"the statement {statement_id}")
            event = from_json(BankStatement, inbox.payload)
            if inbox.status != "taken":
                await self._book(session, inbox, statement, event)
            return await _to_tell(session, event)

    async def _book(
        self, session: AsyncSession, inbox: InboxRow, statement: BankStatementRow, event: BankStatement
    ) -> None:
        known = select(col(BankLineRow.id)).where(col(BankLineRow.id).in_([each.line_id for each in event.lines]))
        seen = set((await session.exec(known)).all())
        invoices = list(await _open_invoices(session, statement.entity_id))
        rows: list[SQLModel] = []
        for each in event.lines:
            if each.line_id not in seen:
                rows += _line_rows(each, statement, inbox, invoices)
        updates = [Update(InboxRow, {"status": "taken"}, {"id": inbox.id})]
        await write(session, rows, updates=updates)


def _line_rows(
    line: BankLine, statement: BankStatementRow, inbox: InboxRow, invoices: list[tuple[OpenInvoice, str]]
) -> list[SQLModel]:
    match = cash_application.match(line, [invoice for invoice, _ in invoices])
    deals = {invoice.invoice_id: deal_id for invoice, deal_id in invoices}
    first = match.applications[0].invoice_id if match.applications else None
    key = f"bank_line/{line.line_id}"
    rows: list[SQLModel] = [
        BankLineRow(
            id=line.line_id,
            statement_id=statement.id,
            entity_id=statement.entity_id,
            booked_on=line.booked_on,
            amount_minor=line.amount_minor,
            currency=line.currency,
            payer=line.payer,
            reference=line.reference,
            matched_invoice_id=first,
            matched_deal_id=deals[first] if first else None,
        ),
        ReceiptRow(
            id=derived("rcp", "bank", line.line_id),
            deal_id=deals[first] if first else None,
            entity_id=statement.entity_id,
            invoice_id=first,
            source="bank",
            gateway_ref=line.line_id,
            amount_minor=line.amount_minor,
            currency=line.currency,
            received_on=line.booked_on,
        ),
        *rows_of(
            ledger.for_bank_line(line.amount_minor),
            key=key,
            entity_id=statement.entity_id,
            deal_id=None,
            currency=line.currency,
            on=line.booked_on,
            source=("bank_line", line.line_id),
            memo=line.reference,
        ),
    ]
    rows += [
        InboxRow(
            id=derived("fact", PROVIDER, line.line_id, each.invoice_id),
            provider=PROVIDER,
            event_id=f"{line.line_id}/{each.invoice_id}",
            deal_id=deals[each.invoice_id],
            kind="cash",
            payload={"bank_line_id": line.line_id, "invoice_id": each.invoice_id},
            received_at=inbox.received_at,
        )
        for each in match.applications
    ]
    return rows


async def _webhook(session: AsyncSession, statement_id: str) -> InboxRow | None:
    """The statement's own fact, locked: two runs at once book one after the other."""
    query = (
        select(InboxRow)
        .where(
            col(InboxRow.provider) == PROVIDER,
            col(InboxRow.kind) == "statement",
            col(InboxRow.payload)["statement_id"].astext == statement_id,
        )
        .with_for_update()
    )
    return (await session.exec(query)).first()


async def _open_invoices(session: AsyncSession, entity_id: str) -> Sequence[tuple[OpenInvoice, str]]:
    """Every invoice of the entity that money may still come for; one given up as uncollectible is still owed."""
    query = (
        select(InvoiceRow, AccountRow.name)
        .join(AccountRow, col(AccountRow.id) == col(InvoiceRow.account_id))
        .where(col(InvoiceRow.entity_id) == entity_id, col(InvoiceRow.status).in_(("open", "uncollectible")))
    )
    return [
        (
            OpenInvoice(
                invoice_id=row.id,
                number=row.number,
                currency=row.currency,
                open_minor=row.total_minor - row.paid_minor,
                payer=name,
                due_on=row.due_on,
            ),
            row.deal_id,
        )
        for row, name in (await session.exec(query)).all()
    ]


async def _to_tell(session: AsyncSession, event: BankStatement) -> list[ToTell]:
    lines = [each.line_id for each in event.lines]
    query = select(InboxRow).where(
        col(InboxRow.kind) == "cash",
        col(InboxRow.status).in_(("new", "signalled")),
        col(InboxRow.payload)["bank_line_id"].astext.in_(lines),
    )
    found = (await session.exec(query.order_by(col(InboxRow.id)))).all()
    return [ToTell(deal_id=row.deal_id, inbox_id=row.id) for row in found if row.deal_id is not None]
