"""A quote of every kind of line, for tests of the API and of the terminal: bundle, ramp, usage, arrears, one-time, milestone."""

from typing import Any

SUITE_BOOK: dict[str, Any] = {
    "name": "cloud-eur",
    "currency": "EUR",
    "valid_from": "2026-01-01",
    "products": [
        {
            "id": "suite",
            "name": "Suite",
            "unit": "suite",
            "charges": [{"id": "base", "model": "flat", "per": "month", "unit_price": "100", "cost": "30"}],
        },
        {
            "id": "seats",
            "name": "Seats",
            "unit": "seat",
            "charges": [
                {
                    "id": "monthly",
                    "model": "per_unit",
                    "per": "month",
                    "unit_price": "12.50",
                    "cost": "4",
                    "floor": "9",
                }
            ],
        },
        {
            "id": "silver",
            "name": "Silver support",
            "unit": "contract",
            "charges": [{"id": "yearly", "model": "flat", "per": "year", "unit_price": "600"}],
        },
        {
            "id": "gold",
            "name": "Gold support",
            "unit": "contract",
            "charges": [{"id": "yearly", "model": "flat", "per": "year", "unit_price": "2400"}],
        },
        {
            "id": "storage",
            "name": "Storage",
            "unit": "GB",
            "charges": [
                {
                    "id": "used",
                    "model": "graduated",
                    "kind": "usage",
                    "per": "month",
                    "tiers": [{"up_to": 100, "unit_price": "0"}, {"unit_price": "0.10"}],
                    "minimum_amount": "20",
                }
            ],
        },
        {
            "id": "calls",
            "name": "Calls",
            "unit": "call",
            "charges": [
                {
                    "id": "metered",
                    "model": "package",
                    "per": "month",
                    "timing": "arrears",
                    "unit_price": "5",
                    "package_size": 1000,
                }
            ],
        },
        {
            "id": "setup",
            "name": "Setup",
            "unit": "day",
            "charges": [
                {"id": "days", "model": "per_unit", "kind": "one_time", "unit_price": "900"},
                {"id": "acceptance", "model": "flat", "kind": "milestone", "unit_price": "5000"},
            ],
        },
    ],
    "rules": [
        {
            "product": "suite",
            "options": [{"name": "support", "products": ["silver", "gold"], "minimum": 1, "maximum": 1}],
        },
        {"product": "seats", "minimum_quantity": 5},
    ],
    "promotions": [{"name": "launch", "percent": "10", "products": ["suite"], "periods": 3}],
}
COUPON: dict[str, Any] = {"code": "SPRING-20", "percent": "20", "periods": 2, "products": ["seats"], "total_uses": 1}
SUITE_LINES: list[dict[str, Any]] = [
    {"product": "suite", "quantity": 1, "group": "platform"},
    {
        "product": "seats",
        "group": "platform",
        "start": "2027-01-15",
        "ramp": [
            {"months": 12, "quantity": 20, "discount_percent": "10"},
            {"months": 12, "quantity": 40, "unit_price": "11.00"},
        ],
    },
    {"product": "silver", "quantity": 1},
    {"product": "storage", "quantity": 500},
    {"product": "calls", "quantity": 3500},
    {"product": "setup", "charge": "days", "quantity": 4},
    {"product": "setup", "charge": "acceptance", "quantity": 1, "milestone": "go-live"},
]
SUITE_DRAFT: dict[str, Any] = {
    "price_book": "cloud-eur",
    "currency": "EUR",
    "term_months": 24,
    "interval_months": 1,
    "method": "card",
    "signer": {"name": "Gina Globex", "email": "gina@globex.example"},
    "discount_percent": "5",
    "groups": [{"name": "platform", "discount_percent": "10"}],
    "coupons": ["SPRING-20"],
    "lines": SUITE_LINES,
}
