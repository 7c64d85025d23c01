"""A price book with every kind of charge and every timing, in two currencies, and drafts of it."""

from __future__ import annotations

from datetime import date
from typing import Any

from domain.document import content_hash
from models.price_book import PriceBookRow


def book(currency: str = "EUR", *, factor: int = 1, version: int = 1, valid_from: str = "2020-01-01") -> dict[str, Any]:
    """The suite: seats in advance, support in arrears, a set-up at once, a roll-out when it is reached, calls as used."""

    def money(euros: int) -> str:
        return str(euros * factor)

    return {
        "name": f"suite-{currency.lower()}",
        "version": version,
        "currency": currency,
        "valid_from": valid_from,
        "products": [
            {
                "id": "seats",
                "name": "Seats",
                "unit": "seat",
                "provisioning": ["tenant"],
                "charges": [{"id": "monthly", "model": "per_unit", "per": "month", "unit_price": money(10)}],
            },
            {
                "id": "support",
                "name": "Support",
                "unit": "plan",
                "charges": [
                    {"id": "monthly", "model": "flat", "per": "month", "timing": "arrears", "unit_price": money(90)}
                ],
            },
            {
                "id": "setup",
                "name": "Set-up",
                "unit": "project",
                "charges": [{"id": "once", "model": "flat", "kind": "one_time", "unit_price": money(500)}],
            },
            {
                "id": "rollout",
                "name": "Roll-out",
                "unit": "project",
                "charges": [{"id": "done", "model": "flat", "kind": "milestone", "unit_price": money(1200)}],
            },
        ],
    }


def book_row(currency: str = "EUR", **differs: Any) -> PriceBookRow:
    """The book as it is stored."""
    content = book(currency, **differs)
    return PriceBookRow(
        id=f"pb_{content['name']}_{content['version']}",
        name=content["name"],
        version=content["version"],
        currency=currency,
        valid_from=date.fromisoformat(content["valid_from"]),
        content=content,
        content_hash=content_hash(content),
    )


SEATS = {"product": "seats", "quantity": 20}
SUPPORT = {"product": "support", "quantity": 1}
SETUP = {"product": "setup", "quantity": 1}
ROLLOUT = {"product": "rollout", "quantity": 1, "milestone": "go-live"}
LINKED: dict[str, Any] = {"price_book": "suite-eur", "delivery": "link", "lines": [SEATS, SUPPORT, SETUP, ROLLOUT]}
ALTERNATIVES: dict[str, Any] = {
    "price_book": "suite-eur",
    "alternatives": [
        {"name": "good", "lines": [SEATS]},
        {"name": "better", "recommended": True, "lines": [SEATS, SUPPORT]},
        {
            "name": "best",
            "lines": [{**SEATS, "quantity": 50}, SUPPORT, ROLLOUT],
            "term_months": 24,
            "interval_months": 3,
        },
    ],
}
