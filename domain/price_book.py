"""A price book lists what may be sold at which list price: products with charges, each of one charge model.

As a document (all numbers whole, or as text: a float is refused, a YAML loader gives the scalar's own text):

    name: acme            # version: 1 unless said
    currency: EUR
    valid_from: 2026-01-01
    valid_to: 2027-01-01            # the first day without these prices; open unless said
    segments: [enterprise]          # of the accounts that it is for; all unless said
    entities: [Acme GmbH]           # the legal entities that sell from it; all unless said
    source: acme.example/pricing, 2026-01-05
    products:
      - id: seats
        name: Acme Team
        unit: seat
        names: {fr: Équipe Acme}            # how readers of other languages read them: naming.py
        unit_names: {fr: siège}
        provisioning: [tenant, entitlements, users]
        attributes: {region: [eu, us]}      # what a line of it may say, and the values allowed
        charges:
          - {id: monthly, model: per_unit, per: month, unit_price: "12.50", minimum_quantity: 3}
          - id: calls
            model: graduated
            per: month                        # month, quarter, half_year, year
            tiers:
              - {up_to: 1000, unit_price: "0.010", flat_fee: "5"}   # up_to is inclusive
              - {unit_price: "0.002"}         # the last tier is open
            revenue_account: "revenue:calls"  # revenue:<product id> unless said
    rules: [{product: calls, requires: [seats]}]              # what may be sold together: configuration.py
    promotions: [{name: summer, percent: "10", valid_to: 2026-09-01}]   # promotion.py

Every charge model and field is told, with a worked example each, in `docs/rules/charge-models.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches

from domain import configuration, promotion
from domain.catalogue.naming import Names, read_names
from domain.configuration import ProductRule
from domain.document import Reader, content_hash
from domain.errors import Invalid, InvalidDocument, Problem
from domain.promotion import Promotion
from domain.rating.charge import INTERVALS, LARGEST_PRICE, LARGEST_QUANTITY, Charge, Tier
from domain.rating.charge_document import charge_mapping, read_charge
from domain.rating.tier_document import ID as _ID
from domain.rating.tier_document import ID_SHAPE as _ID_SHAPE

__all__ = [
    "INTERVALS",
    "LARGEST_PRICE",
    "LARGEST_QUANTITY",
    "Charge",
    "PriceBook",
    "PriceBookInvalid",
    "Product",
    "Tier",
    "UnknownCharge",
    "UnknownProduct",
    "charge_mapping",
    "content_hash",
    "parse",
    "to_mapping",
]

DEFAULT_PROVISIONING = ("tenant", "entitlements", "users")
_WORD = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
_WORD_SHAPE = "letters, digits, _ . -"


class PriceBookInvalid(InvalidDocument):
    """A price book with problems, each with its path."""


@dataclass(kw_only=True, eq=False)
class UnknownProduct(Invalid):
    """A product that the price book does not list."""

    product: str
    price_book: str
    hint: str = "name a product of the price book"

    @classmethod
    def among(cls, product: str, price_book: str, known: Iterable[str]) -> UnknownProduct:
        """With the products that are spelled nearly so, where there are any."""
        near = get_close_matches(product, list(known), n=2)
        hint = f"did you mean {' or '.join(near)}?" if near else cls.hint
        return cls(product=product, price_book=price_book, hint=hint)


@dataclass(kw_only=True, eq=False)
class UnknownCharge(Invalid):
    """A charge that the product does not have, or none named where it has several."""

    product: str
    charge: str
    known: tuple[str, ...]
    hint: str = "name one of the product's charges"


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What is sold, by the `unit`; `provisioning` are the steps that give the account its use, in order."""

    id: str
    name: str
    unit: str
    charges: tuple[Charge, ...]
    provisioning: tuple[str, ...] = DEFAULT_PROVISIONING
    attributes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    names: Names = ()
    unit_names: Names = ()

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
    segments: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    valid_to: date | None = None
    rules: tuple[ProductRule, ...] = ()
    promotions: tuple[Promotion, ...] = ()

    def product(self, product_id: str) -> Product:
        """The product of this id. Raises UnknownProduct."""
        for product in self.products:
            if product.id == product_id:
                return product
        raise UnknownProduct.among(product_id, self.name, (each.id for each in self.products))


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
        segments=reader.texts("segments", pattern=_WORD, shape=_WORD_SHAPE),
        entities=reader.texts("entities", pattern=r"(?s).{1,200}", shape="a legal entity"),
        valid_to=reader.on("valid_to") if reader.has("valid_to") else None,
        rules=configuration.parse_rules(reader),
        promotions=promotion.parse_promotions(reader),
    )
    if book.valid_to is not None and book.valid_to <= book.valid_from and not problems:
        reader.problem("valid_to", "must be after valid_from: it is the first day without these prices")
    reader.end()
    products = [product.id for product in book.products]
    _refuse_twins(products, "products", problems)
    configuration.refuse_unknown(book.rules, products, problems)
    promotion.refuse_unknown(book.promotions, products, problems)
    if problems:
        raise PriceBookInvalid(problems=tuple(problems))
    return book


def _product(reader: Reader) -> Product:
    product_id = reader.text("id", pattern=_ID, shape=_ID_SHAPE)
    product = Product(
        id=product_id,
        name=reader.text("name", product_id),
        unit=reader.text("unit", "unit"),
        charges=tuple(read_charge(each, product=product_id) for each in reader.sections("charges")),
        provisioning=reader.texts("provisioning", DEFAULT_PROVISIONING, pattern=_ID, shape=_ID_SHAPE),
        attributes=_attributes(reader.section("attributes", required=False)),
        names=read_names(reader),
        unit_names=read_names(reader, "unit_names"),
    )
    reader.end()
    _refuse_twins([charge.id for charge in product.charges], reader.at("charges"), reader.problems)
    return product


def _attributes(reader: Reader) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The properties a line of this product may have, each with the values allowed (none: any)."""
    return tuple((name, reader.texts(name, pattern=r"(?s).{1,200}", shape="a value")) for name in reader.names())


def _refuse_twins(ids: list[str], path: str, problems: list[Problem]) -> None:
    for i, each in enumerate(ids):
        if each and each in ids[:i]:
            problems.append(Problem(f"{path}[{i}].id", f"{each!r} is there twice"))


def to_mapping(book: PriceBook) -> dict[str, object]:
    """The book as a plain document (decimals as text) that `parse` reads back to the same book.

    What a book does not say is not written, so that the content hash of an older book stays what it was.
    """
    mapping: dict[str, object] = {
        "name": book.name,
        "version": book.version,
        "currency": book.currency,
        "valid_from": book.valid_from.isoformat(),
        "source": book.source,
        "products": [_product_mapping(product) for product in book.products],
    }
    if book.segments:
        mapping["segments"] = list(book.segments)
    if book.entities:
        mapping["entities"] = list(book.entities)
    if book.valid_to is not None:
        mapping["valid_to"] = book.valid_to.isoformat()
    if book.rules:
        mapping["rules"] = [configuration.rule_mapping(rule) for rule in book.rules]
    if book.promotions:
        mapping["promotions"] = [promotion.promotion_mapping(each) for each in book.promotions]
    return mapping


def _product_mapping(product: Product) -> dict[str, object]:
    mapping: dict[str, object] = {
        "id": product.id,
        "name": product.name,
        "unit": product.unit,
        "provisioning": list(product.provisioning),
        "charges": [charge_mapping(charge) for charge in product.charges],
    }
    if product.attributes:
        mapping["attributes"] = {name: list(values) for name, values in product.attributes}
    if product.names:
        mapping["names"] = dict(product.names)
    if product.unit_names:
        mapping["unit_names"] = dict(product.unit_names)
    return mapping
