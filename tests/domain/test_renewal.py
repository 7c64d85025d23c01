"""When the notice is given and when the term ends."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from domain import renewal
from domain.billing_schedule import Term

TERM = Term(number=2, anchor=date(2027, 1, 31), from_month=12, months=12, interval_months=1, order_number=2)
END = datetime(2029, 1, 31, tzinfo=UTC)


def steps(
    *, notice_days: int = 30, noticed: int = 1, cancel_on: date | None = None, end_held: bool = False
) -> list[tuple[str, int, datetime]]:
    found = renewal.steps(
        TERM,
        subject="contract-1",
        zone="UTC",
        notice_days=notice_days,
        noticed=noticed,
        cancel_on=cancel_on,
        end_held=end_held,
    )
    return [(step.kind.value, step.number, step.at) for step in found]


def test_the_notice_comes_its_days_before_the_end() -> None:
    assert steps() == [("notice", 2, datetime(2029, 1, 1, tzinfo=UTC))]


def test_a_notice_longer_than_the_term_comes_with_its_start() -> None:
    assert steps(notice_days=500)[0] == ("notice", 2, datetime(2028, 1, 31, tzinfo=UTC))


def test_a_notice_is_given_once_per_term() -> None:
    assert steps(noticed=2) == [("end", 2, END)]


def test_a_cancelled_contract_is_not_offered_again_and_ends_on_its_day_at_the_latest() -> None:
    assert steps(cancel_on=date(2028, 6, 30)) == [("end", 2, datetime(2028, 6, 30, tzinfo=UTC))]
    assert steps(cancel_on=date(2030, 6, 30)) == [("end", 2, END)]


def test_the_end_waits_for_a_renewal_that_is_on_its_way() -> None:
    assert steps(noticed=2, end_held=True) == []


@pytest.mark.parametrize(
    ("late", "running_since", "missed"),
    [
        (timedelta(hours=23), None, False),
        (timedelta(days=1), None, True),
        (timedelta(days=9), END - timedelta(days=100), True),
        (timedelta(days=9), END + timedelta(days=9), False),  # service began after the notice was due
    ],
)
def test_a_notice_is_missed_a_day_after_it_was_due(
    late: timedelta, running_since: datetime | None, missed: bool
) -> None:
    assert renewal.missed(END, running_since=running_since, now=END + late) is missed
