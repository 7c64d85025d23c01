"""Hypothesis strategies for charges of every model with any of the fields that it may have, as `read_charge` would read them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from domain.rating.charge import (
    MODELS,
    TIERED,
    Cell,
    Charge,
    Commitment,
    Conversion,
    PricingUnit,
    Tier,
)

prices = st.decimals(0, 1000, places=6)
fees = st.decimals(0, 500, places=2)
percents = st.decimals(0, 100, places=3)
quantities = st.one_of(st.integers(0, 400).map(Decimal), st.decimals(0, 400, places=3))
bounds = st.sets(st.integers(1, 300).map(Decimal), min_size=1, max_size=4).map(sorted)
roundings = st.sampled_from(["half_up", "half_even", "up", "down"])
names = st.sampled_from(["region", "class", "user", "gb"])
_GAUGED = ("capacity",)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), strategy)


@st.composite
def tiers(draw: st.DrawFn, model: str, *, is_open: bool) -> tuple[Tier, ...]:
    ends: list[Decimal | None] = [*draw(bounds)]
    if is_open:
        ends.append(None)
    found = []
    for end in ends:
        said: dict[str, Any] = {"up_to": end, "flat_fee": draw(fees)}
        if model in {"volume", "graduated"}:
            said["unit_price"] = draw(prices)
            said["block_size"] = draw(maybe(st.integers(1, 40).map(Decimal)))
        if model == "graduated_percentage":
            said["percent"] = draw(percents)
        if model in {"volume", "graduated", "graduated_percentage"}:
            said["maximum_amount"] = draw(maybe(fees))
        found.append(Tier(**said))
    return tuple(found)


@st.composite
def _of_model(draw: st.DrawFn, model: str) -> dict[str, Any]:
    """What the model itself needs and has."""
    said: dict[str, Any] = {}
    if model in {"flat", "per_unit", "package"}:
        said["unit_price"] = draw(prices)
    if model == "package":
        said["package_size"] = draw(st.integers(1, 60).map(Decimal))
    if model in {"package", "volume", "graduated"}:
        said["package_rounding"] = draw(st.sampled_from(["up", "down", "exact"]))
    if model == "percentage":
        low, high = sorted([draw(fees), draw(fees)])
        said |= {"percent": draw(percents), "transaction_fee": draw(fees), "free_transactions": draw(st.integers(0, 2))}
        said |= {"transaction_minimum": draw(maybe(st.just(low))), "transaction_maximum": draw(maybe(st.just(high)))}
    if model == "matrix":
        values = draw(st.lists(st.sampled_from(["eu", "us", "ap"]), min_size=1, max_size=3, unique=True))
        cells = tuple(Cell(when=(("region", value),), unit_price=draw(prices)) for value in values)
        said |= {"dimensions": ("region",), "cells": cells, "default_price": draw(prices)}
    if model in TIERED:
        beyond = draw(st.sampled_from(["refuse", "last_tier", "covered_only", "overage"]))
        if beyond == "overage" and model == "graduated_percentage":
            beyond = "covered_only"
        said |= {
            "tiers": draw(tiers(model, is_open=beyond == "refuse")),
            "beyond": beyond,
            "tier_bound": draw(st.sampled_from(["inclusive", "exclusive"])),
            "zero_usage": draw(st.sampled_from(["nothing", "first_tier_fee"])),
            "overage_price": draw(prices) if beyond == "overage" else None,
        }
    return said


@st.composite
def charges(draw: st.DrawFn, models: tuple[str, ...] = MODELS) -> Charge:
    """Any charge that a price book could hold (without several meters)."""
    model = draw(st.sampled_from(models))
    said: dict[str, Any] = draw(_of_model(model))
    if model not in {"dynamic", "capacity", "flat"} and draw(st.booleans()):
        said["included_quantity"] = draw(quantities)
        said["included_order"] = draw(st.sampled_from(["first", "last"]))
    if model == "flat" and draw(st.booleans()):
        said |= {"included_quantity": Decimal(draw(st.integers(1, 200))), "overage_price": draw(prices)}
    low, high = sorted([draw(fees), draw(fees)])
    said |= {"minimum_amount": draw(maybe(st.just(low))), "maximum_amount": draw(maybe(st.just(high)))}
    if draw(st.booleans()):
        said["commitment"] = Commitment(amount=low)
        if model == "per_unit":
            said["commitment"] = Commitment(quantity=draw(quantities))
            said["overage_price"] = draw(maybe(prices))
    if model not in {"percentage", "dynamic"}:
        factors = st.integers(1, 50).map(Decimal)
        said["conversion"] = draw(
            maybe(
                st.builds(
                    Conversion,
                    multiply_by=factors,
                    divide_by=factors,
                    decimals=st.integers(0, 12),
                    rounding=roundings,
                    unit=st.sampled_from(["", "GB"]),
                )
            )
        )
    units = st.builds(
        PricingUnit,
        name=st.just("credits"),
        rate=st.decimals("0.0001", 10, places=4),
        decimals=st.integers(0, 12),
        rounding=roundings,
    )
    kind = draw(st.sampled_from(["recurring", "one_time", "usage", "milestone"]))
    once = kind in {"one_time", "milestone"}
    timing = draw(st.sampled_from(["advance", "arrears"])) if kind == "recurring" else "advance"
    return Charge(
        id="charge",
        model=model,
        months=1 if once else draw(st.sampled_from([1, 3, 6, 12])),
        kind=kind,
        timing="arrears" if kind == "usage" else timing,
        rounding=draw(roundings),
        pricing_unit=draw(maybe(units)),
        measure=draw(st.sampled_from(["", "gb"])),
        filters=draw(st.sampled_from([(), (("plan", ("team", "pro")),)])),
        group_by=() if model in {"flat", "matrix", *_GAUGED} else draw(st.sampled_from([(), ("team",)])),
        aggregate="" if model in {"percentage", "dynamic"} else draw(st.sampled_from(["", "sum", "max"])),
        cost=draw(maybe(prices)),
        floor=draw(maybe(prices)),
        revenue_account="revenue:test",
        **said,
    )
