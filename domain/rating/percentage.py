"""Prices of money that moves: a percentage and a fee per transaction, or the amount that each event carries itself."""

from __future__ import annotations

from decimal import Decimal

from domain.document import decimal_text
from domain.rating.charge import ZERO, Charge
from domain.rating.measured import Measured
from domain.rating.step import RatedStep, Steps, difference, included, priced


def percentage(charge: Charge, measured: Measured) -> Steps:
    """`percent` of each transaction plus its fee, within the transaction's bounds: 2.9 % + 0.30 of 100 is 3.20.

    Free transactions cost nothing. The included amount is free of percent; a transaction wholly inside it has no fee.
    Free ones are the first, or the last by `included_order`.
    """
    transactions = measured.single()
    if charge.included_order == "last":
        transactions = tuple(reversed(transactions))
    free_left, base, freed = charge.included_quantity, ZERO, ZERO
    share = charge.percent.scaleb(-2)
    fees, raised, cut = 0, ZERO, ZERO
    for number, whole in enumerate(transactions):
        if number < charge.free_transactions:
            freed += whole
            continue
        free = min(free_left, whole)
        free_left -= free
        freed += free
        paid = whole - free
        if free and not paid:
            continue
        base += paid
        fees += 1
        amount = paid * share + charge.transaction_fee
        low, high = charge.transaction_minimum, charge.transaction_maximum
        if low is not None and amount < low:
            raised += low - amount
        elif high is not None and amount > high:
            cut += high - amount
    return _told(charge, base, fees, freed, (raised, cut))


def _told(charge: Charge, base: Decimal, fees: int, freed: Decimal, bounded: tuple[Decimal, Decimal]) -> Steps:
    """The transactions together, in at most five steps."""
    steps: Steps = [included(freed)] if freed else []
    steps.append(priced("percent", base, charge.percent.scaleb(-2)))
    if charge.transaction_fee and fees:
        steps.append(priced("fee", Decimal(fees), charge.transaction_fee, note="transactions"))
    raised, cut = bounded
    if raised and charge.transaction_minimum is not None:
        low = decimal_text(charge.transaction_minimum)
        steps.append(difference("transaction_minimum", raised, f"at least {low} each"))
    if cut and charge.transaction_maximum is not None:
        high = decimal_text(charge.transaction_maximum)
        steps.append(difference("transaction_maximum", cut, f"at most {high} each"))
    return steps


def dynamic(_charge: Charge, measured: Measured) -> Steps:
    """The amounts that the events carry, as they are."""
    count = len(measured.single())
    note = f"{count} event" if count == 1 else f"{count} events"
    return [RatedStep(measured.quantity, Decimal(1), ZERO, None, measured.quantity, "amount", note)]
