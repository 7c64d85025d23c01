"""Rating once more, slowly and in fractions: no steps, nothing shared with the rules but the fields of the charge."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

from domain.rating.charge import Charge, Conversion, Tier


def to_decimals(value: Fraction, decimals: int, rounding: str) -> Fraction:
    """A fraction rounded by name."""
    return Fraction(whole(value * 10**decimals, rounding), 10**decimals)


def whole(value: Fraction, rounding: str) -> int:
    below, above = floor(value), ceil(value)
    if below == above:
        return below
    near = below if value - below < Fraction(1, 2) else above
    if value - below == Fraction(1, 2):
        up = above if value > 0 else below
        near = up if rounding == "half_up" else below if below % 2 == 0 else above
    away, towards = (above, below) if value > 0 else (below, above)
    return {"half_up": near, "half_even": near, "up": away, "down": towards}[rounding]


def minor_of(charge: Charge, stated: Decimal, *, months: int, digits: int) -> tuple[Fraction, int]:
    """The amount in minor units before and after its rounding."""
    quantity = Fraction(stated)
    if charge.conversion is not None:
        quantity = _converted(charge.conversion, quantity)
    amount = _amount(charge, quantity)
    if charge.maximum_amount is not None:
        amount = min(amount, Fraction(charge.maximum_amount))
    if charge.minimum_amount is not None:
        amount = max(amount, Fraction(charge.minimum_amount))
    if charge.commitment is not None and charge.commitment.amount is not None:
        amount = max(amount, Fraction(charge.commitment.amount))
    if charge.commitment is not None and charge.commitment.quantity is not None:
        amount = max(amount, Fraction(charge.commitment.quantity) * Fraction(charge.unit_price))
    if charge.pricing_unit is not None:
        unit = charge.pricing_unit
        amount = to_decimals(amount, unit.decimals, unit.rounding) * Fraction(unit.rate)
    if charge.kind not in {"one_time", "milestone"}:
        amount = amount * months / charge.months
    minor = amount * 10**digits
    return minor, whole(minor, charge.rounding)


def _converted(conversion: Conversion, quantity: Fraction) -> Fraction:
    made = quantity * Fraction(conversion.multiply_by) / Fraction(conversion.divide_by)
    return to_decimals(made, conversion.decimals, conversion.rounding)


def _amount(charge: Charge, quantity: Fraction) -> Fraction:
    if not quantity:
        fee = charge.tiers[0].flat_fee if charge.tiers and charge.zero_usage == "first_tier_fee" else 0
        return Fraction(fee)
    free = min(Fraction(charge.included_quantity), quantity)
    paid = quantity - free
    price = Fraction(charge.unit_price)
    if charge.model == "flat":
        return price + (Fraction(charge.overage_price) * paid if charge.overage_price is not None else 0)
    if charge.model == "per_unit":
        limit = charge.commitment.quantity if charge.commitment is not None else None
        if limit is None or charge.overage_price is None:
            return paid * price
        return min(paid, Fraction(limit)) * price + max(paid - Fraction(limit), Fraction(0)) * Fraction(
            charge.overage_price
        )
    if charge.model == "package":
        return _packages(charge, quantity, paid) * price
    if charge.model in {"matrix", "dynamic"}:
        return paid if charge.default_price is None else Fraction(charge.default_price) * paid
    if charge.model == "percentage":
        return _transaction(charge, quantity, free)
    return _tiered(charge, quantity, free)


def _packages(charge: Charge, quantity: Fraction, paid: Fraction) -> Fraction:
    if charge.included_order == "first":
        return _count(charge, paid, Fraction(charge.package_size))
    whole_free = floor(Fraction(charge.included_quantity) / Fraction(charge.package_size))
    return max(_count(charge, quantity, Fraction(charge.package_size)) - whole_free, Fraction(0))


def _count(charge: Charge, units: Fraction, size: Fraction) -> Fraction:
    if charge.package_rounding == "exact":
        return to_decimals(units / size, 12, "half_up")
    return Fraction(ceil(units / size) if charge.package_rounding == "up" else floor(units / size))


def _transaction(charge: Charge, quantity: Fraction, free: Fraction) -> Fraction:
    """A quantity without events is one transaction."""
    if charge.free_transactions or (free and free == quantity):
        return Fraction(0)
    amount = (quantity - free) * Fraction(charge.percent) / 100 + Fraction(charge.transaction_fee)
    if charge.transaction_minimum is not None and amount < charge.transaction_minimum:
        return Fraction(charge.transaction_minimum)
    if charge.transaction_maximum is not None and amount > charge.transaction_maximum:
        return Fraction(charge.transaction_maximum)
    return amount


def _tiered(charge: Charge, quantity: Fraction, free: Fraction) -> Fraction:
    paid = quantity - free
    if not paid:
        return Fraction(0)
    start = free if charge.included_order == "first" else Fraction(0)
    end = start + paid
    last = Fraction(charge.tiers[-1].up_to) if charge.tiers[-1].up_to is not None else None
    covered = end if last is None or charge.beyond == "last_tier" else min(end, last)
    over = end - max(covered, start)
    extra = over * Fraction(charge.overage_price) if charge.overage_price is not None else Fraction(0)
    if charge.model in {"graduated", "graduated_percentage"}:
        return extra + sum((_slice(charge, i, start, end) for i in range(len(charge.tiers))), Fraction(0))
    tier = next((t for t in charge.tiers if _within(charge, t, end)), charge.tiers[-1])
    if charge.model == "volume":
        units = paid - over if charge.beyond in {"covered_only", "overage"} else paid
        return extra + (_priced(charge, tier, units) if units else 0)
    return extra + Fraction(tier.flat_fee)


def _within(charge: Charge, tier: Tier, quantity: Fraction) -> bool:
    if tier.up_to is None:
        return True
    return quantity <= Fraction(tier.up_to) if charge.tier_bound == "inclusive" else quantity < Fraction(tier.up_to)


def _slice(charge: Charge, place: int, start: Fraction, end: Fraction) -> Fraction:
    """What the part of [start, end] costs that lies in one tier; nothing for a tier that no paid unit reaches."""
    tier, last = charge.tiers[place], place == len(charge.tiers) - 1
    low = Fraction(charge.tiers[place - 1].up_to or 0) if place else Fraction(0)
    high = None if tier.up_to is None or (last and charge.beyond == "last_tier") else Fraction(tier.up_to)
    reached = end > low or (end == low and place > 0 and charge.tier_bound == "exclusive")
    if not reached or (high is not None and start >= high):
        return Fraction(0)
    units = (end if high is None else min(end, high)) - max(low, start)
    return _priced(charge, tier, units)


def _priced(charge: Charge, tier: Tier, units: Fraction) -> Fraction:
    if charge.model == "graduated_percentage":
        amount = units * Fraction(tier.percent) / 100
    elif tier.block_size is not None:
        amount = _count(charge, units, Fraction(tier.block_size)) * Fraction(tier.unit_price)
    else:
        amount = units * Fraction(tier.unit_price)
    amount += Fraction(tier.flat_fee)
    return amount if tier.maximum_amount is None else min(amount, Fraction(tier.maximum_amount))
