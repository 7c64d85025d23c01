"""A charge is one price of a product: a model and its fields; `docs/rules/charge-models.md` has a worked example for each.

Prices are major units of the book's currency (or of the charge's own pricing unit) for `months` months of service.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

MODELS = (
    "flat",
    "per_unit",
    "volume",
    "graduated",
    "package",
    "percentage",
    "graduated_percentage",
    "stairstep",
    "matrix",
    "dynamic",
    "capacity",
)
TIERED = frozenset({"volume", "graduated", "graduated_percentage", "stairstep", "capacity"})
IN_MONEY = frozenset({"percentage", "graduated_percentage", "dynamic"})  # their quantity is an amount, in major units
KINDS = ("recurring", "one_time", "usage", "milestone")
ONCE = frozenset({"one_time", "milestone"})  # the price is the price, whatever the interval
INTERVALS = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
LARGEST_PRICE = 10**11  # NUMERIC(24,12)
LARGEST_QUANTITY = 10**9  # of what is sold
LARGEST_MEASURED = 10**15  # of what is used: bytes, tokens; NUMERIC(28,12)

ZERO = Decimal(0)

T = TypeVar("T")


def made(kind: type[T], values: Mapping[str, object]) -> T:
    """A Tier or Charge of these fields, the others at the class's own defaults: a fifth of the time of naming them all.

    >>> made(Tier, {"up_to": None, "flat_fee": Decimal(5)}) == Tier(up_to=None, flat_fee=Decimal(5))
    True
    """
    instance = object.__new__(kind)
    instance.__dict__.update(values)
    return instance


@dataclass(frozen=True, kw_only=True)  # no slots: `made` needs the defaults on the class
class Tier:
    """Units up to `up_to` (None: open) cost `unit_price` each, or `percent` of them; reaching the tier costs `flat_fee`.

    `block_size` sells whole blocks at `unit_price`; `maximum_amount` caps the tier; `bounds` stand for `up_to` where a
    capacity has several meters.
    """

    up_to: Decimal | None
    unit_price: Decimal = ZERO
    flat_fee: Decimal = ZERO
    percent: Decimal = ZERO
    block_size: Decimal | None = None
    maximum_amount: Decimal | None = None
    bounds: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The unit price of what has these properties; a dimension that is not named may have any value."""

    when: tuple[tuple[str, str], ...]
    unit_price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """What is paid at least, as an amount or as units at the charge's own price; the rest is a true-up."""

    amount: Decimal | None = None
    quantity: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """Measured units × `multiply_by` ÷ `divide_by` are the units priced, rounded to `decimals` in a way of their own."""

    multiply_by: Decimal = Decimal(1)
    divide_by: Decimal = Decimal(1)
    decimals: int = 12
    rounding: str = "half_up"
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PricingUnit:
    """The charge's prices are in credits or tokens: one of them is `rate` major units of money."""

    name: str
    rate: Decimal
    decimals: int = 12
    rounding: str = "half_up"


@dataclass(frozen=True, kw_only=True)  # no slots, as above
class Charge:
    """One price of a product. Fields that its model does not use keep their defaults."""

    id: str
    model: str
    months: int = 1
    kind: str = "recurring"
    timing: str = "advance"
    unit_price: Decimal = ZERO
    tiers: tuple[Tier, ...] = ()
    # conventions on which systems differ
    tier_bound: str = "inclusive"
    zero_usage: str = "nothing"
    beyond: str = "refuse"
    included_order: str = "first"
    package_rounding: str = "up"
    rounding: str = "half_up"
    # of single models
    package_size: Decimal = Decimal(1)
    percent: Decimal = ZERO
    transaction_fee: Decimal = ZERO
    transaction_minimum: Decimal | None = None
    transaction_maximum: Decimal | None = None
    free_transactions: int = 0
    dimensions: tuple[str, ...] = ()
    cells: tuple[Cell, ...] = ()
    default_price: Decimal | None = None
    meters: tuple[str, ...] = ()
    # on top of any
    included_quantity: Decimal = ZERO
    overage_price: Decimal | None = None
    minimum_amount: Decimal | None = None
    maximum_amount: Decimal | None = None
    commitment: Commitment | None = None
    conversion: Conversion | None = None
    pricing_unit: PricingUnit | None = None
    # how usage is measured
    aggregate: str = ""
    measure: str = ""
    filters: tuple[tuple[str, tuple[str, ...]], ...] = ()
    group_by: tuple[str, ...] = ()
    # of the sale
    minimum_quantity: Decimal | None = None
    maximum_quantity: Decimal | None = None
    cost: Decimal | None = None
    floor: Decimal | None = None
    revenue_account: str = "revenue:other"
