"""Part of a period costs its share by day: rate × days used / true days of the full period, rounded once, half up."""

from __future__ import annotations

from datetime import date

from domain.calendar import Period, add_months
from domain.money import spread


def prorated(amount_minor: int, used: Period, whole: Period) -> int:
    """The part of a full period's amount for the days used, in minor units. Days outside the period cost nothing.

    31.00 for January, from the 17th on, is 15 of 31 days:

    >>> january = Period(date(2026, 1, 1), date(2026, 2, 1))
    >>> prorated(3100, Period(date(2026, 1, 17), date(2026, 2, 1)), january)
    1500
    >>> prorated(3100, Period(date(2025, 12, 1), date(2026, 3, 1)), january), prorated(1, january, january)
    (3100, 1)
    """
    days = (min(used.end, whole.end) - max(used.start, whole.start)).days
    if days <= 0:
        return 0
    # two parts by largest remainder: a tie goes to the part used, which is half up
    return spread(amount_minor, (days, whole.days - days))[0]


def leading_stub(anchor: date, interval_months: int) -> Period:
    """The full period whose days divide a stub before the first anchor: the one that ends at the anchor.

    >>> str(leading_stub(date(2026, 3, 31), 1))
    '2026-02-28 to 2026-03-30'
    """
    return Period(add_months(anchor, -interval_months), anchor)


def trailing_stub(anchor: date, interval_months: int, months: int) -> Period:
    """The full period whose days divide a stub after the last whole period, `months` after the anchor: the one it begins.

    >>> str(trailing_stub(date(2026, 1, 31), 3, 12))
    '2027-01-31 to 2027-04-29'
    """
    return Period(add_months(anchor, months), add_months(anchor, months + interval_months))
