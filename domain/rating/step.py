"""An amount explains itself by steps: each says what it counted, at which price, and its part of the sum, not rounded."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from domain.document import decimal_text
from domain.rating.charge import ZERO


class RatedStep(NamedTuple):
    """One slice: `quantity` units at `unit_price`, plus `flat_fee` (major units per the price's own interval).

    `amount` is its part for the months rated, in minor units, not rounded. `up_to` is the bound of its tier, if any.
    `note` says in words what the figures do not, such as the group or the measured units.
    """

    quantity: Decimal
    unit_price: Decimal
    flat_fee: Decimal
    up_to: Decimal | None
    amount: Decimal
    kind: str = "tier"
    note: str = ""

    @property
    def text(self) -> str:
        """The slice in words.

        >>> RatedStep(quantity=Decimal(3), unit_price=Decimal("1.50"), flat_fee=Decimal(2), up_to=None,
        ...           amount=Decimal(650)).text
        '3 × 1.5 + 2'
        """
        return self.words(decimal_text(self.quantity), decimal_text(self.unit_price), decimal_text(self.flat_fee))

    def words(self, quantity: str, price: str, fee: str) -> str:
        """The same from figures that are text already."""
        if self.kind in _TOLD_BY_NOTE:
            return self.note
        if self.kind == "included":
            said = f"{quantity} included"
        elif self.kind == "percent":
            said = f"{quantity} × {decimal_text(self.unit_price.scaleb(2))} %"
        elif self.flat_fee and not self.unit_price:
            said = f"{quantity} for {fee}"
        else:
            said = f"{quantity} × {price}"
        if self.flat_fee and (self.unit_price or self.kind == "percent"):
            said += f" + {fee}"
        return f"{self.note}: {said}" if self.note else said


Steps = list[RatedStep]

_TOLD_BY_NOTE = frozenset(
    {
        "minimum",
        "maximum",
        "true_up",
        "tier_maximum",
        "transaction_minimum",
        "transaction_maximum",
        "conversion",
        "pricing_unit",
        "unit_rounding",
        "rounding",
    }
)


def priced(
    kind: str,
    quantity: Decimal,
    unit_price: Decimal,
    flat_fee: Decimal = ZERO,
    up_to: Decimal | None = None,
    note: str = "",
) -> RatedStep:
    """Units at a price plus a fee; inside `exact()`."""
    return RatedStep(quantity, unit_price, flat_fee, up_to, quantity * unit_price + flat_fee, kind, note)


def included(quantity: Decimal) -> RatedStep:
    """Units that cost nothing."""
    return RatedStep(quantity, ZERO, ZERO, None, ZERO, "included")


def difference(kind: str, amount: Decimal, note: str) -> RatedStep:
    """What is added to reach a bound, or taken off to keep it."""
    return RatedStep(ZERO, ZERO, ZERO, None, amount, kind, note)


def total(steps: Steps) -> Decimal:
    """The sum of the steps; inside `exact()`."""
    return sum((step.amount for step in steps), ZERO)
