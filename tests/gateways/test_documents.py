"""Quotes, order forms and invoices: same data same bytes over processes, the right words on the page, no page for wrong sums."""

from __future__ import annotations

import hashlib
import re
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
from gateways.document_view import invoice_view
from gateways.documents import (
    Buyer,
    DocumentInconsistent,
    InvoiceData,
    InvoiceDocumentLine,
    QuoteData,
    QuoteLine,
    QuoteOffer,
    QuoteStretch,
    Seller,
    invoice_pdf,
    order_form,
    pages_as_png,
    quote_pdf,
)
from gateways.quote_view import quote_view
from gateways.words import words_of

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


def stretch(quantity: int, list_minor: int, *parts: tuple[str, int], months: tuple[int, int] = (0, 8)) -> QuoteStretch:
    net = list_minor + sum(minor for _, minor in parts)
    return QuoteStretch(
        from_period=months[0],
        to_period=months[1],
        quantity=Decimal(quantity),
        list_minor=list_minor,
        parts=parts,
        net_minor=net,
    )


OFFICE = QuoteLine(
    description="Office standard",
    unit_label="user",
    price={"model": "per_unit", "per": "month", "unit_price": "10.83"},
    stretches=(stretch(120, 389880, ("line_discount", -38988), ("header_discount", -17545)),),
)
ANALYTICS = QuoteLine(
    description="Web analytics",
    unit_label="page view",
    price={
        "model": "volume",
        "per": "month",
        "tiers": [{"up_to": "1000000", "flat_fee": "69"}, {"unit_price": "0.00002"}],
    },
    stretches=(stretch(1000000, 20700, ("header_discount", -1035)),),
)
OFFER = QuoteOffer(
    lines=(OFFICE, ANALYTICS),
    term_months=24,
    interval_months=3,
    starts="provisioning",
    net_minor=353012,
    list_minor=410580 * 8,
    parts=(("line_discount", -38988 * 8), ("header_discount", -18580 * 8)),
    tcv_minor=2824096,
    acv_minor=1412048,
    first_year_minor=1412048,
    recurring_minor=2824096,
)
ORDER = QuoteData(
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
    net_days=30,
    method="transfer",
    auto_renew=True,
    notice_days=60,
    uplift_percent=Decimal("3.5"),
    offers=(OFFER,),
)
CALLS = QuoteLine(
    description="Interface calls",
    unit_label="call",
    kind="usage",
    timing="arrears",
    price={
        "model": "graduated",
        "kind": "usage",
        "per": "month",
        "tiers": [{"up_to": "1000", "unit_price": "0.010", "flat_fee": "5"}, {"unit_price": "0.000002"}],
        "minimum_amount": "50",
    },
    stretches=(replace(stretch(0, 0), estimate_minor=12345),),
)
SETUP = QuoteLine(
    description="Onboarding",
    unit_label="day",
    kind="one_time",
    price={"model": "per_unit", "kind": "one_time", "unit_price": "1500"},
    stretches=(stretch(1, 150000, ("coupon", -7500), months=(0, 1)),),
)
GO_LIVE = QuoteLine(
    description="Migration",
    unit_label="project",
    kind="milestone",
    milestone="go-live",
    price={"model": "flat", "kind": "milestone", "unit_price": "5000"},
    stretches=(stretch(1, 500000, months=(0, 1)),),
)
RAMP = replace(
    OFFICE,
    group="data-platform",
    stretches=(stretch(20, 64980, months=(0, 4)), stretch(40, 129960, ("group_discount", -12996), months=(4, 8))),
)
WIDE = replace(
    OFFER,
    name="better",
    recommended=True,
    lines=(RAMP, SETUP, GO_LIVE, CALLS),
    net_minor=64980,
    list_minor=64980 * 4 + 129960 * 4 + 650000,
    parts=(("group_discount", -12996 * 4), ("coupon", -7500)),
    tcv_minor=727776 + 142500 + 500000,
    acv_minor=363888,
    first_year_minor=402420,
    recurring_minor=727776,
    one_time_minor=142500,
    milestone_minor=500000,
    usage_estimate_minor=98760,
)
CHOICE = replace(
    ORDER, offers=(replace(OFFER, name="good"), WIDE), clauses=("Liability is limited.",), partner="Resell Ltd"
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


def first_offer(data: QuoteData, language: str = "") -> dict[str, Any]:
    offers: Any = quote_view(data, language)["offers"]
    found: dict[str, Any] = offers[-1]
    return found


def test_a_plain_offer_shows_the_waterfall_of_one_period_and_its_terms() -> None:
    view = quote_view(ORDER)
    offer = first_offer(ORDER)

    assert offer["sums"] == [
        {"name": "List price per quarter", "amount": "4,105.80", "kind": "plain"},
        {"name": "Line discount", "amount": "−389.88", "kind": "less"},
        {"name": "Order discount", "amount": "−185.80", "kind": "less"},
        {"name": "Net price per quarter", "amount": "3,530.12", "kind": "sum"},
        {"name": "Annual contract value", "amount": "14,120.48", "kind": "plain"},
        {"name": "Total for 24 months (EUR)", "amount": "28,240.96", "kind": "grand"},
    ]
    assert view["terms"] == [
        "Renews by itself for the same term unless either party gives notice 60 days before it ends.",
        "Prices rise by 3.5\N{NO-BREAK SPACE}% at each renewal.",
        "Each period is invoiced in advance, on its first day; tax is added at the rate of that day.",
        "Invoices are payable by bank transfer within 30 days of their date.",
    ]
    assert offer["facts"] == [
        ("Term", "24 months"),
        ("Billing", "Quarterly in advance"),
        ("Payment", "Transfer, net 30 days"),
        ("Starts", "When provisioned"),
    ]
    assert (offer["ramp"], offer["card"], view["choose"]) == ([], None, False)


def test_an_offer_of_every_kind_shows_the_waterfall_of_its_term() -> None:
    offer = first_offer(CHOICE)

    assert [(row["name"], row["amount"]) for row in offer["sums"]] == [
        ("List price for the term", "14,297.60"),
        ("Group discount", "−519.84"),
        ("Coupons", "−75.00"),
        ("Recurring, 24 months", "7,277.76"),
        ("One-time", "1,425.00"),
        ("Milestones", "5,000.00"),
        ("Usage, estimated and not included", "987.60"),
        ("Annual contract value", "3,638.88"),
        ("Invoiced in the first 12 months", "4,024.20"),
        ("Total for 24 months (EUR)", "13,702.76"),
    ]
    assert [section["title"] for section in offer["sections"]] == [
        "Data platform · Recurring, per quarter",
        "One-time",
        "On reaching a milestone",
        "By usage",
    ]
    assert offer["ramp"] == [
        {"period": "Months 1–12", "net": "649.80", "count": "4", "sum": "2,599.20"},
        {"period": "Months 13–24", "net": "1,169.64", "count": "4", "sum": "4,678.56"},
    ]


def test_a_ramp_shows_each_stretch_with_its_own_waterfall() -> None:
    (line,) = first_offer(CHOICE)["sections"][0]["lines"]

    assert line["several"]
    assert [(row["period"], row["quantity"], row["list"], row["parts"], row["net"]) for row in line["rows"]] == [
        ("Months 1–12", "20", "649.80", [], "649.80"),
        ("Months 13–24", "40", "1,299.60", [{"name": "Group discount", "amount": "−129.96"}], "1,169.64"),
    ]


def test_usage_shows_its_rate_card_and_what_is_expected() -> None:
    (line,) = first_offer(CHOICE)["sections"][3]["lines"]

    assert line["by_usage"]
    assert line["detail"] == [
        "Graduated: each slice at its own price",
        "up to 1,000: 0.01 each + 5.00 flat",
        "above 1,000: 0.000002 each",
        "at least 50.00 per month",
        "Billed in arrears",
        "estimated 123.45 per quarter",
    ]


def test_french_has_its_own_words_numbers_and_dates() -> None:
    view = quote_view(replace(CHOICE, language="fr", issued_on=date(2026, 2, 1)))
    offer = first_offer(CHOICE, "fr")
    thin = "\N{NARROW NO-BREAK SPACE}"

    assert (view["version_issued"], view["expires_on"]) == ("Version 2, établie le 1er février 2026", "4 février 2026")
    assert offer["sums"][0] == {"name": "Prix tarif sur la durée", "amount": f"14{thin}297,60", "kind": "plain"}
    assert offer["facts"][1:] == [
        ("Facturation", "Trimestrielle, d’avance"),
        ("Paiement", "Virement à 30 jours"),
        ("Début", "À la mise en service"),
    ]
    assert first_offer(ORDER, "fr")["sections"][0]["lines"][0]["detail"] == ["10,83 par user et par mois"]


def test_alternatives_stand_side_by_side_with_the_recommended_one_marked() -> None:
    view: Any = quote_view(CHOICE)

    assert view["choose"]
    assert [(offer["key"], offer["name"], offer["recommended"]) for offer in view["offers"]] == [
        ("good", "Good", False),
        ("better", "Better", True),
    ]
    assert view["offers"][1]["card"] == {
        "net": "649.80",
        "per": "per quarter",
        "term": "24 months",
        "lines": ["20 → 40 × Office standard", "Onboarding", "Migration", "Interface calls"],
        "acv": "3,638.88",
        "tcv": "13,702.76",
    }


def test_both_languages_have_the_same_texts_with_the_same_places() -> None:
    english, french = words_of("en").texts, words_of("fr").texts

    assert list(english) == list(french)
    for key, text in english.items():
        assert set(re.findall(r"\{\w+\}", str(text))) == set(re.findall(r"\{\w+\}", str(french[key]))), key


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
