"""Invoices: rounded lines added up, taxed once, due after their net days."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import Period
from domain.invoice import InvoiceDraft, InvoiceEmpty, InvoiceLine, assemble, number, status
from domain.money import AmountOutOfRange, UnknownCurrency
from domain.tax import TaxRateOutOfRange, tax

FEBRUARY = Period(date(2026, 1, 31), date(2026, 2, 28))


def a_line(amount_minor: int, account: str = "revenue:seats") -> InvoiceLine:
    return InvoiceLine(
        description="Acme Team",
        quantity=Decimal(5),
        unit_label="seat",
        amount_minor=amount_minor,
        period=FEBRUARY,
        revenue_account=account,
    )


def an_invoice(*lines: InvoiceLine, rate: str = "0.19", currency: str = "EUR") -> InvoiceDraft:
    return assemble(
        lines,
        period=FEBRUARY,
        currency=currency,
        tax_rate=Decimal(rate),
        tax_name="VAT",
        issued_on=date(2026, 1, 31),
        net_days=30,
    )


@pytest.mark.parametrize(
    ("net", "rate", "expected"),
    [
        (1250, "0.19", 238),
        (1249, "0.19", 237),
        (-1250, "0.19", -238),
        (100, "0", 0),
        (100, "1", 100),
        (333, "0.077", 26),
        (10**18, "0.000001", 10**12),
    ],
)
def test_tax_rounds_once_half_up(net: int, rate: str, expected: int) -> None:
    assert tax(net, Decimal(rate)) == expected


@pytest.mark.parametrize("rate", ["-0.01", "1.01", "19", "NaN"])
def test_a_rate_is_a_share(rate: str) -> None:
    with pytest.raises(TaxRateOutOfRange) as refusal:
        tax(100, Decimal(rate))
    assert refusal.value.hint == "give the rate as a share: 19 % is 0.19"


def test_tax_is_on_the_sum_not_on_each_line() -> None:
    draft = an_invoice(a_line(33), a_line(33), a_line(33))
    assert (draft.net_minor, draft.tax_minor, draft.total_minor) == (99, 19, 118)  # by line: 3 × round(6.27) = 18
    assert draft.issued_on == date(2026, 1, 31)
    assert draft.due_on == date(2026, 3, 2)


def test_nets_are_summed_by_revenue_account() -> None:
    draft = an_invoice(a_line(100), a_line(7, "revenue:api"), a_line(1))
    assert draft.net_by_revenue_account == {"revenue:seats": 101, "revenue:api": 7}


def test_impossible_invoices_are_refused() -> None:
    with pytest.raises(InvoiceEmpty):
        an_invoice()
    with pytest.raises(UnknownCurrency):
        an_invoice(a_line(1), currency="XAU")
    with pytest.raises(TaxRateOutOfRange):
        an_invoice(a_line(1), rate="19")
    with pytest.raises(AmountOutOfRange):
        an_invoice(a_line(2**63 - 1))


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=9), st.decimals(0, 1, places=4))
def test_the_total_is_net_and_tax(amounts: list[int], rate: Decimal) -> None:
    draft = an_invoice(*map(a_line, amounts), rate=str(rate))
    assert draft.net_minor == sum(amounts) == sum(draft.net_by_revenue_account.values())
    assert draft.total_minor == draft.net_minor + draft.tax_minor
    assert 2 * abs(draft.tax_minor - draft.net_minor * rate) <= 1


def test_numbers_and_states() -> None:
    assert [number("ACME", each) for each in (1, 999999, 1000000)] == ["ACME-000001", "ACME-999999", "ACME-1000000"]
    assert [status(total_minor=100, paid_minor=paid) for paid in (0, 99, 100, 101)] == ["open", "open", "paid", "paid"]
