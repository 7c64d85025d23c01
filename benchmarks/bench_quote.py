"""Pricing whole quotes in one process: from the draft to the kept content, beside a plain loop that only multiplies.

python -m benchmarks.bench_quote [--runs 7]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from benchmarks import table
from domain.billing_plan import preview
from domain.coupon import Coupon
from domain.price_book import PriceBook, parse
from domain.quote import Draft, content, price

TODAY = date(2026, 2, 1)
PRODUCTS = 200
COUNTS = (10, 100, 500, 2000)
TIERS = [
    {"up_to": 100, "unit_price": "1.10", "flat_fee": "5"},
    {"up_to": 1000, "unit_price": "0.93"},
    {"unit_price": "0.517"},
]
# by number: what a catalogue has most of comes most often
MODELS: tuple[dict[str, Any], ...] = (
    {"model": "per_unit", "per": "month", "unit_price": "12.50", "cost": "4", "floor": "9"},
    {"model": "graduated", "per": "month", "tiers": TIERS},
    {"model": "volume", "per": "year", "tiers": TIERS},
    {"model": "flat", "per": "quarter", "unit_price": "999.99"},
    {"model": "package", "per": "month", "unit_price": "25", "package_size": 50},
    {"model": "per_unit", "kind": "one_time", "unit_price": "900"},
    {"model": "graduated", "kind": "usage", "per": "month", "tiers": TIERS, "minimum_amount": "20"},
    {"model": "per_unit", "per": "month", "unit_price": "3.333", "timing": "arrears"},
)
COUPONS = {"SPRING": Coupon(code="SPRING", percent=Decimal(10), periods=3)}


def book() -> PriceBook:
    """A catalogue of all that a quote may hold, with a rule and a promotion."""
    products = [
        {"id": f"p{n}", "name": f"Product {n}", "charges": [{"id": "price", **MODELS[n % len(MODELS)]}]}
        for n in range(PRODUCTS)
    ]
    return parse(
        {
            "name": "bench",
            "currency": "EUR",
            "valid_from": "2026-01-01",
            "products": products,
            "rules": [{"product": "p1", "requires": ["p0"]}, {"product": "p2", "minimum_quantity": 1}],
            "promotions": [{"name": "early", "percent": "5", "products": ["p0", "p8"]}],
        }
    )


def draft(count: int, *, ramps: bool) -> dict[str, Any]:
    """Three years, monthly, with a group, a header discount, a coupon and a partner; no two lines have one quantity."""
    lines: list[dict[str, Any]] = []
    for number in range(count):
        line: dict[str, Any] = {"product": f"p{number % PRODUCTS}", "group": "core" if number % 2 else ""}
        if ramps and number % len(MODELS) in {0, 1, 2}:
            line["ramp"] = [{"months": 12, "quantity": number + times} for times in (7, 17, 27)]
        else:
            line |= {"quantity": f"{number + 7}.5", "discount_percent": "12.5"}
        lines.append(line)
    return {
        "price_book": "bench",
        "currency": "EUR",
        "term_months": 36,
        "method": "transfer",
        "signer": {"name": "Ada Blue", "email": "ada@blue.example"},
        "discount_percent": "5",
        "groups": [{"name": "core", "discount_percent": "3"}],
        "coupons": ["SPRING"],
        "partner": {"name": "Resell", "margin_percent": "15"},
        "lines": lines,
    }


def plain_loop(made: Draft, prices: dict[str, Decimal]) -> Decimal:
    """What nobody can do without: each line's quantity times a unit price, less a discount, rounded to the cent."""
    whole = Decimal(0)
    for line in made.lines:
        amount = line.quantity * prices[line.product] * (100 - line.discount.percent) / 100
        whole += amount.quantize(Decimal("0.01"))
    return whole


def median(runs: int, work: Callable[[], object]) -> float:
    """The median wall time of several runs, in seconds."""
    took = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def row(count: int, prices: PriceBook, runs: int, *, ramps: bool = False) -> tuple[str, ...]:
    """One size of quote: reading its document, pricing, its content, the invoices of its term, and the plain loop."""
    mapping = draft(count, ramps=ramps)
    made = Draft.parse(mapping)
    found = price(made, prices, on=TODAY, coupons=COUPONS)
    units = {product.id: Decimal("12.50") for product in prices.products}
    read = median(runs, lambda: Draft.parse(mapping))
    priced = median(runs, lambda: price(made, prices, on=TODAY, coupons=COUPONS))
    written = median(runs, lambda: content(found))
    billed = median(min(runs, 3), lambda: preview(found, anchor=TODAY))
    least = median(runs, lambda: plain_loop(made, units))
    times = (f"{1000 * each:.1f}" for each in (priced, read, written, billed, least))
    return (f"{count:,}{' with ramps' if ramps else ''}", *times, f"{priced / least:.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_quote", description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    prices = book()
    rows = [row(count, prices, runs) for count in COUNTS]
    rows += [row(count, prices, runs, ramps=True) for count in (500, 2000)]
    head = ("lines", "price ms", "read ms", "content ms", "36 invoices ms", "plain loop ms", "ratio")
    notes = [
        "",
        "ratio: price / plain loop, which multiplies quantity, price and discount of each line and rounds it",
        "aim: 500 lines priced in under 200 ms; 2,000 lines work",
    ]
    table.show(f"Pricing a quote of 36 months, medians of {runs} runs", head, rows, notes)


if __name__ == "__main__":
    main()
