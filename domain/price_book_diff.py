"""What another price book, or another version of one, changes: product by product and charge by charge, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import cast

from domain.document import decimal_text
from domain.price_book import PriceBook, to_mapping

ADDED, REMOVED, CHANGED = "added", "removed", "changed"
_COUNTED = ("version", "source")  # they differ without any price being another one
_HUNDRED = Decimal(100)
_ONE_DECIMAL = Decimal("0.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field by its path in the charge (`tiers[1].unit_price`); '' where it is not there."""

    path: str
    old: str
    new: str

    @property
    def percent(self) -> Decimal | None:
        """By how much a number rose, in percent, one decimal; None for what is no number, or was nothing.

        >>> FieldChange(path="unit_price", old="12.5", new="13.75").percent
        Decimal('10.0')
        """
        try:
            old, new = Decimal(self.old), Decimal(self.new)
        except InvalidOperation:
            return None
        return ((new - old) * _HUNDRED / old).quantize(_ONE_DECIMAL) if old else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One charge, or (`charge` '') a product's own fields, or (`product` '', too) those of the book, its rules and promotions.

    `fields` of what was added or removed are all that it says.
    """

    product: str
    charge: str
    what: str
    fields: tuple[FieldChange, ...]


def diff(old: PriceBook, new: PriceBook) -> tuple[Change, ...]:
    """Every change from one book to the other: the book's own first, then by product as the new book has them, what it
    dropped last. Two books that sell the same at the same prices have none; version, source and the order do not count.
    """
    was, will = to_mapping(old), to_mapping(new)
    old_parts, new_parts = dict(_parts(was)), dict(_parts(will))
    changes = []
    for key in (*new_parts, *(key for key in old_parts if key not in new_parts)):
        product, charge = key
        before, after = _flat(old_parts.get(key)), _flat(new_parts.get(key))
        fields = tuple(
            FieldChange(path=path, old=before.get(path, ""), new=after.get(path, ""))
            for path in dict.fromkeys((*after, *before))
            if before.get(path) != after.get(path)
        )
        if fields:
            what = ADDED if key not in old_parts else REMOVED if key not in new_parts else CHANGED
            changes.append(Change(product=product, charge=charge, what=what, fields=fields))
    return tuple(changes)


def change_mapping(change: Change) -> dict[str, object]:
    """A change as plain JSON values."""
    fields = [
        {
            "path": field.path,
            "old": field.old,
            "new": field.new,
            "percent": None if field.percent is None else decimal_text(field.percent),
        }
        for field in change.fields
    ]
    return {"product": change.product, "charge": change.charge, "what": change.what, "fields": fields}


def _parts(book: Mapping[str, object]) -> Iterator[tuple[tuple[str, str], Mapping[str, object]]]:
    """The book's own fields, each product's, each charge's; products and charges by their ids."""
    yield ("", ""), {name: value for name, value in book.items() if name not in {"products", *_COUNTED}}
    for product in cast("list[Mapping[str, object]]", book["products"]):
        name = str(product["id"])
        yield (name, ""), {field: value for field, value in product.items() if field not in {"id", "charges"}}
        for charge in cast("list[Mapping[str, object]]", product["charges"]):
            yield (name, str(charge["id"])), {field: value for field, value in charge.items() if field != "id"}


def _flat(value: object, path: str = "") -> dict[str, str]:
    """Every scalar under its path, as text."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        parts = [(f"{path}.{name}" if path else str(name), item) for name, item in value.items()]
    elif isinstance(value, list | tuple):
        parts = [(f"{path}[{i}]", item) for i, item in enumerate(value)]
    else:
        return {path: str(value)}
    return {inner: text for name, item in parts for inner, text in _flat(item, name).items()}
