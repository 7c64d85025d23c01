"""What a priced quote bills, line by line and period by period: the preview and the invoices are both made from this plan.

Bill step `index` of a term stands at the start of period `index` (the last one, `periods`, at the term's end). It bills
what is due in advance for its period, what is due in arrears for the period before, and one-time charges from their start
on. A line that starts inside a period pays that period by day. Milestones have invoices of their own, when reached.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from domain.calendar import Period, period
from domain.invoice import InvoiceLine
from domain.money import from_minor
from domain.quote_version import PricedQuote
from domain.quoting.priced import ARREARS, MILESTONE, ONE_TIME, RECURRING, TAKEN, USAGE, PricedSegment
from domain.quoting.proration import prorated

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLine:
    """One segment of one line. `amount_minor`: net of one full period; of a one-time or milestone charge, of the whole;
    of a usage charge, what is committed to whatever is used.

    `starts`: '' (with the term), provisioning, signature or an ISO date; `starts_on` is that date once it is known.
    """

    line_no: int
    segment: int
    kind: str
    timing: str
    from_period: int
    to_period: int
    product: str
    description: str
    model: str
    unit_label: str
    quantity: Decimal
    amount_minor: int
    revenue_account: str
    explain: tuple[str, ...]
    milestone: str = ""
    starts: str = ""
    starts_on: date | None = None

    @property
    def in_arrears(self) -> bool:
        """Whether a period is billed after it; usage always is."""
        return self.kind == USAGE or (self.kind == RECURRING and self.timing == ARREARS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedInvoice:
    """One invoice of the preview: net of tax, in minor units. `milestone` is '' for those of the calendar."""

    on: date
    period: Period
    lines: tuple[InvoiceLine, ...]
    net_minor: int
    milestone: str = ""


def plan(quote: PricedQuote) -> tuple[PlanLine, ...]:
    """Every segment of every line of a priced quote, in their order."""
    return tuple(
        PlanLine(
            line_no=line.line_no,
            segment=number,
            kind=line.kind,
            timing=line.timing,
            from_period=segment.from_period,
            to_period=segment.to_period,
            product=line.product,
            description=line.description,
            model=line.model,
            unit_label=line.unit_label,
            quantity=segment.quantity,
            amount_minor=segment.net_minor,
            revenue_account=line.revenue_account,
            explain=(*segment.explain, *falls(segment, quote.currency)),
            milestone=line.milestone,
            starts=line.start,
        )
        for line in quote.lines
        for number, segment in enumerate(line.stretches(quote.terms.periods))
    )


def falls(segment: PricedSegment, currency: str) -> tuple[str, ...]:
    """What leads from the list amount to the net one, part by part, in words; nothing where they are the same.

    >>> segment = PricedSegment(from_period=0, to_period=12, quantity=Decimal(20), list_minor=25000, line_discount_minor=2500,
    ...                         uplift_minor=1125, net_minor=23625)
    >>> falls(segment, "EUR")
    ('list 250.00', 'line discount −25.00', 'uplift +11.25')
    """
    parts = [(name, -getattr(segment, name)) for name in TAKEN] + [("uplift_minor", segment.uplift_minor)]
    said = [
        f"{name.removesuffix('_minor').replace('_', ' ')} {'−' if minor < 0 else '+'}{from_minor(abs(minor), currency)}"
        for name, minor in parts
        if minor
    ]
    return (f"list {from_minor(segment.list_minor, currency)}", *said) if said else ()


def has_arrears(lines: Sequence[PlanLine]) -> bool:
    """Whether anything may be left to bill when the term ends: then it has one bill step more than periods."""
    return any(
        (line.in_arrears and (line.kind != USAGE or line.amount_minor)) or (line.kind == ONE_TIME and line.starts)
        for line in lines
    )


def resolve_starts(
    lines: Sequence[PlanLine], *, signed_on: date | None, provisioned_on: date, term_starts_on: date
) -> tuple[PlanLine, ...]:
    """The lines with the date on which each one starts, now that all are known; None: with the term.

    A start before the term is the term's: nothing is billed for days before it. A signature that is not dated (a renewal
    by silence) counts as the term's start.
    """
    known = {"signature": signed_on or term_starts_on, "provisioning": provisioned_on}
    resolved = []
    for line in lines:
        on = None
        if line.starts:
            on = known.get(line.starts) or date.fromisoformat(line.starts)
        resolved.append(replace(line, starts_on=on if on is None or on > term_starts_on else None))
    return tuple(resolved)


def invoice_lines(
    lines: Sequence[PlanLine], *, index: int, periods: int, period_of: Callable[[int], Period]
) -> tuple[InvoiceLine, ...]:
    """What bill step `index` (0 to `periods`) puts on its invoice; () means no invoice.

    Advance of period `index`, arrears of the period before, one-time charges at the first step on or after their start
    (at the last step, if none is).

    >>> seats = PlanLine(line_no=1, segment=0, kind="recurring", timing="advance", from_period=0, to_period=2, product="seats",
    ...     description="Seats", model="per_unit", unit_label="seat", quantity=Decimal(2), amount_minor=3100,
    ...     revenue_account="revenue:seats", explain=(), starts_on=date(2026, 1, 17))
    >>> months = lambda n: period(date(2026, 1, 1), 1, n)
    >>> [line.amount_minor for n in range(3) for line in invoice_lines([seats], index=n, periods=2, period_of=months)]
    [1500, 3100]
    """
    current = period_of(index) if index < periods else None
    before = period_of(index - 1) if index else None
    found = []
    for line in lines:
        if line.kind == ONE_TIME:
            made = _one_time(line, current, before)
        elif line.kind == MILESTONE:
            made = None
        elif line.in_arrears:
            due = line.kind != USAGE or line.amount_minor
            made = _periodic(line, index - 1, before) if due else None
        else:
            made = _periodic(line, index, current)
        if made is not None:
            found.append(made)
    return tuple(found)


def milestone_lines(lines: Sequence[PlanLine], *, milestone: str, on: date) -> tuple[InvoiceLine, ...]:
    """What is due because a milestone is reached on a day."""
    return tuple(
        _line(line, line.amount_minor, Period(on, on + _DAY))
        for line in lines
        if line.kind == MILESTONE and line.milestone == milestone
    )


def milestones(lines: Sequence[PlanLine]) -> tuple[str, ...]:
    """The milestones of a plan, each once, in order."""
    return tuple(dict.fromkeys(line.milestone for line in lines if line.kind == MILESTONE))


def preview(
    quote: PricedQuote, *, anchor: date, signed_on: date | None = None, milestones: Mapping[str, date] | None = None
) -> tuple[PlannedInvoice, ...]:
    """The invoices of the whole term, by date, if it starts on `anchor`, everything is provisioned that day, and the
    milestones are reached on the days given (those without a day are left out).
    """
    terms = quote.terms
    lines = resolve_starts(plan(quote), signed_on=signed_on or anchor, provisioned_on=anchor, term_starts_on=anchor)
    whole = [period(anchor, terms.interval_months, n) for n in range(terms.periods)]
    found = []
    for index in range(terms.periods + has_arrears(lines)):
        billed = invoice_lines(lines, index=index, periods=terms.periods, period_of=whole.__getitem__)
        covered = whole[min(index, terms.periods - 1)]
        found.append(_planned(covered.start if index < terms.periods else covered.end, covered, billed))
    for name, on in (milestones or {}).items():
        due = milestone_lines(lines, milestone=name, on=on)
        found.append(_planned(on, Period(on, on + _DAY), due, milestone=name))
    return tuple(sorted((each for each in found if each.lines), key=lambda each: each.on))


def _planned(on: date, covered: Period, lines: tuple[InvoiceLine, ...], milestone: str = "") -> PlannedInvoice:
    net = sum(line.amount_minor for line in lines)
    return PlannedInvoice(on=on, period=covered, lines=lines, net_minor=net, milestone=milestone)


def _periodic(line: PlanLine, number: int, covered: Period | None) -> InvoiceLine | None:
    """A line's part of period `number`: none before it starts, by day in the period in which it starts."""
    if covered is None or not line.from_period <= number < line.to_period:
        return None
    if line.starts_on is None or line.starts_on <= covered.start:
        return _line(line, line.amount_minor, covered)
    if line.starts_on >= covered.end:
        return None
    used = Period(line.starts_on, covered.end)
    told = (*line.explain, f"{used.days} of {covered.days} days")
    return replace(_line(line, prorated(line.amount_minor, used, covered), used), explain=told)


def _one_time(line: PlanLine, current: Period | None, before: Period | None) -> InvoiceLine | None:
    """A one-time charge on the first bill step on or after its start, whatever is left on the last one."""
    start = line.starts_on
    if before is not None and (start is None or start <= before.start):
        return None  # an earlier step billed it
    if current is None:
        assert before is not None  # noqa: S101  (a term has a period)
        return _line(line, line.amount_minor, Period(before.end, before.end + _DAY))
    if start is not None and start > current.start:
        return None
    return _line(line, line.amount_minor, Period(current.start, current.start + _DAY))


def _line(line: PlanLine, amount_minor: int, covered: Period) -> InvoiceLine:
    return InvoiceLine(
        description=line.description,
        quantity=line.quantity,
        unit_label=line.unit_label,
        amount_minor=amount_minor,
        period=covered,
        revenue_account=line.revenue_account,
        explain=line.explain,
    )
