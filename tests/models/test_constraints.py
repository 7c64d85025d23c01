"""Each rule that the database itself keeps, tried by SQL: refused under its own name, and nothing changed."""

# ruff: noqa: S608 (the SQL of a break-in is put together from our own ids)
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

from models.cash import BankLineRow, BankStatementRow, CashApplicationRow
from models.constraints import IMMUTABLE
from models.database import Database
from models.invoice import InvoiceRow
from models.payment import PaymentAttemptRow
from models.write import Update, write
from tests.models.conftest import content_of
from tests.models.rows import (
    AT,
    ON,
    REAL,
    SANDBOX,
    a_contract,
    a_deal,
    a_document,
    a_receipt,
    a_row,
    a_sandbox,
    a_sandbox_deal,
    an_entity,
    an_entry,
    an_invoice,
    an_invoice_line,
    bill,
    open_deals,
)


async def _try(database: Database, tried: Sequence[str | list[SQLModel]]) -> None:
    async with database.transaction() as session:
        for attempt in tried:
            if isinstance(attempt, str):
                await session.execute(text(attempt))
            else:
                await write(session, attempt)


async def refused(database: Database, constraint: str, *tried: str | list[SQLModel]) -> None:
    """One transaction with all of `tried` (SQL, or rows to write) breaks `constraint` and changes nothing."""
    before = await content_of(database)
    with pytest.raises(IntegrityError) as caught:
        await _try(database, tried)
    cause: Any = caught.value.orig and caught.value.orig.__cause__
    assert cause.constraint_name == constraint
    assert await content_of(database) == before


# ------------------------------------------------------------------ clocks and sandboxes


@pytest.mark.parametrize(
    ("constraint", "sql"),
    [
        ("legal_entities_real_clock", f"UPDATE legal_entities SET clock_at = '2030-01-01Z' WHERE id = '{REAL}'"),
        (
            "legal_entities_virtual_immutable",
            f"UPDATE legal_entities SET virtual = true, sandbox_of = '{SANDBOX}', clock_at = now() WHERE id = '{REAL}'",
        ),
        ("legal_entities_virtual_immutable", f"UPDATE legal_entities SET virtual = true WHERE id = '{REAL}'"),
        (
            "legal_entities_virtual_immutable",
            f"UPDATE legal_entities SET virtual = false, sandbox_of = NULL, clock_at = NULL WHERE id = '{SANDBOX}'",
        ),
        ("legal_entities_virtual_immutable", f"UPDATE legal_entities SET sandbox_of = id WHERE id = '{SANDBOX}'"),
        (
            "legal_entities_clock_forwards",
            f"UPDATE legal_entities SET clock_at = clock_at - interval '1 second' WHERE id = '{SANDBOX}'",
        ),
        (
            "legal_entities_only_a_sandbox_has_a_clock_check",
            f"UPDATE legal_entities SET clock_at = NULL WHERE id = '{SANDBOX}'",
        ),
        ("deals_entity_immutable", "UPDATE deals SET virtual = true WHERE id = 'd_real'"),
        ("deals_entity_immutable", f"UPDATE deals SET virtual = true, entity_id = '{SANDBOX}' WHERE id = 'd_real'"),
        ("deals_entity_immutable", f"UPDATE deals SET virtual = false, entity_id = '{REAL}' WHERE id = 'd_sandbox'"),
    ],
)
async def test_a_real_clock_never_moves_and_nobody_changes_sides(books: Database, constraint: str, sql: str) -> None:
    await refused(books, constraint, sql)


async def test_a_sandbox_clock_moves_forwards(database: Database) -> None:
    await open_deals(database)
    await bill(database)
    async with database.transaction() as session:
        await session.execute(text(f"UPDATE legal_entities SET clock_at = '2027-03-01Z' WHERE id = '{SANDBOX}'"))
    async with database.session() as session:
        moved = await session.execute(text("SELECT id, clock_at::date FROM legal_entities ORDER BY id"))
        assert [tuple(row) for row in moved] == [(REAL, None), (SANDBOX, date(2027, 3, 1))]


@pytest.mark.parametrize(
    ("constraint", "row"),
    [
        ("legal_entities_only_a_sandbox_has_a_clock_check", an_entity(id="x", clock_at=AT)),
        ("legal_entities_only_a_sandbox_has_a_clock_check", an_entity(id="x", virtual=True)),
        ("legal_entities_sandbox_of_real", a_sandbox(id="x", sandbox_of=SANDBOX)),
        ("deals_entity_id_virtual_fk", a_deal(id="x", virtual=True)),
        ("deals_entity_id_virtual_fk", a_sandbox_deal(id="x", virtual=False)),
        ("deals_account_id_entity_id_fk", a_sandbox_deal(id="x", account_id="acc_real")),
    ],
)
async def test_what_is_half_real_cannot_be_made(books: Database, constraint: str, row: SQLModel) -> None:
    await refused(books, constraint, [row])


@pytest.mark.parametrize(
    ("constraint", "rows"),
    [
        ("journal_entries_deal_id_entity_id_fk", an_entry(5, -5, id="x", key="x", deal_id="d_sandbox")),
        ("contracts_deal_id_entity_id_fk", [a_contract(id="x", deal_id="d_sandbox", number="C-2")]),
        ("receipts_deal_id_entity_id_fk", [a_receipt(deal_id="d_sandbox", invoice_id=None)]),
        ("receipts_invoice_id_entity_id_fk", [a_receipt(deal_id="d_sandbox", entity_id=SANDBOX)]),
        (
            "payment_attempts_invoice_id_deal_id_fk",
            [
                PaymentAttemptRow(
                    key="k",
                    deal_id="d_sandbox",
                    invoice_id="inv_1",
                    attempt=1,
                    amount_minor=12000,
                    currency="EUR",
                    status="started",
                    started_at=AT,
                )
            ],
        ),
        (
            "bank_lines_matched_invoice_id_entity_id_fk",
            [
                BankStatementRow(id="st", entity_id=SANDBOX, received_at=AT),
                BankLineRow(
                    id="bl",
                    statement_id="st",
                    entity_id=SANDBOX,
                    booked_on=ON,
                    amount_minor=12000,
                    currency="EUR",
                    matched_invoice_id="inv_1",
                ),
            ],
        ),
    ],
)
async def test_sandbox_rows_never_reach_real_books(books: Database, constraint: str, rows: list[SQLModel]) -> None:
    await refused(books, constraint, rows)


async def test_a_sandbox_deal_cannot_take_a_number_of_the_real_series(books: Database) -> None:
    contract = a_contract(id="con_sb", deal_id="d_sandbox", entity_id=SANDBOX, account_id="acc_sandbox")
    invoice = an_invoice(sequence=2, deal_id="d_sandbox", contract_id="con_sb")
    line = an_invoice_line(invoice_id="inv_2")
    await refused(books, "invoices_deal_id_entity_id_fk", [contract, invoice, line])


# ------------------------------------------------------------------ the ledger


async def test_an_entry_that_does_not_balance_is_refused_at_the_commit(books: Database) -> None:
    await refused(books, "journal_entries_balance", an_entry(12000, -10000, -1999, id="x", key="x"))


@pytest.mark.parametrize("amounts", [(), (0,)])
async def test_an_entry_has_two_lines_at_least(books: Database, amounts: tuple[int, ...]) -> None:
    await refused(books, "journal_entries_balance", an_entry(*amounts, id="x", key="x"))


async def test_an_entry_may_balance_by_several_statements_of_one_transaction(database: Database) -> None:
    await open_deals(database)
    await bill(database)
    entry, debit, credit = an_entry(7, -7, id="x", key="x")
    async with database.transaction() as session:
        await write(session, [entry])
        await write(session, [debit])
        await write(session, [credit])


async def test_a_balanced_entry_takes_no_further_line(books: Database) -> None:
    await refused(
        books,
        "journal_entries_balance",
        "INSERT INTO journal_lines (entry_id, line_no, account, amount_minor, memo) VALUES ('je_1', 9, 'bank', 1, '')",
    )


async def test_sums_beyond_64_bits_are_still_compared(books: Database) -> None:
    large = 2**63 - 1
    await refused(books, "journal_entries_balance", an_entry(large, large, -large, id="x", key="x"))


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE journal_lines SET amount_minor = amount_minor + 1 WHERE line_no = 1",
        "UPDATE journal_lines SET memo = 'other'",
        "DELETE FROM journal_lines WHERE entry_id = 'je_1'",
        "TRUNCATE journal_lines",
        "UPDATE journal_entries SET on_date = '2020-01-01'",
        "DELETE FROM journal_entries",
        "TRUNCATE journal_entries CASCADE",
    ],
)
async def test_the_journal_is_never_changed(books: Database, sql: str) -> None:
    table = "journal_lines" if "journal_lines" in sql else "journal_entries"
    await refused(books, f"{table}_immutable", sql)


# ------------------------------------------------------------------ what is final


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE invoices SET total_minor = 1, net_minor = 1, tax_minor = 0",
        "UPDATE invoices SET due_on = '2030-01-01'",
        "UPDATE invoices SET status = 'uncollectible', number = 'ACME-9'",
        "DELETE FROM invoices",
        "UPDATE invoice_lines SET description = 'other'",
        "DELETE FROM invoice_lines",
        "UPDATE quote_versions SET content = '{\"lines\": []}'",
        "UPDATE quote_versions SET total_minor = 1",
        "DELETE FROM quote_versions",
        "UPDATE deal_steps SET outcome = '{}'",
        "DELETE FROM deal_steps",
        "TRUNCATE deal_steps",
        "UPDATE price_books SET content = '{\"a\": 1}'",
    ],
)
async def test_what_is_final_stays(books: Database, sql: str) -> None:
    (table,) = [name for name in IMMUTABLE if f" {name}" in sql]
    await refused(books, f"{table}_immutable", sql)


async def test_an_invoice_may_be_paid_and_a_version_may_change_its_status(database: Database) -> None:
    await open_deals(database)
    await bill(database)
    async with database.transaction() as session:
        paid = {"status": "paid", "paid_minor": 12000}
        await write(session, updates=[Update(InvoiceRow, paid, where={"id": "inv_1", "paid_minor": 0})])
        await session.execute(text("UPDATE quote_versions SET status = 'signed'"))
    async with database.session() as session:
        assert (await session.execute(text("SELECT status, paid_minor FROM invoices"))).all() == [("paid", 12000)]
        assert (await session.execute(text("SELECT status FROM quote_versions"))).all() == [("signed",)]


@pytest.mark.parametrize(
    ("constraint", "sql"),
    [
        ("invoices_not_overpaid_check", "UPDATE invoices SET paid_minor = 12001"),
        ("invoices_paid_is_paid_in_full_check", "UPDATE invoices SET status = 'paid'"),
        ("invoices_paid_is_paid_in_full_check", "UPDATE invoices SET paid_minor = 12000"),
        ("invoices_not_negative_check", "UPDATE invoices SET paid_minor = -1"),
        ("invoices_status_check", "UPDATE invoices SET status = 'void'"),
        ("deals_stage_check", "UPDATE deals SET stage = 'lost'"),
        ("deals_currency_check", "UPDATE deals SET currency = 'eur'"),
        ("deals_turn_by_one", "UPDATE deals SET turn = turn + 2"),
        ("deals_turn_by_one", "UPDATE deals SET turn = turn - 1"),
        ("quote_versions_status_check", "UPDATE quote_versions SET status = 'lost'"),
    ],
)
async def test_values_that_make_no_sense_are_refused(books: Database, constraint: str, sql: str) -> None:
    await refused(books, constraint, sql)


@pytest.mark.parametrize(
    ("constraint", "invoice"),
    [
        ("invoices_net_is_sum_of_lines", an_invoice(sequence=2, net_minor=9999, total_minor=11999)),
        ("invoices_total_check", an_invoice(sequence=2, total_minor=12001)),
        ("invoices_due_check", an_invoice(sequence=2, due_on=date(2026, 12, 31))),
        ("invoices_period_check", an_invoice(sequence=2, period_end=ON)),
        ("invoices_currency_check", an_invoice(sequence=2, currency="E1R")),
    ],
)
async def test_an_invoice_adds_up(books: Database, constraint: str, invoice: InvoiceRow) -> None:
    await refused(books, constraint, [invoice, an_invoice_line(invoice_id="inv_2")])


async def test_a_document_is_kept_under_its_own_hash(database: Database) -> None:
    await open_deals(database)
    await bill(database)
    await refused(database, "documents_sha256_check", [a_document(sha256="0" * 64)])
    async with database.transaction() as session:
        assert await write(session, [a_document()])
    await refused(
        database, "documents_immutable", "UPDATE documents SET bytes = 'x', sha256 = encode(sha256('x'), 'hex')"
    )


async def test_a_series_goes_one_by_one(database: Database) -> None:
    await open_deals(database)
    await bill(database)
    async with database.transaction() as session:
        await session.execute(text(f"INSERT INTO series (entity_id, name, last) VALUES ('{REAL}', 'invoice', 1)"))
    for sql in ("UPDATE series SET last = 3", "UPDATE series SET last = 0", "UPDATE series SET name = 'other'"):
        await refused(database, "series_by_one", sql)


# ------------------------------------------------------------------ cash


def an_application(amount: int, **differs: Any) -> CashApplicationRow:
    return a_row(
        CashApplicationRow,
        {"id": "ca", "receipt_id": "rec_1", "invoice_id": "inv_1", "amount_minor": amount, "applied_on": ON} | differs,
    )


async def test_no_more_is_applied_than_came_and_than_is_owed(books: Database) -> None:
    await refused(books, "cash_applications_within_receipt", [a_receipt(amount_minor=11999), an_application(12000)])
    await refused(books, "cash_applications_within_invoice", [a_receipt(amount_minor=12001), an_application(12001)])
    halves = [an_application(6000, id="1"), an_application(6001, id="2")]
    await refused(books, "cash_applications_within_receipt", [a_receipt(), *halves])


async def test_money_of_other_books_pays_nothing(books: Database) -> None:
    sandbox_receipt = a_receipt(deal_id="d_sandbox", entity_id=SANDBOX, invoice_id=None)
    await refused(books, "cash_applications_same_books", [sandbox_receipt, an_application(100)])
    dollars = a_receipt(currency="USD")
    await refused(books, "cash_applications_same_books", [dollars, an_application(100)])


async def test_a_receipt_finds_its_invoice_later_but_keeps_its_amount(database: Database) -> None:
    await open_deals(database)
    await bill(database)
    async with database.transaction() as session:
        await write(session, [a_receipt(deal_id=None, invoice_id=None)])
        await session.execute(text("UPDATE receipts SET deal_id = 'd_real', invoice_id = 'inv_1'"))
        await write(session, [an_application(12000)])
    await refused(database, "receipts_immutable", "UPDATE receipts SET amount_minor = 13000")
    await refused(database, "receipts_immutable", f"UPDATE receipts SET entity_id = '{SANDBOX}'")
    await refused(database, "cash_applications_immutable", "DELETE FROM cash_applications")
