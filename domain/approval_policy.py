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

Conditions: discount_percent_over, term_months_over, net_days_over, partner_percent_over, clauses_over (beside our standard
terms), margin_percent_below (of the lines whose cost is known; unknown margins do not match), acv_over, tcv_over and
one_time_over (major units: one figure for every currency, or a table by currency), below_floor and ramp (true or false),
product_in, region_in (attribute `region` of a line), segment_in, method_in and currency_in (lists), any, all. Fields beside
each other must all hold. A currency that a table does not list matches, and says so: nobody has set a limit for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.document import Reader
from domain.errors import InvalidDocument, Problem
from domain.quoting.condition import Condition, read_condition
from domain.quoting.facts import Facts

__all__ = ["Condition", "Facts", "Policy", "PolicyInvalid", "Requirement", "Rule", "required"]

GROUP = r"[a-z0-9][a-z0-9_.-]{0,63}"
GROUP_SHAPE = "a group in lower case, such as deal_desk"


class PolicyInvalid(InvalidDocument):
    """An approval policy with problems, each with its path."""


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

    >>> from decimal import Decimal
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
    when = read_condition(reader.section("when", required=False))
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
