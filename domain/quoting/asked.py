"""A line of a draft beside the product and charge it asks for, rated stretch by stretch; what does not fit is refused by its path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.errors import DomainError, Invalid
from domain.price_book import PriceBook, Product, UnknownProduct, charge_mapping
from domain.quoting.draft_line import DraftLine, Stretch
from domain.quoting.own_price import Rating, rating
from domain.quoting.priced import MILESTONE, PER_PERIOD, USAGE
from domain.quoting.ramp import stretches
from domain.rating.charge import Charge
from domain.rating.measured import PropertyMissing
from domain.rating.units import NoPriceForProperties


@dataclass(kw_only=True, eq=False)
class LineDoesNotFit(Invalid):
    """A line that says something its charge has no use for, or not what it needs."""

    product: str
    charge: str
    why: str
    hint: str = "change the line, or take a charge of another kind"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedLine:
    """`stretches`: the billing period at which each begins, what it asks for, and its rating. `document`: the charge's."""

    index: int
    draft: DraftLine
    product: Product
    charge: Charge
    document: Mapping[str, object]
    stretches: tuple[tuple[int, Stretch, Rating], ...]

    def at(self, period: int) -> tuple[int, Stretch, Rating]:
        """The number of the stretch that a billing period lies in, what it asks for, and its rating."""
        number = 0
        while number + 1 < len(self.stretches) and self.stretches[number + 1][0] <= period:
            number += 1
        return (number, *self.stretches[number][1:])

    def discount_path(self, number: int) -> str:
        """Where the draft states the discount of a stretch."""
        discount = self.stretches[number][1].discount
        name = "discount_amount" if discount.target is None else "target_price"
        if self.draft.ramp and discount != self.draft.discount:
            return f"lines[{self.index}].ramp[{number}].{name if discount.target is None else 'unit_price'}"
        return f"lines[{self.index}].{name}"


def asked_lines(lines: Sequence[DraftLine], book: PriceBook, *, interval_months: int) -> tuple[AskedLine, ...]:
    """Find and rate every line; the same charge in the same quantity is rated once.

    Raises UnknownProduct, UnknownCharge, LineDoesNotFit, and what `pricing.rate` raises, each with its path.
    """
    return _Rating(book, interval_months).lines(lines)


class _Rating:
    def __init__(self, book: PriceBook, interval_months: int) -> None:
        self.book, self.interval_months = book, interval_months
        self.products = {product.id: product for product in book.products}
        self.documents: dict[tuple[str, str], Mapping[str, object]] = {}
        self.ratings: dict[object, Rating] = {}

    def lines(self, lines: Sequence[DraftLine]) -> tuple[AskedLine, ...]:
        return tuple(self._line(index, line) for index, line in enumerate(lines))

    def _line(self, index: int, line: DraftLine) -> AskedLine:
        field = "product"
        try:
            if line.product not in self.products:
                raise UnknownProduct.among(line.product, self.book.name, self.products)
            product = self.products[line.product]
            field = "charge"
            charge = product.charge(line.charge)
        except DomainError as error:
            error.where = f"lines[{index}].{field}"
            raise
        _refuse_unfit(index, line, product, charge)
        key = (product.id, charge.id)
        if key not in self.documents:
            self.documents[key] = charge_mapping(charge)
        return AskedLine(
            index=index,
            draft=line,
            product=product,
            charge=charge,
            document=self.documents[key],
            stretches=tuple(
                (begins, stretch, self._rated(index, number, line, charge, stretch, key))
                for number, (begins, stretch) in enumerate(stretches(line, self.interval_months))
            ),
        )

    def _rated(
        self, index: int, number: int, line: DraftLine, charge: Charge, stretch: Stretch, key: tuple[str, str]
    ) -> Rating:
        known = (*key, stretch.quantity, tuple(line.attributes.items()))
        if known in self.ratings:
            return self.ratings[known]
        try:
            found = rating(
                charge,
                stretch.quantity,
                months=self.interval_months,
                currency=self.book.currency,
                attributes=line.attributes,
            )
        except DomainError as error:
            if isinstance(error, PropertyMissing | NoPriceForProperties):
                error.where = f"lines[{index}].attributes"
            else:
                error.where = f"lines[{index}].ramp[{number}].quantity" if line.ramp else f"lines[{index}].quantity"
            raise
        self.ratings[known] = found
        return found


def _refuse_unfit(index: int, line: DraftLine, product: Product, charge: Charge) -> None:
    """What only the kind of charge and the product's attributes can tell about a line."""
    discounts = [line.discount, *(stretch.discount for stretch in line.ramp)]
    allowed = dict(product.attributes)
    for wrong, field, why in (
        (line.ramp and charge.kind not in PER_PERIOD, "ramp", "what is paid once has no ramp"),
        (charge.kind == MILESTONE and not line.milestone, "milestone", "a milestone charge needs the milestone's name"),
        (line.milestone and charge.kind != MILESTONE, "milestone", "only a milestone charge is due by a milestone"),
        (charge.kind == MILESTONE and line.start, "start", "a milestone charge is due when its milestone is reached"),
        (
            charge.kind == USAGE and any(each.amount for each in discounts),
            "discount_amount",
            "usage takes a discount by percent: what it will come to is not known",
        ),
        (
            charge.kind == USAGE and any(each.target is not None for each in discounts),
            "target_price",
            "usage takes a discount by percent: what it will come to is not known",
        ),
        *(
            (name not in allowed, f"attributes.{name}", f"its attributes are {', '.join(allowed)}")
            for name in (line.attributes if allowed else ())
        ),
        *(
            (allowed.get(name) and said not in allowed[name], f"attributes.{name}", f"expected {_or(allowed[name])}")
            for name, said in line.attributes.items()
            if name in allowed
        ),
    ):
        if wrong:
            raise LineDoesNotFit(product=product.id, charge=charge.id, why=why, where=f"lines[{index}].{field}")


def _or(values: Sequence[str]) -> str:
    return " or ".join(values)
