"""Price books: read whole or refused with every problem and its path."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from domain.errors import Problem
from domain.price_book import (
    Charge,
    PriceBook,
    PriceBookInvalid,
    Product,
    Tier,
    UnknownCharge,
    UnknownProduct,
    content_hash,
    parse,
    to_mapping,
)
from domain.rating.charge import MODELS
from domain.rating.charge_document import known
from tests import strategies as some
from tests.domain.rating import every

ACME: dict[str, Any] = {
    "name": "acme",
    "version": 2,
    "currency": "EUR",
    "valid_from": "2026-01-01",
    "source": "acme.example/pricing",
    "products": [
        {
            "id": "seats",
            "name": "Acme Team",
            "unit": "seat",
            "provisioning": ["tenant", "users"],
            "charges": [
                {"id": "monthly", "model": "per_unit", "per": "month", "unit_price": "12.50", "minimum_quantity": 3}
            ],
        },
        {
            "id": "api",
            "charges": [
                {
                    "id": "calls",
                    "model": "graduated",
                    "per": "year",
                    "revenue_account": "revenue:usage",
                    "maximum_quantity": "100000",
                    "tiers": [{"up_to": "1000", "unit_price": "0.010", "flat_fee": 5}, {"unit_price": "0.002"}],
                },
                {"id": "base", "model": "flat", "per": "quarter", "unit_price": 99},
            ],
        },
    ],
}


def problems_of(change: Any) -> list[Problem]:
    """What `parse` finds wrong after a change to the good book."""
    mapping = copy.deepcopy(ACME)
    change(mapping)
    with pytest.raises(PriceBookInvalid) as refusal:
        parse(mapping)
    return list(refusal.value.problems)


def test_a_book_is_read_whole() -> None:
    assert parse(ACME) == PriceBook(
        name="acme",
        version=2,
        currency="EUR",
        valid_from=date(2026, 1, 1),
        source="acme.example/pricing",
        products=(
            Product(
                id="seats",
                name="Acme Team",
                unit="seat",
                provisioning=("tenant", "users"),
                charges=(
                    Charge(
                        id="monthly",
                        model="per_unit",
                        months=1,
                        unit_price=Decimal("12.5"),
                        minimum_quantity=Decimal(3),
                        revenue_account="revenue:seats",
                    ),
                ),
            ),
            Product(
                id="api",
                name="api",
                unit="unit",
                provisioning=("tenant", "entitlements", "users"),
                charges=(
                    Charge(
                        id="calls",
                        model="graduated",
                        months=12,
                        tiers=(
                            Tier(up_to=Decimal(1000), unit_price=Decimal("0.01"), flat_fee=Decimal(5)),
                            Tier(up_to=None, unit_price=Decimal("0.002")),
                        ),
                        maximum_quantity=Decimal(100000),
                        revenue_account="revenue:usage",
                    ),
                    Charge(id="base", model="flat", months=3, unit_price=Decimal(99), revenue_account="revenue:api"),
                ),
            ),
        ),
    )


@given(some.price_books())
def test_a_book_written_and_read_is_the_same_book(book: PriceBook) -> None:
    mapping = to_mapping(book)
    assert parse(mapping) == book
    assert to_mapping(parse(mapping)) == mapping


def test_the_hash_tells_content_not_spelling() -> None:
    spelt = copy.deepcopy(ACME)
    spelt["products"][0]["charges"][0]["unit_price"] = "12.500"
    assert content_hash(to_mapping(parse(spelt))) == content_hash(to_mapping(parse(ACME)))
    spelt["products"][0]["charges"][0]["unit_price"] = "12.51"
    assert content_hash(to_mapping(parse(spelt))) != content_hash(to_mapping(parse(ACME)))


TIERS = "products[1].charges[0].tiers"


@pytest.mark.parametrize(
    ("tiers", "problem"),
    [
        (
            [{"up_to": 10, "unit_price": 1}],
            Problem(
                f"{TIERS}[0].up_to",
                "the last tier must be open (no up_to), unless `beyond` says what the rest costs",
            ),
        ),
        (
            [{"unit_price": 1}, {"unit_price": 2}],
            Problem(f"{TIERS}[0].up_to", "is missing: only the last tier is open"),
        ),
        (
            [{"up_to": 10, "unit_price": 1}, {"up_to": 10, "unit_price": 1}, {"unit_price": 2}],
            Problem(f"{TIERS}[1].up_to", "must be above 10, the tier below"),
        ),
        ([{"up_to": 0, "unit_price": 1}, {"unit_price": 2}], Problem(f"{TIERS}[0].up_to", "must be above 0")),
        (
            [{"up_to": 10, "unit_price": -1}, {"unit_price": 2}],
            Problem(f"{TIERS}[0].unit_price", "expected 0 to 100000000000, found -1"),
        ),
        (
            [{"up_to": 10}, {"unit_price": 2}],
            Problem(f"{TIERS}[0].unit_price", "is missing: a tier has a unit_price, a flat_fee or both"),
        ),
        (
            [{"up_to": 10, "unit_price": 0.1}, {"unit_price": 2}],
            Problem(
                f"{TIERS}[0].unit_price", 'a number with a fraction must be text, such as "0.10": a float is not exact'
            ),
        ),
        (
            [{"up_to": 10, "unit_price": 1, "flat": 1}, {"unit_price": 2}],
            Problem(
                f"{TIERS}[0].flat", "unknown field; known here: block_size, flat_fee, maximum_amount, unit_price, up_to"
            ),
        ),
        ([], Problem(TIERS, "is empty")),
        (None, Problem(TIERS, "is missing")),
    ],
)
def test_tiers_ascend_and_the_last_is_open(tiers: object, problem: Problem) -> None:
    def change(book: dict[str, Any]) -> None:
        book["products"][1]["charges"][0]["tiers"] = tiers

    assert problems_of(change) == [problem]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"unit_price": "-0.01"}, Problem("unit_price", "expected 0 to 100000000000, found -0.01")),
        ({"unit_price": None}, Problem("unit_price", "is missing")),
        ({"model": "stairs"}, Problem("model", f"expected one of {', '.join(MODELS)}, found 'stairs'")),
        ({"per": "week"}, Problem("per", "expected one of month, quarter, half_year, year, found 'week'")),
        ({"tiers": [{"unit_price": 1}]}, Problem("tiers", "a per_unit price has no tiers")),
        ({"maximum_quantity": 2}, Problem("maximum_quantity", "is below the minimum of 3")),
        ({"id": "Monthly!"}, Problem("id", "expected lower-case letters, digits, _ . -, found 'Monthly!'")),
        ({"revenue_account": "cash"}, Problem("revenue_account", "expected revenue:<lower-case name>, found 'cash'")),
        (
            {"prise": 1},
            Problem(
                "prise",
                f"unknown field; known here: {', '.join(known('per_unit'))}",
            ),
        ),
    ],
)
def test_a_charge_is_checked_field_by_field(fields: dict[str, Any], problem: Problem) -> None:
    found = problems_of(lambda book: book["products"][0]["charges"][0].update(fields))
    assert Problem(f"products[0].charges[0].{problem.path}", problem.message) in found


def test_a_tiered_price_has_no_other_price() -> None:
    found = problems_of(lambda book: book["products"][1]["charges"][0].update(unit_price=1))
    assert found == [Problem("products[1].charges[0].unit_price", "a graduated price has no unit_price")]


def test_ids_are_there_once() -> None:
    def change(book: dict[str, Any]) -> None:
        book["products"][1]["id"] = "seats"
        book["products"][1]["charges"][1]["id"] = "calls"

    assert problems_of(change) == [
        Problem("products[1].charges[1].id", "'calls' is there twice"),
        Problem("products[1].id", "'seats' is there twice"),
    ]


def test_all_problems_are_told_at_once() -> None:
    def change(book: dict[str, Any]) -> None:
        book.update(currency="eur", valid_from="soon", version=0, nam="x")
        book["products"][0]["charges"] = []

    assert problems_of(change) == [
        Problem("version", "expected 1 to 1000000, found 0"),
        Problem("currency", "'eur' is not an ISO 4217 currency with a minor unit"),
        Problem("valid_from", "expected a date as in 2026-01-31, found 'soon'"),
        Problem("products[0].charges", "is empty"),
        Problem(
            "nam",
            "unknown field; known here: currency, entities, name, products, promotions, rules, segments, source, valid_from, valid_to, version",
        ),
    ]


@pytest.mark.parametrize("mapping", [None, [], "acme", 3])
def test_what_is_no_mapping_is_no_price_book(mapping: Any) -> None:
    with pytest.raises(PriceBookInvalid):
        parse(mapping)


def test_products_and_charges_are_found_by_id() -> None:
    book = parse(ACME)
    assert book.product("seats").charge("") is book.product("seats").charge("monthly")
    assert book.product("api").charge("base").model == "flat"
    with pytest.raises(UnknownProduct) as product:
        book.product("chairs")
    assert product.value.facts == {"product": "chairs", "price_book": "acme"}
    for charge_id in ("", "monthly"):
        with pytest.raises(UnknownCharge) as charge:
            book.product("api").charge(charge_id)
        assert charge.value.facts == {"product": "api", "charge": charge_id, "known": ("calls", "base")}


def test_an_older_book_keeps_its_hash() -> None:
    assert content_hash(to_mapping(parse(ACME))) == "b45ee5966d3d45ebb5a3ea2c61a7fd9b7f7e982681c9d2a752f67eb05f52d891"


@given(every.charges())
def test_a_book_of_any_charge_is_read_back_the_same(charge: Charge) -> None:
    seats = Product(
        id="seats",
        name="Seats",
        unit="seat",
        charges=(charge,),
        attributes=(("region", ("eu", "us")), ("note", ())),
    )
    book = replace(
        parse(ACME),
        products=(seats,),
        segments=("enterprise",),
        entities=("Acme GmbH",),
        valid_to=date(2027, 1, 1),
    )
    assert parse(to_mapping(book)) == book


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        (
            {"valid_to": "2026-01-01"},
            Problem("valid_to", "must be after valid_from: it is the first day without these prices"),
        ),
        ({"segments": "enterprise"}, Problem("segments", "expected a list, found 'enterprise'")),
        ({"entities": [""]}, Problem("entities[0]", "expected a legal entity, found ''")),
    ],
)
def test_whom_and_when_a_book_is_for_is_checked(fields: dict[str, Any], problem: Problem) -> None:
    assert problems_of(lambda book: book.update(fields)) == [problem]


def test_a_product_that_is_misspelt_is_told_with_what_was_meant() -> None:
    refusal = UnknownProduct.among("seets", "cloud", ("suite", "seats"))
    assert (refusal.text, refusal.hint) == ("unknown product (product seets, price_book cloud)", "did you mean seats?")
    assert UnknownProduct.among("xyz", "cloud", ("suite",)).hint == "name a product of the price book"
