"""Names in other languages are additive: a price book, and a version of a quote, without them is what it always was."""

from __future__ import annotations

import copy
from datetime import date
from typing import Any, cast

import pytest

from domain import quote
from domain.errors import Problem
from domain.price_book import PriceBookInvalid, content_hash, parse, to_mapping
from domain.quote_draft import Draft
from domain.quote_version import content, from_content

BOOK: dict[str, Any] = {
    "name": "acme",
    "currency": "EUR",
    "valid_from": "2026-01-01",
    "products": [{"id": "seats", "name": "Acme Team", "unit": "seat", "charges": [{"id": "monthly", "model": "per_unit", "per": "month", "unit_price": "10"}]}],
}  # fmt: skip
DRAFT: dict[str, Any] = {
    "price_book": "acme", "currency": "EUR", "term_months": 12, "method": "card",
    "signer": {"name": "Ada Blue", "email": "ada@blue.example"}, "lines": [{"product": "seats", "quantity": 20}],
}  # fmt: skip


def book(**more: Any) -> dict[str, Any]:
    made = copy.deepcopy(BOOK)
    made["products"][0].update(more)
    return made


def priced(of: dict[str, Any]) -> quote.PricedQuote:
    return quote.price(Draft.parse(DRAFT), parse(of), on=date(2026, 2, 1))


def test_a_book_keeps_its_names_and_one_without_keeps_its_hash() -> None:
    named = parse(book(names={"fr": "Équipe Acme", "de": "Acme Team"}, unit_names={"fr": "siège"}))
    turned = parse(book(unit_names={"fr": "siège"}, names={"de": "Acme Team", "fr": "Équipe Acme"}))
    assert parse(to_mapping(named)) == named == turned
    assert content_hash(to_mapping(parse(BOOK))) == "d747654b9f1063e799439752a907a5979d4da511c35414ecc4e2ea69f9a59c79"


def test_a_priced_line_is_called_as_its_book_says_and_one_without_says_nothing() -> None:
    found = priced(book(names={"fr": "Équipe Acme"}, unit_names={"fr": "siège"}))
    (line,) = found.lines
    assert (line.called("fr"), line.called("en"), line.unit_names) == ("Équipe Acme", "Acme Team", {"fr": "siège"})
    assert from_content(content(found)) == found
    (plain,) = cast("list[dict[str, object]]", content(priced(BOOK))["lines"])
    assert not {"names", "unit_names"} & set(plain)


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        ({"French": "Équipe"}, Problem("products[0].names.French", "is no language: expected two letters, as in fr")),
        ({"fr": ""}, Problem("products[0].names.fr", "is missing")),
        ("Équipe", Problem("products[0].names", "expected fields by name, found 'Équipe'")),
    ],
)
def test_a_name_is_refused_by_field(names: object, problem: Problem) -> None:
    with pytest.raises(PriceBookInvalid) as refusal:
        parse(book(names=names))
    assert refusal.value.problems == (problem,)
