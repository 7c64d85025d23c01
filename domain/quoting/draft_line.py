"""A line of a draft: one charge of a product, in one quantity or in a ramp of stretches, with what is taken off it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from domain.discount import NO_DISCOUNT, Discount
from domain.document import Reader
from domain.money import LARGEST_MINOR
from domain.quoting.terms import LONGEST_TERM, read_start
from domain.rating.charge import LARGEST_PRICE, LARGEST_QUANTITY

MOST_ATTRIBUTES = 20
NAME = r"[a-z0-9][a-z0-9_.-]{0,63}"
NAME_SHAPE = "lower-case letters, digits, _ . -"
MILESTONE_SHAPE = "a name of at most 100 characters"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One stretch of a ramp: whole billing periods (in months) with one quantity and one discount."""

    months: int
    quantity: Decimal
    discount: Discount = NO_DISCOUNT


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftLine:
    """`quantity` of a line with a ramp is that of its first stretch; a usage line's is what is expected per period.

    `start`: '' (with the term), provisioning, signature or an ISO date. `milestone` names when a milestone charge is due.
    """

    product: str
    charge: str
    quantity: Decimal
    discount: Discount = NO_DISCOUNT
    group: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    start: str = ""
    milestone: str = ""
    ramp: tuple[Stretch, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Lines that share a discount."""

    name: str
    discount: Discount


def read_line(reader: Reader) -> DraftLine:
    """A line of the document; what is wrong is added to the reader's problems."""
    product = reader.text("product")
    discount = read_discount(reader, "target_price")
    ramp = tuple(_stretch(each, discount) for each in reader.sections("ramp")) if reader.has("ramp") else ()
    if ramp and reader.has("quantity"):
        reader.problem("quantity", "give quantity or ramp, not both")
    line = DraftLine(
        product=product,
        charge=reader.text("charge", ""),
        quantity=ramp[0].quantity if ramp else _quantity(reader),
        discount=discount,
        group=reader.text("group", "", pattern=f"({NAME})?", shape=NAME_SHAPE),
        attributes=_attributes(reader),
        start=read_start(reader, ""),
        milestone=reader.text("milestone", "", pattern=r".{0,100}", shape=MILESTONE_SHAPE),
        ramp=ramp,
    )
    reader.end()
    return line


def read_group(reader: Reader) -> Group:
    """A group of the document."""
    group = Group(
        name=reader.text("name", pattern=NAME, shape=NAME_SHAPE), discount=read_discount(reader, "target_amount")
    )
    reader.end()
    return group


def read_discount(reader: Reader, target_name: str) -> Discount:
    """A discount by percent, by amount, or by what is to be left (`target_name`): one of them at most."""
    percent = reader.decimal("discount_percent", Decimal(0), minimum=0, maximum=100)
    amount = reader.decimal("discount_amount", Decimal(0), minimum=0, maximum=LARGEST_MINOR)
    target = reader.decimal(target_name, minimum=0, maximum=LARGEST_PRICE) if reader.has(target_name) else None
    if percent and amount:
        reader.problem("discount_amount", "give discount_percent or discount_amount, not both")
        return NO_DISCOUNT
    if target is not None and (percent or amount):
        reader.problem(target_name, f"give {target_name} or a discount, not both")
        return NO_DISCOUNT
    if not 0 <= percent <= 100 or amount < 0 or (target is not None and target < 0):  # noqa: PLR2004 — named already
        return NO_DISCOUNT
    return Discount(percent=percent, amount=amount, target=target)


def _stretch(reader: Reader, whole: Discount) -> Stretch:
    own = read_discount(reader, "unit_price")
    stretch = Stretch(
        months=reader.whole("months", minimum=1, maximum=LONGEST_TERM),
        quantity=_quantity(reader),
        discount=whole if own == NO_DISCOUNT else own,
    )
    reader.end()
    return stretch


def _attributes(reader: Reader) -> dict[str, str]:
    section = reader.section("attributes", required=False)
    names = section.names()
    if len(names) > MOST_ATTRIBUTES:
        reader.problem("attributes", f"has more than {MOST_ATTRIBUTES} attributes")
    return {name: section.text(name) for name in names[:MOST_ATTRIBUTES]}


def _quantity(reader: Reader) -> Decimal:
    before = len(reader.problems)
    quantity = reader.decimal("quantity", minimum=-(10**30), maximum=10**30)
    if len(reader.problems) > before:
        return Decimal(1)
    if quantity <= 0:
        reader.problem("quantity", f"must be above 0, found {quantity}")
    elif quantity > LARGEST_QUANTITY:
        reader.problem("quantity", f"must be at most {LARGEST_QUANTITY:,}, found {quantity}")
    return quantity
