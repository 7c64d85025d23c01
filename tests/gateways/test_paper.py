"""From a priced version to its document: every kind of charge and every part of a waterfall arrives on the page, to the cent."""

from __future__ import annotations

import doctest
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest

from domain.coupon import Coupon
from domain.price_book import parse
from domain.quote import price_offers
from domain.quote_draft import Draft
from domain.quote_version import QuoteOffers, content, offers
from gateways import quote_view as quote_view_module
from gateways import words
from gateways.documents import QuoteData, order_form, quote_pdf
from gateways.paper import order_form_data, quote_data, quote_number
from gateways.price_text import price_text
from gateways.quote_view import quote_view
from gateways.words import words_of

ON = date(2026, 3, 1)
BOOK = parse(
    {
        "name": "acme",
        "currency": "EUR",
        "valid_from": "2026-01-01",
        "products": [
            {
                "id": "seats",
                "name": "Acme Team",
                "unit": "seat",
                "charges": [{"id": "monthly", "model": "per_unit", "per": "month", "unit_price": "12.50"}],
            },
            {
                "id": "setup",
                "name": "Onboarding",
                "unit": "day",
                "charges": [
                    {"id": "once", "model": "per_unit", "kind": "one_time", "unit_price": "1500"},
                    {"id": "live", "model": "flat", "kind": "milestone", "unit_price": "5000"},
                ],
            },
            {
                "id": "calls",
                "name": "Calls",
                "unit": "call",
                "charges": [
                    {
                        "id": "used",
                        "model": "graduated",
                        "kind": "usage",
                        "per": "month",
                        "tiers": [{"up_to": 1000, "unit_price": "0.010", "flat_fee": "5"}, {"unit_price": "0.002"}],
                        "commitment": {"amount": "20"},
                    }
                ],
            },
        ],
    }
)
DRAFT: dict[str, Any] = {
    "price_book": "acme",
    "currency": "EUR",
    "term_months": 36,
    "language": "fr",
    "signer": {"name": "Ada Blue", "email": "ada@blue.example"},
    "partner": {"name": "Resell Ltd", "margin_percent": "15"},
    "clauses": ["Liability is limited."],
    "groups": [{"name": "platform", "discount_percent": "10"}],
    "discount_percent": "5",
    "lines": [
        {
            "product": "seats",
            "group": "platform",
            "ramp": [{"months": 12, "quantity": 20, "discount_percent": "7"}, {"months": 24, "quantity": 41}],
        },
        {"product": "setup", "charge": "once", "quantity": 2},
        {"product": "setup", "charge": "live", "quantity": 1, "milestone": "go-live"},
        {"product": "calls", "quantity": 2500},
    ],
}


@dataclass(kw_only=True)
class Entity:
    name: str = "Acme GmbH"
    address: str = "Unter den Linden 1\n10117 Berlin"
    tax_number: str = "DE123456789"
    bank_account: str = "DE02120300000000202051"
    virtual: bool = False
    look: dict[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True)
class Account:
    name: str = "Blue SA"
    address: str = ""
    email: str = "ap@blue.example"
    language: str = "en"


def priced(known: dict[str, Coupon] | None = None, **changes: Any) -> QuoteOffers:
    found = price_offers(Draft.parse({**DRAFT, **changes}), BOOK, on=ON, coupons=known or {})
    return offers(content(found))  # as it is read from the books


def quoted(quote: QuoteOffers, entity: Entity | None = None) -> QuoteData:
    return quote_data(
        entity=entity or Entity(),
        account=Account(),
        quote=quote,
        number="Q-1",
        version=1,
        title="Acme for Blue",
        prepared_by="sam@acme.example",
        issued_on=ON,
        expires_on=date(2026, 3, 31),
    )


def test_every_kind_of_charge_and_every_part_arrives() -> None:
    coupon = Coupon.parse({"code": "SPRING", "percent": "3"})
    quote = priced({"SPRING": coupon}, coupons=["SPRING"])

    data = quoted(quote)

    (offer,) = data.offers
    totals = quote.headline.totals
    assert [line.kind for line in offer.lines] == ["recurring", "one_time", "milestone", "usage"]
    assert [(s.from_period, s.to_period, int(s.quantity)) for s in offer.lines[0].stretches] == [
        (0, 12, 20),
        (12, 36, 41),
    ]
    parts = [name for name, _ in offer.lines[0].stretches[0].parts]
    assert parts == ["line_discount", "group_discount", "header_discount", "coupon", "partner"]
    assert offer.list_minor + sum(minor for _, minor in offer.parts) == offer.tcv_minor == totals.tcv_minor
    kinds = (offer.recurring_minor, offer.one_time_minor, offer.milestone_minor, offer.usage_minor)
    assert sum(kinds) == totals.tcv_minor
    assert (data.language, data.partner, data.clauses) == ("fr", "Resell Ltd", ("Liability is limited.",))
    assert quote_pdf(data) == quote_pdf(quoted(quote))


def test_the_recurring_prices_by_period_add_up_to_the_recurring_total() -> None:
    data = quoted(priced())

    view: Any = quote_view(data, "en")["offers"]
    rows = view[0]["ramp"]
    assert [row["period"] for row in rows] == ["Months 1–12", "Months 13–36"]
    summed = sum(Decimal(row["sum"].replace(",", "")) for row in rows)
    assert summed * 100 == data.offers[0].recurring_minor


def test_alternatives_are_offers_of_one_quote_and_the_chosen_one_is_ordered() -> None:
    lines = [{"product": "seats", "quantity": 5}]
    both = [
        {"name": "good", "lines": lines},
        {"name": "better", "recommended": True, "lines": lines, "term_months": 24},
    ]
    quote = priced(alternatives=both)

    data = quoted(quote)

    assert [(each.name, each.recommended, each.term_months) for each in data.offers] == [
        ("good", False, 36),
        ("better", True, 24),
    ]
    form = order_form_data(
        entity=Entity(),
        account=Account(),
        quote=dict(quote.offers)["good"],
        number="Q-1",
        version=1,
        title="Acme for Blue",
        prepared_by="sam@acme.example",
        issued_on=ON,
        expires_on=date(2026, 3, 31),
    )
    assert [(each.name, each.term_months) for each in form.offers] == [("", 36)]
    assert order_form(form).startswith(b"%PDF")


def test_a_legal_entity_has_its_own_look() -> None:
    look = {"accent": "#aa0044", "footer": "HRB 12345", "logo": "acme", "email": "sales@acme.example"}

    seller = quoted(priced(), Entity(look=look)).seller

    assert (seller.accent, seller.footer, seller.logo, seller.email) == tuple(look.values())
    assert quoted(priced()).seller.accent == "#17456b"


@pytest.mark.parametrize(
    ("lines", "billing"),
    [
        ([{"product": "seats", "quantity": 1}], "Monthly in advance"),
        ([{"product": "calls", "quantity": 1}], "Monthly in arrears"),
        ([{"product": "seats", "quantity": 1}, {"product": "calls", "quantity": 1}], "Monthly in advance"),
        ([{"product": "setup", "charge": "once", "quantity": 1}], "Once"),
    ],
)
def test_how_it_is_billed_is_said_of_the_whole(lines: list[Any], billing: str) -> None:
    view: Any = quote_view(quoted(priced(lines=lines)), "en")

    assert dict(view["offers"][0]["facts"])["Billing"] == billing


@pytest.mark.parametrize("module", [words, quote_view_module])
def test_the_figures_in_the_docstrings_are_true(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


def test_a_number_is_the_deals_and_the_orders() -> None:
    assert quote_number("d_abcdefghijkl", 2) == "ABCDEFGH-2"


@pytest.mark.parametrize(
    ("price", "told"),
    [
        ({"model": "flat", "per": "year", "unit_price": "99"}, ["99.00 per year"]),
        ({"model": "flat", "kind": "milestone", "unit_price": "99"}, ["99.00 once"]),
        ({"model": "per_unit", "per": "month", "unit_price": "0.002"}, ["0.002 per call and month"]),
        (
            {"model": "package", "per": "month", "unit_price": "9", "package_size": "1000", "included_quantity": "500"},
            ["9.00 per package of 1,000 call", "500 call included"],
        ),
        (
            {"model": "percentage", "per": "month", "percent": "2.9", "transaction_fee": "0.30"},
            ["2.9\N{NO-BREAK SPACE}% of the amount", "+ 0.30 per transaction"],
        ),
        (
            {"model": "graduated_percentage", "tiers": [{"up_to": "1000", "percent": "3"}, {"percent": "2"}]},
            [
                "A percentage of each slice of the amount",
                "up to 1,000: 3\N{NO-BREAK SPACE}%",
                "above 1,000: 2\N{NO-BREAK SPACE}%",
            ],
        ),
        (
            {"model": "stairstep", "tiers": [{"up_to": "10", "flat_fee": "50"}], "overage_price": "4"},
            ["Price of the step that is reached", "up to 10: 50.00 flat", "beyond what is included: 4.00 each"],
        ),
        (
            {
                "model": "capacity",
                "tiers": [{"bounds": {"cpu": "4", "ram": "16"}, "flat_fee": "80"}, {"flat_fee": "200"}],
            },
            [
                "Price of the step that the peak reaches",
                "up to cpu 4, ram 16: 80.00 flat",
                "above cpu 4, ram 16: 200.00 flat",
            ],
        ),
        (
            {
                "model": "matrix",
                "dimensions": ["region"],
                "cells": [{"when": {"region": "eu"}, "unit_price": "1.20"}],
                "default_price": "1.50",
            },
            ["Price by property", "eu: 1.20", "otherwise: 1.50"],
        ),
        (
            {"model": "dynamic", "minimum_amount": "10"},
            ["The amount that each event carries", "at least 10.00 per month"],
        ),
        (
            {
                "model": "per_unit",
                "unit_price": "2",
                "commitment": {"quantity": "100"},
                "pricing_unit": {"name": "credit", "rate": "0.10"},
            },
            ["2.00 per call and month", "committed: 100 call per month", "prices in credit: 1 = 0.10 EUR"],
        ),
        ({"model": "of a later time"}, []),
    ],
)
def test_a_price_is_told_in_words(price: dict[str, Any], told: list[str]) -> None:
    assert list(price_text(price, unit="call", currency="EUR", words=words_of("en"))) == told
    assert len(price_text(price, unit="call", currency="EUR", words=words_of("fr"))) == len(told)


def test_a_long_tier_table_is_cut_where_a_page_would_drown_in_it() -> None:
    tiers = [{"up_to": str(n), "unit_price": "1"} for n in range(1, 20)]

    told = price_text({"model": "volume", "tiers": tiers}, unit="call", currency="EUR", words=words_of("en"))

    assert (len(told), told[-2:]) == (14, ("up to 12: 1.00 each", "…"))
