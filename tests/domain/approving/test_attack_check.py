"""`q2c policy check` against brute force: every rule of policies drawn at random, tried on a grid of facts of its own."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise, product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.approving.check import check
from domain.approving.condition import Sheet
from domain.approving.needing import needs
from domain.approving.policy import Matrix

GRID: dict[str, tuple[Any, ...]] = {
    "discount_percent": tuple(map(Decimal, ("0", "0.1", "9.9", "10", "10.1", "19.9", "20", "20.1", "99.9", "100"))),
    "net_days": (0, 1, 29, 30, 31, 44, 45, 46, 3649, 3650),
    "margin_percent": (None, *map(Decimal, ("-5", "0", "9.9", "10", "10.1", "19.9", "20", "20.1", "100"))),
    "acv": tuple(product(("EUR", "USD", "CHF"), (0, 99, 100, 101, 150, 199, 200, 201, 900))),
    "segment": ("", "public", "health", "other"),
    "regions": ((), ("eu",), ("us",), ("eu", "us"), ("eu", "asia"), ("asia",)),
    "clauses": ((), ("a",), ("b",), ("a", "b"), ("a", "x"), ("x", "y"), ("a", "x", "y"), ("x", "y", "z")),
    "below_floor": (False, True),
}  # fmt: skip
LEAVES: dict[str, list[dict[str, Any]]] = {
    "discount_percent": [{f"discount_percent_{kind}": limit} for kind in ("over", "below") for limit in (0, 10, 20, 100)],
    "net_days": [{f"net_days_{kind}": limit} for kind in ("over", "below") for limit in (0, 30, 45)],
    "margin_percent": [{f"margin_percent_{kind}": limit} for kind in ("over", "below") for limit in (0, 10, 20)],
    "acv": [{"acv_over": {"EUR": 1, "USD": 2}}, {"acv_below": {"EUR": 1, "*": 2}}, {"acv_over": 1}, {"currency_in": ["USD"]}],
    "segment": [{"segment_in": ["public"]}, {"segment_in": ["public", "health"]}],
    "regions": [{"region_in": ["eu"]}, {"region_in": ["us"]}, {"region_in": ["eu", "us"]}],
    "clauses": [{"clause_in": ["a"]}, {"clauses_over": 1}, {"clauses_below": 2}, {"clauses_over": 0}],
    "below_floor": [{"below_floor": True}, {"below_floor": False}],
}  # fmt: skip
DESK, TWO = [{"group": "desk"}], [{"group": "desk", "quorum": 2}]


@st.composite
def a_policy(draw: st.DrawFn) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A policy over one or two facts, and which."""
    facts = tuple(draw(st.lists(st.sampled_from(sorted(GRID)), min_size=1, max_size=2, unique=True)))
    leaf = st.sampled_from([each for fact in facts for each in LEAVES[fact]])
    when = st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
            inner.map(lambda part: {"not": part}),
        ),
        max_leaves=5,
    )
    rule = st.builds(lambda when, require: {"when": when, "require": require}, when, st.sampled_from((DESK, TWO)))
    rules = draw(st.lists(rule, min_size=1, max_size=3))
    return {"name": "p", "rules": rules, "auto_approve": draw(st.lists(when, max_size=1))}, facts


def grid(facts: tuple[str, ...]) -> list[Sheet]:
    found: list[Sheet] = []
    for row in product(*(GRID[fact] for fact in facts)):
        sheet: dict[str, Any] = {"currency": "EUR", **dict(zip(facts, row, strict=True))}
        if "acv" in sheet:
            sheet["currency"], sheet["acv_minor"] = sheet.pop("acv")
        found.append(sheet)
    return found


def quorums(matrix: Matrix, sheets: list[Sheet]) -> list[int]:
    """How many of the desk each deal needs: 0 none."""
    return [max((need.quorum for need in needs(matrix, each)), default=0) for each in sheets]


@given(a_policy())
@settings(max_examples=100)
def test_rules_that_never_ask_and_rules_that_add_nothing_are_found_and_no_others(
    drawn: tuple[dict[str, Any], tuple[str, ...]],
) -> None:
    policy, facts = drawn
    sheets = grid(facts)
    found = {(each.kind, each.path) for each in check(Matrix.parse(policy))}
    alone = [quorums(Matrix.parse({**policy, "rules": [rule]}), sheets) for rule in policy["rules"]]
    bare = [quorums(Matrix.parse({"name": "p", "rules": [rule]}), sheets) for rule in policy["rules"]]
    for i, asked in enumerate(alone):
        assert (("unreachable", f"rules[{i}].when") in found) == (not any(asked)), (i, policy)
        inside = [
            j
            for j, others in enumerate(bare)
            if i != j and any(bare[i]) and all(one <= other for one, other in zip(bare[i], others, strict=True))
        ]
        twins = [j for j in inside if bare[j] == bare[i]]
        adds_nothing = any(j not in twins or j < i for j in inside)
        assert (("overlap", f"rules[{i}]") in found) == adds_nothing, (i, policy)


@given(a_policy())
@settings(max_examples=100)
def test_a_worse_figure_that_asks_nobody_is_found(drawn: tuple[dict[str, Any], tuple[str, ...]]) -> None:
    policy, facts = drawn
    matrix = Matrix.parse(policy)
    told = {
        each.message.partition(":")[0] for each in check(matrix) if each.kind == "gap" and "asks nobody" in each.message
    }
    for fact in facts:
        if fact in ("discount_percent", "net_days", "margin_percent"):
            rows: dict[str, list[bool]] = {}
            for sheet in grid(facts):
                if sheet[fact] is not None:
                    rest = repr(sorted((k, v) for k, v in sheet.items() if k != fact))
                    rows.setdefault(rest, []).append(bool(needs(matrix, sheet)))
            worse_last = [row[::-1] if fact == "margin_percent" else row for row in rows.values()]
            drops = any(was and not now for row in worse_last for was, now in pairwise(row))
            assert (fact in told) == drops, (fact, policy)
