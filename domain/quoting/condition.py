"""Conditions over the facts of a quote, as data: a figure over or under its limit, a flag, one of a list; any or all of them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from domain.document import Reader, decimal_text
from domain.money import EXPONENTS, Money, text, to_minor
from domain.quoting.facts import Facts

NUMBERS = {
    "discount_percent_over": ("discount", "%", 100),
    "term_months_over": ("term", "months", 1200),
    "net_days_over": ("net payment", "days", 3650),
    "partner_percent_over": ("partner margin", "%", 100),
}
AMOUNTS = {
    "acv_over": ("ACV", "acv_minor"),
    "tcv_over": ("TCV", "tcv_minor"),
    "one_time_over": ("one-time", "one_time_minor"),
}
FLAGS = {
    "below_floor": ("the price is below the floor of a charge", "no price is below its floor"),
    "ramp": ("the quote has a ramp", "the quote has no ramp"),
}
LISTS = {
    "product_in": ("product", "products"),
    "region_in": ("region", "regions"),
    "segment_in": ("account segment", "segment"),
    "method_in": ("payment method", "method"),
    "currency_in": ("currency", "currency"),
}
LARGEST = 10**12
EVERY_CURRENCY = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """A fact over its limit; for amounts, one limit by currency (major units; `*` is every currency)."""

    fact: str
    limits: tuple[tuple[str, Decimal], ...]

    def reasons(self, facts: Facts) -> tuple[str, ...] | None:
        """Why it holds, in words; None where it does not hold."""
        if self.fact in AMOUNTS:
            return self._amount_reasons(facts)
        name, unit, _ = NUMBERS[self.fact]
        value = Decimal(getattr(facts, self.fact.removesuffix("_over")))
        limit = self.limits[0][1]
        said = f"{name} of {decimal_text(value)} {unit} is over {decimal_text(limit)} {unit}"
        return (said,) if value > limit else None

    def _amount_reasons(self, facts: Facts) -> tuple[str, ...] | None:
        name, fact = AMOUNTS[self.fact]
        value = Money(getattr(facts, fact), facts.currency)
        table = dict(self.limits)
        limit = table.get(facts.currency, table.get(EVERY_CURRENCY))
        if limit is None:
            return (f"no limit of {name} is set for {facts.currency}",)
        bound = Money(to_minor(limit, facts.currency), facts.currency)
        return (f"{name} of {text(value)} is over {text(bound)}",) if value > bound else None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginBelow:
    """The margin in percent under its limit; where no cost is known it holds not."""

    limit: Decimal

    def reasons(self, facts: Facts) -> tuple[str, ...] | None:
        """Why it holds, in words; None where it does not hold."""
        margin = facts.margin_percent
        if margin is None or margin >= self.limit:
            return None
        return (f"margin of {decimal_text(margin)} % is below {decimal_text(self.limit)} %",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClausesOver:
    """More clauses beside our standard terms than the limit."""

    limit: int

    def reasons(self, facts: Facts) -> tuple[str, ...] | None:
        """Why it holds, in words; None where it does not hold."""
        if facts.clauses <= self.limit:
            return None
        return (f"{facts.clauses} non-standard clause{'s' if facts.clauses > 1 else ''}, over {self.limit}",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A fact that is so, or (`expected` false) is not so."""

    fact: str
    expected: bool

    def reasons(self, facts: Facts) -> tuple[str, ...] | None:
        """Why it holds, in words; None where it does not hold."""
        so, not_so = FLAGS[self.fact]
        return (so if self.expected else not_so,) if getattr(facts, self.fact) == self.expected else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Among:
    """A fact, or one of several, that is in a list."""

    fact: str
    values: tuple[str, ...]

    def reasons(self, facts: Facts) -> tuple[str, ...] | None:
        """Why it holds, in words; None where it does not hold."""
        name, fact = LISTS[self.fact]
        said = getattr(facts, fact)
        found = [each for each in (said if isinstance(said, tuple) else (said,)) if each in self.values]
        return (f"{name} {', '.join(found)}",) if found else None


Part = Over | MarginBelow | ClausesOver | Flag | Among


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Parts that must all hold, or of which any one is enough. No part at all always holds."""

    parts: tuple[Condition | Part, ...]
    any_of: bool = False

    def reasons(self, facts: Facts) -> tuple[str, ...] | None:
        """Why it holds, in words; None where it does not hold."""
        found = [part.reasons(facts) for part in self.parts]
        holding = [reasons for reasons in found if reasons is not None]
        enough = bool(holding) if self.any_of else len(holding) == len(found)
        return tuple(reason for reasons in holding for reason in reasons) if enough else None


def read_condition(reader: Reader, *, any_of: bool = False) -> Condition:
    """A condition of the document; what is wrong is added to the reader's problems."""
    parts: list[Condition | Part] = []
    for name, (_, _, most) in NUMBERS.items():
        if reader.has(name):
            limit = reader.decimal(name, minimum=0, maximum=most)
            parts.append(Over(fact=name, limits=((EVERY_CURRENCY, limit),)))
    parts += [Over(fact=name, limits=_limits(reader, name)) for name in AMOUNTS if reader.has(name)]
    if reader.has("margin_percent_below"):
        parts.append(MarginBelow(limit=reader.decimal("margin_percent_below", minimum=-100, maximum=100)))
    if reader.has("clauses_over"):
        parts.append(ClausesOver(limit=reader.whole("clauses_over", minimum=0, maximum=1000)))
    parts += [Flag(fact=name, expected=reader.flag(name, default=True)) for name in FLAGS if reader.has(name)]
    parts += [Among(fact=name, values=_values(reader, name)) for name in LISTS if reader.has(name)]
    for name in ("any", "all"):
        if reader.has(name):
            inner = tuple(read_condition(each) for each in reader.sections(name))
            parts.append(Condition(parts=inner, any_of=name == "any"))
    reader.end()
    return Condition(parts=tuple(parts), any_of=any_of)


def _values(reader: Reader, name: str) -> tuple[str, ...]:
    values = reader.texts(name, pattern=r".{1,100}", shape="text of 1 to 100 characters")
    if not values:
        reader.problem(name, "is empty")
    return values


def _limits(reader: Reader, name: str) -> tuple[tuple[str, Decimal], ...]:
    if not reader.is_mapping(name):
        return ((EVERY_CURRENCY, reader.decimal(name, minimum=0, maximum=LARGEST)),)
    table = reader.section(name)
    limits = []
    for code in table.names():
        if code != EVERY_CURRENCY:
            _check_currency(table, code)
        limits.append((code, table.decimal(code, minimum=0, maximum=LARGEST)))
    return tuple(limits)


def _check_currency(table: Reader, code: str) -> None:
    if code not in EXPONENTS:
        table.problem(code, f"{code!r} is not an ISO 4217 currency with a minor unit")
