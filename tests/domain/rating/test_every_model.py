"""What must hold for every charge model: the slow reference agrees, steps sum up, more is never cheaper where it must not be."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.document import Reader
from domain.errors import Problem
from domain.money import EXPONENTS
from domain.pricing import rate
from domain.rating.charge import MODELS, Charge, Commitment, Tier
from domain.rating.charge_document import FIELDS, charge_mapping, read_charge
from tests import strategies as some
from tests.domain.rating import every, reference


@settings(max_examples=200)
@given(every.charges(), every.quantities, st.integers(1, 13), some.few_currencies)
def test_the_slow_reference_agrees(charge: Charge, quantity: Decimal, months: int, currency: str) -> None:
    rated = rate(charge, quantity, months=months, currency=currency)
    unrounded, minor = reference.minor_of(charge, quantity, months=months, digits=EXPONENTS[currency])
    assert rated.amount_minor == minor
    assert abs(Fraction(rated.unrounded) - unrounded) < Fraction(1, 10**30)
    assert sum(Fraction(step.amount) for step in rated.steps) == Fraction(rated.unrounded)
    assert sum(Fraction(step.amount) for step in rated.explained) == rated.amount_minor
    assert all(step.text for step in rated.explained)


@settings(max_examples=200)
@given(every.charges())
def test_a_charge_written_and_read_is_the_same_charge(charge: Charge) -> None:
    problems: list[Problem] = []
    read = read_charge(Reader(charge_mapping(charge), problems))
    assert problems == []
    assert read == charge
    assert charge_mapping(read) == charge_mapping(charge)


def plain(charge: Charge) -> Charge:
    """Without what may make more units cheaper: included units that shift tiers, caps of tiers and transactions."""
    return replace(
        charge,
        tiers=tuple(replace(tier, maximum_amount=None) for tier in charge.tiers),
        included_order="first",
        conversion=None,
    )


MONOTONE = ("flat", "per_unit", "graduated", "package", "percentage", "graduated_percentage", "matrix", "dynamic")


@given(every.charges(MONOTONE), every.quantities, every.quantities)
def test_more_never_costs_less(charge: Charge, one: Decimal, other: Decimal) -> None:
    low, high = sorted((one, other))
    assume(low or charge.zero_usage == "nothing")
    charge = plain(charge)
    cheap, dear = (rate(charge, quantity, months=1, currency="EUR").amount_minor for quantity in (low, high))
    assert cheap <= dear


@given(every.charges(("stairstep", "capacity")), every.quantities, every.quantities)
def test_a_higher_step_costs_more_where_the_fees_ascend(charge: Charge, one: Decimal, other: Decimal) -> None:
    low, high = sorted((one, other))
    assume(low)
    fees = sorted(tier.flat_fee for tier in charge.tiers)
    charge = replace(
        plain(charge),
        tiers=tuple(replace(tier, flat_fee=fee) for tier, fee in zip(charge.tiers, fees, strict=True)),
    )
    cheap, dear = (rate(charge, quantity, months=1, currency="EUR").amount_minor for quantity in (low, high))
    assert cheap <= dear


@given(every.prices, every.fees, every.quantities, st.integers(1, 12))
def test_volume_graduated_and_per_unit_agree_on_one_tier(
    price: Decimal, fee: Decimal, quantity: Decimal, months: int
) -> None:
    tier = Tier(up_to=None, unit_price=price, flat_fee=fee)
    volume, graduated = (Charge(id="c", model=model, tiers=(tier,)) for model in ("volume", "graduated"))
    found = rate(volume, quantity, months=months, currency="EUR")
    assert found == rate(graduated, quantity, months=months, currency="EUR")
    per_unit = Charge(id="c", model="per_unit", unit_price=price)
    added = fee * 100 * months if quantity else 0
    assert rate(per_unit, quantity, months=months, currency="EUR").unrounded + added == found.unrounded


@given(every.prices, st.integers(1, 60), every.quantities)
def test_packages_round_up_down_and_exactly(price: Decimal, size: int, quantity: Decimal) -> None:
    charge = Charge(id="c", model="package", unit_price=price, package_size=Decimal(size))
    down, exact, up = (
        rate(replace(charge, package_rounding=how), quantity, months=1, currency="EUR").unrounded
        for how in ("down", "exact", "up")
    )
    assert down <= exact <= up
    assert up - down == (price * 100 if quantity % size else 0)


@given(every.charges(MONOTONE), every.quantities, every.fees)
def test_a_true_up_fills_exactly_to_the_commitment(charge: Charge, quantity: Decimal, amount: Decimal) -> None:
    free = replace(charge, commitment=None, maximum_amount=None, pricing_unit=None, overage_price=None, months=1)
    free = replace(free, included_quantity=Decimal(0))
    bound = replace(free, commitment=Commitment(amount=amount))
    before, after = (rate(each, quantity, months=1, currency="EUR") for each in (free, bound))
    assert after.unrounded == max(before.unrounded, amount * 100)
    added = [step.amount for step in after.steps if step.kind == "true_up"]
    assert added == ([amount * 100 - before.unrounded] if before.unrounded < amount * 100 else [])


@pytest.mark.parametrize("model", MODELS)
def test_what_belongs_to_no_charge_of_a_model_is_refused(model: str) -> None:
    for name, field in FIELDS.items():
        if model in field.models:
            continue
        problems: list[Problem] = []
        read_charge(Reader({"model": model, name: "1"}, problems), preview=True)
        assert Problem(name, f"a {model} price has no {name}") in problems
