"""Discounts: line first, header on what is left, never below zero."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.discount import (
    NO_DISCOUNT,
    Discount,
    DiscountNegative,
    DiscountTooLarge,
    DiscountTwice,
    TargetAboveList,
    after_line_discount,
    share,
)
from domain.quoting.waterfall import Taker, Waterfall
from tests import strategies as some


def percent(value: str) -> Discount:
    return Discount(percent=Decimal(value))


def amount(value: str) -> Discount:
    return Discount(amount=Decimal(value))


@pytest.mark.parametrize(
    ("unrounded", "discount", "left"),
    [
        ("1999", NO_DISCOUNT, 1999),
        ("1999", percent("12.5"), 1749),  # 1749.125
        ("1000", percent("0.05"), 1000),  # 999.5
        ("833.3333", percent("50"), 417),  # rounded once: 416.67, not half of 833
        ("1999", percent("100"), 0),
        ("1999", amount("4.99"), 1500),
        ("1999", amount("19.99"), 0),
        ("32.6", amount("0.33"), 0),  # all of a line that reads 0.33
    ],
)
def test_a_line_discount_rounds_once(unrounded: str, discount: Discount, left: int) -> None:
    assert after_line_discount(Decimal(unrounded), discount, currency="EUR") == left


def spread_over(nets: list[int], discount: Discount, *, gentle: bool = False) -> tuple[int, ...]:
    """What the header's discount takes from each of some lines."""
    every = frozenset(range(len(nets)))
    taker = Taker(part="header", discount=discount, lines=every, where="", gentle=gentle)
    falls = Waterfall([taker], "EUR").over(dict(enumerate(nets)), from_period=0, in_period=True)
    return tuple(falls[index].taken["header"] for index in range(len(nets)))


@pytest.mark.parametrize(
    ("nets", "discount", "parts"),
    [
        ([1000, 1000, 1000], amount("1.00"), (34, 33, 33)),
        ([1000, 0, 500], percent("10"), (100, 0, 50)),
        ([333, 333, 333], percent("10"), (34, 33, 33)),  # 99.9
        ([1, 1], percent("100"), (1, 1)),
        ([700, 300], amount("10"), (700, 300)),
        ([], percent("10"), ()),
        ([1000, 500], Discount(target=Decimal(12)), (200, 100)),
        ([1000, 500], Discount(target=Decimal(0)), (1000, 500)),
        ([333, 333], Discount(target=Decimal("6.66")), (0, 0)),
        ([0, 0], percent("10"), (0, 0)),
    ],
)
def test_a_header_discount_is_spread_by_largest_remainder(
    nets: list[int], discount: Discount, parts: tuple[int, ...]
) -> None:
    assert spread_over(nets, discount) == parts


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=9), some.percents)
def test_a_header_discount_takes_no_line_below_zero(nets: list[int], value: Decimal) -> None:
    parts = spread_over(nets, Discount(percent=value))
    assert all(0 <= part <= net for part, net in zip(parts, nets, strict=True))
    assert abs(sum(parts) - Fraction(value) * sum(nets) / 100) <= Fraction(1, 2)


@given(st.decimals(0, 10**9, places=6), some.percents)
def test_a_line_discount_leaves_between_nothing_and_all(unrounded: Decimal, value: Decimal) -> None:
    left = after_line_discount(unrounded, Discount(percent=value), currency="EUR")
    assert 0 <= left <= after_line_discount(unrounded, NO_DISCOUNT, currency="EUR")


def test_impossible_discounts_are_refused() -> None:
    for wrong in ({"percent": Decimal("-0.01")}, {"amount": Decimal(-1)}):
        with pytest.raises(DiscountNegative) as negative:
            Discount(**wrong)
        assert negative.value.facts == {"discount": next(iter(wrong.values()))}
    with pytest.raises(DiscountTooLarge) as large:
        percent("100.01")
    assert large.value.facts == {"discount": Decimal("100.01"), "most": Decimal(100)}
    for twice in ({"percent": Decimal(1), "amount": Decimal(1)}, {"percent": Decimal(1), "target": Decimal(0)}):
        with pytest.raises(DiscountTwice):
            Discount(**twice)


def test_more_than_there_is_is_refused() -> None:
    with pytest.raises(DiscountTooLarge) as line:
        after_line_discount(Decimal(1999), amount("20"), currency="EUR")
    assert line.value.facts == {"discount": Decimal(20), "most": Decimal("19.99")}
    with pytest.raises(DiscountTooLarge) as header:
        spread_over([1000, 999], amount("20"))
    assert header.value.facts == {"discount": Decimal(20), "most": Decimal("19.99")}


def test_what_is_gentle_takes_what_is_left() -> None:
    assert spread_over([1000, 999], amount("20"), gentle=True) == (1000, 999)


def test_a_target_above_the_whole_is_refused() -> None:
    with pytest.raises(TargetAboveList) as refusal:
        spread_over([1000, 999], Discount(target=Decimal(20)))
    assert refusal.value.facts == {"target": Decimal(20), "listed": Decimal("19.99")}


def test_the_share_is_the_one_that_was_stated() -> None:
    assert share(percent("20"), Decimal(333), currency="EUR") == Fraction(1, 5)
    assert share(amount("1.11"), Decimal(333), currency="EUR") == Fraction(1, 3)
    assert share(amount("0.33"), Decimal("32.6"), currency="EUR") == 1
    assert share(amount("1"), Decimal(0), currency="EUR") == 0
    assert share(NO_DISCOUNT, Decimal(333), currency="EUR") == 0
