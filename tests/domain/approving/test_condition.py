"""What a condition looks at, which way each fact is worse for it, and what it makes of what nobody knows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from domain.approving.condition import Value, looked_at, reasons, value_of, written
from domain.approving.needing import needs
from domain.approving.policy import Matrix

DESK = [{"group": "desk"}]


def a_matrix(when: dict[str, Any], **more: Any) -> Matrix:
    return Matrix.parse({"name": "p", "rules": [{"when": when, "require": DESK}], **more})


@pytest.mark.parametrize(
    ("when", "senses"),
    [
        ({"discount_percent_over": 1}, {"discount_percent": "up"}),
        ({"margin_percent_below": 1}, {"margin_percent": "down"}),
        ({"not": {"margin_percent_below": 1}}, {"margin_percent": "up"}),
        ({"not": {"not": {"margin_percent_below": 1}}}, {"margin_percent": "down"}),
        ({"ramp": True}, {"ramp": "up"}),
        ({"ramp": False}, {"ramp": "down"}),
        ({"not": {"below_floor": True}}, {"below_floor": "down"}),
        ({"product_in": ["a"], "clause_in": ["b"]}, {"products": "up", "clauses": "up"}),
        ({"not": {"product_in": ["a"]}}, {"products": "down"}),
        ({"region_in": ["a"], "segment_in": ["b"]}, {"regions": "any", "segment": "any"}),
        ({"not": {"segment_in": ["b"]}}, {"segment": "any"}),
        ({"acv_over": 1, "acv_below": 5}, {"acv": "any"}),
        ({"any": [{"acv_below": 5}, {"not": {"acv_over": 1}}]}, {"acv": "down"}),
        (
            {"any": [{"tcv_over": 1}, {"all": [{"tcv_over": 9}, {"not": {"ramp": True}}]}]},
            {"ramp": "down", "tcv": "up"},
        ),
    ],
)
def test_which_way_a_fact_is_worse_for_a_rule(when: dict[str, Any], senses: dict[str, str]) -> None:
    assert dict(looked_at(a_matrix(when).rules[0].when)) == senses


def test_a_need_looks_at_all_that_its_rules_look_at() -> None:
    rules = [{"when": {"net_days_over": 1}, "require": DESK}, {"when": {"net_days_below": 99}, "require": DESK}]
    (need,) = needs(Matrix.parse({"name": "p", "rules": rules}), {"net_days": 30})
    assert need.facts == (("net_days", "any", "30"),)


UNKNOWN = (
    "discount_percent_over",
    "discount_percent_below",
    "term_months_over",
    "tcv_over",
    "acv_below",
    "clauses_over",
)


@pytest.mark.parametrize(
    "when",
    [
        *({name: 5} for name in UNKNOWN),
        {"acv_over": {"USD": 1}},
        {"ramp": True},
        {"below_floor": False},
        {"segment_in": ["public"]},
        {"product_in": ["a"]},
        {"margin_percent_below": 5},
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_what_nobody_knows_asks_and_never_approves(when: dict[str, Any], turned: bool) -> None:
    """Whichever way it is asked for: a rule holds, and auto-approval does not; but for a margin under a limit."""
    said = {"not": when} if turned else when
    unknown: dict[str, Value] = {"currency": "EUR", "net_days": 30}
    node = a_matrix(said).rules[0].when
    asks = "margin_percent_below" not in when or turned
    assert (reasons(node, unknown) is not None) is asks
    for approving in (said, {"any": [said, said]}, {"all": [{"not": {"not": said}}]}):
        assert len(needs(a_matrix({"net_days_over": 1}, auto_approve=[approving]), unknown)) == 1


def test_each_auto_approval_is_enough_by_itself() -> None:
    matrix = a_matrix({"net_days_over": 1}, auto_approve=[{"tcv_below": 5}, {"net_days_below": 10}])
    for net_days, tcv_minor, asked in ((9, 900, 0), (10, 499, 0), (10, 500, 1)):
        assert len(needs(matrix, {"net_days": net_days, "tcv_minor": tcv_minor, "currency": "EUR"})) == asked


@pytest.mark.parametrize(
    ("currency", "minor", "asked"),
    [("EUR", 300_000, 0), ("EUR", 300_001, 1), ("USD", 100, 0), ("USD", 101, 1), ("JPY", 1, 0), ("JPY", 2, 1)],
)
def test_a_currency_has_its_own_limit_and_all_others_that_of_all(currency: str, minor: int, asked: int) -> None:
    matrix = a_matrix({"tcv_over": {"EUR": 3000, "*": 1}})
    assert len(needs(matrix, {"tcv_minor": minor, "currency": currency})) == asked


def test_limits_are_passed_and_not_met() -> None:
    over, below = ({f"{fact}_{kind}": 5 for fact in ("net_days", "acv")} for kind in ("over", "below"))
    at: dict[str, Value] = {"net_days": 5, "acv_minor": 500, "currency": "EUR"}
    assert (needs(a_matrix({"any": [over]}), at), needs(a_matrix({"any": [below]}), at)) == ((), ())
    for name in ("net_days", "acv"):
        for kind in ("over", "below"):
            assert needs(a_matrix({f"{name}_{kind}": 5}), at) == ()
            (need,) = needs(a_matrix({"not": {f"{name}_{kind}": 5}}), at)
            assert f"is not {kind} 5" in need.reason


def test_any_of_several_holds_by_one_and_not_by_none() -> None:
    matrix = a_matrix({"any": [{"net_days_over": 5}, {"term_months_over": 5}]})
    assert needs(matrix, {"net_days": 5, "term_months": 5}) == ()
    assert len(needs(matrix, {"net_days": 6, "term_months": 5})) == 1


@pytest.mark.parametrize(
    ("name", "facts", "said"),
    [
        ("acv", {"acv_minor": 1200, "currency": "USD"}, "1200 USD"),
        ("acv", {"currency": "USD"}, ""),
        ("products", {"products": ("b", "a")}, "|a|b"),
        ("products", {"products": ()}, "|"),
        ("regions", {"region": "EMEA"}, "|EMEA"),
        ("regions", {"region": "EMEA", "regions": ("AMER",)}, "|AMER"),
        ("regions", {}, ""),
        ("ramp", {"ramp": False}, "no"),
        ("ramp", {"ramp": True}, "yes"),
        ("discount_percent", {"discount_percent": Decimal("15.00")}, "15"),
        ("segment", {"segment": "public"}, "public"),
    ],
)
def test_how_a_fact_is_kept(name: str, facts: dict[str, Value], said: str) -> None:
    assert written(facts, name) == said
    assert (value_of(facts, name) is None) is (said == "")
