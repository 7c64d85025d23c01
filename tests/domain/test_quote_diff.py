"""Two versions compared: lines, terms and money, in figures and in words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from domain import quote
from domain.quote_diff import FieldChange, MoneyChange, diff
from domain.quote_version import PricedQuote, QuoteOffers, content
from tests.domain import quotes as some

SEATS = {"product": "seats", "quantity": 20}
PLATFORM = {"product": "platform", "quantity": 1}
SETUP = {"product": "services", "charge": "setup", "quantity": 2}


def compared(before: PricedQuote | QuoteOffers, after: PricedQuote | QuoteOffers) -> list[tuple[str, str]]:
    return [(each.name, each.what) for each in diff(content(before), content(after))]


def test_everything_that_changed_in_words() -> None:
    before = some.priced(SEATS, PLATFORM, SETUP)
    after = some.priced(
        SEATS | {"quantity": 25, "discount_percent": "10", "start": "signature"},
        SETUP,
        {"product": "calls", "charge": "committed", "quantity": 1000},
        term_months=24,
        net_days=45,
        clauses=["Liability is capped"],
        partner={"name": "Resell", "margin_percent": "5"},
        auto_renew=True,
    )
    [found] = diff(content(before), content(after))
    assert found.texts == (
        "per period 333.33 EUR → 314.69 EUR (-18.64)",
        "ACV 3,999.96 EUR → 3,776.28 EUR (-223.68)",
        "TCV 5,799.96 EUR → 9,262.56 EUR (+3,462.60)",
        "term 12 → 24 months",
        "net days 30 → 45 days",
        "auto renew no → yes",
        "partner name none → Resell",
        "partner 0 → 5 %",
        "clauses none → Liability is capped",
        (
            "Seats (seats, monthly) changed: quantity 20 → 25; discount 0 → 10 %; start none → signature; "
            "per period 250.00 EUR → 267.19 EUR (+17.19)"
        ),
        "Services (services, setup) changed: once 1,800.00 EUR → 1,710.00 EUR (-90.00)",
        "Calls (calls, committed) added: quantity 1000; per period 0.00 EUR → 47.50 EUR (+47.50)",
        "Platform (platform, yearly) removed: quantity 1; per period 83.33 EUR → 0.00 EUR (-83.33)",
    )
    assert (found.what, found.tcv.delta_minor) == ("changed", 346260)
    seats = found.lines[0]
    assert (seats.what, seats.before_line, seats.after_line) == ("changed", 1, 1)
    assert seats.fields[0] == FieldChange(name="quantity", before="20", after="25")
    assert seats.over_term == MoneyChange(before_minor=300000, after_minor=26719 * 24)
    assert [(each.before_line, each.after_line) for each in found.lines[2:]] == [(0, 3), (2, 0)]


def test_a_version_is_the_same_as_itself() -> None:
    made = some.priced(SEATS, PLATFORM)
    [found] = diff(content(made), content(made))
    assert (found.what, found.texts, found.lines, found.terms) == ("same", (), (), ())


def test_a_ramp_is_told_by_where_it_changes() -> None:
    ramp = [{"months": 6, "quantity": 20}, {"months": 6, "quantity": 30}]
    [found] = diff(content(some.priced(SEATS)), content(some.priced({"product": "seats", "ramp": ramp})))
    [line] = found.lines
    assert line.text == (
        "Seats (seats, monthly) changed: quantity 20 → 20, 30 from period 7; "
        "over the term 3,000.00 EUR → 3,750.00 EUR (+750.00)"
    )
    assert found.tcv.delta_minor == 6 * 12500


@pytest.mark.parametrize(
    ("before", "after", "pairs"),
    [
        ([10, 20], [20, 10], []),  # lines alike are matched by quantity first
        ([10, 20], [20, 30], [("changed", 1, 2)]),
        ([10], [10, 10], [("added", 0, 2)]),
        ([10, 20, 30], [20], [("removed", 1, 0), ("removed", 3, 0)]),
    ],
)
def test_lines_alike_are_matched(before: list[int], after: list[int], pairs: list[tuple[str, int, int]]) -> None:
    versions = [some.priced(*(SEATS | {"quantity": each} for each in quantities)) for quantities in (before, after)]
    [found] = diff(content(versions[0]), content(versions[1]))
    assert [(line.what, line.before_line, line.after_line) for line in found.lines] == pairs


def test_alternatives_are_compared_by_name() -> None:
    good = {"name": "good", "lines": [SEATS]}
    better = {"name": "better", "recommended": True, "lines": [SEATS | {"quantity": 30}]}
    best = {"name": "best", "lines": [SEATS | {"quantity": 40}]}
    before = some.offered(good, better)
    after = some.offered(good | {"term_months": 24}, best | {"recommended": True})
    assert compared(before, after) == [("good", "changed"), ("best", "added"), ("better", "removed")]
    [good_change, best_change, better_change] = diff(content(before), content(after))
    assert good_change.texts == (
        "TCV 3,000.00 EUR → 6,000.00 EUR (+3,000.00)",
        "term 12 → 24 months",
        "Seats (seats, monthly) changed: over the term 3,000.00 EUR → 6,000.00 EUR (+3,000.00)",
    )
    assert best_change.tcv == MoneyChange(before_minor=0, after_minor=600000)
    assert better_change.tcv == MoneyChange(before_minor=450000, after_minor=0)


def test_one_offer_is_compared_with_the_recommended_of_several() -> None:
    several = some.offered({"name": "good", "lines": [SEATS]}, {"name": "best", "recommended": True, "lines": [SEATS]})
    one = some.priced(SEATS)
    assert compared(one, several) == [("good", "added"), ("best", "same")]
    assert compared(several, one) == [("", "same"), ("good", "removed")]


@settings(max_examples=40)
@given(some.drafts(), some.drafts())
def test_the_difference_of_the_whole_is_that_of_its_lines(
    one: tuple[Any, Any, Any], other: tuple[Any, Any, Any]
) -> None:
    versions = [quote.price(draft, book, on=some.TODAY, coupons=coupons) for draft, book, coupons in (one, other)]
    [found] = diff(content(versions[0]), content(versions[1]))
    assert found.tcv.delta_minor == sum(line.over_term.delta_minor for line in found.lines)
    assert len(found.texts) >= len(found.lines)
    [back] = diff(content(versions[1]), content(versions[0]))
    assert back.tcv.delta_minor == -found.tcv.delta_minor
