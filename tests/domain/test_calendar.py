"""Dates: from the anchor, half-open, at local midnight."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import (
    DateOutOfRange,
    NaiveInstant,
    Period,
    PeriodEmpty,
    UnknownZone,
    add_months,
    local_date,
    local_midnight,
    period,
    periods,
)
from tests import strategies as some

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Tokyo",
    "Pacific/Apia",
    "Africa/Cairo",
    "Asia/Beirut",
    "America/Havana",
    "Asia/Kolkata",
]


@pytest.mark.parametrize(
    ("anchor", "months", "expected"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2026-01-31", 2, "2026-03-31"),
        ("2026-01-31", 3, "2026-04-30"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-02-29", 48, "2028-02-29"),
        ("2025-02-28", 36, "2028-02-28"),
        ("2026-03-31", -1, "2026-02-28"),
        ("2026-12-15", 1, "2027-01-15"),
        ("2026-01-15", 0, "2026-01-15"),
    ],
)
def test_months_count_from_the_anchor(anchor: str, months: int, expected: str) -> None:
    assert add_months(date.fromisoformat(anchor), months) == date.fromisoformat(expected)


@given(some.dates, st.integers(-600, 600))
def test_the_day_is_the_anchors_or_the_months_last(anchor: date, n: int) -> None:
    there = add_months(anchor, n)
    assert (there.year * 12 + there.month) - (anchor.year * 12 + anchor.month) == n
    assert there.day == anchor.day or (there.day < anchor.day and (there + timedelta(days=1)).day == 1)


@pytest.mark.parametrize("months", [12 * 8000, -12 * 2026])
def test_a_date_out_of_range_is_refused(months: int) -> None:
    with pytest.raises(DateOutOfRange) as refusal:
        add_months(date(2026, 1, 1), months)
    assert refusal.value.facts == {"anchor": date(2026, 1, 1), "months": months}


@given(some.dates, st.sampled_from([1, 3, 12]), st.integers(1, 10))
def test_periods_neither_gap_nor_overlap(anchor: date, interval: int, count: int) -> None:
    found = periods(anchor, interval, interval * count)
    assert len(found) == count
    assert found[0].start == anchor
    assert found[-1].end == add_months(anchor, interval * count)
    assert all(one.end == two.start for one, two in pairwise(found))
    assert sum(each.days for each in found) == (found[-1].end - anchor).days


def test_a_period_holds_its_start_but_not_its_end() -> None:
    february = period(date(2026, 1, 31), 1, 1)
    assert (february.start, february.end, february.days) == (date(2026, 2, 28), date(2026, 3, 31), 31)
    assert february.start in february
    assert february.end not in february
    assert february.last_day == date(2026, 3, 30)
    assert str(february) == "2026-02-28 to 2026-03-30"


@pytest.mark.parametrize("end", [date(2026, 1, 1), date(2025, 12, 31)])
def test_an_empty_period_is_refused(end: date) -> None:
    with pytest.raises(PeriodEmpty) as refusal:
        Period(date(2026, 1, 1), end)
    assert refusal.value.facts == {"start": date(2026, 1, 1), "end": end}


@pytest.mark.parametrize(
    ("on", "zone", "instant"),
    [
        ("2026-07-01", "Europe/Berlin", "2026-06-30T22:00:00+00:00"),
        ("2026-01-01", "Europe/Berlin", "2025-12-31T23:00:00+00:00"),
        ("2026-07-01", "America/New_York", "2026-07-01T04:00:00+00:00"),
        ("2026-07-01", "Asia/Tokyo", "2026-06-30T15:00:00+00:00"),
        ("2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00+00:00"),  # 00:00 to 01:00 skipped
        ("1919-03-31", "America/Toronto", "1919-03-31T04:30:00+00:00"),  # 23:30 to 00:30 skipped
        ("2011-12-30", "Pacific/Apia", "2011-12-30T10:00:00+00:00"),  # a whole day skipped
        ("2025-11-02", "America/Havana", "2025-11-02T04:00:00+00:00"),  # 00:00 came twice: the first
        ("2026-03-29", "Europe/Berlin", "2026-03-28T23:00:00+00:00"),  # a gap later on that day
    ],
)
def test_a_date_begins_at_local_midnight(on: str, zone: str, instant: str) -> None:
    assert local_midnight(date.fromisoformat(on), zone).isoformat() == instant


@given(some.dates, st.sampled_from(ZONES))
def test_the_local_date_of_a_midnight_is_that_date_or_the_next_that_exists(on: date, zone: str) -> None:
    at = local_midnight(on, zone)
    assert at.tzinfo is UTC
    assert local_date(at, zone) == on or (zone, on) == ("Pacific/Apia", date(2011, 12, 30))
    before = (at - timedelta(seconds=1)).astimezone(ZoneInfo(zone))
    assert before.date() < on


def test_the_local_date_can_be_tomorrow_of_utc() -> None:
    assert local_date(datetime(2026, 6, 30, 23, tzinfo=UTC), "Europe/Berlin") == date(2026, 7, 1)
    assert local_date(datetime(2026, 7, 1, 3, tzinfo=UTC), "America/New_York") == date(2026, 6, 30)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "Europe"])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(UnknownZone) as refusal:
        local_midnight(date(2026, 1, 1), zone)
    assert refusal.value.facts == {"zone": zone}


def test_an_instant_without_offset_is_refused() -> None:
    with pytest.raises(NaiveInstant):
        local_date(datetime(2026, 1, 1), "UTC")  # noqa: DTZ001 — that is the point
