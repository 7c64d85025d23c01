"""A migration changes list prices and nothing else: discounts stay as they were stated, the past stays as it was billed."""

from copy import deepcopy
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.coupon import Coupon
from domain.errors import DomainError
from domain.price_book import UnknownProduct, parse
from domain.price_migration import (
    Difference,
    MigrationChangesBilling,
    MigrationCurrencyMismatch,
    Running,
    difference,
    repriced,
)
from domain.quote import Draft, content, price_offers, uplifted
from domain.quote_version import PricedQuote, QuoteOffers, UnknownAlternative

ON = date(2026, 2, 1)
OLD: dict[str, Any] = {
    "name": "acme",
    "version": 1,
    "currency": "EUR",
    "valid_from": "2026-01-01",
    "products": [
        {
            "id": "seats",
            "charges": [
                {"id": "monthly", "model": "per_unit", "per": "month", "unit_price": "10"},
                {"id": "setup", "model": "flat", "kind": "one_time", "unit_price": "100"},
            ],
        },
        {"id": "support", "charges": [{"id": "base", "model": "flat", "per": "month", "unit_price": "50"}]},
    ],
}
DRAFT: dict[str, Any] = {
    "price_book": "acme",
    "price_book_version": 1,
    "currency": "EUR",
    "term_months": 12,
    "signer": {"name": "Ada", "email": "ada@blue.example"},
    "lines": [
        {"product": "seats", "charge": "monthly", "quantity": 20},
        {"product": "support", "quantity": 1},
    ],
}


def a_book(**differs: Any) -> dict[str, Any]:
    return {**deepcopy(OLD), **differs}


def dearer(factor: str = "1.1", **differs: Any) -> dict[str, Any]:
    """Version 2: every price times the factor, valid from later than the signature."""
    book = a_book(version=2, valid_from="2026-07-01", **differs)
    for product in book["products"]:
        for charge in product["charges"]:
            charge["unit_price"] = str(Decimal(charge["unit_price"]) * Decimal(factor))
    return book


def priced(draft: dict[str, Any], book: dict[str, Any], coupons: dict[str, Coupon] | None = None) -> QuoteOffers:
    return price_offers(Draft.parse(draft), parse(book), on=ON, coupons=coupons or {})


def running(draft: dict[str, Any], book: dict[str, Any] | None = None, **differs: Any) -> Running:
    """The contract that was signed from this draft."""
    book = book or OLD
    said: dict[str, Any] = {"draft": draft, "priced_on": ON, "book": book} | differs
    if "content" not in said:
        said["content"] = content(priced(draft, book))
    return Running(**said)


def nets(quote: PricedQuote) -> list[int]:
    return [line.net_minor for line in quote.lines]


def test_new_list_prices_at_the_same_terms() -> None:
    now = running({**DRAFT, "net_days": 45, "uplift_percent": "3"})
    after = repriced(now, parse(dearer()))
    assert (nets(now.quote), nets(after)) == ([20000, 5000], [22000, 5500])
    assert after.terms == now.quote.terms
    assert (after.price_book, after.price_book_version) == ("acme", 2)
    assert after.price_book_hash != now.quote.price_book_hash


def test_the_same_prices_change_nothing_but_the_book() -> None:
    now = running({**DRAFT, "discount_amount": "7", "term_months": 36})
    after = repriced(now, parse(a_book(version=2)))
    assert (after.lines, after.totals, after.terms) == (now.quote.lines, now.quote.totals, now.quote.terms)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"discount_percent": "10"}, [19800, 4950]),  # a percentage of the new list
        ({"discount_amount": "27.50"}, [19800 + 2200 - 2200, 5500 - 550]),  # the same 27.50, spread by the new nets
        ({"target_amount": "225"}, [18000, 4500]),  # what is left is what was agreed
    ],
)
def test_a_header_discount_stays_as_it_was_stated(said: dict[str, str], expected: list[int]) -> None:
    after = repriced(running({**DRAFT, **said}), parse(dearer()))
    assert nets(after) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [({"discount_percent": "25"}, 16500), ({"discount_amount": "20"}, 20000), ({"target_price": "9"}, 18000)],
)
def test_a_line_discount_stays_as_it_was_stated(said: dict[str, str], expected: int) -> None:
    lines = [{**DRAFT["lines"][0], **said}]
    assert nets(repriced(running({**DRAFT, "lines": lines}), parse(dearer()))) == [expected]


def test_a_ramp_keeps_its_stretches() -> None:
    ramp = [{"months": 6, "quantity": 10, "discount_percent": "50"}, {"months": 6, "quantity": 40}]
    now = running({**DRAFT, "lines": [{"product": "seats", "charge": "monthly", "ramp": ramp}]})
    (line,) = repriced(now, parse(dearer())).lines
    assert [(s.from_period, s.to_period, s.quantity, s.net_minor) for s in line.segments] == [
        (0, 6, Decimal(10), 5500),
        (6, 12, Decimal(40), 44000),
    ]


def test_the_alternative_that_was_picked_is_moved() -> None:
    other = [{"product": "seats", "charge": "monthly", "quantity": 5}]
    offers = [{"name": "good", "lines": other}, {"name": "better", "lines": DRAFT["lines"], "recommended": True}]
    draft = {name: value for name, value in DRAFT.items() if name != "lines"} | {"alternatives": offers}
    now = running(draft, alternative="good", chosen="good")
    assert nets(repriced(now, parse(dearer()))) == [5500]
    with pytest.raises(UnknownAlternative):
        repriced(running(draft, alternative="good"), parse(dearer()))


def test_coupons_and_promotions_stay_those_of_the_day_of_pricing() -> None:
    """Though the coupon is over by now, and the new book has no such promotion but another one."""
    coupon = Coupon.parse({"code": "SPRING", "percent": "10", "valid_to": "2026-03-01"})
    book = a_book(promotions=[{"name": "winter", "percent": "50", "products": ["support"], "valid_to": "2026-03-01"}])
    draft = {**DRAFT, "coupons": ["SPRING"]}
    now = running(
        draft, book, content=content(priced(draft, book, {"SPRING": coupon})), coupons={"SPRING": coupon.to_mapping()}
    )
    assert nets(now.quote) == [18000, 2250]
    to = dearer(promotions=[{"name": "summer", "percent": "90"}])
    assert nets(repriced(now, parse(to))) == [19800, 2475]


def test_whom_the_new_book_is_for_is_asked_of_new_sales_only() -> None:
    rules = [{"product": "support", "excludes": ["seats"]}]
    to = dearer(segments=["public"], entities=["Other"], rules=rules, valid_to="2026-08-01")
    after = repriced(running(DRAFT), parse(to))
    assert nets(after) == [22000, 5500]
    assert after.price_book_hash == repriced(running(DRAFT), parse(to)).price_book_hash


def test_a_renewed_contract_loses_its_uplift_and_keeps_its_shape() -> None:
    setup = {"product": "seats", "charge": "setup", "quantity": 1}
    draft = {**DRAFT, "lines": [*DRAFT["lines"], setup]}
    renewed = content(uplifted(content(priced(draft, OLD)), Decimal(5)))
    now = running(draft, content=renewed, renewed=True)
    after = repriced(now, parse(dearer()))
    assert nets(now.quote) == [21000, 5250]  # the setup was paid once
    assert nets(after) == [22000, 5500]
    assert {line.uplift_minor for line in after.lines} == {0}


@pytest.mark.parametrize(
    ("to", "error", "where"),
    [
        ({"currency": "USD"}, MigrationCurrencyMismatch, "to"),
        ({"products": [OLD["products"][0]]}, UnknownProduct, "lines[1].product"),
    ],
)
def test_a_book_that_does_not_sell_it_is_refused(to: dict[str, Any], error: type[DomainError], where: str) -> None:
    with pytest.raises(error) as caught:
        repriced(running(DRAFT), parse(a_book(version=2, **to)))
    assert caught.value.where == where


def otherwise(number: int, **differs: Any) -> dict[str, Any]:
    """Version 2, in which the first charge of one product is another."""
    book = a_book(version=2)
    book["products"][number]["charges"][0] |= differs
    return book


def test_a_charge_goes_on_being_billed_when_it_was() -> None:
    after = repriced(running(DRAFT), parse(otherwise(0, timing="arrears", unit_price="11")))
    assert [(line.timing, line.net_minor) for line in after.lines] == [("advance", 22000), ("advance", 5000)]


USED = {"kind": "usage", "model": "per_unit", "per": "month", "unit_price": "0.01"}


def test_a_charge_that_is_billed_otherwise_is_refused() -> None:
    once = otherwise(1, kind="one_time")
    del once["products"][1]["charges"][0]["per"]
    with pytest.raises(MigrationChangesBilling, match="agreed recurring, found one_time") as caught:
        repriced(running(DRAFT), parse(once))
    assert caught.value.where == "lines[1].charge"
    metered = a_book(products=[*OLD["products"], {"id": "calls", "charges": [{"id": "used", **USED}]}])
    draft = {**DRAFT, "lines": [*DRAFT["lines"], {"product": "calls", "quantity": 500}]}
    committed = deepcopy(metered) | {"version": 2}
    committed["products"][2]["charges"][0]["minimum_amount"] = "20"
    now = running(draft, metered)
    assert len(repriced(now, parse({**metered, "version": 2})).lines) == 3
    with pytest.raises(MigrationChangesBilling, match="found usage with one"):
        repriced(now, parse(committed))
    later = running({**draft, "price_book_version": 2}, committed)
    cheaper = deepcopy(committed) | {"version": 3}
    cheaper["products"][2]["charges"][0]["minimum_amount"] = "15"
    assert nets(repriced(later, parse(cheaper))) == [20000, 5000, 1500]


def test_the_difference_is_of_what_is_not_billed_yet() -> None:
    ramp = [{"months": 6, "quantity": 10}, {"months": 6, "quantity": 40}]
    setup = {"product": "seats", "charge": "setup", "quantity": 1}
    now = running({**DRAFT, "lines": [{"product": "seats", "charge": "monthly", "ramp": ramp}, setup]})
    after = repriced(now, parse(dearer()))
    found = {first: difference(now.quote, after, from_period=first) for first in (0, 5, 11, 12)}
    assert found[0] == Difference(
        before_minor=10000, after_minor=11000, rest_before_minor=300000, rest_after_minor=330000
    )
    assert found[5] == Difference(
        before_minor=10000, after_minor=11000, rest_before_minor=250000, rest_after_minor=275000
    )
    assert found[11] == Difference(
        before_minor=40000, after_minor=44000, rest_before_minor=40000, rest_after_minor=44000
    )
    assert found[12] == Difference(before_minor=0, after_minor=0, rest_before_minor=0, rest_after_minor=0)


def test_moving_there_and_back_is_where_it_began() -> None:
    draft = {**DRAFT, "discount_percent": "7"}
    now = running(draft)
    moved = running(draft, content=content(repriced(now, parse(dearer("1.37")))))
    assert repriced(moved, parse(OLD)).lines == now.quote.lines
