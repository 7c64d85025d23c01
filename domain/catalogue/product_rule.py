"""The rules of a price book about what may be sold together, as data: read from its document and written back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from domain.document import Reader, decimal_text
from domain.errors import Problem
from domain.rating.charge import LARGEST_QUANTITY
from domain.rating.tier_document import ID, ID_SHAPE

LONGEST_TERM = 120
MOST_LINES = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeRule:
    """What an attribute of a line may be; no values: anything."""

    name: str
    values: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One choice of a bundle: so many lines of these products."""

    name: str
    products: tuple[str, ...]
    minimum: int = 0
    maximum: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductRule:
    """What must hold in every quote that has this product."""

    product: str
    requires: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    only_with: tuple[str, ...] = ()
    minimum_quantity: Decimal | None = None
    maximum_quantity: Decimal | None = None
    term_months: tuple[int, ...] = ()
    interval_months: tuple[int, ...] = ()
    attributes: tuple[AttributeRule, ...] = ()
    options: tuple[Option, ...] = ()


def parse_rules(reader: Reader) -> tuple[ProductRule, ...]:
    """The `rules` of a price book; what is wrong is added to the reader's problems."""
    return tuple(_rule(each) for each in reader.sections("rules", required=False))


def refuse_unknown(rules: Sequence[ProductRule], products: Sequence[str], problems: list[Problem]) -> None:
    """A rule that names a product which the book does not have is a problem: it could never be satisfied, or broken."""
    known = set(products)
    for number, rule in enumerate(rules):
        named = [("product", rule.product)]
        for field in ("requires", "excludes", "only_with"):
            named += [(f"{field}[{i}]", each) for i, each in enumerate(getattr(rule, field))]
        for place, option in enumerate(rule.options):
            named += [(f"options[{place}].products[{i}]", each) for i, each in enumerate(option.products)]
        problems += [
            Problem(f"rules[{number}].{path}", f"there is no product {product!r} in this book")
            for path, product in named
            if product and product not in known
        ]


def rule_mapping(rule: ProductRule) -> dict[str, object]:
    """A rule as a plain document, only with what it says."""
    mapping: dict[str, object] = {"product": rule.product}
    for field in ("requires", "excludes", "only_with", "term_months", "interval_months"):
        if values := getattr(rule, field):
            mapping[field] = list(values)
    for field in ("minimum_quantity", "maximum_quantity"):
        if (bound := getattr(rule, field)) is not None:
            mapping[field] = decimal_text(bound)
    if rule.attributes:
        mapping["attributes"] = [
            {"name": each.name, "values": list(each.values), "required": each.required} for each in rule.attributes
        ]
    if rule.options:
        mapping["options"] = [
            {"name": each.name, "products": list(each.products), "minimum": each.minimum}
            | ({} if each.maximum is None else {"maximum": each.maximum})
            for each in rule.options
        ]
    return mapping


def _rule(reader: Reader) -> ProductRule:
    rule = ProductRule(
        product=reader.text("product", pattern=ID, shape=ID_SHAPE),
        requires=reader.texts("requires", pattern=ID, shape=ID_SHAPE),
        excludes=reader.texts("excludes", pattern=ID, shape=ID_SHAPE),
        only_with=reader.texts("only_with", pattern=ID, shape=ID_SHAPE),
        minimum_quantity=_bound(reader, "minimum_quantity"),
        maximum_quantity=_bound(reader, "maximum_quantity"),
        term_months=reader.wholes("term_months", (), minimum=1, maximum=LONGEST_TERM),
        interval_months=reader.wholes("interval_months", (), minimum=1, maximum=LONGEST_TERM),
        attributes=tuple(_attribute(each) for each in reader.sections("attributes", required=False)),
        options=tuple(_option(each) for each in reader.sections("options", required=False)),
    )
    reader.end()
    if rule == ProductRule(product=rule.product):
        reader.problem(
            "", "says nothing: give requires, excludes, only_with, a quantity, a term, attributes or options"
        )
    low, high = rule.minimum_quantity, rule.maximum_quantity
    if low is not None and high is not None and low > high:
        reader.problem("maximum_quantity", f"is below the minimum of {decimal_text(low)}")
    if rule.product in {*rule.requires, *rule.excludes, *rule.only_with}:
        reader.problem("product", "a rule about a product and itself")
    return rule


def _attribute(reader: Reader) -> AttributeRule:
    rule = AttributeRule(
        name=reader.text("name", pattern=ID, shape=ID_SHAPE),
        values=reader.texts("values", pattern=r".{1,100}", shape="text of 1 to 100 characters"),
        required=reader.flag("required", default=False),
    )
    reader.end()
    return rule


def _option(reader: Reader) -> Option:
    option = Option(
        name=reader.text("name"),
        products=reader.texts("products", pattern=ID, shape=ID_SHAPE),
        minimum=reader.whole("minimum", 0, minimum=0, maximum=MOST_LINES),
        maximum=reader.whole("maximum", minimum=0, maximum=MOST_LINES) if reader.has("maximum") else None,
    )
    reader.end()
    if not option.products:
        reader.problem("products", "is empty")
    if option.maximum is not None and option.maximum < option.minimum:
        reader.problem("maximum", f"is below the minimum of {option.minimum}")
    return option


def _bound(reader: Reader, name: str) -> Decimal | None:
    return reader.decimal(name, minimum=0, maximum=LARGEST_QUANTITY) if reader.has(name) else None
