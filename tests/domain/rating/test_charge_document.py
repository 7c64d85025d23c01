"""A charge as a document: each problem with its path, and the quick way of reading tiers reads what the careful one reads."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from domain.document import Reader
from domain.errors import Problem
from domain.rating import tier_document
from domain.rating.charge import Charge
from domain.rating.charge_document import charge_mapping, read_charge
from tests.domain.rating import every

OPEN = {"unit_price": 1}
TO_10 = {"up_to": 10, "unit_price": 2}


def problems_of(**fields: Any) -> list[Problem]:
    problems: list[Problem] = []
    read_charge(Reader(fields, problems, "charge"), preview=True)
    return problems


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        ({"model": "package", "unit_price": 1}, "package_size", "is missing"),
        ({"model": "package", "unit_price": 1, "package_size": 0}, "package_size", "must be above 0"),
        ({"model": "percentage", "percent": 1001}, "percent", "expected 0 to 1000, found 1001"),
        (
            {"model": "percentage", "percent": 1, "transaction_minimum": 2, "transaction_maximum": 1},
            "transaction_maximum",
            "is below the minimum of 2",
        ),
        (
            {"model": "dynamic", "minimum_amount": 2, "maximum_amount": 1},
            "maximum_amount",
            "is below the minimum of 2",
        ),
        (
            {"model": "dynamic", "commitment": {"amount": 2}, "maximum_amount": 1},
            "maximum_amount",
            "is below the commitment of 2",
        ),
        (
            {"model": "dynamic", "commitment": {"quantity": 2}},
            "commitment.quantity",
            "only a per_unit price has one: commit to an amount",
        ),
        ({"model": "dynamic", "commitment": {}}, "commitment.amount", "is missing"),
        (
            {"model": "per_unit", "unit_price": 1, "commitment": {"amount": 1, "quantity": 2}},
            "commitment.amount",
            "a commitment is an amount or a quantity, one of them",
        ),
        (
            {"model": "per_unit", "unit_price": 1, "overage_price": 2},
            "commitment",
            "is missing: overage_price is what units over the committed quantity cost",
        ),
        (
            {"model": "flat", "unit_price": 1, "included_quantity": 2},
            "overage_price",
            "is missing: a flat price includes a quantity, what is over has an overage_price",
        ),
        (
            {"model": "volume", "tiers": [TO_10], "beyond": "overage"},
            "overage_price",
            "is missing: `beyond: overage` and overage_price go together",
        ),
        (
            {"model": "volume", "tiers": [OPEN], "beyond": "last_tier"},
            "beyond",
            "the last tier is open: nothing lies beyond it",
        ),
        (
            {"model": "volume", "tiers": [{"up_to": 10, "unit_price": 1, "block_size": 0}, OPEN]},
            "tiers[0].block_size",
            "must be above 0",
        ),
        ({"model": "volume", "tiers": [{"maximum_amount": 3}]}, "tiers[0].unit_price", None),
        ({"model": "volume", "tiers": ["free"]}, "tiers[0]", "expected fields by name, found 'free'"),
        (
            {"model": "stairstep", "tiers": [{"unit_price": 1}]},
            "tiers[0].unit_price",
            "unknown field; known here: flat_fee, up_to",
        ),
        ({"model": "stairstep", "tiers": [{"up_to": 1}, {"flat_fee": 1}]}, "tiers[0].flat_fee", "is missing"),
        ({"model": "graduated_percentage", "tiers": [{"percent": 1001}]}, "tiers[0].percent", None),
        (
            {"model": "capacity", "meters": ["gb"], "tiers": [{"flat_fee": 1}]},
            "meters",
            "one meter needs no name: leave it out",
        ),
        (
            {"model": "capacity", "tiers": [{"bounds": {"gb": 1}, "flat_fee": 1}, {"flat_fee": 2}]},
            "tiers[0].bounds",
            "needs `meters` on the charge; one meter has `up_to`",
        ),
        (
            {"model": "capacity", "meters": ["gb", "users"], "tiers": [{"up_to": 1, "flat_fee": 1}, {"flat_fee": 2}]},
            "tiers[0].up_to",
            "a capacity of several meters has `bounds`, one for each meter",
        ),
        (
            {
                "model": "capacity",
                "meters": ["gb", "users"],
                "tiers": [
                    {"bounds": {"gb": 5, "users": 5}, "flat_fee": 1},
                    {"bounds": {"gb": 9, "users": 4}, "flat_fee": 1},
                    {"flat_fee": 2},
                ],
            },
            "tiers[1].bounds",
            "must cover the tier below and more",
        ),
        (
            {"model": "capacity", "meters": ["gb", "users"], "tiers": [{"flat_fee": 2}], "aggregate": "max"},
            "aggregate",
            "belongs to one meter: this capacity has several",
        ),
        ({"model": "matrix", "dimensions": ["region"], "cells": []}, "cells", "is empty"),
        (
            {"model": "matrix", "dimensions": ["region", "region"], "cells": [{"when": {}, "unit_price": 1}]},
            "dimensions",
            "names something twice",
        ),
        (
            {"model": "matrix", "dimensions": ["region"], "cells": [{"when": {"class": "a"}, "unit_price": 1}]},
            "cells[0].when.class",
            "unknown field; known here: region",
        ),
        (
            {"model": "matrix", "dimensions": ["region"], "cells": [{"when": {"region": "eu"}, "unit_price": 1}] * 2},
            "cells[1].when",
            "names the same values as a cell above",
        ),
        (
            {"model": "per_unit", "unit_price": 1, "conversion": {"divide_by": 0}},
            "conversion.divide_by",
            "must be above 0",
        ),
        ({"model": "per_unit", "unit_price": 1, "conversion": {"factor": 2}}, "conversion.factor", None),
        ({"model": "per_unit", "unit_price": 1, "pricing_unit": {"name": "credits"}}, "pricing_unit.rate", None),
        (
            {"model": "flat", "unit_price": 1, "kind": "one_time", "per": "month"},
            "per",
            "a one_time price has no interval",
        ),
        (
            {"model": "flat", "unit_price": 1, "kind": "milestone", "timing": "arrears"},
            "timing",
            "a milestone price has no timing",
        ),
        (
            {"model": "per_unit", "unit_price": 1, "kind": "usage", "timing": "advance"},
            "timing",
            "expected one of arrears, found 'advance'",
        ),
        (
            {"model": "per_unit", "unit_price": "0.1234567890123"},
            "unit_price",
            "has more than 12 decimals: 0.1234567890123",
        ),
    ],
)
def test_a_problem_is_told_by_its_path(fields: dict[str, Any], path: str, message: str | None) -> None:
    found = problems_of(**fields)
    assert f"charge.{path}" in {problem.path for problem in found}
    if message is not None:
        assert Problem(f"charge.{path}", message) in found


@given(every.charges(("volume", "graduated", "graduated_percentage", "stairstep", "capacity")))
def test_tiers_read_quickly_are_those_read_carefully(charge: Charge) -> None:
    mapping = charge_mapping(charge)
    items: Any = mapping["tiers"]
    quick = tier_document._plain_tiers(items, charge.model, charge.beyond)
    assert quick is None or quick == charge.tiers
    spelt = [{name: f" {value} " for name, value in item.items()} for item in items]  # blanks: no plain numbers
    problems: list[Problem] = []
    assert read_charge(Reader(mapping | {"tiers": spelt}, problems)) == charge
    assert problems == []


@pytest.mark.parametrize(
    "tiers",
    [
        [],
        [TO_10],
        [OPEN, OPEN],
        [TO_10, TO_10, OPEN],
        [{"up_to": 0, "unit_price": 1}, OPEN],
        [{"up_to": 10}, OPEN],
        [{"unit_price": -1}],
        [{"unit_price": 1, "prise": 1}],
        [{"unit_price": True}],
        [{"unit_price": 1, "up_to": None, "flat_fee": ""}],
    ],
)
def test_what_is_not_plain_is_left_to_the_careful_way(tiers: list[Any]) -> None:
    assert tier_document._plain_tiers(tiers, "graduated", "refuse") is None
