"""Double entry: every money fact is one journal entry whose lines (debit positive, credit negative) sum to zero.

    invoice            Dr accounts receivable    Cr deferred revenue by product, Cr tax payable
    card receipt       Dr cash clearing          Cr accounts receivable
    bank line          Dr bank                   Cr unapplied cash
    cash application   Dr unapplied cash         Cr accounts receivable
    refund             Dr receivable (the invoice is open again) or unapplied cash   Cr cash clearing or bank

Nothing is ever changed: a correction is a reversal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from domain.errors import Invalid

CASH_CLEARING = "cash_clearing"
BANK = "bank"
ACCOUNTS_RECEIVABLE = "accounts_receivable"
UNBILLED_RECEIVABLE = "unbilled_receivable"
DEFERRED_REVENUE = "deferred_revenue"
REVENUE = "revenue"
TAX_PAYABLE = "tax_payable"
CUSTOMER_CREDIT = "customer_credit"
PREPAID_CREDITS = "prepaid_credits"
UNAPPLIED_CASH = "unapplied_cash"
REFUNDS_PAYABLE = "refunds_payable"
DISCOUNTS = "discounts"
BAD_DEBT = "bad_debt"
BREAKAGE = "breakage"
DISPUTE_LOSSES = "dispute_losses"
GATEWAY_FEES = "gateway_fees"
FX_GAIN_LOSS = "fx_gain_loss"
ROUNDING = "rounding"

# Deferred revenue and revenue have one account per product below them, `deferred_revenue:seats`.
CHART: dict[str, str] = {
    CASH_CLEARING: "Cash clearing (card gateway)",
    BANK: "Bank",
    ACCOUNTS_RECEIVABLE: "Accounts receivable",
    UNBILLED_RECEIVABLE: "Unbilled receivable (contract asset)",
    DEFERRED_REVENUE: "Deferred revenue (contract liability)",
    REVENUE: "Revenue",
    TAX_PAYABLE: "Tax payable",
    CUSTOMER_CREDIT: "Customer credit",
    PREPAID_CREDITS: "Prepaid credits",
    UNAPPLIED_CASH: "Unapplied cash",
    REFUNDS_PAYABLE: "Refunds payable",
    DISCOUNTS: "Discounts",
    BAD_DEBT: "Bad debt",
    BREAKAGE: "Breakage",
    DISPUTE_LOSSES: "Dispute losses",
    GATEWAY_FEES: "Gateway fees",
    FX_GAIN_LOSS: "FX gain and loss",
    ROUNDING: "Rounding",
}


@dataclass(kw_only=True, eq=False)
class EntryUnbalanced(Invalid):
    """Debits and credits that do not sum to zero."""

    entry: str
    difference_minor: int


@dataclass(kw_only=True, eq=False)
class EntryEmpty(Invalid):
    """An entry of fewer than two lines, or with a line of nothing."""

    entry: str


@dataclass(kw_only=True, eq=False)
class ReceiptNotPositive(Invalid):
    """Money that came in, or goes back, is more than nothing."""

    amount_minor: int
    hint: str = "give an amount above zero"


class Line(NamedTuple):
    """One line: an account, and minor units, debit positive, credit negative."""

    account: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One balanced journal entry in one currency. Raises EntryUnbalanced, EntryEmpty.

    >>> Entry("receipt", (Line("bank", 100), Line("unapplied_cash", -99)))
    Traceback (most recent call last):
    domain.ledger.EntryUnbalanced: entry unbalanced (entry receipt, difference_minor 1)
    """

    kind: str
    lines: tuple[Line, ...]

    def __post_init__(self) -> None:
        if len(self.lines) < 2 or not all(line.amount_minor for line in self.lines):  # noqa: PLR2004 — two sides
            raise EntryEmpty(entry=self.kind)
        if difference := sum(line.amount_minor for line in self.lines):
            raise EntryUnbalanced(entry=self.kind, difference_minor=difference)


def deferred(revenue_account: str) -> str:
    """The deferred revenue account that stands for a revenue account.

    >>> deferred("revenue:seats")
    'deferred_revenue:seats'
    """
    return f"{DEFERRED_REVENUE}:{revenue_account.removeprefix(f'{REVENUE}:')}"


def account_name(account: str) -> str:
    """An account as people call it.

    >>> account_name("deferred_revenue:seats"), account_name("bank")
    ('Deferred revenue (contract liability): seats', 'Bank')
    """
    head, _, tail = account.partition(":")
    name = CHART.get(head, head)
    return f"{name}: {tail}" if tail else name


def for_invoice(*, net_by_revenue_account: Mapping[str, int], tax_minor: int) -> Entry | None:
    """What a final invoice posts; None for an invoice of nothing, which posts nothing.

    >>> for_invoice(net_by_revenue_account={"revenue:seats": 6250}, tax_minor=1188).lines[0]
    Line(account='accounts_receivable', amount_minor=7438)
    """
    credits_ = [Line(deferred(account), -net) for account, net in net_by_revenue_account.items()]
    credits_.append(Line(TAX_PAYABLE, -tax_minor))
    total = -sum(line.amount_minor for line in credits_)
    lines = tuple(line for line in (Line(ACCOUNTS_RECEIVABLE, total), *credits_) if line.amount_minor)
    return Entry("invoice", lines) if lines else None


def for_card_receipt(amount_minor: int, *, applied_minor: int | None = None) -> Entry:
    """A card payment was captured; what exceeds the open amount of its invoice is unapplied cash, never lost.

    `applied_minor` (default: all) pays the receivable. Raises ReceiptNotPositive.

    >>> for_card_receipt(100, applied_minor=60).lines
    (Line(account='cash_clearing', amount_minor=100), Line(account='accounts_receivable', amount_minor=-60), \
Line(account='unapplied_cash', amount_minor=-40))
    """
    if amount_minor <= 0:
        raise ReceiptNotPositive(amount_minor=amount_minor)
    applied = amount_minor if applied_minor is None else applied_minor
    lines = (
        Line(CASH_CLEARING, amount_minor),
        Line(ACCOUNTS_RECEIVABLE, -applied),
        Line(UNAPPLIED_CASH, applied - amount_minor),
    )
    return Entry("card_receipt", tuple(line for line in lines if line.amount_minor))


def for_bank_line(amount_minor: int) -> Entry:
    """Money is on the bank account, nobody knows yet for what. Raises ReceiptNotPositive."""
    return _transfer("bank_line", amount_minor, debit=BANK, credit=UNAPPLIED_CASH)


def for_cash_application(amount_minor: int) -> Entry:
    """Unapplied cash was matched to an invoice. Raises ReceiptNotPositive."""
    return _transfer("cash_application", amount_minor, debit=UNAPPLIED_CASH, credit=ACCOUNTS_RECEIVABLE)


def for_refund(amount_minor: int, *, against: str = ACCOUNTS_RECEIVABLE, paid_from: str = CASH_CLEARING) -> Entry:
    """Money goes back: `against` the receivable its invoice is open again, against unapplied cash an overpayment returns.

    Raises ReceiptNotPositive.
    """
    return _transfer("refund", amount_minor, debit=against, credit=paid_from)


def reversal(entry: Entry) -> Entry:
    """The same lines with the other sign: entry and reversal together are nothing.

    >>> reversal(for_bank_line(100)).lines[0]
    Line(account='bank', amount_minor=-100)
    """
    return Entry(f"{entry.kind}_reversal", tuple(Line(account, -minor) for account, minor in entry.lines))


def balances(entries: Sequence[Entry]) -> dict[str, int]:
    """The balance of every account over some entries of one currency, in minor units, debit positive; they sum to zero.

    >>> balances([for_bank_line(100), for_cash_application(60)])
    {'bank': 100, 'unapplied_cash': -40, 'accounts_receivable': -60}
    """
    sums: dict[str, int] = {}
    for entry in entries:
        for account, minor in entry.lines:
            sums[account] = sums.get(account, 0) + minor
    return sums


def _transfer(kind: str, amount_minor: int, *, debit: str, credit: str) -> Entry:
    if amount_minor <= 0:
        raise ReceiptNotPositive(amount_minor=amount_minor)
    return Entry(kind, (Line(debit, amount_minor), Line(credit, -amount_minor)))
