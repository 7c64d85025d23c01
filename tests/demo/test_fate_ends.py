"""What each fate should come to is worked out from the book alone, and payers order transfers for what they were invoiced."""

from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from demo.book import load_book
from demo.customers import transfer_of
from demo.expect import expected
from demo.fates import Payer

BOOK = load_book()
DEALS = {deal.account: deal for deal in BOOK.deals}
INVOICE = {
    "id": "inv_1",
    "number": "US-000007",
    "issued_on": "2026-02-10",
    "due_on": "2026-03-12",
    "total": {"minor": 100_05, "currency": "USD"},
}


def test_the_ends_of_the_demos_book() -> None:
    ends = Counter(expected(deal, date(2027, 4, 5)).why for deal in BOOK.deals)
    assert ends == {
        "renewed by silence": 24,
        "renewed by signature": 3,
        "not renewed": 2,
        "in its first term": 8,
        "not paid; ended by dunning": 5,
        "could not be provided; given up by ops": 1,
        "declined": 1,
        "expired unsigned": 1,
        "expired unread": 1,
    }


@pytest.mark.parametrize(
    ("account", "today", "stage"),
    [
        ("harbor", date(2026, 12, 31), "active"),
        ("chidori", date(2027, 1, 21), "active"),
        ("chidori", date(2027, 1, 22), "ended"),
        ("willow", date(2026, 4, 1), "quote"),
        ("zephyr", date(2026, 4, 1), "ended"),
    ],
)
def test_an_end_depends_on_the_day(account: str, today: date, stage: str) -> None:
    assert expected(DEALS[account], today).stage == stage


@pytest.mark.parametrize(
    ("payer", "on", "minor"),
    [
        (Payer(action="transfer", days=20), "2026-03-02", 100_05),
        (Payer(action="short", short_percent=Decimal(10)), "2026-03-12", 90_04),
    ],
)
def test_a_transfer_names_the_invoice(payer: Payer, on: str, minor: int) -> None:
    account = BOOK.accounts["lumen"]
    assert transfer_of(replace(DEALS["lumen"], payer=payer), account, INVOICE) == {
        "payer": "Lumen Health Partners",
        "reference": "US-000007",
        "amount_minor": minor,
        "currency": "USD",
        "on": on,
        "key": "pay/inv_1",
    }


def test_who_never_pays_orders_nothing() -> None:
    account = BOOK.accounts["lumen"]
    assert transfer_of(replace(DEALS["lumen"], payer=Payer(action="never")), account, INVOICE) is None
    assert transfer_of(DEALS["harbor"], BOOK.accounts["harbor"], INVOICE) is None
