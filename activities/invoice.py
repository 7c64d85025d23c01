"""One period becomes one invoice: rated, numbered, posted and published in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import text as sql
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.fence import Books, Effect, Told
from activities.posting import entry_rows
from activities.reference import MissingReference
from domain import dunning, invoice, ledger
from domain.billing_schedule import split_subject
from domain.calendar import Period, local_date
from domain.dunning import Ladder
from domain.dunning_policy import DunningPolicy
from domain.ids import derived
from domain.invoice import InvoiceDraft, InvoiceLine
from domain.money import Money, text
from domain.outcome import Billed
from domain.state import Deal
from models import series
from models.invoice import InvoiceLineRow, InvoiceRow
from models.outbox import MailRow, OutboxRow
from workflows import stubs
from workflows.stubs import Perform, Performed

SERIES = "invoices"

# everything that one period needs, in one round trip
_TO_BILL = sql(
    """
    SELECT e.invoice_prefix, a.name AS account_name, a.email, t.rate, t.name AS tax_name, p.content AS policy,
           (SELECT jsonb_agg(jsonb_build_object('description', l.description, 'quantity', l.quantity::text,
                    'unit_label', l.unit_label, 'amount_minor', l.period_amount_minor, 'charge', l.charge)
                    ORDER BY l.line_no)
              FROM contract_lines l WHERE l.contract_id = :contract_id AND l.term = :term) AS lines
      FROM legal_entities e
      JOIN accounts a ON a.id = :account_id
      LEFT JOIN LATERAL (SELECT rate, name FROM tax_rates
                          WHERE entity_id = e.id AND valid_from <= :on ORDER BY valid_from DESC LIMIT 1) t ON true
      LEFT JOIN LATERAL (SELECT content FROM dunning_policies
                          WHERE name = 'standard' ORDER BY version DESC LIMIT 1) p ON true
     WHERE e.id = :entity_id
    """
)


class InvoiceActivities(stubs.InvoiceActivities):
    def __init__(self, books: Books) -> None:
        self.books = books

    @activity.defn
    async def bill_period(self, command: Perform) -> Performed:
        """Bill one period in advance. A second run under the same turn changes nothing and says what the first did."""
        return await self.books.perform(command, lambda session: _bill(session, command))


@dataclass(frozen=True, slots=True, kw_only=True)
class _ToBill:
    """One period with all that its invoice needs."""

    contract_id: str
    term: int
    method: str
    net_days: int
    prefix: str
    email: str
    account_name: str
    policy: DunningPolicy
    draft: InvoiceDraft


async def _bill(session: AsyncSession, command: Perform) -> Effect:
    deal, step, now = command.deal, command.step, command.now
    found = await _to_bill(session, command)
    draft = found.draft
    invoice_id = derived("inv", deal.id, step.subject, step.number)
    sequence = await series.take(session, deal.entity_id, SERIES)  # last: it locks the series until the commit
    number = invoice.number(found.prefix, sequence)
    row = _invoice_row(command, found, invoice_id=invoice_id, sequence=sequence, number=number)
    settled = draft.total_minor == 0
    ladder = _ladder(deal, found, now)
    rows: list[SQLModel] = [row, *_line_rows(invoice_id, draft)]
    entry = ledger.for_invoice(net_by_revenue_account=draft.net_by_revenue_account, tax_minor=draft.tax_minor)
    if entry is not None:
        rows += entry_rows(command, entry, on=draft.issued_on, source_kind="invoice", source_id=invoice_id, memo=number)
    rows += [_event(command, row), _mail(command, found, row)]
    told = Told(
        text=f"Invoice {number} for {draft.period}: {text(Money(draft.total_minor, deal.currency))}, due {draft.due_on}",
        amount_minor=draft.total_minor,
        data={"invoice": invoice_id, "net_minor": draft.net_minor, "tax_minor": draft.tax_minor},
    )
    outcome = Billed(
        invoice_id=invoice_id,
        invoice_number=number,
        due_on=draft.due_on,
        method=found.method,
        settled=settled,
        ladder=ladder,
    )
    return Effect(outcome=outcome, rows=rows, told=[told])


async def _to_bill(session: AsyncSession, command: Perform) -> _ToBill:
    deal, step = command.deal, command.step
    running = deal.contract
    _, term_number = split_subject(step.subject)
    term = next((t for t in running.terms if t.number == term_number), None) if running else None
    if running is None or term is None:
        raise MissingReference(what=f"the term of {step.subject}")
    period = term.period(step.number)
    issued_on = local_date(command.now, deal.zone)
    parameters = {
        "contract_id": running.id,
        "term": term_number,
        "account_id": deal.account_id,
        "entity_id": deal.entity_id,
        "on": issued_on,
    }
    row = (await session.execute(_TO_BILL, parameters)).one_or_none()
    if row is None or row.lines is None:
        raise MissingReference(what=f"the lines of {step.subject}")
    if row.rate is None:
        raise MissingReference(what=f"a tax rate of {deal.entity_id} for {issued_on}")
    method = term.method or running.method
    net_days = term.net_days if term.method else running.net_days
    draft = invoice.assemble(
        [_line(each, period) for each in row.lines],
        period=period,
        currency=deal.currency,
        tax_rate=row.rate,
        tax_name=row.tax_name,
        issued_on=issued_on,
        net_days=net_days if method == "transfer" else 0,
    )
    return _ToBill(
        contract_id=running.id,
        term=term_number,
        method=method,
        net_days=net_days,
        prefix=row.invoice_prefix,
        email=row.email,
        account_name=row.account_name,
        policy=DunningPolicy.parse(row.policy) if row.policy else DunningPolicy(),
        draft=draft,
    )


def _line(row: dict[str, object], period: Period) -> InvoiceLine:
    charge = row["charge"]
    assert isinstance(charge, dict)  # noqa: S101  (our own column)
    return InvoiceLine(
        description=str(row["description"]),
        quantity=Decimal(str(row["quantity"])),
        unit_label=str(row["unit_label"]),
        amount_minor=int(str(row["amount_minor"])),
        period=period,
        revenue_account=charge["revenue_account"],
        explain=tuple(charge["explain"]),
    )


def _ladder(deal: Deal, found: _ToBill, now: datetime) -> Ladder:
    """An invoice on terms gets its reminders now; a card gets its ladder with its first decline."""
    if found.method != "transfer":
        return ()
    return dunning.terms_ladder(found.policy.transfer_rungs(), due_on=found.draft.due_on, zone=deal.zone, issued_at=now)


def _invoice_row(command: Perform, found: _ToBill, *, invoice_id: str, sequence: int, number: str) -> InvoiceRow:
    deal, step, draft = command.deal, command.step, found.draft
    return InvoiceRow(
        id=invoice_id,
        deal_id=deal.id,
        entity_id=deal.entity_id,
        account_id=deal.account_id,
        contract_id=found.contract_id,
        term=found.term,
        period_no=step.number,
        number=number,
        sequence=sequence,
        series=SERIES,
        status=invoice.status(total_minor=draft.total_minor, paid_minor=0),
        issued_on=draft.issued_on,
        due_on=draft.due_on,
        period_start=draft.period.start,
        period_end=draft.period.end,
        currency=draft.currency,
        net_minor=draft.net_minor,
        tax_minor=draft.tax_minor,
        total_minor=draft.total_minor,
        tax_rate=draft.tax_rate,
        tax_name=draft.tax_name,
        method=found.method,
        key=step.key(deal.id),
    )


def _line_rows(invoice_id: str, draft: InvoiceDraft) -> list[SQLModel]:
    return [
        InvoiceLineRow(
            invoice_id=invoice_id,
            line_no=number,
            description=line.description,
            quantity=line.quantity,
            unit_label=line.unit_label,
            amount_minor=line.amount_minor,
            period_start=line.period.start,
            period_end=line.period.end,
            revenue_account=line.revenue_account,
            explain={"steps": list(line.explain)},
        )
        for number, line in enumerate(draft.lines, 1)
    ]


def _event(command: Perform, row: InvoiceRow) -> OutboxRow:
    return OutboxRow(
        key=f"{row.key}/invoice.issued",
        topic="invoice.issued",
        deal_id=row.deal_id,
        at=command.now,
        payload={
            "invoice": row.id,
            "number": row.number,
            "total_minor": row.total_minor,
            "currency": row.currency,
            "due_on": row.due_on.isoformat(),
        },
    )


def _mail(command: Perform, found: _ToBill, row: InvoiceRow) -> MailRow:
    total = text(Money(row.total_minor, row.currency))
    pay = (
        f"Please transfer it by {row.due_on}, naming {row.number}."
        if row.method == "transfer"
        else "It will be collected from your payment method."
    )
    return MailRow(
        key=f"{row.key}/invoice",
        deal_id=row.deal_id,
        to_=found.email,
        subject=f"Invoice {row.number}: {total}",
        body=f"Dear {found.account_name},\n\nhere is invoice {row.number} for {found.draft.period}: {total}. {pay}\n",
        attachment=f"invoice:{row.id}",
        at=command.now,
    )
