"""Prices by tier: the whole quantity at its tier, each slice at its own, or the flat price of the tier reached."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from domain.document import decimal_text
from domain.errors import Invalid
from domain.rating.charge import ZERO, Charge, Tier
from domain.rating.measured import Measured
from domain.rating.packages import packages
from domain.rating.step import RatedStep, Steps, difference, included, priced


@dataclass(kw_only=True, eq=False)
class QuantityBeyondTiers(Invalid):
    """More than the last bounded tier covers, where the charge does not say what the rest costs."""

    quantity: Decimal
    up_to: Decimal | None
    hint: str = "leave the last tier open, or let `beyond` say what the rest costs"


def volume(charge: Charge, measured: Measured) -> Steps:
    """The whole quantity at the tier it reaches, 11 units at the price of units 11 to 100.

    Included units count for the tier if they are the first ones (`included_order`).
    """
    paid, steps = _paid(charge, measured.quantity)
    if not paid:
        return steps
    reached = measured.quantity if charge.included_order == "first" else paid
    tier, beyond = _reached(charge, reached)
    over = min(beyond, paid) if charge.beyond in {"covered_only", "overage"} else ZERO
    if paid > over:
        steps += _slice(charge, tier, paid - over)
    return steps + _over(charge, over)


def graduated(charge: Charge, measured: Measured) -> Steps:
    """Each slice at its own tier, 10 at the first price and 1 at the second; the fee of every tier with a paid unit."""
    paid, steps = _paid(charge, measured.quantity)
    if not paid:
        return steps
    low = measured.quantity - paid if charge.included_order == "first" else ZERO  # units up to here are free
    high = low + paid
    inclusive = charge.tier_bound == "inclusive"
    below = ZERO
    for tier in charge.tiers:
        bound = None if charge.beyond == "last_tier" and tier is charge.tiers[-1] else tier.up_to
        if bound is None or low < bound:
            units = (high if bound is None or high < bound else bound) - max(below, low)
            if units or tier.flat_fee:
                steps += _slice(charge, tier, units)
        if bound is None or high < bound or (inclusive and high == bound):
            return steps
        below = bound
    if charge.beyond == "refuse":
        raise QuantityBeyondTiers(quantity=measured.quantity, up_to=below)
    return steps + _over(charge, high - max(below, low))


def stairstep(charge: Charge, measured: Measured) -> Steps:
    """The flat price of the tier that the quantity reaches."""
    paid, steps = _paid(charge, measured.quantity)
    if not paid:
        return steps
    reached = measured.quantity if charge.included_order == "first" else paid
    tier, beyond = _reached(charge, reached)
    over = min(beyond, paid) if charge.beyond == "overage" else ZERO
    return [*steps, _flat(tier, paid - over), *_over(charge, over)]


def first_fee(charge: Charge) -> Steps:
    """What no usage at all costs: nothing, or the flat fee of the first tier, by `zero_usage`."""
    if charge.zero_usage == "nothing" or not charge.tiers:
        return []
    return [_flat(charge.tiers[0], ZERO, "zero_usage")]


def _paid(charge: Charge, quantity: Decimal) -> tuple[Decimal, Steps]:
    """The units that are not included, and the step that says which are."""
    free = charge.included_quantity
    if not free or not quantity:
        return quantity, []
    free = min(free, quantity)
    return quantity - free, [included(free)]


def _reached(charge: Charge, quantity: Decimal) -> tuple[Tier, Decimal]:
    """The tier of a quantity, and the units beyond it where it is the last bounded one."""
    inclusive = charge.tier_bound == "inclusive"
    for tier in charge.tiers:
        if tier.up_to is None or quantity < tier.up_to or (inclusive and quantity == tier.up_to):
            return tier, ZERO
    last = charge.tiers[-1]
    if charge.beyond == "refuse" or last.up_to is None:
        raise QuantityBeyondTiers(quantity=quantity, up_to=last.up_to)
    return last, quantity - last.up_to


def _slice(charge: Charge, tier: Tier, units: Decimal) -> Steps:
    """Units of one tier at its price or percent, in blocks where it has them, capped where it says so."""
    if charge.model == "graduated_percentage":
        step = priced("percent", units, tier.percent.scaleb(-2), tier.flat_fee, tier.up_to)
    elif tier.block_size is not None:
        blocks, note = packages(charge, units, tier.block_size, "blocks")
        step = priced("block", blocks, tier.unit_price, tier.flat_fee, tier.up_to, note)
    else:
        fee = tier.flat_fee
        step = RatedStep(units, tier.unit_price, fee, tier.up_to, units * tier.unit_price + fee)
    most = tier.maximum_amount
    if most is not None and step.amount > most:
        return [step, difference("tier_maximum", most - step.amount, f"at most {decimal_text(most)} in this tier")]
    return [step]


def _flat(tier: Tier, quantity: Decimal, kind: str = "step") -> RatedStep:
    return RatedStep(quantity, ZERO, tier.flat_fee, tier.up_to, tier.flat_fee, kind)


def _over(charge: Charge, units: Decimal) -> Steps:
    """Units that no tier covers, at the overage price, or free where only covered units are billed."""
    if not units:
        return []
    if charge.overage_price is None:
        return [RatedStep(units, ZERO, ZERO, None, ZERO, "beyond")]
    return [priced("overage", units, charge.overage_price)]
