"""What a priced offer comes to: per billing period, over its term, in a year, in cash of the first twelve months, in margin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal

from domain.calendar import Period, add_months, period
from domain.money import LARGEST_MINOR, AmountOutOfRange
from domain.quoting.priced import (
    ARREARS,
    MILESTONE,
    ONE_TIME,
    PER_PERIOD,
    RECURRING,
    TAKEN,
    USAGE,
    WATERFALL,
    PricedLine,
    PricedSegment,
)
from domain.quoting.proration import prorated
from domain.quoting.terms import QuoteTerms

MONTHS_IN_YEAR = 12
_FOUR_DECIMALS = Decimal("0.0001")
_WIDE = Context(prec=60, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """In minor units. The parts from list to net are of the first billing period; `over_term` has them for the whole term,
    one-time and milestone charges included (names without `_minor`).

    `tcv_minor` is what is committed to: recurring, one-time and milestone charges and the commitments of usage, without
    its estimate; `acv_minor` is a year's worth of what recurs, half up. `first_year_minor` is invoiced in the first twelve
    months, milestones left out: nobody knows their day. `margin_percent` is of the lines that know their cost, 4 decimals.
    """

    list_minor: int
    line_discount_minor: int
    header_discount_minor: int
    uplift_minor: int
    net_minor: int
    periods: int
    tcv_minor: int
    acv_minor: int
    discount_percent: Decimal  # of the list total, as stated, 4 decimals
    promotion_minor: int = 0
    group_discount_minor: int = 0
    coupon_minor: int = 0
    partner_minor: int = 0
    recurring_minor: int = 0
    one_time_minor: int = 0
    milestone_minor: int = 0
    usage_minor: int = 0
    usage_estimate_minor: int = 0
    first_year_minor: int = 0
    cost_minor: int | None = None
    margin_percent: Decimal | None = None
    over_term: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How much of a segment is billed: `full` periods from number `first` on, and before them a part of one."""

    first: int
    full: int
    part: tuple[int, Period, Period] | None = None  # its number, the days used, the whole period

    def of(self, minor: int) -> int:
        """An amount of one full period, over all of them."""
        return minor * self.full + (prorated(minor, self.part[1], self.part[2]) if self.part else 0)


def share(segment: PricedSegment, *, starts_on: date | None, anchor: date | None, interval_months: int) -> Share:
    """The part of a segment that is billed when its line starts on a date and the term on `anchor` (None: together).

    >>> year = PricedSegment(from_period=0, to_period=12, quantity=Decimal(1), list_minor=3100, net_minor=3100)
    >>> share(year, starts_on=date(2026, 1, 17), anchor=date(2026, 1, 1), interval_months=1).of(3100)   # 15/31 and 11 months
    35600
    """
    if starts_on is None or anchor is None or starts_on <= anchor:
        return Share(first=segment.from_period, full=segment.periods)
    for number in range(segment.from_period, segment.to_period):
        covered = period(anchor, interval_months, number)
        if starts_on <= covered.start:
            return Share(first=number, full=segment.to_period - number)
        if starts_on < covered.end:
            part = (number, Period(starts_on, covered.end), covered)
            return Share(first=number + 1, full=segment.to_period - number - 1, part=part)
    return Share(first=segment.to_period, full=0)


def totals(
    lines: Sequence[PricedLine], terms: QuoteTerms, *, discount_percent: Decimal, anchor: date | None = None
) -> Totals:
    """Add up the lines of a term that starts on `anchor` (it matters to lines with a date of their own). Raises
    AmountOutOfRange.

    >>> terms = QuoteTerms(term_months=36, interval_months=3, start="signature", net_days=30, method="transfer",
    ...     auto_renew=False, notice_days=30, uplift_percent=Decimal(0), valid_days=30, signer_name="", signer_email="")
    >>> totals([], terms, discount_percent=Decimal(0)).periods
    12
    """
    per_period = dict.fromkeys(WATERFALL, 0)
    whole = dict.fromkeys(WATERFALL, 0)
    by_kind = dict.fromkeys((RECURRING, ONE_TIME, MILESTONE, USAGE), 0)
    first_year = estimate = cost = costed_net = 0
    has_cost = False
    for line in lines:
        starts_on = _date(line.start)
        for segment in line.stretches(terms.periods):
            if line.kind in PER_PERIOD:
                billed = share(segment, starts_on=starts_on, anchor=anchor, interval_months=terms.interval_months)
                if not segment.from_period:
                    _add(per_period, segment, lambda minor: minor)
            else:
                billed = Share(first=0, full=1)
            net = _add(whole, segment, billed.of)
            by_kind[line.kind] += net
            first_year += _in_first_year(line, segment, billed, terms, anchor)
            estimate += billed.of(segment.estimate_minor)
            if segment.cost_minor is not None:
                has_cost = True
                cost += billed.of(segment.cost_minor)
                costed_net += net
    tcv = sum(by_kind.values())
    acv = _half_up((by_kind[RECURRING] + by_kind[USAGE]) * MONTHS_IN_YEAR, terms.term_months)
    if max(tcv, acv) > LARGEST_MINOR:
        raise AmountOutOfRange(minor=max(tcv, acv))
    return Totals(
        **per_period,  # by the names of the waterfall
        periods=terms.periods,
        tcv_minor=tcv,
        acv_minor=acv,
        discount_percent=discount_percent,
        recurring_minor=by_kind[RECURRING],
        one_time_minor=by_kind[ONE_TIME],
        milestone_minor=by_kind[MILESTONE],
        usage_minor=by_kind[USAGE],
        usage_estimate_minor=estimate,
        first_year_minor=first_year,
        cost_minor=cost if has_cost else None,
        margin_percent=margin_percent(costed_net, cost) if has_cost else None,
        over_term={name.removesuffix("_minor"): minor for name, minor in whole.items()},
    )


def margin_percent(net_minor: int, cost_minor: int) -> Decimal | None:
    """What is left of the net after its cost, in percent, 4 decimals; given away at a cost it is -100, at none unknown.

    >>> margin_percent(10000, 6500), margin_percent(0, 100), margin_percent(0, 0)
    (Decimal('35.0000'), Decimal('-100.0000'), None)
    """
    if not net_minor:
        return Decimal("-100.0000") if cost_minor else None
    part = _WIDE.divide(Decimal((net_minor - cost_minor) * 100), Decimal(net_minor))
    return part.quantize(_FOUR_DECIMALS, context=_WIDE)


def _add(sums: dict[str, int], segment: PricedSegment, of: Callable[[int], int]) -> int:
    """Add a segment's waterfall; its list is what the other parts leave, so that a prorated one still adds up."""
    net, uplift = of(segment.net_minor), of(segment.uplift_minor)
    taken = {name: of(getattr(segment, name)) for name in TAKEN}
    for name, minor in taken.items():
        sums[name] += minor
    sums["list_minor"] += net - uplift + sum(taken.values())
    sums["uplift_minor"] += uplift
    sums["net_minor"] += net
    return net


def _in_first_year(
    line: PricedLine, segment: PricedSegment, billed: Share, terms: QuoteTerms, anchor: date | None
) -> int:
    if line.kind == MILESTONE:
        return 0
    steps = -(-MONTHS_IN_YEAR // terms.interval_months)  # bill steps in the first year
    if line.kind == ONE_TIME:
        return segment.net_minor if _step(_date(line.start), terms, anchor) < steps else 0
    late = 1 if line.kind == USAGE or line.timing == ARREARS else 0
    steps -= late
    full = max(0, min(billed.first + billed.full, steps) - billed.first)
    part = billed.part is not None and billed.part[0] < steps
    return segment.net_minor * full + (prorated(segment.net_minor, *billed.part[1:]) if part and billed.part else 0)


def _step(starts_on: date | None, terms: QuoteTerms, anchor: date | None) -> int:
    """The bill step of a charge that is paid once: the first on or after its start, the last one if none is."""
    if starts_on is None or anchor is None:
        return 0
    steps = (add_months(anchor, terms.interval_months * number) for number in range(terms.periods))
    return next((number for number, on in enumerate(steps) if starts_on <= on), terms.periods)


def _date(start: str) -> date | None:
    return date.fromisoformat(start) if start[:1].isdigit() else None


def _half_up(number: int, divisor: int) -> int:
    return (2 * number + divisor) // (2 * divisor)
