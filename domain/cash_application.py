"""Money that came by bank is matched to open invoices: by number in its reference, then by exact amount and payer.

What is matched is never more than came, nor more than is open; the rest stays unapplied cash, never lost. Currencies agree
or nothing matches.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from domain.ledger import ReceiptNotPositive

BY_REFERENCE, BY_AMOUNT, BY_NOTHING = "reference", "amount_and_payer", ""


class Receipt(Protocol):
    """What matching needs of a bank line (`gateways.ports.BankLine` and `bank_lines` both have it)."""

    @property
    def amount_minor(self) -> int: ...
    @property
    def currency(self) -> str: ...
    @property
    def payer(self) -> str: ...
    @property
    def reference(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenInvoice:
    """An invoice with `open_minor` still to be paid by `payer` (the account's name)."""

    invoice_id: str
    number: str
    currency: str
    open_minor: int
    payer: str
    due_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    invoice_id: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What goes to which invoice, and what stays unapplied; together they are what came. `how` it was found."""

    applications: tuple[Application, ...]
    unapplied_minor: int
    how: str


def match(line: Receipt, open_invoices: Iterable[OpenInvoice]) -> Match:
    """Match one bank line; several invoices in one reference are paid in order of their due date.

    Raises ReceiptNotPositive.

    >>> from types import SimpleNamespace
    >>> line = SimpleNamespace(amount_minor=7500, currency="EUR", payer="Blue GmbH", reference="Re. acme 000042, danke")
    >>> invoice = OpenInvoice(invoice_id="inv_1", number="ACME-000042", currency="EUR", open_minor=7438,
    ...                       payer="Blue GmbH", due_on=date(2026, 3, 2))
    >>> match(line, [invoice])
    Match(applications=(Application(invoice_id='inv_1', amount_minor=7438),), unapplied_minor=62, how='reference')
    """
    if line.amount_minor <= 0:
        raise ReceiptNotPositive(amount_minor=line.amount_minor)
    candidates = sorted(
        (each for each in open_invoices if each.currency == line.currency and each.open_minor > 0),
        key=lambda each: (each.due_on, each.number),
    )
    if named := _named_in(line.reference, candidates):
        return _apply(line.amount_minor, named, BY_REFERENCE)
    payer = _letters(line.payer)
    fitting = [each for each in candidates if each.open_minor == line.amount_minor and payer == _letters(each.payer)]
    return _apply(line.amount_minor, fitting[:1] if payer else [], BY_AMOUNT)


def _apply(amount_minor: int, invoices: Sequence[OpenInvoice], how: str) -> Match:
    left = amount_minor
    applications = []
    for each in invoices:
        part = min(left, each.open_minor)
        if part:
            applications.append(Application(invoice_id=each.invoice_id, amount_minor=part))
        left -= part
    return Match(applications=tuple(applications), unapplied_minor=left, how=how if applications else BY_NOTHING)


def _named_in(reference: str, invoices: Sequence[OpenInvoice]) -> list[OpenInvoice]:
    """The invoices whose number stands in the text; of two that overlap there, the longer one is meant."""
    found = [(hit.span(), each) for each in invoices for hit in _pattern(each.number).finditer(reference)]
    return [
        each
        for each in invoices
        if any(each is owner and not any(_inside(span, other) for other, _ in found) for span, owner in found)
    ]


def _inside(span: tuple[int, int], other: tuple[int, int]) -> bool:
    return span != other and other[0] <= span[0] and span[1] <= other[1]


def _pattern(number: str) -> re.Pattern[str]:
    """The number's letters and digits with anything but those between them, standing by itself."""
    signs = [re.escape(sign) for sign in number if sign.isalnum()]
    between = r"[\W_]*"
    return re.compile(rf"(?<![^\W_]){between.join(signs)}(?!\d)" if signs else r"(?!)", re.IGNORECASE)


def _letters(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())
