"""Audit of billing: every period that began is invoiced exactly once, with the very dates that the contract's terms give it."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from domain import contract as contracts
from domain.billing_schedule import Term
from domain.calendar import local_midnight
from domain.state import Deal
from models.audit import Breach
from workflows.converter import from_json

CHECK = "every_due_period_is_invoiced_once"
GRACE = timedelta(hours=1)  # of a real deal: its worker may be busy

_CONTRACTS = text("""
    SELECT c.id AS contract, c.number, d.id AS deal, d.state, e.clock_at,
           (SELECT jsonb_agg(jsonb_build_object('term', t.term, 'starts_on', t.starts_on, 'ends_on', t.ends_on,
                    'interval_months', t.interval_months, 'months', v.term_months) ORDER BY t.term)
              FROM contract_terms t JOIN quote_versions v ON v.id = t.quote_version_id
             WHERE t.contract_id = c.id AND t.starts_on IS NOT NULL) AS terms,
           (SELECT jsonb_agg(jsonb_build_object('id', i.id, 'number', i.number, 'term', i.term, 'period_no', i.period_no,
                    'start', i.period_start, 'end', i.period_end) ORDER BY i.term, i.period_no)
              FROM invoices i WHERE i.contract_id = c.id) AS invoices
      FROM contracts c JOIN deals d ON d.id = c.deal_id JOIN legal_entities e ON e.id = d.entity_id
     ORDER BY c.id
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """One period of a contract, when it begins, and whether it must be invoiced by now (None: it may be)."""

    term: int
    period_no: int
    start: date
    end: date
    at: datetime
    due: bool | None


async def every_due_period_is_invoiced_once(session: AsyncSession) -> list[Breach]:
    """Per contract: a period that began (on the deal's clock; real: an hour ago) has one invoice with its dates, no other has one.

    What is parked is not expected: it waits for an operator, and `deal list --parked` shows it.
    """
    now = datetime.now(tz=UTC)
    found: list[Breach] = []
    for row in (await session.execute(_CONTRACTS)).mappings():
        found += judged(dict(row), row["clock_at"] or now - GRACE)
    return found


def judged(row: dict[str, Any], now: datetime) -> list[Breach]:
    """The breaches of one contract. `row` is the contract with its deal's state, terms and invoices."""
    deal = from_json(Deal, row["state"])
    wanted = {(each.term, each.period_no): each for each in _periods(terms_of(row["terms"] or []), deal, now)}
    invoices: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
    for invoice in row["invoices"] or []:
        invoices[invoice["term"], invoice["period_no"]].append(invoice)
    about = {"deal": row["deal"], "contract": row["contract"]}
    found = []
    for place in sorted({*wanted, *invoices}):
        period, there = wanted.get(place), invoices.get(place, [])
        said = _wrong(period, there)
        if said:
            which = f"contract {row['number']} of {row['deal']}, term {place[0]} period {place[1]}"
            found.append(
                Breach(
                    check=CHECK, text=f"{which}: {said}", rows=tuple({**about, **each} for each in there) or (about,)
                )
            )
    return found


def _wrong(period: _Due | None, invoices: list[dict[str, Any]]) -> str:
    """What is wrong with one period; '' is nothing."""
    if period is None:
        return "is invoiced and is no period of the contract"
    dates = f"{period.start} to {period.end}"
    if len(invoices) > 1:
        return f"{dates} is invoiced {len(invoices)} times"
    if not invoices:
        return f"{dates} is due and not invoiced" if period.due else ""
    if period.due is False:
        return f"{dates} is invoiced and not due"
    if (invoices[0]["start"], invoices[0]["end"]) != (period.start.isoformat(), period.end.isoformat()):
        return f"is {dates}, its invoice says {invoices[0]['start']} to {invoices[0]['end']}"
    return ""


def terms_of(rows: list[dict[str, Any]]) -> list[Term]:
    """The terms as the schedule counts them: all from the first one's anchor, one after the other."""
    terms: list[Term] = []
    for row in rows:
        anchor = terms[0].anchor if terms else date.fromisoformat(row["starts_on"])
        before = terms[-1].from_month + terms[-1].months if terms else 0
        terms.append(
            Term(
                number=row["term"],
                anchor=anchor,
                from_month=before,
                months=row["months"],
                interval_months=row["interval_months"],
                order_number=0,
            )
        )
    return terms


def _periods(terms: list[Term], deal: Deal, now: datetime) -> list[_Due]:
    found = []
    for term in terms:
        for number in range(term.periods):
            period = term.period(number)
            at = local_midnight(period.start, deal.zone)
            found.append(
                _Due(
                    term=term.number,
                    period_no=number,
                    start=period.start,
                    end=period.end,
                    at=at,
                    due=_due(deal, period.start, at, now),
                )
            )
    return found


def _due(deal: Deal, start: date, at: datetime, now: datetime) -> bool | None:
    """Whether a period must be invoiced by now; None: it may be, it need not."""
    running = deal.contract
    if running is None or running.parked:
        return None
    if running.cancel_on is not None and start >= running.cancel_on:
        return False
    if running.stage == contracts.ENDED:
        ended = running.since or now
        return None if at == ended else at < ended
    if at <= now:
        return True
    return None if not deal.clock.virtual and at <= now + GRACE else False
