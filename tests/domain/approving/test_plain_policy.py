"""Approval policies: data decides who must approve."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.approving.condition import sheet
from domain.approving.needing import needs
from domain.approving.policy import Matrix, MatrixInvalid
from domain.errors import Problem
from domain.need import Need
from domain.quoting.facts import Facts

PLAIN = Facts(
    discount_percent=Decimal(0), acv_minor=1_000_00, tcv_minor=3_000_00, term_months=12, net_days=30, currency="EUR"
)
POLICY = Matrix.parse(
    {
        "name": "standard",
        "rules": [
            {"when": {"discount_percent_over": "10"}, "require": [{"level": 1, "group": "sales_manager"}]},
            {
                "when": {"any": [{"discount_percent_over": "25"}, {"acv_over": {"EUR": "100000", "USD": "110000"}}]},
                "require": [{"group": "sales_manager"}, {"level": 2, "group": "finance"}],
                "remind_after_hours": 12,
                "escalate_after_hours": 48,
                "escalate_to": "vp_sales",
            },
            {"when": {"term_months_over": 36, "net_days_over": 45}, "require": [{"level": 2, "group": "legal"}]},
        ],
    }
)


def asked(policy: Matrix = POLICY, **facts: Any) -> list[tuple[int, str, str]]:
    return [(each.level, each.group, each.reason) for each in required(policy, replace(PLAIN, **facts))]


def required(policy: Matrix, facts: Facts) -> tuple[Need, ...]:
    return needs(policy, sheet(facts))


def a_policy(when: dict[str, Any] | None = None, **rule: Any) -> dict[str, Any]:
    return {"name": "p", "rules": [{"when": when, "require": [{"group": "desk"}]} | rule]}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, []),
        ({"discount_percent": Decimal(10)}, []),
        ({"discount_percent": Decimal("10.0001")}, [(1, "sales_manager", "discount of 10.0001 % is over 10 %")]),
        ({"acv_minor": 100_000_00}, []),
        (
            {"acv_minor": 100_000_01},
            [
                (1, "sales_manager", "ACV of 100,000.01 EUR is over 100,000.00 EUR"),
                (2, "finance", "ACV of 100,000.01 EUR is over 100,000.00 EUR"),
            ],
        ),
        (
            {"acv_minor": 5, "currency": "CHF"},
            [(1, "sales_manager", "no limit of ACV is set for CHF"), (2, "finance", "no limit of ACV is set for CHF")],
        ),
        ({"term_months": 48}, []),
        ({"net_days": 60}, []),
        (
            {"term_months": 48, "net_days": 60},
            [(2, "legal", "term of 48 months is over 36 months; net payment of 60 days is over 45 days")],
        ),
        (
            {"discount_percent": Decimal(30), "term_months": 48, "net_days": 60},
            [
                (1, "sales_manager", "discount of 30 % is over 10 %; discount of 30 % is over 25 %"),
                (2, "finance", "discount of 30 % is over 25 %"),
                (2, "legal", "term of 48 months is over 36 months; net payment of 60 days is over 45 days"),
            ],
        ),
    ],
)
def test_who_must_approve(facts: dict[str, Any], expected: list[tuple[int, str, str]]) -> None:
    assert asked(**facts) == expected


def test_a_group_asked_twice_is_asked_once_with_the_least_patience() -> None:
    first, second = required(POLICY, replace(PLAIN, discount_percent=Decimal(30)))
    assert (first.level, first.group, first.quorum) == (1, "sales_manager", 1)
    assert first.reason == "discount of 30 % is over 10 %; discount of 30 % is over 25 %"
    assert (first.remind_after_hours, first.escalate_after_hours, first.escalate_to) == (12, 48, "vp_sales")
    assert (second.remind_after_hours, second.escalate_after_hours, second.escalate_to) == (12, 48, "vp_sales")


def test_the_patience_of_the_first_rule_stays_where_it_is_less() -> None:
    rules = [
        {"require": [{"group": "desk"}], "escalate_after_hours": 10, "escalate_to": ""},
        {"require": [{"group": "desk"}], "escalate_after_hours": 20, "escalate_to": "boss"},
    ]
    (only,) = required(Matrix.parse({"name": "p", "rules": rules}), PLAIN)
    assert (only.escalate_after_hours, only.escalate_to, only.reason) == (10, "boss", "always required")


def test_one_figure_can_stand_for_every_currency() -> None:
    policy = Matrix.parse(a_policy({"tcv_over": "3000"}))
    assert asked(policy) == []
    assert asked(policy, tcv_minor=3_000_01) == [(1, "desk", "TCV of 3,000.01 EUR is over 3,000.00 EUR")]
    assert asked(policy, tcv_minor=3001, currency="JPY") == [(1, "desk", "TCV of 3,001 JPY is over 3,000 JPY")]
    starred = Matrix.parse(a_policy({"tcv_over": {"EUR": 3000, "*": 1}}))
    assert asked(starred, currency="USD") == [(1, "desk", "TCV of 3,000.00 USD is over 1.00 USD")]


def test_conditions_nest() -> None:
    policy = Matrix.parse(
        a_policy(
            {
                "net_days_over": 0,
                "any": [{"all": [{"term_months_over": 24}, {"net_days_over": 60}]}, {"discount_percent_over": 50}],
            }
        )
    )
    assert asked(policy) == []
    assert asked(policy, term_months=36) == []
    assert asked(policy, term_months=36, net_days=61) == [
        (
            1,
            "desk",
            "net payment of 61 days is over 0 days; term of 36 months is over 24 months; net payment of 61 days is over 60 days",
        )
    ]
    assert asked(policy, discount_percent=Decimal(51)) == [
        (1, "desk", "net payment of 30 days is over 0 days; discount of 51 % is over 50 %")
    ]


def test_no_rules_approve_all() -> None:
    assert required(Matrix.parse({"name": "none"}), replace(PLAIN, discount_percent=Decimal(100))) == ()


@given(st.decimals(0, 100, places=4), st.decimals(0, 100, places=4))
def test_a_higher_discount_never_needs_fewer_approvals(one: Decimal, other: Decimal) -> None:
    low, high = ({(a[0], a[1]) for a in asked(discount_percent=each)} for each in sorted((one, other)))
    assert low <= high


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        ({"name": "Standard!"}, Problem("name", "expected a name in lower case, found 'Standard!'")),
        (
            a_policy({"discount_over": 10}),
            Problem(
                "rules[0].when.discount_over",
                "unknown field; known here: acv_below, acv_over, all, any, below_floor, clause_in, clauses_below, clauses_over, currency_in, discount_percent_below, discount_percent_over, entity_in, margin_percent_below, margin_percent_over, method_in, net_days_below, net_days_over, not, one_time_below, one_time_over, partner_percent_below, partner_percent_over, product_in, ramp, region_in, segment_in, tcv_below, tcv_over, term_months_below, term_months_over",
            ),
        ),
        (
            a_policy({"discount_percent_over": 101}),
            Problem("rules[0].when.discount_percent_over", "expected 0 to 100, found 101"),
        ),
        (
            a_policy({"discount_percent_over": 0.1}),
            Problem(
                "rules[0].when.discount_percent_over",
                'a number with a fraction must be text, such as "0.10": a float is not exact',
            ),
        ),
        (
            a_policy({"acv_over": {"EURO": 1}}),
            Problem("rules[0].when.acv_over.EURO", "'EURO' is not an ISO 4217 currency with a minor unit"),
        ),
        (
            a_policy({"any": [{"net_days_over": -1}]}),
            Problem("rules[0].when.any[0].net_days_over", "expected 0 to 3650, found -1"),
        ),
        (a_policy({"any": {}}), Problem("rules[0].when.any", "expected a list, found fields by name")),
        (a_policy(require=[]), Problem("rules[0].require", "is empty")),
        (
            a_policy(require=[{"level": 0, "group": "desk"}]),
            Problem("rules[0].require[0].level", "expected 1 to 9, found 0"),
        ),
        (
            a_policy(require=[{"group": "The Desk"}]),
            Problem("rules[0].require[0].group", "expected a group in lower case, such as deal_desk, found 'The Desk'"),
        ),
        (
            a_policy(require=[{"group": "desk", "lvl": 1}]),
            Problem("rules[0].require[0].lvl", "unknown field; known here: group, level, quorum"),
        ),
        (a_policy(remind_after_hours=0), Problem("rules[0].remind_after_hours", "expected 1 to 8760, found 0")),
        (
            a_policy(expire=1),
            Problem(
                "rules[0].expire",
                "unknown field; known here: escalate, escalate_after_hours, escalate_to, name, names, remind_after, remind_after_hours, require, when",
            ),
        ),
    ],
)
def test_a_policy_is_refused_by_field(mapping: dict[str, Any], problem: Problem) -> None:
    with pytest.raises(MatrixInvalid) as refusal:
        Matrix.parse(mapping)
    assert refusal.value.problems == (problem,)


@pytest.mark.parametrize(
    ("when", "facts", "reason"),
    [
        ({"margin_percent_below": "30"}, {"margin_percent": Decimal("29.9999")}, "margin of 29.9999 % is below 30 %"),
        ({"margin_percent_below": "30"}, {"margin_percent": Decimal(30)}, None),
        ({"margin_percent_below": "30"}, {}, None),  # no cost is known
        ({"margin_percent_below": "-5"}, {"margin_percent": Decimal(-100)}, "margin of -100 % is below -5 %"),
        ({"below_floor": True}, {"below_floor": True}, "the price is below the floor of a charge"),
        ({"below_floor": True}, {}, None),
        ({"ramp": "yes"}, {"ramp": True}, "the quote has a ramp"),
        ({"ramp": False}, {}, "the quote has no ramp"),
        ({"clauses_over": 0}, {"clauses": 1}, "clauses beside our standard terms of 1 is over 0"),
        ({"clauses_over": 2}, {"clauses": 3}, "clauses beside our standard terms of 3 is over 2"),
        ({"clauses_over": 2}, {"clauses": 2}, None),
        ({"partner_percent_over": 20}, {"partner_percent": Decimal(25)}, "partner margin of 25 % is over 20 %"),
        ({"one_time_over": "100"}, {"one_time_minor": 10_001}, "one-time of 100.01 EUR is over 100.00 EUR"),
        ({"one_time_over": {"EUR": 100}}, {"one_time_minor": 10_000}, None),
        ({"product_in": ["gold", "sso"]}, {"products": ("seats", "sso", "gold")}, "product sso, gold"),
        ({"product_in": ["gold"]}, {"products": ("seats",)}, None),
        ({"region_in": ["ch"]}, {"regions": ("eu", "ch")}, "region ch"),
        ({"segment_in": ["public"]}, {"segment": "public"}, "account segment public"),
        ({"segment_in": ["public"]}, {}, None),
        ({"method_in": ["transfer"]}, {"method": "transfer"}, "payment method transfer"),
        ({"currency_in": ["EUR"]}, {}, "currency EUR"),
        ({"ramp": True, "product_in": ["gold"]}, {"ramp": True, "products": ("seats",)}, None),
    ],
)
def test_every_fact_has_its_condition(when: dict[str, Any], facts: dict[str, Any], reason: str | None) -> None:
    policy = Matrix.parse(a_policy(when))
    assert asked(policy, **facts) == ([] if reason is None else [(1, "desk", reason)])


def test_a_list_of_nothing_is_refused() -> None:
    with pytest.raises(MatrixInvalid) as refusal:
        Matrix.parse(a_policy({"ramp": True, "any": [{"product_in": ()}, {"clauses_over": "1.5"}]}))
    assert [problem.path for problem in refusal.value.problems] == [
        "rules[0].when.any[0].product_in",
        "rules[0].when.any[1].clauses_over",
    ]
