"""Rating: each charge model by a table of worked examples, and what must hold for all of them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.money import EXPONENTS, AmountOutOfRange, UnknownCurrency, round_half_up
from domain.price_book import Charge, Tier
from domain.pricing import MonthsDoNotFit, QuantityAbsurd, QuantityNegative, QuantityOutOfBounds, rate
from tests import strategies as some

FLAT = Charge(id="base", model="flat", months=1, unit_price=Decimal(99))
SEATS = Charge(id="seats", model="per_unit", months=1, unit_price=Decimal("12.50"))
YEARLY = Charge(id="yearly", model="per_unit", months=12, unit_price=Decimal(100))
TINY = Charge(id="calls", model="per_unit", months=1, unit_price=Decimal("0.000002"))
TIERS = (
    Tier(up_to=Decimal(10), unit_price=Decimal(10), flat_fee=Decimal(5)),
    Tier(up_to=Decimal(100), unit_price=Decimal(8)),
    Tier(up_to=None, unit_price=Decimal("6.5"), flat_fee=Decimal(1)),
)
GRADUATED = Charge(id="g", model="graduated", months=1, tiers=TIERS)
VOLUME = Charge(id="v", model="volume", months=1, tiers=TIERS)


@pytest.mark.parametrize(
    ("charge", "quantity", "months", "currency", "minor"),
    [
        (FLAT, "1", 1, "EUR", 9900),
        (FLAT, "7", 1, "EUR", 9900),
        (FLAT, "1", 3, "EUR", 29700),
        (FLAT, "1", 1, "JPY", 99),
        (SEATS, "20", 1, "EUR", 25000),
        (SEATS, "20", 12, "EUR", 300000),
        (SEATS, "0.5", 1, "EUR", 625),
        (SEATS, "3", 1, "BHD", 37500),
        (SEATS, "1", 1, "JPY", 13),
        (YEARLY, "3", 1, "EUR", 2500),
        (YEARLY, "1", 1, "EUR", 833),
        (YEARLY, "2", 1, "EUR", 1667),
        (YEARLY, "1", 12, "EUR", 10000),
        (TINY, "2499", 1, "USD", 0),
        (TINY, "2500", 1, "USD", 1),
        (TINY, "1000000", 1, "USD", 200),
        (GRADUATED, "1", 1, "EUR", 1500),
        (GRADUATED, "10", 1, "EUR", 10500),
        (GRADUATED, "11", 1, "EUR", 11300),
        (GRADUATED, "100", 1, "EUR", 82500),
        (GRADUATED, "101", 1, "EUR", 83250),
        (GRADUATED, "10.5", 1, "EUR", 10900),
        (VOLUME, "10", 1, "EUR", 10500),
        (VOLUME, "11", 1, "EUR", 8800),
        (VOLUME, "100", 1, "EUR", 80000),
        (VOLUME, "101", 1, "EUR", 65750),
    ],
)
def test_an_amount_is_rated(charge: Charge, quantity: str, months: int, currency: str, minor: int) -> None:
    assert rate(charge, Decimal(quantity), months=months, currency=currency).amount_minor == minor


@pytest.mark.parametrize("charge", [FLAT, SEATS, GRADUATED, VOLUME])
def test_zero_quantity_is_nothing_not_even_the_first_flat_fee(charge: Charge) -> None:
    rated = rate(charge, Decimal(0), months=1, currency="EUR")
    assert (rated.amount_minor, rated.unrounded, rated.steps) == (0, Decimal(0), ())


def test_each_slice_is_explained() -> None:
    steps = rate(GRADUATED, Decimal(101), months=1, currency="EUR").steps
    assert [(step.text, step.up_to, step.amount) for step in steps] == [
        ("10 × 10 + 5", Decimal(10), Decimal(10500)),
        ("90 × 8", Decimal(100), Decimal(72000)),
        ("1 × 6.5 + 1", None, Decimal(750)),
    ]
    assert [step.text for step in rate(VOLUME, Decimal(11), months=1, currency="EUR").steps] == ["11 × 8"]


@given(some.charges(), some.quantities, st.integers(1, 36), some.few_currencies)
def test_the_steps_sum_to_the_unrounded_amount_which_rounds_once(
    charge: Charge, quantity: Decimal, months: int, currency: str
) -> None:
    rated = rate(charge, quantity, months=months, currency=currency)
    assert sum((Fraction(step.amount) for step in rated.steps), Fraction()) == Fraction(rated.unrounded)
    assert round_half_up(rated.unrounded) == rated.amount_minor
    assert sum(step.quantity for step in rated.steps) == (quantity if charge.model != "flat" else bool(quantity))
    exact = sum((Fraction(s.quantity) * Fraction(s.unit_price) + Fraction(s.flat_fee) for s in rated.steps), Fraction())
    exact *= Fraction(10 ** EXPONENTS[currency] * months, charge.months)
    assert rated.amount_minor == int(exact + Fraction(1, 2))


@given(some.charges(("flat", "per_unit", "graduated")), some.quantities, some.quantities)
def test_more_never_costs_less_but_by_volume(charge: Charge, one: Decimal, other: Decimal) -> None:
    low, high = sorted((one, other))
    assert (
        rate(charge, low, months=1, currency="EUR").amount_minor
        <= rate(charge, high, months=1, currency="EUR").amount_minor
    )


@given(some.charges(("graduated",)), some.quantities, st.integers(1, 12))
def test_volume_and_graduated_agree_on_one_tier(charge: Charge, quantity: Decimal, months: int) -> None:
    one_tier = replace(charge, tiers=charge.tiers[-1:])
    graduated = rate(one_tier, quantity, months=months, currency="EUR")
    assert rate(replace(one_tier, model="volume"), quantity, months=months, currency="EUR") == graduated
    if not one_tier.tiers[0].flat_fee:
        per_unit = replace(one_tier, model="per_unit", tiers=(), unit_price=one_tier.tiers[0].unit_price)
        assert rate(per_unit, quantity, months=months, currency="EUR").unrounded == graduated.unrounded


@given(some.charges(("volume",)), some.quantities)
def test_volume_takes_the_whole_quantity_at_the_tier_it_reaches(charge: Charge, quantity: Decimal) -> None:
    assume(quantity)
    (step,) = rate(charge, quantity, months=1, currency="EUR").steps
    below = [tier.up_to for tier in charge.tiers if tier.up_to is not None and tier.up_to < quantity]
    assert step.up_to is None or quantity <= step.up_to
    assert charge.tiers[len(below)].unit_price == step.unit_price


@given(some.charges(), some.quantities, st.integers(1, 12))
def test_a_whole_interval_of_the_price_costs_the_price(charge: Charge, quantity: Decimal, times: int) -> None:
    once = rate(charge, quantity, months=charge.months, currency="EUR")
    assert rate(charge, quantity, months=charge.months * times, currency="EUR").unrounded == once.unrounded * times


@pytest.mark.parametrize("quantity", ["1000000000000000.000001", "1E+30", "NaN", "Infinity"])
def test_an_absurd_quantity_is_refused(quantity: str) -> None:
    with pytest.raises(QuantityAbsurd) as refusal:
        rate(SEATS, Decimal(quantity), months=1, currency="EUR")
    assert str(refusal.value.facts["quantity"]) == quantity


def test_a_negative_quantity_is_refused() -> None:
    with pytest.raises(QuantityNegative) as refusal:
        rate(SEATS, Decimal("-0.01"), months=1, currency="EUR")
    assert refusal.value.facts == {"quantity": Decimal("-0.01")}


@pytest.mark.parametrize("quantity", ["2.99", "10.01"])
def test_a_quantity_out_of_the_charges_bounds_is_refused(quantity: str) -> None:
    bounded = replace(SEATS, minimum_quantity=Decimal(3), maximum_quantity=Decimal(10))
    assert rate(bounded, Decimal(3), months=1, currency="EUR").amount_minor == 3750
    assert rate(bounded, Decimal(10), months=1, currency="EUR").amount_minor == 12500
    with pytest.raises(QuantityOutOfBounds) as refusal:
        rate(bounded, Decimal(quantity), months=1, currency="EUR")
    assert refusal.value.facts == {"quantity": Decimal(quantity), "minimum": Decimal(3), "maximum": Decimal(10)}


def test_other_absurdities_are_refused() -> None:
    with pytest.raises(MonthsDoNotFit):
        rate(SEATS, Decimal(1), months=0, currency="EUR")
    with pytest.raises(UnknownCurrency):
        rate(SEATS, Decimal(1), months=1, currency="XAU")
    with pytest.raises(AmountOutOfRange):
        rate(replace(SEATS, unit_price=Decimal(10**11)), Decimal(10**10), months=1, currency="EUR")
