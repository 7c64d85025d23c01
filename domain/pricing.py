"""A charge and a quantity, or the events of a period, make an amount: explained step by step, rounded once, at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from types import MappingProxyType

from domain.errors import Invalid
from domain.money import EXACT, LARGEST_MINOR, ROUNDINGS, AmountOutOfRange, exponent
from domain.rating.adjustments import adjusted, converted
from domain.rating.capacity import capacity
from domain.rating.charge import LARGEST_MEASURED, ONCE, Charge
from domain.rating.measured import Measured
from domain.rating.packages import package
from domain.rating.percentage import dynamic, percentage
from domain.rating.step import RatedStep, Steps, difference, total
from domain.rating.tiers import first_fee, graduated, stairstep, volume
from domain.rating.units import flat, matrix, per_unit
from domain.usage import Event, Span, measured

__all__ = [
    "MonthsDoNotFit",
    "QuantityAbsurd",
    "QuantityNegative",
    "QuantityOutOfBounds",
    "Rated",
    "RatedStep",
    "rate",
    "rounded",
    "worked_out",
]

# Enough decimals that no amount of 36 decimals divided by a number of months can cross a half by being cut here.
_PLACES = Decimal(1).scaleb(-40)
_ONE = Decimal(1)
_WIDE = Context(prec=200, rounding=ROUND_HALF_EVEN)
_NO_ATTRIBUTES: Mapping[str, str] = MappingProxyType({})


@dataclass(kw_only=True, eq=False)
class QuantityNegative(Invalid):
    """Less than nothing is to be sold."""

    quantity: Decimal
    hint: str = "give a quantity of zero or more"


@dataclass(kw_only=True, eq=False)
class QuantityAbsurd(Invalid):
    """More than 10**15 units, or no number at all."""

    quantity: Decimal
    hint: str = "give a quantity of at most 1,000,000,000,000,000"


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
class Rated:
    """`amount_minor` is `unrounded` (minor units, the exact sum of the steps' amounts), rounded once as the charge says."""

    amount_minor: int
    unrounded: Decimal
    steps: tuple[RatedStep, ...]

    @property
    def explained(self) -> tuple[RatedStep, ...]:
        """The steps and, where there was any, the rounding: their amounts sum to `amount_minor`."""
        if self.unrounded == self.amount_minor:
            return self.steps
        gap = EXACT.subtract(Decimal(self.amount_minor), self.unrounded)
        return (*self.steps, difference("rounding", gap, "rounded"))


def rate(
    charge: Charge,
    quantity: Decimal,
    *,
    months: int,
    currency: str,
    usage: Sequence[Event] = (),
    attributes: Mapping[str, str] = _NO_ATTRIBUTES,
    period: Span | None = None,
) -> Rated:
    """The list amount of a quantity for `months` months of service (a price that is paid once: for all of it).

    Events in `usage`, where there are any, give the quantity; else `attributes` are its properties.
    Raises QuantityNegative, QuantityAbsurd, QuantityOutOfBounds, MonthsDoNotFit, UnknownCurrency, AmountOutOfRange,
    QuantityBeyondTiers, PeakBeyondTiers, PropertyMissing, NoPriceForProperties, UsageInvalid, PeriodMissing.

    >>> yearly = Charge(id="y", model="per_unit", months=12, unit_price=Decimal(100))
    >>> rate(yearly, Decimal(3), months=1, currency="EUR").amount_minor   # 3 × 100.00 / 12
    2500
    """
    steps, major = worked_out(charge, quantity, months=months, usage=usage, attributes=attributes, period=period)
    digits = exponent(currency)
    minor = [step._replace(amount=step.amount.scaleb(digits, EXACT)) for step in steps]
    unrounded = major.scaleb(digits, EXACT)
    return Rated(amount_minor=rounded(charge, major, currency), unrounded=unrounded, steps=tuple(minor))


def worked_out(
    charge: Charge,
    quantity: Decimal,
    *,
    months: int,
    usage: Sequence[Event] = (),
    attributes: Mapping[str, str] = _NO_ATTRIBUTES,
    period: Span | None = None,
) -> tuple[Steps, Decimal]:
    """The steps and their exact sum in major units, of no currency yet and not rounded; raises as `rate` does."""
    if months < 1:
        raise MonthsDoNotFit(months=months)
    with localcontext(EXACT):
        if usage or charge.meters:
            groups = measured(charge, quantity, usage, attributes, period)
        else:
            groups = [Measured(quantity, (), attributes)]
        steps = adjusted(charge, _modelled(charge, groups))
        unit = charge.pricing_unit
        scale = _ONE if unit is None else unit.rate
        if charge.kind in ONCE or months == charge.months:
            return _scaled(steps, scale, 1)
        return _scaled(steps, scale * months, charge.months)


def rounded(charge: Charge, major: Decimal, currency: str) -> int:
    """Major units as whole minor units, rounded as the charge says. Raises UnknownCurrency, AmountOutOfRange."""
    minor = int(major.scaleb(exponent(currency), EXACT).to_integral_value(rounding=ROUNDINGS[charge.rounding]))
    if minor > LARGEST_MINOR:
        raise AmountOutOfRange(minor=minor)
    return minor


_MODELS: dict[str, Callable[[Charge, Measured], Steps]] = {
    "flat": flat,
    "per_unit": per_unit,
    "volume": volume,
    "graduated": graduated,
    "package": package,
    "percentage": percentage,
    "graduated_percentage": graduated,
    "stairstep": stairstep,
    "dynamic": dynamic,
    "capacity": capacity,
}


def _modelled(charge: Charge, groups: list[Measured]) -> Steps:
    """The steps of the charge's model, group by group, in major units (or pricing units) of the price's own interval."""
    steps: Steps = []
    used = []
    for given in groups:
        group = given
        _check(charge, group.quantity)
        if charge.conversion is not None and group.quantity:
            units, step = converted(charge.conversion, group.quantity)
            group = group._replace(quantity=units)
            steps.append(step)
        if group.quantity or group.transactions:
            used.append(group)
    if not used:
        return steps + first_fee(charge)
    if charge.model == "matrix":
        return steps + matrix(charge, used)
    model = _MODELS[charge.model]
    for group in used:
        own = model(charge, group)
        if charge.group_by:
            told = ", ".join(f"{name} {group.properties.get(name, 'none')}" for name in charge.group_by)
            own = [step._replace(note=f"{told}, {step.note}" if step.note else told) for step in own]
        steps += own
    return steps


def _check(charge: Charge, quantity: Decimal) -> None:
    if not quantity.is_finite() or quantity > LARGEST_MEASURED:
        raise QuantityAbsurd(where="quantity", quantity=quantity)
    if quantity < 0:
        raise QuantityNegative(where="quantity", quantity=quantity)
    low, high = charge.minimum_quantity, charge.maximum_quantity
    if quantity and ((low is not None and quantity < low) or (high is not None and quantity > high)):
        raise QuantityOutOfBounds(where="quantity", quantity=quantity, minimum=low, maximum=high)


def _scaled(steps: Steps, multiply_by: Decimal, divide_by: int) -> tuple[Steps, Decimal]:
    """The steps for the months rated, and their sum; the last one carries a division's 40th decimal."""
    if not multiply_by % divide_by:
        scale = multiply_by // divide_by
        made = steps if scale == 1 else [step._replace(amount=step.amount * scale) for step in steps]
        return made, total(made)
    unrounded = _divided(total(steps) * multiply_by, divide_by)
    made = [step._replace(amount=_divided(step.amount * multiply_by, divide_by)) for step in steps]
    rest = unrounded - total(made)
    if rest:
        made[-1] = made[-1]._replace(amount=made[-1].amount + rest)
    return made, unrounded


def _divided(value: Decimal, divisor: int) -> Decimal:
    return _WIDE.divide(value, Decimal(divisor)).quantize(_PLACES, context=_WIDE)
