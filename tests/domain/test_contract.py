"""Terms follow each other without a gap, access follows what is wanted, a cancelled contract runs out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from domain import contract as contracts
from domain.contract import Contract, anchored_on, end_of_paid_period
from tests.domain.lives import TERMS

NOW = datetime(2027, 1, 31, 9, tzinfo=UTC)
BOOKED = Contract(
    id="con_1", subject="contract-1", zone="UTC", method="card", net_days=0, auto_renew=False, notice_days=30, since=NOW
)
ACTIVE = BOOKED.activated(terms=TERMS, order_number=1, anchor=date(2027, 1, 31), at=NOW)


def steps(contract: Contract) -> list[tuple[str, str, int]]:
    return [(step.kind.value, step.subject, step.number) for step in contracts.steps(contract)]


def test_a_booked_contract_does_nothing_by_itself() -> None:
    assert (steps(BOOKED), BOOKED.ends_on) == ([], None)


def test_service_begins_with_access() -> None:
    assert (ACTIVE.access, ACTIVE.access_wanted, ACTIVE.ends_on) == ("full", "full", date(2028, 1, 31))
    assert steps(ACTIVE) == [("bill", "contract-1.1", 0), ("notice", "contract-1", 1)]


def test_a_renewal_begins_where_the_term_ends_and_counts_from_the_same_anchor() -> None:
    renewed = ACTIVE.renewed(terms=replace(TERMS, interval_months=12, method="transfer", net_days=30), order_number=2)
    assert [(t.number, t.starts_on, t.ends_on) for t in renewed.terms] == [
        (1, date(2027, 1, 31), date(2028, 1, 31)),
        (2, date(2028, 1, 31), date(2029, 1, 31)),
    ]
    assert (renewed.method, renewed.net_days, renewed.last.periods) == ("transfer", 30, 1)


def test_a_term_that_is_billed_leaves_the_state_at_the_renewal() -> None:
    full = ACTIVE.billed(1, 11)
    assert full.billed_through == date(2028, 1, 31)
    assert [term.number for term in full.renewed(terms=TERMS, order_number=2).terms] == [2]


def test_billing_a_period_twice_changes_nothing() -> None:
    once = ACTIVE.billed(1, 0)
    assert (once.billed(1, 0), once.billed(7, 0)) == (once, once)
    assert ACTIVE.billed(1, 3).billed(1, 1) == ACTIVE.billed(1, 3)
    assert end_of_paid_period(once) == date(2027, 2, 28)


def test_access_is_told_once_per_change() -> None:
    suspended = ACTIVE.wanting(contracts.SUSPENDED, NOW)
    assert steps(suspended)[-1] == ("access", "contract-1", 0)
    told = suspended.accessed()
    assert (told.access, told.access_changes, steps(told)) == ("suspended", 1, steps(ACTIVE))
    assert suspended.wanting(contracts.FULL, NOW).access_wanted == ACTIVE.access_wanted
    assert told.wanting(contracts.SUSPENDED, NOW) is told


def test_only_a_running_contract_is_suspended() -> None:
    ended = ACTIVE.ended(NOW, "the term ended")
    assert ended.wanting(contracts.SUSPENDED, NOW) is ended


def test_the_end_takes_access_away_where_it_was_given() -> None:
    ended = ACTIVE.ended(NOW, "the term ended")
    assert (ended.stage, ended.cancel_reason, steps(ended)) == (
        "ended",
        "the term ended",
        [("access", "contract-1", 0)],
    )
    assert steps(BOOKED.ended(NOW, "no")) == []
    assert replace(ACTIVE, cancel_reason="sold").ended(NOW, "the term ended").cancel_reason == "sold"


def test_a_cancelled_contract_bills_no_more_and_ends_on_its_day() -> None:
    cancelled = replace(ACTIVE.billed(1, 0), cancel_on=date(2027, 2, 28))
    assert cancelled.ends_on == date(2027, 2, 28)
    assert steps(cancelled) == [("end", "contract-1", 1)]


def test_a_booked_contract_that_was_given_up_ends() -> None:
    assert steps(replace(BOOKED, cancel_on=date(2027, 1, 31))) == [("end", "contract-1", 0)]


def test_a_parked_contract_does_nothing() -> None:
    assert steps(replace(ACTIVE, parked="no rate")) == []


@pytest.mark.parametrize(
    ("start", "signed_at", "anchor"),
    [
        ("provisioning", NOW, date(2027, 3, 1)),
        ("signature", datetime(2027, 2, 3, 23, 30, tzinfo=UTC), date(2027, 2, 4)),
        ("signature", None, date(2027, 3, 1)),
        ("2027-07-31", NOW, date(2027, 7, 31)),
    ],
)
def test_service_counts_from_where_it_was_agreed(start: str, signed_at: datetime | None, anchor: date) -> None:
    now = datetime(2027, 2, 28, 23, 15, tzinfo=UTC)  # already March in Berlin
    assert anchored_on(start, signed_at=signed_at, zone="Europe/Berlin", now=now) == anchor
