"""What a contract bills is what was signed: a line that is other, missing or too many is told in words."""

from copy import deepcopy
from datetime import date
from typing import Any

import pytest

from activities.lines import rows_of
from cli.audit_lines import differs
from domain.price_book import parse
from domain.quote import Draft, content, price

BOOK = parse(
    {
        "name": "acme",
        "currency": "EUR",
        "valid_from": "2026-01-01",
        "products": [
            {
                "id": "seats",
                "charges": [
                    {"id": "monthly", "model": "per_unit", "per": "month", "unit_price": "10"},
                    {"id": "live", "model": "flat", "kind": "milestone", "unit_price": "500"},
                ],
            }
        ],
    }
)
RAMP = [{"months": 6, "quantity": 10}, {"months": 6, "quantity": 40}]
AGREED = price(
    Draft.parse(
        {
            "price_book": "acme",
            "currency": "EUR",
            "signer": {"name": "Ada", "email": "ada@blue.example"},
            "lines": [
                {"product": "seats", "charge": "monthly", "ramp": RAMP},
                {"product": "seats", "charge": "live", "quantity": 1, "milestone": "go-live"},
            ],
        }
    ),
    BOOK,
    on=date(2026, 2, 1),
)
LINES = [row.model_dump(mode="json") for row in rows_of("con_1", 1, AGREED)]


def a_term(kind: str = "quote", lines: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"kind": kind, "alternative": "", "content": content(AGREED), "lines": LINES if lines is None else lines}


def changed(number: int, **differs_: Any) -> list[dict[str, Any]]:
    lines = deepcopy(LINES)
    lines[number] |= differs_
    return lines


def test_what_was_booked_is_what_was_signed() -> None:
    assert differs(a_term()) == ""
    assert differs(a_term("migration")) == ""


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            changed(1, period_amount_minor=39999),
            (
                "line 1 should be recurring 40000 for 40 in periods 6 to 12 advance, "
                "is recurring 39999 for 40 in periods 6 to 12 advance"
            ),
        ),
        (LINES[:2], "line 2 should be milestone 50000 for 1 go-live in periods 0 to 1 advance, is none"),
        (
            [*LINES, {**LINES[0], "line_no": 9}],
            "line 9 should be none, is recurring 10000 for 10 in periods 0 to 6 advance",
        ),
    ],
)
def test_what_is_other_is_told(lines: list[dict[str, Any]], said: str) -> None:
    assert differs(a_term(lines=lines)) == said


def test_a_moved_term_bills_its_last_period_as_agreed_and_its_past_as_it_was() -> None:
    past = changed(0, period_amount_minor=8000)
    assert differs(a_term("migration", past)) == ""
    assert differs(a_term("migration", changed(1, period_amount_minor=39999))) == (
        "line 1 should be 40000 in period 11, is 39999 in period 11"
    )
