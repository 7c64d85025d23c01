"""A counter-proposal: the draft of the version with other discounts, field by field; nothing else of it may be changed here."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from domain.document import decimal_text

FIELD = "discount_percent"
INSTEAD = ("discount_amount", "target_amount", "target_price", "unit_price")  # what a percentage takes the place of
LARGEST, DECIMALS = 100, 4
MOST_FIELDS = 60


@dataclass(frozen=True, slots=True)
class Discount:
    """One discount that may be proposed anew. `path` is its section in the draft; `now` what is asked for ('' nothing)."""

    name: str  # of the form's field
    path: tuple[str | int, ...]
    offer: str
    what: str  # the product, or '' for the discount on everything
    now: str

    def in_place(self) -> str:
        """The section as a path of the document."""
        said = ""
        for part in self.path:
            said += f"[{part}]" if isinstance(part, int) else f".{part}" if said else part
        return said


class NotAPercentage(Exception):
    """What was proposed for these fields is no percentage from 0 to 100."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(", ".join(names))
        self.names = names


def discounts(draft: Mapping[str, Any]) -> tuple[Discount, ...]:
    """The discounts of a draft: on everything, then line by line, offer by offer.

    >>> [(each.name, each.what, each.now) for each in discounts(
    ...     {"discount_percent": "5", "lines": [{"product": "seats", "quantity": 2, "discount_percent": "10"}]})]
    [('d0', '', '5'), ('d1', 'seats', '10')]
    """
    found = [
        Discount(f"d{number}", path, offer, what, _now(section))
        for number, (path, offer, what, section) in enumerate(_sections(draft))
    ]
    return tuple(found[:MOST_FIELDS])


def countered(draft: Mapping[str, Any], form: Mapping[str, str]) -> dict[str, Any] | None:
    """The draft with the discounts that the form proposes; None where it proposes nothing else. Raises NotAPercentage.

    >>> countered({"lines": [{"product": "seats", "discount_percent": "20"}]}, {"d0": "", "d1": "15"})
    {'lines': [{'product': 'seats', 'discount_percent': '15'}]}
    """
    wrong: list[str] = []
    made = copy.deepcopy(dict(draft))
    for each in discounts(draft):
        if each.name not in form:
            continue
        proposed = _percent(form[each.name])
        if proposed is None:
            wrong.append(each.name)
        elif proposed != each.now:
            _set(made, each.path, proposed)
    if wrong:
        raise NotAPercentage(tuple(wrong))
    return made if made != draft else None


def _sections(draft: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str, str, Mapping[str, Any]]]:
    yield (), "", "", draft
    yield from _lines(draft, (), "")
    for i, alternative in enumerate(draft.get("alternatives") or ()):
        yield from _lines(alternative, ("alternatives", i), str(alternative.get("name", "")))


def _lines(
    offer: Mapping[str, Any], at: tuple[str | int, ...], name: str
) -> Iterator[tuple[tuple[str | int, ...], str, str, Mapping[str, Any]]]:
    for i, line in enumerate(offer.get("lines") or ()):
        path = (*at, "lines", i)
        what = str(line.get("product", ""))
        if line.get("ramp"):
            for k, stretch in enumerate(line["ramp"]):
                yield (*path, "ramp", k), name, f"{what} ({k + 1})", stretch
        else:
            yield path, name, what, line


def _now(section: Mapping[str, Any]) -> str:
    said = _percent(str(section.get(FIELD, "")))
    return said or ""


def _percent(said: str) -> str | None:
    """A percentage as text, '' for none; None where it is none."""
    plain = said.strip().replace(",", ".").removesuffix("%").strip()
    if not plain:
        return ""
    try:
        value = Decimal(plain)
    except InvalidOperation:
        return None
    if not value.is_finite() or not 0 <= value <= LARGEST or -int(value.as_tuple().exponent) > DECIMALS:
        return None
    return decimal_text(value) if value else ""


def _set(draft: dict[str, Any], path: tuple[str | int, ...], percent: str) -> None:
    section: Any = draft
    for part in path:
        section = section[part]
    section.pop(FIELD, None)
    if percent:
        for name in INSTEAD:
            section.pop(name, None)
        section[FIELD] = percent
