"""What an order form and an invoice say, as plain values; figures that do not add up are refused before a page is set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal


class DocumentInconsistent(ValueError):
    """The figures of a document do not add up; it must not reach a customer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """The legal entity as its documents show it. `address` has one line per line; `accent` is a #rrggbb colour."""

    name: str
    address: str
    tax_number: str
    bank_account: str
    email: str = ""
    accent: str = "#17456b"
    sandbox: bool = False  # a sandbox's documents say that they are not real


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """The account as the documents show it."""

    name: str
    address: str
    email: str
    tax_number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFormLine:
    """One priced line; the amounts are minor units for one billing period: net is list less discounts plus uplift.

    `detail` explains the price in words ("21.00 per user and month"); percentages are points (10 for 10 %).
    """

    description: str
    quantity: Decimal
    unit_label: str
    list_minor: int
    line_discount_minor: int
    header_discount_minor: int
    net_minor: int
    uplift_minor: int = 0
    line_discount_percent: Decimal = Decimal(0)
    header_discount_percent: Decimal = Decimal(0)
    detail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFormData:
    """All that an order form says. `net_minor` is one billing period; TCV and ACV are without tax.

    `starts` is "provisioning", "signature" or a date; `uplift_percent` is points at each renewal.
    """

    seller: Seller
    buyer: Buyer
    signer: str
    number: str
    version: int
    title: str
    prepared_by: str
    issued_on: date
    expires_on: date
    currency: str
    term_months: int
    interval_months: int
    starts: Literal["provisioning", "signature"] | date
    net_days: int
    method: Literal["card", "transfer"]
    auto_renew: bool
    notice_days: int
    uplift_percent: Decimal
    lines: tuple[OrderFormLine, ...]
    net_minor: int
    tcv_minor: int
    acv_minor: int

    def __post_init__(self) -> None:
        for number, line in enumerate(self.lines, 1):
            discounted = line.list_minor - line.line_discount_minor - line.header_discount_minor
            if line.net_minor != discounted + line.uplift_minor:
                raise DocumentInconsistent(f"line {number}: list less discounts is not the net amount")
        if self.net_minor != sum(line.net_minor for line in self.lines):
            raise DocumentInconsistent("the net amount of a period is not the sum of its lines")


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceDocumentLine:
    """One line for the half-open period `[period_start, period_end)`; `amount_minor` is net, after discounts."""

    description: str
    quantity: Decimal
    unit_label: str
    amount_minor: int
    period_start: date
    period_end: date
    detail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceData:
    """All that an invoice says. `tax_rate` is a fraction (0.2 for 20 %); amounts are minor units of `currency`."""

    seller: Seller
    buyer: Buyer
    number: str
    contract_number: str
    payment_reference: str
    issued_on: date
    due_on: date
    currency: str
    method: Literal["card", "transfer"]
    lines: tuple[InvoiceDocumentLine, ...]
    net_minor: int
    tax_name: str
    tax_rate: Decimal
    tax_minor: int
    total_minor: int
    note: str = ""

    def __post_init__(self) -> None:
        if self.net_minor != sum(line.amount_minor for line in self.lines):
            raise DocumentInconsistent("the net amount is not the sum of the lines")
        if self.total_minor != self.net_minor + self.tax_minor:
            raise DocumentInconsistent("the total is not net plus tax")
