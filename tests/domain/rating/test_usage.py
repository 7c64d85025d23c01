"""Events become quantities: each aggregate, filters, groups, properties, and what is wrong with an event."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Problem
from domain.pricing import QuantityNegative, rate
from domain.rating.capacity import PeakBeyondTiers
from domain.rating.charge import Cell, Charge, Tier
from domain.rating.measured import PropertyMissing
from domain.rating.units import NoPriceForProperties
from domain.usage import PeriodMissing, UsageInvalid, measured

JUNE = (datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC))
EVENTS: list[dict[str, Any]] = [
    {"at": "2026-06-16T00:00:00Z", "quantity": "10", "user": "ada", "region": "eu"},
    {"at": "2026-06-01T02:00:00+02:00", "quantity": 4, "user": "bob", "region": "us"},
    {"at": "2026-06-25T00:00:00Z", "properties": {"quantity": "2.5", "user": "ada", "region": "eu"}},
]


def charge(**fields: Any) -> Charge:
    said: dict[str, Any] = {"id": "c", "model": "per_unit", "unit_price": Decimal(1)}
    return Charge(**said | fields)


@pytest.mark.parametrize(
    ("aggregate", "measure", "quantity"),
    [
        ("", "", "16.5"),
        ("sum", "", "16.5"),
        ("count", "", "3"),
        ("unique_count", "user", "2"),
        ("max", "", "10"),
        ("latest", "", "2.5"),
        ("weighted_sum", "", "9.5"),  # 4 for all of June, 10 for half of it, 2.5 for a fifth
    ],
)
def test_events_are_aggregated(aggregate: str, measure: str, quantity: str) -> None:
    (found,) = measured(charge(aggregate=aggregate, measure=measure), Decimal(0), EVENTS, {}, JUNE)
    assert found.quantity == Decimal(quantity)


def test_events_give_the_quantity_whatever_is_stated() -> None:
    assert rate(charge(), Decimal(99), months=1, currency="EUR", usage=EVENTS).amount_minor == 1650


def test_only_events_that_pass_every_filter_count() -> None:
    (found,) = measured(charge(filters=(("region", ("eu", "ap")), ("user", ("ada",)))), Decimal(0), EVENTS, {})
    assert found.quantity == Decimal("12.5")
    (none,) = measured(charge(filters=(("region", ("ap",)),)), Decimal(7), EVENTS, {})
    assert none.quantity == 0


def test_groups_are_rated_by_themselves() -> None:
    tiers = (Tier(up_to=Decimal(5), unit_price=Decimal(2)), Tier(up_to=None, unit_price=Decimal(1)))
    rated = rate(
        charge(model="graduated", tiers=tiers, group_by=("region",)),
        Decimal(0),
        months=1,
        currency="EUR",
        usage=EVENTS,
    )
    assert [(step.text, int(step.amount)) for step in rated.steps] == [
        ("region eu: 5 × 2", 1000),
        ("region eu: 7.5 × 1", 750),
        ("region us: 4 × 2", 800),
    ]


def test_a_peak_is_the_greatest_event_and_never_below_zero() -> None:
    tiers = (Tier(up_to=Decimal(9), flat_fee=Decimal(50)), Tier(up_to=None, flat_fee=Decimal(90)))
    capacity = charge(model="capacity", tiers=tiers, unit_price=Decimal(0))
    assert rate(capacity, Decimal(0), months=1, currency="EUR", usage=EVENTS).amount_minor == 9000
    assert rate(capacity, Decimal(0), months=1, currency="EUR", usage=EVENTS[1:]).amount_minor == 5000


TWO = charge(
    model="capacity",
    meters=("users", "gb"),
    tiers=(
        Tier(up_to=None, bounds=(("users", Decimal(10)), ("gb", Decimal(100))), flat_fee=Decimal(50)),
        Tier(up_to=None, bounds=(("users", Decimal(20)), ("gb", Decimal(200))), flat_fee=Decimal(90)),
    ),
)


@pytest.mark.parametrize(
    ("users", "gb", "minor"), [("10", "100", 5000), ("11", "1", 9000), ("1", "101", 9000), ("0", "0", 0)]
)
def test_the_first_tier_that_covers_all_peaks_counts(users: str, gb: str, minor: int) -> None:
    told = {"users": users, "gb": gb}
    apart: list[dict[str, Any]] = [{"users": users, "gb": 0}, {"gb": gb}]
    assert rate(TWO, Decimal(0), months=1, currency="EUR", attributes=told).amount_minor == minor
    assert rate(TWO, Decimal(0), months=1, currency="EUR", usage=apart).amount_minor == minor


def test_peaks_that_nothing_covers_or_nobody_told_are_refused() -> None:
    with pytest.raises(PeakBeyondTiers) as beyond:
        rate(TWO, Decimal(0), months=1, currency="EUR", attributes={"users": "21", "gb": "1"})
    assert beyond.value.facts == {"peaks": ("users 21", "gb 1")}
    with pytest.raises(PropertyMissing) as missing:
        rate(TWO, Decimal(1), months=1, currency="EUR", attributes={"users": "21"})
    assert missing.value.facts == {"property": "gb"}


MATRIX = charge(
    model="matrix",
    unit_price=Decimal(0),
    dimensions=("region", "user"),
    cells=(
        Cell(when=(("region", "eu"), ("user", "ada")), unit_price=Decimal(3)),
        Cell(when=(("region", "eu"),), unit_price=Decimal(2)),
    ),
)


def test_the_first_cell_that_fits_prices_the_units() -> None:
    def minor(**attributes: str) -> int:
        return rate(MATRIX, Decimal(2), months=1, currency="EUR", attributes=attributes).amount_minor

    assert (minor(region="eu", user="ada"), minor(region="eu", user="bob")) == (600, 400)
    with pytest.raises(NoPriceForProperties) as none:
        minor(region="us", user="ada")
    assert none.value.facts == {"properties": "region us, user ada"}
    with pytest.raises(PropertyMissing):
        minor(user="ada")


@pytest.mark.parametrize(("order", "amounts"), [("first", [0, 2850, 400]), ("last", [3750, 0, 100])])
def test_included_units_are_taken_from_the_first_or_the_last_combination(order: str, amounts: list[int]) -> None:
    matrix = replace(MATRIX, default_price=Decimal(1), included_quantity=Decimal(3), included_order=order)
    rated = rate(matrix, Decimal(0), months=1, currency="EUR", usage=EVENTS)
    assert [step.amount for step in rated.steps] == amounts


@pytest.mark.parametrize(
    ("usage", "problem"),
    [
        (["x", {}], Problem("usage[0]", "expected fields by name, found 'x'")),
        ([{"quantity": 1}, {}], Problem("usage[1].quantity", "is missing")),
        ([{"quantity": 1}, {"quantity": 0.5}], None),
        ([{"quantity": "1e3"}], Problem("usage[0].quantity", "expected a number, found '1e3'")),
    ],
)
def test_a_broken_event_is_told_by_its_place(usage: list[Any], problem: Problem | None) -> None:
    with pytest.raises(UsageInvalid) as refusal:
        rate(charge(), Decimal(0), months=1, currency="EUR", usage=usage)
    assert problem is None or problem in refusal.value.problems


@pytest.mark.parametrize("at", ["soon", "2026-06-01T00:00:00", ""])
def test_a_weighted_sum_needs_instants_with_a_zone_and_a_period(at: str) -> None:
    seats = charge(aggregate="weighted_sum")
    with pytest.raises(UsageInvalid) as refusal:
        rate(seats, Decimal(0), months=1, currency="EUR", usage=[{"quantity": 1, "at": at}], period=JUNE)
    assert {problem.path for problem in refusal.value.problems} == {"usage[0].at"}
    for period in (None, JUNE[::-1]):
        with pytest.raises(PeriodMissing):
            rate(seats, Decimal(0), months=1, currency="EUR", usage=EVENTS, period=period)


def test_less_than_nothing_is_refused() -> None:
    with pytest.raises(QuantityNegative) as refusal:
        rate(charge(), Decimal(0), months=1, currency="EUR", usage=[{"quantity": 1}, {"quantity": -2}])
    assert refusal.value.facts == {"quantity": Decimal(-1)}


@given(st.lists(st.decimals(0, 1000, places=2), min_size=1, max_size=8), st.decimals(0, 10, places=2))
def test_transactions_together_cost_what_they_cost_apart(amounts: list[Decimal], fee: Decimal) -> None:
    fees = charge(
        model="percentage",
        percent=Decimal("2.9"),
        transaction_fee=fee,
        transaction_minimum=Decimal("0.5"),
        transaction_maximum=Decimal(12),
    )
    together = rate(fees, Decimal(0), months=1, currency="EUR", usage=[{"amount": amount} for amount in amounts])
    apart = [rate(fees, Decimal(0), months=1, currency="EUR", usage=[{"amount": amount}]) for amount in amounts]
    assert together.unrounded == sum(rated.unrounded for rated in apart)
