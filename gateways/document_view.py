"""How a document's values read: amounts in the currency's decimals, dates and months in words, the same on every machine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

from domain.money import from_minor
from gateways.document_data import Buyer, InvoiceData, InvoiceDocumentLine, OrderFormData, OrderFormLine, Seller

# Our own month names: the machine's locale must not reach the bytes that are signed.
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
PERIODS = {1: "month", 3: "quarter", 6: "half-year", 12: "year"}
BILLED = {1: "Monthly", 3: "Quarterly", 6: "Half-yearly", 12: "Yearly"}
STARTS = {"provisioning": "When provisioned", "signature": "When signed"}
MINUS = "\N{MINUS SIGN}"


def order_form_view(data: OrderFormData) -> dict[str, object]:
    """Every text that the order form's template sets, already formatted."""
    amount = _amounts(data.currency)
    return {
        **_common(data.seller, data.buyer, data.number, data.issued_on),
        "number": data.number,
        "currency": data.currency,
        "title": data.title,
        "version": str(data.version),
        "prepared_by": data.prepared_by,
        "signer": data.signer,
        "expires_on": long_date(data.expires_on),
        "term": months(data.term_months),
        "billing": f"{BILLED.get(data.interval_months, f'Every {data.interval_months} months')} in advance",
        "payment": f"{'Card' if data.method == 'card' else 'Transfer'}, {_net(data.net_days)}",
        "starts": STARTS[data.starts] if isinstance(data.starts, str) else long_date(data.starts),
        "period_word": PERIODS.get(data.interval_months, f"{data.interval_months} months"),
        "lines": [_order_line(line, data.currency) for line in data.lines],
        "sums": _order_sums(data),
        "terms": _terms(data),
        "tcv": amount(data.tcv_minor),
    }


def _order_line(line: OrderFormLine, currency: str) -> dict[str, object]:
    amount = _amounts(currency)
    return {
        "description": line.description,
        "detail": [*line.detail, *([f"Renewal uplift +{amount(line.uplift_minor)}"] if line.uplift_minor else [])],
        "quantity": number_text(line.quantity),
        "unit": line.unit_label,
        "list": amount(line.list_minor),
        "discounts": [
            {
                "amount": amount(-minor) if minor else "",
                "percent": f"{number_text(percent)} %" if minor and percent else "",
            }
            for minor, percent in (
                (line.line_discount_minor, line.line_discount_percent),
                (line.header_discount_minor, line.header_discount_percent),
            )
        ],
        "net": amount(line.net_minor),
    }


def _order_sums(data: OrderFormData) -> list[dict[str, str]]:
    amount = _amounts(data.currency)
    period = PERIODS.get(data.interval_months, f"{data.interval_months} months")
    line_discount = sum(line.line_discount_minor for line in data.lines)
    header_discount = sum(line.header_discount_minor for line in data.lines)
    rows = [_row(f"List price per {period}", amount(sum(line.list_minor for line in data.lines)))]
    if line_discount:
        rows.append(_row("Line discounts", amount(-line_discount), "less"))
    if header_discount:
        rows.append(_row("Order discount", amount(-header_discount), "less"))
    if uplift := sum(line.uplift_minor for line in data.lines):
        rows.append(_row("Renewal uplift", amount(uplift), "less"))
    return [
        *rows,
        _row(f"Net price per {period}", amount(data.net_minor), "sum"),
        _row("Annual contract value", amount(data.acv_minor)),
        _row(f"Total for {months(data.term_months)} ({data.currency})", amount(data.tcv_minor), "grand"),
    ]


def _terms(data: OrderFormData) -> list[str]:
    renewal = (
        f"Renews by itself for the same term unless either party gives notice {data.notice_days} days before it ends."
        if data.auto_renew
        else f"Ends with its term unless both parties renew it; a renewal is offered {data.notice_days} days before."
    )
    uplift = f"Prices rise by {number_text(data.uplift_percent)} % at each renewal." if data.uplift_percent else ""
    invoices = "Each period is invoiced in advance, on its first day; tax is added at the rate of that day."
    pay = (
        "Invoices are charged to the payment method on file."
        if data.method == "card"
        else f"Invoices are payable by bank transfer within {data.net_days} days of their date."
    )
    return [text for text in (renewal, uplift, invoices, pay) if text]


def invoice_view(data: InvoiceData) -> dict[str, object]:
    """Every text that the invoice's template sets, already formatted."""
    amount = _amounts(data.currency)
    card = data.method == "card"
    total = f"{data.currency} {amount(data.total_minor)}"
    bank = [
        ("Account holder", data.seller.name),
        ("Account", data.seller.bank_account),
        ("Reference", data.payment_reference),
    ]
    return {
        **_common(data.seller, data.buyer, data.number, data.issued_on),
        "number": data.number,
        "currency": data.currency,
        "contract": data.contract_number,
        "payment_reference": data.payment_reference,
        "due_on": long_date(data.due_on),
        "due_text": "Charged to your payment method" if card else f"Due on {long_date(data.due_on)}",
        "total": total,
        "lines": [_invoice_line(line, data.currency) for line in data.lines],
        "sums": [
            _row("Net amount", amount(data.net_minor)),
            _row(f"{data.tax_name} {number_text(data.tax_rate * 100)} %", amount(data.tax_minor)),
            _row(f"Total ({data.currency})", amount(data.total_minor), "grand"),
        ],
        "pay_text": (
            f"Nothing to do: we charge {total} to the payment method on file."
            if card
            else f"Please transfer {total} by {long_date(data.due_on)} and quote the reference, so that we can match it."
        ),
        "bank_rows": [] if card else bank,
        "note": data.note,
    }


def _invoice_line(line: InvoiceDocumentLine, currency: str) -> dict[str, object]:
    return {
        "description": line.description,
        "detail": list(line.detail),
        "period_from": short_date(line.period_start),
        "period_to": short_date(line.period_end - timedelta(days=1)),  # people read the last day, not the day after
        "quantity": number_text(line.quantity),
        "unit": line.unit_label,
        "amount": _amounts(currency)(line.amount_minor),
    }


def _common(seller: Seller, buyer: Buyer, reference: str, issued_on: date) -> dict[str, object]:
    return {
        "seller": {
            "name": seller.name,
            "address": seller.address,
            "tax_number": seller.tax_number,
            "email": seller.email,
            "accent": seller.accent,
            "sandbox": seller.sandbox,
        },
        "buyer": {"name": buyer.name, "address": buyer.address, "email": buyer.email, "tax_number": buyer.tax_number},
        "reference": reference,
        "issued_on": long_date(issued_on),
        "issued_ymd": [issued_on.year, issued_on.month, issued_on.day],
    }


def _row(name: str, amount: str, kind: str = "plain") -> dict[str, str]:
    return {"name": name, "amount": amount, "kind": kind}


def _net(days: int) -> str:
    return f"net {days} days" if days else "due at once"


def _amounts(currency: str) -> Callable[[int], str]:
    return lambda minor: amount_text(minor, currency)


def amount_text(minor: int, currency: str) -> str:
    """Minor units as grouped major units, without the code. Raises UnknownCurrency.

    >>> amount_text(123450, "EUR"), amount_text(-1234567, "JPY")
    ('1,234.50', '−1,234,567')
    """
    return f"{from_minor(minor, currency):,f}".replace("-", MINUS)


def number_text(value: Decimal) -> str:
    """A quantity, rate or percentage, grouped, without trailing zeros.

    >>> number_text(Decimal("1200.500")), number_text(Decimal("1E+3"))
    ('1,200.5', '1,000')
    """
    text = f"{value:,f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", MINUS)


def long_date(on: date) -> str:
    """A date in words.

    >>> long_date(date(2026, 3, 1))
    '1 March 2026'
    """
    return f"{on.day} {MONTHS[on.month - 1]} {on.year}"


def short_date(on: date) -> str:
    """A date with its month's first three letters.

    >>> short_date(date(2026, 3, 1))
    '1 Mar 2026'
    """
    return f"{on.day} {MONTHS[on.month - 1][:3]} {on.year}"


def months(count: int) -> str:
    """A number of months in words.

    >>> months(1), months(24)
    ('1 month', '24 months')
    """
    return "1 month" if count == 1 else f"{count} months"
