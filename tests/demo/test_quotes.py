"""A quote's file and what awaits it are checked before anything starts, and sales' preview is compared with what was invoiced."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from demo.book import FOLDER, load_book
from demo.compare import pairs
from demo.fates import FateUnreadable, customer, milestones
from demo.positions import FileProblems
from demo.timeline import lines_of

Change = Callable[..., Path]


@pytest.fixture
def change(tmp_path: Path) -> Change:
    """The demo's own files with these columns of one row of quotes.csv changed."""

    def make(whose: str, **columns: str) -> Path:
        folder = tmp_path / "book"
        shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        with (FOLDER / "quotes.csv").open(encoding="utf-8", newline="") as read:
            rows = [row | (columns if row["account"] == whose else {}) for row in csv.DictReader(read)]
        with (folder / "quotes.csv").open("w", encoding="utf-8", newline="") as written:
            writer = csv.DictWriter(written, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return folder

    return make


def refusal(folder: Path) -> list[tuple[int, str, str]]:
    with pytest.raises(FileProblems) as refused:
        load_book(folder)
    return [(problem.line, problem.where, problem.message) for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("account", "columns", "line", "where", "said"),
    [
        ("kelp", {"customer": ""}, 8, "customer", "says what happens on the page of a quote with delivery: link"),
        ("delorme", {"customer": "accepts 3h"}, 4, "customer", "says what happens on the page"),
        ("aurore", {"customer": "accepts 3h: finest"}, 5, "customer", "there is no offer 'finest': good, better, best"),
        ("aurore", {"customer": "buys 3h"}, 5, "customer", "expected 'never looks', 'looks 3h'"),
        ("gables", {"reply": ""}, 7, "reply", "answers a question of the customer"),
        ("silverline", {"revised": ""}, 6, "revised", "follows a decline of the customer"),
        ("silverline", {"revised": "none.yaml"}, 6, "revised", "cannot be read"),
        ("abbaye", {"milestones": "design"}, 9, "milestones", "expected 'go-live +60 days', found 'design'"),
        ("abbaye", {"desk": ""}, 9, "desk", "is missing: the approval policy asks for a decision on this deal"),
        ("delorme", {"account": "aurore"}, 4, "account", "'finances@aurore.example' is not the signer's mail address"),
    ],
)
def test_what_does_not_fit_together_is_told_with_its_line(
    change: Change, account: str, columns: dict[str, str], line: int, where: str, said: str
) -> None:
    found = refusal(change(account, **columns))

    assert [(at, column) for at, column, _ in found] == [(line, where)]
    assert said in found[0][2]


def test_a_rule_that_a_quotes_file_breaks_is_told(change: Change) -> None:
    folder = change("delorme")
    file = folder / "quotes" / "bundle-coupon.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("  - {product: onboarding, quantity: 1}\n", ""), "utf-8")

    ((line, where, message),) = refusal(folder)

    assert (line, where) == (4, "file")
    assert "marketing takes at least 1 line of onboarding, found 0" in message


@pytest.mark.parametrize("text", ["looks", "accepts soon", "asks 5h", "declines 5h", "looks 3h: at it", "accepts 3h;"])
def test_a_visit_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(FateUnreadable):
        customer(text)


def test_a_milestone_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(FateUnreadable):
        milestones("go-live in spring")


# --- previewed and invoiced ------------------------------------------------------------------------------------------


def money(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "EUR", "text": f"{minor}"}


def line(minor: int, description: str = "Seats") -> dict[str, Any]:
    return {"description": description, "quantity": "20", "amount": money(minor)}


def made(period: int, minor: int, *, occasion: str = "", term: int = 1, **more: Any) -> dict[str, Any]:
    on = f"2026-{period + 1:02}-01"
    return {"period_no": period, "term": term, "occasion": occasion, "issued_on": on, "net": money(minor), **more}


PREVIEW = {
    "offers": [
        {"name": "good", "invoices": [{"net": money(1), "lines": []}], "milestones": []},
        {
            "name": "better",
            "invoices": [{"net": money(300), "lines": [line(300)]}, {"net": money(200), "lines": [line(200)]}],
            "milestones": [{"milestone": "go-live", "net": money(900)}],
        },
    ]
}


def test_invoices_meet_the_preview_of_the_offer_that_was_picked() -> None:
    invoices = [made(0, 300, lines=[line(300)]), made(0, 900, occasion="go-live"), made(1, 200), made(0, 7, term=2)]

    found = pairs(PREVIEW, "better", invoices)

    assert [(pair.net, pair.equal) for pair in found] == [((300, 300), True), ((200, 200), True), ((900, 900), True)]


@pytest.mark.parametrize(
    "invoice",
    [made(0, 301, lines=[line(301)]), made(0, 300, lines=[line(300, "Chairs")]), made(0, 900, occasion="other")],
)
def test_another_amount_line_or_milestone_is_not_equal(invoice: dict[str, Any]) -> None:
    assert [pair.equal for pair in pairs(PREVIEW, "better", [invoice])] == [False]


def test_an_invoice_too_many_was_not_previewed() -> None:
    found = pairs(PREVIEW, "good", [made(0, 1), made(1, 1)])

    assert [pair.net for pair in found] == [(1, 1), (0, 1)]


def test_what_a_price_rise_moved_is_compared_up_to_it() -> None:
    found = pairs(PREVIEW, "better", [made(0, 300), made(1, 999)], moved_on=date(2026, 2, 1))

    assert [pair.net for pair in found] == [(300, 300)]


# --- the timeline ----------------------------------------------------------------------------------------------------


def fact(on: str, kind: str, text: str) -> dict[str, Any]:
    return {"at": on, "kind": kind, "text": text, "actor": "", "amount": {"text": "9.00 EUR"}}


def bill(on: str, number: str) -> dict[str, Any]:
    return fact(on, "bill", f"Invoice {number} for {on} and on: 9.00 EUR, due {on}")


def paid(on: str, number: str, charge: int = 1) -> dict[str, Any]:
    return fact(on, "charge", f"Paid: 9.00 EUR for invoice {number}, charge {charge}")


def shown(*facts: dict[str, Any]) -> list[str]:
    return [
        f"{each.day} {each.text}" for each in lines_of(facts, lambda fact: date.fromisoformat(fact["at"]), lambda _: "")
    ]


def test_invoices_that_were_simply_paid_are_told_as_one() -> None:
    facts = [each for month in "123" for each in (bill(f"2026-0{month}-05", month), paid(f"2026-0{month}-05", month))]

    assert shown(*facts) == ["2026-01-05 3 invoices until 2026-03-05, 1 … 3: 9.00 EUR each, paid"]


def test_what_was_declined_first_is_told_whole() -> None:
    declined = fact("2026-01-05", "charge", "Declined: charge 1 of 9.00 EUR for invoice 1 (stolen_card, hard)")
    facts = [bill("2026-01-05", "1"), declined, paid("2026-01-07", "1", charge=2), bill("2026-02-05", "2")]

    assert shown(*facts) == [f"{each['at']} {each['text']}" for each in facts]


def test_a_transfer_that_pays_an_invoice_is_told_with_it() -> None:
    transfer = fact("2026-01-25", "cash", "Bank transfer of 9.00 EUR from Acme: 9.00 EUR pays 1")

    (only,) = shown(bill("2026-01-05", "1"), transfer)

    assert only.endswith("due 2026-01-05; paid on 2026-01-25")
