"""The content of versions: what was kept stays what it was, and whatever is priced reads back as itself."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from domain import quote
from domain.price_book import parse, to_mapping
from domain.quote_draft import Draft
from domain.quote_version import QuoteOffers, content, from_content, offer, offers, shown
from tests.domain import quotes as some

KEPT: dict[str, Any] = json.loads((Path(__file__).parent / "contents" / "issue-2.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("kept", KEPT["versions"], ids=lambda kept: kept["name"])
def test_a_version_of_old_reads_and_is_written_as_it_was(kept: dict[str, Any]) -> None:
    found = from_content(kept["content"])
    assert content(found) == kept["content"]
    assert quote.content_hash(content(found)) == kept["content_hash"]
    assert quote.content_hash(kept["content"]) == kept["content_hash"]


def test_a_draft_of_old_is_priced_to_the_same_version_by_the_same_book() -> None:
    first, renewal = KEPT["versions"]
    book = parse(KEPT["price_book"])
    assert quote.content_hash(to_mapping(book)) == KEPT["price_book_hash"]
    found = quote.price(Draft.parse(first["draft"]), book, on=date(2026, 2, 1))
    assert quote.content_hash(content(found)) == first["content_hash"]
    again = quote.uplifted(content(found), Decimal(5))
    assert quote.content_hash(content(again)) == renewal["content_hash"]


def test_what_old_versions_do_not_say_follows_from_their_lines() -> None:
    found = from_content(KEPT["versions"][0]["content"])
    assert [line.segments[0].to_period for line in found.lines] == [36, 36]
    totals = found.totals
    assert (totals.recurring_minor, totals.first_year_minor, totals.over_term["list"]) == (1054476, 351492, 33333 * 36)
    assert (found.terms.delivery, found.terms.language, found.terms.clauses) == ("signature", "en", ())


def test_what_is_shown_has_every_field() -> None:
    found = from_content(KEPT["versions"][0]["content"])
    told = shown(found)
    assert json.loads(json.dumps(told)) == told
    lines: Any = told["lines"]
    totals: Any = told["totals"]
    assert (lines[0]["kind"], lines[0]["segments"][0]["to_period"]) == ("recurring", 36)
    assert totals["first_year_minor"] == 351492
    assert from_content(told) == found


@settings(max_examples=60)
@given(some.drafts())
def test_whatever_is_priced_reads_back(made: tuple[Any, Any, Any]) -> None:
    draft, book, coupons = made
    found = quote.price(draft, book, on=some.TODAY, coupons=coupons)
    written = json.loads(json.dumps(content(found)))
    assert from_content(written) == found
    assert content(from_content(written)) == written
    renewal = quote.uplifted(written, Decimal("3.7"))
    assert from_content(json.loads(json.dumps(content(renewal)))) == renewal


def test_alternatives_read_back_and_are_picked_by_name() -> None:
    found = some.offered(
        {"name": "good", "lines": [{"product": "seats", "quantity": 10}]},
        {"name": "better", "recommended": "true", "term_months": 24, "lines": [{"product": "seats", "quantity": 20}]},
    )
    written = json.loads(json.dumps(content(found)))
    assert offers(written) == found
    assert offer(written, "good").totals.tcv_minor == 10 * 1250 * 12
    assert from_content(written) == found.headline == offer(written, "better")
    for wrong in ("", "best"):
        with pytest.raises(quote.UnknownAlternative) as refusal:
            offer(written, wrong)
        assert refusal.value.facts == {"alternative": wrong, "offered": ("good", "better")}


def test_the_hash_covers_every_alternative() -> None:
    def hashed(quantity: int) -> str:
        lines = [{"product": "seats", "quantity": quantity}]
        found: QuoteOffers = some.offered(
            {"name": "good", "lines": lines}, {"name": "best", "lines": [{"product": "seats", "quantity": 9}]}
        )
        return quote.content_hash(content(found))

    assert hashed(10) == hashed(10) != hashed(11)
