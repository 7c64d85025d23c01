"""Is a matrix sound? Rules that cannot hold, rules that add nothing, gaps, groups with nobody in them, circles of deputies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise, product

from domain.approving.condition import (
    AMOUNTS,
    EVERY_CURRENCY,
    NUMBERS,
    Node,
    Sheet,
    Value,
    looked_at,
    reasons,
    tests,
    written,
)
from domain.approving.needing import stricter, who
from domain.approving.people import Directory, circles, seating
from domain.approving.policy import Matrix, Rule
from domain.approving.sitting import MOST_SEATS
from domain.approving.space import OTHER, cells
from domain.document import decimal_text
from domain.need import ALL, DOWN, MANAGER, NEXT_LEVEL, SALES, UP

ERROR, WARNING = "error", "warning"
MOST_LOOKS = 200_000  # at a cell, for all pairs of rules together: some seconds
WORSE_BELOW = frozenset({"margin_percent"})  # of every other figure, more is worse


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong (`error`) or looks so (`warning`), with its path in the document."""

    severity: str
    kind: str
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.path}: {self.message} ({self.kind})"


def check(matrix: Matrix, directory: Directory | None = None, at: datetime | None = None) -> tuple[Finding, ...]:
    """Everything found, in the order of the document; with a directory also whether anybody is there to decide `at`.

    >>> found = check(Matrix.parse({"name": "p", "rules": [
    ...     {"when": {"discount_percent_over": 30, "discount_percent_below": 20}, "require": [{"group": "desk"}]}]}))
    >>> str(found[0])
    'error: rules[0].when: rule 1 can never hold (unreachable)'
    """
    found = [*_rules(matrix), *_overlaps(matrix), *_gaps(matrix), *_levels(matrix), *_currencies(matrix)]
    found += _unused(matrix)
    if directory is not None and at is not None:
        found += [*_groups(matrix, directory, at), *_managers(matrix, directory, at), *_deputies(directory)]
    return tuple(dict.fromkeys(found))


# --- rules ---------------------------------------------------------------------------------------------------------


def _rules(matrix: Matrix) -> Iterator[Finding]:
    for i, rule in enumerate(matrix.rules):
        path = f"rules[{i}].when"
        own = cells([rule.when])
        if own is None:
            yield Finding(WARNING, "too_wide", path, f"{rule.name} looks at too many facts to be checked whole")
            continue
        if not any(_holds(rule.when, facts) for facts in own):
            yield Finding(ERROR, "unreachable", path, f"{rule.name} can never hold")
            continue
        both = cells([rule.when, *matrix.auto_approve])
        if both is not None and not any(_holds(rule.when, f) and matrix.approves(f) is None for f in both):
            yield Finding(ERROR, "unreachable", path, f"{rule.name} holds only where auto_approve asks nobody")


def _holds(node: Node, facts: Sheet) -> bool:
    return reasons(node, facts) is not None


def _overlaps(matrix: Matrix) -> Iterator[Finding]:
    looked = 0
    for i, rule in enumerate(matrix.rules):
        for j, other in enumerate(matrix.rules):
            if i == j or not _asks_no_more(rule, other):
                continue
            both = cells([rule.when, other.when])
            if both is None or looked > MOST_LOOKS:
                continue
            held = [(_holds(rule.when, facts), _holds(other.when, facts)) for facts in both]
            looked += len(held)
            inside = any(one for one, _ in held) and all(two for one, two in held if one)
            same = all(one == two for one, two in held) and _asks_no_more(other, rule)
            if inside and not (same and i < j):
                yield Finding(WARNING, "overlap", f"rules[{i}]", f"{rule.name} adds nothing to {other.name}")
    if looked > MOST_LOOKS:
        yield Finding(WARNING, "too_wide", "rules", "there are too many rules to compare each with each other")


def _asks_no_more(rule: Rule, other: Rule) -> bool:
    """Everything that `rule` asks for, `other` asks for as strictly and with as little patience."""
    asked = {(r.level, r.group): r.quorum for r in other.require}
    patience = [rule.remind_after.nominal, *(stage.after.nominal for stage in rule.stages[:1])]
    others = [other.remind_after.nominal, *(stage.after.nominal for stage in other.stages[:1])]
    sooner = any(one < two for one, two in zip(patience, others, strict=False))
    return not sooner and all(
        (r.level, r.group) in asked and stricter(r.quorum, asked[r.level, r.group]) == asked[r.level, r.group]
        for r in rule.require
    )


def _gaps(matrix: Matrix) -> Iterator[Finding]:
    """A worse figure for which nobody is asked, though somebody is for a better one."""
    for fact in (*NUMBERS, *AMOUNTS):
        about = [rule for rule in matrix.rules if _looks_at(rule.when, fact)]
        harmless = UP if fact in WORSE_BELOW else DOWN  # only better figures are approved at once
        spared = any(dict(looked_at(node)).get(fact, harmless) != harmless for node in matrix.auto_approve)
        if not about and not spared:
            continue
        gap = _gap_of(matrix, matrix.rules if spared else about, fact)
        if gap is None and not spared:
            gap = _gap_of(replace(matrix, auto_approve=()), about, fact)
        if gap is None:
            message = f"the rules about {fact} look at too many facts together to be searched for gaps"
            yield Finding(WARNING, "too_wide", "rules", message)
        elif gap and _gap_of(matrix, matrix.rules, fact) != "":  # no other rule asks there
            yield Finding(WARNING, "gap", "rules", gap)


def _looks_at(node: Node, fact: str) -> bool:
    return any(test.fact == fact and test.limits for test in tests(node))


def _gap_of(matrix: Matrix, rules: Sequence[Rule], fact: str) -> str | None:
    """The first gap of a fact in these rules, in words; '' none, None where there are too many cells to look at."""
    found = cells([*(rule.when for rule in rules), *matrix.auto_approve])
    if found is None:
        return None
    name = f"{fact}_minor" if fact in AMOUNTS else fact
    rows: dict[tuple[tuple[str, Value], ...], list[Sheet]] = {}
    for facts in found:
        if facts[name] is None:
            continue  # neither better nor worse
        rest = tuple((other, value) for other, value in facts.items() if other != name)
        rows.setdefault(rest, []).append(facts)
    return next((gap for row in rows.values() if (gap := _gap(matrix, rules, row, fact))), "")


def _asks(matrix: Matrix, rules: Iterable[Rule], facts: Sheet) -> bool:
    return matrix.approves(facts) is None and any(_holds(rule.when, facts) for rule in rules)


def _gap(matrix: Matrix, rules: Sequence[Rule], row: list[Sheet], fact: str) -> str:
    name = f"{fact}_minor" if fact in AMOUNTS else fact
    asked = [_asks(matrix, rules, facts) for facts in row]
    if fact in WORSE_BELOW:
        row, asked = row[::-1], asked[::-1]
    for (better, was), (worse, now) in pairwise(zip(row, asked, strict=True)):
        if was and not now:
            said = ", ".join(f"{k} {_said(v)}" for k, v in worse.items() if k not in (name, "currency"))
            beside = f" (with {said})" if said else ""
            one, two = written(better, fact), written(worse, fact)
            return f"{fact}: {one} asks somebody, {two} asks nobody{beside}"
    return ""


def _said(value: Value) -> str:
    if isinstance(value, tuple):
        return "/".join(value) or "none"
    return str(value) if isinstance(value, str | bool) or value is None else decimal_text(Decimal(value))


def _levels(matrix: Matrix) -> Iterator[Finding]:
    used = sorted({require.level for rule in matrix.rules for require in rule.require})
    for level in range(1, max(used, default=0)):
        if level not in used:
            yield Finding(
                WARNING, "gap", "rules", f"no rule asks anybody at level {level}, though level {used[-1]} is used"
            )
    for i, rule in enumerate(matrix.rules):
        top = max(require.level for require in rule.require)
        if any(stage.to == NEXT_LEVEL for stage in rule.stages) and top == used[-1]:
            message = f"{rule.name} escalates to the next level, and nothing is above level {top}"
            yield Finding(WARNING, "nowhere", f"rules[{i}].escalate", message)


def _currencies(matrix: Matrix) -> Iterator[Finding]:
    tables = [
        (i, test, {code for code, _ in test.limits})
        for i, rule in enumerate(matrix.rules)
        for test in tests(rule.when)
        if test.fact in AMOUNTS
    ]
    known = {code for _, _, codes in tables for code in codes} - {EVERY_CURRENCY}
    for i, test, codes in tables:
        if EVERY_CURRENCY not in codes and (missing := sorted(known - codes)):
            message = f"{test.fact}_{test.kind} has no limit for {', '.join(missing)}: every such deal is asked about"
            yield Finding(WARNING, "gap", f"rules[{i}].when", message)


# --- people --------------------------------------------------------------------------------------------------------


def _asked_groups(matrix: Matrix) -> Iterator[tuple[str, str, int]]:
    """Every group that is asked or escalated to, where, and how many of it are needed."""
    for i, rule in enumerate(matrix.rules):
        for k, require in enumerate(rule.require):
            yield f"rules[{i}].require[{k}]", require.group, require.quorum
        for stage in rule.stages:
            if stage.to not in ("", MANAGER, NEXT_LEVEL, SALES):
                yield f"rules[{i}].escalate", stage.to, 1


def _unused(matrix: Matrix) -> Iterator[Finding]:
    used = {group for _, group, _ in _asked_groups(matrix)}
    for name, _ in matrix.groups:
        if name not in used:
            yield Finding(WARNING, "unused", f"groups.{name}", f"no rule asks {name}")


def _scopes(matrix: Matrix, group: str) -> Iterator[tuple[dict[str, Value], bool]]:
    """Every kind of deal that the group's own scopes tell apart, and whether each word of it is one it names."""
    members = matrix.members(group)
    axes = {
        name: (*dict.fromkeys(word for m in members for word in getattr(m, field)), OTHER)
        for name, field in (("entity", "entities"), ("region", "regions"), ("segment", "segments"))
        if any(getattr(m, field) for m in members)
    }
    for row in product(*axes.values()):
        yield dict(zip(axes, row, strict=True)), OTHER not in row


def _groups(matrix: Matrix, directory: Directory, at: datetime) -> Iterator[Finding]:
    for path, group, quorum in _asked_groups(matrix):
        for scope, named in _scopes(matrix, group):
            people = [p for p in directory.named(*who(matrix, group, scope)) if directory.is_here(p, at)]
            where = f" for {', '.join(f'{k} {v}' for k, v in scope.items())}" if scope else ""
            severity = ERROR if named else WARNING
            seats = seating(directory, people, group=group, at=at, barred=()).seats
            there = {seat.holder for seat in seats}
            if not people:
                yield Finding(severity, "nobody", path, f"nobody is in {group}{where}")
            elif quorum != ALL and len(people) < quorum:
                message = f"{quorum} of {group} must approve, and only {len(people)} are in it{where}"
                yield Finding(severity, "nobody", path, message)
            elif quorum == ALL and len(seats) > MOST_SEATS:
                message = (
                    f"all of {group} must approve, and {len(seats)} are asked{where}: more than {MOST_SEATS} cannot be"
                )
                yield Finding(severity, "too_many", path, message)
            elif len(there) < max(quorum, 1):
                left = f"only {len(there)} of {group} are" if there else f"nobody of {group} is"
                message = f"{left} there now{where}: for who is away nobody stands in"
                yield Finding(WARNING, "nobody", path, message)


def _managers(matrix: Matrix, directory: Directory, at: datetime) -> Iterator[Finding]:
    for i, rule in enumerate(matrix.rules):
        if not any(stage.to == MANAGER for stage in rule.stages):
            continue
        groups = {require.group for require in rule.require}
        asked = {p for g in groups for m in matrix.members(g) for p in directory.named(m.people, m.roles)}
        for person in sorted(asked):
            if directory.is_here(person, at) and not directory.is_here(directory.manager_of(person), at):
                yield Finding(WARNING, "nowhere", f"rules[{i}].escalate", f"{person} has no manager to escalate to")


def _deputies(directory: Directory) -> Iterator[Finding]:
    for circle in circles(directory):
        row = " to ".join((*circle, circle[0]))
        yield Finding(ERROR, "circle", "delegations", f"while all are away the voice goes round: {row}")
    for each in directory.delegations:
        if each.to and not directory.is_here(each.to, each.since):
            yield Finding(ERROR, "nobody", "delegations", f"{each.to}, who stands in for {each.person}, is not there")
