"""The terms of a deal are those of its offers: of the one, or of the recommended and then of the chosen one."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from domain import price_book
from domain.billing_plan import has_arrears, plan
from domain.outcome import Terms
from domain.quote import QuoteOffers, price_offers
from domain.quote_draft import Draft
from domain.quoting.alternative import UnknownAlternative
from tests.place import DRAFT
from tests.suite import ALTERNATIVES, LINKED, SEATS, book


def offers(**changes: Any) -> QuoteOffers:
    return price_offers(Draft.parse({**DRAFT, **changes}), price_book.parse(book()), on=date(2027, 1, 1))


def test_one_offer_is_as_it_was_asked_for() -> None:
    one = offers(**LINKED)
    terms = Terms.of(one.offers, one.recommended)
    assert (terms.delivery, terms.arrears, terms.alternatives, terms.milestones) == ("link", True, (), ("go-live",))
    assert terms.chosen("") is terms
    with pytest.raises(UnknownAlternative):
        terms.chosen("good")
    plain = offers(price_book="suite-eur", lines=[SEATS])
    assert Terms.of(plain.offers) == Terms(
        currency="EUR",
        acv_minor=240_000,
        term_months=12,
        interval_months=1,
        start="provisioning",
        method="card",
        net_days=0,
        auto_renew=False,
        notice_days=30,
    )


def test_of_several_the_recommended_one_speaks_until_one_is_chosen() -> None:
    several = offers(**ALTERNATIVES)
    terms = Terms.of(several.offers, several.recommended)
    assert terms.delivery == "link", "the customer has to choose"
    assert (terms.recommended, terms.arrears, terms.milestones, terms.term_months) == ("better", True, (), 12)
    best = terms.chosen("best")
    assert (best.term_months, best.interval_months, best.arrears, best.milestones) == (24, 3, True, ("go-live",))
    assert best.chosen("better") == terms
    assert not terms.chosen("good").arrears
    for name, quote in several.offers:
        assert terms.chosen(name).arrears == has_arrears(plan(quote))
        assert terms.chosen(name).acv_minor == quote.totals.acv_minor
