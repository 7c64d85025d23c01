"""What lines share: groups, header, coupons, partner; every part spread without losing a cent, in every period."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import quote
from domain.coupon import Coupon
from domain.discount import DiscountTooLarge, TargetAboveList
from domain.errors import DomainError
from domain.quoting.asked import LineDoesNotFit
from domain.quoting.priced import PER_PERIOD, TAKEN, WATERFALL, PricedSegment
from tests.domain import quotes as some

SEATS = {"product": "seats", "quantity": 20}  # 250.00
PLATFORM = {"product": "platform", "quantity": 1}  # 83.33
SETUP = {"product": "services", "charge": "setup", "quantity": 1}  # 900.00, once
CALLS = {"product": "calls", "charge": "committed", "quantity": 5000}  # 50.00 whatever is used


def parts(segment: PricedSegment) -> list[int]:
    return [getattr(segment, name) for name in WATERFALL]


def nets(found: quote.PricedQuote) -> list[int]:
    return [line.net_minor for line in found.lines]


def test_every_part_of_the_waterfall_to_the_cent() -> None:
    found = some.priced(
        SEATS | {"discount_percent": "10", "group": "core"},
        PLATFORM | {"group": "core"},
        SETUP,
        prices=some.book(promotions=[{"name": "spring", "percent": "20", "products": ["seats"]}]),
        known={"TEN": Coupon(code="TEN", amount=Decimal(10), currency="EUR")},
        groups=[{"name": "core", "discount_percent": "5"}],
        discount_percent="10",
        coupons=["ten"],
        partner={"name": "Resell", "margin_percent": "20"},
    )
    seats, platform, setup = (line.segments[0] for line in found.lines)
    #                    list  promo  line group header coupon partner uplift net
    assert parts(seats) == [25000, 5000, 2000, 900, 1710, 684, 2941, 0, 11765]
    assert parts(platform) == [8333, 0, 0, 417, 792, 316, 1362, 0, 5446]
    assert parts(setup) == [90000, 0, 0, 0, 9000, 0, 16200, 0, 64800]
    assert found.totals.over_term == {
        "list": 33333 * 12 + 90000,
        "promotion": 5000 * 12,
        "line_discount": 2000 * 12,
        "group_discount": 1317 * 12,
        "header_discount": 2502 * 12 + 9000,
        "coupon": 1000 * 12,
        "partner": 4303 * 12 + 16200,
        "uplift": 0,
        "net": 17211 * 12 + 64800,
    }
    assert found.lines[0].promotion == "spring"
    assert seats.discount_percent == Decimal("23.0500")  # 1 - 0.9 × 0.95 × 0.9: what people gave, as stated
    totals = found.totals
    assert (totals.net_minor, totals.recurring_minor, totals.one_time_minor) == (17211, 17211 * 12, 64800)
    assert (totals.tcv_minor, totals.acv_minor) == (17211 * 12 + 64800, 17211 * 12)


def test_an_amount_is_taken_from_what_recurs_and_a_percentage_from_all() -> None:
    found = some.priced(SEATS, SETUP, discount_amount="50")
    assert nets(found) == [20000, 90000]
    assert nets(some.priced(SEATS, SETUP, discount_percent="50")) == [12500, 45000]
    assert nets(some.priced(SETUP, discount_amount="50")) == [85000]


def test_a_header_target_is_what_is_left_of_the_first_period() -> None:
    found = some.priced(SEATS, PLATFORM, SETUP, target_amount="300.01")
    assert nets(found) == [22501, 7500, 90000]
    ramp = [{"months": 6, "quantity": 20}, {"months": 6, "quantity": 40}]
    grown = some.priced({"product": "seats", "ramp": ramp}, target_amount="200")
    assert [each.net_minor for each in grown.lines[0].segments] == [20000, 40000]  # the same fifth off
    assert grown.totals.discount_percent == Decimal("20.0000")


def test_a_group_target_leaves_other_lines_alone() -> None:
    found = some.priced(
        SEATS | {"group": "core"}, PLATFORM, groups=[{"name": "core", "target_amount": "199.99"}, {"name": "rest"}]
    )
    assert nets(found) == [19999, 8333]
    assert found.lines[0].group_discount_minor == 5001


@pytest.mark.parametrize(
    ("line", "net"),
    [
        (SEATS | {"target_price": "11"}, 22000),
        (SEATS | {"target_price": "12.5"}, 25000),
        (PLATFORM | {"target_price": "900"}, 7500),  # a flat price counts once: 900 a year
        (SETUP | {"quantity": 3, "target_price": "800"}, 240000),
        (SEATS | {"target_price": "0"}, 0),
    ],
)
def test_a_target_price_is_the_net_of_one_unit(line: dict[str, Any], net: int) -> None:
    found = some.priced(line)
    assert nets(found) == [net]
    assert found.lines[0].line_discount_minor == found.lines[0].list_minor - net


def test_a_stretch_of_a_ramp_has_a_price_of_its_own() -> None:
    ramp = [
        {"months": 12, "quantity": 20, "discount_percent": "10"},
        {"months": 24, "quantity": 40, "unit_price": "11.00"},
    ]
    found = some.priced({"product": "seats", "ramp": ramp}, term_months=36)
    [line] = found.lines
    assert [(each.from_period, each.to_period, each.net_minor) for each in line.segments] == [
        (0, 12, 22500),
        (12, 36, 44000),
    ]
    assert (line.quantity, line.net_minor) == (Decimal(20), 22500)
    assert found.facts.ramp
    assert found.totals.tcv_minor == 12 * 22500 + 24 * 44000
    assert found.totals.acv_minor == (12 * 22500 + 24 * 44000) // 3
    assert found.totals.first_year_minor == 12 * 22500
    assert found.facts.discount_percent == Decimal("12.0000")


def test_usage_is_estimated_after_every_percentage_and_only_its_commitment_counts() -> None:
    found = some.priced(
        CALLS | {"discount_percent": "10"}, {"product": "calls", "quantity": 100}, discount_percent="50"
    )
    committed, free = (line.segments[0] for line in found.lines)
    assert (committed.list_minor, committed.net_minor, committed.estimate_minor) == (5000, 2250, 22500)
    assert (free.list_minor, free.net_minor, free.estimate_minor) == (0, 0, 500)
    assert free.estimate_explain == ("100 × 0.1",)
    totals = found.totals
    assert (totals.usage_minor, totals.usage_estimate_minor, totals.tcv_minor) == (12 * 2250, 12 * 23000, 12 * 2250)
    assert totals.acv_minor == 12 * 2250


def test_cost_and_floor_make_margin_and_a_fact() -> None:
    found = some.priced(SEATS | {"discount_percent": "20"}, PLATFORM)
    [segment] = found.lines[0].segments
    assert (segment.cost_minor, segment.floor_minor, segment.net_minor) == (8000, 20000, 20000)
    assert (found.facts.below_floor, found.totals.cost_minor) == (False, 12 * 8000)
    assert found.totals.margin_percent == found.facts.margin_percent == Decimal("60.0000")  # of the lines with a cost
    below = some.priced(SEATS | {"discount_percent": "20.01"})
    assert (below.lines[0].net_minor, below.facts.below_floor) == (19998, True)
    assert some.priced(PLATFORM).facts.margin_percent is None
    assert some.priced(SEATS | {"discount_percent": "100"}).facts.margin_percent == Decimal("-100.0000")


def test_cost_and_floor_in_tokens_are_turned_into_money() -> None:
    charge = {
        "id": "m", "model": "per_unit", "per": "month", "unit_price": "10", "cost": "4", "floor": "9",
        "pricing_unit": {"name": "token", "rate": "0.05"},
    }  # fmt: skip
    book = some.book(products=[{"id": "tokens", "charges": [charge]}])
    [line] = some.priced({"product": "tokens", "quantity": 100, "charge": "m"}, prices=book).lines
    [segment] = line.segments
    assert (segment.list_minor, segment.cost_minor, segment.floor_minor) == (5000, 2000, 4500)


@pytest.mark.parametrize(
    ("line", "changes", "error", "where"),
    [
        (SEATS | {"target_price": "12.51"}, {}, TargetAboveList, "lines[0].target_price"),
        (SEATS, {"target_amount": "250.01"}, TargetAboveList, "target_amount"),
        (SEATS, {"discount_amount": "250.01"}, DiscountTooLarge, "discount_amount"),
        (
            SEATS | {"group": "g"},
            {"groups": [{"name": "g", "discount_amount": "251"}]},
            DiscountTooLarge,
            "groups[0].discount_amount",
        ),
        (
            SEATS | {"group": "g"},
            {"groups": [{"name": "g", "target_amount": "251"}]},
            TargetAboveList,
            "groups[0].target_amount",
        ),
        (
            {"product": "seats", "ramp": [{"months": 12, "quantity": 1, "unit_price": "99"}]},
            {},
            TargetAboveList,
            "lines[0].ramp[0].unit_price",
        ),
        (SETUP | {"quantity": None, "ramp": [{"months": 12, "quantity": 1}]}, {}, LineDoesNotFit, "lines[0].ramp"),
        (SETUP | {"milestone": "x"}, {}, LineDoesNotFit, "lines[0].milestone"),
        (SETUP | {"charge": "golive"}, {}, LineDoesNotFit, "lines[0].milestone"),
        (
            SETUP | {"charge": "golive", "milestone": "x", "start": "signature"},
            {},
            LineDoesNotFit,
            "lines[0].start",
        ),
        (CALLS | {"discount_amount": "1"}, {}, LineDoesNotFit, "lines[0].discount_amount"),
        (CALLS | {"target_price": "1"}, {}, LineDoesNotFit, "lines[0].target_price"),
    ],
)
def test_what_does_not_fit_names_its_field(
    line: dict[str, Any], changes: dict[str, Any], error: type[DomainError], where: str
) -> None:
    with pytest.raises(error) as refusal:
        some.priced(line, **changes)
    assert refusal.value.where == where


def test_a_line_says_only_what_its_product_knows() -> None:
    products = [some.PRODUCTS[0] | {"attributes": {"region": ["eu", "us"]}}]
    book = some.book(products=products)
    assert some.priced(SEATS | {"attributes": {"region": "eu"}}, prices=book).facts.regions == ("eu",)
    for attributes, field in (({"region": "mars"}, "region"), ({"colour": "red"}, "colour")):
        with pytest.raises(LineDoesNotFit) as refusal:
            some.priced(SEATS | {"attributes": attributes}, prices=book)
        assert refusal.value.where == f"lines[0].attributes.{field}"


@pytest.mark.parametrize(
    ("changes", "given", "error"),
    [
        ({"valid_to": "2026-02-01"}, {}, quote.PriceBookOutOfDate),
        ({"segments": ["enterprise"]}, {}, quote.PriceBookNotForAccount),
        ({"segments": ["enterprise"]}, {"segment": "small"}, quote.PriceBookNotForAccount),
        ({"entities": ["ent_de"]}, {"entity": "ent_fr"}, quote.PriceBookNotForAccount),
        ({"valid_to": "2026-02-02"}, {}, None),
        ({"segments": ["enterprise"]}, {"segment": "enterprise"}, None),
        ({"entities": ["ent_de"]}, {"entity": "ent_de"}, None),
        ({"entities": ["ent_de"]}, {}, None),
    ],
)
def test_a_book_is_for_its_days_segments_and_entities(
    changes: dict[str, Any], given: dict[str, Any], error: type[DomainError] | None
) -> None:
    draft, book = some.draft(SEATS), some.book(**changes)
    if error is None:
        assert quote.price(draft, book, on=some.TODAY, **given).segment == given.get("segment", "")
        return
    with pytest.raises(error) as refusal:
        quote.price(draft, book, on=some.TODAY, **given)
    assert refusal.value.where == "price_book"


@settings(max_examples=80)
@given(some.drafts())
def test_no_cent_is_lost_on_the_way_down(made: tuple[Any, Any, Any]) -> None:
    draft, book, coupons = made
    found = quote.price(draft, book, on=some.TODAY, coupons=coupons)
    for line in found.lines:
        assert line.segments[0].from_period == 0
        ends = found.terms.periods if line.kind in PER_PERIOD else 1
        assert line.segments[-1].to_period == ends
        for one, other in zip(line.segments, line.segments[1:], strict=False):
            assert one.to_period == other.from_period
        for each in line.segments:
            assert each.net_minor == each.list_minor - sum(getattr(each, name) for name in TAKEN)
            assert min(parts(each)) >= 0
    whole = found.totals.over_term
    taken = sum(whole[name.removesuffix("_minor")] for name in TAKEN)
    assert whole["net"] == whole["list"] - taken + whole["uplift"] == found.totals.tcv_minor


@settings(max_examples=60)
@given(some.drafts())
def test_in_every_period_the_headers_parts_sum_to_its_rounded_whole(made: tuple[Any, Any, Any]) -> None:
    draft, book, coupons = made
    found = quote.price(draft, book, on=some.TODAY, coupons=coupons)
    for number in range(found.terms.periods):
        there = [
            each
            for line in found.lines
            if line.kind in PER_PERIOD
            for each in line.segments
            if each.from_period <= number < each.to_period
        ]
        before = sum(
            each.list_minor - each.promotion_minor - each.line_discount_minor - each.group_discount_minor
            for each in there
        )
        exactly = before * draft.discount.percent / 100
        assert abs(sum(each.header_discount_minor for each in there) - exactly) <= Decimal("0.5")


@settings(max_examples=60)
@given(
    st.lists(st.integers(1, 500), min_size=1, max_size=6),
    st.decimals(0, 100, places=2),
    st.integers(0, 100),
    st.sampled_from(["discount_amount", "target_amount"]),
    st.booleans(),
)
def test_an_amount_and_a_target_are_met_to_the_cent(
    quantities: list[int], own: Decimal, part: int, what: str, grouped: bool
) -> None:
    lines = [SEATS | {"quantity": each, "discount_percent": str(own), "group": "g"} for each in quantities]
    whole = sum(nets(some.priced(*(line | {"group": ""} for line in lines))))
    minor = whole * part // 100
    said: dict[str, Any] = {what: f"{minor // 100}.{minor % 100:02d}"}
    groups: list[dict[str, Any]] = [{"name": "g"} | (said if grouped else {})]
    found = some.priced(*lines, groups=groups, **({} if grouped else said))
    assert found.totals.net_minor == (whole - minor if what == "discount_amount" else minor)
    assert min(nets(found)) >= 0
