"""Audit of billing: every bill that was due is made exactly once, with the very dates and lines that the contract gives it."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.lines import plan_line
from cli.audit_dates import GRACE, is_due, terms_of
from domain.billing_plan import PlanLine, has_arrears, invoice_lines, milestone_lines, milestones
from domain.billing_schedule import Term
from domain.calendar import Period, local_midnight
from domain.invoice import InvoiceLine
from domain.state import Deal
from models.audit import Breach
from workflows.converter import from_json

ONCE = "every_due_bill_is_made_once"
AGREED = "invoices_bill_what_was_agreed"

_CONTRACTS = text("""
    SELECT c.id AS contract, c.number, d.id AS deal, d.state, e.clock_at,
           (SELECT jsonb_agg(jsonb_build_object('term', t.term, 'starts_on', t.starts_on, 'ends_on', t.ends_on,
                    'interval_months', t.interval_months, 'months',
                    12 * (date_part('year', t.ends_on) - date_part('year', t.starts_on))::int
                    + (date_part('month', t.ends_on) - date_part('month', t.starts_on))::int) ORDER BY t.term)
              FROM contract_terms t
             WHERE t.contract_id = c.id AND t.starts_on IS NOT NULL) AS terms,
           (SELECT jsonb_agg(to_jsonb(l) || jsonb_build_object('quantity', l.quantity::text)
                    ORDER BY l.line_no, l.from_period, l.segment)
              FROM contract_lines l WHERE l.contract_id = c.id) AS lines,
           (SELECT jsonb_agg(jsonb_build_object('id', i.id, 'number', i.number, 'term', i.term, 'period_no', i.period_no,
                    'occasion', i.occasion, 'start', i.period_start, 'end', i.period_end, 'lines',
                    (SELECT jsonb_agg(jsonb_build_array(n.description, n.quantity::text, n.amount_minor, n.period_start,
                            n.period_end, n.revenue_account) ORDER BY n.line_no)
                       FROM invoice_lines n WHERE n.invoice_id = i.id)) ORDER BY i.term, i.period_no, i.occasion)
              FROM invoices i WHERE i.contract_id = c.id) AS invoices
      FROM contracts c JOIN deals d ON d.id = c.deal_id JOIN legal_entities e ON e.id = d.entity_id
     ORDER BY c.id
""")

Place = tuple[int, int, str]  # term, number of the bill or milestone, the milestone's name


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bill:
    """One bill of a contract: what it is about, its lines (none: no invoice is made), whether it must be made by now.

    `period` None: the day on which its milestone was reached. `lines` take that day.
    """

    period: Period | None
    lines: Callable[[date], tuple[InvoiceLine, ...]]
    due: bool | None


async def every_due_bill_is_made_once(session: AsyncSession) -> list[Breach]:
    """Per contract: what fell due (on the deal's clock; real: an hour ago) has one invoice with its dates, nothing else has one."""
    return await _judged(session, bills_made)


async def invoices_bill_what_was_agreed(session: AsyncSession) -> list[Breach]:
    """The lines of each invoice are those that the lines of its contract give for its period or milestone."""
    return await _judged(session, lines_agreed)


async def _judged(session: AsyncSession, judge: Callable[[dict[str, Any], datetime], list[Breach]]) -> list[Breach]:
    now = datetime.now(tz=UTC)
    found: list[Breach] = []
    async for row in (await session.stream(_CONTRACTS)).mappings():
        found += judge(dict(row), row["clock_at"] or now - GRACE)
    return found


def bills_made(row: dict[str, Any], now: datetime) -> list[Breach]:
    """What is wrong with the bills of one contract. `row` is the contract with its deal's state, terms, lines, invoices."""
    bills, invoices = _bills(row, now), _invoices(row)
    found = []
    for place in sorted({*bills, *invoices}):
        there = invoices.get(place, [])
        if said := _wrong(bills.get(place), there):
            found.append(_breach(ONCE, row, place, said, there))
    return found


def lines_agreed(row: dict[str, Any], now: datetime) -> list[Breach]:
    """Invoices of one contract with other lines than agreed. `row` is as in `bills_made`."""
    bills = _bills(row, now)
    found = []
    for place, there in sorted(_invoices(row).items()):
        for invoice in there:
            agreed = bills[place].lines(date.fromisoformat(invoice["start"])) if place in bills else ()
            if agreed and (said := _other(agreed, invoice["lines"] or [])):
                found.append(_breach(AGREED, row, place, f"{invoice['number']} {said}", [invoice]))
    return found


def _wrong(bill: _Bill | None, invoices: list[dict[str, Any]]) -> str:
    """What is wrong with one bill; '' is nothing."""
    if bill is None:
        return "is invoiced and is no period of the contract"
    dates = f"{bill.period.start} to {bill.period.end}" if bill.period else "the milestone"
    if len(invoices) > 1:
        return f"{dates} is invoiced {len(invoices)} times"
    billed = bool(bill.lines(bill.period.start if bill.period else date.min))
    if not invoices:
        return f"{dates} is due and not invoiced" if bill.due and billed else ""
    if bill.due is False:
        return f"{dates} is invoiced and not due"
    if not billed:
        return f"{dates} is invoiced, and nothing is to be billed for it"
    said = (invoices[0]["start"], invoices[0]["end"])
    if bill.period and said != (bill.period.start.isoformat(), bill.period.end.isoformat()):
        return f"is {dates}, its invoice says {said[0]} to {said[1]}"
    return ""


def _other(agreed: tuple[InvoiceLine, ...], found: list[list[Any]]) -> str:
    """How the lines of an invoice differ from what was agreed; '' is not at all."""
    wanted = [
        (line.description, line.quantity, line.amount_minor, str(line.period), line.revenue_account) for line in agreed
    ]
    there = [
        (what, Decimal(quantity), minor, str(Period(date.fromisoformat(start), date.fromisoformat(end))), account)
        for what, quantity, minor, start, end, account in found
    ]
    if wanted == there:
        return ""
    missing = [line for line in wanted if line not in there]
    added = [line for line in there if line not in wanted]
    parts = [f"{word} {_told(lines)}" for word, lines in (("lacks", missing), ("bills", added)) if lines]
    return " and ".join(parts) or "has its lines in another order, or one of them twice"


def _told(lines: list[tuple[str, Decimal, int, str, str]]) -> str:
    return ", ".join(f"{what} {period} of {minor}" for what, _, minor, period, _ in lines)


def _breach(check: str, row: dict[str, Any], place: Place, said: str, invoices: list[dict[str, Any]]) -> Breach:
    term, number, occasion = place
    which = f"milestone {occasion}" if occasion else f"period {number}"
    about = {"deal": row["deal"], "contract": row["contract"]}
    rows = tuple({**about, **{k: v for k, v in each.items() if k != "lines"}} for each in invoices) or (about,)
    return Breach(
        check=check, text=f"contract {row['number']} of {row['deal']}, term {term} {which}: {said}", rows=rows
    )


def _invoices(row: dict[str, Any]) -> dict[Place, list[dict[str, Any]]]:
    found: dict[Place, list[dict[str, Any]]] = defaultdict(list)
    for invoice in row["invoices"] or []:
        found[invoice["term"], invoice["period_no"], invoice["occasion"]].append(invoice)
    return found


def _bills(row: dict[str, Any], now: datetime) -> dict[Place, _Bill]:
    """Every bill of every term of a contract."""
    deal = from_json(Deal, row["state"])
    lines: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for line in row["lines"] or []:
        lines[line["term"]].append(line)
    plans: dict[int, list[PlanLine]] = {}
    for each in terms_of(row["terms"] or []):
        plans[each.number] = [plan_line(line, periods=each.periods) for line in lines[each.number]]
    arrears = frozenset(number for number, plan in plans.items() if has_arrears(plan))
    found: dict[Place, _Bill] = {}
    for term in terms_of(row["terms"] or [], arrears=arrears):
        found |= _of_calendar(term, plans[term.number], deal, now)
        found |= _of_milestones(term, plans[term.number], deal)
    return found


def _of_calendar(term: Term, plan: list[PlanLine], deal: Deal, now: datetime) -> dict[Place, _Bill]:
    stop_on = deal.contract.cancel_on if deal.contract is not None else None
    begun = [line for line in plan if not (stop_on and line.starts_on and line.starts_on >= stop_on)]
    found: dict[Place, _Bill] = {}
    for index in range(term.bills):
        wanted = index < term.bills_before(stop_on)
        due = is_due(deal, local_midnight(term.bills_on(index), deal.zone), now) if wanted else False
        billed = invoice_lines(
            begun if wanted else plan,
            index=index,
            periods=term.periods_before(stop_on) if wanted else term.periods,
            period_of=term.period,
        )
        covered = term.billed_period(index, stop_on if wanted else None)
        found[term.number, index, ""] = _Bill(period=covered, lines=partial(_known, billed), due=due)
    return found


def _of_milestones(term: Term, plan: list[PlanLine], deal: Deal) -> dict[Place, _Bill]:
    """A milestone that the deal does not wait for any more is billed; one that is reached may be."""
    running = deal.contract
    found: dict[Place, _Bill] = {}
    for number, name in enumerate(milestones(plan)):
        waits = [m for m in running.milestones if (m.term, m.number) == (term.number, number)] if running else []
        due = None if running is None or any(m.reached_at for m in waits) else not waits
        found[term.number, number, name] = _Bill(period=None, lines=partial(_reached, plan, name), due=due)
    return found


def _known(lines: tuple[InvoiceLine, ...], _: date) -> tuple[InvoiceLine, ...]:
    return lines


def _reached(plan: list[PlanLine], name: str, on: date) -> tuple[InvoiceLine, ...]:
    return milestone_lines(plan, milestone=name, on=on)
