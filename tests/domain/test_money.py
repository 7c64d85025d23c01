"""Money: rounded once, split without losing a cent, never mixed."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import money
from domain.money import AmountOutOfRange, CurrencyMismatch, Money, NothingToSpreadOver, UnknownCurrency
from tests import strategies as some


@pytest.mark.parametrize(
    ("code", "digits"),
    [
        ("JPY", 0),
        ("KRW", 0),
        ("UYI", 0),
        ("EUR", 2),
        ("USD", 2),
        ("HUF", 2),
        ("MGA", 2),
        ("BHD", 3),
        ("TND", 3),
        ("CLF", 4),
        ("UYW", 4),
    ],
)
def test_the_exponent_comes_from_the_code(code: str, digits: int) -> None:
    assert money.exponent(code) == digits


@pytest.mark.parametrize("code", ["eur", "XAU", "XXX", "EURO", "", "BTC"])
def test_a_code_without_minor_unit_is_refused(code: str) -> None:
    with pytest.raises(UnknownCurrency) as refusal:
        Money(1, code)
    assert refusal.value.facts == {"code": code}
    assert refusal.value.hint == "use an ISO 4217 code in capitals, such as EUR"


def test_a_code_of_another_type_is_refused() -> None:
    with pytest.raises(UnknownCurrency):
        money.exponent(["EUR"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        ("0.5", 1),
        ("1.5", 2),
        ("2.5", 3),
        ("-0.5", -1),
        ("-1.5", -2),
        ("2.4999999999999999999999999999999999", 2),
        ("-0.49", 0),
        ("7", 7),
    ],
)
def test_a_half_goes_away_from_zero(value: str, rounded: int) -> None:
    assert money.round_half_up(Decimal(value)) == rounded


@pytest.mark.parametrize(
    ("major", "currency", "minor"),
    [
        ("12.345", "EUR", 1235),
        ("-12.345", "EUR", -1235),
        ("12.5", "JPY", 13),
        ("0.0005", "BHD", 1),
        ("1.00004", "CLF", 10000),
    ],
)
def test_major_units_round_to_the_currencys_exponent(major: str, currency: str, minor: int) -> None:
    assert money.to_minor(Decimal(major), currency) == minor
    assert Money.of(Decimal(major), currency) == Money(minor, currency)


@given(some.minors, some.currencies)
def test_minor_to_major_and_back_is_the_same(minor: int, currency: str) -> None:
    assert money.to_minor(money.from_minor(minor, currency), currency) == minor


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        (Money(123450, "EUR"), "1,234.50 EUR"),
        (Money(-5, "EUR"), "-0.05 EUR"),
        (Money(1234567, "JPY"), "1,234,567 JPY"),
        (Money(1234567, "BHD"), "1,234.567 BHD"),
        (Money(0, "USD"), "0.00 USD"),
    ],
)
def test_an_amount_reads_as_people_write_it(amount: Money, said: str) -> None:
    assert money.text(amount) == said
    assert str(amount) == said


def test_two_currencies_never_meet() -> None:
    euro, dollar = Money(1, "EUR"), Money(1, "USD")
    for meet in (
        lambda: euro + dollar,
        lambda: euro - dollar,
        lambda: euro < dollar,
        lambda: euro <= dollar,
        lambda: euro > dollar,
    ):
        with pytest.raises(CurrencyMismatch) as refusal:
            meet()
        assert refusal.value.facts in ({"left": "EUR", "right": "USD"}, {"left": "USD", "right": "EUR"})
    assert euro != dollar


def test_an_amount_is_an_int_that_a_column_can_hold() -> None:
    for wrong in (1.0, Decimal(1), True, "1"):
        with pytest.raises(TypeError, match="minor units are an int"):
            Money(wrong, "EUR")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="an amount meets an amount"):
        Money(1, "EUR") + 1  # type: ignore[operator]
    with pytest.raises(AmountOutOfRange):
        Money(2**63, "EUR")
    assert Money(2**63 - 1, "EUR").minor == 2**63 - 1


@given(some.minors, some.minors, some.few_currencies)
def test_amounts_add_up_as_integers_do(a: int, b: int, currency: str) -> None:
    left, right = Money(a, currency), Money(b, currency)
    assert (left + right).minor == a + b
    assert left - right == left + -right
    assert (left < right, left >= right, bool(left)) == (a < b, a >= b, a != 0)


@pytest.mark.parametrize(
    ("minor", "rate", "result"),
    [
        (1999, "0.19", 380),
        (50, "0.01", 1),
        (-50, "0.01", -1),
        (49, "0.01", 0),
        (10**18, "1.000000000001", 10**18 + 10**6),
    ],
)
def test_an_amount_times_a_rate_is_rounded_once(minor: int, rate: str, result: int) -> None:
    assert Money(minor, "EUR").times(Decimal(rate)) == Money(result, "EUR")


@pytest.mark.parametrize(
    ("minor", "by", "parts"),
    [
        (100, [1, 1, 1], (34, 33, 33)),
        (101, [1, 1, 1], (34, 34, 33)),
        (-100, [1, 1, 1], (-34, -33, -33)),
        (5, [0, 0], (3, 2)),
        (0, [3, 4], (0, 0)),
        (10, [1, 0, 1], (5, 0, 5)),
        (10, [Decimal("0.1"), Decimal("0.2")], (3, 7)),
        (10, [3, -1], (15, -5)),
        (0, [1, -1], (0, 0)),
        (7, [Decimal(1)], (7,)),
    ],
)
def test_the_largest_remainder_gets_the_cent(minor: int, by: list[int | Decimal], parts: tuple[int, ...]) -> None:
    assert money.spread(minor, by) == parts


@pytest.mark.parametrize("by", [[], [1, -1]])
def test_an_amount_needs_something_to_be_spread_over(by: list[int | Decimal]) -> None:
    with pytest.raises(NothingToSpreadOver) as refusal:
        money.spread(7, by)
    assert refusal.value.facts == {"minor": 7}


def test_nothing_over_nothing_is_nothing() -> None:
    assert money.spread(0, []) == ()


@given(some.minors, some.weights)
def test_the_parts_sum_to_the_whole_and_are_fair(minor: int, weights: list[int | Decimal]) -> None:
    parts = money.spread(minor, weights)
    assert sum(parts) == minor
    assert parts == tuple(-part for part in money.spread(-minor, weights))
    whole = sum(map(Fraction, weights))
    for part, weight in zip(parts, weights, strict=True):
        if whole:
            assert abs(part - minor * Fraction(weight) / whole) < 1
            assert weight or not part


@given(some.moneys, some.weights)
def test_allocated_amounts_sum_to_the_amount(amount: Money, weights: list[int | Decimal]) -> None:
    total = Money(0, amount.currency)
    for part in amount.allocate(weights):
        total += part
    assert total == amount


@given(st.integers(0, 10**6), st.integers(1, 50))
def test_equal_weights_differ_by_one_cent_at_most_and_the_first_come_first(minor: int, count: int) -> None:
    parts = money.spread(minor, [1] * count)
    assert max(parts) - min(parts) <= 1
    assert list(parts) == sorted(parts, reverse=True)


def test_no_float_and_no_round_in_the_rules() -> None:
    source = "\n".join(path.read_text() for path in Path(money.__file__).parent.glob("*.py"))
    assert "float(" not in source
    assert " round(" not in source
