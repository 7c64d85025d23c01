"""One JSON line in, one out: a charge and a quantity or events become an amount with its steps, or an error that names its field.

Numbers may be JSON numbers or text; a fraction is taken from its own text and never passes through a float.
"""

from __future__ import annotations

import json
import marshal
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, NoReturn, cast

from domain.document import Reader, decimal_text
from domain.errors import DomainError, InvalidDocument, Problem
from domain.money import EXACT, UnknownCurrency, from_minor
from domain.pricing import rounded, worked_out
from domain.rating.charge import Charge
from domain.rating.charge_document import read_charge
from domain.rating.step import RatedStep, difference
from domain.usage import gives_quantity

_KEPT = 256  # charges: the same one on the next line is not read anew
_LONGEST = 60  # characters of a number with an exponent, written out
_charges: dict[bytes, Charge] = {}


class NotJson(Exception):
    """A line that is no JSON object."""


class ChargeInvalid(InvalidDocument):
    """A charge with problems, each with its path."""


class RequestInvalid(InvalidDocument):
    """A line whose other fields have problems."""


def answer(line: str | bytes) -> str:
    """The answer to one line, itself one line of JSON.

    >>> answer('{"id": 1, "charge": {"model": "per_unit", "unit_price": "0.10"}, "quantity": "121", "currency": "EUR"}')
    '{"id": 1, "amount": "12.10", "unrounded": "12.1", "explain": [{"kind": "unit", "text": "121 × 0.1", "quantity": "121", \
"unit_price": "0.1", "flat_fee": "0", "up_to": null, "amount": "12.1"}]}'
    """
    said: Mapping[str, object] = {}
    try:
        said = _decoded(line)
        return _told(said)
    except NotJson as refusal:
        error = {"type": "NotJson", "field": "", "message": str(refusal)}
    except InvalidDocument as refusal:
        first, *others = refusal.problems
        more = "".join(f"; {other.path}: {other.message}" for other in others)
        error = {"type": refusal.type, "field": first.path, "message": first.message + more}
    except DomainError as refusal:
        error = {"type": refusal.type, "field": refusal.where, "message": f"{refusal.text}; {refusal.hint}"}
    return _json({"id": _id(said), "error": error})


def _told(said: Mapping[str, object]) -> str:
    problems: list[Problem] = []
    reader = Reader(said, problems)
    charge = _charge(said.get("charge"))
    currency = reader.text("currency")
    usage = said.get("usage")
    if usage is not None and not isinstance(usage, list):
        reader.problem("usage", "expected a list of events or properties")
    events = usage if isinstance(usage, list) else ()
    needed = not gives_quantity(charge, events) if events else usage is None and not charge.meters
    quantity = _quantity(reader) if needed or reader.has("quantity") else Decimal(0)
    months = reader.whole("months", minimum=1, maximum=1200) if reader.has("months") else charge.months
    attributes = _attributes(reader) if reader.has("attributes") else {}
    period = _period(reader) if reader.has("period") else None
    if problems:
        raise RequestInvalid(problems=tuple(problems))
    steps, unrounded = worked_out(charge, quantity, months=months, usage=events, attributes=attributes, period=period)
    try:
        amount = from_minor(rounded(charge, unrounded, currency), currency)
    except UnknownCurrency as refusal:
        refusal.where = "currency"
        raise
    told = [_step(step) for step in steps]
    if amount != unrounded:
        told.append(_step(difference("rounding", EXACT.subtract(amount, unrounded), "rounded")))
    return (
        f'{{"id": {_json(_id(said))}, "amount": "{amount:f}", "unrounded": "{decimal_text(unrounded)}", '
        f'"explain": [{", ".join(told)}]}}'
    )


def _step(step: RatedStep) -> str:
    """A step as JSON, put together by hand: this is what most of the time would go into."""
    quantity, price, fee = decimal_text(step.quantity), decimal_text(step.unit_price), decimal_text(step.flat_fee)
    bound = "null" if step.up_to is None else f'"{decimal_text(step.up_to)}"'
    return (
        f'{{"kind": "{step.kind}", "text": {encode_basestring(step.words(quantity, price, fee))}, '
        f'"quantity": "{quantity}", "unit_price": "{price}", "flat_fee": "{fee}", "up_to": {bound}, '
        f'"amount": "{decimal_text(step.amount)}"}}'
    )


def _charge(said: object) -> Charge:
    """The charge, as a price book has it; `id` and `per` may be left out."""
    key = marshal.dumps(cast("Any", said), 2)
    if (known := _charges.get(key)) is not None:
        return known
    problems: list[Problem] = []
    if said is None:
        raise RequestInvalid(problems=(Problem("charge", "is missing"),))
    reader = Reader(said, problems, "charge")
    charge = read_charge(reader, preview=True) if not problems else None
    if charge is None or problems:
        raise ChargeInvalid(problems=tuple(problems))
    if len(_charges) >= _KEPT:
        _charges.clear()
    _charges[key] = charge
    return charge


def _quantity(reader: Reader) -> Decimal:
    """Any number of at most 12 decimals: whether it is too large or below zero, rating says."""
    return reader.decimal("quantity", minimum=-(10**30), maximum=10**30)


def _attributes(reader: Reader) -> dict[str, str]:
    section = reader.section("attributes")
    return {name: section.text(name) for name in section.names()}


def _period(reader: Reader) -> tuple[datetime, datetime]:
    section = reader.section("period")
    begin, end = _instant(section, "from"), _instant(section, "to")
    section.end()
    return begin, end


def _instant(reader: Reader, name: str) -> datetime:
    said = reader.text(name)
    try:
        instant = datetime.fromisoformat(said)
    except ValueError:
        instant = None
    if instant is not None and instant.tzinfo is not None:
        return instant.astimezone(UTC)
    if said:
        reader.problem(name, f"expected an instant as 2026-01-31T12:00:00Z, found {said!r}")
    return datetime.max.replace(tzinfo=UTC)


def _exact(text: str) -> str:
    """A JSON fraction as the text that it is; an exponent is written out."""
    if "e" not in text and "E" not in text:
        return text
    number = Decimal(text)
    return text if abs(number.adjusted()) > _LONGEST else format(number, "f")


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


_DECODER = json.JSONDecoder(parse_float=_exact, parse_constant=_no_number)


def _decoded(line: str | bytes) -> Mapping[str, object]:
    try:
        said = _DECODER.decode(line if isinstance(line, str) else line.decode())
    except (ValueError, RecursionError) as problem:
        raise NotJson(f"the line is no JSON: {problem}") from None
    if not isinstance(said, dict):
        raise NotJson("the line is no JSON object")
    return said


def _id(said: Mapping[str, object]) -> object:
    value = said.get("id")
    return value if isinstance(value, str | int) else None


_json = json.JSONEncoder(ensure_ascii=False).encode
