"""Quotes: the waterfall to the cent, totals, hash, uplift."""

from __future__ import annotations

import copy
import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings

from domain import quote
from domain.discount import DiscountTooLarge
from domain.errors import DomainError
from domain.money import AmountOutOfRange
from domain.price_book import PriceBook, UnknownCharge, UnknownProduct, parse
from domain.pricing import QuantityOutOfBounds
from domain.quote import (
    Draft,
    PriceBookNotYetValid,
    QuoteBookMismatch,
    QuoteCurrencyMismatch,
    UpliftOutOfRange,
)
from domain.quoting.facts import Facts
from tests import strategies as some

TODAY = date(2026, 2, 1)
BOOK = parse(
    {
        "name": "acme",
        "version": 3,
        "currency": "EUR",
        "valid_from": "2026-01-01",
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
                "id": "support",
                "name": "Support",
                "provisioning": ["tenant", "entitlements"],
                "charges": [
                    {"id": "base", "model": "flat", "per": "year", "unit_price": 1000},
                    {"id": "free", "model": "flat", "per": "month", "unit_price": 0},
                    {"id": "dear", "model": "per_unit", "per": "month", "unit_price": 90000000000},
                ],
            },
        ],
    }
)
DRAFT: dict[str, Any] = {
    "price_book": "acme",
    "currency": "EUR",
    "term_months": 36,
    "method": "transfer",
    "signer": {"name": "Ada Blue", "email": "ada@blue.example"},
    "discount_percent": "5",
    "lines": [
        {"product": "seats", "quantity": 20, "discount_percent": "10"},
        {"product": "support", "charge": "base", "quantity": "1"},
    ],
}


def draft(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(DRAFT) | changes


def line(**changes: Any) -> dict[str, Any]:
    return draft(lines=[{"product": "seats", "quantity": 20} | changes], discount_percent=0)


def priced(mapping: dict[str, Any]) -> quote.PricedQuote:
    return quote.price(Draft.parse(mapping), BOOK, on=TODAY)


def test_the_waterfall_of_each_line_to_the_cent() -> None:
    found = priced(DRAFT)
    seats, support = found.lines
    assert (seats.list_minor, seats.line_discount_minor, seats.header_discount_minor, seats.net_minor) == (
        25000,
        2500,
        1125,
        21375,
    )
    assert (support.list_minor, support.line_discount_minor, support.header_discount_minor, support.net_minor) == (
        8333,
        0,
        417,
        7916,
    )
    assert (seats.discount_percent, support.discount_percent) == (Decimal("14.5000"), Decimal("5.0000"))
    assert (seats.line_no, seats.product, seats.description, seats.charge, seats.model, seats.unit_label) == (
        1, "seats", "Acme Team", "monthly", "per_unit", "seat",
    )  # fmt: skip
    assert (seats.explain, seats.revenue_account) == (("20 × 12.5",), "revenue:seats")
    assert seats.price == {
        "id": "monthly",
        "model": "per_unit",
        "per": "month",
        "unit_price": "12.5",
        "minimum_quantity": "3",
        "revenue_account": "revenue:seats",
    }
    assert found.provisioning == ("tenant", "users", "entitlements")


def test_totals_over_period_year_and_term() -> None:
    totals = priced(DRAFT).totals
    assert (totals.list_minor, totals.line_discount_minor, totals.header_discount_minor, totals.uplift_minor) == (
        33333,
        2500,
        1542,
        0,
    )
    assert (totals.net_minor, totals.periods, totals.tcv_minor, totals.acv_minor) == (29291, 36, 1054476, 351492)
    assert totals.discount_percent == Decimal("12.1251")  # (14.5 × 25,000 + 5 × 8,333) / 33,333


@pytest.mark.parametrize(("interval", "term", "acv"), [(1, 6, 300000), (3, 9, 300000), (12, 36, 300000)])
def test_the_acv_is_a_years_worth_whatever_the_term(interval: int, term: int, acv: int) -> None:
    totals = priced(line() | {"interval_months": interval, "term_months": term}).totals
    assert totals.acv_minor == acv
    assert totals.tcv_minor == acv * term // 12


def test_an_amount_off_the_header_is_spread() -> None:
    mapping = draft(discount_amount="33.33")
    del mapping["discount_percent"]
    found = priced(mapping)
    assert [each.header_discount_minor for each in found.lines] == [2432, 901]
    assert found.totals.net_minor == 25000 - 2500 + 8333 - 3333


def test_facts_tell_the_discount_that_was_stated_not_its_cents() -> None:
    mapping = draft(lines=[{"product": "support", "charge": "base", "quantity": 1}], discount_percent="20")
    found = priced(mapping)
    assert (found.lines[0].net_minor, found.lines[0].list_minor) == (6666, 8333)  # 20.0048 % by cents
    assert found.facts == Facts(
        discount_percent=Decimal("20.0000"),
        acv_minor=79992,
        tcv_minor=239976,
        term_months=36,
        net_days=30,
        currency="EUR",
        products=("support",),
        method="transfer",
    )


def test_facts_tell_the_highest_discount_of_any_line() -> None:
    assert priced(DRAFT).facts.discount_percent == Decimal("14.5000")


def test_a_free_quote_has_no_discount() -> None:
    found = priced(draft(lines=[{"product": "support", "charge": "free", "quantity": 1}], discount_percent=0))
    assert (found.totals.tcv_minor, found.facts.discount_percent) == (0, Decimal(0))


@pytest.mark.parametrize(
    ("mapping", "error", "where"),
    [
        (line(product="chairs"), UnknownProduct, "lines[0].product"),
        (line(charge="yearly"), UnknownCharge, "lines[0].charge"),
        (line(quantity=2), QuantityOutOfBounds, "lines[0].quantity"),
        (line(discount_amount="250.01"), DiscountTooLarge, "lines[0].discount_amount"),
        (line() | {"discount_amount": "250.01"}, DiscountTooLarge, "discount_amount"),
        (draft(currency="USD"), QuoteCurrencyMismatch, "currency"),
        (draft(price_book="other"), QuoteBookMismatch, "price_book"),
        (draft(price_book_version=2), QuoteBookMismatch, "price_book"),
        (line(product="support", charge="dear", quantity=1) | {"term_months": 120}, None, ""),
    ],
)
def test_what_cannot_be_priced_names_its_field(
    mapping: dict[str, Any], error: type[DomainError] | None, where: str
) -> None:
    if error is None:
        assert priced(mapping).totals.tcv_minor == 90000000000 * 100 * 120
        return
    with pytest.raises(error) as refusal:
        priced(mapping)
    assert refusal.value.where == where


def test_a_book_is_not_used_before_its_day() -> None:
    with pytest.raises(PriceBookNotYetValid) as refusal:
        quote.price(Draft.parse(DRAFT), BOOK, on=date(2025, 12, 31))
    assert refusal.value.facts == {"price_book": "acme", "valid_from": date(2026, 1, 1), "on": date(2025, 12, 31)}
    assert quote.price(Draft.parse(DRAFT), BOOK, on=date(2026, 1, 1)) == priced(DRAFT)


def test_a_total_that_no_column_holds_is_refused() -> None:
    many = [{"product": "support", "charge": "dear", "quantity": 100}] * 200
    with pytest.raises(AmountOutOfRange):
        priced(draft(lines=many, term_months=120, interval_months=12))


def test_the_content_is_plain_json_and_reads_back() -> None:
    found = priced(DRAFT)
    written = quote.content(found)
    assert json.loads(json.dumps(written)) == written
    assert quote.from_content(written) == found
    assert quote.content(quote.from_content(written)) == written


def test_the_hash_of_a_version_tells_its_content() -> None:
    first = quote.content_hash(quote.content(priced(DRAFT)))
    assert quote.content_hash(quote.content(priced(draft(discount_percent="5.00")))) == first
    assert quote.content_hash(quote.content(priced(draft(discount_percent="5.01")))) != first
    assert quote.content_hash(quote.content(priced(draft(net_days=31)))) != first


def test_an_uplift_raises_each_net_line_once() -> None:
    before = priced(DRAFT)
    after = quote.uplifted(quote.content(before), Decimal(5))
    assert [(each.uplift_minor, each.net_minor) for each in after.lines] == [(1069, 22444), (396, 8312)]
    assert (after.totals.net_minor, after.totals.uplift_minor, after.totals.acv_minor) == (30756, 1465, 369072)
    assert after.totals.discount_percent == before.totals.discount_percent
    again = quote.uplifted(quote.content(after), Decimal("2.5"))
    assert [(each.uplift_minor, each.net_minor) for each in again.lines] == [(1069 + 561, 23005), (396 + 208, 8520)]
    assert quote.uplifted(quote.content(before), Decimal(0)) == before


@pytest.mark.parametrize("percent", ["-0.01", "100.01", "NaN"])
def test_an_uplift_has_bounds(percent: str) -> None:
    with pytest.raises(UpliftOutOfRange):
        quote.uplifted(quote.content(priced(DRAFT)), Decimal(percent))


@settings(max_examples=60)
@given(some.quoted())
def test_every_line_goes_from_list_to_net_without_losing_a_cent(made: tuple[Draft, PriceBook]) -> None:
    found = quote.price(made[0], made[1], on=TODAY)
    for version in (found, quote.uplifted(quote.content(found), Decimal("3.7"))):
        for each in version.lines:
            assert (
                each.net_minor
                == each.list_minor - each.line_discount_minor - each.header_discount_minor + each.uplift_minor
            )
            assert each.net_minor >= 0
            assert min(each.line_discount_minor, each.header_discount_minor) >= 0
            assert 0 <= each.discount_percent <= 100
        totals = version.totals
        assert (
            totals.net_minor
            == totals.list_minor - totals.line_discount_minor - totals.header_discount_minor + totals.uplift_minor
        )
        assert totals.tcv_minor == totals.net_minor * totals.periods
        assert totals.acv_minor * version.terms.interval_months == totals.net_minor * 12
        assert quote.from_content(json.loads(json.dumps(quote.content(version)))) == version
        assert version.facts.discount_percent >= totals.discount_percent
