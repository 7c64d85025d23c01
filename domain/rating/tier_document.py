"""Tiers as a document: their bounds ascend, and what lies beyond the last one has a price or is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise

from domain.document import Reader, decimal_text, plain_number
from domain.rating.charge import LARGEST_MEASURED, LARGEST_PRICE, ZERO, Charge, Tier, made

ID = r"[a-z0-9][a-z0-9_.-]{0,63}"
ID_SHAPE = "lower-case letters, digits, _ . -"
NAME = r"[A-Za-z_][A-Za-z0-9_.-]{0,63}"
NAME_SHAPE = "a name: letters, digits, _ . -"
_LARGEST_PERCENT = 1000

TIER_FIELDS: dict[str, tuple[str, ...]] = {
    "volume": ("up_to", "unit_price", "flat_fee", "block_size", "maximum_amount"),
    "graduated": ("up_to", "unit_price", "flat_fee", "block_size", "maximum_amount"),
    "graduated_percentage": ("up_to", "percent", "flat_fee", "maximum_amount"),
    "stairstep": ("up_to", "flat_fee"),
    "capacity": ("up_to", "bounds", "flat_fee"),
}
_PLAIN_NAMES = {
    model: frozenset(names) & {"up_to", "unit_price", "flat_fee", "maximum_amount"}
    for model, names in TIER_FIELDS.items()
}
_CAPS = frozenset({"block_size", "maximum_amount"})  # zero says something
_SAYS = {"graduated_percentage": "percent", "stairstep": "flat_fee", "capacity": "flat_fee"}


def price(reader: Reader, name: str) -> Decimal:
    """A price or fee of at most 12 decimals."""
    return reader.decimal(name, minimum=0, maximum=LARGEST_PRICE)


def quantity(reader: Reader, name: str) -> Decimal:
    """A quantity of at most 12 decimals."""
    return reader.decimal(name, minimum=0, maximum=LARGEST_MEASURED)


def _percent(reader: Reader, name: str) -> Decimal:
    return reader.decimal(name, minimum=0, maximum=_LARGEST_PERCENT)


_READ: dict[str, Callable[[Reader, str], Decimal]] = {"up_to": quantity, "block_size": quantity, "percent": _percent}


def read_tiers(reader: Reader, model: str, *, beyond: str, meters: tuple[str, ...]) -> tuple[Tier, ...]:
    """The tiers of a charge of this model; the last one is open unless `beyond` says what lies behind it."""
    items = reader.items("tiers")
    plain = None if meters else _plain_tiers(items, model, beyond)
    if plain is not None:
        return plain
    tiers = []
    for place, item in enumerate(items):
        section = Reader(item, reader.problems, reader.at(f"tiers[{place}]"))
        tiers.append(_tier(section, model, meters))
        _check_bound(reader, place, len(items), tiers[-1], beyond=beyond, bound="bounds" if meters else "up_to")
    for place, (below, tier) in enumerate(pairwise(tiers), start=1):
        _ascend(reader, place, below, tier)
    if tiers and tiers[0].up_to == 0:
        reader.problem("tiers[0].up_to", "must be above 0")
    return tuple(tiers)


def _plain_tiers(items: Sequence[object], model: str, beyond: str) -> tuple[Tier, ...] | None:
    """Tiers that are plain numbers and in order, quickly; None where anything in them must be looked at closely."""
    names, required = _PLAIN_NAMES[model], _SAYS.get(model)
    below: Decimal | None = ZERO
    tiers = []
    for item in items:
        if type(item) is not dict or below is None:
            return None
        values: dict[str, Decimal | None] = {}
        for name, value in item.items():
            number = plain_number(value)
            if number is None or name not in names:
                return None
            values[name] = number
        bound = values.setdefault("up_to", None)
        priced = ("unit_price" in values or "flat_fee" in values) if required is None else required in values
        if not priced or (bound is not None and bound <= below):
            return None
        tiers.append(made(Tier, values))
        below = bound
    return tuple(tiers) if tiers and (below is None) == (beyond == "refuse") else None


def _check_bound(reader: Reader, place: int, count: int, tier: Tier, *, beyond: str, bound: str) -> None:
    is_open = tier.up_to is None and not tier.bounds
    if place < count - 1:
        if is_open:
            reader.problem(f"tiers[{place}].{bound}", "is missing: only the last tier is open")
    elif beyond == "refuse" and not is_open:
        reader.problem(
            f"tiers[{place}].{bound}",
            f"the last tier must be open (no {bound}), unless `beyond` says what the rest costs",
        )
    elif beyond != "refuse" and is_open:
        reader.problem("beyond", "the last tier is open: nothing lies beyond it")


def _tier(section: Reader, model: str, meters: tuple[str, ...]) -> Tier:
    """One tier; a field that is not of this model's tiers is unknown here."""
    names = TIER_FIELDS[model]
    values: dict[str, Decimal] = {}
    bounds: tuple[tuple[str, Decimal], ...] = ()
    for name in section.names():
        if name not in names:
            section.problem(name, f"unknown field; known here: {', '.join(sorted(names))}")
        elif not section.has(name):
            continue
        elif name == "bounds":
            bounds = _bounds(section, meters)
        else:
            values[name] = _READ.get(name, price)(section, name)
    if meters and "up_to" in values:
        section.problem("up_to", "a capacity of several meters has `bounds`, one for each meter")
    if values.get("block_size") == 0:
        section.problem("block_size", "must be above 0")
    _needs_price(section, model, values)
    return Tier(
        up_to=values.get("up_to"),
        unit_price=values.get("unit_price", ZERO),
        flat_fee=values.get("flat_fee", ZERO),
        percent=values.get("percent", ZERO),
        block_size=values.get("block_size"),
        maximum_amount=values.get("maximum_amount"),
        bounds=bounds,
    )


def _needs_price(section: Reader, model: str, values: Mapping[str, Decimal]) -> None:
    said = _SAYS.get(model)
    if said is None and "unit_price" not in values and "flat_fee" not in values:
        section.problem("unit_price", "is missing: a tier has a unit_price, a flat_fee or both")
    elif said is not None and said not in values:
        section.problem(said, "is missing")


def _bounds(section: Reader, meters: tuple[str, ...]) -> tuple[tuple[str, Decimal], ...]:
    """A bound for each meter, in the order of the meters."""
    if not meters:
        section.problem("bounds", "needs `meters` on the charge; one meter has `up_to`")
        return ()
    inner = section.section("bounds")
    said = {name: quantity(inner, name) for name in meters}
    inner.end()
    return tuple(said.items())


def _ascend(reader: Reader, place: int, below: Tier, tier: Tier) -> None:
    if below.up_to is not None and tier.up_to is not None and tier.up_to <= below.up_to:
        reader.problem(f"tiers[{place}].up_to", f"must be above {decimal_text(below.up_to)}, the tier below")
    if below.bounds and tier.bounds:
        lower = dict(below.bounds)
        if any(bound < lower.get(name, ZERO) for name, bound in tier.bounds) or below.bounds == tier.bounds:
            reader.problem(f"tiers[{place}].bounds", "must cover the tier below and more")


def tier_mapping(tier: Tier, charge: Charge) -> dict[str, object]:
    """A tier as a plain document: what its model always says, and what differs from the default."""
    mapping: dict[str, object] = {}
    if tier.up_to is not None:
        mapping["up_to"] = decimal_text(tier.up_to)
    if tier.bounds:
        mapping["bounds"] = {name: decimal_text(bound) for name, bound in tier.bounds}
    said = _SAYS.get(charge.model)
    values: Mapping[str, Decimal | None] = {
        "unit_price": tier.unit_price,
        "flat_fee": tier.flat_fee,
        "percent": tier.percent,
        "block_size": tier.block_size,
        "maximum_amount": tier.maximum_amount,
    }
    for name, value in values.items():
        always = name == said or (said is None and name in {"unit_price", "flat_fee"})
        if value is not None and (always or value or name in _CAPS):
            mapping[name] = decimal_text(value)
    return mapping
