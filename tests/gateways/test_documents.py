"""Quotes, order forms and invoices: same data same bytes over processes, the right words on the page, no page for wrong sums."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domain.money import UnknownCurrency
from gateways.document_view import invoice_view
from gateways.documents import (
    DocumentInconsistent,
    invoice_pdf,
    order_form,
    pages_as_png,
    quote_pdf,
)
from tests.gateways.papers import BUYER, CHOICE, INVOICE, OFFER, OFFICE, ORDER


def sha(document: bytes) -> str:
    return hashlib.sha256(document).hexdigest()


def test_the_same_data_gives_the_same_bytes_in_another_process_and_time_zone(tmp_path: Path) -> None:
    program = (
        "import importlib.util, sys, hashlib\n"
        "spec = importlib.util.spec_from_file_location('samples', sys.argv[1])\n"
        "samples = importlib.util.module_from_spec(spec); spec.loader.exec_module(samples)\n"
        "french = samples.replace(samples.CHOICE, language='fr')\n"
        "print(samples.sha(samples.order_form(samples.ORDER)), samples.sha(samples.quote_pdf(samples.CHOICE)),"
        " samples.sha(samples.quote_pdf(french)), samples.sha(samples.invoice_pdf(samples.INVOICE)))\n"
    )
    environment = {"PYTHONPATH": str(Path.cwd()), "TZ": "Pacific/Auckland", "LC_ALL": "C", "HOME": str(tmp_path)}

    other = subprocess.run(
        [sys.executable, "-c", program, __file__],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )

    assert other.stdout.split() == [
        sha(order_form(ORDER)),
        sha(quote_pdf(CHOICE)),
        sha(quote_pdf(replace(CHOICE, language="fr"))),
        sha(invoice_pdf(INVOICE)),
    ]


def test_the_same_data_gives_the_same_bytes_after_other_documents_and_from_many_threads() -> None:
    first = invoice_pdf(INVOICE)
    order_form(ORDER)
    quote_pdf(CHOICE)
    others = [replace(INVOICE, number=f"FR-2026-{n:06}") for n in range(8)]

    with ThreadPoolExecutor(4) as threads:
        documents = list(threads.map(invoice_pdf, [*others, INVOICE]))

    assert documents[-1] == first
    assert len(set(documents)) == 9


@pytest.mark.parametrize(
    "document",
    [order_form(ORDER), quote_pdf(CHOICE), invoice_pdf(INVOICE)],
    ids=["order form", "quote", "invoice"],
)
def test_a_document_is_a_pdf_dated_by_its_data_alone(document: bytes) -> None:
    assert document.startswith(b"%PDF-1.7")
    assert b"D:20260105" in document or b"D:20260201" in document
    assert b"D:2000" not in document


def test_an_order_form_is_of_the_one_offer_that_was_chosen() -> None:
    with pytest.raises(DocumentInconsistent, match="one offer"):
        order_form(CHOICE)


def test_a_draft_is_not_the_same_document_as_the_quote() -> None:
    assert quote_pdf(replace(CHOICE, draft=True)) != quote_pdf(CHOICE)


def test_an_invoice_shows_the_last_day_of_a_period_and_where_to_pay() -> None:
    view = invoice_view(INVOICE)

    line = view["lines"][0]  # type: ignore[index]
    assert (line["period_from"], line["period_to"], line["amount"]) == ("1 Feb 2026", "30 Apr 2026", "3,333.47")
    assert view["sums"] == [
        {"name": "Net amount", "amount": "3,530.12", "kind": "plain"},
        {"name": "TVA 20\N{NO-BREAK SPACE}%", "amount": "706.02", "kind": "plain"},
        {"name": "Total (EUR)", "amount": "4,236.14", "kind": "grand"},
    ]
    assert view["bank_rows"] == [
        ("Account holder", "Northwind Cloud SAS"),
        ("Account", "FR76 3000 6000 0112 3456 7890 189"),
        ("Reference", "RF18 FR2026000017"),
    ]


def test_an_invoice_in_french_is_french_throughout() -> None:
    view = invoice_view(replace(INVOICE, language="fr"))

    line = view["lines"][0]  # type: ignore[index]
    thin = "\N{NARROW NO-BREAK SPACE}"
    assert (line["period_from"], line["period_to"], line["amount"]) == (
        "1er févr. 2026",
        "30 avr. 2026",
        f"3{thin}333,47",
    )
    assert view["due_text"] == "À régler le 3 mars 2026"
    assert [row["name"] for row in view["sums"]] == ["Montant net", f"TVA 20{thin}%", "Total (EUR)"]  # type: ignore[attr-defined]
    assert invoice_pdf(replace(INVOICE, language="fr")) != invoice_pdf(INVOICE)


def test_a_card_invoice_asks_for_no_transfer() -> None:
    view = invoice_view(replace(INVOICE, method="card"))

    assert view["bank_rows"] == []
    assert view["pay_text"] == "Nothing to do: we charge EUR 4,236.14 to the payment method on file."


@pytest.mark.parametrize(
    ("currency", "total"), [("JPY", "JPY 423,614"), ("BHD", "BHD 423.614"), ("CLF", "CLF 42.3614")]
)
def test_amounts_have_the_decimals_of_their_currency(currency: str, total: str) -> None:
    assert invoice_view(replace(INVOICE, currency=currency))["total"] == total


def test_an_unknown_currency_is_refused() -> None:
    with pytest.raises(UnknownCurrency):
        invoice_pdf(replace(INVOICE, currency="XXX"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"net_minor": 353013}, "the net amount is not the sum of the lines"),
        ({"tax_minor": 70603}, "the total is not net plus tax"),
    ],
)
def test_an_invoice_that_does_not_add_up_is_never_made(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(DocumentInconsistent, match=reason):
        replace(INVOICE, **change)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"net_minor": 353013}, "the net amount of a period is not the sum of its lines"),
        ({"tcv_minor": 2824097}, "list less discounts is not the total of the term"),
        (
            {"lines": (replace(OFFICE, stretches=(replace(OFFICE.stretches[0], list_minor=389881),)),)},
            "line 1: list less discounts is not the net amount",
        ),
    ],
)
def test_an_offer_that_does_not_add_up_is_never_made(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(DocumentInconsistent, match=reason):
        replace(ORDER, offers=(replace(OFFER, **change),))


def test_names_are_text_never_markup() -> None:
    hostile = replace(BUYER, name='#panic("no") *bold* $x$ <a> @b \\ "', address="[x]\n#import")

    assert invoice_pdf(replace(INVOICE, buyer=hostile)).startswith(b"%PDF")
    assert order_form(replace(ORDER, buyer=hostile, title="#let $")).startswith(b"%PDF")
    assert quote_pdf(replace(CHOICE, buyer=hostile, clauses=("#panic()",))).startswith(b"%PDF")


def test_a_long_invoice_goes_on_over_pages() -> None:
    lines = tuple(replace(INVOICE.lines[0], description=f"Line {n}", amount_minor=100) for n in range(60))

    pages = pages_as_png(replace(INVOICE, lines=lines, net_minor=6000, tax_minor=1200, total_minor=7200))

    assert len(pages) == 4
    assert len(pages_as_png(ORDER)) == 1
    assert len(pages_as_png(ORDER, "order_form.typ")) == 1
    assert len(pages_as_png(INVOICE)) == 1
