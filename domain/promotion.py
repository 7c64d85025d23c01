"""A promotion is a price cut that the price book makes by itself: dated, for named products or charges, before any discount.

As part of a price book:

    promotions:
      - name: summer
        percent: "10"                # or amount: major units per billing period and line
        valid_from: 2026-06-01       # from the beginning of the book unless said
        valid_to: 2026-09-01         # the first day without it; open unless said
        products: [seats]            # every product unless said
        charges: [monthly]           # every charge of those products unless said
        minimum_quantity: 10
        periods: 3                   # how many billing periods it lasts; the whole term unless said

Of several that fit a line, the one that takes most is taken, a tie by the order of the book; they are never added up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.document import Reader, decimal_text
from domain.errors import Problem
from domain.money import LARGEST_MINOR, exact, minor_units
from domain.rating.charge import LARGEST_QUANTITY
from domain.rating.tier_document import ID, ID_SHAPE

MOST_PERIODS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A percentage, or an amount of major units per billing period of one line. `valid_to` is the first day without it."""

    name: str
    percent: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    valid_from: date | None = None
    valid_to: date | None = None
    products: tuple[str, ...] = ()
    charges: tuple[str, ...] = ()
    minimum_quantity: Decimal = Decimal(0)
    periods: int | None = None

    def fits(self, *, product: str, charge: str, quantity: Decimal, on: date) -> bool:
        """Whether it is for this line on this day."""
        return (
            (self.valid_from is None or self.valid_from <= on)
            and (self.valid_to is None or on < self.valid_to)
            and (not self.products or product in self.products)
            and (not self.charges or charge in self.charges)
            and quantity >= self.minimum_quantity
        )

    def taken(self, unrounded: Decimal, currency: str) -> Decimal:
        """What it takes from a rated line, in minor units, not rounded; never more than there is.

        >>> Promotion(name="p", percent=Decimal("12.5")).taken(Decimal(1999), "EUR")
        Decimal('249.875')
        """
        with exact():
            return min(minor_units(self.amount, currency) + unrounded * self.percent / 100, unrounded)


def best(
    promotions: Sequence[Promotion],
    unrounded: Decimal,
    *,
    currency: str,
    product: str,
    charge: str,
    quantity: Decimal,
    on: date,
) -> Promotion | None:
    """The promotion that takes most from a line; None where none fits."""
    fitting = [each for each in promotions if each.fits(product=product, charge=charge, quantity=quantity, on=on)]
    return max(fitting, key=lambda each: each.taken(unrounded, currency), default=None)


def parse_promotions(reader: Reader) -> tuple[Promotion, ...]:
    """The `promotions` of a price book; what is wrong is added to the reader's problems."""
    return tuple(_promotion(each) for each in reader.sections("promotions", required=False))


def refuse_unknown(promotions: Sequence[Promotion], products: Sequence[str], problems: list[Problem]) -> None:
    """A promotion for a product that the book does not have is a problem; so are two of one name."""
    names = [promotion.name for promotion in promotions]
    for number, promotion in enumerate(promotions):
        if promotion.name and promotion.name in names[:number]:
            problems.append(Problem(f"promotions[{number}].name", f"{promotion.name!r} is there twice"))
        problems += [
            Problem(f"promotions[{number}].products[{i}]", f"there is no product {product!r} in this book")
            for i, product in enumerate(promotion.products)
            if product not in products
        ]


def promotion_mapping(promotion: Promotion) -> dict[str, object]:
    """A promotion as a plain document, only with what it says."""
    mapping: dict[str, object] = {"name": promotion.name}
    for name in ("percent", "amount", "minimum_quantity"):
        if value := getattr(promotion, name):
            mapping[name] = decimal_text(value)
    for name in ("valid_from", "valid_to"):
        if (on := getattr(promotion, name)) is not None:
            mapping[name] = on.isoformat()
    for name in ("products", "charges"):
        if values := getattr(promotion, name):
            mapping[name] = list(values)
    return mapping if promotion.periods is None else mapping | {"periods": promotion.periods}


def _promotion(reader: Reader) -> Promotion:
    promotion = Promotion(
        name=reader.text("name", pattern=ID, shape=ID_SHAPE),
        percent=reader.decimal("percent", Decimal(0), minimum=0, maximum=100),
        amount=reader.decimal("amount", Decimal(0), minimum=0, maximum=LARGEST_MINOR),
        valid_from=reader.on("valid_from") if reader.has("valid_from") else None,
        valid_to=reader.on("valid_to") if reader.has("valid_to") else None,
        products=reader.texts("products", pattern=ID, shape=ID_SHAPE),
        charges=reader.texts("charges", pattern=ID, shape=ID_SHAPE),
        minimum_quantity=reader.decimal("minimum_quantity", Decimal(0), minimum=0, maximum=LARGEST_QUANTITY),
        periods=reader.whole("periods", minimum=1, maximum=MOST_PERIODS) if reader.has("periods") else None,
    )
    reader.end()
    if bool(promotion.percent) == bool(promotion.amount):
        reader.problem("percent", "give percent or amount, one of them")
    if promotion.valid_from and promotion.valid_to and promotion.valid_to <= promotion.valid_from:
        reader.problem("valid_to", f"is not after {promotion.valid_from}")
    return promotion
