"""A bank statement books each line once, as unapplied cash; what fits an open invoice is applied by that invoice's deal."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from domain.message import Verdict
from gateways.ports import BankLine, BankStatement
from models.cash import BankStatementRow
from models.outbox import InboxRow
from sandbox.process import SandboxProcess
from tests.activities.hand import Hand, hand
from workflows.converter import to_json

OWED = {"accounts_receivable": 29750, "deferred_revenue:team": -25000, "tax_payable": -4750}
LINES = "SELECT id, amount_minor, applied_minor, matched_invoice_id IS NOT NULL FROM bank_lines ORDER BY id"


@pytest.fixture
async def h(database_url: str, outside: SandboxProcess) -> AsyncIterator[Hand]:
    """A deal on terms with one open invoice, ACME-000001 over 297.50."""
    async with hand(database_url, outside, account={"method": "transfer", "method_token": ""}) as made:
        made.twice = False
        await made.sold(method="transfer", net_days=30)
        made.twice = True
        yield made


def line(line_id: str, amount_minor: int, reference: str = "", **differs: Any) -> BankLine:
    said: dict[str, Any] = {"currency": "EUR", "payer": "Somebody", "booked_on": date(2027, 1, 5)} | differs
    return BankLine(line_id=line_id, amount_minor=amount_minor, reference=reference, **said)


async def statement(h: Hand, name: str, *lines: BankLine) -> list[Verdict]:
    """The bank's statement comes, is booked (twice), and the deals it names are told; their verdicts."""
    at = datetime(2027, 1, 5, 12, tzinfo=UTC)
    said = BankStatement(event_id=f"evt_{name}", statement_id=name, bank_account="SB1", lines=lines)
    payload = {**to_json(said), "statement_id": name, "entity_id": h.place.entity}
    inbox = InboxRow(
        id=f"in_{name}", provider="bank", event_id=f"evt_{name}", kind="statement", payload=payload, received_at=at
    )
    await h.place.add([inbox, BankStatementRow(id=name, entity_id=h.place.entity, received_at=at)])
    told = await h.run("book_statement", name)
    books = await h.place.look()
    assert await h.run("book_statement", name) == told
    assert await h.place.look() == books
    await h.until(at)
    return [(await h.told(each.inbox_id)).verdict for each in told]


async def test_the_exact_amount_pays_the_invoice(h: Hand) -> None:
    assert await statement(h, "st_1", line("tr_1", 29750, "ACME-000001")) == [Verdict.ACCEPTED]
    assert await h.place.balances() == {"bank": 29750, "deferred_revenue:team": -25000, "tax_payable": -4750}
    assert not h.deal.collections
    assert await h.place.rows("SELECT status, paid_minor FROM invoices") == [("paid", 29750)]


async def test_too_little_leaves_the_rest_open(h: Hand) -> None:
    assert await statement(h, "st_1", line("tr_1", 10000, "invoice acme-000001")) == [Verdict.ACCEPTED]
    assert await h.place.balances() == {**OWED, "accounts_receivable": 19750, "bank": 10000}
    assert h.deal.collections
    assert await statement(h, "st_2", line("tr_2", 19750, "ACME 000001")) == [Verdict.ACCEPTED]
    assert (await h.place.balances())["bank"] == 29750
    assert not h.deal.collections


async def test_too_much_stays_unapplied(h: Hand) -> None:
    assert await statement(h, "st_1", line("tr_1", 30000, "ACME-000001")) == [Verdict.ACCEPTED]
    assert await h.place.balances() == {
        "bank": 30000, "unapplied_cash": -250, "deferred_revenue:team": -25000, "tax_payable": -4750
    }  # fmt: skip
    assert await h.place.rows(LINES) == [("tr_1", 30000, 29750, True)]


async def test_what_names_nothing_of_ours_stays_unapplied_and_tells_nobody(h: Hand) -> None:
    assert await statement(h, "st_1", line("tr_1", 12345, "holiday"), line("tr_2", 29750, "ACME-000009")) == []
    assert await h.place.balances() == {**OWED, "bank": 42095, "unapplied_cash": -42095}
    assert await h.place.rows(LINES) == [("tr_1", 12345, 0, False), ("tr_2", 29750, 0, False)]


async def test_another_currency_never_pays(h: Hand) -> None:
    assert await statement(h, "st_1", line("tr_1", 29750, "ACME-000001", currency="USD")) == []
    assert len(h.deal.collections) == 1


async def test_a_line_that_comes_again_is_booked_once(h: Hand) -> None:
    """The bank repeats a line in a second statement, beside a new one."""
    assert await statement(h, "st_1", line("tr_1", 10000, "ACME-000001")) == [Verdict.ACCEPTED]
    assert await statement(h, "st_2", line("tr_1", 10000, "ACME-000001"), line("tr_2", 500)) == []
    assert await h.place.balances() == {
        **OWED, "accounts_receivable": 19750, "bank": 10500, "unapplied_cash": -500
    }  # fmt: skip
    assert await h.place.one("SELECT count(*) FROM receipts") == 2


async def test_a_fact_that_is_told_again_applies_nothing_more(h: Hand) -> None:
    await statement(h, "st_1", line("tr_1", 10000, "ACME-000001"))
    told = await h.place.one("SELECT id FROM inbox WHERE kind = 'cash'")
    books = await h.place.balances()
    h.deal = replace(h.deal, answers=())  # a hundred messages later
    again = await h.told(told)
    assert again.verdict is not Verdict.ACCEPTED
    assert await h.place.balances() == books
