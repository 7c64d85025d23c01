"""What a charge is asked to price: a quantity, and where it came from events, its single transactions and properties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from domain.errors import Invalid


@dataclass(kw_only=True, eq=False)
class PropertyMissing(Invalid):
    """A price that hangs on a property which nobody told."""

    property: str
    hint: str = "tell the property: in `attributes`, or with each event of `usage`"


class Measured(NamedTuple):
    """`quantity` units; `transactions` are the single amounts in their order; `properties` those all of them share."""

    quantity: Decimal
    transactions: tuple[Decimal, ...] = ()
    properties: Mapping[str, str] = MappingProxyType({})
    peaks: Mapping[str, Decimal] = MappingProxyType({})

    def single(self) -> tuple[Decimal, ...]:
        """The transactions; a quantity of which no events are known is one."""
        return self.transactions or ((self.quantity,) if self.quantity else ())
