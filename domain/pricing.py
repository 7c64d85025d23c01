"""A charge and a quantity make an amount: each charge model, explained step by step, rounded once, half up, at the end."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

from domain.document import decimal_text
from domain.errors import Invalid
from domain.money import LARGEST_MINOR, AmountOutOfRange, exponent, round_half_up
from domain.price_book import LARGEST_QUANTITY, Charge, Tier

# Enough decimals that no amount of 24 decimals divided by a number of months can cross a half by being cut here.
_PLACES = Decimal(1).scaleb(-30)
_WIDE = Context(prec=200, rounding=ROUND_HALF_EVEN)


@dataclass(kw_only=True, eq=False)
class QuantityNegative(Invalid):
    """Less than nothing is to be sold."""

    quantity: Decimal
    hint: str = "give a quantity of zero or more"


@dataclass(kw_only=True, eq=False)
class QuantityAbsurd(Invalid):
    """More than a thousand million units, or no number at all."""

    quantity: Decimal
    hint: str = "give a quantity of at most 1,000,000,000"


@dataclass(kw_only=True, eq=False)
class QuantityOutOfBounds(Invalid):
    """A quantity below the minimum or over the maximum of its charge."""

    quantity: Decimal
    minimum: Decimal | None
    maximum: Decimal | None
    hint: str = "keep to the bounds that the price book sets for this charge"


@dataclass(kw_only=True, eq=False)
class MonthsDoNotFit(Invalid):
    """An amount for no months of service."""

    months: int
    hint: str = "rate one month or more"


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedStep:
    """One slice: `quantity` units at `unit_price`, plus `flat_fee` (major units per the price's own interval).

    `amount` is its part for the months rated, in minor units, not rounded. `up_to` is the bound of its tier, if any.
    """

    quantity: Decimal
    unit_price: Decimal
    flat_fee: Decimal
    up_to: Decimal | None
    amount: Decimal

    @property
    def text(self) -> str:
        """The slice in words.

        >>> RatedStep(quantity=Decimal(3), unit_price=Decimal("1.50"), flat_fee=Decimal(2), up_to=None,
        ...           amount=Decimal(650)).text
        '3 × 1.5 + 2'
        """
        priced = f"{decimal_text(self.quantity)} × {decimal_text(self.unit_price)}"
        return f"{priced} + {decimal_text(self.flat_fee)}" if self.flat_fee else priced


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """`amount_minor` is `unrounded` (minor units, the exact sum of the steps' amounts) rounded half up, once."""

    amount_minor: int
    unrounded: Decimal
    steps: tuple[RatedStep, ...]


def rate(charge: Charge, quantity: Decimal, *, months: int, currency: str) -> Rated:
    """The list amount of a quantity for `months` months of service; nothing for a quantity of zero.

    Raises QuantityNegative, QuantityAbsurd, QuantityOutOfBounds, MonthsDoNotFit, UnknownCurrency, AmountOutOfRange.

    >>> yearly = Charge(id="y", model="per_unit", months=12, unit_price=Decimal(100))
    >>> rate(yearly, Decimal(3), months=1, currency="EUR").amount_minor   # 3 × 100.00 / 12
    2500
    """
    _check(charge, quantity)
    if months < 1:
        raise MonthsDoNotFit(months=months)
    slices = _SLICES[charge.model](charge, quantity) if quantity else ()
    to_minor = Fraction(10 ** exponent(currency) * months, charge.months)
    amounts = [
        (Fraction(units) * Fraction(tier.unit_price) + Fraction(tier.flat_fee)) * to_minor for units, tier in slices
    ]
    unrounded = _decimal(sum(amounts, Fraction()))
    if unrounded > LARGEST_MINOR:
        raise AmountOutOfRange(minor=round_half_up(unrounded))
    return Rated(amount_minor=round_half_up(unrounded), unrounded=unrounded, steps=_steps(slices, amounts, unrounded))


def _check(charge: Charge, quantity: Decimal) -> None:
    if not quantity.is_finite() or quantity > LARGEST_QUANTITY:
        raise QuantityAbsurd(quantity=quantity)
    if quantity < 0:
        raise QuantityNegative(quantity=quantity)
    low, high = charge.minimum_quantity, charge.maximum_quantity
    if quantity and ((low is not None and quantity < low) or (high is not None and quantity > high)):
        raise QuantityOutOfBounds(quantity=quantity, minimum=low, maximum=high)


_Slices = tuple[tuple[Decimal, Tier], ...]


def _flat(charge: Charge, _quantity: Decimal) -> _Slices:
    return ((Decimal(1), Tier(up_to=None, unit_price=charge.unit_price)),)


def _per_unit(charge: Charge, quantity: Decimal) -> _Slices:
    return ((quantity, Tier(up_to=None, unit_price=charge.unit_price)),)


def _volume(charge: Charge, quantity: Decimal) -> _Slices:
    """The whole quantity at the tier it reaches; `up_to` is inclusive."""
    return ((quantity, next(tier for tier in charge.tiers if tier.up_to is None or quantity <= tier.up_to)),)


def _graduated(charge: Charge, quantity: Decimal) -> _Slices:
    """Each slice at its own tier; the flat fee of every tier that is reached."""
    slices = []
    below = Decimal(0)
    for tier in charge.tiers:
        if below == quantity:
            break
        top = quantity if tier.up_to is None else min(quantity, tier.up_to)
        slices.append((top - below, tier))
        below = top
    return tuple(slices)


_SLICES = {"flat": _flat, "per_unit": _per_unit, "volume": _volume, "graduated": _graduated}


def _steps(slices: _Slices, amounts: list[Fraction], unrounded: Decimal) -> tuple[RatedStep, ...]:
    """The slices with their amounts; the last one carries the 30th decimal, so that the steps sum to the whole."""
    parts = [_decimal(amount) for amount in amounts]
    if parts:
        before = sum((Fraction(part) for part in parts[:-1]), Fraction())
        parts[-1] = _decimal(Fraction(unrounded) - before)
    return tuple(
        RatedStep(quantity=units, unit_price=tier.unit_price, flat_fee=tier.flat_fee, up_to=tier.up_to, amount=part)
        for (units, tier), part in zip(slices, parts, strict=True)
    )


def _decimal(value: Fraction) -> Decimal:
    exact = _WIDE.divide(Decimal(value.numerator), Decimal(value.denominator)).quantize(_PLACES, context=_WIDE)
    return Decimal(decimal_text(exact))
