"""The ledger: every entry balances, none is of nothing, a reversal undoes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import ledger
from domain.ledger import Entry, EntryEmpty, EntryUnbalanced, Line, ReceiptNotPositive

amounts = st.integers(1, 10**12)
entries = st.one_of(
    st.builds(
        lambda nets, tax: ledger.for_invoice(net_by_revenue_account=nets, tax_minor=tax),
        st.dictionaries(st.sampled_from(["revenue:seats", "revenue:api", "revenue:base"]), amounts, min_size=1),
        st.integers(0, 10**9),
    ),
    st.builds(ledger.for_card_receipt, amounts),
    st.builds(ledger.for_bank_line, amounts),
    st.builds(ledger.for_cash_application, amounts),
    st.builds(ledger.for_refund, amounts),
)


def test_an_invoice_posts_receivable_deferred_revenue_and_tax() -> None:
    entry = ledger.for_invoice(
        net_by_revenue_account={"revenue:seats": 6250, "revenue:api": 100, "revenue:x": 0}, tax_minor=1207
    )
    assert entry == Entry(
        "invoice",
        (
            Line("accounts_receivable", 7557),
            Line("deferred_revenue:seats", -6250),
            Line("deferred_revenue:api", -100),
            Line("tax_payable", -1207),
        ),
    )
    assert ledger.for_invoice(net_by_revenue_account={"revenue:seats": 0}, tax_minor=0) is None


@pytest.mark.parametrize(
    ("entry", "kind", "debit", "credit"),
    [
        (ledger.for_card_receipt(5), "card_receipt", "cash_clearing", "accounts_receivable"),
        (ledger.for_bank_line(5), "bank_line", "bank", "unapplied_cash"),
        (ledger.for_cash_application(5), "cash_application", "unapplied_cash", "accounts_receivable"),
        (ledger.for_refund(5), "refund", "accounts_receivable", "cash_clearing"),
        (
            ledger.for_refund(5, against=ledger.UNAPPLIED_CASH, paid_from=ledger.BANK),
            "refund",
            "unapplied_cash",
            "bank",
        ),
    ],
)
def test_money_moves_from_one_account_to_another(entry: Entry, kind: str, debit: str, credit: str) -> None:
    assert entry == Entry(kind, (Line(debit, 5), Line(credit, -5)))


@given(entries)
def test_every_entry_balances_and_its_reversal_undoes_it(entry: Entry) -> None:
    assert sum(line.amount_minor for line in entry.lines) == 0
    undone = ledger.reversal(entry)
    assert undone.kind == f"{entry.kind}_reversal"
    assert set(ledger.balances([entry, undone]).values()) == {0}
    assert all(line.account.partition(":")[0] in ledger.CHART for line in entry.lines)


@given(st.lists(entries, max_size=20))
def test_the_books_balance(posted: list[Entry]) -> None:
    assert sum(ledger.balances(posted).values()) == 0


def test_an_unbalanced_entry_is_refused() -> None:
    with pytest.raises(EntryUnbalanced) as refusal:
        Entry("invoice", (Line("bank", 100), Line("unapplied_cash", -99)))
    assert refusal.value.facts == {"entry": "invoice", "difference_minor": 1}


@pytest.mark.parametrize("lines", [(), (Line("bank", 0),), (Line("bank", 1), Line("bank", -1), Line("bank", 0))])
def test_an_entry_of_nothing_is_refused(lines: tuple[Line, ...]) -> None:
    with pytest.raises(EntryEmpty):
        Entry("nothing", lines)


@pytest.mark.parametrize("amount", [0, -1])
def test_a_receipt_is_more_than_nothing(amount: int) -> None:
    for post in (ledger.for_card_receipt, ledger.for_bank_line, ledger.for_cash_application, ledger.for_refund):
        with pytest.raises(ReceiptNotPositive) as refusal:
            post(amount)
        assert refusal.value.facts == {"amount_minor": amount}


def test_accounts_have_names() -> None:
    assert ledger.account_name("deferred_revenue:seats") == "Deferred revenue (contract liability): seats"
    assert ledger.account_name("bank") == "Bank"
    assert ledger.account_name("elsewhere") == "elsewhere"
