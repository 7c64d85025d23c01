"""Periods count from one anchor: no gap, no overlap, true month ends, each billed once and none after the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import billing_schedule
from domain.billing_schedule import Term, split_subject
from domain.calendar import Period

TERM = Term(number=1, anchor=date(2027, 1, 31), from_month=0, months=12, interval_months=1, order_number=1)


def test_month_ends_come_back_to_the_anchors_day() -> None:
    starts = [TERM.period(index).start.isoformat() for index in range(4)]
    assert starts == ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"]


def test_29_february_yearly() -> None:
    leap = replace(TERM, anchor=date(2028, 2, 29), months=60, interval_months=12)
    starts = [leap.period(index).start.isoformat() for index in range(5)]
    assert starts == ["2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]
    assert replace(leap, anchor=date(2027, 2, 28)).period(1).start == date(2028, 2, 28)


def test_a_last_period_that_the_interval_does_not_fill_is_short() -> None:
    short = replace(TERM, months=5, interval_months=3)
    assert short.periods == 2
    assert short.period(1) == Period(date(2027, 4, 30), date(2027, 6, 30))


@given(
    anchor=st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    months=st.integers(1, 60),
    interval=st.sampled_from((1, 2, 3, 6, 12)),
    before=st.integers(0, 120),
)
def test_the_periods_of_a_term_fill_it_exactly(anchor: date, months: int, interval: int, before: int) -> None:
    term = Term(number=1, anchor=anchor, from_month=before, months=months, interval_months=interval, order_number=1)
    periods = [term.period(index) for index in range(term.periods)]
    assert periods[0].start == term.starts_on
    assert periods[-1].end == term.ends_on
    assert all(one.end == following.start for one, following in pairwise(periods))
    assert [replace(term, billed=n).billed_through for n in range(term.periods)] == [p.start for p in periods]
    assert replace(term, billed=term.periods).billed_through == term.ends_on


def steps(*terms: Term, stop_on: date | None = None, zone: str = "Europe/Berlin") -> list[tuple[str, int, datetime]]:
    found = billing_schedule.steps(terms, subject="contract-1", zone=zone, stop_on=stop_on)
    return [(step.subject, step.number, step.at) for step in found]


def test_the_next_period_is_billed_at_local_midnight_of_its_first_day() -> None:
    assert steps(TERM) == [("contract-1.1", 0, datetime(2027, 1, 30, 23, tzinfo=UTC))]


def test_the_next_term_is_billed_when_the_one_before_is_through() -> None:
    following = replace(TERM, number=2, from_month=12)
    assert steps(replace(TERM, billed=12), following) == [("contract-1.2", 0, datetime(2028, 1, 30, 23, tzinfo=UTC))]
    assert steps(replace(TERM, billed=12)) == []


@pytest.mark.parametrize(("stop_on", "billed"), [(date(2027, 2, 28), 0), (date(2027, 3, 1), 1)])
def test_nothing_is_billed_from_the_day_on_which_it_stops(stop_on: date, billed: int) -> None:
    assert len(steps(replace(TERM, billed=1), stop_on=stop_on)) == billed


def test_the_subject_names_contract_and_term() -> None:
    assert split_subject("contract-1.12") == ("contract-1", 12)


# --- in arrears: one bill more ---

ARREARS = replace(TERM, months=3, arrears=True)


def test_a_term_in_arrears_takes_one_bill_more() -> None:
    assert (ARREARS.periods, ARREARS.bills, replace(ARREARS, billed=3).closed) == (3, 4, False)
    days = [ARREARS.bills_on(index).isoformat() for index in range(ARREARS.bills)]
    assert days == ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"]
    assert ARREARS.billed_period(3) == ARREARS.period(2)


@pytest.mark.parametrize(
    ("stop_on", "bills"),
    [(date(2027, 1, 31), 0), (date(2027, 2, 28), 2), (date(2027, 3, 31), 3), (date(2027, 4, 30), 4), (None, 4)],
)
def test_service_that_stops_is_closed_by_what_it_owes(stop_on: date | None, bills: int) -> None:
    assert ARREARS.bills_before(stop_on) == bills
    billed = replace(ARREARS, billed=bills)
    assert billing_schedule.steps((billed,), subject="contract-1", zone="UTC", stop_on=stop_on) == ()
    if bills:
        closing = replace(ARREARS, billed=bills - 1)
        (step,) = billing_schedule.steps((closing,), subject="contract-1", zone="UTC", stop_on=stop_on)
        assert step.at.date() == (stop_on or ARREARS.ends_on)
        assert closing.billed_period(bills - 1, stop_on) == ARREARS.period(bills - 2)
