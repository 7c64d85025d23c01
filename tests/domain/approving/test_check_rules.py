"""A check of a matrix at its corners: what two rules add to each other, which level and currency is missing, who counts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.approving.check import check
from domain.approving.people import Directory, Person
from domain.approving.policy import Matrix

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
MILD: dict[str, Any] = {"when": {"discount_percent_over": 10}, "require": [{"group": "desk"}]}
STEEP = {**MILD, "when": {"discount_percent_over": 20}}


def found(*rules: dict[str, Any], people: Directory | None = None, **more: Any) -> list[str]:
    return [str(each) for each in check(Matrix.parse({"name": "p", "rules": list(rules), **more}), people, NOW)]


ADDS_NOTHING = "warning: rules[1]: rule 2 adds nothing to rule 1 (overlap)"


@pytest.mark.parametrize(
    ("mild", "steep", "overlap"),
    [
        ({}, {}, True),
        ({}, {"remind_after_hours": 23}, False),
        ({}, {"escalate_after_hours": 71}, False),
        ({}, {"remind_after_hours": 25, "escalate_after_hours": 73}, True),
        ({}, {"remind_after_hours": 23, "escalate_after_hours": 73}, False),
        ({}, {"require": [{"group": "desk", "quorum": 2}]}, False),
        ({"require": [{"group": "desk", "quorum": 2}]}, {}, True),
        ({"require": [{"group": "desk", "quorum": "all"}]}, {"require": [{"group": "desk", "quorum": 9}]}, True),
        ({"require": [{"group": "desk", "quorum": 9}]}, {"require": [{"group": "desk", "quorum": "all"}]}, False),
        ({"require": [{"group": "desk"}, {"group": "legal"}]}, {}, True),
        ({}, {"require": [{"group": "desk"}, {"group": "legal"}]}, False),
        (
            {"require": [{"group": "desk"}, {"group": "a", "level": 2}]},
            {"require": [{"group": "desk", "level": 2}]},
            False,
        ),
    ],
)
def test_what_a_narrower_rule_adds(mild: dict[str, Any], steep: dict[str, Any], overlap: bool) -> None:
    assert (ADDS_NOTHING in found({**MILD, **mild}, {**STEEP, **steep})) is overlap


def test_one_of_a_pair_is_named_and_a_rule_that_never_holds_is_no_pair() -> None:
    assert found(MILD, MILD) == [ADDS_NOTHING]
    assert found(MILD, {**MILD, "when": {"discount_percent_over": 10, "net_days_over": 5}}) == [ADDS_NOTHING]
    never = {**MILD, "when": {"discount_percent_over": 10, "discount_percent_below": 5}}
    assert found(MILD, never) == ["error: rules[1].when: rule 2 can never hold (unreachable)"]
    assert (
        found({**MILD, "when": {"discount_percent_below": 15}}, {**MILD, "when": {"discount_percent_over": 10}}) == []
    )


@pytest.mark.parametrize(
    ("tops", "told"),
    [((1, 2), []), ((2, 2), [0]), ((1, 1), [0]), ((2, 1), [0])],
)
def test_the_next_level_is_there_for_all_but_the_top(tops: tuple[int, int], told: list[int]) -> None:
    up = [{"after": "1 days", "to": "next_level"}]
    first, second = ([{"group": f"g{level}", "level": level} for level in range(1, top + 1)] for top in tops)
    rules = ({**MILD, "require": first, "escalate": up}, {"when": {"net_days_over": 60}, "require": second})
    nowhere = [line for line in found(*rules) if line.endswith("(nowhere)")]
    message = f"rule 1 escalates to the next level, and nothing is above level {max(tops)} (nowhere)"
    assert nowhere == [f"warning: rules[{i}].escalate: {message}" for i in told]


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        (({"EUR": 5, "USD": 5}, {"EUR": 9, "USD": 9}), []),
        (({"EUR": 5, "USD": 5}, {"EUR": 9}), ["rules[1].when: tcv_over has no limit for USD"]),
        (({"EUR": 5, "USD": 5, "CHF": 5}, {"*": 9}), []),
        (({"EUR": 5, "*": 5}, {"EUR": 9}), []),
        (({"EUR": 5}, {"USD": 9}), ["rules[0].when: acv_over has no limit for USD", "rules[1].when: tcv_over has no limit for EUR"]),
    ],
)  # fmt: skip
def test_a_currency_without_a_limit(tables: tuple[dict[str, int], dict[str, int]], told: list[str]) -> None:
    rules = ({**MILD, "when": {f"{fact}_over": table}} for fact, table in zip(("acv", "tcv"), tables, strict=True))
    missing = [line for line in found(*rules) if "has no limit" in line]
    assert missing == [f"warning: {each}: every such deal is asked about (gap)" for each in told]


def a_person(email: str, *roles: str, manager: str = "", left: bool = False) -> Person:
    return Person(email=email, roles=roles, manager=manager, left_at=NOW if left else None)


@pytest.mark.parametrize(
    ("quorum", "here", "told"),
    [
        ("any", 1, []),
        (2, 2, []),
        (2, 1, ["error: rules[0].require[0]: 2 of desk must approve, and only 1 are in it (nobody)"]),
        (2, 0, ["error: rules[0].require[0]: nobody is in desk (nobody)"]),
        ("all", 1, []),
        ("all", 0, ["error: rules[0].require[0]: nobody is in desk (nobody)"]),
    ],
)
def test_who_has_left_is_in_no_group(quorum: object, here: int, told: list[str]) -> None:
    people = Directory(tuple(a_person(f"p{n}@x", "desk", left=n >= here) for n in range(3)))
    assert found({**MILD, "require": [{"group": "desk", "quorum": quorum}]}, people=people) == told


def test_a_manager_is_looked_for_where_a_member_is_here() -> None:
    up = {**MILD, "escalate": [{"after": "1 days", "to": "manager"}]}
    people = (a_person("a@x", "desk", manager="m@x"), a_person("b@x", "desk", left=True), a_person("m@x"))
    assert found(up, people=Directory(people)) == []
    alone = (a_person("a@x", "desk", manager="m@x"), a_person("m@x", left=True))
    told = "warning: rules[0].escalate: a@x has no manager to escalate to (nowhere)"
    assert found(up, people=Directory(alone)) == [told]
    assert found(MILD, people=Directory(alone)) == [], "nobody is escalated to"


@pytest.mark.parametrize(
    ("when", "gap"),
    [
        ({"margin_percent_below": 20}, ""),
        ({"margin_percent_over": 20}, "margin_percent: 60 asks somebody, 20 asks nobody"),
        ({"discount_percent_below": 20}, "discount_percent: 10 asks somebody, 20 asks nobody"),
        ({"discount_percent_over": 20}, ""),
        ({"acv_below": {"EUR": 1}}, "acv: 99 EUR asks somebody, 100 EUR asks nobody"),
        ({"net_days_below": 30}, "net_days: 29 asks somebody, 30 asks nobody"),
        ({"clauses_over": 1, "clauses_below": 4}, "clauses: 3 asks somebody, 4 asks nobody"),
    ],
)
def test_a_worse_figure_is_asked_about_as_a_better_one_is(when: dict[str, Any], gap: str) -> None:
    told = [line for line in found({**MILD, "when": when}) if line.endswith("(gap)")]
    assert told == ([f"warning: rules: {gap} (gap)"] if gap else [])


@pytest.mark.parametrize(
    "when",
    [
        {"acv_over": {"EUR": 1}, "acv_below": {"EUR": "1.02"}},
        {"discount_percent_over": 10, "discount_percent_below": 11},
        {"margin_percent_over": -5, "margin_percent_below": -4},
        {"not": {"currency_in": ["EUR", "USD"]}},
        {"not": {"segment_in": ["public", "retail"]}},
        {"not": {"region_in": ["EMEA"]}, "region_in": ["APAC"]},
        {"net_days_over": 3649},
        {"net_days_below": 1},
        {"clause_in": ["a"], "not": {"clauses_below": 3}, "clauses_below": 4},
    ],
)
def test_the_narrowest_rule_is_reachable(when: dict[str, Any]) -> None:
    assert [line for line in found({**MILD, "when": when}) if "unreachable" in line] == []


@pytest.mark.parametrize(
    "when",
    [
        {"acv_over": {"EUR": 1}, "acv_below": {"EUR": "1.01"}, "currency_in": ["EUR"]},
        {"net_days_over": 3650},
        {"net_days_below": 0},
        {"currency_in": ["EUR"], "not": {"currency_in": ["EUR", "USD"]}},
        {"clause_in": ["a"], "not": {"clauses_over": 0}},
    ],
)
def test_a_rule_between_two_neighbours_is_not(when: dict[str, Any]) -> None:
    assert "error: rules[0].when: rule 1 can never hold (unreachable)" in found({**MILD, "when": when})
