"""What is laid on top of a model, in this order: the period's maximum, its minimum, the commitment's true-up, pricing units.

All of it is computed before the one rounding to money, each as a step of its own.
"""

from __future__ import annotations

from decimal import Decimal

from domain.document import decimal_text
from domain.money import round_to
from domain.rating.charge import Charge, Conversion
from domain.rating.step import RatedStep, Steps, difference, total

_ONE = Decimal(1)


def adjusted(charge: Charge, steps: Steps) -> Steps:
    """The steps of a model with what the charge lays on top; inside `exact()`.

    A commitment of 1,000 on an amount of 812.345 adds a true-up of 187.655.
    """
    most, least = charge.maximum_amount, charge.minimum_amount
    unit = charge.pricing_unit
    if most is None and least is None and charge.commitment is None and unit is None:
        return steps
    amount = total(steps)
    if most is not None and amount > most:
        steps = [*steps, difference("maximum", most - amount, f"at most {decimal_text(most)}")]
        amount = most
    if least is not None and amount < least:
        steps = [*steps, difference("minimum", least - amount, f"at least {decimal_text(least)}")]
        amount = least
    committed = committed_amount(charge)
    if committed is not None and amount < committed:
        note = f"true-up to the commitment of {decimal_text(committed)}"
        steps = [*steps, difference("true_up", committed - amount, note)]
        amount = committed
    if unit is None:
        return steps
    rounded = round_to(amount, _ONE, unit.decimals, unit.rounding)
    if rounded != amount:
        note = f"{decimal_text(amount)} rounded to {decimal_text(rounded)} {unit.name}"
        steps = [*steps, difference("unit_rounding", rounded - amount, note)]
    note = f"{decimal_text(rounded)} {unit.name} at {decimal_text(unit.rate)}"
    return [*steps, RatedStep(rounded, unit.rate, Decimal(0), None, Decimal(0), "pricing_unit", note)]


def committed_amount(charge: Charge) -> Decimal | None:
    """What is paid at least; a committed quantity counts at the unit price. Inside `exact()`."""
    commitment = charge.commitment
    if commitment is None:
        return None
    if commitment.quantity is not None:
        return commitment.quantity * charge.unit_price
    return commitment.amount


def converted(conversion: Conversion, quantity: Decimal) -> tuple[Decimal, RatedStep]:
    """Measured units as the units that are priced, and the step that says so; inside `exact()`.

    1,500,000,000 bytes ÷ 1,000,000,000, rounded up to whole GB, are 2.
    """
    made = round_to(quantity * conversion.multiply_by, conversion.divide_by, conversion.decimals, conversion.rounding)
    factors = (f" × {decimal_text(conversion.multiply_by)}" if conversion.multiply_by != 1 else "") + (
        f" ÷ {decimal_text(conversion.divide_by)}" if conversion.divide_by != 1 else ""
    )
    unit = f" {conversion.unit}" if conversion.unit else ""
    note = f"{decimal_text(quantity)}{factors} = {decimal_text(made)}{unit}"
    return made, RatedStep(made, Decimal(0), Decimal(0), None, Decimal(0), "conversion", note)
