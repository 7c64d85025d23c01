"""Product rules: each says which lines break it and how to satisfy it; a quote that satisfies all is sold."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from domain import configuration, quote
from domain.configuration import ConfigurationBroken, ProductRule
from domain.errors import Problem
from domain.price_book import PriceBook, PriceBookInvalid, content_hash, parse, to_mapping
from domain.quote_draft import Draft
from tests.domain import quotes as some

NAMES = ("suite", "sso", "starter", "storage", "silver", "gold", "hosting")


def book(*rules: dict[str, Any]) -> PriceBook:
    products = [
        {"id": name, "charges": [{"id": "m", "model": "per_unit", "per": "month", "unit_price": "1"}]} for name in NAMES
    ]
    return parse({"name": "acme", "currency": "EUR", "valid_from": "2026-01-01", "products": products, "rules": rules})


def asked(*lines: dict[str, Any] | str, **changes: Any) -> Draft:
    found = [{"product": line, "quantity": 1} if isinstance(line, str) else {"quantity": 1} | line for line in lines]
    return Draft.parse(some.DRAFT | {"lines": found} | changes)


RULES: list[tuple[dict[str, Any], Draft, str, str]] = [
    (
        {"product": "sso", "requires": ["suite", "hosting"]},
        asked("hosting", "sso"),
        "lines[1]",
        "sso requires suite, which the quote does not have: add suite or remove sso",
    ),
    (
        {"product": "starter", "excludes": ["suite", "gold"]},
        asked("suite", "sso", "starter", "suite"),
        "lines[0], lines[2], lines[3]",
        "starter excludes suite: remove starter or suite",
    ),
    (
        {"product": "storage", "only_with": ["suite", "starter"]},
        asked("storage", "gold"),
        "lines[0]",
        "storage is sold only with suite or starter: add suite or starter or remove storage",
    ),
    (
        {"product": "gold", "minimum_quantity": 5},
        asked("gold", {"product": "gold", "quantity": "2.5"}),
        "lines[0].quantity, lines[1].quantity",
        "the quantity of gold, 3.5, is below the minimum of 5: add 1.5 or remove gold",
    ),
    (
        {"product": "gold", "maximum_quantity": 5},
        asked({"product": "gold", "quantity": 6}),
        "lines[0].quantity",
        "the quantity of gold, 6, is over the maximum of 5: take off 1",
    ),
    (
        {"product": "gold", "maximum_quantity": 25},
        asked(
            {
                "product": "gold",
                "quantity": None,
                "ramp": [{"months": 6, "quantity": 10}, {"months": 6, "quantity": 20}],
            },
            {"product": "gold", "quantity": 10},
        ),
        "lines[0].quantity, lines[1].quantity",
        "the quantity of gold, 30, is over the maximum of 25 from month 7 on: take off 5",
    ),
    (
        {"product": "gold", "term_months": [12, 24, 36]},
        asked("gold", term_months=18),
        "lines[0]",
        "gold is sold for terms of 12, 24 or 36 months, not 18: set term_months to 12, 24 or 36 or remove gold",
    ),
    (
        {"product": "gold", "interval_months": [12]},
        asked("gold"),
        "lines[0]",
        "gold is sold with billing periods of 12 months, not 1: set interval_months to 12 or remove gold",
    ),
    (
        {"product": "hosting", "attributes": [{"name": "region", "values": ["eu", "us"], "required": True}]},
        asked({"product": "hosting", "attributes": {"region": "eu"}}, "hosting"),
        "lines[1].attributes.region",
        "hosting needs the attribute region: give it eu or us",
    ),
    (
        {"product": "hosting", "attributes": [{"name": "region", "values": ["eu", "us"]}]},
        asked({"product": "hosting", "attributes": {"region": "mars"}}, "hosting"),
        "lines[0].attributes.region",
        "hosting has no region 'mars': give it eu or us",
    ),
    (
        {"product": "suite", "options": [{"name": "support", "products": ["silver", "gold"], "minimum": 1}]},
        asked("suite", "sso"),
        "lines[0]",
        "suite takes at least 1 line of support, found 0: add 1 of silver or gold",
    ),
    (
        {"product": "suite", "options": [{"name": "support", "products": ["silver", "gold"], "maximum": 1}]},
        asked("sso", "silver", "suite", "gold"),
        "lines[1], lines[2], lines[3]",
        "suite takes at most 1 line of support, found 2: remove 1 of silver or gold",
    ),
]


@pytest.mark.parametrize(("rule", "draft", "path", "message"), RULES, ids=[case[3][:40] for case in RULES])
def test_a_broken_rule_names_its_lines_and_its_cure(
    rule: dict[str, Any], draft: Draft, path: str, message: str
) -> None:
    with pytest.raises(ConfigurationBroken) as refusal:
        quote.price(draft, book(rule), on=some.TODAY)
    assert refusal.value.problems == (Problem(path, message),)


MENDED: list[tuple[dict[str, Any], Draft]] = [
    ({"product": "sso", "requires": ["suite"]}, asked("suite", "sso")),
    ({"product": "sso", "requires": ["suite"]}, asked("gold")),
    ({"product": "starter", "excludes": ["suite"]}, asked("suite", "sso")),
    ({"product": "storage", "only_with": ["suite", "starter"]}, asked("storage", "starter")),
    (
        {"product": "gold", "minimum_quantity": 5},
        asked({"product": "gold", "quantity": 3}, {"product": "gold", "quantity": 2}),
    ),
    ({"product": "gold", "maximum_quantity": 5}, asked({"product": "gold", "quantity": 5})),
    ({"product": "gold", "term_months": [12]}, asked("gold")),
    ({"product": "gold", "interval_months": [12]}, asked("gold", interval_months=12)),
    (
        {"product": "hosting", "attributes": [{"name": "region", "required": True}]},
        asked({"product": "hosting", "attributes": {"region": "mars"}}),
    ),
    (
        {"product": "suite", "options": [{"name": "support", "products": ["gold"], "minimum": 1, "maximum": 1}]},
        asked("suite", "gold"),
    ),
]


@pytest.mark.parametrize(("rule", "draft"), MENDED)
def test_a_quote_that_satisfies_its_rules_is_sold(rule: dict[str, Any], draft: Draft) -> None:
    assert quote.price(draft, book(rule), on=some.TODAY).totals.periods
    assert configuration.check(draft.lines, book(rule).rules, draft.terms) == ()


def test_all_broken_rules_are_told_at_once_and_in_their_order() -> None:
    rules = ({"product": "sso", "requires": ["suite"], "term_months": [24]}, {"product": "gold", "minimum_quantity": 2})
    draft = asked("sso", "gold")
    found = configuration.check(draft.lines, book(*rules).rules, draft.terms)
    assert [(each.rule, each.lines, each.field) for each in found] == [
        ("requires", (0,), ""),
        ("term_months", (0,), ""),
        ("minimum_quantity", (1,), "quantity"),
    ]


def test_a_broken_rule_in_an_alternative_names_the_alternative() -> None:
    rule = {"product": "sso", "excludes": ["gold"]}
    alternatives = [
        {"name": "good", "lines": [{"product": "sso", "quantity": 1}]},
        {"name": "best", "lines": [{"product": "sso", "quantity": 1}, {"product": "gold", "quantity": 1}]},
    ]
    mapping = {name: value for name, value in some.DRAFT.items() if name != "lines"} | {"alternatives": alternatives}
    with pytest.raises(ConfigurationBroken) as refusal:
        quote.price_offers(Draft.parse(mapping), book(rule), on=some.TODAY)
    assert [problem.path for problem in refusal.value.problems] == [
        "alternatives[1].lines[0], alternatives[1].lines[1]"
    ]


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        (
            {"product": "chair", "requires": ["sso"]},
            Problem("rules[0].product", "there is no product 'chair' in this book"),
        ),
        (
            {"product": "sso", "requires": ["gold", "chair"]},
            Problem("rules[0].requires[1]", "there is no product 'chair' in this book"),
        ),
        (
            {"product": "sso", "options": [{"name": "o", "products": ["chair"]}]},
            Problem("rules[0].options[0].products[0]", "there is no product 'chair' in this book"),
        ),
        ({"product": "sso", "options": [{"name": "o"}]}, Problem("rules[0].options[0].products", "is empty")),
        (
            {"product": "sso", "options": [{"name": "o", "products": ["gold"], "minimum": 2, "maximum": 1}]},
            Problem("rules[0].options[0].maximum", "is below the minimum of 2"),
        ),
        (
            {"product": "sso", "minimum_quantity": 3, "maximum_quantity": 2},
            Problem("rules[0].maximum_quantity", "is below the minimum of 3"),
        ),
        ({"product": "sso", "requires": ["sso"]}, Problem("rules[0].product", "a rule about a product and itself")),
        (
            {"product": "sso"},
            Problem(
                "rules[0]",
                "says nothing: give requires, excludes, only_with, a quantity, a term, attributes or options",
            ),
        ),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_the_book(rule: dict[str, Any], problem: Problem) -> None:
    with pytest.raises(PriceBookInvalid) as refusal:
        book(rule)
    assert refusal.value.problems == (problem,)


def test_rules_are_written_as_they_were_read() -> None:
    found = book(*(rule for rule, _, _, _ in RULES))
    assert parse(to_mapping(found)) == found
    assert found.rules[3] == ProductRule(product="gold", minimum_quantity=Decimal(5))
    assert content_hash(to_mapping(found)) != content_hash(to_mapping(book()))
    assert "rules" not in to_mapping(book())
