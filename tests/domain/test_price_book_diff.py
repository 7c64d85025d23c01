"""What a new version of a price book changes is told field by field; the same prices in another order are no change."""

from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from domain.price_book import parse
from domain.price_book_diff import Change, FieldChange, change_mapping, diff

BOOK: dict[str, Any] = {
    "name": "acme",
    "currency": "EUR",
    "valid_from": "2026-01-01",
    "products": [
        {"id": "seats", "charges": [{"id": "monthly", "model": "per_unit", "per": "month", "unit_price": "10"}]},
        {
            "id": "calls",
            "charges": [
                {
                    "id": "used",
                    "model": "graduated",
                    "per": "month",
                    "tiers": [{"up_to": 10, "unit_price": "2"}, {"unit_price": "1"}],
                }
            ],
        },
    ],
}


def changed(**differs: Any) -> dict[str, Any]:
    return {**deepcopy(BOOK), **differs}


def test_nothing_changes_with_another_order_or_version() -> None:
    products = list(reversed(deepcopy(BOOK["products"])))
    assert diff(parse(BOOK), parse(changed(version=4, source="elsewhere", products=products))) == ()


def test_a_price_a_tier_and_a_product() -> None:
    products = deepcopy(BOOK["products"][1:])
    products[0]["name"] = "Calls"
    products[0]["charges"][0]["tiers"] = [{"up_to": 20, "unit_price": "2.5"}, {"unit_price": "1"}]
    products.append({"id": "gold", "charges": [{"id": "a", "model": "flat", "per": "year", "unit_price": "5"}]})
    found = diff(parse(BOOK), parse(changed(products=products, valid_to="2027-01-01")))
    told = {(each.product, each.charge): (each.what, {f.path: (f.old, f.new) for f in each.fields}) for each in found}
    assert list(told) == [
        ("", ""),
        ("calls", ""),
        ("calls", "used"),
        ("gold", ""),
        ("gold", "a"),
        ("seats", ""),
        ("seats", "monthly"),
    ]
    assert told["", ""] == ("changed", {"valid_to": ("", "2027-01-01")})
    assert told["calls", ""] == ("changed", {"name": ("calls", "Calls")})
    assert told["calls", "used"] == ("changed", {"tiers[0].up_to": ("10", "20"), "tiers[0].unit_price": ("2", "2.5")})
    assert {what for key, (what, _) in told.items() if key[0] == "gold"} == {"added"}
    assert {what for key, (what, _) in told.items() if key[0] == "seats"} == {"removed"}
    assert told["seats", "monthly"][1]["unit_price"] == ("10", "")


def test_both_ways_say_the_same() -> None:
    products = deepcopy(BOOK["products"])
    products[0]["charges"][0]["unit_price"] = "12"
    del products[1]
    old, new = parse(BOOK), parse(changed(products=products))
    forth = {(c.product, c.charge, f.path, f.old, f.new) for c in diff(old, new) for f in c.fields}
    back = {(c.product, c.charge, f.path, f.new, f.old) for c in diff(new, old) for f in c.fields}
    assert forth == back


@pytest.mark.parametrize(
    ("old", "new", "percent"),
    [
        ("10", "11", Decimal("10.0")),
        ("3", "2", Decimal("-33.3")),
        ("0", "2", None),
        ("", "2", None),
        ("per_unit", "flat", None),
        ("2", "", None),
    ],
)
def test_how_much_a_number_rose(old: str, new: str, percent: Decimal | None) -> None:
    assert FieldChange(path="unit_price", old=old, new=new).percent == percent


def test_a_change_as_json() -> None:
    change = Change(
        product="seats",
        charge="monthly",
        what="changed",
        fields=(
            FieldChange(path="unit_price", old="10", new="10.5"),
            FieldChange(path="model", old="flat", new="volume"),
        ),
    )
    assert change_mapping(change) == {
        "product": "seats",
        "charge": "monthly",
        "what": "changed",
        "fields": [
            {"path": "unit_price", "old": "10", "new": "10.5", "percent": "5"},
            {"path": "model", "old": "flat", "new": "volume", "percent": None},
        ],
    }
