"""A price book lists what may be sold at which list price: products with charges, each flat, per unit, graduated or volume.

As a document (all numbers whole, or as text: a float is refused, a YAML loader gives the scalar's own text):

    name: acme            # version: 1 unless said
    currency: EUR
    valid_from: 2026-01-01
    source: acme.example/pricing, 2026-01-05
    products:
      - id: seats
        name: Acme Team
        unit: seat
        provisioning: [tenant, entitlements, users]
        charges:
          - {id: monthly, model: per_unit, per: month, unit_price: "12.50", minimum_quantity: 3}
          - id: calls
            model: graduated                  # or volume
            per: month                        # month, quarter, half_year, year
            tiers:
              - {up_to: 1000, unit_price: "0.010", flat_fee: "5"}   # up_to is inclusive
              - {unit_price: "0.002"}         # the last tier is open
            revenue_account: "revenue:calls"  # revenue:<product id> unless said

Unit prices and fees are decimals of major units for the interval `per`; `flat` costs its `unit_price` whatever the quantity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

from domain.document import Reader, content_hash, decimal_text
from domain.errors import Invalid, InvalidDocument, Problem

__all__ = ["Charge", "PriceBook", "PriceBookInvalid", "Product", "Tier", "content_hash", "parse", "to_mapping"]

MODELS = ("flat", "per_unit", "graduated", "volume")
TIERED = frozenset({"graduated", "volume"})
INTERVALS = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
LARGEST_PRICE = 10**11  # NUMERIC(24,12)
LARGEST_QUANTITY = 10**9
DEFAULT_PROVISIONING = ("tenant", "entitlements", "users")

_ID = r"[a-z0-9][a-z0-9_.-]{0,63}"
_ID_SHAPE = "lower-case letters, digits, _ . -"
_ACCOUNT = r"revenue:[a-z0-9][a-z0-9_.:-]{0,63}"


class PriceBookInvalid(InvalidDocument):
    """A price book with problems, each with its path."""


@dataclass(kw_only=True, eq=False)
class UnknownProduct(Invalid):
    """A product that the price book does not list."""

    product: str
    price_book: str
    hint: str = "name a product of the price book"


@dataclass(kw_only=True, eq=False)
class UnknownCharge(Invalid):
    """A charge that the product does not have, or none named where it has several."""

    product: str
    charge: str
    known: tuple[str, ...]
    hint: str = "name one of the product's charges"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Units up to and including `up_to` (None: open) cost `unit_price` each; reaching the tier costs `flat_fee`."""

    up_to: Decimal | None
    unit_price: Decimal
    flat_fee: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One price of a product: major units per `months` months of service; tiered models have tiers, others a price."""

    id: str
    model: str
    months: int
    unit_price: Decimal = Decimal(0)
    tiers: tuple[Tier, ...] = ()
    minimum_quantity: Decimal | None = None
    maximum_quantity: Decimal | None = None
    revenue_account: str = "revenue:other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What is sold, by the `unit`; `provisioning` are the steps that give the account its use, in order."""

    id: str
    name: str
    unit: str
    charges: tuple[Charge, ...]
    provisioning: tuple[str, ...] = DEFAULT_PROVISIONING

    def charge(self, charge_id: str) -> Charge:
        """The charge of this id; '' is the only charge of a product that has one. Raises UnknownCharge."""
        if not charge_id and len(self.charges) == 1:
            return self.charges[0]
        for charge in self.charges:
            if charge.id == charge_id:
                return charge
        raise UnknownCharge(product=self.id, charge=charge_id, known=tuple(charge.id for charge in self.charges))


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBook:
    """One version of a price book, in one currency, valid from a date on; `source` says where the figures come from."""

    name: str
    version: int
    currency: str
    valid_from: date
    products: tuple[Product, ...]
    source: str = ""

    def product(self, product_id: str) -> Product:
        """The product of this id. Raises UnknownProduct."""
        for product in self.products:
            if product.id == product_id:
                return product
        raise UnknownProduct(product=product_id, price_book=self.name)


def parse(mapping: Mapping[str, object]) -> PriceBook:
    """Read a price book; raises PriceBookInvalid with every problem in it.

    >>> parse({"name": "acme", "currency": "EUR", "valid_from": "2026-01-01", "products": []})
    Traceback (most recent call last):
    domain.price_book.PriceBookInvalid: products: is empty
    """
    problems: list[Problem] = []
    reader = Reader(mapping, problems)
    book = PriceBook(
        name=reader.text("name", pattern=_ID, shape=_ID_SHAPE),
        version=reader.whole("version", 1, minimum=1, maximum=10**6),
        currency=reader.currency("currency"),
        valid_from=reader.on("valid_from"),
        products=tuple(_product(each) for each in reader.sections("products")),
        source=reader.text("source", ""),
    )
    reader.end()
    _refuse_twins([product.id for product in book.products], "products", problems)
    if problems:
        raise PriceBookInvalid(problems=tuple(problems))
    return book


def _product(reader: Reader) -> Product:
    product_id = reader.text("id", pattern=_ID, shape=_ID_SHAPE)
    product = Product(
        id=product_id,
        name=reader.text("name", product_id),
        unit=reader.text("unit", "unit"),
        charges=tuple(_charge(each, product_id) for each in reader.sections("charges")),
        provisioning=reader.texts("provisioning", DEFAULT_PROVISIONING, pattern=_ID, shape=_ID_SHAPE),
    )
    reader.end()
    _refuse_twins([charge.id for charge in product.charges], reader.at("charges"), reader.problems)
    return product


def _charge(reader: Reader, product_id: str) -> Charge:
    model = reader.choice("model", MODELS)
    tiered = model in TIERED
    if tiered and reader.has("unit_price"):
        reader.problem("unit_price", f"a {model} price is told by its tiers alone")
    if not tiered and reader.has("tiers"):
        reader.problem("tiers", f"a {model} price has no tiers")
    charge = Charge(
        id=reader.text("id", pattern=_ID, shape=_ID_SHAPE),
        model=model,
        months=INTERVALS[reader.choice("per", tuple(INTERVALS))],
        unit_price=Decimal(0) if tiered else reader.decimal("unit_price", minimum=0, maximum=LARGEST_PRICE),
        tiers=_tiers(reader) if tiered else (),
        minimum_quantity=_bound(reader, "minimum_quantity"),
        maximum_quantity=_bound(reader, "maximum_quantity"),
        revenue_account=reader.text(
            "revenue_account", f"revenue:{product_id}", pattern=_ACCOUNT, shape="revenue:<lower-case name>"
        ),
    )
    reader.end()
    low, high = charge.minimum_quantity, charge.maximum_quantity
    if low is not None and high is not None and low > high:
        reader.problem("maximum_quantity", f"is below the minimum of {decimal_text(low)}")
    return charge


def _bound(reader: Reader, name: str) -> Decimal | None:
    return reader.decimal(name, minimum=0, maximum=LARGEST_QUANTITY) if reader.has(name) else None


def _tiers(reader: Reader) -> tuple[Tier, ...]:
    sections = reader.sections("tiers")
    tiers = []
    for section in sections:
        bounded = section.has("up_to")
        tier = Tier(
            up_to=section.decimal("up_to", minimum=0, maximum=LARGEST_QUANTITY) if bounded else None,
            unit_price=section.decimal("unit_price", Decimal(0), minimum=0, maximum=LARGEST_PRICE),
            flat_fee=section.decimal("flat_fee", Decimal(0), minimum=0, maximum=LARGEST_PRICE),
        )
        if not section.has("unit_price") and not section.has("flat_fee"):
            section.problem("unit_price", "is missing: a tier has a unit_price, a flat_fee or both")
        if bounded and section is sections[-1]:
            section.problem("up_to", "the last tier must be open (no up_to): what lies beyond would have no price")
        if not bounded and section is not sections[-1]:
            section.problem("up_to", "is missing: only the last tier is open")
        section.end()
        tiers.append(tier)
    for i, (below, tier) in enumerate(pairwise(tiers), start=1):
        if below.up_to is not None and tier.up_to is not None and tier.up_to <= below.up_to:
            sections[i].problem("up_to", f"must be above {decimal_text(below.up_to)}, the tier below")
    if tiers and tiers[0].up_to == 0:
        sections[0].problem("up_to", "must be above 0")
    return tuple(tiers)


def _refuse_twins(ids: list[str], path: str, problems: list[Problem]) -> None:
    for i, each in enumerate(ids):
        if each and each in ids[:i]:
            problems.append(Problem(f"{path}[{i}].id", f"{each!r} is there twice"))


def to_mapping(book: PriceBook) -> dict[str, object]:
    """The book as a plain document (decimals as text) that `parse` reads back to the same book."""
    return {
        "name": book.name,
        "version": book.version,
        "currency": book.currency,
        "valid_from": book.valid_from.isoformat(),
        "source": book.source,
        "products": [
            {
                "id": product.id,
                "name": product.name,
                "unit": product.unit,
                "provisioning": list(product.provisioning),
                "charges": [charge_mapping(charge) for charge in product.charges],
            }
            for product in book.products
        ],
    }


def charge_mapping(charge: Charge) -> dict[str, object]:
    """A charge as a plain document, only with the fields it uses."""
    per = next(name for name, months in INTERVALS.items() if months == charge.months)
    mapping: dict[str, object] = {"id": charge.id, "model": charge.model, "per": per}
    if charge.model in TIERED:
        mapping["tiers"] = [_tier_mapping(tier) for tier in charge.tiers]
    else:
        mapping["unit_price"] = decimal_text(charge.unit_price)
    if charge.minimum_quantity is not None:
        mapping["minimum_quantity"] = decimal_text(charge.minimum_quantity)
    if charge.maximum_quantity is not None:
        mapping["maximum_quantity"] = decimal_text(charge.maximum_quantity)
    return mapping | {"revenue_account": charge.revenue_account}


def _tier_mapping(tier: Tier) -> dict[str, object]:
    bound: dict[str, object] = {} if tier.up_to is None else {"up_to": decimal_text(tier.up_to)}
    return bound | {"unit_price": decimal_text(tier.unit_price), "flat_fee": decimal_text(tier.flat_fee)}
