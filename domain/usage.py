"""Events become quantities: filtered, grouped by properties, and aggregated, by the fields of the charge that prices them.

An event is a mapping of properties, either its own fields or under `properties`; `at` is its instant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from domain.document import Reader
from domain.errors import Invalid, InvalidDocument, Problem
from domain.money import round_to
from domain.rating.charge import IN_MONEY, LARGEST_MEASURED, ZERO, Charge
from domain.rating.measured import Measured

Event = Mapping[str, object]
Span = tuple[datetime, datetime]

_DECIMALS = 12  # of every quantity
_COUNTING = frozenset({"count", "unique_count"})
_TICK = timedelta(microseconds=1)


class UsageInvalid(InvalidDocument):
    """Events that cannot be measured, each with its path."""


@dataclass(kw_only=True, eq=False)
class PeriodMissing(Invalid):
    """A sum over time of no period, or of one that ends before it begins."""

    hint: str = "tell the period: two instants, the end after the beginning"


def measured(
    charge: Charge, quantity: Decimal, usage: Sequence[Event], attributes: Mapping[str, str], period: Span | None = None
) -> list[Measured]:
    """What a charge prices: the quantity with its attributes, or the events, one group for each set of properties.

    A single event that does not carry what is measured tells the properties of the quantity. Inside `exact()`.
    Raises UsageInvalid, PeriodMissing.
    """
    problems: list[Problem] = []
    events = [_Event(each, problems, number) for number, each in enumerate(usage)]
    if len(events) == 1 and _only_properties(charge, events[0]):
        attributes = {**attributes, **events[0].texts()}
        events = []
    if problems:
        raise UsageInvalid(problems=tuple(problems))
    if not events:
        found = [_stated(charge, quantity, attributes, problems)]
    else:
        counted = [event for event in events if _passes(charge, event)]
        found = _groups(charge, counted, attributes, period)
    if problems:
        raise UsageInvalid(problems=tuple(problems))
    return found


def gives_quantity(charge: Charge, usage: Sequence[Event]) -> bool:
    """Whether the events tell how much there was; a single one that does not carry it tells properties only."""
    return len(usage) != 1 or not _only_properties(charge, _Event(usage[0], [], 0))


class _Event:
    """One event, read once; problems are named by its place."""

    def __init__(self, event: object, problems: list[Problem], number: int) -> None:
        self.fields: Mapping[str, object] = event if isinstance(event, Mapping) else {}
        if isinstance(inner := self.fields.get("properties"), Mapping):
            self.fields = {**self.fields, **inner}
        self.reader = Reader(self.fields if isinstance(event, Mapping) else event, problems, f"usage[{number}]")

    def text(self, name: str) -> str | None:
        value = self.fields.get(name)
        return None if value is None or isinstance(value, Mapping | list) else str(value)

    def texts(self) -> dict[str, str]:
        return {name: said for name in self.fields if (said := self.text(name)) is not None}

    def at(self) -> datetime | None:
        """When it happened, if it says so."""
        if not self.reader.has("at"):
            return None
        try:
            instant = datetime.fromisoformat(str(self.fields["at"]))
        except ValueError:
            instant = datetime.min  # noqa: DTZ901 (naive: told as a problem below)
        if instant.tzinfo is None:
            self.reader.problem("at", f"expected an instant as 2026-01-31T12:00:00Z, found {self.fields['at']!r}")
            return None
        return instant.astimezone(UTC)


def _only_properties(charge: Charge, event: _Event) -> bool:
    if charge.meters:
        return False
    return charge.aggregate not in _COUNTING and not event.reader.has(_measure(charge))


def _measure(charge: Charge) -> str:
    return charge.measure or ("amount" if charge.model in IN_MONEY else "quantity")


def _stated(charge: Charge, quantity: Decimal, attributes: Mapping[str, str], problems: list[Problem]) -> Measured:
    """No events: the quantity, and for a capacity over several meters the attributes that tell the peaks."""
    if not charge.meters:
        return Measured(quantity=quantity, properties=attributes)
    reader = Reader(attributes, problems, "attributes")
    peaks = {
        meter: reader.decimal(meter, minimum=0, maximum=LARGEST_MEASURED)
        for meter in charge.meters
        if reader.has(meter)
    }
    if not quantity and not peaks:
        peaks = dict.fromkeys(charge.meters, ZERO)
    return Measured(quantity=Decimal(any(peaks.values()) or bool(quantity)), properties=attributes, peaks=peaks)


def _passes(charge: Charge, event: _Event) -> bool:
    return all(event.text(name) in values for name, values in charge.filters)


def _groups(charge: Charge, events: list[_Event], attributes: Mapping[str, str], period: Span | None) -> list[Measured]:
    if charge.meters:
        return [_peaks(charge, events)]
    names = charge.dimensions or charge.group_by
    groups: dict[tuple[str | None, ...], list[_Event]] = {}
    for event in events:
        said = tuple(event.text(name) or attributes.get(name) for name in names)
        groups.setdefault(said, []).append(event)
    found = []
    for values, group in groups.items():
        properties = {**attributes, **{name: value for name, value in zip(names, values, strict=True) if value}}
        found.append(_aggregated(charge, group, period)._replace(properties=properties))
    return found or [Measured(quantity=ZERO, properties=attributes)]


def _peaks(charge: Charge, events: list[_Event]) -> Measured:
    peaks = dict.fromkeys(charge.meters, ZERO)
    for event in events:
        for meter in charge.meters:
            if event.reader.has(meter):
                peaks[meter] = max(peaks[meter], event.reader.decimal(meter, minimum=0, maximum=LARGEST_MEASURED))
    return Measured(quantity=Decimal(any(peaks.values())), peaks=peaks)


def _aggregated(charge: Charge, events: list[_Event], period: Span | None) -> Measured:
    how = charge.aggregate or ("max" if charge.model == "capacity" else "sum")
    measure = _measure(charge)
    if how == "count":
        return Measured(quantity=Decimal(len(events)))
    if how == "unique_count":
        for event in events:
            if not event.reader.has(measure):
                event.reader.problem(measure, "is missing")
        return Measured(quantity=Decimal(len({event.text(measure) for event in events})))
    low = 0 if charge.model == "percentage" else -LARGEST_MEASURED
    values = [event.reader.decimal(measure, minimum=low, maximum=LARGEST_MEASURED) for event in events]
    if charge.model in {"percentage", "dynamic"}:
        return Measured(quantity=sum(values, ZERO), transactions=tuple(values))
    return Measured(quantity=_AGGREGATES[how](events, values, period))


def _sum(_events: list[_Event], values: list[Decimal], _period: Span | None) -> Decimal:
    return sum(values, ZERO)


def _max(_events: list[_Event], values: list[Decimal], _period: Span | None) -> Decimal:
    return max(values, default=ZERO)


def _latest(events: list[_Event], values: list[Decimal], _period: Span | None) -> Decimal:
    """The value of the latest instant; where an event has none, the last one in its order."""
    instants = [event.at() for event in events]
    if None in instants:
        return values[-1]
    return max(zip(instants, range(len(values)), values, strict=True))[2]


def _weighted_sum(events: list[_Event], values: list[Decimal], period: Span | None) -> Decimal:
    """Each value counts from its instant to the end of the period: +10 at half time are 5. Rounded to 12 decimals."""
    if period is None or period[1] <= period[0]:
        raise PeriodMissing(where="period")
    begin, end = period
    weighed = ZERO
    for event, value in zip(events, values, strict=True):
        instant = event.at()
        if instant is None:
            event.reader.problem("at", "is missing: a weighted sum needs each event's instant")
        elif instant < end:
            weighed += value * ((end - max(instant, begin)) // _TICK)
    return round_to(weighed, Decimal((end - begin) // _TICK), _DECIMALS, "half_up")


_AGGREGATES: dict[str, Callable[[list[_Event], list[Decimal], Span | None], Decimal]] = {
    "sum": _sum,
    "max": _max,
    "latest": _latest,
    "weighted_sum": _weighted_sum,
}
