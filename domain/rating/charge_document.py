"""A charge as a document: one table says of each field how it is read and written and to which models it belongs.

A field that the model does not have is a problem, not a silent default. Only what differs from the default is written,
so that a charge of an older book keeps its content hash.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields
from decimal import Decimal
from typing import Any, NamedTuple, cast

from domain.document import Reader, decimal_text
from domain.rating import charge_parts as parts
from domain.rating.charge import (
    INTERVALS,
    KINDS,
    LARGEST_MEASURED,
    LARGEST_QUANTITY,
    MODELS,
    ONCE,
    TIERED,
    Charge,
    made,
)
from domain.rating.tier_document import ID, ID_SHAPE, NAME, NAME_SHAPE, price, quantity, read_tiers, tier_mapping

_ACCOUNT = r"revenue:[a-z0-9][a-z0-9_.:-]{0,63}"
LARGEST_PERCENT = 1000
_MONTHS = {months: name for name, months in INTERVALS.items()}

Read = Callable[[Reader, str], object]
Write = Callable[[Any], object]


class Field(NamedTuple):
    """How one field of a charge's document is read and written; `models` have it, `required` ones must say it."""

    read: Read
    write: Write
    models: frozenset[str]
    required: frozenset[str] = frozenset()


def _decimal(value: Decimal) -> object:
    return decimal_text(value)


def _as_it_is(value: object) -> object:
    return value


def _choice(*words: str) -> Read:
    return lambda reader, name: reader.choice(name, words)


def _words(reader: Reader, name: str) -> object:
    said = reader.texts(name, pattern=NAME, shape=NAME_SHAPE)
    if len(set(said)) != len(said):
        reader.problem(name, "names something twice")
    return said


def _list(value: tuple[str, ...]) -> object:
    return list(value)


def _later(_reader: Reader, _name: str) -> object:
    raise AssertionError("read when the fields that it leans on are known")


def _percent(reader: Reader, name: str) -> object:
    return reader.decimal(name, minimum=0, maximum=LARGEST_PERCENT)


def _positive(reader: Reader, name: str) -> object:
    return parts.positive(reader, name, maximum=LARGEST_MEASURED)


def _of(*models: str) -> frozenset[str]:
    return frozenset(models)


_ALL = frozenset(MODELS)
_UNITS = _of("volume", "graduated")
_PRICED = _of("flat", "per_unit", "package")
_COUNTED = _ALL - {"dynamic", "capacity"}

FIELDS: dict[str, Field] = {
    "unit_price": Field(price, _decimal, _PRICED, _PRICED),
    "package_size": Field(_positive, _decimal, _of("package"), _of("package")),
    "package_rounding": Field(_choice("up", "down", "exact"), _as_it_is, _UNITS | {"package"}),
    "tiers": Field(_later, _as_it_is, TIERED, TIERED),
    "meters": Field(_words, _list, _of("capacity")),
    "tier_bound": Field(_choice("inclusive", "exclusive"), _as_it_is, TIERED),
    "zero_usage": Field(_choice("nothing", "first_tier_fee"), _as_it_is, TIERED),
    "beyond": Field(_choice("refuse", "last_tier", "covered_only", "overage"), _as_it_is, TIERED),
    "overage_price": Field(price, _decimal, (TIERED - {"graduated_percentage"}) | {"flat", "per_unit"}),
    "percent": Field(_percent, _decimal, _of("percentage"), _of("percentage")),
    "transaction_fee": Field(price, _decimal, _of("percentage")),
    "transaction_minimum": Field(price, _decimal, _of("percentage")),
    "transaction_maximum": Field(price, _decimal, _of("percentage")),
    "free_transactions": Field(
        lambda reader, name: reader.whole(name, minimum=0, maximum=LARGEST_QUANTITY), _as_it_is, _of("percentage")
    ),
    "dimensions": Field(_words, _list, _of("matrix"), _of("matrix")),
    "cells": Field(_later, parts.cell_mappings, _of("matrix"), _of("matrix")),
    "default_price": Field(price, _decimal, _of("matrix")),
    "included_quantity": Field(quantity, _decimal, _COUNTED),
    "included_order": Field(_choice("first", "last"), _as_it_is, _COUNTED - {"flat"}),
    "minimum_amount": Field(price, _decimal, _ALL),
    "maximum_amount": Field(price, _decimal, _ALL),
    "commitment": Field(parts.read_commitment, parts.commitment_mapping, _ALL),
    "conversion": Field(parts.read_conversion, parts.conversion_mapping, _ALL - {"percentage", "dynamic"}),
    "pricing_unit": Field(parts.read_pricing_unit, parts.pricing_unit_mapping, _ALL),
    "rounding": Field(_choice("half_up", "half_even", "up", "down"), _as_it_is, _ALL),
    "aggregate": Field(
        _choice("sum", "count", "unique_count", "max", "latest", "weighted_sum"),
        _as_it_is,
        _ALL - {"percentage", "dynamic"},
    ),
    "measure": Field(lambda reader, name: reader.text(name, pattern=NAME, shape=NAME_SHAPE), _as_it_is, _ALL),
    "filters": Field(parts.read_filters, parts.filter_mapping, _ALL),
    "group_by": Field(_words, _list, _ALL - {"flat", "matrix", "capacity"}),
    "minimum_quantity": Field(quantity, _decimal, _ALL),
    "maximum_quantity": Field(quantity, _decimal, _ALL),
    "cost": Field(price, _decimal, _ALL),
    "floor": Field(price, _decimal, _ALL),
}
_HEAD = ("id", "model", "per", "kind", "timing", "revenue_account")
_DEFAULTS = {field.name: field.default for field in fields(Charge) if field.default is not MISSING}
_REQUIRED = {model: tuple(name for name, field in FIELDS.items() if model in field.required) for model in MODELS}


def known(model: str) -> tuple[str, ...]:
    """The names of all fields that a charge of this model may have."""
    return tuple(sorted((*_HEAD, *(name for name, field in FIELDS.items() if model in field.models))))


def read_charge(reader: Reader, *, product: str = "", preview: bool = False) -> Charge:
    """A charge of a product; its problems, each with its path, go to the reader.

    In a preview `id` and `per` may be left out: the price is one month's. A charge with problems is a harmless stand-in.
    """
    before = len(reader.problems)
    model = reader.choice("model", MODELS)
    if len(reader.problems) > before:
        return Charge(id="", model=model)
    values = _values(reader, model)
    for name in _REQUIRED[model]:
        if name not in values:
            reader.problem(name, "is missing")
    head = _head(reader, product, preview=preview)
    charge = made(Charge, {"model": model, **head, **values})
    if len(reader.problems) == before:
        parts.check(reader, charge)
    return charge


def _values(reader: Reader, model: str) -> dict[str, object]:
    """The fields of this model that are there; those that lean on others are read last."""
    values: dict[str, object] = {}
    for name in reader.names():
        field = FIELDS.get(name)
        if field is None:
            if name not in _HEAD:
                reader.problem(name, f"unknown field; known here: {', '.join(known(model))}")
        elif reader.has(name):
            if model not in field.models:
                reader.problem(name, f"a {model} price has no {name}")
            elif field.read is not _later:
                values[name] = field.read(reader, name)
    if model in TIERED:
        meters = cast("tuple[str, ...]", values.get("meters", ()))
        values["tiers"] = read_tiers(reader, model, beyond=str(values.get("beyond", "refuse")), meters=meters)
    elif model == "matrix":
        values["cells"] = parts.read_cells(reader, cast("tuple[str, ...]", values.get("dimensions", ())))
    return values


def _head(reader: Reader, product: str, *, preview: bool) -> dict[str, object]:
    head: dict[str, object] = {"id": reader.text("id", "" if preview else None, pattern=ID, shape=ID_SHAPE)}
    kind = "recurring"
    if reader.has("kind"):
        kind = head["kind"] = reader.choice("kind", KINDS)
    if kind in ONCE:
        if reader.has("per"):
            reader.problem("per", f"a {kind} price has no interval")
    elif reader.has("per") or not preview:
        head["months"] = INTERVALS[reader.choice("per", tuple(INTERVALS))]
    if kind == "usage":
        head["timing"] = "arrears"
    if reader.has("timing"):
        if kind == "recurring":
            head["timing"] = reader.choice("timing", ("advance", "arrears"))
        elif kind != "usage" or reader.choice("timing", ("arrears",)) != "arrears":
            reader.problem("timing", f"a {kind} price has no timing")
    if product or reader.has("revenue_account"):
        head["revenue_account"] = reader.text(
            "revenue_account", f"revenue:{product}", pattern=_ACCOUNT, shape="revenue:<lower-case name>"
        )
    return head


def charge_mapping(charge: Charge) -> dict[str, object]:
    """A charge as a plain document, only with the fields it uses; `read_charge` reads it back to the same charge."""
    mapping: dict[str, object] = {"id": charge.id, "model": charge.model}
    if charge.kind != "recurring":
        mapping["kind"] = charge.kind
    elif charge.timing != "advance":
        mapping["timing"] = charge.timing
    if charge.kind not in ONCE:
        mapping["per"] = _MONTHS[charge.months]
    for name, field in FIELDS.items():
        if charge.model not in field.models:
            continue
        value = getattr(charge, name)
        if name == "tiers":
            mapping[name] = [tier_mapping(tier, charge) for tier in charge.tiers]
        elif value != _DEFAULTS[name] or charge.model in field.required:
            mapping[name] = field.write(value)
    return mapping | {"revenue_account": charge.revenue_account}
