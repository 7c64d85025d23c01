"""A discount is a percentage, an amount or a target; what it takes, of one line or of several together, is rounded once, half up."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from domain.errors import Invalid
from domain.money import exact, from_minor, minor_units, round_half_up

HUNDRED = Decimal(100)


@dataclass(kw_only=True, eq=False)
class DiscountNegative(Invalid):
    """A discount below zero would be a surcharge."""

    discount: Decimal
    hint: str = "give a discount of zero or more"


@dataclass(kw_only=True, eq=False)
class DiscountTooLarge(Invalid):
    """A discount of more than 100 %, or of more than there is."""

    discount: Decimal
    most: Decimal
    hint: str = "a discount can at most make it free"


@dataclass(kw_only=True, eq=False)
class DiscountTwice(Invalid):
    """Two of a percentage, an amount and a target for one thing."""

    hint: str = "give a percentage, an amount or a target, not two of them"


@dataclass(kw_only=True, eq=False)
class TargetAboveList(Invalid):
    """A target that is more than there is to take from would be a surcharge."""

    target: Decimal
    listed: Decimal
    hint: str = "give a target of at most what it is taken from"


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """A percentage (0 to 100), an amount of major units per billing period, or a target: what is to be left.

    A line's target is the net price of one unit for the interval of its price; a group's and the header's is the net of
    the first billing period. Raises the errors of this file.
    """

    percent: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    target: Decimal | None = None

    def __post_init__(self) -> None:
        for value in (self.percent, self.amount, self.target or Decimal(0)):
            if value < 0:
                raise DiscountNegative(discount=value)
        if self.percent > HUNDRED:
            raise DiscountTooLarge(discount=self.percent, most=HUNDRED)
        if bool(self.percent) + bool(self.amount) + (self.target is not None) > 1:
            raise DiscountTwice


NO_DISCOUNT = Discount()


def after_line_discount(unrounded: Decimal, discount: Discount, *, currency: str) -> int:
    """What is left of a rated line (minor units, not rounded) after its own discount: rounded once, half up.

    Raises DiscountTooLarge for an amount of more than the line.

    >>> after_line_discount(Decimal("1999"), Discount(percent=Decimal("12.5")), currency="EUR")   # 1749.125
    1749
    """
    off = minor_units(discount.amount, currency)
    if off > unrounded:
        whole = round_half_up(unrounded)
        if round_half_up(off) > whole:
            raise DiscountTooLarge(discount=discount.amount, most=from_minor(whole, currency))
        return 0
    with exact():
        return round_half_up((unrounded - off) * (HUNDRED - discount.percent) / HUNDRED)


def taken(whole: int, discount: Discount, *, currency: str) -> tuple[int, Fraction]:
    """What a discount takes from the sum of several lines (minor units), rounded once, half up; and its share, as stated.

    Raises DiscountTooLarge for an amount of more than there is, TargetAboveList for a target above it.

    >>> taken(1999, Discount(percent=Decimal("12.5")), currency="EUR")   # 249.875
    (250, Fraction(1, 8))
    >>> taken(2000, Discount(target=Decimal("15")), currency="EUR")
    (500, Fraction(1, 4))
    """
    if discount.target is not None:
        off = whole - minor_units(discount.target, currency)
        if off < 0:
            raise TargetAboveList(target=discount.target, listed=from_minor(whole, currency))
        return round_half_up(off), Fraction(off) / whole if whole else Fraction()
    with exact():
        off = minor_units(discount.amount, currency) + whole * discount.percent / HUNDRED
    if round_half_up(off) > whole:
        raise DiscountTooLarge(discount=discount.amount, most=from_minor(whole, currency))
    return round_half_up(off), share(discount, Decimal(whole), currency=currency)


def share(discount: Discount, whole: Decimal, *, currency: str) -> Fraction:
    """The part of `whole` (minor units) that a discount takes, as it was stated: free of the rounding of cents.

    A 20 % discount on 3.33 takes 0.67, which is 20.12 %; an approval policy judges the 20 % that were given.

    >>> share(Discount(percent=Decimal(20)), Decimal(333), currency="EUR")
    Fraction(1, 5)
    """
    if discount.amount and whole:
        return min(Fraction(minor_units(discount.amount, currency)) / Fraction(whole), Fraction(1))
    return Fraction(discount.percent) / 100
