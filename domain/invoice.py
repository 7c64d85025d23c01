"""An invoice: rounded net lines added up, tax once on their sum, due its net days after issue; a final one never changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from domain.calendar import Period
from domain.errors import Invalid
from domain.money import LARGEST_MINOR, AmountOutOfRange, exponent
from domain.tax import tax

OPEN, PAID, UNCOLLECTIBLE = "open", "paid", "uncollectible"


@dataclass(kw_only=True, eq=False)
class InvoiceEmpty(Invalid):
    """An invoice without lines says nothing."""

    hint: str = "an invoice has at least one line"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """One net line, rounded already: `amount_minor` for `period`, earned on `revenue_account`."""

    description: str
    quantity: Decimal
    unit_label: str
    amount_minor: int
    period: Period
    revenue_account: str
    explain: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceDraft:
    """All of an invoice but its number, which is drawn in the transaction that makes it final."""

    lines: tuple[InvoiceLine, ...]
    period: Period
    currency: str
    net_minor: int
    tax_minor: int
    total_minor: int
    tax_rate: Decimal
    tax_name: str
    issued_on: date
    due_on: date

    @property
    def net_by_revenue_account(self) -> dict[str, int]:
        """The net sum of each revenue account, in minor units, in the order of the lines."""
        sums: dict[str, int] = {}
        for line in self.lines:
            sums[line.revenue_account] = sums.get(line.revenue_account, 0) + line.amount_minor
        return sums


def assemble(
    lines: Sequence[InvoiceLine],
    *,
    period: Period,
    currency: str,
    tax_rate: Decimal,
    tax_name: str,
    issued_on: date,
    net_days: int,
) -> InvoiceDraft:
    """Add up the lines, tax the sum, date it. Raises InvoiceEmpty, UnknownCurrency, TaxRateOutOfRange, AmountOutOfRange.

    >>> month = Period(date(2026, 1, 31), date(2026, 2, 28))
    >>> line = InvoiceLine(description="Seats", quantity=Decimal(5), unit_label="seat", amount_minor=6250,
    ...                    period=month, revenue_account="revenue:seats")
    >>> draft = assemble([line], period=month, currency="EUR", tax_rate=Decimal("0.19"), tax_name="VAT",
    ...                  issued_on=date(2026, 1, 31), net_days=30)
    >>> draft.net_minor, draft.tax_minor, draft.total_minor, draft.due_on.isoformat()
    (6250, 1188, 7438, '2026-03-02')
    """
    if not lines:
        raise InvoiceEmpty
    exponent(currency)
    net = sum(line.amount_minor for line in lines)
    tax_minor = tax(net, tax_rate)
    if abs(net + tax_minor) > LARGEST_MINOR:
        raise AmountOutOfRange(minor=net + tax_minor)
    return InvoiceDraft(
        lines=tuple(lines),
        period=period,
        currency=currency,
        net_minor=net,
        tax_minor=tax_minor,
        total_minor=net + tax_minor,
        tax_rate=tax_rate,
        tax_name=tax_name,
        issued_on=issued_on,
        due_on=issued_on + timedelta(days=net_days),
    )


NUMBER_DIGITS = 6  # at least


def number_lead(prefix: str) -> str:
    """What stands before the digits of an invoice's number."""
    return f"{prefix}-"


def number(prefix: str, sequence: int) -> str:
    """The number printed on the invoice: the series' prefix and its gapless sequence, six digits at least.

    >>> number("ACME", 42)
    'ACME-000042'
    """
    return f"{number_lead(prefix)}{sequence:0{NUMBER_DIGITS}d}"


def status(*, total_minor: int, paid_minor: int) -> str:
    """`paid` as soon as nothing is left open, else `open`.

    >>> status(total_minor=7438, paid_minor=7437), status(total_minor=0, paid_minor=0)
    ('open', 'paid')
    """
    return PAID if paid_minor >= total_minor else OPEN
