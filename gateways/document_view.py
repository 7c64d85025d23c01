"""What an invoice shows, every text ready, and what all documents share; figures and dates are written by `words.py`."""

from __future__ import annotations

from datetime import date, timedelta

from gateways.document_data import Buyer, InvoiceData, InvoiceDocumentLine, Seller
from gateways.words import Words, words_of


def invoice_view(data: InvoiceData) -> dict[str, object]:
    """Every text that the invoice's template sets, already formatted."""
    words = words_of("en")
    card = data.method == "card"
    total = f"{data.currency} {words.amount(data.total_minor, data.currency)}"
    bank = [
        ("Account holder", data.seller.name),
        ("Account", data.seller.bank_account),
        ("Reference", data.payment_reference),
    ]
    return {
        **common(data.seller, data.buyer, data.number, data.issued_on, words),
        "labels": labels(words),
        "number": data.number,
        "currency": data.currency,
        "contract": data.contract_number,
        "payment_reference": data.payment_reference,
        "due_on": words.long_date(data.due_on),
        "due_text": "Charged to your payment method" if card else f"Due on {words.long_date(data.due_on)}",
        "total": total,
        "lines": [_invoice_line(line, data.currency, words) for line in data.lines],
        "sums": [
            row("Net amount", words.amount(data.net_minor, data.currency)),
            row(f"{data.tax_name} {words.number(data.tax_rate * 100)} %", words.amount(data.tax_minor, data.currency)),
            row(f"Total ({data.currency})", words.amount(data.total_minor, data.currency), "grand"),
        ],
        "pay_text": (
            f"Nothing to do: we charge {total} to the payment method on file."
            if card
            else f"Please transfer {total} by {words.long_date(data.due_on)} and quote the reference, so that we can match it."
        ),
        "bank_rows": [] if card else bank,
        "note": data.note,
    }


def _invoice_line(line: InvoiceDocumentLine, currency: str, words: Words) -> dict[str, object]:
    return {
        "description": line.description,
        "detail": list(line.detail),
        "period_from": words.short_date(line.period_start),
        "period_to": words.short_date(
            line.period_end - timedelta(days=1)
        ),  # people read the last day, not the day after
        "quantity": words.number(line.quantity),
        "unit": line.unit_label,
        "amount": words.amount(line.amount_minor, currency),
    }


def common(seller: Seller, buyer: Buyer, reference: str, issued_on: date, words: Words) -> dict[str, object]:
    """What every document has: the two parties, its reference and date, its language."""
    return {
        "language": words.language,
        "seller": {
            "name": seller.name,
            "logo": seller.logo or seller.name,
            "footer": seller.footer,
            "address": seller.address,
            "tax_number": seller.tax_number,
            "email": seller.email,
            "accent": seller.accent,
            "sandbox": seller.sandbox,
        },
        "buyer": {"name": buyer.name, "address": buyer.address, "email": buyer.email, "tax_number": buyer.tax_number},
        "reference": reference,
        "issued_on": words.long_date(issued_on),
        "issued_ymd": [issued_on.year, issued_on.month, issued_on.day],
    }


def labels(words: Words) -> dict[str, str]:
    """The fixed words of a template: those without places to fill."""
    return {key: text for key, text in words.texts.items() if isinstance(text, str) and "{" not in text}


def row(name: str, amount: str, kind: str = "plain") -> dict[str, str]:
    """One row of a column of sums; kind is plain, less, sum or grand."""
    return {"name": name, "amount": amount, "kind": kind}
