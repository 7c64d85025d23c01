"""What an invoice shows, every text ready, and what all documents share; figures and dates are written by `words.py`."""

from __future__ import annotations

from datetime import date, timedelta

from gateways.document_data import Buyer, InvoiceData, InvoiceDocumentLine, Seller
from gateways.words import Words, words_of


def invoice_view(data: InvoiceData) -> dict[str, object]:
    """Every text that the invoice's template sets, already formatted."""
    words = words_of(data.language)
    card = data.method == "card"
    due_on = words.long_date(data.due_on)
    total = f"{data.currency} {words.amount(data.total_minor, data.currency)}"
    bank = [
        (words("account_holder"), data.seller.name),
        (words("bank_account"), data.seller.bank_account),
        (words("reference"), data.payment_reference),
    ]
    return {
        **common(data.seller, data.buyer, data.number, data.issued_on, words),
        "labels": labels(words),
        "number": data.number,
        "currency": data.currency,
        "contract": data.contract_number,
        "payment_reference": data.payment_reference,
        "due_on": due_on,
        "due_text": words("due_card") if card else words("due_by", on=due_on),
        "total": total,
        "lines": [_invoice_line(line, data.currency, words) for line in data.lines],
        "sums": [
            row(words("net_amount"), words.amount(data.net_minor, data.currency)),
            row(f"{data.tax_name} {words.percent(data.tax_rate * 100)}", words.amount(data.tax_minor, data.currency)),
            row(words("total_in", currency=data.currency), words.amount(data.total_minor, data.currency), "grand"),
        ],
        "pay_text": words("pay_by_card", total=total) if card else words("pay_by_transfer", total=total, on=due_on),
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
