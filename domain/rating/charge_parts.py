"""The parts of a charge that are sections of their own, and how the fields of one charge must fit together."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from domain.document import Reader, decimal_text
from domain.rating.charge import LARGEST_MEASURED, LARGEST_PRICE, Cell, Charge, Commitment, Conversion, PricingUnit
from domain.rating.tier_document import price, quantity

_ROUNDINGS = ("half_up", "half_even", "up", "down")
_PLACES = 12
_MOST_CELLS = 10_000


def positive(reader: Reader, name: str, *, maximum: int) -> Decimal:
    """A number above 0."""
    before = len(reader.problems)
    found = reader.decimal(name, minimum=0, maximum=maximum)
    if not found and len(reader.problems) == before:
        reader.problem(name, "must be above 0")
    return found


def read_cells(reader: Reader, dimensions: tuple[str, ...]) -> tuple[Cell, ...]:
    """The cells of a matrix; each names values of the charge's dimensions."""
    cells: list[Cell] = []
    seen: set[tuple[tuple[str, str], ...]] = set()
    for section in reader.sections("cells"):
        when = section.section("when")
        named = tuple((dimension, when.text(dimension)) for dimension in dimensions if when.has(dimension))
        when.end()
        if not named and not when.names():
            section.problem("when", "is empty: what no cell names costs the charge's default_price")
        cell = Cell(when=named, unit_price=price(section, "unit_price"))
        if named in seen:
            section.problem("when", "names the same values as a cell above")
        section.end()
        seen.add(named)
        cells.append(cell)
    if len(cells) > _MOST_CELLS:
        reader.problem("cells", f"more than {_MOST_CELLS} cells")
    return tuple(cells)


def cell_mappings(cells: tuple[Cell, ...]) -> list[dict[str, object]]:
    """The cells as plain documents."""
    return [{"when": dict(cell.when), "unit_price": decimal_text(cell.unit_price)} for cell in cells]


def read_commitment(reader: Reader, name: str) -> Commitment:
    """An amount, or a quantity at the charge's own price."""
    section = reader.section(name)
    has_amount, has_quantity = section.has("amount"), section.has("quantity")
    made = Commitment(
        amount=price(section, "amount") if has_amount else None,
        quantity=quantity(section, "quantity") if has_quantity else None,
    )
    section.end()
    if has_amount == has_quantity and section.names():
        section.problem("amount", "a commitment is an amount or a quantity, one of them")
    elif not section.names():
        section.problem("amount", "is missing")
    return made


def commitment_mapping(commitment: Commitment) -> dict[str, object]:
    """A commitment as a plain document."""
    if commitment.amount is not None:
        return {"amount": decimal_text(commitment.amount)}
    return {} if commitment.quantity is None else {"quantity": decimal_text(commitment.quantity)}


def read_conversion(reader: Reader, name: str) -> Conversion:
    """Factors above 0, and how the outcome is rounded."""
    section = reader.section(name)
    one = Decimal(1)
    made = Conversion(
        multiply_by=positive(section, "multiply_by", maximum=LARGEST_MEASURED) if section.has("multiply_by") else one,
        divide_by=positive(section, "divide_by", maximum=LARGEST_MEASURED) if section.has("divide_by") else one,
        decimals=section.whole("decimals", _PLACES, minimum=0, maximum=_PLACES),
        rounding=section.choice("rounding", _ROUNDINGS, "half_up"),
        unit=section.text("unit", ""),
    )
    section.end()
    return made


def conversion_mapping(conversion: Conversion) -> dict[str, object]:
    """A conversion as a plain document."""
    mapping: dict[str, object] = {
        "multiply_by": decimal_text(conversion.multiply_by),
        "divide_by": decimal_text(conversion.divide_by),
        "decimals": conversion.decimals,
        "rounding": conversion.rounding,
    }
    return mapping | ({"unit": conversion.unit} if conversion.unit else {})


def read_pricing_unit(reader: Reader, name: str) -> PricingUnit:
    """A name and its rate to money."""
    section = reader.section(name)
    made = PricingUnit(
        name=section.text("name"),
        rate=positive(section, "rate", maximum=LARGEST_PRICE),
        decimals=section.whole("decimals", _PLACES, minimum=0, maximum=_PLACES),
        rounding=section.choice("rounding", _ROUNDINGS, "half_up"),
    )
    section.end()
    return made


def pricing_unit_mapping(unit: PricingUnit) -> dict[str, object]:
    """A pricing unit as a plain document."""
    return {"name": unit.name, "rate": decimal_text(unit.rate), "decimals": unit.decimals, "rounding": unit.rounding}


def read_filters(reader: Reader, name: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """For each property the values that count: one, or a list."""
    section = reader.section(name)
    found = []
    for each in section.names():
        values = section.texts(each, pattern=r"(?s).{1,500}", shape="a value") if section.is_list(each) else ()
        found.append((each, values or (section.text(each),)))
    return tuple(found)


def filter_mapping(filters: tuple[tuple[str, tuple[str, ...]], ...]) -> dict[str, object]:
    """Filters as a plain document."""
    return {name: list(values) for name, values in filters}


def check(reader: Reader, charge: Charge) -> None:
    """What no field can see alone."""
    _ordered(reader, "maximum_quantity", charge.minimum_quantity, charge.maximum_quantity)
    _ordered(reader, "maximum_amount", charge.minimum_amount, charge.maximum_amount)
    _ordered(reader, "transaction_maximum", charge.transaction_minimum, charge.transaction_maximum)
    commitment = charge.commitment
    if commitment is not None:
        _ordered(reader, "maximum_amount", commitment.amount, charge.maximum_amount, "commitment")
        if commitment.quantity is not None and charge.model != "per_unit":
            reader.problem("commitment.quantity", "only a per_unit price has one: commit to an amount")
    for needed, told in _needs(charge):
        reader.problem(needed, told)


def _ordered(reader: Reader, name: str, low: Decimal | None, high: Decimal | None, what: str = "minimum") -> None:
    if low is not None and high is not None and low > high:
        reader.problem(name, f"is below the {what} of {decimal_text(low)}")


def _needs(charge: Charge) -> Sequence[tuple[str, str]]:
    """Each field that is missing beside another one, with what it is for."""
    found = []
    over = charge.overage_price is not None
    if charge.model == "flat":
        if over != bool(charge.included_quantity):
            name = "included_quantity" if over else "overage_price"
            found.append((name, "is missing: a flat price includes a quantity, what is over has an overage_price"))
    elif charge.model == "per_unit":
        if over and (charge.commitment is None or charge.commitment.quantity is None):
            found.append(("commitment", "is missing: overage_price is what units over the committed quantity cost"))
    elif charge.tiers and over != (charge.beyond == "overage"):
        name = "beyond" if over else "overage_price"
        found.append((name, "is missing: `beyond: overage` and overage_price go together"))
    if charge.meters:
        if len(charge.meters) == 1:
            found.append(("meters", "one meter needs no name: leave it out"))
        told = "belongs to one meter: this capacity has several"
        found += [(name, told) for name in ("conversion", "measure", "aggregate") if getattr(charge, name)]
        if charge.beyond == "overage":
            found.append(("beyond", told))
    return found
