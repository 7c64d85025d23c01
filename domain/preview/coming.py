"""What the bills of a term that are still to come put on their invoices: by the plan that the invoices are made from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from domain.billing_plan import PlanLine, PlannedInvoice, invoice_lines, plan, resolve_starts
from domain.billing_schedule import Term
from domain.invoice import InvoiceLine
from domain.quote import uplifted
from domain.quote_version import PricedQuote, content


def agreed(quote: PricedQuote, *, renewals: int) -> tuple[PlanLine, ...]:
    """What a term bills that nobody has signed: as the offer says, uplifted once for each renewal before it."""
    for _ in range(renewals):
        quote = uplifted(content(quote), quote.terms.uplift_percent)
    return plan(quote)


def bill(planned: Sequence[PlanLine], term: Term, index: int, *, periods: int) -> tuple[InvoiceLine, ...]:
    """What bill `index` of a term invoices, of which `periods` are billed; () means no invoice.

    Starts that are not dated yet (before the contract is in service) count as the term's.
    """
    start = term.starts_on
    assumed = resolve_starts(planned, signed_on=start, provisioned_on=start, term_starts_on=start)
    dated = [known if known.starts_on is not None else line for known, line in zip(planned, assumed, strict=True)]
    return invoice_lines(dated, index=index, periods=periods, period_of=term.period)


def coming(planned: Sequence[PlanLine], term: Term, *, stop_on: date | None = None) -> tuple[PlannedInvoice, ...]:
    """The invoices that a term still makes, by date, if it runs to its end or until service stops on `stop_on`."""
    begun = [line for line in planned if not (stop_on and line.starts_on and line.starts_on >= stop_on)]
    found = []
    for index in range(term.billed, term.bills_before(stop_on)):
        lines = bill(begun, term, index, periods=term.periods_before(stop_on))
        if lines:
            net = sum(line.amount_minor for line in lines)
            period = term.billed_period(index, stop_on)
            found.append(PlannedInvoice(on=term.bills_on(index), period=period, lines=lines, net_minor=net))
    return tuple(found)
