"""Who must approve a quote is data: ordered rules over its facts that ask for groups at levels; no match means approved.

As a document:

    name: standard
    rules:
      - when: {discount_percent_over: "10"}
        require: [{level: 1, group: sales_manager}]
      - when:
          any: [{discount_percent_over: "25"}, {acv_over: {EUR: "100000", USD: "110000"}}]
        require: [{level: 1, group: sales_manager}, {level: 2, group: finance}]
        remind_after_hours: 24      # the defaults
        escalate_after_hours: 72
        escalate_to: vp_sales       # nobody unless said

Conditions: discount_percent_over, term_months_over, net_days_over, acv_over and tcv_over (major units: one figure for every
currency, or a table by currency), any, all. Fields beside each other must all hold. A currency that a table does not list
matches, and says so: nobody has set a limit for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from domain.document import Reader, decimal_text
from domain.errors import InvalidDocument, Problem
from domain.money import EXPONENTS, Money, text, to_minor

NUMBERS = {
    "discount_percent_over": ("discount", "%", 100),
    "term_months_over": ("term", "months", 1200),
    "net_days_over": ("net payment", "days", 3650),
}
AMOUNTS = {"acv_over": "ACV", "tcv_over": "TCV"}
LARGEST = 10**12
EVERY_CURRENCY = "*"
GROUP = r"[a-z0-9][a-z0-9_.-]{0,63}"
GROUP_SHAPE = "a group in lower case, such as deal_desk"


class PolicyInvalid(InvalidDocument):
    """An approval policy with problems, each with its path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a policy may look at: the highest discount as stated (percent), values in minor units, the terms.

    `margin_percent` is None where no cost is known; `regions` are the `region` attributes of the lines; `segment` is the
    account's.
    """

    discount_percent: Decimal
    acv_minor: int
    tcv_minor: int
    term_months: int
    net_days: int
    currency: str
    margin_percent: Decimal | None = None
    below_floor: bool = False
    ramp: bool = False
    clauses: int = 0
    products: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    segment: str = ""
    method: str = ""
    one_time_minor: int = 0
    partner_percent: Decimal = Decimal(0)


def worst(facts: Sequence[Facts]) -> Facts:
    """The facts of several offers as one: the worst of each figure, all of what is in any of them.

    >>> one = Facts(discount_percent=Decimal(5), acv_minor=10, tcv_minor=30, term_months=36, net_days=30, currency="EUR",
    ...             margin_percent=Decimal(40))
    >>> both = worst([one, replace(one, discount_percent=Decimal(20), acv_minor=5, margin_percent=Decimal(10))])
    >>> both.discount_percent, both.acv_minor, both.margin_percent
    (Decimal('20'), 10, Decimal('10'))
    """
    margins = [each.margin_percent for each in facts if each.margin_percent is not None]
    return replace(
        facts[0],
        discount_percent=max(each.discount_percent for each in facts),
        acv_minor=max(each.acv_minor for each in facts),
        tcv_minor=max(each.tcv_minor for each in facts),
        term_months=max(each.term_months for each in facts),
        net_days=max(each.net_days for each in facts),
        margin_percent=min(margins) if margins else None,
        below_floor=any(each.below_floor for each in facts),
        ramp=any(each.ramp for each in facts),
        clauses=max(each.clauses for each in facts),
        products=tuple(dict.fromkeys(product for each in facts for product in each.products)),
        regions=tuple(dict.fromkeys(region for each in facts for region in each.regions)),
        one_time_minor=max(each.one_time_minor for each in facts),
        partner_percent=max(each.partner_percent for each in facts),
    )


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
        name = AMOUNTS[self.fact]
        minor = facts.acv_minor if self.fact == "acv_over" else facts.tcv_minor
        value = Money(minor, facts.currency)
        table = dict(self.limits)
        limit = table.get(facts.currency, table.get(EVERY_CURRENCY))
        if limit is None:
            return (f"no limit of {name} is set for {facts.currency}",)
        bound = Money(to_minor(limit, facts.currency), facts.currency)
        return (f"{name} of {text(value)} is over {text(bound)}",) if value > bound else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Parts that must all hold, or of which any one is enough. No part at all always holds."""

    parts: tuple[Condition | Over, ...]
    any_of: bool = False

    def reasons(self, facts: Facts) -> tuple[str, ...] | None:
        """Why it holds, in words; None where it does not hold."""
        found = [part.reasons(facts) for part in self.parts]
        holding = [reasons for reasons in found if reasons is not None]
        enough = bool(holding) if self.any_of else len(holding) == len(found)
        return tuple(reason for reasons in holding for reason in reasons) if enough else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    when: Condition
    require: tuple[tuple[int, str], ...]
    remind_after_hours: int
    escalate_after_hours: int
    escalate_to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One group whose approval is needed at one level, why, and its patience in hours."""

    level: int
    group: str
    reasons: tuple[str, ...]
    remind_after_hours: int
    escalate_after_hours: int
    escalate_to: str

    @property
    def reason(self) -> str:
        """All reasons in one line."""
        return "; ".join(self.reasons)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    name: str
    rules: tuple[Rule, ...]

    @classmethod
    def parse(cls, mapping: Mapping[str, object]) -> Policy:
        """Read a policy; raises PolicyInvalid with every problem in it. A policy without rules approves all."""
        problems: list[Problem] = []
        reader = Reader(mapping, problems)
        policy = cls(
            name=reader.text("name", pattern=GROUP, shape="a name in lower case"),
            rules=tuple(_rule(each) for each in reader.sections("rules", required=False)),
        )
        reader.end()
        if problems:
            raise PolicyInvalid(problems=tuple(problems))
        return policy


def required(policy: Policy, facts: Facts) -> tuple[Requirement, ...]:
    """Who must approve, by level and group; empty means approved at once.

    A group asked for by several rules is asked once, with all reasons and the least patience.

    >>> policy = Policy.parse({"name": "p", "rules": [
    ...     {"when": {"discount_percent_over": 10}, "require": [{"level": 1, "group": "deal_desk"}]}]})
    >>> facts = Facts(discount_percent=Decimal(15), acv_minor=0, tcv_minor=0, term_months=12, net_days=30, currency="EUR")
    >>> [(r.level, r.group, r.reason) for r in required(policy, facts)]
    [(1, 'deal_desk', 'discount of 15 % is over 10 %')]
    """
    asked: dict[tuple[int, str], Requirement] = {}
    for rule in policy.rules:
        if (reasons := rule.when.reasons(facts)) is None:
            continue
        for level, group in rule.require:
            new = Requirement(
                level=level,
                group=group,
                reasons=reasons or ("always required",),
                remind_after_hours=rule.remind_after_hours,
                escalate_after_hours=rule.escalate_after_hours,
                escalate_to=rule.escalate_to,
            )
            asked[level, group] = _merged(asked[level, group], new) if (level, group) in asked else new
    return tuple(asked[key] for key in sorted(asked))


def _merged(one: Requirement, other: Requirement) -> Requirement:
    sooner = other if other.escalate_after_hours < one.escalate_after_hours else one
    return Requirement(
        level=one.level,
        group=one.group,
        reasons=tuple(dict.fromkeys((*one.reasons, *other.reasons))),
        remind_after_hours=min(one.remind_after_hours, other.remind_after_hours),
        escalate_after_hours=sooner.escalate_after_hours,
        escalate_to=sooner.escalate_to or one.escalate_to or other.escalate_to,
    )


def _rule(reader: Reader) -> Rule:
    when = _condition(reader.section("when", required=False))
    require = []
    for each in reader.sections("require"):
        level = each.whole("level", 1, minimum=1, maximum=9)
        require.append((level, each.text("group", pattern=GROUP, shape=GROUP_SHAPE)))
        each.end()
    rule = Rule(
        when=when,
        require=tuple(require),
        remind_after_hours=reader.whole("remind_after_hours", 24, minimum=1, maximum=8760),
        escalate_after_hours=reader.whole("escalate_after_hours", 72, minimum=1, maximum=8760),
        escalate_to=reader.text("escalate_to", "", pattern=f"({GROUP})?", shape=GROUP_SHAPE),
    )
    reader.end()
    return rule


def _condition(reader: Reader, *, any_of: bool = False) -> Condition:
    parts: list[Condition | Over] = []
    for name, (_, _, most) in NUMBERS.items():
        if reader.has(name):
            limit = reader.decimal(name, minimum=0, maximum=most)
            parts.append(Over(fact=name, limits=((EVERY_CURRENCY, limit),)))
    parts += [Over(fact=name, limits=_limits(reader, name)) for name in AMOUNTS if reader.has(name)]
    for name in ("any", "all"):
        if reader.has(name):
            inner = tuple(_condition(each) for each in reader.sections(name))
            parts.append(Condition(parts=inner, any_of=name == "any"))
    reader.end()
    return Condition(parts=tuple(parts), any_of=any_of)


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
