"""A priced offer as plain JSON values: amounts with their text, and a waterfall of signed parts that add up to its net.

The API's quote pages and `q2c preview quote --json` say the same, because both say this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from domain.billing_plan import PlannedInvoice, milestone_lines, milestones, plan
from domain.document import decimal_text
from domain.errors import plain
from domain.invoice import InvoiceLine
from domain.money import Money, text
from domain.need import Need
from domain.preview.offers import Previewed
from domain.quote_version import PricedQuote
from domain.quoting.priced import PER_PERIOD, TAKEN, WATERFALL, PricedLine, PricedSegment

Told = dict[str, Any]


def amount(minor: int, currency: str) -> Told:
    """Minor units with their text.

    >>> amount(123450, "EUR")
    {'minor': 123450, 'currency': 'EUR', 'text': '1,234.50 EUR'}
    """
    return {"minor": minor, "currency": currency, "text": text(Money(minor, currency))}


def preview(found: Previewed) -> Told:
    """Everything a preview says: the offers side by side, each with its invoices, and who would have to approve."""
    offers = [
        {
            **offer(name, quote, recommended=name == found.offers.recommended),
            "invoices": [_invoice(each, quote.currency) for each in found.invoices(quote)],
            "milestones": _milestones(found, quote),
        }
        for name, quote in found.offers.offers
    ]
    first = found.offers.offers[0][1]
    return {
        "price_book": first.price_book,
        "price_book_version": first.price_book_version,
        "currency": first.currency,
        "on": found.on.isoformat(),
        "starts_on": found.starts_on.isoformat(),
        "offers": offers,
        "facts": _plain(asdict(found.facts)),
        "approvals": None if found.approvals is None else [_requirement(each) for each in found.approvals],
    }


def offer(name: str, quote: PricedQuote, *, recommended: bool) -> Told:
    """One complete offer: its terms, totals, waterfall over the whole term, and every line with its segments."""
    return {
        "name": name,
        "recommended": recommended,
        "terms": _plain(asdict(quote.terms)),
        "totals": _totals(quote),
        "waterfall": _waterfall(_over_term(quote), quote.currency),
        "lines": [_line(line, quote) for line in quote.lines],
        "provisioning": list(quote.provisioning),
    }


def _totals(quote: PricedQuote) -> Told:
    sums, currency = quote.totals, quote.currency
    return {
        "periods": sums.periods,
        "first_period": amount(sums.net_minor, currency),
        "acv": amount(sums.acv_minor, currency),
        "tcv": amount(sums.tcv_minor, currency),
        "first_year": amount(sums.first_year_minor, currency),
        "recurring": amount(sums.recurring_minor, currency),
        "one_time": amount(sums.one_time_minor, currency),
        "milestones": amount(sums.milestone_minor, currency),
        "usage_committed": amount(sums.usage_minor, currency),
        "usage_estimate": amount(sums.usage_estimate_minor, currency),
        "cost": None if sums.cost_minor is None else amount(sums.cost_minor, currency),
        "margin_percent": None if sums.margin_percent is None else decimal_text(sums.margin_percent),
        "discount_percent": decimal_text(sums.discount_percent),
    }


def _over_term(quote: PricedQuote) -> Mapping[str, int]:
    """The waterfall of the whole term, by part; a version made before there were segments has the same in every period."""
    sums = quote.totals
    if sums.over_term:
        return sums.over_term
    return {name.removesuffix("_minor"): getattr(sums, name) * sums.periods for name in WATERFALL}


def _waterfall(parts: Mapping[str, int], currency: str) -> list[Told]:
    """List, what is taken off (below zero), the uplift, net; parts that come to nothing are left out."""
    taken = {name.removesuffix("_minor") for name in TAKEN}
    signed = {name: -minor if name in taken else minor for name, minor in parts.items()}
    order = [name.removesuffix("_minor") for name in WATERFALL]
    return [
        {"part": name, "amount": amount(signed[name], currency)}
        for name in order
        if signed.get(name) or name in {"list", "net"}
    ]


def _line(line: PricedLine, quote: PricedQuote) -> Told:
    return {
        "line_no": line.line_no,
        "product": line.product,
        "description": line.description,
        "charge": line.charge,
        "model": line.model,
        "kind": line.kind,
        "timing": line.timing,
        "unit": line.unit_label,
        "group": line.group,
        "start": line.start,
        "milestone": line.milestone,
        "attributes": dict(line.attributes),
        "promotion": line.promotion,
        "segments": [_segment(each, line, quote) for each in line.stretches(quote.terms.periods)],
    }


def _segment(segment: PricedSegment, line: PricedLine, quote: PricedQuote) -> Told:
    """A stretch of billing periods; its months are counted from 1. Amounts are of one period, or of the whole once."""
    months = quote.terms.interval_months
    parts = {name.removesuffix("_minor"): getattr(segment, name) for name in WATERFALL}
    recurs = line.kind in PER_PERIOD
    return {
        "from_period": segment.from_period,
        "to_period": segment.to_period,
        "from_month": segment.from_period * months + 1 if recurs else None,
        "to_month": segment.to_period * months if recurs else None,
        "quantity": decimal_text(segment.quantity),
        "discount_percent": decimal_text(segment.discount_percent),
        "waterfall": _waterfall(parts, quote.currency),
        "net": amount(segment.net_minor, quote.currency),
        "cost": None if segment.cost_minor is None else amount(segment.cost_minor, quote.currency),
        "below_floor": segment.below_floor,
        "usage_estimate": amount(segment.estimate_minor, quote.currency) if segment.estimate_minor else None,
        "explain": list(segment.explain),
    }


def _invoice(planned: PlannedInvoice, currency: str) -> Told:
    return {
        "on": planned.on.isoformat(),
        "period_start": planned.period.start.isoformat(),
        "period_end": planned.period.end.isoformat(),
        "net": amount(planned.net_minor, currency),
        "lines": [invoice_line(each, currency) for each in planned.lines],
    }


def invoice_line(line: InvoiceLine, currency: str) -> Told:
    """A line as an invoice will have it."""
    return {
        "description": line.description,
        "quantity": decimal_text(line.quantity),
        "unit_label": line.unit_label,
        "amount": amount(line.amount_minor, currency),
        "period_start": line.period.start.isoformat(),
        "period_end": line.period.end.isoformat(),
        "explain": list(line.explain),
    }


def _milestones(found: Previewed, quote: PricedQuote) -> list[Told]:
    """What is invoiced when each milestone is reached, whenever that is."""
    lines = plan(quote)
    told = []
    for name in milestones(lines):
        due = milestone_lines(lines, milestone=name, on=found.starts_on)
        net = sum(each.amount_minor for each in due)
        told.append({"milestone": name, "net": amount(net, quote.currency)})
    return told


def _requirement(need: Need) -> Told:
    return {
        "level": need.level,
        "group": need.group,
        "reasons": need.reason.split("; "),
        "remind_after_hours": need.remind_after_hours,
        "escalate_after_hours": need.escalate_after_hours,
        "escalate_to": need.escalate_to,
    }


def _plain(values: Mapping[str, object]) -> Told:
    return {name: plain(value) for name, value in values.items()}
