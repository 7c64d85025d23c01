"""Part of a period costs its share by day: rate × days used / true days of the full period, rounded once, half up."""

from __future__ import annotations

from domain.calendar import Period
from domain.money import spread


def prorated(amount_minor: int, used: Period, whole: Period) -> int:
    """The part of a full period's amount for the days used, in minor units. Days outside the period cost nothing.

    `whole` is the full period that contains the stub: of one before the first anchor, the period that ends there.

    31.00 for January, from the 17th on, is 15 of 31 days:

    >>> from datetime import date
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
