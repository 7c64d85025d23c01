"""From what the books hold to what a document says: the order form of a quote version, the paper of an invoice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Literal, Protocol, cast

from domain.money import from_minor
from domain.quote_version import PricedLine, PricedQuote
from gateways.document_data import Buyer, InvoiceData, InvoiceDocumentLine, OrderFormData, OrderFormLine, Seller


class Entity(Protocol):
    """The legal entity, as its row holds it."""

    name: str
    address: str
    tax_number: str
    bank_account: str
    virtual: bool


class Account(Protocol):
    """The account, as its row holds it."""

    name: str
    address: str
    email: str


class Invoice(Protocol):
    """The invoice, as its row holds it."""

    number: str
    issued_on: date
    due_on: date
    currency: str
    method: str
    net_minor: int
    tax_name: str
    tax_rate: Decimal
    tax_minor: int
    total_minor: int


class InvoiceLine(Protocol):
    """One line, as its row holds it."""

    description: str
    quantity: Decimal
    unit_label: str
    amount_minor: int
    period_start: date
    period_end: date


def seller(entity: Entity) -> Seller:
    return Seller(
        name=entity.name,
        address=entity.address,
        tax_number=entity.tax_number,
        bank_account=entity.bank_account,
        sandbox=entity.virtual,
    )


def buyer(account: Account) -> Buyer:
    return Buyer(name=account.name, address=account.address, email=account.email)


def order_form_data(  # noqa: PLR0913  (a form has that many fields)
    *,
    entity: Entity,
    account: Account,
    quote: PricedQuote,
    number: str,
    version: int,
    title: str,
    prepared_by: str,
    issued_on: date,
    expires_on: date,
) -> OrderFormData:
    """The order form of one priced version. On a renewal the uplift is part of the list price, and said in the detail."""
    terms, totals = quote.terms, quote.totals
    starts: Literal["provisioning", "signature"] | date
    if terms.start in ("provisioning", "signature"):
        starts = cast("Literal['provisioning', 'signature']", terms.start)
    else:
        starts = date.fromisoformat(terms.start)
    return OrderFormData(
        seller=seller(entity),
        buyer=buyer(account),
        signer=terms.signer_name or account.name,
        number=number,
        version=version,
        title=title,
        prepared_by=prepared_by,
        issued_on=issued_on,
        expires_on=expires_on,
        currency=quote.currency,
        term_months=terms.term_months,
        interval_months=terms.interval_months,
        starts=starts,
        net_days=terms.net_days,
        method="card" if terms.method == "card" else "transfer",
        auto_renew=terms.auto_renew,
        notice_days=terms.notice_days,
        uplift_percent=terms.uplift_percent,
        lines=tuple(_line(line, quote.currency) for line in quote.lines),
        net_minor=totals.net_minor,
        tcv_minor=totals.tcv_minor,
        acv_minor=totals.acv_minor,
    )


def _line(line: PricedLine, currency: str) -> OrderFormLine:
    detail = line.explain
    if line.uplift_minor:
        detail = (*detail, f"renewal uplift {from_minor(line.uplift_minor, currency)}")
    return OrderFormLine(
        description=line.description,
        quantity=line.quantity,
        unit_label=line.unit_label,
        list_minor=line.list_minor + line.uplift_minor,
        line_discount_minor=line.line_discount_minor,
        header_discount_minor=line.header_discount_minor,
        net_minor=line.net_minor,
        detail=detail,
    )


def invoice_data(
    *,
    entity: Entity,
    account: Account,
    invoice: Invoice,
    lines: Sequence[InvoiceLine],
    contract_number: str,
) -> InvoiceData:
    """The paper of one invoice; its number is the reference to pay under."""
    return InvoiceData(
        seller=seller(entity),
        buyer=buyer(account),
        number=invoice.number,
        contract_number=contract_number,
        payment_reference=invoice.number,
        issued_on=invoice.issued_on,
        due_on=invoice.due_on,
        currency=invoice.currency,
        method="card" if invoice.method == "card" else "transfer",
        lines=tuple(
            InvoiceDocumentLine(
                description=line.description,
                quantity=line.quantity,
                unit_label=line.unit_label,
                amount_minor=line.amount_minor,
                period_start=line.period_start,
                period_end=line.period_end,
            )
            for line in lines
        ),
        net_minor=invoice.net_minor,
        tax_name=invoice.tax_name,
        tax_rate=invoice.tax_rate,
        tax_minor=invoice.tax_minor,
        total_minor=invoice.total_minor,
    )
