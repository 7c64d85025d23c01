"""What an invoice says, and who a document is between, as plain values; figures that do not add up never reach a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

ACCENT = "#17456b"  # of an entity that chose no colour


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
    accent: str = ACCENT
    logo: str = ""  # the name as the masthead sets it; the entity's own name unless said
    footer: str = ""  # a line at the foot of every page: register, capital, seat
    sandbox: bool = False  # a sandbox's documents say that they are not real


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """The account as the documents show it."""

    name: str
    address: str
    email: str
    tax_number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceDocumentLine:
    """One line for the half-open period `[period_start, period_end)`; `amount_minor` is net, after discounts.

    `detail` says how it came about, a step per line.
    """

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
    language: str = "en"

    def __post_init__(self) -> None:
        if self.net_minor != sum(line.amount_minor for line in self.lines):
            raise DocumentInconsistent("the net amount is not the sum of the lines")
        if self.total_minor != self.net_minor + self.tax_minor:
            raise DocumentInconsistent("the total is not net plus tax")
