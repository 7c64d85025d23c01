"""A ramp over three years in two currencies, its renewal, and alternatives: what each version comes to, period by period."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings

from domain import quote
from domain.billing_plan import preview
from domain.coupon import Coupon
from domain.discount import DiscountTooLarge
from domain.quote_version import content, from_content, offer
from domain.quoting.priced import PER_PERIOD
from domain.quoting.ramp import joined
from tests.domain import quotes as some

RAMP = [
    {"months": 12, "quantity": 20, "discount_percent": "15"},
    {"months": 12, "quantity": 35, "discount_percent": "10"},
    {"months": 12, "quantity": 50, "unit_price": "11.75"},
]


@pytest.mark.parametrize(
    ("currency", "interval", "nets", "tcv", "acv", "first_year"),
    [
        ("EUR", 1, [20187, 37406, 55812], 1360860, 453620, 242244),  # 212.50 − 10.63, 393.75 − 19.69, 587.50 − 29.38
        ("JPY", 1, [202, 374, 559], 13620, 4540, 2424),  # no decimals: 213 − 11, 394 − 20, 588 − 29
        ("EUR", 12, [242250, 448875, 669750], 1360875, 453625, 242250),
    ],
)
def test_three_years_of_growth(
    currency: str, interval: int, nets: list[int], tcv: int, acv: int, first_year: int
) -> None:
    found = some.priced(
        {"product": "seats", "ramp": RAMP},
        prices=some.book(currency=currency),
        currency=currency,
        term_months=36,
        interval_months=interval,
        discount_percent="5",
    )
    [line] = found.lines
    assert [each.quantity for each in line.segments] == [Decimal(20), Decimal(35), Decimal(50)]
    assert [each.net_minor for each in line.segments] == nets
    totals = found.totals
    assert (totals.tcv_minor, totals.acv_minor, totals.first_year_minor) == (tcv, acv, first_year)
    invoices = preview(found, anchor=date(2026, 1, 31))
    assert len(invoices) == 36 // interval
    assert [each.net_minor for each in invoices[:: 12 // interval]] == nets
    assert sum(each.net_minor for each in invoices) == tcv


def test_other_lines_split_only_where_a_cent_moves() -> None:
    beside = {"product": "platform", "quantity": 1}
    ramp = {"product": "seats", "ramp": RAMP}
    plain = some.priced(ramp, beside, term_months=36).lines[1]
    assert [(each.from_period, each.to_period, each.net_minor) for each in plain.segments] == [(0, 36, 8333)]
    shared = some.priced(ramp, beside, term_months=36, discount_amount="10").lines[1]
    assert [each.header_discount_minor for each in shared.segments] == [282, 175, 124]
    assert joined(shared.segments) == shared.segments


def test_an_amount_that_one_stretch_cannot_bear_is_refused() -> None:
    ramp = [{"months": 6, "quantity": 20}, {"months": 6, "quantity": 1}]
    with pytest.raises(DiscountTooLarge) as refusal:
        some.priced({"product": "seats", "ramp": ramp}, discount_amount="12.51")
    assert refusal.value.facts == {"discount": Decimal("12.51"), "most": Decimal("12.50")}


def test_a_renewal_goes_on_as_the_last_period_was() -> None:
    coupon = Coupon(code="C", percent=Decimal(50), periods=1)
    before = some.priced(
        {"product": "seats", "ramp": RAMP, "start": "signature"},
        {"product": "services", "charge": "setup", "quantity": 1},
        {"product": "services", "charge": "golive", "quantity": 1, "milestone": "go live"},
        {"product": "calls", "charge": "committed", "quantity": 1000},
        term_months=36,
        coupons=["C"],
        known={"C": coupon},
    )
    after = quote.uplifted(content(before), Decimal(5))
    assert [(line.line_no, line.product, line.start) for line in after.lines] == [(1, "seats", ""), (4, "calls", "")]
    [seats], [calls] = (line.segments for line in after.lines)
    assert (seats.from_period, seats.to_period, seats.quantity) == (0, 36, Decimal(50))
    assert (seats.list_minor, seats.line_discount_minor, seats.coupon_minor) == (62500, 3750, 0)
    assert (seats.uplift_minor, seats.net_minor) == (2938, 61688)  # 587.50 and 5 %
    assert (calls.uplift_minor, calls.net_minor) == (250, 5250)
    assert (after.coupons, after.totals.one_time_minor, after.totals.milestone_minor) == ((), 0, 0)
    assert after.totals.tcv_minor == 36 * (61688 + 5250)
    assert (before.facts.ramp, after.facts.ramp) == (True, False)
    assert after.facts.discount_percent == Decimal("6.0000")
    assert from_content(content(after)) == after


def test_a_renewal_of_nothing_that_recurs_has_no_lines() -> None:
    before = some.priced({"product": "services", "charge": "setup", "quantity": 1})
    after = quote.uplifted(content(before), Decimal(5))
    assert (after.lines, after.totals.tcv_minor, after.facts.discount_percent) == ((), 0, Decimal(0))


def test_three_alternatives_each_priced_whole() -> None:
    found = some.offered(
        {"name": "good", "lines": [{"product": "seats", "quantity": 10}]},
        {
            "name": "better",
            "recommended": True,
            "term_months": 24,
            "discount_percent": "10",
            "lines": [{"product": "seats", "quantity": 20}],
        },
        {
            "name": "best",
            "term_months": 36,
            "interval_months": 12,
            "lines": [
                {"product": "seats", "ramp": RAMP},
                {"product": "services", "charge": "setup", "quantity": 1},
            ],
        },
        discount_percent="1",
    )
    priced = dict(found.offers)
    assert list(priced) == ["good", "better", "best"]
    assert found.recommended == "better"
    assert [each.totals.tcv_minor for each in priced.values()] == [12375 * 12, 22500 * 24, 1418175 + 89100]
    assert [each.terms.interval_months for each in priced.values()] == [1, 1, 12]
    facts = found.facts
    assert (facts.discount_percent, facts.ramp, facts.term_months) == (Decimal("15.8500"), True, 36)
    assert (facts.tcv_minor, facts.one_time_minor, facts.products) == (1507275, 89100, ("seats", "services"))
    assert facts.acv_minor == max(each.totals.acv_minor for each in priced.values())
    assert facts.margin_percent == min(each.facts.margin_percent or 0 for each in priced.values())
    renewal = quote.uplifted(content(found), Decimal(0), "good")
    assert renewal == offer(content(found), "good")
    with pytest.raises(quote.UnknownAlternative):
        quote.uplifted(content(found), Decimal(0))


def test_an_alternative_falls_back_to_what_all_share() -> None:
    found = some.offered(
        {"name": "monthly"},
        {"name": "yearly", "interval_months": 12, "discount_percent": "10"},
    )
    assert [each.totals.tcv_minor for _, each in found.offers] == [25000 * 12, 270000]
    assert found.recommended == "monthly"


@settings(max_examples=60)
@given(some.drafts())
def test_a_renewal_bills_its_last_period_again_raised(made: tuple[Any, Any, Any]) -> None:
    draft, book, coupons = made
    before = quote.price(draft, book, on=some.TODAY, coupons=coupons)
    after = quote.uplifted(content(before), Decimal("3.7"))
    last = [line.segments[-1].net_minor for line in before.lines if line.kind in PER_PERIOD]
    for line, net in zip(after.lines, last, strict=True):
        [segment] = line.segments
        assert abs(segment.net_minor - net * Decimal("1.037")) <= Decimal("0.5")
        assert (segment.from_period, segment.to_period) == (0, before.terms.periods)
    assert after.totals.tcv_minor == sum(line.net_minor for line in after.lines) * before.terms.periods


def test_two_thousand_lines_are_priced_read_back_and_billed() -> None:
    found = some.priced(
        *({"product": "seats", "quantity": number + 1} for number in range(1999)),
        {"product": "seats", "ramp": RAMP},
        term_months=36,
        discount_percent="5",
    )
    assert len(found.lines) == 2000
    assert found.totals.over_term["list"] == 36 * 1250 * 1999 * 1000 + 12 * (25000 + 43750 + 62500)
    assert from_content(content(found)) == found
    invoices = preview(found, anchor=date(2026, 1, 31))
    assert (len(invoices), sum(each.net_minor for each in invoices)) == (36, found.totals.tcv_minor)
