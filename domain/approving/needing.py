"""What a version needs by a matrix: every rule that holds asks; a group that several ask for is asked once, the strictest way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce

from domain.approving.calendar import Patience
from domain.approving.condition import All, Sheet, looked_at, reasons, written
from domain.approving.policy import Matrix, Require, Rule, Stage
from domain.approving.reapproval import worse
from domain.need import ALL, ANY_WAY, DOWN, MANAGER, NEXT_LEVEL, SALES, Need, Rung


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One group at one level, as far as the rules read so far want it."""

    require: Require
    rules: tuple[Rule, ...]
    reasons: tuple[str, ...]
    remind_after: Patience
    stages: tuple[Stage, ...]


def needs(matrix: Matrix, facts: Sheet, *offers: Sheet) -> tuple[Need, ...]:
    """Who must approve, by level and group; empty means approved at once.

    Of a version with alternatives `facts` are the worst of each, `offers` those of each alone: a rule that holds for any of
    them asks, and the version is approved at once only where each of them is.

    Several rules that ask for one group at one level: all reasons, the larger quorum, the least patience.

    >>> matrix = Matrix.parse({"name": "p", "rules": [
    ...     {"when": {"discount_percent_over": 10}, "require": [{"group": "desk"}], "escalate_to": "boss"},
    ...     {"when": {"net_days_over": 30}, "require": [{"group": "desk", "quorum": "2"}]}]}, version=4)
    >>> (need,) = needs(matrix, {"discount_percent": 15, "net_days": 60})
    >>> need.reason, need.quorum, need.policy, [str(rung.after) for rung in need.rungs]
    ('discount of 15 % is over 10 %; net payment of 60 days is over 30 days', 2, 'p/4', ['72 hours'])
    >>> need.facts
    (('discount_percent', 'up', '15'), ('net_days', 'up', '60'))
    """
    wanted: dict[tuple[int, str], _Wanted] = {}
    sheets = (facts, *offers)
    for rule in matrix.rules:
        if (why := holding(matrix, rule, sheets)) is None:
            continue
        for require in rule.require:
            key = (require.level, require.group)
            new = _Wanted(require, (rule,), why or ("always required",), rule.remind_after, rule.stages)
            wanted[key] = _merged(wanted[key], new) if key in wanted else new
    return tuple(_need(matrix, wanted[key], sheets) for key in sorted(wanted))


def holding(matrix: Matrix, rule: Rule, sheets: Iterable[Sheet]) -> tuple[str, ...] | None:
    """Why a rule asks about the first of these offers for which it does; None where it asks about none of them."""
    asking = (each for each in sheets if matrix.approves(each) is None)
    return next((why for each in asking if (why := reasons(rule.when, each)) is not None), None)


def stricter(one: int, other: int) -> int:
    """The larger of two quorums; all is the largest.

    >>> stricter(2, 3), stricter(5, ALL)
    (3, 0)
    """
    return ALL if ALL in (one, other) else max(one, other)


def _merged(one: _Wanted, other: _Wanted) -> _Wanted:
    sooner, later = (other, one) if _first(other.stages) < _first(one.stages) else (one, other)
    stages = sooner.stages
    if stages and not stages[0].to:  # it says how soon, another says to whom
        to = next((s[0].to for s in (one.stages, other.stages) if s and s[0].to), "")
        stages = (replace(stages[0], to=to), *stages[1:])
    quorum = stricter(one.require.quorum, other.require.quorum)
    return _Wanted(
        require=replace(one.require, quorum=quorum),
        rules=(*one.rules, *other.rules),
        reasons=tuple(dict.fromkeys((*one.reasons, *other.reasons))),
        remind_after=min(one.remind_after, other.remind_after, key=lambda each: each.nominal),
        stages=stages or later.stages,
    )


def _first(stages: tuple[Stage, ...]) -> int:
    return stages[0].after.nominal


def _need(matrix: Matrix, wanted: _Wanted, sheets: tuple[Sheet, ...]) -> Need:
    facts = sheets[0]
    people, roles = who(matrix, wanted.require.group, facts)
    first = wanted.stages[0]
    return Need(
        level=wanted.require.level,
        group=wanted.require.group,
        reason="; ".join(wanted.reasons),
        remind_after_hours=_hours(wanted.remind_after),
        escalate_after_hours=_hours(first.after),
        escalate_to=first.to,
        quorum=wanted.require.quorum,
        policy=matrix.label,
        rules=tuple(dict.fromkeys(rule.name for rule in wanted.rules)),
        people=people,
        roles=roles,
        facts=_facts(wanted.rules, sheets),
        remind_after=str(wanted.remind_after),
        rungs=tuple(_rung(matrix, stage, facts) for stage in wanted.stages if stage.to),
        stands_days=matrix.stands_days,
    )


def _facts(rules: Iterable[Rule], sheets: tuple[Sheet, ...]) -> tuple[tuple[str, str, str], ...]:
    """All that the rules look at. What auto-approval looks at is no reason to ask, so it is not here."""
    nodes = All(tuple(rule.when for rule in rules))
    return tuple(
        (name, sense, _worst([written(each, name) for each in sheets], sense)) for name, sense in looked_at(nodes)
    )


def _worst(values: list[str], sense: str) -> str:
    """A fact of several offers as one. Where either way is worse, all of its values: none of them may change."""
    if sense == ANY_WAY:
        return "; ".join(sorted(set(values)))
    lists = [set(value.split("|")[1:]) for value in values if value.startswith("|")]
    if sense == DOWN and len(lists) == len(values):  # the fewer, the worse
        return "|" + "|".join(sorted(set.intersection(*lists)))
    return reduce(lambda one, other: other if worse(other, one, sense) else one, values)


def _rung(matrix: Matrix, stage: Stage, facts: Sheet) -> Rung:
    if stage.to in (MANAGER, NEXT_LEVEL, SALES):
        return Rung(after=str(stage.after), to=stage.to)
    people, roles = who(matrix, stage.to, facts)
    return Rung(after=str(stage.after), to=stage.to, people=people, roles=roles)


def who(matrix: Matrix, group: str, facts: Sheet) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Whom a group means for a deal of these facts: people by e-mail, and roles.

    >>> matrix = Matrix.parse({"name": "p", "groups": {"finance": [
    ...     {"people": ["fay@x.example"], "regions": ["EMEA"]}, {"roles": ["finance_us"], "regions": ["AMER"]}]}})
    >>> who(matrix, "finance", {"region": "EMEA"}), who(matrix, "desk", {})
    ((('fay@x.example',), ()), ((), ('desk',)))
    """
    serving = [members for members in matrix.members(group) if members.serve(facts)]
    people = dict.fromkeys(person.lower() for members in serving for person in members.people)
    roles = dict.fromkeys(role for members in serving for role in members.roles)
    return tuple(people), tuple(roles)


def _hours(patience: Patience) -> int:
    """The patience as the first release counts it; business time at its nominal length, at least an hour."""
    return max(1, patience.nominal // 60)
