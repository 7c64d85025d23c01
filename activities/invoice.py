"""One period, or one milestone, becomes one invoice: rated, numbered, posted and published in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import SQLModel
from temporalio import activity

from activities.fence import Books, Effect, Told
from activities.lines import plan_line
from activities.posting import entry_rows
from activities.reference import MissingReference
from domain import dunning, invoice, ledger
from domain.billing_plan import PlanLine, invoice_lines, milestone_lines
from domain.billing_schedule import Term, split_subject
from domain.calendar import Period, local_date
from domain.dunning import Ladder
from domain.dunning_policy import DunningPolicy
from domain.ids import derived
from domain.invoice import InvoiceDraft, InvoiceLine
from domain.money import Money, text
from domain.outcome import Billed
from domain.state import Deal
from models.database import Database
from models.invoice import InvoiceLineRow, InvoiceRow
from models.outbox import MailRow, OutboxRow
from models.write import NextNumber
from workflows import stubs
from workflows.stubs import Perform, Performed

SERIES = "invoices"

# everything that one invoice needs, in one round trip
_TO_BILL = """
    SELECT e.invoice_prefix, a.name AS account_name, a.email, t.rate, t.name AS tax_name, p.content AS policy,
           (SELECT jsonb_agg(to_jsonb(l) - 'id' - 'contract_id' || jsonb_build_object('quantity', l.quantity::text)
                    ORDER BY l.line_no, l.from_period, l.segment)
              FROM contract_lines l
             WHERE l.contract_id = $3 AND l.term = $4 AND l.milestone = $5
               AND (l.kind IN ('one_time', 'milestone')
                    OR (l.from_period <= $6 AND coalesce(l.to_period, $6) >= $6))) AS lines
      FROM legal_entities e
      JOIN accounts a ON a.id = $2
      LEFT JOIN LATERAL (SELECT rate, name FROM tax_rates
                          WHERE entity_id = e.id AND valid_from <= $7 ORDER BY valid_from DESC LIMIT 1) t ON true
      LEFT JOIN LATERAL (SELECT content FROM dunning_policies
                          WHERE name = 'standard' ORDER BY version DESC LIMIT 1) p ON true
     WHERE e.id = $1
"""


class InvoiceActivities(stubs.InvoiceActivities):
    def __init__(self, books: Books) -> None:
        self.books = books

    @activity.defn
    async def bill_period(self, command: Perform) -> Performed:
        """Bill one period. A second run under the same turn changes nothing and says what the first did."""
        return await self.books.perform_alone(command, lambda: _bill(self.books.database, command, _period(command)))

    @activity.defn
    async def bill_milestone(self, command: Perform) -> Performed:
        """Bill what a milestone that was reached is worth, with an invoice of its own."""
        return await self.books.perform_alone(command, lambda: _bill(self.books.database, command, _milestone(command)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """What is to be billed: one period of a term, or one milestone (`occasion`)."""

    term_number: int
    term: Term | None  # None: it is over, and only a milestone of it was left
    period: Period
    occasion: str = ""
    lines_of: Callable[[list[PlanLine]], tuple[InvoiceLine, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _ToBill:
    """One invoice with all that it needs. `draft` None: there is nothing to bill."""

    contract_id: str
    term: int
    occasion: str
    method: str
    prefix: str
    email: str
    account_name: str
    policy: DunningPolicy
    draft: InvoiceDraft | None


def _period(command: Perform) -> _Due:
    """The next bill of a term; where service stops, the last one only closes what is billed in arrears."""
    running = command.deal.contract
    _, number = split_subject(command.step.subject)
    term = next((t for t in running.terms if t.number == number), None) if running else None
    if running is None or term is None:
        raise MissingReference(what=f"the term of {command.step.subject}")
    stop_on, index = running.cancel_on, command.step.number
    periods = term.periods_before(stop_on)

    def lines_of(lines: list[PlanLine]) -> tuple[InvoiceLine, ...]:
        begun = [line for line in lines if not (stop_on and line.starts_on and line.starts_on >= stop_on)]
        return invoice_lines(begun, index=index, periods=periods, period_of=term.period)

    return _Due(term_number=number, term=term, period=term.billed_period(index, stop_on), lines_of=lines_of)


def _milestone(command: Perform) -> _Due:
    """What is due because a milestone was reached, on the day it was."""
    running = command.deal.contract
    _, number = split_subject(command.step.subject)
    found = (m for m in running.milestones if (m.term, m.number) == (number, command.step.number)) if running else ()
    milestone = next(iter(found), None)
    if running is None or milestone is None or milestone.reached_at is None:
        raise MissingReference(what=f"milestone {command.step.number} of {command.step.subject}")
    on = local_date(milestone.reached_at, command.deal.zone)
    return _Due(
        term_number=number,
        term=next((t for t in running.terms if t.number == number), None),
        period=Period(on, on + timedelta(days=1)),
        occasion=milestone.name,
        lines_of=lambda lines: milestone_lines(lines, milestone=milestone.name, on=on),
    )


async def _bill(database: Database, command: Perform, due: _Due) -> Effect:
    deal, step, now = command.deal, command.step, command.now
    found = await _to_bill(database, command, due)
    draft = found.draft
    if draft is None:
        return _nothing(command, found, due)
    invoice_id = derived("inv", deal.id, *(("milestone",) if due.occasion else ()), step.subject, step.number)
    lead, digits = invoice.number_lead(found.prefix), invoice.NUMBER_DIGITS
    series = NextNumber(deal.entity_id, SERIES, lead=lead, digits=digits, mark=invoice_id)
    number = series.said  # until the statement that writes all this has taken it
    row = _invoice_row(command, found, draft, invoice_id=invoice_id, series=series)
    rows: list[SQLModel] = [row, *_line_rows(invoice_id, draft)]
    entry = ledger.for_invoice(net_by_revenue_account=draft.net_by_revenue_account, tax_minor=draft.tax_minor)
    if entry is not None:
        rows += entry_rows(command, entry, on=draft.issued_on, source_kind="invoice", source_id=invoice_id, memo=number)
    what = f"{due.occasion}, {draft.period.start}" if due.occasion else str(draft.period)
    rows += [_event(command, row), _mail(command, found, row, what)]
    told = Told(
        text=f"Invoice {number} for {what}: {text(Money(draft.total_minor, deal.currency))}, due {draft.due_on}",
        amount_minor=draft.total_minor,
        data={"invoice": invoice_id, "net_minor": draft.net_minor, "tax_minor": draft.tax_minor},
    )
    outcome = Billed(
        invoice_id=invoice_id,
        invoice_number=number,
        due_on=draft.due_on,
        method=found.method,
        settled=draft.total_minor == 0,
        ladder=_ladder(deal, found, draft, now),
    )
    return Effect(outcome=outcome, rows=rows, told=[told], number=series)


def _nothing(command: Perform, found: _ToBill, due: _Due) -> Effect:
    """No line bills anything then: no invoice, no number, and nothing to collect."""
    on = local_date(command.now, command.deal.zone)
    outcome = Billed(invoice_id="", invoice_number="", due_on=on, method=found.method, settled=True, ladder=())
    return Effect(outcome=outcome, told=[Told(text=f"Nothing to invoice for {due.occasion or due.period}")])


async def _to_bill(database: Database, command: Perform, due: _Due) -> _ToBill:
    deal, step = command.deal, command.step
    running, term = deal.contract, due.term
    if running is None:
        raise MissingReference(what="the contract")
    issued_on = local_date(command.now, deal.zone)
    which = (running.id, due.term_number, due.occasion, step.number)
    row = await database.row(_TO_BILL, deal.entity_id, deal.account_id, *which, issued_on)
    if row is None:
        raise MissingReference(what=f"the entity or the account of {step.subject}")
    if row["rate"] is None:
        raise MissingReference(what=f"a tax rate of {deal.entity_id} for {issued_on}")
    periods = term.periods if term is not None else 0
    lines = due.lines_of([plan_line(each, periods=periods) for each in row["lines"] or ()])
    agreed = term if term is not None and term.method else running
    return _ToBill(
        contract_id=running.id,
        term=due.term_number,
        occasion=due.occasion,
        method=agreed.method,
        prefix=row["invoice_prefix"],
        email=row["email"],
        account_name=row["account_name"],
        policy=DunningPolicy.kept(row["policy"]),
        draft=invoice.assemble(
            lines,
            period=due.period,
            currency=deal.currency,
            tax_rate=row["rate"],
            tax_name=row["tax_name"],
            issued_on=issued_on,
            net_days=agreed.net_days if agreed.method == "transfer" else 0,
        )
        if lines
        else None,
    )


def _ladder(deal: Deal, found: _ToBill, draft: InvoiceDraft, now: datetime) -> Ladder:
    """An invoice on terms gets its reminders now; a card gets its ladder with its first decline."""
    if found.method != "transfer":
        return ()
    return dunning.terms_ladder(found.policy.transfer_rungs(), due_on=draft.due_on, zone=deal.zone, issued_at=now)


def _invoice_row(
    command: Perform, found: _ToBill, draft: InvoiceDraft, *, invoice_id: str, series: NextNumber
) -> InvoiceRow:
    deal, step = command.deal, command.step
    return InvoiceRow(
        id=invoice_id,
        deal_id=deal.id,
        entity_id=deal.entity_id,
        account_id=deal.account_id,
        contract_id=found.contract_id,
        term=found.term,
        period_no=step.number,
        occasion=found.occasion,
        number=series.said,
        sequence=series.count,  # type: ignore[arg-type]  # a number by the time it is written
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


def _mail(command: Perform, found: _ToBill, row: InvoiceRow, what: str) -> MailRow:
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
        body=f"Dear {found.account_name},\n\nhere is invoice {row.number} for {what}: {total}. {pay}\n",
        attachment=f"invoice:{row.id}",
        at=command.now,
    )
