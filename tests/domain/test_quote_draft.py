"""Quote drafts: read with their defaults, or refused field by field."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest

from domain.discount import Discount
from domain.errors import Problem
from domain.quote_draft import Draft, DraftInvalid, DraftLine, QuoteTerms

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


def test_a_draft_is_read_with_its_defaults() -> None:
    terms = Draft.parse(DRAFT).terms
    assert terms == QuoteTerms(
        term_months=36,
        interval_months=1,
        start="provisioning",
        net_days=30,
        method="transfer",
        auto_renew=False,
        notice_days=30,
        uplift_percent=Decimal(0),
        valid_days=30,
        signer_name="Ada Blue",
        signer_email="ada@blue.example",
    )
    card = Draft.parse(draft(method="card", start="2026-04-01", price_book_version="3", interval_months="12"))
    assert (card.terms.net_days, card.terms.start, card.price_book_version, card.terms.interval_months) == (
        0,
        "2026-04-01",
        3,
        12,
    )
    assert Draft.parse(draft(start="signature", auto_renew="yes")).terms.auto_renew is True


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        (draft(interval_months=2), Problem("interval_months", "expected one of 1, 3, 12, found '2'")),
        (draft(term_months=7, interval_months=3), Problem("interval_months", "does not divide the term of 7 months")),
        (draft(term_months=0), Problem("term_months", "expected 1 to 120, found 0")),
        (
            draft(start="soon"),
            Problem("start", "expected provisioning, signature or a date as in 2026-01-31, found 'soon'"),
        ),
        (draft(currency="EURO"), Problem("currency", "'EURO' is not an ISO 4217 currency with a minor unit")),
        (
            draft(signer={"name": "Ada", "email": "ada"}),
            Problem("signer.email", "expected a mail address, found 'ada'"),
        ),
        (draft(signer=None), Problem("signer", "is missing")),
        (draft(discount_percent="100.1"), Problem("discount_percent", "expected 0 to 100, found 100.1")),
        (draft(discount_percent="-1"), Problem("discount_percent", "expected 0 to 100, found -1")),
        (draft(discount_amount="10"), Problem("discount_amount", "give discount_percent or discount_amount, not both")),
        (draft(lines=[]), Problem("lines", "is empty")),
        (
            draft(colour="red"),
            Problem(
                "colour",
                "unknown field; known here: alternatives, auto_renew, clauses, coupons, currency, delivery, discount_amount, discount_percent, groups, interval_months, language, lines, method, net_days, notice_days, partner, price_book, price_book_version, signer, start, target_amount, term_months, uplift_percent, valid_days",
            ),
        ),
        (line(quantity=0), Problem("lines[0].quantity", "must be above 0, found 0")),
        (line(quantity=-5), Problem("lines[0].quantity", "must be above 0, found -5")),
        (line(quantity="1000000001"), Problem("lines[0].quantity", "must be at most 1,000,000,000, found 1000000001")),
        (line(quantity="many"), Problem("lines[0].quantity", "expected a number, found 'many'")),
        (
            line(quantity=1.5),
            Problem("lines[0].quantity", 'a number with a fraction must be text, such as "0.10": a float is not exact'),
        ),
        (
            line(discount_amount="-1"),
            Problem("lines[0].discount_amount", "expected 0 to 9223372036854775807, found -1"),
        ),
        (draft(lines=[{"product": "seats", "quantity": 3}] * 2001), Problem("lines", "has more than 2,000 lines")),
    ],
)
def test_a_draft_is_refused_by_field(mapping: dict[str, Any], problem: Problem) -> None:
    with pytest.raises(DraftInvalid) as refusal:
        Draft.parse(mapping)
    found = list(refusal.value.problems)
    assert found[0] == problem
    assert len(found) == 1 or problem.path == "signer"


def test_a_line_discount_of_the_shape_of_none_is_none() -> None:
    assert Draft.parse(line()).lines == (DraftLine(product="seats", charge="", quantity=Decimal(20)),)
    assert Draft.parse(line(discount_amount="1.5")).lines[0].discount == Discount(amount=Decimal("1.5"))
