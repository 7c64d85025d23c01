"""The matrix as data: what it means, what it refuses, and that the first release's policies mean what they meant."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.approving.condition import Value, sheet
from domain.approving.needing import needs
from domain.approving.policy import Matrix, MatrixInvalid, Members
from domain.errors import Problem
from domain.need import Need, Rung
from domain.quoting.facts import Facts

FACTS = Facts(
    discount_percent=Decimal(15), acv_minor=1_000_00, tcv_minor=3_000_00, term_months=12, net_days=30, currency="EUR"
)


def a_matrix(when: dict[str, Any] | None = None, **rule: Any) -> dict[str, Any]:
    return {"name": "p", "rules": [{"when": when, "require": [{"group": "desk"}]} | rule]}


def asked(document: dict[str, Any], **more: Value) -> tuple[Need, ...]:
    return needs(Matrix.parse(document, version=1), sheet(FACTS, **more))


def holds(when: dict[str, Any], **more: Value) -> str | None:
    found = asked(a_matrix(when), **more)
    return found[0].reason if found else None


@pytest.mark.parametrize(
    ("when", "more", "reason"),
    [
        ({"margin_percent_below": 20}, {"margin_percent": Decimal("19.9")}, "margin of 19.9 % is below 20 %"),
        ({"margin_percent_below": 20}, {"margin_percent": Decimal(20)}, None),
        ({"margin_percent_below": -5}, {"margin_percent": Decimal(-6)}, "margin of -6 % is below -5 %"),
        ({"margin_percent_below": 20}, {"margin_percent": None}, None),
        ({"margin_percent_below": 20}, {}, None),
        ({"not": {"margin_percent_over": 20}}, {"margin_percent": None}, "margin is not known"),
        ({"not": {"discount_percent_below": 15}}, {}, "discount of 15 % is not below 15 %"),
        ({"not": {"discount_percent_over": 10}}, {}, None),
        ({"below_floor": True}, {"below_floor": True}, "the price is below the floor of a charge"),
        ({"below_floor": True}, {"below_floor": False}, None),
        ({"ramp": False}, {"ramp": False}, "the quote has no ramp"),
        ({"ramp": True}, {"ramp": None}, "whether the quote has a ramp is not known"),
        ({"segment_in": ["public", "health"]}, {"segment": "health"}, "account segment health"),
        ({"segment_in": ["public"]}, {"segment": "retail"}, None),
        ({"not": {"segment_in": ["public"]}}, {"segment": "retail"}, "account segment is none of public"),
        ({"currency_in": ["EUR"]}, {}, "currency EUR"),
        ({"product_in": ["gpu", "beta"]}, {"products": ("seat", "beta")}, "product beta"),
        ({"product_in": ["gpu"]}, {"products": ()}, None),
        ({"clauses_over": 0}, {"clauses": 2}, "clauses beside our standard terms of 2 is over 0"),
        ({"clauses_over": 0}, {"clauses": ("liability",)}, "clauses beside our standard terms of 1 is over 0"),
        ({"clause_in": ["liability"]}, {"clauses": ("liability",)}, "clause liability"),
        ({"region_in": ["APAC"]}, {"regions": ("EMEA", "APAC")}, "region APAC"),
        ({"region_in": ["APAC"]}, {"region": "EMEA"}, None),
        ({"partner_percent_over": 20}, {"partner_percent": Decimal(25)}, "partner margin of 25 % is over 20 %"),
        ({"one_time_over": 5}, {"one_time_minor": 501}, "one-time of 5.01 EUR is over 5.00 EUR"),
        ({"acv_below": {"EUR": 2000}}, {}, "ACV of 1,000.00 EUR is below 2,000.00 EUR"),
        ({"not": {"acv_over": {"USD": 1}}}, {}, "no limit of ACV is set for EUR"),
        ({"not": {"any": [{"net_days_over": 60}, {"ramp": True}]}}, {"ramp": True}, None),
        (
            {"not": {"any": [{"net_days_over": 60}, {"ramp": True}]}},
            {"ramp": False},
            "net payment of 30 days is not over 60 days; the quote has no ramp",
        ),
        (
            {"not": {"net_days_over": 60, "ramp": True}},
            {"ramp": True},
            "net payment of 30 days is not over 60 days",
        ),
        (
            {"any": [{"discount_percent_over": 50}, {"all": [{"net_days_over": 1}, {"ramp": True}]}]},
            {"ramp": False},
            None,
        ),
    ],
)
def test_when_a_rule_holds_and_why(when: dict[str, Any], more: dict[str, Value], reason: str | None) -> None:
    assert holds(when, **more) == reason


def test_auto_approval_wins_over_the_rules() -> None:
    document = {**a_matrix(), "auto_approve": [{"tcv_below": {"EUR": 4000}, "margin_percent_over": 50}]}
    assert asked(document, margin_percent=Decimal(51)) == ()
    assert len(asked(document, margin_percent=Decimal(50))) == 1


@pytest.mark.parametrize("more", [{"margin_percent": None}, {"margin_percent": Decimal(90), "currency": "CHF"}])
def test_what_nobody_knows_never_approves(more: dict[str, Value]) -> None:
    document = {**a_matrix(), "auto_approve": [{"tcv_below": {"EUR": 4000}, "margin_percent_over": 50}]}
    assert len(asked(document, **more)) == 1


def test_a_group_that_several_rules_ask_is_asked_once_the_strictest_way() -> None:
    rules = [
        {
            "name": "steep",
            "when": {"discount_percent_over": 10},
            "require": [{"group": "desk", "quorum": 2}],
            "remind_after": "2 business_days",
            "escalate": [{"after": "3 business_days", "to": "manager"}],
        },
        {
            "name": "long",
            "when": {"term_months_over": 6},
            "require": [{"group": "desk", "quorum": "any"}],
            "remind_after": "1 business_days",
            "escalate": [{"after": "9 hours", "to": "heads"}, {"after": "2 days", "to": "sales"}],
        },
    ]
    document = {"name": "p", "stands_days": 30, "rules": rules, "groups": {"heads": [{"people": ["Max@X.example"]}]}}
    assert asked(document) == (
        Need(
            level=1,
            group="desk",
            reason="discount of 15 % is over 10 %; term of 12 months is over 6 months",
            remind_after_hours=33,
            escalate_after_hours=9,
            escalate_to="heads",
            quorum=2,
            policy="p/1",
            rules=("steep", "long"),
            roles=("desk",),
            facts=(("discount_percent", "up", "15"), ("term_months", "up", "12")),
            remind_after="1 business_days",
            rungs=(
                Rung(after="9 hours", to="heads", people=("max@x.example",)),
                Rung(after="2 days", to="sales"),
            ),
            stands_days=30,
        ),
    )


def test_all_of_a_group_is_the_strictest() -> None:
    rules = [{"require": [{"group": "desk", "quorum": quorum}]} for quorum in ("3", "all", "any")]
    assert [need.quorum for need in asked({"name": "p", "rules": rules})] == [0]


@pytest.mark.parametrize(
    ("facts", "people", "roles"),
    [
        ({"region": "EMEA", "segment": "retail", "entity": "ent_de"}, ("fay@x.example",), ("finance_de",)),
        ({"region": "EMEA", "segment": "public", "entity": "ent_fr"}, ("fay@x.example", "pat@x.example"), ()),
        ({"region": "AMER", "segment": "", "entity": ""}, (), ()),
        ({}, (), ()),
    ],
)
def test_a_group_is_who_serves_the_deal(
    facts: dict[str, Value], people: tuple[str, ...], roles: tuple[str, ...]
) -> None:
    members = [
        {"people": ["fay@x.example"], "regions": ["EMEA"]},
        {"people": ["pat@x.example"], "regions": ["EMEA", "AMER"], "segments": ["public"]},
        {"roles": ["finance_de"], "entities": ["ent_de"]},
    ]
    document = {**a_matrix(require=[{"group": "finance"}]), "groups": {"finance": members}}
    (need,) = asked(document, **facts)
    assert (need.people, need.roles) == (people, roles)


def test_who_serves_some_regions_serves_no_deal_of_which_none_is_known() -> None:
    members = Members(people=("fay@x.example",), regions=("EMEA",))
    served: tuple[dict[str, Value], ...] = (
        {},
        {"regions": None},
        {"regions": ()},
        {"region": "AMER"},
        {"region": "EMEA"},
        {"regions": ("AMER", "EMEA")},
    )
    assert [members.serve(facts) for facts in served] == [False, False, False, False, True, True]


def test_rungs_are_whom_the_policy_names_and_its_own_words_are_no_groups() -> None:
    assert asked(a_matrix())[0].rungs == (), "it escalates to nobody"
    words = ("manager", "next_level", "legal", "sales")
    (need,) = asked(a_matrix(escalate=[{"after": "1 days", "to": word} for word in words]))
    assert [(rung.to, rung.roles) for rung in need.rungs] == [
        ("manager", ()),
        ("next_level", ()),
        ("legal", ("legal",)),
        ("sales", ()),
    ]


some_facts = st.builds(
    Facts,
    discount_percent=st.decimals(0, 100, places=2),
    acv_minor=st.integers(0, 600_000),
    tcv_minor=st.integers(0, 600_000),
    term_months=st.integers(1, 72),
    net_days=st.integers(0, 99),
    currency=st.sampled_from(("EUR", "USD", "CHF")),
)


@settings(deadline=None)
@given(some_facts, st.decimals(0, 100, places=2))
def test_a_worse_figure_never_needs_fewer(facts: Facts, other: Decimal) -> None:
    rules = [
        {"when": {"discount_percent_over": limit}, "require": [{"level": level, "group": f"g{level}"}]}
        for level, limit in ((1, 10), (2, 25), (3, "60.5"))
    ]
    matrix = Matrix.parse({"name": "p", "rules": rules})
    low, high = sorted((facts.discount_percent, other))
    asked_low, asked_high = (
        {need.group for need in needs(matrix, sheet(replace(facts, discount_percent=value)))} for value in (low, high)
    )
    assert asked_low <= asked_high


ESCALATE = [{"after": "1 days", "to": "manager"}]


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (a_matrix(require=[{"group": "desk", "quorum": 0}]), Problem("rules[0].require[0].quorum", "expected any, all or 1 to 20, found '0'")),
        (a_matrix(require=[{"group": "desk", "quorum": "most"}]), Problem("rules[0].require[0].quorum", "expected any, all or 1 to 20, found 'most'")),
        (a_matrix(require=[{"group": "desk", "quorum": 21}]), Problem("rules[0].require[0].quorum", "expected any, all or 1 to 20, found '21'")),
        (a_matrix(remind_after="soon"), Problem("rules[0].remind_after", "expected a patience such as 24 hours, 8 business_hours, 3 days or 2 business_days, found 'soon'")),
        (a_matrix(remind_after="1 days", remind_after_hours=3), Problem("rules[0].remind_after", "is said twice: leave remind_after_hours out")),
        (a_matrix(escalate=ESCALATE, escalate_to="boss"), Problem("rules[0].escalate", "is said twice: leave escalate_to and escalate_after_hours out")),
        (a_matrix(escalate=[]), Problem("rules[0].escalate", "is empty")),
        (a_matrix(escalate=ESCALATE * 10), Problem("rules[0].escalate", "has more than 9 rungs")),
        (a_matrix(escalate=[{"after": "1 days", "to": "sales"}, *ESCALATE]), Problem("rules[0].escalate", "goes on after sales: the version is back with them then")),
        (a_matrix(escalate=[{"after": "1 days", "to": ""}]), Problem("rules[0].escalate[0].to", "is missing")),
        (a_matrix({"not": [{"ramp": True}]}), Problem("rules[0].when.not", "expected fields by name, found a list")),
        (a_matrix({"ramp": "maybe"}), Problem("rules[0].when.ramp", "expected true or false, found 'maybe'")),
        (a_matrix({"segment_in": []}), Problem("rules[0].when.segment_in", "is empty")),
        (a_matrix({"discount_percent_below": "1e2"}), Problem("rules[0].when.discount_percent_below", "expected a number, found '1e2'")),
        ({**a_matrix(), "auto_approve": [{}]}, Problem("auto_approve[0]", "says nothing: it would approve everything")),
        ({**a_matrix(), "groups": {"manager": [{"roles": ["x"]}]}}, Problem("groups.manager", "is a word of escalations, and no group")),
        ({**a_matrix(), "groups": {"desk": [{"regions": ["EMEA"]}]}}, Problem("groups.desk[0]", "names neither people nor roles")),
        ({**a_matrix(), "groups": {"desk": [{"people": ["Ann"]}]}}, Problem("groups.desk[0].people[0]", "expected an e-mail address, found 'Ann'")),
        ({**a_matrix(), "group_names": {"dsek": {"fr": "Cellule"}}}, Problem("group_names.dsek", "is a group that no rule asks")),
        (a_matrix(names={"french": "Remise"}), Problem("rules[0].names.french", "is no language: expected two letters, as in fr")),
        (a_matrix(names={"fr": ""}), Problem("rules[0].names.fr", "is missing")),
        ({**a_matrix(), "stands_days": -1}, Problem("stands_days", "expected 0 to 3650, found -1")),
    ],
)  # fmt: skip
def test_a_matrix_is_refused_by_field(document: dict[str, Any], problem: Problem) -> None:
    with pytest.raises(MatrixInvalid) as refusal:
        Matrix.parse(document)
    assert refusal.value.problems == (problem,)


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(MatrixInvalid) as refusal:
        Matrix.parse({"name": "P!", "rules": [{"require": []}], "matrix": 1})
    assert [problem.path for problem in refusal.value.problems] == ["name", "rules[0].require", "matrix"]
