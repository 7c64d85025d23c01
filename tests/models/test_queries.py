"""The named queries: what each list shows, in which order, and what it leaves out."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from models import (
    access,
    approval,
    contract,
    entity,
    invoice,
    ledger,
    outbox,
    payment,
    policy,
    price_book,
    quote,
    series,
)
from models import deal as deals
from models.access import ApiKeyRow, PersonRow
from models.approval import ApprovalRequestRow
from models.contract import ContractLineRow, ContractTermRow
from models.database import Database
from models.deal import DealRow, Filter, TimelineRow
from models.entity import TaxRateRow
from models.ledger import Balance
from models.outbox import InboxRow, OutboxRow
from models.payment import PaymentAttemptRow
from models.policy import ApprovalPolicyRow, DunningPolicyRow
from models.write import Fence, Update, write
from tests.models.rows import (
    AT,
    ON,
    REAL,
    SANDBOX,
    a_deal,
    a_price_book,
    a_receipt,
    a_sandbox_deal,
    a_step,
    a_version,
    an_entry,
    an_invoice,
    an_invoice_line,
    bill,
    open_deals,
)


@pytest.fixture
async def opened(database: Database) -> Database:
    """Two deals at turn 1; the real one has a contract and an open invoice of 120.00 EUR due on 31 January."""
    await open_deals(database)
    await bill(database)
    return database


async def open_deal(database: Database, row: DealRow) -> None:
    async with database.transaction() as session:
        assert await write(session, [a_step(row.id)], fence=Fence.opening(row))


# ------------------------------------------------------------------ deals


async def test_pages_of_deals_meet_without_gap_or_overlap_under_inserts(opened: Database) -> None:
    for number in range(9):
        day = AT + timedelta(days=number // 3)  # three on each day: the id decides
        await open_deal(opened, a_deal(id=f"d_{number}", opened_at=day, owner="amy@acme.example"))
    amy = Filter(owner="amy@acme.example")
    seen: list[str] = []
    after: tuple[datetime, str] | None = None
    for _ in range(3):
        async with opened.session() as session:
            page = await deals.page(session, amy, limit=4, after=after)
        seen += [deal.id for deal in page]
        after = (page[-1].opened_at, page[-1].id)
        late = AT + timedelta(days=30)  # newer than what was read: must not shift the pages after it
        await open_deal(opened, a_deal(id=f"d_late_{len(seen)}", opened_at=late, owner="amy@acme.example"))
    assert seen == [f"d_{number}" for number in reversed(range(9))]


async def test_a_list_of_deals_shows_what_was_asked(opened: Database) -> None:
    cases: list[tuple[Filter, list[str]]] = [
        (Filter(), ["d_sandbox", "d_real", "d_old"]),
        (Filter(stage="active"), ["d_old"]),
        (Filter(owner="sam@acme.example", entity_id=REAL), ["d_real"]),
        (Filter(account_id="acc_sandbox"), ["d_sandbox"]),
        (Filter(waits_for="approval"), ["d_old"]),
        (Filter(opened_before=AT), ["d_old"]),
        (Filter(opened_from=AT), ["d_sandbox", "d_real"]),
        (Filter(stage="ended"), []),
    ]
    old = {"opened_at": AT - timedelta(days=1), "owner": "amy@acme.example", "stage": "active", "waits_for": "approval"}
    await open_deal(opened, a_deal(id="d_old", **old))
    async with opened.session() as session:
        for wanted, shown in cases:
            assert [deal.id for deal in await deals.page(session, wanted, limit=10)] == shown, wanted


async def test_the_next_date_of_a_sandbox_is_its_own(opened: Database) -> None:
    async with opened.session() as session:
        assert await deals.next_due(session, SANDBOX) is None
    await open_deal(opened, a_sandbox_deal(id="d_march", next_at=datetime(2027, 3, 1, tzinfo=UTC)))
    await open_deal(opened, a_sandbox_deal(id="d_february", next_at=datetime(2027, 2, 1, tzinfo=UTC)))
    await open_deal(opened, a_deal(id="d_other", next_at=AT))
    async with opened.session() as session:
        assert await deals.next_due(session, SANDBOX) == datetime(2027, 2, 1, tzinfo=UTC)
        due = await deals.due(session, SANDBOX, datetime(2027, 3, 1, tzinfo=UTC))
        assert [deal.id for deal in due] == ["d_february", "d_march"]
        assert await deals.due(session, SANDBOX, AT) == []


async def test_a_timeline_is_read_on_from_a_line(opened: Database) -> None:
    async with opened.transaction() as session:
        await write(
            session, [TimelineRow(deal_id="d_real", turn=1, at=AT, kind="k", text=text) for text in ("a", "b", "c")]
        )
        await write(session, [TimelineRow(deal_id="d_sandbox", turn=1, at=AT, kind="k", text="other")])
    async with opened.session() as session:
        first = await deals.timeline(session, "d_real", limit=1)
        assert [line.text for line in first] == ["a"]
        assert [line.text for line in await deals.timeline(session, "d_real", after=first[0].id or 0)] == ["b", "c"]


# ------------------------------------------------------------------ reference


async def test_a_tax_rate_holds_until_the_next_begins(opened: Database) -> None:
    async with opened.transaction() as session:
        await write(
            session, [TaxRateRow(entity_id=REAL, valid_from=date(2027, 7, 1), rate=Decimal("0.21"), name="TVA")]
        )
    days = date(2013, 12, 31), date(2014, 1, 1), date(2027, 6, 30), date(2027, 7, 1)
    async with opened.session() as session:
        found = [await entity.tax_rate_on(session, REAL, day) for day in days]
        assert [row and row.rate for row in found] == [None, Decimal("0.2"), Decimal("0.2"), Decimal("0.21")]
        assert await entity.tax_rate_on(session, SANDBOX, days[-1]) is None


async def test_the_latest_price_book_is_the_highest_version_that_is_valid(opened: Database) -> None:
    async with opened.transaction() as session:
        later = {"name": "standard", "content": {}, "currency": "EUR"}
        await write(
            session,
            [
                a_price_book(id="pb_2", version=2, valid_from=date(2027, 6, 1), **later),
                a_price_book(id="pb_3", version=3, valid_from=date(2027, 3, 1), **later),
            ],
        )
    async with opened.session() as session:
        days = [date(2026, 12, 31), ON, date(2027, 3, 1), date(2027, 6, 1)]
        found = [await price_book.latest(session, "standard", day) for day in days]
        assert [book and book.version for book in found] == [None, 1, 3, 3]


async def test_policies_are_read_in_their_highest_version(opened: Database) -> None:
    async with opened.transaction() as session:
        await write(
            session, [ApprovalPolicyRow(id=f"a{n}", name="default", version=n, content={"n": n}) for n in (1, 10, 9)]
        )
        await write(session, [DunningPolicyRow(id=f"d{n}", name="card", version=n, content={"n": n}) for n in (2, 1)])
    async with opened.session() as session:
        approvals, dunning = (
            await policy.latest_approval(session, "default"),
            await policy.latest_dunning(session, "card"),
        )
        assert (approvals and approvals.version, dunning and dunning.version) == (10, 2)
        assert await policy.latest_approval(session, "card") is None


async def test_a_revoked_key_opens_nothing(opened: Database) -> None:
    def a_key(name: str, **differs: datetime) -> ApiKeyRow:
        return ApiKeyRow(
            id=name,
            key_hash=f"hash-{name}",
            prefix="q2c_",
            person=name,
            role="sales",
            groups=[],
            created_at=AT,
            **differs,
        )

    async with opened.transaction() as session:
        await write(session, [a_key("good"), a_key("revoked", revoked_at=AT)])
    found = [await access.by_key_hash(opened, f"hash-{name}") for name in ("good", "revoked", "unknown")]
    assert [key and key["person"] for key in found] == ["good", None, None]


async def test_members_are_found_by_any_of_the_groups(opened: Database) -> None:
    people = {"amy": ["desk"], "bob": ["finance", "desk"], "eve": ["ops"], "joe": []}
    async with opened.transaction() as session:
        await write(session, [PersonRow(email=name, name=name, groups=groups) for name, groups in people.items()])
    async with opened.session() as session:
        assert [person.email for person in await access.members(session, ["desk", "legal"])] == ["amy", "bob"]
        assert await access.members(session, []) == []


# ------------------------------------------------------------------ a deal's papers


def a_request(name: str, group: str, **differs: object) -> ApprovalRequestRow:
    values: dict[str, object] = {"id": name, "deal_id": "d_real", "order_number": 1, "version": 1, "level": 1}
    values |= {"group_name": group, "reason": "discount", "asked_at": AT}
    return ApprovalRequestRow(**(values | differs))  # type: ignore[arg-type]


async def test_what_waits_for_me_is_what_my_groups_were_asked_or_got_by_escalation(opened: Database) -> None:
    done = {"status": "approved", "decided_by": "amy", "decided_at": AT}
    async with opened.transaction() as session:
        await write(
            session,
            [
                a_request("mine", "desk", asked_at=AT + timedelta(hours=1)),
                a_request("escalated", "finance", escalated_to="desk"),
                a_request("done", "desk", level=2, **done),
                a_request("other", "legal"),
            ],
        )
    async with opened.session() as session:
        assert [request.id for request in await approval.waiting(session, ["desk"])] == ["escalated", "mine"]
        assert [r.id for r in await approval.of_deal(session, "d_real")] == ["mine", "escalated", "other", "done"]
        assert await approval.waiting(session, []) == []


async def test_versions_and_contracts_of_a_deal(opened: Database) -> None:
    term = ContractTermRow(
        contract_id="con_real",
        term=1,
        order_number=1,
        quote_version_id="qv_1",
        starts_on=ON,
        ends_on=date(2028, 1, 1),
        interval_months=1,
    )
    lines = [
        ContractLineRow(
            id=f"cl_{n}",
            contract_id="con_real",
            term=1,
            line_no=n,
            product="seats",
            description="Seats",
            model="per_unit",
            quantity=Decimal(10),
            period_amount_minor=10000,
            charge={},
        )
        for n in (2, 1)
    ]
    async with opened.transaction() as session:
        await write(session, [a_version(id="qv_2", version=2), term, *lines])
    async with opened.session() as session:
        assert [version.id for version in await quote.versions(session, "d_real")] == ["qv_1", "qv_2"]
        second = await quote.version(session, "d_real", 1, 2)
        assert second is not None
        assert second.id == "qv_2"
        found = await contract.of_deal(session, "d_real")
        assert found is not None
        assert [term.term for term in await contract.terms(session, found.id)] == [1]
        assert [line.line_no for line in await contract.lines(session, found.id, 1)] == [1, 2]
        assert await contract.of_deal(session, "d_sandbox") is None


async def test_open_invoices_leave_out_what_is_paid(opened: Database) -> None:
    async with opened.transaction() as session:
        early = an_invoice(sequence=2, due_on=date(2027, 1, 2))
        await write(session, [early, an_invoice_line(invoice_id="inv_2")])
    async with opened.session() as session:
        assert [row.id for row in await invoice.open_for_deal(session, "d_real")] == ["inv_2", "inv_1"]
    async with opened.transaction() as session:
        paid = {"status": "paid", "paid_minor": 12000}
        await write(session, updates=[Update(invoice.InvoiceRow, paid, where={"id": "inv_1"})])
    async with opened.session() as session:
        assert [row.id for row in await invoice.open_for_deal(session, "d_real")] == ["inv_2"]
        assert [row.id for row in await invoice.of_deal(session, "d_real")] == ["inv_1", "inv_2"]
        numbers = ["ACME-1", "ACME-2", "ACME-3"]
        assert [row.id for row in await invoice.open_by_number(session, REAL, numbers)] == ["inv_2"]
        assert await invoice.open_by_number(session, SANDBOX, numbers) == []
        assert [line.amount_minor for line in await invoice.lines(session, "inv_2")] == [10000]


async def test_attempts_and_receipts(opened: Database) -> None:
    async def attempt(session: AsyncSession, number: int, status: str) -> None:
        row = PaymentAttemptRow(
            key=f"k{number}",
            deal_id="d_real",
            invoice_id="inv_1",
            attempt=number,
            amount_minor=12000,
            currency="EUR",
            status=status,
            gateway_ref=f"pi_{number}",
            started_at=AT,
        )
        await write(session, [row])

    async with opened.transaction() as session:
        await attempt(session, 2, "captured")
        await attempt(session, 1, "declined")
        await write(session, [a_receipt(gateway_ref="pi_2")])
    async with opened.session() as session:
        assert [row.status for row in await payment.attempts(session, "inv_1")] == ["declined", "captured"]
        found = await payment.by_gateway_ref(session, "pi_2")
        assert found is not None
        assert found.key == "k2"
        assert [row.amount_minor for row in await payment.receipts_of_deal(session, "d_real")] == [12000]


# ------------------------------------------------------------------ books and boxes


async def test_the_trial_balance_adds_up_per_currency_and_entity(opened: Database) -> None:
    async with opened.transaction() as session:
        await write(session, an_entry(500, -500, id="je_2", key="je_2", on_date=date(2027, 2, 1)))
        await write(session, an_entry(7, -7, id="je_3", key="je_3", currency="JPY"))
        await write(session, an_entry(9, -9, id="je_4", key="je_4", deal_id=None, entity_id=SANDBOX))
    async with opened.session() as session:
        whole = await ledger.trial_balance(session, REAL)
        january = await ledger.trial_balance(session, REAL, date(2027, 1, 31))
        posted = await ledger.entries_of_deal(session, "d_real")
    assert whole == [
        Balance(account="account-1", currency="EUR", debit_minor=12500, credit_minor=0, balance_minor=12500),
        Balance(account="account-1", currency="JPY", debit_minor=7, credit_minor=0, balance_minor=7),
        Balance(account="account-2", currency="EUR", debit_minor=0, credit_minor=10500, balance_minor=-10500),
        Balance(account="account-2", currency="JPY", debit_minor=0, credit_minor=7, balance_minor=-7),
        Balance(account="account-3", currency="EUR", debit_minor=0, credit_minor=2000, balance_minor=-2000),
    ]
    assert [row.balance_minor for row in january if row.currency == "EUR"] == [12000, -10000, -2000]
    assert [(entry.id, len(lines)) for entry, lines in posted] == [("je_1", 3), ("je_3", 2), ("je_2", 2)]


async def test_a_series_is_gapless_under_many_hands_and_each_entity_has_its_own(opened: Database) -> None:
    async def take(entity_id: str) -> int:
        async with opened.transaction() as session:
            return await series.take(session, entity_id, "invoice")

    taken = await asyncio.gather(*(take(REAL) for _ in range(20)), *(take(SANDBOX) for _ in range(5)))
    assert sorted(taken[:20]) == list(range(1, 21))
    assert sorted(taken[20:]) == [1, 2, 3, 4, 5]


async def test_a_fact_is_kept_once_and_waits_until_it_is_taken(opened: Database) -> None:
    def fact(
        name: str, minutes: int, provider: str = "stripe", event_id: str = "evt_1", status: str = "new"
    ) -> InboxRow:
        at = AT + timedelta(minutes=minutes)
        return InboxRow(
            id=name,
            provider=provider,
            event_id=event_id,
            kind="paid",
            payload={"n": name},
            received_at=at,
            status=status,
        )

    async with opened.transaction() as session:
        assert await outbox.store(session, fact("1", 2))
        assert not await outbox.store(session, fact("2", 3))
        assert await outbox.store(session, fact("3", 1, provider="bank", status="signalled"))
        assert await outbox.store(session, fact("4", 0, event_id="evt_2", status="taken"))
    async with opened.session() as session:
        assert [row.id for row in await outbox.facts_waiting(session)] == ["3", "1"]
        kept = await outbox.fact(session, "stripe", "evt_1")
        assert kept is not None
        assert kept.payload == {"n": "1"}


async def test_what_goes_out_waits_in_order(opened: Database) -> None:
    async with opened.transaction() as session:
        await write(session, [OutboxRow(key=key, topic="t", at=AT, payload={}) for key in ("b", "a")])
        await write(session, [OutboxRow(key="sent", topic="t", at=AT, payload={}, delivered_at=AT)])
    async with opened.session() as session:
        assert [event.key for event in await outbox.undelivered(session)] == ["b", "a"]
