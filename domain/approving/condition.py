"""When a rule holds, and why, in words: facts over and below limits, in lists, combined by all, any and not.

A fact that nobody knows (a currency without a limit, say) speaks for asking, never for approving; a margin that nobody knows,
since no cost is known, meets no limit either way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal

from domain.document import decimal_text
from domain.money import Money, text, to_minor
from domain.need import ANY_WAY, DOWN, UP

Value = Decimal | int | bool | str | tuple[str, ...] | None
Sheet = Mapping[str, Value]  # what is known of a version, by name

# name → (in words, unit, least, most)
NUMBERS = {
    "discount_percent": ("discount", "%", 0, 100),
    "term_months": ("term", "months", 0, 1200),
    "net_days": ("net payment", "days", 0, 3650),
    "margin_percent": ("margin", "%", -1_000_000, 100),
    "partner_percent": ("partner margin", "%", 0, 100),
    "clauses": ("clauses beside our standard terms", "", 0, 1000),
}
AMOUNTS = {"acv": "ACV", "tcv": "TCV", "one_time": "one-time"}
FLAGS = {
    "below_floor": ("the price is below the floor of a charge", "no price is below its floor"),
    "ramp": ("the quote has a ramp", "the quote has no ramp"),
}
WORDS = {"segment": "account segment", "method": "payment method", "currency": "currency", "entity": "legal entity"}
LISTS = {"products": "product", "regions": "region", "clauses": "clause"}  # several of them at once
EVERY_CURRENCY = "*"
SHORT = 40  # characters of a clause that are kept with a decision


def sheet(facts: object, **more: Value) -> dict[str, Value]:
    """The facts of a version by name, from the fields of any dataclass of facts; `more` adds to them.

    >>> from domain.quoting.facts import Facts
    >>> sheet(Facts(discount_percent=Decimal(5), acv_minor=1, tcv_minor=2, term_months=3, net_days=4, currency="EUR"),
    ...       region="EMEA")["region"]
    'EMEA'
    """
    if not is_dataclass(facts):
        raise TypeError("facts come as a dataclass")
    found: dict[str, Value] = {f.name: getattr(facts, f.name) for f in fields(facts)}
    return {**found, **more}


def sheets(facts: object, apart: Iterable[object] = (), **more: Value) -> tuple[dict[str, Value], ...]:
    """The same of a version with alternatives: of all its offers together, then of each apart."""
    return tuple(sheet(each, **more) for each in (facts, *apart))


def value_of(facts: Sheet, name: str) -> Value:
    """What is known of a fact; a deal of one region may say `region` for `regions`."""
    if name == "regions" and not facts.get(name) and isinstance(region := facts.get("region"), str):
        return (region,)
    return facts.get(f"{name}_minor" if name in AMOUNTS else name)


@dataclass(frozen=True, slots=True)
class Test:
    """One fact against a limit. `kind`: over, below (numbers, amounts), is (flags), in (words, and any of a list)."""

    __test__ = False  # pytest: this is no test

    fact: str
    kind: str
    limits: tuple[tuple[str, Decimal], ...] = ()  # by currency; EVERY_CURRENCY alone for plain numbers
    words: tuple[str, ...] = ()
    flag: bool = True

    @property
    def sense(self) -> str:
        """Which change of the fact brings it nearer to holding."""
        if self.kind == "in":
            return UP if self.fact in ("products", "clauses") else ANY_WAY
        return UP if self.kind == "over" or (self.kind == "is" and self.flag) else DOWN

    def says(self, facts: Sheet) -> tuple[bool | None, str]:
        """Whether it holds (None: nobody knows) and the sentence that says so."""
        match self.kind:
            case "over" | "below" if self.fact in AMOUNTS:
                return self._amount(facts)
            case "over" | "below":
                return self._number(facts)
            case "is":
                return self._flag(facts)
            case _:
                return self._named(facts)

    def _number(self, facts: Sheet) -> tuple[bool | None, str]:
        name, unit, _, _ = NUMBERS[self.fact]
        value = facts.get(self.fact)
        if isinstance(value, tuple):
            value = len(value)
        if value is None or isinstance(value, str):
            return None, f"{name} is not known"
        return self._against(Decimal(value), self.limits[0][1], f"{name} of ", f" {unit}" if unit else "")

    def _against(self, value: Decimal, limit: Decimal, name: str, unit: str) -> tuple[bool, str]:
        holds = value > limit if self.kind == "over" else value < limit
        words = (
            ("is over" if holds else "is not over") if self.kind == "over" else ("is" if holds else "is not") + " below"
        )
        return holds, f"{name}{decimal_text(value)}{unit} {words} {decimal_text(limit)}{unit}"

    def _amount(self, facts: Sheet) -> tuple[bool | None, str]:
        name, currency = AMOUNTS[self.fact], str(facts.get("currency", ""))
        minor = facts.get(f"{self.fact}_minor")
        table = dict(self.limits)
        limit = table.get(currency, table.get(EVERY_CURRENCY))
        if limit is None:
            return None, f"no limit of {name} is set for {currency}"
        if not isinstance(minor, int):
            return None, f"{name} is not known"
        value, bound = Money(minor, currency), Money(to_minor(limit, currency), currency)
        holds = value > bound if self.kind == "over" else value < bound
        words = ("is" if holds else "is not") + (" over " if self.kind == "over" else " below ")
        return holds, f"{name} of {text(value)} {words.strip()} {text(bound)}"

    def _flag(self, facts: Sheet) -> tuple[bool | None, str]:
        value = facts.get(self.fact)
        if value is None:
            return None, f"whether {FLAGS[self.fact][0]} is not known"
        return bool(value) is self.flag, FLAGS[self.fact][not value]

    def _named(self, facts: Sheet) -> tuple[bool | None, str]:
        name = {**WORDS, **LISTS}[self.fact]
        value = value_of(facts, self.fact)
        if value is None or isinstance(value, int | Decimal):
            return None, f"{name} is not known"
        have = (value,) if isinstance(value, str) else value
        found = [each for each in have if each in self.words]
        if found:
            return True, f"{name} {', '.join(found)}"
        return False, f"{name} is none of {', '.join(self.words)}"


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; no part at all always holds."""

    parts: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Any:
    """At least one part holds."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Node


Node = Test | All | Any | Not


def reasons(node: Node, facts: Sheet, *, want: bool = True, unknown: bool = True) -> tuple[str, ...] | None:
    """Why the condition holds (`want`) or does not, in words; None where that is not so. What nobody knows counts as
    `unknown`: True where holding means asking, False where it means approving.

    >>> over = Test("discount_percent", "over", ((EVERY_CURRENCY, Decimal(10)),))
    >>> reasons(over, {"discount_percent": Decimal("12.5")})
    ('discount of 12.5 % is over 10 %',)
    >>> reasons(Not(over), {"discount_percent": Decimal(10)})
    ('discount of 10 % is not over 10 %',)
    >>> reasons(Test("ramp", "is"), {})
    ('whether the quote has a ramp is not known',)

    An unknown margin alone is under no limit; that it is over one (`not` over: it asks) nobody assumes either.
    """
    if isinstance(node, Test):
        holds, sentence = node.says(facts)
        if holds is None and want and node.fact == "margin_percent":
            return None  # no cost, no margin: most catalogues start so, and a limit on it is no limit on them
        so = unknown if holds is None else holds is want
        return (sentence,) if so else None
    if isinstance(node, Not):
        return reasons(node.part, facts, want=not want, unknown=unknown)
    found = [reasons(part, facts, want=want, unknown=unknown) for part in node.parts]
    holding = [each for each in found if each is not None]
    every = isinstance(node, All) is want  # not (a and b) is (not a) or (not b)
    enough = len(holding) == len(found) if every else bool(holding)
    return tuple(reason for each in holding for reason in each) if enough else None


def looked_at(node: Node, *, want: bool = True) -> tuple[tuple[str, str], ...]:
    """Which facts a condition looks at, and which way each is worse; one looked at both ways is worse either way.

    >>> limit = ((EVERY_CURRENCY, Decimal(10)),)
    >>> looked_at(All((Test("discount_percent", "over", limit), Not(Test("net_days", "below", limit)))))
    (('discount_percent', 'up'), ('net_days', 'up'))
    """
    found: dict[str, str] = {}
    flipped = {UP: DOWN, DOWN: UP, ANY_WAY: ANY_WAY}
    for test, wanted in leaves(node, want=want):
        name, sense = test.fact, test.sense if wanted else flipped[test.sense]
        found[name] = sense if found.get(name, sense) == sense else ANY_WAY
    return tuple(sorted(found.items()))


def leaves(node: Node, *, want: bool = True) -> Iterable[tuple[Test, bool]]:
    """Every single test of a condition, and whether it has to hold or must not."""
    if isinstance(node, Test):
        yield node, want
    elif isinstance(node, Not):
        yield from leaves(node.part, want=not want)
    else:
        for part in node.parts:
            yield from leaves(part, want=want)


def tests(node: Node) -> Iterable[Test]:
    """Every single test of a condition."""
    return (test for test, _ in leaves(node))


def written(facts: Sheet, name: str) -> str:
    """A fact's value as it is kept with a decision: '' is not known, | is known to be none; an amount carries its currency.

    >>> written({"acv_minor": 1200, "currency": "EUR"}, "acv"), written({"products": ("b", "a")}, "products")
    ('1200 EUR', '|a|b')
    >>> written({"segment": ""}, "segment"), written({}, "segment")
    ('|', '')
    >>> written({"clauses": ("Liability is capped",)}, "clauses")
    '|Liability is capped'
    """
    value = value_of(facts, name)
    if value is None:
        return ""
    if name in AMOUNTS:
        return f"{value} {facts.get('currency', '')}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        items = map(_in_short, value) if name == "clauses" else value
        return "|" + "|".join(sorted(items))  # a list, also where it has one item or none
    return value or "|" if isinstance(value, str) else decimal_text(Decimal(value))


def _in_short(clause: str) -> str:
    """A clause as a fact: its beginning, with a hash of all of it, so that no other wording passes for it; a short one as it is."""
    plain = " ".join(clause.replace("|", " ").replace("#", " ").split())
    if plain == clause and len(plain) <= SHORT:
        return plain
    return f"{plain[:SHORT]}… #{hashlib.sha256(clause.encode()).hexdigest()[:32]}"
