"""Rating per charge model in one process, beside a plain loop that only multiplies, and 100,000 lines through `q2c preview rate`.

python -m benchmarks.bench_rating [--runs 7] [--lines 100000]
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from benchmarks import table
from domain.document import Reader
from domain.errors import Problem
from domain.pricing import rate
from domain.rating.charge import Charge
from domain.rating.charge_document import read_charge

COUNT = 2_000
TIERS = [
    {"up_to": 10, "unit_price": "1.25", "flat_fee": "5"},
    {"up_to": 100, "unit_price": "1.05"},
    {"unit_price": "0.9"},
]
STEPS = [{"up_to": 10, "flat_fee": "50"}, {"up_to": 100, "flat_fee": "180"}, {"flat_fee": "300"}]
EVENTS = [{"amount": "100"}, {"amount": "12.50"}, {"amount": "7"}]
CELLS = [{"when": {"region": region}, "unit_price": "0.01"} for region in ("eu", "us", "ap")]
MODELS: dict[str, dict[str, Any]] = {
    "flat": {"unit_price": "99"},
    "per_unit": {"unit_price": "12.5"},
    "volume": {"tiers": TIERS},
    "graduated": {"tiers": TIERS},
    "package": {"unit_price": "5", "package_size": 100, "included_quantity": 50},
    "percentage": {"percent": "2.9", "transaction_fee": "0.30"},
    "graduated_percentage": {"tiers": [{"up_to": 1000, "percent": "2"}, {"percent": "1.5"}]},
    "stairstep": {"tiers": STEPS},
    "matrix": {"dimensions": ["region"], "cells": CELLS},
    "dynamic": {},
    "capacity": {"tiers": STEPS},
}
BY_EVENTS = frozenset({"percentage", "dynamic"})
ALL_ON_TOP = {
    "included_quantity": 5,
    "commitment": {"amount": "900"},
    "conversion": {"divide_by": 3, "decimals": 2},
    "pricing_unit": {"name": "credits", "rate": "0.02"},
}


def charge_of(model: str, fields: dict[str, Any]) -> Charge:
    """A charge of a document without problems."""
    problems: list[Problem] = []
    charge = read_charge(Reader({"model": model, **fields}, problems), preview=True)
    if problems:
        raise RuntimeError(str(problems))
    return charge


def median(runs: int, work: Callable[[], object]) -> float:
    """The median CPU time of several runs, in seconds."""
    took = []
    for _ in range(runs):
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return statistics.median(took)


def row(model: str, fields: dict[str, Any], runs: int, *, name: str = "") -> tuple[str, ...]:
    """One model: rating with its steps, reading its charge, and the plain loop over the same quantities."""
    charge = charge_of(model, fields)
    usage = EVENTS if model in BY_EVENTS else ()
    quantities = [Decimal(number % 300 + 1) for number in range(COUNT)]

    def rated() -> None:
        for quantity in quantities:
            rate(charge, quantity, months=1, currency="EUR", usage=usage, attributes={"region": "eu"})

    def plain() -> None:
        price = Decimal("12.5")
        for quantity in quantities:
            (quantity * price).quantize(Decimal("0.01"))

    def read() -> None:
        for _ in quantities:
            charge_of(model, fields)

    rating, least, reading = (median(runs, work) for work in (rated, plain, read))
    each = (f"{1e6 * took / COUNT:.1f}" for took in (rating, reading, least))
    return (name or model, f"{COUNT / rating:,.0f}", *each, f"{rating / least:.0f}")


def lines(count: int, *, same: bool) -> Iterator[str]:
    """Requests of graduated charges of four tiers, all alike or no two."""
    chance = random.Random(1)
    for number in range(count):
        first = "12.65" if same else f"{chance.randint(100, 2000) / 100:.2f}"
        bound = "10" if same else str(chance.randint(5, 50))
        tiers = [
            {"up_to": bound, "unit_price": first, "flat_fee": "5"},
            {"up_to": "100", "unit_price": "0.95"},
            {"up_to": "1000", "unit_price": "0.0823"},
            {"unit_price": "0.05"},
        ]
        charge = {"id": "calls", "model": "graduated", "per": "month", "tiers": tiers}
        request = {"id": f"r{number}", "charge": charge, "quantity": str(chance.randint(1, 3000)), "currency": "EUR"}
        yield json.dumps(request)


def terminal(count: int, *, same: bool) -> float:
    """CPU seconds of `q2c preview rate` over so many lines, its start included."""
    given = "\n".join(lines(count, same=same)).encode()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", "from cli import main; main()", "preview", "rate"]
    ended = subprocess.run(command, input=given, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if ended.stdout.count(b'"amount"') < count or b'"error"' in ended.stdout:
        raise RuntimeError("not every line was rated")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_rating", description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--lines", type=int, default=100_000)
    given = parser.parse_args()
    rows = [row(model, fields, given.runs) for model, fields in MODELS.items()]
    rows.append(row("graduated", MODELS["graduated"] | ALL_ON_TOP, given.runs, name="graduated, all on top"))
    alike, apart = (terminal(given.lines, same=same) for same in (True, False))
    terminal_told = (
        f"q2c preview rate, {given.lines:,} graduated lines of four tiers, CPU with the start of the process: "
        f"{alike:.1f} s of one charge, {apart:.1f} s where no two charges are alike"
    )
    notes = [
        "",
        "ratio: rating with its steps / plain loop, which multiplies a quantity by a price and rounds it; CPU time",
        terminal_told,
        "aim: 100,000 lines in under 5 s",
    ]
    head = ("model", "rates/s", "rate µs", "read charge µs", "plain µs", "ratio")
    table.show(f"Rating, medians of {given.runs} runs of {COUNT:,}", head, rows, notes)


if __name__ == "__main__":
    main()
