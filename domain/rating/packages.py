"""Units are sold in whole packages: rounded up unless said otherwise, free units taken off before or after."""

from __future__ import annotations

from decimal import Decimal

from domain.document import decimal_text
from domain.money import round_to
from domain.rating.charge import Charge
from domain.rating.measured import Measured
from domain.rating.step import Steps, included, priced

_DECIMALS = 12  # of a share of a package, as of every quantity


def package(charge: Charge, measured: Measured) -> Steps:
    """Packages of `package_size` units at `unit_price` each: 121 units are two packages of 100.

    `included_order: first`: the free units come first and packages begin behind them. `last`: all units are put into
    packages, and the free units then pay for as many whole packages as they fill.
    """
    quantity, size = measured.quantity, charge.package_size
    free = min(charge.included_quantity, quantity)
    steps = [included(free)] if free else []
    if charge.included_order == "first":
        count, note = packages(charge, quantity - free, size)
    else:
        count, note = packages(charge, quantity, size)
        count = max(count - charge.included_quantity // size, Decimal(0))
    return [*steps, priced("package", count, charge.unit_price, note=note)]


def packages(charge: Charge, units: Decimal, size: Decimal, word: str = "packages") -> tuple[Decimal, str]:
    """How many packages of a size units make, and how that is told; inside `exact()`."""
    note = f"{decimal_text(units)} in {word} of {decimal_text(size)}"
    if charge.package_rounding == "exact":
        return round_to(units, size, _DECIMALS, "half_up"), note
    whole = units // size
    if charge.package_rounding == "up" and whole * size < units:
        whole += 1
    return whole, note
