"""Dates count from the anchor, never from the previous date; periods are half-open; a local date starts at local midnight."""

from __future__ import annotations

import calendar as month_lengths
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.errors import Invalid

MONTHS_IN_YEAR = 12


@dataclass(kw_only=True, eq=False)
class DateOutOfRange(Invalid):
    """A date outside the years 1 to 9999."""

    anchor: date
    months: int
    hint: str = "give a date and a term inside the years 1 to 9999"


@dataclass(kw_only=True, eq=False)
class UnknownZone(Invalid):
    """A time zone that the IANA table does not hold."""

    zone: str
    hint: str = "use an IANA time zone such as Europe/Berlin"


@dataclass(kw_only=True, eq=False)
class NaiveInstant(Invalid):
    """An instant without its offset from UTC."""

    at: datetime
    hint: str = "give an aware instant, such as 2026-01-31T09:00:00Z"


@dataclass(kw_only=True, eq=False)
class PeriodEmpty(Invalid):
    """A period that ends before or when it starts, or an interval without months."""

    start: date
    end: date
    hint: str = "a period ends after it starts"


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """Local dates `[start, end)`: `end` is the first day after it. Raises PeriodEmpty.

    >>> Period(date(2026, 1, 31), date(2026, 2, 28)).days
    28
    """

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise PeriodEmpty(start=self.start, end=self.end)

    @property
    def days(self) -> int:
        """The true number of days."""
        return (self.end - self.start).days

    @property
    def last_day(self) -> date:
        """The last day inside, as people write it on an invoice."""
        return self.end - timedelta(days=1)

    def __contains__(self, on: date) -> bool:
        return self.start <= on < self.end

    def __str__(self) -> str:
        return f"{self.start.isoformat()} to {self.last_day.isoformat()}"


def add_months(anchor: date, n: int) -> date:
    """The anchor's day `n` months later (or earlier), clipped to the month's end. Raises DateOutOfRange.

    >>> [add_months(date(2026, 1, 31), n).isoformat() for n in (1, 2, 3)]
    ['2026-02-28', '2026-03-31', '2026-04-30']
    """
    years, month = divmod(anchor.month - 1 + n, MONTHS_IN_YEAR)
    year = anchor.year + years
    if not date.min.year <= year <= date.max.year:
        raise DateOutOfRange(anchor=anchor, months=n)
    last = month_lengths.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(anchor.day, last))


def period(anchor: date, interval_months: int, n: int) -> Period:
    """The `n`-th period (from 0) of `interval_months` counted from the anchor. Raises PeriodEmpty, DateOutOfRange.

    >>> str(period(date(2024, 1, 31), 1, 1))
    '2024-02-29 to 2024-03-30'
    """
    return Period(add_months(anchor, interval_months * n), add_months(anchor, interval_months * (n + 1)))


def periods(anchor: date, interval_months: int, term_months: int) -> tuple[Period, ...]:
    """All whole periods of a term, in order, without gap or overlap.

    >>> [p.start.isoformat() for p in periods(date(2026, 1, 31), 3, 12)]
    ['2026-01-31', '2026-04-30', '2026-07-31', '2026-10-31']
    """
    return tuple(period(anchor, interval_months, n) for n in range(term_months // interval_months))


def local_midnight(on: date, zone: str) -> datetime:
    """The instant (UTC) at which a local date begins; where the clocks skip midnight, the first instant after the gap.

    A midnight that comes twice is the first of the two. Raises UnknownZone.

    >>> local_midnight(date(2026, 7, 1), "Europe/Berlin").isoformat()
    '2026-06-30T22:00:00+00:00'
    >>> local_midnight(date(2018, 11, 4), "America/Sao_Paulo").isoformat()  # 00:00 did not exist, the day began at 01:00
    '2018-11-04T03:00:00+00:00'
    """
    wall = datetime.combine(on, time(), tzinfo=_zone(zone))
    before, after = (wall.replace(fold=fold).astimezone(UTC) for fold in (1, 0))
    if before >= after:  # in a gap, and only there, the later offset gives the earlier instant
        return after
    offset = before.astimezone(wall.tzinfo).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=int((after - before).total_seconds()) // 2)
        if middle.astimezone(wall.tzinfo).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def local_date(at: datetime, zone: str) -> date:
    """The date on the calendar of a zone at an instant. Raises UnknownZone, NaiveInstant.

    >>> local_date(datetime(2026, 6, 30, 22, tzinfo=UTC), "Europe/Berlin").isoformat()
    '2026-07-01'
    """
    if at.tzinfo is None:
        raise NaiveInstant(at=at)
    return at.astimezone(_zone(zone)).date()


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # not in the table, not a name, a folder of the table
        raise UnknownZone(zone=name) from error
