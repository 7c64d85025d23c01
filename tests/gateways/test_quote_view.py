"""What a quote says: the waterfall of every offer, ramps and rate cards, in English and in French."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Any

from gateways.documents import QuoteData
from gateways.quote_view import quote_view
from gateways.words import words_of
from tests.gateways.papers import CHOICE, ORDER


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


def test_products_and_units_are_called_as_the_reader_s_language_has_them() -> None:
    offer = ORDER.offers[0]
    first = replace(offer.lines[0], names={"fr": "Suite de bureau"}, unit_names={"fr": "utilisateur"})
    named = replace(ORDER, offers=(replace(offer, lines=(first, *offer.lines[1:])),))

    french, english = (first_offer(named, each)["sections"][0]["lines"][0] for each in ("fr", "en"))

    assert (french["description"], french["rows"][0]["unit"]) == ("Suite de bureau", "utilisateur")
    assert french["detail"][0] == "10,83 par utilisateur et par mois"
    assert (english["description"], english["rows"][0]["unit"]) == ("Office standard", "user")
