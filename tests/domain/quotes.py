"""A price book of every kind of charge, and drafts over it: what the tests of quotes share."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from domain import quote
from domain.coupon import Coupon
from domain.price_book import PriceBook, parse
from domain.quote import Draft, PricedQuote, QuoteOffers

TODAY = date(2026, 2, 1)
PRODUCTS: list[dict[str, Any]] = [
    {
        "id": "seats",
        "name": "Seats",
        "unit": "seat",
        "provisioning": ["tenant"],
        "charges": [
            {
                "id": "monthly",
                "model": "per_unit",
                "per": "month",
                "unit_price": "12.50",
                "cost": "4",
                "floor": "10",
            },
            {"id": "late", "model": "per_unit", "per": "month", "unit_price": "13", "timing": "arrears"},
        ],
    },
    {
        "id": "platform",
        "name": "Platform",
        "charges": [{"id": "yearly", "model": "flat", "per": "year", "unit_price": "1000"}],
    },
    {
        "id": "services",
        "name": "Services",
        "unit": "day",
        "charges": [
            {"id": "setup", "model": "per_unit", "kind": "one_time", "unit_price": "900"},
            {"id": "golive", "model": "flat", "kind": "milestone", "unit_price": "5000"},
        ],
    },
    {
        "id": "calls",
        "name": "Calls",
        "unit": "call",
        "charges": [
            {"id": "free", "model": "per_unit", "kind": "usage", "per": "month", "unit_price": "0.10"},
            {
                "id": "committed",
                "model": "per_unit",
                "kind": "usage",
                "per": "month",
                "unit_price": "0.10",
                "minimum_amount": "50",
            },
        ],
    },
]
BOOK: dict[str, Any] = {
    "name": "acme",
    "version": 3,
    "currency": "EUR",
    "valid_from": "2026-01-01",
    "products": PRODUCTS,
}
DRAFT: dict[str, Any] = {
    "price_book": "acme",
    "currency": "EUR",
    "term_months": 12,
    "method": "transfer",
    "signer": {"name": "Ada Blue", "email": "ada@blue.example"},
    "lines": [{"product": "seats", "charge": "monthly", "quantity": 20}],
}


def book(**changes: Any) -> PriceBook:
    return parse(copy.deepcopy(BOOK) | changes)


def draft(*lines: dict[str, Any], **changes: Any) -> Draft:
    """A draft with these lines (20 seats unless said); a line without a charge has the product's first."""
    found = copy.deepcopy(DRAFT) | changes
    if lines:
        found["lines"] = [_with_charge(line) for line in lines]
    return Draft.parse(found)


def priced(
    *lines: dict[str, Any], prices: PriceBook | None = None, known: Mapping[str, Coupon] | None = None, **changes: Any
) -> PricedQuote:
    """A draft, priced; `known` are the coupons there are."""
    return quote.price(draft(*lines, **changes), prices or book(), on=TODAY, coupons=known or {})


def offered(*alternatives: dict[str, Any], **changes: Any) -> QuoteOffers:
    """Alternatives over the book, without lines of their own common ground."""
    found = copy.deepcopy(DRAFT) | changes | {"alternatives": list(alternatives)}
    for each in alternatives:
        if "lines" in each:
            each["lines"] = [_with_charge(line) for line in each["lines"]]
    if all("lines" in each for each in alternatives):
        del found["lines"]
    return quote.price_offers(Draft.parse(found), book(), on=TODAY)


def _with_charge(line: dict[str, Any]) -> dict[str, Any]:
    first = next((each["charges"][0]["id"] for each in PRODUCTS if each["id"] == line["product"]), "")
    return {"charge": first} | line


percents = st.decimals(0, 100, places=2).map(str)
small_percents = st.decimals(0, 60, places=2).map(str)
charges = st.sampled_from(
    [
        (product["id"], charge["id"], charge.get("kind", "recurring"))
        for product in PRODUCTS
        for charge in product["charges"]
    ]
)


@st.composite
def lines(draw: st.DrawFn, term_months: int, interval: int) -> dict[str, Any]:
    """Any line that fits the term, maybe a ramp of two stretches."""
    product, charge, kind = draw(charges)
    line: dict[str, Any] = {"product": product, "charge": charge, "group": draw(st.sampled_from(["", "a", "b"]))}
    if kind == "milestone":
        line["milestone"] = draw(st.sampled_from(["go live", "acceptance"]))
    periods = term_months // interval
    if kind in {"recurring", "usage"} and periods > 1 and draw(st.booleans()):
        first = draw(st.integers(1, periods - 1)) * interval
        line["ramp"] = [
            {"months": months, "quantity": draw(st.integers(1, 500)), "discount_percent": draw(percents)}
            for months in (first, term_months - first)
        ]
        return line
    return line | {
        "quantity": str(draw(st.decimals(1, 500, places=2))),
        "discount_percent": draw(percents),
    }


@st.composite
def drafts(draw: st.DrawFn) -> tuple[Draft, PriceBook, dict[str, Coupon]]:
    """A draft of any kinds of lines, with everything that may be taken from several of them, in one of three currencies."""
    currency = draw(st.sampled_from(["EUR", "JPY", "BHD"]))
    interval = draw(st.sampled_from([1, 3, 12]))
    term = interval * draw(st.integers(1, 5))
    coupon = Coupon(
        code="ONE",
        percent=Decimal(draw(st.integers(0, 50))) + 1,
        periods=draw(st.sampled_from([None, 1, 2])),
        products=draw(st.sampled_from([(), ("seats",)])),
    )
    made = [draw(lines(term, interval)) for _ in range(draw(st.integers(1, 5)))]
    uses = coupon.applies_to("") or any(line["product"] == "seats" for line in made)
    mapping = copy.deepcopy(DRAFT) | {
        "currency": currency,
        "term_months": term,
        "interval_months": interval,
        "lines": made,
        "groups": [{"name": "a", "discount_percent": draw(small_percents)}, {"name": "b"}],
        "discount_percent": draw(small_percents),
        "coupons": ["ONE"] if uses and draw(st.booleans()) else [],
        "partner": {"name": "Resell", "margin_percent": draw(small_percents)} if draw(st.booleans()) else None,
    }
    promotions = [{"name": "early", "percent": "12.5", "periods": 2}] if draw(st.booleans()) else []
    return Draft.parse(mapping), book(currency=currency, promotions=promotions), {"ONE": coupon}
