"""Sound books pass every check; each check is proven by breaking the books behind the database's own back."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import pytest
from sqlmodel import SQLModel

from embedded.postgres import PostgresServer
from models import audit_approvals, audit_deals, audit_invoices, audit_ledger, audit_quotes
from models.approval import ApprovalRequestRow, ApprovalVoteRow
from models.audit import Check
from models.cash import BankLineRow, BankStatementRow, CashApplicationRow
from models.coupon import CouponRow, CouponUseRow
from models.database import Database
from models.outbox import InboxRow, OutboxRow
from models.payment import PaymentAttemptRow
from models.price_migration import PriceMigrationDealRow, PriceMigrationRow
from models.quote import QuoteDraftRow
from models.series import SeriesRow
from models.share import ShareLinkRow
from models.write import Fence, write
from tests.models.rows import (
    AT,
    ON,
    REAL,
    a_contract,
    a_deal,
    a_price_book,
    a_receipt,
    a_row,
    a_sandbox,
    a_step,
    a_version,
    an_account,
    an_entity,
    an_entry,
    an_invoice,
    an_invoice_line,
)

ALL: tuple[Check, ...] = (
    *audit_ledger.CHECKS,
    *audit_invoices.CHECKS,
    *audit_deals.CHECKS,
    *audit_quotes.CHECKS,
    *audit_approvals.CHECKS,
)
CHECKS = {check.__name__: check for check in ALL}
STATE = {"turn": 1, "orders": [{"number": 2, "version_id": "qv_2"}]}
PRICED = {"kind": "priced", "version_id": "qv_1", "needs": [{"level": 1, "group": "desk"}]}
FEBRUARY = {"period_start": date(2027, 2, 1), "period_end": date(2027, 3, 1)}


def an_accounted_entry(id_: str, kind: str, source: tuple[str, str], **lines: int) -> list[SQLModel]:
    """A journal entry with its accounts by name (`__` for `:`)."""
    entry, *rows = an_entry(*lines.values(), id=id_, key=id_, kind=kind, source_kind=source[0], source_id=source[1])
    for row, account in zip(rows, lines, strict=True):
        row.account = account.replace("__", ":")
    return [entry, *rows]


def an_event(key: str) -> OutboxRow:
    return a_row(OutboxRow, {"key": key, "topic": "t", "deal_id": "d_real", "at": AT, "payload": {}})


def an_inbox_row() -> InboxRow:
    values = {"id": "in_1", "provider": "bank", "event_id": "e_1", "kind": "cash", "payload": {}, "received_at": AT}
    return a_row(InboxRow, values)


def an_attempt() -> PaymentAttemptRow:
    return PaymentAttemptRow(
        key="d_real/charge/inv_1/1",
        deal_id="d_real",
        invoice_id="inv_1",
        attempt=1,
        amount_minor=12000,
        currency="EUR",
        status="captured",
        gateway_ref="pi_1",
        started_at=AT,
    )


def a_draft() -> QuoteDraftRow:
    values = {"id": "qd_1", "deal_id": "d_real", "content": {}, "content_hash": "h", "by": "sam", "created_at": AT}
    return a_row(QuoteDraftRow, {**values, "delivered_at": AT})


def invoiced() -> list[SQLModel]:
    """January, paid by card, and February, on which 50.00 of a transfer of 70.00 were applied."""
    posted = {"accounts_receivable": 12000, "deferred_revenue__seats": -10000, "tax_payable": -2000}
    return [
        a_row(SeriesRow, {"entity_id": REAL, "name": "invoices", "last": 2}),
        an_invoice(sequence=1, period_no=0, series="invoices", status="paid", paid_minor=12000),
        an_invoice(sequence=2, period_no=1, series="invoices", paid_minor=5000, **FEBRUARY),
        an_invoice_line(),
        an_invoice_line(invoice_id="inv_2", **FEBRUARY),
        *an_accounted_entry("je_1", "invoice", ("invoice", "inv_1"), **posted),
        *an_accounted_entry("je_2", "invoice", ("invoice", "inv_2"), **posted),
        *(an_event(f"d_real/bill/contract-1/{sequence}/invoice.issued") for sequence in (1, 2)),
    ]


def paid() -> list[SQLModel]:
    bank_line = {
        "id": "bl_1",
        "statement_id": "st_1",
        "entity_id": REAL,
        "booked_on": ON,
        "amount_minor": 7000,
        "currency": "EUR",
        "applied_minor": 5000,
    }
    return [
        an_attempt(),
        a_receipt(),
        a_row(
            CashApplicationRow,
            {"id": "app_1", "receipt_id": "rec_1", "invoice_id": "inv_1", "amount_minor": 12000, "applied_on": ON},
        ),
        *an_accounted_entry(
            "je_3", "card_receipt", ("receipt", "rec_1"), cash_clearing=12000, accounts_receivable=-12000
        ),
        an_event("rec_1/payment.received"),
        a_row(BankStatementRow, {"id": "st_1", "entity_id": REAL, "received_at": AT}),
        a_row(BankLineRow, bank_line),
        a_receipt(id="rec_2", invoice_id="inv_2", source="bank", gateway_ref="bl_1", amount_minor=7000),
        *an_accounted_entry("je_4", "bank_line", ("bank_line", "bl_1"), bank=7000, unapplied_cash=-7000),
        a_row(
            CashApplicationRow,
            {"id": "app_2", "receipt_id": "rec_2", "invoice_id": "inv_2", "amount_minor": 5000, "applied_on": ON},
        ),
        *an_accounted_entry(
            "je_5", "cash_application", ("bank_line", "bl_1"), unapplied_cash=5000, accounts_receivable=-5000
        ),
        an_event("rec_2/inv_2/payment.received"),
        an_inbox_row(),
        a_draft(),
    ]


def quoted() -> list[SQLModel]:
    """Version 1 booked, version 2 of a renewal noticed and shared by a link; a coupon used; the contract moved to prices."""
    offers = {"alternatives": [{"name": "good", "offer": {}}, {"name": "better", "offer": {}}], "recommended": "good"}
    coupon = {"code": "SPRING", "content": {"total_uses": 1, "account_uses": 1}, "content_hash": "h", "created_at": AT}
    link = {"id": "sh_1", "deal_id": "d_real", "version_id": "qv_2", "content_hash": "h", "created_by": "sam"}
    migration = {"id": "pm_1", "name": "2027", "from_book_id": "pb_1", "to_book_id": "pb_2", "content": {}}
    move = {"migration_id": "pm_1", "deal_id": "d_real", "before_minor": 1, "after_minor": 2, "at": AT}
    return [
        a_price_book(id="pb_2", version=2),
        a_version(id="qv_1", status="booked", content=offers, alternative="good"),
        a_version(id="qv_2", order_number=2, status="noticed", kind="renewal"),
        a_version(id="qv_3", version=2, status="booked", kind="migration", price_book_id="pb_2"),
        a_row(CouponRow, coupon),
        a_row(CouponUseRow, {"code": "SPRING", "deal_id": "d_real", "version_id": "qv_1", "at": AT}),
        a_row(ShareLinkRow, {**link, "created_at": AT, "expires_at": datetime(2027, 2, 1, tzinfo=UTC)}),
        a_row(PriceMigrationRow, {**migration, "created_by": "dana", "created_at": AT, "finished_at": AT}),
        a_row(PriceMigrationDealRow, {**move, "status": "done"}),
    ]


def approved() -> list[SQLModel]:
    """Version 1 was approved by the desk; the version that moved it to new prices stands on that."""
    about = {
        "deal_id": "d_real",
        "order_number": 1,
        "version": 1,
        "level": 1,
        "group_name": "desk",
        "policy": "standard/1",
    }
    asked = about | {
        "id": "apr_1",
        "reason": "",
        "asked_at": AT,
        "status": "approved",
        "decided_by": "ann",
        "decided_at": AT,
    }
    carried = {"id": "apr_2", "version": 2, "status": "carried", "carried_ref": "m1", "carried_version": 1}
    vote = {"id": "apv_1", "ref": "m1", "request_id": "apr_1", "content_hash": "h", "by": "ann", "hands": ["ann"]}
    return [
        a_row(ApprovalRequestRow, asked),
        a_row(ApprovalRequestRow, asked | carried),
        a_row(ApprovalVoteRow, about | vote | {"verb": "approve", "at": AT, "channel": "link"}),
    ]


@pytest.fixture(scope="module")
async def sound(postgres_server: PostgresServer, database_template: str) -> AsyncIterator[Database]:
    """One database for all breaks, each of which is rolled back."""
    import asyncpg  # noqa: PLC0415

    admin = await asyncpg.connect(postgres_server.url)
    await admin.execute(f'CREATE DATABASE "test_audit" TEMPLATE "{database_template}"')
    database = Database(postgres_server.url_of("test_audit"), pool_size=2, application_name="test")
    async with database.transaction() as session:
        assert await write(session, [an_entity(), a_sandbox(), an_account(), a_price_book()])
    async with database.transaction() as session:
        assert await write(session, [a_step(kind="price", outcome=PRICED)], fence=Fence.opening(a_deal(state=STATE)))
    for rows in (quoted(), approved(), [a_contract()], invoiced(), paid()):
        async with database.transaction() as session:
            assert await write(session, rows)
    yield database
    await database.dispose()
    await admin.execute('DROP DATABASE "test_audit" WITH (FORCE)')
    await admin.close()


@pytest.mark.parametrize("name", CHECKS)
async def test_sound_books_pass(sound: Database, name: str) -> None:
    async with sound.session() as session:
        assert await CHECKS[name](session) == []


# check, what is done to the books, what the audit says of it
BREAKS: list[tuple[str, str, list[str]]] = [
    (
        "every_entry_balances",
        "UPDATE journal_lines SET amount_minor = 11999 WHERE entry_id = 'je_1' AND line_no = 1",
        ["entry je_1 has 3 lines that sum to -1"],
    ),
    (
        "every_entry_balances",
        "DELETE FROM journal_lines WHERE entry_id = 'je_3'",
        ["entry je_3 has 0 lines that sum to 0"],
    ),
    (
        "every_entry_is_in_its_deals_entity",
        "UPDATE journal_entries SET entity_id = 'ent_sandbox' WHERE id = 'je_2'",
        ["entry je_2 is in ent_sandbox and EUR, its deal d_real in ent_real and EUR"],
    ),
    (
        "receivable_is_what_is_open",
        "UPDATE journal_lines SET amount_minor = -4000 WHERE entry_id = 'je_5' AND line_no = 2",
        ["accounts_receivable of ent_real is 8000 EUR minor units, the open invoices come to 7000"],
    ),
    (
        "receivable_is_what_is_open",
        "UPDATE invoices SET status = 'uncollectible', paid_minor = 4999 WHERE id = 'inv_2'",
        ["accounts_receivable of ent_real is 7000 EUR minor units, the open invoices come to 7001"],
    ),
    (
        "deferred_revenue_is_what_was_invoiced",
        "UPDATE journal_lines SET account = 'revenue:seats' WHERE entry_id = 'je_1' AND line_no = 2",
        ["deferred_revenue of ent_real is -10000 EUR minor units, the nets of all invoices come to -20000"],
    ),
    (
        "tax_payable_is_what_was_invoiced",
        "UPDATE journal_lines SET amount_minor = -2001 WHERE entry_id = 'je_1' AND line_no = 3",
        ["tax_payable of ent_real is -4001 EUR minor units, the taxes of all invoices come to -4000"],
    ),
    (
        "bank_is_its_lines",
        "UPDATE bank_lines SET amount_minor = 7100",
        ["bank of ent_real is 7000 EUR minor units, the bank's lines come to 7100"],
    ),
    (
        "clearing_is_the_card_receipts",
        "UPDATE journal_lines SET amount_minor = 11000 WHERE entry_id = 'je_3' AND line_no = 1",
        ["cash_clearing of ent_real is 11000 EUR minor units, the card receipts come to 12000"],
    ),
    (
        "unapplied_cash_is_what_no_invoice_got",
        "UPDATE cash_applications SET amount_minor = 4000 WHERE id = 'app_2'",
        ["unapplied_cash of ent_real is -2000 EUR minor units, the receipts less their applications come to -3000"],
    ),
    (
        "each_invoice_is_posted_once",
        "DELETE FROM journal_entries WHERE id = 'je_2'",
        ["invoice inv_2 (ACME-2) of 12000 has 0 entries of 0"],
    ),
    (
        "each_invoice_is_posted_once",
        "UPDATE journal_entries SET source_id = 'inv_1' WHERE id = 'je_2'",
        [
            "invoice inv_1 (ACME-1) of 12000 has 2 entries of 24000",
            "invoice inv_2 (ACME-2) of 12000 has 0 entries of 0",
        ],
    ),
    (
        "each_receipt_is_posted_once",
        "DELETE FROM journal_entries WHERE id IN ('je_3', 'je_4')",
        [
            "receipt rec_1 (pi_1) of 12000 has 0 entries of 0",
            "receipt rec_2 (bl_1) of 7000 has 0 entries of 0",
        ],
    ),
    (
        "numbers_are_gapless",
        "UPDATE invoices SET sequence = 3, number = 'ACME-3' WHERE id = 'inv_2'",
        ["series invoices of ent_real is at 2, its invoices are 2 numbers from 1 to 3"],
    ),
    (
        "numbers_are_gapless",
        "UPDATE series SET last = 3",
        ["series invoices of ent_real is at 3, its invoices are 2 numbers from 1 to 2"],
    ),
    (
        "invoices_are_the_sum_of_their_lines",
        "UPDATE invoice_lines SET amount_minor = 9999 WHERE invoice_id = 'inv_1'",
        ["invoice ACME-1 is 10000 net, its lines sum to 9999"],
    ),
    (
        "invoices_are_paid_by_their_applications",
        "UPDATE invoices SET paid_minor = 5001 WHERE id = 'inv_2'",
        ["invoice ACME-2 says 5001 paid, 5000 were applied to it"],
    ),
    (
        "bank_lines_are_received_and_applied",
        "UPDATE bank_lines SET applied_minor = 7000",
        ["bank line bl_1 of 7000 with 7000 applied: received 7000, applications 5000"],
    ),
    (
        "bank_lines_are_received_and_applied",
        "DELETE FROM receipts WHERE id = 'rec_2'",
        ["bank line bl_1 of 7000 with 5000 applied: received None, applications 0"],
    ),
    (
        "each_money_fact_has_its_event",
        "DELETE FROM outbox",
        [
            "cash application app_2 has no event rec_2/inv_2/payment.received",
            "invoice inv_1 has no event d_real/bill/contract-1/1/invoice.issued",
            "invoice inv_2 has no event d_real/bill/contract-1/2/invoice.issued",
            "receipt rec_1 has no event rec_1/payment.received",
        ],
    ),
    (
        "captured_attempts_have_their_receipt",
        "UPDATE receipts SET gateway_ref = 'pi_9' WHERE id = 'rec_1'",
        [
            "the gateway's pi_1: attempt d_real/charge/inv_1/1, receipt None",
            "the gateway's pi_9: attempt None, receipt rec_1",
        ],
    ),
    (
        "no_invoice_is_charged_twice",
        """INSERT INTO receipts SELECT (jsonb_populate_record(r, '{"id": "rec_3", "gateway_ref": "pi_2"}')).*
             FROM receipts r WHERE id = 'rec_1'""",
        ["invoice ACME-1 of 12000 was charged 2 times, 24000 in all"],
    ),
    ("turns_have_no_holes", "UPDATE deals SET turn = 2", ["deal d_real is at turn 2, it has 1 steps from 0 to 0"]),
    ("turns_have_no_holes", "UPDATE deal_steps SET turn = 1", ["deal d_real is at turn 1, it has 1 steps from 1 to 1"]),
    (
        "states_are_at_their_turn",
        """UPDATE deals SET state = '{"turn": 7}'""",
        ["deal d_real is at turn 1, its state at 7"],
    ),
    (
        "one_version_of_an_order_is_in_play",
        "UPDATE quote_versions SET status = 'approved', order_number = 2 WHERE id = 'qv_3'",
        ["order 2 of deal d_real has 2 versions in play: 1, 2"],
    ),
    (
        "versions_in_play_belong_to_deals_that_live",
        "UPDATE deals SET stage = 'ended'",
        ["version qv_2 of deal d_real (ended) is noticed, and the deal has no such order open"],
    ),
    (
        "versions_in_play_belong_to_deals_that_live",
        "UPDATE quote_versions SET status = 'signed' WHERE id = 'qv_3'",
        ["version qv_3 of deal d_real (quote) is signed, and the deal has no such order open"],
    ),
    (
        "what_was_chosen_was_offered",
        "UPDATE quote_versions SET alternative = CASE id WHEN 'qv_1' THEN '' ELSE 'best' END",
        [
            "version qv_1 of deal d_real is booked with the alternative '', which it does not offer",
            "version qv_2 of deal d_real is noticed with the alternative 'best', which it does not offer",
            "version qv_3 of deal d_real is booked with the alternative 'best', which it does not offer",
        ],
    ),
    (
        "coupon_limits_hold",
        """INSERT INTO deals SELECT (jsonb_populate_record(d, '{"id": "d_2"}')).* FROM deals d WHERE id = 'd_real'; \
INSERT INTO coupon_uses SELECT code, 'd_2', version_id, at, recorded_at FROM coupon_uses""",
        [
            "coupon SPRING is used 2 times by acc_real, 1 are allowed",
            "coupon SPRING is used 2 times by all, 1 are allowed",
        ],
    ),
    (
        "links_show_their_version",
        "UPDATE quote_versions SET content_hash = 'other' WHERE id = 'qv_2'",
        ["share link sh_1 is for another content of version qv_2"],
    ),
    (
        "moved_deals_have_their_new_version",
        "UPDATE quote_versions SET price_book_id = 'pb_1' WHERE id = 'qv_3'",
        ["migration 2027 says that deal d_real is done"],
    ),
    (
        "moved_deals_have_their_new_version",
        "UPDATE price_migration_deals SET status = 'failed'",
        ["migration 2027 says that deal d_real is failed"],
    ),
    (
        "nothing_goes_out_unapproved",
        "UPDATE approval_requests SET status = 'superseded'",
        ["version qv_1 of deal d_real is booked without the approval of desk at level 1"],
    ),
    (
        "nothing_goes_out_unapproved",
        "UPDATE approval_requests SET status = 'asked' WHERE id = 'apr_2'",
        ["version qv_3 of deal d_real is booked without the approval of desk at level 1"],
    ),
    (
        "decisions_have_their_votes",
        "UPDATE approval_requests SET quorum = 2",
        ["request apr_1 of deal d_real is approved with 1 votes, its quorum is 2"],
    ),
    (
        "what_is_carried_was_decided",
        "UPDATE approval_votes SET verb = 'abstain'",
        ["request apr_2 of deal d_real stands on m1 about version 1, which approved no such thing"],
    ),
    (
        "nobody_decides_on_their_own",
        "UPDATE approval_votes SET hands = ARRAY['SAM@acme.example']",
        ["vote apv_1 about deal d_real went through the hands of SAM@acme.example, who owns it or priced it"],
    ),
    (
        "no_fact_waits",
        "UPDATE inbox SET recorded_at = '2007-01-01T00:00:00Z'",
        ["bank cash for None waits since 2007-01-01 00:00:00+00:00"],
    ),
    (
        "no_draft_waits",
        "UPDATE quote_drafts SET delivered_at = NULL, recorded_at = '2007-01-01T00:00:00Z'",
        ["draft qd_1 of sam waits for deal d_real since 2007-01-01 00:00:00+00:00"],
    ),
    (
        "no_attempt_hangs",
        "UPDATE payment_attempts SET status = 'started', recorded_at = '2007-01-01T00:00:00Z'",
        ["attempt d_real/charge/inv_1/1 was started at 2007-01-01 00:00:00+00:00 and has no outcome"],
    ),
]


@pytest.mark.parametrize(("name", "harm", "said"), BREAKS, ids=[f"{i}-{b[0]}" for i, b in enumerate(BREAKS)])
async def test_broken_books_are_found(sound: Database, name: str, harm: str, said: list[str]) -> None:
    async with sound.transaction() as session:
        connection = await session.connection()
        await connection.exec_driver_sql("SET LOCAL session_replication_role = 'replica'")  # no trigger, no foreign key
        for sql in harm.split("; "):
            await connection.exec_driver_sql(sql)
        found = await CHECKS[name](session)
        await session.rollback()
    assert [breach.text for breach in found] == said
    assert {breach.check for breach in found} == {name}
    assert all(len(breach.rows) == 1 for breach in found)


def test_every_check_is_proven_by_a_break() -> None:
    assert {name for name, _, _ in BREAKS} == set(CHECKS)
