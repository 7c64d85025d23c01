"""Tax is computed once per rate, on the sum of the net lines of that rate, and rounded once, half up (EN 16931 BR-CO-17)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from domain.errors import Invalid
from domain.money import exact, round_half_up


@dataclass(kw_only=True, eq=False)
class TaxRateOutOfRange(Invalid):
    """A rate below 0 or above 1: 19 % is 0.19."""

    rate: Decimal
    hint: str = "give the rate as a share: 19 % is 0.19"


def tax(net_minor: int, rate: Decimal) -> int:
    """The tax on a net sum, both in minor units, half up. Raises TaxRateOutOfRange.

    >>> tax(1250, Decimal("0.19"))   # 237.5
    238
    """
    if not rate.is_finite() or not 0 <= rate <= 1:
        raise TaxRateOutOfRange(rate=rate)
    with exact():
        return round_half_up(net_minor * rate)
