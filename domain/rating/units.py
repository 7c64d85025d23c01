"""Prices without tiers: a flat price with what is over, each unit at one price, or at the price of its properties."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from domain.errors import Invalid
from domain.rating.charge import Charge
from domain.rating.measured import Measured, PropertyMissing
from domain.rating.step import Steps, included, priced


@dataclass(kw_only=True, eq=False)
class NoPriceForProperties(Invalid):
    """Properties that no cell of the matrix names, where the charge has no default price."""

    properties: str
    hint: str = "use values that the price names, or give the charge a default_price"


def flat(charge: Charge, measured: Measured) -> Steps:
    """One price whatever the quantity; units over the included ones at the overage price: 99 + 21 × 0.10."""
    steps = [priced("flat", Decimal(1), charge.unit_price)]
    over = measured.quantity - charge.included_quantity
    if charge.overage_price is not None and over > 0:
        steps.append(priced("overage", over, charge.overage_price))
    return steps


def per_unit(charge: Charge, measured: Measured) -> Steps:
    """Each unit that is not included at one price; units over a committed quantity at the overage price."""
    free = min(charge.included_quantity, measured.quantity)
    steps = [included(free)] if free else []
    paid = measured.quantity - free
    committed = charge.commitment.quantity if charge.commitment is not None else None
    if charge.overage_price is None or committed is None or paid <= committed:
        return [*steps, priced("unit", paid, charge.unit_price)]
    within = priced("unit", committed, charge.unit_price)
    return [*steps, within, priced("overage", paid - committed, charge.overage_price)]


def matrix(charge: Charge, groups: list[Measured]) -> Steps:
    """The units of each combination of properties at the price of the first cell that fits, else at the default price.

    Included units are taken from the combinations in their order, or from the last one backwards by `included_order`.
    """
    left = charge.included_quantity
    steps: Steps = []
    backwards = charge.included_order == "last"
    for group in reversed(groups) if backwards else groups:
        free = min(left, group.quantity)
        left -= free
        found, told = _cell(charge, group)
        own = [priced("cell", group.quantity - free, found, note=told)]
        if free:
            own.insert(0, included(free)._replace(note=told))
        steps = own + steps if backwards else steps + own
    return steps


def _cell(charge: Charge, group: Measured) -> tuple[Decimal, str]:
    """The unit price of a combination and the combination in words; inside `exact()`."""
    for dimension in charge.dimensions:
        if dimension not in group.properties and charge.default_price is None:
            raise PropertyMissing(where="usage", property=dimension)
    told = ", ".join(f"{name} {group.properties[name]}" for name in charge.dimensions if name in group.properties)
    for cell in charge.cells:
        if all(group.properties.get(name) == value for name, value in cell.when):
            return cell.unit_price, told
    if charge.default_price is None:
        raise NoPriceForProperties(where="usage", properties=told)
    return charge.default_price, told
