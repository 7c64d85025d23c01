"""Coupons and promotions: read or refused field by field, dated, limited; a book's own promotion is the best that fits."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.coupon import (
    Coupon,
    CouponDoesNotFit,
    CouponForFirstOrder,
    CouponInvalid,
    CouponOutOfDate,
    CouponUsedUp,
    UnknownCoupon,
    redeem,
)
from domain.errors import DomainError, Problem
from domain.price_book import PriceBookInvalid, parse, to_mapping
from domain.promotion import Promotion
from domain.quote_version import PricedQuote
from tests.domain import quotes as some

COUPON: dict[str, Any] = {
    "code": "SPRING-20",
    "percent": "20",
    "currency": "EUR",
    "valid_from": "2026-03-01",
    "valid_to": "2026-06-01",
    "products": ["seats"],
    "minimum_amount": "500",
    "periods": 3,
    "total_uses": 100,
    "account_uses": 1,
    "first_order_only": True,
}


def test_a_coupon_is_read_and_written_as_it_is() -> None:
    found = Coupon.parse(COUPON)
    assert found == Coupon(
        code="SPRING-20",
        percent=Decimal(20),
        currency="EUR",
        valid_from=date(2026, 3, 1),
        valid_to=date(2026, 6, 1),
        products=("seats",),
        minimum_amount=Decimal(500),
        periods=3,
        total_uses=100,
        account_uses=1,
        first_order_only=True,
    )
    assert found.to_mapping() == COUPON
    assert Coupon.parse({"code": "A", "percent": 5}).to_mapping() == {"code": "A", "percent": "5"}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"code": "spring"}, Problem("code", "expected capitals, digits, _ and -, found 'spring'")),
        ({"percent": None}, Problem("percent", "give percent or amount, one of them")),
        ({"amount": "5"}, Problem("percent", "give percent or amount, one of them")),
        ({"percent": "101"}, Problem("percent", "expected 0 to 100, found 101")),
        ({"currency": None}, Problem("currency", "is missing: an amount is of a currency")),
        ({"valid_to": "2026-03-01"}, Problem("valid_to", "is not after 2026-03-01")),
        ({"total_uses": 0}, Problem("total_uses", "expected 1 to 1000000000, found 0")),
    ],
)
def test_a_coupon_is_refused_by_field(changes: dict[str, Any], problem: Problem) -> None:
    with pytest.raises(CouponInvalid) as refusal:
        Coupon.parse(COUPON | changes)
    assert refusal.value.problems == (problem,)


@given(
    uses=st.integers(0, 5),
    account_uses=st.integers(0, 5),
    total=st.none() | st.integers(1, 4),
    each=st.none() | st.integers(1, 4),
)
def test_a_coupon_is_taken_as_often_as_it_may_be(
    uses: int, account_uses: int, total: int | None, each: int | None
) -> None:
    coupon = Coupon(code="C", percent=Decimal(5), total_uses=total, account_uses=each)
    free = (total is None or uses < total) and (each is None or account_uses < each)
    if free:
        redeem(coupon, uses=uses, account_uses=account_uses, first_order=False)
        return
    with pytest.raises(CouponUsedUp):
        redeem(coupon, uses=uses, account_uses=account_uses, first_order=True)


def test_a_coupon_for_new_accounts_is_for_no_other() -> None:
    coupon = Coupon(code="C", percent=Decimal(5), first_order_only=True)
    redeem(coupon, uses=0, account_uses=0, first_order=True)
    with pytest.raises(CouponForFirstOrder):
        redeem(coupon, uses=0, account_uses=0, first_order=False)


def _nets(found: PricedQuote) -> list[int]:
    return [line.net_minor for line in found.lines]


SEATS = {"product": "seats", "quantity": 20}
PLATFORM = {"product": "platform", "quantity": 1}


@pytest.mark.parametrize(
    ("promotion", "taken"),
    [
        ({"percent": "10"}, 2500),
        ({"amount": "30"}, 3000),
        ({"amount": "300"}, 25000),  # at most what there is
        ({"percent": "10", "valid_from": "2026-02-01", "valid_to": "2026-02-02"}, 2500),
        ({"percent": "10", "valid_from": "2026-02-02"}, 0),
        ({"percent": "10", "valid_to": "2026-02-01"}, 0),
        ({"percent": "10", "products": ["seats"], "charges": ["monthly"]}, 2500),
        ({"percent": "10", "products": ["platform"]}, 0),
        ({"percent": "10", "charges": ["late"]}, 0),
        ({"percent": "10", "minimum_quantity": 20}, 2500),
        ({"percent": "10", "minimum_quantity": "20.01"}, 0),
    ],
)
def test_a_promotion_takes_what_it_says_from_what_it_is_for(promotion: dict[str, Any], taken: int) -> None:
    found = some.priced(SEATS, prices=some.book(promotions=[{"name": "p"} | promotion]))
    [line] = found.lines
    assert (line.promotion_minor, line.net_minor, line.promotion) == (taken, 25000 - taken, "p" if taken else "")
    assert found.facts.discount_percent == 0


def test_the_best_promotion_is_taken_while_it_lasts_and_then_the_next() -> None:
    promotions = [
        {"name": "small", "percent": "10"},
        {"name": "large", "percent": "50", "periods": 2},
        {"name": "other", "percent": "50"} | {"products": ["platform"]},
    ]
    [line] = some.priced(SEATS, prices=some.book(promotions=promotions)).lines
    assert line.promotion == "large"
    assert not line.ramp
    assert [(each.from_period, each.promotion_minor) for each in line.segments] == [(0, 12500), (2, 2500)]


def test_a_discount_is_taken_from_what_the_promotion_left_and_both_round_once() -> None:
    promotions = [{"name": "p", "percent": "33.3"}]
    [line] = some.priced(
        {"product": "seats", "quantity": "0.33", "discount_percent": "50"}, prices=some.book(promotions=promotions)
    ).lines
    # 412.5 at list, 275.1375 promoted, 137.56875 discounted
    assert (line.list_minor, line.promotion_minor, line.line_discount_minor, line.net_minor) == (413, 138, 137, 138)


@pytest.mark.parametrize(
    ("promotions", "problem"),
    [
        ([{"name": "p"}], Problem("promotions[0].percent", "give percent or amount, one of them")),
        (
            [{"name": "p", "percent": "5", "products": ["chair"]}],
            Problem("promotions[0].products[0]", "there is no product 'chair' in this book"),
        ),
        ([{"name": "p", "percent": "5"}] * 2, Problem("promotions[1].name", "'p' is there twice")),
        (
            [{"name": "p", "percent": "5", "valid_from": "2026-01-02", "valid_to": "2026-01-02"}],
            Problem("promotions[0].valid_to", "is not after 2026-01-02"),
        ),
    ],
)
def test_a_promotion_that_makes_no_sense_is_refused_with_the_book(
    promotions: list[dict[str, Any]], problem: Problem
) -> None:
    with pytest.raises(PriceBookInvalid) as refusal:
        some.book(promotions=promotions)
    assert refusal.value.problems == (problem,)


def test_promotions_are_written_as_they_were_read() -> None:
    promotion = {
        "name": "summer", "percent": "10", "minimum_quantity": "10", "valid_from": "2026-06-01", "valid_to": "2026-09-01",
        "products": ["seats"], "charges": ["monthly"], "periods": 3,
    }  # fmt: skip
    found = some.book(promotions=[promotion])
    assert to_mapping(found)["promotions"] == [promotion]
    assert parse(to_mapping(found)) == found
    assert found.promotions[0] == Promotion(
        name="summer", percent=Decimal(10), minimum_quantity=Decimal(10), valid_from=date(2026, 6, 1),
        valid_to=date(2026, 9, 1), products=("seats",), charges=("monthly",), periods=3,
    )  # fmt: skip


def test_a_coupon_takes_as_long_as_it_lasts_from_what_it_is_for() -> None:
    coupon = Coupon(code="START", percent=Decimal(50), products=("seats",), periods=3)
    found = some.priced(SEATS, PLATFORM, coupons=["START"], known={"START": coupon})
    seats, platform = found.lines
    assert [(each.from_period, each.to_period, each.coupon_minor, each.net_minor) for each in seats.segments] == [
        (0, 3, 12500, 12500),
        (3, 12, 0, 25000),
    ]
    assert len(platform.segments) == 1
    assert found.coupons == ("START",)
    assert not found.facts.ramp
    assert found.facts.discount_percent == 0  # nobody gave it
    assert found.totals.over_term["coupon"] == 3 * 12500


def test_coupons_take_in_their_order_each_from_what_the_one_before_left() -> None:
    known = {
        "HALF": Coupon(code="HALF", percent=Decimal(50)),
        "MORE": Coupon(code="MORE", amount=Decimal(200), currency="EUR"),
    }
    assert _nets(some.priced(SEATS, coupons=["HALF", "MORE"], known=known)) == [0]  # at most what is left
    assert _nets(some.priced(SEATS, coupons=["MORE", "HALF"], known=known)) == [2500]


@pytest.mark.parametrize(
    ("coupon", "error"),
    [
        (Coupon(code="C", percent=Decimal(5), valid_from=date(2026, 2, 2)), CouponOutOfDate),
        (Coupon(code="C", percent=Decimal(5), valid_to=date(2026, 2, 1)), CouponOutOfDate),
        (Coupon(code="C", amount=Decimal(5), currency="USD"), CouponDoesNotFit),
        (Coupon(code="C", percent=Decimal(5), products=("platform",)), CouponDoesNotFit),
        (Coupon(code="C", percent=Decimal(5), minimum_amount=Decimal("250.01"), currency="EUR"), CouponDoesNotFit),
        (None, UnknownCoupon),
    ],
)
def test_a_coupon_that_does_not_fit_is_refused(coupon: Coupon | None, error: type[DomainError]) -> None:
    with pytest.raises(error) as refusal:
        some.priced(SEATS, coupons=["C"], known={"C": coupon} if coupon else {})
    assert refusal.value.where == "coupons[0]"


@pytest.mark.parametrize(
    "coupon",
    [
        Coupon(code="C", percent=Decimal(5), valid_from=date(2026, 2, 1), valid_to=date(2026, 2, 2)),
        Coupon(code="C", percent=Decimal(5), minimum_amount=Decimal(250), currency="EUR"),
    ],
)
def test_a_coupon_fits_on_its_first_day_and_at_its_minimum(coupon: Coupon) -> None:
    assert _nets(some.priced(SEATS, coupons=["C"], known={"C": coupon})) == [23750]
