"""`q2c preview rate` as a process: lines in, lines out, whatever stands in them, and nothing else needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
GRADUATED = {
    "model": "graduated",
    "tiers": [{"up_to": 10, "unit_price": "10", "flat_fee": "5"}, {"unit_price": "8.055"}],
}


def preview(*lines: str | bytes) -> subprocess.CompletedProcess[bytes]:
    """Run it with nothing but an empty folder: no server, no database, no settings, no network."""
    given = b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
    return subprocess.run(
        [sys.executable, "-c", "from cli import main; import sys; sys.exit(main())", "preview", "rate"],
        input=given,
        capture_output=True,
        check=False,
        timeout=60,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "Q2C_DATA": "/nonexistent"},
    )


def answers(*lines: str | bytes) -> list[dict[str, Any]]:
    """The answer to each line; the command itself ends well."""
    ended = preview(*lines)
    assert (ended.returncode, ended.stderr) == (0, b"")
    return [json.loads(line) for line in ended.stdout.decode().splitlines()]


def line(**changes: object) -> str:
    return json.dumps({"id": "a", "charge": GRADUATED, "quantity": "11", "currency": "EUR"} | changes)


def test_a_line_in_is_a_line_out() -> None:
    ended = preview(line(), line(id=7, quantity=121))
    assert ended.stdout.decode() == (
        '{"id": "a", "amount": "113.06", "unrounded": "113.055", "explain": ['
        '{"kind": "tier", "text": "10 × 10 + 5", "quantity": "10", "unit_price": "10", "flat_fee": "5", "up_to": "10", '
        '"amount": "105"}, '
        '{"kind": "tier", "text": "1 × 8.055", "quantity": "1", "unit_price": "8.055", "flat_fee": "0", "up_to": null, '
        '"amount": "8.055"}, '
        '{"kind": "rounding", "text": "rounded", "quantity": "0", "unit_price": "0", "flat_fee": "0", "up_to": null, '
        '"amount": "0.005"}]}\n'
        '{"id": 7, "amount": "999.11", "unrounded": "999.105", "explain": ['
        '{"kind": "tier", "text": "10 × 10 + 5", "quantity": "10", "unit_price": "10", "flat_fee": "5", "up_to": "10", '
        '"amount": "105"}, '
        '{"kind": "tier", "text": "111 × 8.055", "quantity": "111", "unit_price": "8.055", "flat_fee": "0", "up_to": null, '
        '"amount": "894.105"}, '
        '{"kind": "rounding", "text": "rounded", "quantity": "0", "unit_price": "0", "flat_fee": "0", "up_to": null, '
        '"amount": "0.005"}]}\n'
    )


def test_an_error_answers_its_line_and_the_next_one_goes_on() -> None:
    found = answers(
        "{",
        line(id="b", currency="XAU"),
        "",
        line(id="c", charge={"model": "graduated", "tiers": [{"unit_price": "x"}]}),
        line(id="d", charge=None),
        line(id="e", quantity=None),
        "[1]",
        line(id="f"),
        b'{"id": "\xff"}',
        line(id={"not": "text"}, quantity="-1"),
    )
    assert [(each["id"], each.get("error", {}).get("type"), each.get("error", {}).get("field")) for each in found] == [
        (None, "NotJson", ""),
        ("b", "UnknownCurrency", "currency"),
        ("c", "ChargeInvalid", "charge.tiers[0].unit_price"),
        ("d", "RequestInvalid", "charge"),
        ("e", "RequestInvalid", "quantity"),
        (None, "NotJson", ""),
        ("f", None, None),
        (None, "NotJson", ""),
        (None, "QuantityNegative", "quantity"),
    ]
    assert all(set(each["error"]) == {"type", "field", "message"} for each in found if "error" in each)
    assert found[2]["error"]["message"] == "expected a number, found 'x'"


@pytest.mark.parametrize(
    ("written", "unrounded"),
    [
        ("0.1", "0.3"),  # as a float three of them are 0.30000000000000004
        ('"0.1"', "0.3"),
        ("0.000000000001", "0.000000000003"),
        ("1e-3", "0.003"),
        ("1.5E2", "450"),
        ("12345678901.123456789012", "37037036703.370370367036"),
        ("100000000000", "300000000000"),
    ],
)
def test_a_number_is_what_is_written(written: str, unrounded: str) -> None:
    (found,) = answers(line(charge={"model": "per_unit", "unit_price": "HERE"}, quantity=3).replace('"HERE"', written))
    assert found["unrounded"] == unrounded


@pytest.mark.parametrize("written", ["NaN", "Infinity", "1e99999999", "1e-30", '"1e3"', "true", "[1]", "1" * 5000])
def test_what_is_no_number_of_ours_is_an_error(written: str) -> None:
    (found,) = answers(line(quantity="HERE").replace('"HERE"', written))
    assert found["error"]["type"] in {"NotJson", "RequestInvalid"}


def test_events_or_a_quantity_are_needed() -> None:
    region = {"model": "matrix", "dimensions": ["region"], "cells": [{"when": {"region": "eu"}, "unit_price": 2}]}
    found = answers(
        line(quantity=None, charge=region, usage=[{"region": "eu"}]),
        line(quantity=3, charge=region, usage=[{"region": "eu"}]),
        line(quantity=3, charge=region, attributes={"region": "eu"}),
        line(quantity=None, charge=region, usage=[{"region": "eu", "quantity": 4}]),
        line(quantity=None, usage=[]),
        line(quantity=None, usage=[{"quantity": 1}, {"amount": 1}]),
        line(usage={"quantity": 1}),
    )
    assert [each.get("amount") or each["error"]["field"] for each in found] == [
        "quantity",
        "6.00",
        "6.00",
        "8.00",
        "0.00",
        "usage[1].quantity",
        "usage",
    ]


def test_depth_and_odd_text_do_no_harm() -> None:
    deep, odd = answers(
        '{"id": 1, "charge": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"id": "\\ud800", "charge": {"model": "per_unit", "unit_price": 1, "group_by": ["of"]},'
        ' "usage": [{"quantity": 1, "of": "\\ud800 \\" \\u0000"}], "currency": "EUR"}',
    )
    assert deep["error"]["type"] == "NotJson"
    assert odd["id"] == "\ud800"
    assert odd["explain"][0]["text"] == 'of \ud800 " \x00: 1 × 1'


def test_ten_thousand_lines_are_answered_in_their_order() -> None:
    found = answers(*(line(id=number, quantity=number) for number in range(10_000)))
    assert [each["id"] for each in found] == list(range(10_000))
    assert found[0]["explain"] == []


def test_it_answers_before_the_input_ends() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "from cli import main; main()", "preview", "rate"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in (1, 2):
            process.stdin.write(line(id=number).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == number
        process.stdin.close()
    assert process.returncode == 0


def test_it_loads_no_server_client_or_workflow() -> None:
    heavy = ("temporalio", "sqlalchemy", "httpx", "fastapi", "yaml")
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; from cli import main; main(['preview', 'rate']); print([m for m in {heavy} if m in sys.modules])",
        ],
        input=line().encode() + b"\n",
        capture_output=True,
        check=True,
        cwd=ROOT,
    )
    assert told.stdout.splitlines()[-1] == b"[]"
