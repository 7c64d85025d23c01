"""What a check of a matrix finds, each kind with a matrix that has it and one that has not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.approving.check import Finding, check
from domain.approving.condition import reasons
from domain.approving.needing import needs
from domain.approving.people import Delegation, Directory, Person
from domain.approving.policy import Matrix
from domain.approving.space import cells

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
DESK = [{"group": "desk"}]


def a_matrix(*whens: dict[str, Any], **more: Any) -> Matrix:
    rules = [{"when": when, "require": DESK} for when in whens]
    return Matrix.parse({"name": "p", "rules": rules, **more})


def kinds(matrix: Matrix, directory: Directory | None = None) -> list[tuple[str, str]]:
    return [(finding.kind, finding.path) for finding in check(matrix, directory, NOW)]


def test_a_sound_matrix_has_no_findings() -> None:
    rules = [
        {"when": {"discount_percent_over": 10}, "require": DESK},
        {
            "when": {"any": [{"discount_percent_over": 25}, {"acv_over": {"EUR": 1000, "USD": 1100}}]},
            "require": [*DESK, {"level": 2, "group": "finance"}],
        },
        {
            "when": {"not": {"segment_in": ["public"]}, "margin_percent_below": 20},
            "require": [{"level": 2, "group": "finance"}],
        },
    ]
    people = Directory((Person(email="a@x", roles=("desk",)), Person(email="b@x", roles=("finance",))))
    assert check(Matrix.parse({"name": "p", "rules": rules}), people, NOW) == ()


@pytest.mark.parametrize(
    "when",
    [
        {"discount_percent_over": 30, "discount_percent_below": 30},
        {"discount_percent_over": 100},
        {"net_days_over": 45, "not": {"net_days_over": 30}},
        {"net_days_over": 45, "net_days_below": 46},
        {"acv_over": {"EUR": 10, "USD": 10}, "acv_below": {"EUR": 5, "USD": 5, "*": 1}, "currency_in": ["EUR"]},
        {"segment_in": ["public"], "not": {"segment_in": ["public", "health"]}},
        {"ramp": True, "not": {"ramp": True}},
        {"clause_in": ["a"], "clauses_below": 1},
        {"product_in": ["a"], "not": {"product_in": ["b", "a"]}},
    ],
)
def test_a_rule_that_can_never_hold(when: dict[str, Any]) -> None:
    assert ("unreachable", "rules[0].when") in kinds(a_matrix(when))


@pytest.mark.parametrize(
    "when",
    [
        {"discount_percent_over": 30, "discount_percent_below": "30.01"},
        {"net_days_over": 45, "net_days_below": 47},
        {"discount_percent_over": "99.99"},
        {"any": [{"discount_percent_over": 100}, {"ramp": True}]},
        {"product_in": ["a"], "not": {"product_in": ["b"]}},
        {"clause_in": ["a", "b"], "clauses_over": 2},
        {"clause_in": ["a"], "clauses_below": 2},
        {"all": [{"product_in": ["a"]}, {"product_in": ["b"]}], "not": {"product_in": ["c"]}},
    ],
)
def test_a_narrow_rule_is_a_rule(when: dict[str, Any]) -> None:
    assert "unreachable" not in [kind for kind, _ in kinds(a_matrix(when))]


def test_a_rule_behind_auto_approval() -> None:
    matrix = a_matrix({"discount_percent_over": 10, "tcv_below": 500}, auto_approve=[{"tcv_below": 1000}])
    assert check(matrix)[0] == Finding(
        "error", "unreachable", "rules[0].when", "rule 1 holds only where auto_approve asks nobody"
    )


@pytest.mark.parametrize(
    ("whens", "found"),
    [
        (({"discount_percent_over": 10}, {"discount_percent_over": 20}), [("overlap", "rules[1]")]),
        (({"discount_percent_over": 20}, {"discount_percent_over": 10}), [("overlap", "rules[0]")]),
        (({"discount_percent_over": 10}, {"discount_percent_over": 10}), [("overlap", "rules[1]")]),
        (({"discount_percent_over": 10}, {"discount_percent_over": 20, "ramp": True}), [("overlap", "rules[1]")]),
        (({"discount_percent_over": 10}, {"net_days_over": 20}), []),
    ],
)
def test_a_rule_that_adds_nothing(whens: tuple[dict[str, Any], ...], found: list[tuple[str, str]]) -> None:
    assert kinds(a_matrix(*whens)) == found


def test_a_rule_that_is_sooner_or_stricter_adds_something() -> None:
    mild = {"when": {"discount_percent_over": 10}, "require": DESK}
    for more in ({"remind_after_hours": 2}, {"escalate_after_hours": 2}, {"require": [{"group": "desk", "quorum": 2}]}):
        steep = {"when": {"discount_percent_over": 20}, "require": DESK, **more}
        assert kinds(Matrix.parse({"name": "p", "rules": [mild, steep]})) == []


@pytest.mark.parametrize(
    ("whens", "message"),
    [
        (
            ({"discount_percent_over": 10, "discount_percent_below": 20}, {"discount_percent_over": 30}),
            "discount_percent: 15 asks somebody, 20 asks nobody",
        ),
        (
            ({"margin_percent_over": 10, "margin_percent_below": 20},),
            "margin_percent: 15 asks somebody, 10 asks nobody",
        ),
        (
            ({"acv_over": {"EUR": 10}, "not": {"acv_over": {"EUR": 20}}},),
            "acv: 2000 EUR asks somebody, 2001 EUR asks nobody",
        ),
        (
            ({"term_months_over": 12, "term_months_below": 36, "ramp": True},),
            "term_months: 35 asks somebody, 36 asks nobody (with ramp True)",
        ),
    ],
)
def test_a_worse_figure_that_nobody_is_asked_about(whens: tuple[dict[str, Any], ...], message: str) -> None:
    assert Finding("warning", "gap", "rules", message) in check(a_matrix(*whens))


def test_a_level_that_nobody_is_asked_at() -> None:
    rules = [{"require": [{"level": 1, "group": "a"}, {"level": 3, "group": "b"}]}]
    found = check(Matrix.parse({"name": "p", "rules": rules}))
    assert [f.message for f in found] == ["no rule asks anybody at level 2, though level 3 is used"]


def test_a_currency_that_another_limit_knows() -> None:
    found = check(a_matrix({"acv_over": {"EUR": 10, "USD": 10}}, {"tcv_over": {"EUR": 50}}))
    assert [f.message for f in found] == ["tcv_over has no limit for USD: every such deal is asked about"]


def test_a_rule_too_wide_to_look_at_says_so() -> None:
    whens = {
        f"{fact}_{kind}": 5
        for fact in ("discount_percent", "term_months", "net_days", "margin_percent")
        for kind in ("over",)
    }
    wide = {
        **whens,
        "any": [
            {"discount_percent_over": n, "term_months_over": n, "net_days_over": n, "margin_percent_over": n}
            for n in range(10, 30)
        ],
    }
    assert kinds(a_matrix(wide))[0] == ("too_wide", "rules[0].when")


# --- people --------------------------------------------------------------------------------------------------------


def a_person(email: str, *roles: str, manager: str = "", left: bool = False) -> Person:
    return Person(email=email, roles=roles, manager=manager, left_at=NOW if left else None)


def test_nobody_is_in_a_group() -> None:
    matrix = a_matrix({"ramp": True})
    assert kinds(matrix, Directory()) == [("nobody", "rules[0].require[0]")]
    assert kinds(matrix, Directory((a_person("a@x", "desk", left=True),))) == [("nobody", "rules[0].require[0]")]
    assert kinds(matrix, Directory((a_person("a@x", "desk"),))) == []


def test_nobody_is_in_a_group_for_one_region() -> None:
    groups = {
        "desk": [{"people": ["a@x.example"], "regions": ["EMEA"]}, {"people": ["z@x.example"], "regions": ["AMER"]}]
    }
    found = check(a_matrix({"ramp": True}, groups=groups), Directory((a_person("a@x.example"),)), NOW)
    assert [(f.severity, f.message) for f in found] == [
        ("error", "nobody is in desk for region AMER"),
        ("warning", "nobody is in desk for region (other)"),
    ]


def test_fewer_people_than_the_quorum() -> None:
    matrix = Matrix.parse({"name": "p", "rules": [{"require": [{"group": "desk", "quorum": 2}]}]})
    found = check(matrix, Directory((a_person("a@x", "desk"),)), NOW)
    assert [f.message for f in found] == ["2 of desk must approve, and only 1 are in it"]


def test_escalations_that_lead_nowhere() -> None:
    escalate = [
        {"after": "1 days", "to": "manager"},
        {"after": "1 days", "to": "next_level"},
        {"after": "1 days", "to": "heads"},
    ]
    matrix = Matrix.parse({"name": "p", "rules": [{"require": DESK, "escalate": escalate}]})
    people = Directory((a_person("a@x", "desk", manager="m@x"), a_person("b@x", "desk"), a_person("m@x", left=True)))
    assert [str(f) for f in check(matrix, people, NOW)] == [
        "warning: rules[0].escalate: rule 1 escalates to the next level, and nothing is above level 1 (nowhere)",
        "error: rules[0].escalate: nobody is in heads (nobody)",
        "warning: rules[0].escalate: a@x has no manager to escalate to (nowhere)",
        "warning: rules[0].escalate: b@x has no manager to escalate to (nowhere)",
    ]


def test_a_group_that_nobody_asks() -> None:
    assert kinds(a_matrix({"ramp": True}, groups={"legal": [{"roles": ["legal"]}]})) == [("unused", "groups.legal")]


def test_circles_and_deputies_who_are_not_there() -> None:
    week = timedelta(days=7)
    out = Delegation(person="a@x", to="b@x", since=NOW, until=NOW + week)
    back = replace(out, person="b@x", to="a@x")
    people = Directory((a_person("a@x", "desk"), a_person("b@x"), a_person("c@x", left=True)), (out, back))
    assert [f.message for f in check(a_matrix({"ramp": True}), people, NOW)] == [
        "nobody of desk is there now: for who is away nobody stands in",
        "while all are away the voice goes round: a@x to b@x to a@x",
    ]
    gone = replace(people, delegations=(replace(out, to="c@x"),))
    assert [f.message for f in check(a_matrix({"ramp": True}), gone, NOW)] == [
        "nobody of desk is there now: for who is away nobody stands in",
        "c@x, who stands in for a@x, is not there",
    ]


# --- the cells speak for every version -----------------------------------------------------------------------------

limits = st.integers(0, 100)
leaf = st.one_of(
    limits.map(lambda n: {"discount_percent_over": n}),
    limits.map(lambda n: {"discount_percent_below": n}),
    limits.map(lambda n: {"net_days_over": n}),
    limits.map(lambda n: {"acv_over": {"EUR": n, "USD": n + 1}}),
    st.sampled_from(({"ramp": True}, {"segment_in": ["public"]}, {"currency_in": ["USD"]})),
)
conditions = st.recursive(
    leaf,
    lambda inner: st.one_of(inner.map(lambda c: {"not": c}), st.lists(inner, min_size=1, max_size=3).map(lambda c: {"any": c}), st.lists(inner, min_size=1, max_size=3).map(lambda c: {"all": c})),
    max_leaves=5,
)  # fmt: skip
versions = st.fixed_dictionaries(
    {
        "discount_percent": st.decimals(0, 100, places=1),
        "net_days": st.integers(0, 3650),
        "acv_minor": st.integers(0, 20_000),
        "currency": st.sampled_from(("EUR", "USD", "CHF")),
        "ramp": st.booleans(),
        "segment": st.sampled_from(("public", "retail")),
    }
)


@settings(deadline=None)
@given(conditions, versions)
def test_what_holds_for_any_version_holds_in_a_cell(when: dict[str, Any], version: dict[str, Any]) -> None:
    """So a rule that holds in no cell can never hold: `unreachable` is never said of a rule that somebody could meet."""
    matrix = a_matrix(when)
    if needs(matrix, version):
        found = cells([matrix.rules[0].when])
        assert found is not None
        assert any(reasons(matrix.rules[0].when, facts) is not None for facts in found)


def test_a_group_whose_people_are_all_away_is_told() -> None:
    away = Delegation(person="a@x", to="", since=NOW, until=NOW + timedelta(days=9))
    ann, bob = Person(email="a@x", roles=("desk",)), Person(email="b@x", roles=("desk",))
    matrix = a_matrix({"ramp": True})
    assert kinds(matrix, Directory((ann,), (away,))) == [("nobody", "rules[0].require[0]")]
    assert kinds(matrix, Directory((ann, bob), (away,))) == []
    assert kinds(matrix, Directory((ann, bob), (replace(away, to="b@x"),))) == []
    assert kinds(matrix, Directory((ann,), (replace(away, since=NOW + timedelta(days=1)),))) == []


def test_all_of_a_group_too_large_to_be_asked_one_by_one() -> None:
    """Any of them, or a number, may be asked; all of forty as well."""
    crowd = Directory(tuple(Person(email=f"p{n:02}@x", roles=("desk",)) for n in range(41)))

    def found(quorum: object, people: Directory = crowd) -> list[str]:
        matrix = Matrix.parse({"name": "p", "rules": [{"require": [{"group": "desk", "quorum": quorum}]}]})
        return [str(each) for each in check(matrix, people, NOW)]

    message = "all of desk must approve, and 41 are asked: more than 40 cannot be"
    assert found("all") == [f"error: rules[0].require[0]: {message} (too_many)"]
    assert found("any") == found(3) == found("all", Directory(crowd.people[1:])) == []
