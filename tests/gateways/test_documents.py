"""Order forms and invoices: same data same bytes over processes, the right words on the page, no page for wrong sums."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from domain.money import UnknownCurrency
from gateways.document_view import invoice_view, order_form_view
from gateways.documents import (
    Buyer,
    DocumentInconsistent,
    InvoiceData,
    InvoiceDocumentLine,
    OrderFormData,
    OrderFormLine,
    Seller,
    invoice_pdf,
    order_form,
    pages_as_png,
)

SELLER = Seller(
    name="Northwind Cloud SAS",
    address="14 rue de la Bourse\n75002 Paris\nFrance",
    tax_number="FR 40 123 456 824",
    bank_account="FR76 3000 6000 0112 3456 7890 189",
)
BUYER = Buyer(
    name="Brasserie Cœur & Łódź SA",
    address="3 quai de Saône\n69001 Lyon\nFrance",
    email="compta@coeur.example",
    tax_number="FR 13 987 654 324",
)
ORDER = OrderFormData(
    seller=SELLER,
    buyer=BUYER,
    signer="Anaïs Lefèvre",
    number="Q-2026-0042",
    version=2,
    title="Office suite for 120 people",
    prepared_by="Marc Dubois",
    issued_on=date(2026, 1, 5),
    expires_on=date(2026, 2, 4),
    currency="EUR",
    term_months=24,
    interval_months=3,
    starts="provisioning",
    net_days=30,
    method="transfer",
    auto_renew=True,
    notice_days=60,
    uplift_percent=Decimal("3.5"),
    lines=(
        OrderFormLine(
            description="Office standard",
            quantity=Decimal(120),
            unit_label="user",
            list_minor=389880,
            line_discount_minor=38988,
            header_discount_minor=17545,
            net_minor=333347,
            line_discount_percent=Decimal(10),
            header_discount_percent=Decimal(5),
            detail=("10.83 per user and month",),
        ),
        OrderFormLine(
            description="Web analytics",
            quantity=Decimal(1000000),
            unit_label="page view",
            list_minor=20700,
            line_discount_minor=0,
            header_discount_minor=1035,
            net_minor=19665,
            header_discount_percent=Decimal(5),
            detail=("Volume: 69.00 per month up to 1,000,000 page views",),
        ),
    ),
    net_minor=353012,
    tcv_minor=2824096,
    acv_minor=1412048,
)
INVOICE = InvoiceData(
    seller=SELLER,
    buyer=BUYER,
    number="FR-2026-000017",
    contract_number="C-2026-0042",
    payment_reference="RF18 FR2026000017",
    issued_on=date(2026, 2, 1),
    due_on=date(2026, 3, 3),
    currency="EUR",
    method="transfer",
    lines=(
        InvoiceDocumentLine(
            description="Office standard",
            quantity=Decimal(120),
            unit_label="user",
            amount_minor=333347,
            period_start=date(2026, 2, 1),
            period_end=date(2026, 5, 1),
            detail=("10.83 per user and month, less 10 % and 5 %",),
        ),
        InvoiceDocumentLine(
            description="Web analytics",
            quantity=Decimal(1000000),
            unit_label="page view",
            amount_minor=19665,
            period_start=date(2026, 2, 1),
            period_end=date(2026, 5, 1),
        ),
    ),
    net_minor=353012,
    tax_name="TVA",
    tax_rate=Decimal("0.2"),
    tax_minor=70602,
    total_minor=423614,
)


def sha(document: bytes) -> str:
    return hashlib.sha256(document).hexdigest()


def test_the_same_data_gives_the_same_bytes_in_another_process_and_time_zone(tmp_path: Path) -> None:
    program = (
        "import importlib.util, sys, hashlib\n"
        "spec = importlib.util.spec_from_file_location('samples', sys.argv[1])\n"
        "samples = importlib.util.module_from_spec(spec); spec.loader.exec_module(samples)\n"
        "print(samples.sha(samples.order_form(samples.ORDER)), samples.sha(samples.invoice_pdf(samples.INVOICE)))\n"
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

    assert other.stdout.split() == [sha(order_form(ORDER)), sha(invoice_pdf(INVOICE))]


def test_the_same_data_gives_the_same_bytes_after_other_documents_and_from_many_threads() -> None:
    first = invoice_pdf(INVOICE)
    order_form(ORDER)
    others = [replace(INVOICE, number=f"FR-2026-{n:06}") for n in range(8)]

    with ThreadPoolExecutor(4) as threads:
        documents = list(threads.map(invoice_pdf, [*others, INVOICE]))

    assert documents[-1] == first
    assert len(set(documents)) == 9


@pytest.mark.parametrize("document", [order_form(ORDER), invoice_pdf(INVOICE)], ids=["order form", "invoice"])
def test_a_document_is_a_pdf_dated_by_its_data_alone(document: bytes) -> None:
    assert document.startswith(b"%PDF-1.7")
    assert b"D:20260105" in document or b"D:20260201" in document
    assert b"D:2000" not in document


def test_an_order_form_shows_the_whole_waterfall_and_its_terms() -> None:
    view = order_form_view(ORDER)

    assert view["sums"] == [
        {"name": "List price per quarter", "amount": "4,105.80", "kind": "plain"},
        {"name": "Line discounts", "amount": "−389.88", "kind": "less"},
        {"name": "Order discount", "amount": "−185.80", "kind": "less"},
        {"name": "Net price per quarter", "amount": "3,530.12", "kind": "sum"},
        {"name": "Annual contract value", "amount": "14,120.48", "kind": "plain"},
        {"name": "Total for 24 months (EUR)", "amount": "28,240.96", "kind": "grand"},
    ]
    assert view["terms"] == [
        "Renews by itself for the same term unless either party gives notice 60 days before it ends.",
        "Prices rise by 3.5 % at each renewal.",
        "Each period is invoiced in advance, on its first day; tax is added at the rate of that day.",
        "Invoices are payable by bank transfer within 30 days of their date.",
    ]
    assert (view["billing"], view["payment"], view["starts"]) == (
        "Quarterly in advance",
        "Transfer, net 30 days",
        "When provisioned",
    )


def test_an_order_form_without_discounts_shows_none() -> None:
    line = replace(ORDER.lines[1], header_discount_minor=0, header_discount_percent=Decimal(0), net_minor=20700)

    view = order_form_view(replace(ORDER, lines=(line,), net_minor=20700))

    assert [row["name"] for row in view["sums"]][:2] == ["List price per quarter", "Net price per quarter"]  # type: ignore[attr-defined]


def test_a_renewal_shows_its_uplift_as_a_step_of_the_waterfall() -> None:
    line = replace(ORDER.lines[1], uplift_minor=688, net_minor=20353)

    view = order_form_view(replace(ORDER, lines=(line,), net_minor=20353))

    assert view["lines"][0]["detail"][-1] == "Renewal uplift +6.88"  # type: ignore[index]
    assert view["sums"][2:4] == [  # type: ignore[index]
        {"name": "Renewal uplift", "amount": "6.88", "kind": "less"},
        {"name": "Net price per quarter", "amount": "203.53", "kind": "sum"},
    ]


def test_an_invoice_shows_the_last_day_of_a_period_and_where_to_pay() -> None:
    view = invoice_view(INVOICE)

    line = view["lines"][0]  # type: ignore[index]
    assert (line["period_from"], line["period_to"], line["amount"]) == ("1 Feb 2026", "30 Apr 2026", "3,333.47")
    assert view["sums"] == [
        {"name": "Net amount", "amount": "3,530.12", "kind": "plain"},
        {"name": "TVA 20 %", "amount": "706.02", "kind": "plain"},
        {"name": "Total (EUR)", "amount": "4,236.14", "kind": "grand"},
    ]
    assert view["bank_rows"] == [
        ("Account holder", "Northwind Cloud SAS"),
        ("Account", "FR76 3000 6000 0112 3456 7890 189"),
        ("Reference", "RF18 FR2026000017"),
    ]


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
        ({"lines": (replace(ORDER.lines[0], list_minor=389881),)}, "line 1: list less discounts is not the net amount"),
    ],
)
def test_an_order_form_that_does_not_add_up_is_never_made(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(DocumentInconsistent, match=reason):
        replace(ORDER, **change)


def test_names_are_text_never_markup() -> None:
    hostile = replace(BUYER, name='#panic("no") *bold* $x$ <a> @b \\ "', address="[x]\n#import")

    assert invoice_pdf(replace(INVOICE, buyer=hostile)).startswith(b"%PDF")
    assert order_form(replace(ORDER, buyer=hostile, title="#let $")).startswith(b"%PDF")


def test_a_long_invoice_goes_on_over_pages() -> None:
    lines = tuple(replace(INVOICE.lines[0], description=f"Line {n}", amount_minor=100) for n in range(60))

    pages = pages_as_png(replace(INVOICE, lines=lines, net_minor=6000, tax_minor=1200, total_minor=7200))

    assert len(pages) == 4
    assert len(pages_as_png(ORDER)) == 1
    assert len(pages_as_png(INVOICE)) == 1
