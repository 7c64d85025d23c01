"""One statement writes a step: exactly what was given, all of it or nothing, and only on its own turn."""

import asyncio
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel, col, select

from domain.invoice import NUMBER_DIGITS, number_lead
from domain.invoice import number as invoice_number
from models import deal as deals
from models import series
from models.access import PersonRow
from models.contract import ContractRow
from models.database import Database
from models.deal import DealRow, DealStepRow, TimelineRow
from models.invoice import InvoiceLineRow, InvoiceRow
from models.outbox import InboxRow, OutboxRow
from models.signature import DocumentRow
from models.write import DuplicateRow, Fence, NextNumber, Update, WrongRowCount, write, write_alone
from tests.models.conftest import content_of
from tests.models.rows import (
    AT,
    REAL,
    SANDBOX,
    a_contract,
    a_deal,
    a_document,
    a_step,
    an_entry,
    an_invoice,
    an_invoice_line,
    bill,
    open_deals,
)


@pytest.fixture
async def opened(database: Database) -> Database:
    """Two deals at turn 1; the real one has a contract and an open invoice."""
    await open_deals(database)
    await bill(database)
    return database


def an_event(key: str = "k") -> OutboxRow:
    return OutboxRow(key=key, topic="invoice.issued", deal_id="d_real", at=AT, payload={"number": "ACME-1"})


# ------------------------------------------------------------------ the fence


async def test_a_step_moves_the_turn_and_writes_its_rows_in_one_statement(opened: Database) -> None:
    line = TimelineRow(deal_id="d_real", turn=1, at=AT, kind="active", text="Service began")
    moved = {"stage": "active", "next_kind": "bill", "next_at": AT, "state": {"turn": 2}, "acv_minor": 120000}
    with opened.counting() as tally:
        async with opened.transaction() as session:
            assert await write(
                session,
                [a_step(turn=1), line, an_event()],
                fence=Fence("d_real", 1, moved),
                updates=[Update(ContractRow, {"stage": "suspended"}, where={"id": "con_real"})],
            )
    assert len(tally) == 1
    async with opened.session() as session:
        deal = await session.get_one(DealRow, "d_real")
        assert (deal.turn, deal.stage, deal.next_kind, deal.next_at) == (2, "active", "bill", AT)
        assert (deal.state, deal.acv_minor) == ({"turn": 2}, 120000)
        assert [step.turn for step in await deals.steps(session, "d_real")] == [0, 1]
        assert [line.text for line in await deals.timeline(session, "d_real")] == ["Service began"]
        assert [event.key for event in await session.exec(select(OutboxRow))] == ["k"]
        assert (await session.get_one(ContractRow, "con_real")).stage == "suspended"


@pytest.mark.parametrize(("deal_id", "turn"), [("d_real", 0), ("d_real", 2), ("d_unknown", 0)])
async def test_a_taken_turn_writes_nothing_and_is_told(books: Database, deal_id: str, turn: int) -> None:
    before = await content_of(books)
    async with books.transaction() as session:
        held = await write(
            session,
            [a_step(turn=7), an_event()],
            fence=Fence(deal_id, turn, {"stage": "ended"}),
            updates=[Update(InvoiceRow, {"paid_minor": 1}, where={"id": "inv_1"})],
        )
        assert held is False
        taken = await session.get(DealStepRow, ("d_real", 0))
        assert taken is not None
        assert taken.key == "d_real/take/m/0"
    assert await content_of(books) == before


async def test_two_at_once_on_one_turn_one_writes(opened: Database) -> None:
    async def attempt(number: int) -> bool:
        async with opened.transaction() as session:
            key = f"d_real/bill/c/{number}"
            return await write(session, [a_step(turn=1, key=key), an_event(key)], fence=Fence("d_real", 1, {}))

    won = await asyncio.gather(*(attempt(number) for number in range(4)))
    assert sorted(won) == [False, False, False, True]
    async with opened.session() as session:
        events = [event.key for event in await session.exec(select(OutboxRow))]
        assert events == [f"d_real/bill/c/{won.index(True)}"]
        assert (await session.get_one(DealRow, "d_real")).turn == 2


async def test_a_number_taken_for_a_turn_that_was_taken_goes_back(opened: Database) -> None:
    async with opened.transaction() as session:
        assert await series.take(session, REAL, "invoice") == 1
    async with opened.transaction() as session:
        assert await series.take(session, REAL, "invoice") == 2
        assert await write(session, [an_event()], fence=Fence("d_real", 0, {})) is False
    async with opened.transaction() as session:
        assert await series.take(session, REAL, "invoice") == 2


async def test_the_first_step_opens_the_deal_once(opened: Database) -> None:
    opening = a_deal(id="d_new", name="First")
    async with opened.transaction() as session:
        assert await write(session, [a_step("d_new")], fence=Fence.opening(opening))
    before = await content_of(opened)
    async with opened.transaction() as session:
        again = Fence.opening(a_deal(id="d_new", name="Second"))
        assert await write(session, [a_step("d_new", key="other")], fence=again) is False
    assert await content_of(opened) == before
    async with opened.session() as session:
        deal = await session.get_one(DealRow, "d_new")
        assert (deal.name, deal.turn) == ("First", 1)


async def test_two_openings_at_once_one_writes(opened: Database) -> None:
    async def attempt(name: str) -> bool:
        async with opened.transaction() as session:
            return await write(session, [a_step("d_new")], fence=Fence.opening(a_deal(id="d_new", name=name)))

    assert sorted(await asyncio.gather(*(attempt(str(n)) for n in range(4)))) == [False, False, False, True]


async def test_without_a_fence_the_rows_are_written(opened: Database) -> None:
    async with opened.transaction() as session:
        assert await write(session, [an_event()])
        assert await write(session, [])
    async with opened.session() as session:
        assert [event.key for event in await session.exec(select(OutboxRow))] == ["k"]


# ------------------------------------------------------------------ refusals


async def test_a_key_that_exists_is_named_and_nothing_is_written(opened: Database) -> None:
    before = await content_of(opened)
    with pytest.raises(DuplicateRow) as caught:
        async with opened.transaction() as session:
            await write(
                session, [an_event(), *an_entry(5, -5, id="je_2")], fence=Fence("d_real", 1, {"stage": "ended"})
            )
    assert (caught.value.table, caught.value.constraint) == ("journal_entries", "journal_entries_key_key")
    assert await content_of(opened) == before


async def test_after_a_duplicate_the_same_block_reads_on(opened: Database) -> None:
    async with opened.transaction() as session:
        with pytest.raises(DuplicateRow):
            await write(session, [a_step(turn=1), a_step(turn=1, key="other")], fence=Fence("d_real", 1, {}))
        assert await session.get(DealStepRow, ("d_real", 1)) is None


async def test_another_constraint_is_raised_as_it_is(opened: Database) -> None:
    before = await content_of(opened)
    with pytest.raises(IntegrityError):
        async with opened.transaction() as session:
            await write(session, [a_step("d_unknown")], fence=Fence("d_real", 1, {}))
    assert await content_of(opened) == before


async def test_an_update_that_misses_undoes_the_step(opened: Database) -> None:
    before = await content_of(opened)
    missed = Update(InvoiceRow, {"paid_minor": 12000, "status": "paid"}, where={"id": "inv_1", "paid_minor": 5})
    with pytest.raises(WrongRowCount) as caught:
        async with opened.transaction() as session:
            await write(session, [a_step(turn=1)], fence=Fence("d_real", 1, {}), updates=[missed])
    assert (caught.value.table, caught.value.expected, caught.value.found) == ("invoices", 1, 0)
    assert await content_of(opened) == before


async def test_an_update_may_expect_several_rows_or_none(opened: Database) -> None:
    lines = [an_invoice_line(invoice_id="inv_2", line_no=n, amount_minor=5000) for n in (1, 2)]
    async with opened.transaction() as session:
        await write(session, [an_invoice(sequence=2), *lines])
    written_off = Update(InvoiceRow, {"status": "uncollectible"}, where={"deal_id": "d_real"}, rows=2)
    nothing = Update(OutboxRow, {"delivered_at": AT}, where={"key": "k"}, rows=0)
    async with opened.transaction() as session:
        assert await write(session, updates=[written_off, nothing])
    async with opened.session() as session:
        statuses = await session.exec(select(col(InvoiceRow.status)).order_by(col(InvoiceRow.id)))
        assert list(statuses) == ["uncollectible", "uncollectible"]


@pytest.mark.parametrize(
    ("error", "rows", "fence", "updates"),
    [
        (ValueError, [a_step(turn=1, at=datetime(2027, 1, 1))], None, []),  # noqa: DTZ001 (naive on purpose)
        (TypeError, [an_invoice_line(quantity=1.5)], None, []),
        (TypeError, [an_invoice_line(amount_minor=1.0)], None, []),
        (ValueError, [an_invoice_line(quantity=Decimal("NaN"))], None, []),
        (ValueError, [OutboxRow(key="k", topic="t", at=AT, payload={"share": float("nan")})], None, []),
        (TypeError, [OutboxRow(key="k", topic="t", at=AT, payload={"file": b""})], None, []),
        (ValueError, [], Fence("d_real", 1, {"no_such": 1}), []),
        (ValueError, [], Fence("d_real", 1, {"turn": 5}), []),
        (ValueError, [], None, [Update(InvoiceRow, {"no_such": 1}, where={"id": "inv_1"})]),
        (ValueError, [], None, [Update(InvoiceRow, {"status": "open"}, where={})]),
        (ValueError, [], None, [Update(InvoiceRow, {}, where={"id": "inv_1"})]),
        (ValueError, [], None, [Update(OutboxRow, {"at": AT}, where={"deal_id": None})]),
        (ValueError, [], Fence("d_real", 1, {}), [Update(DealRow, {"stage": "ended"}, where={"id": "d_real"})]),
    ],
)
async def test_what_cannot_be_exact_is_not_sent(
    books: Database, error: type[Exception], rows: list[SQLModel], fence: Fence | None, updates: list[Update]
) -> None:
    with books.counting() as tally, pytest.raises(error):
        async with books.transaction() as session:
            await write(session, rows, fence=fence, updates=updates)
    assert len(tally) == 0


# ------------------------------------------------------------------ alone, without a transaction around it


def a_number(mark: str = "inv_2", lead: str = "ACME-") -> NextNumber:
    return NextNumber(REAL, "invoices", lead=lead, digits=6, mark=mark)


def a_numbered(number: NextNumber, turn: int = 1) -> tuple[list[SQLModel], Fence]:
    """A step with an invoice whose number nobody knows yet, said in columns, in a document and in the deal's state."""
    said = {"number": number.said, "sequence": number.count, "series": number.series, "period_no": turn + 5}
    invoice = an_invoice(id=number.mark, key=f"d_real/bill/c/{number.mark}", **said)
    payload = {"number": number.said, "count": number.count}
    event = OutboxRow(key=number.mark, topic="invoice.issued", deal_id="d_real", at=AT, payload=payload)
    rows: list[SQLModel] = [a_step(turn=turn, key=number.mark), invoice, an_invoice_line(invoice_id=number.mark), event]
    return rows, Fence("d_real", turn, {"state": {"turn": turn + 1, "said": number.said}})


async def test_alone_it_is_committed_when_it_returns(opened: Database) -> None:
    updates = [Update(ContractRow, {"stage": "suspended"}, where={"id": "con_real"})]
    with opened.counting() as tally:
        fence = Fence("d_real", 1, {"stage": "active"})
        assert await write_alone(opened, [a_step(turn=1), an_event()], fence=fence, updates=updates) == 0
    assert len(tally) == 1
    async with opened.session() as session:
        assert (await session.get_one(DealRow, "d_real")).turn == 2
        assert (await session.get_one(ContractRow, "con_real")).stage == "suspended"
        assert [event.key for event in await session.exec(select(OutboxRow))] == ["k"]


async def test_alone_on_a_taken_turn_nothing_is_written(books: Database) -> None:
    before = await content_of(books)
    late = [Update(InvoiceRow, {"paid_minor": 1}, where={"id": "inv_1"})]
    assert await write_alone(books, [an_event()], fence=Fence("d_real", 0, {}), updates=late) is None
    again = Fence.opening(a_deal(id="d_real", name="Second"))
    assert await write_alone(books, [a_step(turn=7)], fence=again) is None
    assert await content_of(books) == before


async def test_alone_an_update_that_misses_undoes_the_step(books: Database) -> None:
    before = await content_of(books)
    found = Update(ContractRow, {"stage": "suspended"}, where={"id": "con_real"})
    missed = Update(InvoiceRow, {"paid_minor": 1}, where={"id": "inv_1", "paid_minor": 5})
    with pytest.raises(WrongRowCount) as caught:
        await write_alone(books, [a_step(turn=1)], fence=Fence("d_real", 1, {}), updates=[found, missed])
    assert (caught.value.table, caught.value.expected, caught.value.found) == ("invoices", 1, 0)
    assert await content_of(books) == before


async def test_alone_what_a_constraint_refuses_is_undone(books: Database) -> None:
    """Also one that is judged at the commit only: a net that is not the sum of its lines, an entry out of balance."""
    before = await content_of(books)
    number = a_number()
    rows, fence = a_numbered(number)
    short = [row for row in rows if not isinstance(row, InvoiceLineRow)]
    with pytest.raises(IntegrityError, match="its lines sum to 0"):
        await write_alone(books, short, fence=fence, number=number)
    with pytest.raises(IntegrityError, match="does not balance"):
        await write_alone(books, [a_step(turn=1), *an_entry(5, -4, id="je_2", key="je_2")], fence=fence)
    with pytest.raises(DuplicateRow) as caught:
        await write_alone(books, [*rows, *an_entry(5, -5, id="je_2")], fence=fence, number=number)
    assert (caught.value.table, caught.value.constraint) == ("journal_entries", "journal_entries_key_key")
    assert await content_of(books) == before


async def test_a_number_is_taken_by_the_statement_that_says_it(opened: Database) -> None:
    number = a_number(lead='A"C\\ME-')  # whatever a lead is made of, JSON takes it
    rows, fence = a_numbered(number)
    assert await write_alone(opened, rows, fence=fence, number=number) == 1
    said = number.of(1)
    assert said == 'A"C\\ME-000001'
    async with opened.session() as session:
        invoice = await session.get_one(InvoiceRow, "inv_2")
        assert (invoice.number, invoice.sequence) == (said, 1)
        assert (await session.exec(select(col(OutboxRow.payload)))).one() == {"number": said, "count": "1"}
        assert (await session.get_one(DealRow, "d_real")).state == {"turn": 2, "said": said}


@pytest.mark.parametrize("last", [0, 9, 999_998, 999_999, 1_000_000, 123_456_789])
async def test_the_statement_says_a_number_as_the_house_does(opened: Database, last: int) -> None:
    if last:
        async with opened.transaction() as session:
            session.add(series.SeriesRow(entity_id=REAL, name="invoices", last=last))
    number = NextNumber(REAL, "invoices", lead=number_lead("ACME"), digits=NUMBER_DIGITS, mark="inv_2")
    rows, fence = a_numbered(number)
    assert await write_alone(opened, rows, fence=fence, number=number) == last + 1
    async with opened.session() as session:
        assert (await session.get_one(InvoiceRow, "inv_2")).number == invoice_number("ACME", last + 1)
    assert number.of(last + 1) == invoice_number("ACME", last + 1)


async def test_a_number_is_taken_for_a_turn_that_is_held_and_for_no_other(opened: Database) -> None:
    """Six at once on one turn, each with a number: one is written, and the series has moved by one."""

    async def attempt(place: int) -> int | None:
        number = a_number(f"inv_{place}")
        rows, fence = a_numbered(number)
        return await write_alone(opened, rows, fence=fence, number=number)

    given = await asyncio.gather(*(attempt(place) for place in range(2, 8)))
    assert sorted(str(each) for each in given) == ["1", *["None"] * 5]
    number = a_number("inv_9")
    rows, fence = a_numbered(number, turn=2)
    assert await write_alone(opened, rows, fence=fence, number=number) == 2


# ------------------------------------------------------------------ values


async def test_a_decimal_comes_back_as_it_went(opened: Database) -> None:
    quantities = [Decimal(n) for n in ("0.000000000001", "9999999999999999.999999999999", "1E+3", "-0.5", "100.00")]
    lines = [an_invoice_line(line_no=n, amount_minor=0, quantity=q) for n, q in enumerate(quantities, start=2)]
    async with opened.transaction() as session:
        await write(session, lines)
    async with opened.session() as session:
        kept = [(await session.get_one(InvoiceLineRow, ("inv_1", line.line_no))).quantity for line in lines]
        assert kept == quantities


async def test_amounts_use_all_64_bits(opened: Database) -> None:
    largest = 2**63 - 1
    async with opened.transaction() as session:
        await write(session, an_entry(largest, -largest, id="je_2", key="je_2"))


async def test_none_is_null_and_null_inside_a_document_stays(opened: Database) -> None:
    document = {"a": None, "b": [None, {"c": Decimal("1.10"), "on": date(2027, 1, 31)}], "é": 'quote" \\ ☕ :name'}
    rows = [
        InboxRow(id="1", provider="p", event_id="1", kind="k", payload=document, received_at=AT),
        TimelineRow(deal_id="d_real", turn=1, at=AT, kind="k", text="t", data=None),
        TimelineRow(deal_id="d_real", turn=1, at=AT, kind="k", text="t", data={}),
    ]
    async with opened.transaction() as session:
        await write(session, rows)
    async with opened.session() as session:
        kept = await session.get_one(InboxRow, "1")
        assert kept.payload == {"a": None, "b": [None, {"c": "1.10", "on": "2027-01-31"}], "é": 'quote" \\ ☕ :name'}
        assert kept.deal_id is None
        nulls = await session.exec(select(col(TimelineRow.data).is_(None)).order_by(col(TimelineRow.id)))
        assert list(nulls) == [True, False]


async def test_a_document_that_is_required_refuses_none(opened: Database) -> None:
    with pytest.raises(IntegrityError):
        async with opened.transaction() as session:
            await write(session, [InboxRow(id="1", provider="p", event_id="1", kind="k", payload=None, received_at=AT)])  # type: ignore[arg-type]


async def test_bytes_arrays_and_instants_come_back(opened: Database) -> None:
    data = bytes(range(256)) * 400
    paris = timezone(timedelta(hours=2))
    person = PersonRow(email="p@acme.example", name="P", groups=["deal desk", 'with "quotes"', "a,b", "{}"])
    nobody = PersonRow(email="n@acme.example", name="N", groups=[])
    event = OutboxRow(key="k", topic="t", at=datetime(2027, 7, 1, 2, 0, 0, 123456, tzinfo=paris), payload={})
    async with opened.transaction() as session:
        await write(session, [a_document(data), person, nobody, event])
    async with opened.session() as session:
        assert (await session.get_one(DocumentRow, "doc_1")).bytes == data
        assert (await session.get_one(PersonRow, "p@acme.example")).groups == person.groups
        assert (await session.get_one(PersonRow, "n@acme.example")).groups == []
        (kept,) = (await session.exec(select(OutboxRow))).all()
        assert kept.at == datetime(2027, 7, 1, 0, 0, 0, 123456, tzinfo=UTC)
        assert kept.at.utcoffset() == timedelta(0)


async def test_what_the_database_fills_is_left_to_it(opened: Database) -> None:
    told = datetime(2020, 1, 1, tzinfo=UTC)
    async with opened.transaction() as session:
        await write(
            session, [an_event("machine"), OutboxRow(key="told", topic="t", at=AT, payload={}, recorded_at=told)]
        )
    async with opened.session() as session:
        machine, given = (await session.exec(select(OutboxRow).order_by(col(OutboxRow.key)))).all()
        assert machine.recorded_at is not None
        assert machine.recorded_at > AT - timedelta(days=3650)
        assert given.recorded_at == told
        assert {machine.id, given.id} == {1, 2}


async def test_lines_of_a_story_are_numbered_in_the_order_given(opened: Database) -> None:
    told = [TimelineRow(deal_id="d_real", turn=1, at=AT, kind="k", text=str(number)) for number in range(50)]
    async with opened.transaction() as session:
        await write(session, told)
    async with opened.session() as session:
        assert [line.text for line in await deals.timeline(session, "d_real")] == [str(number) for number in range(50)]


async def test_two_hundred_rows_of_many_tables_are_one_statement(opened: Database) -> None:
    rows: list[SQLModel] = []
    for number in range(2, 42):
        invoice = an_invoice(sequence=number)
        key = f"je_{number}"
        # children before parents: the write puts them in order
        rows += [
            an_invoice_line(invoice_id=invoice.id),
            *reversed(an_entry(12000, -12000, id=key, key=key)),
            invoice,
            an_event(key),
        ]
    assert len(rows) == 240
    with opened.counting() as tally:
        async with opened.transaction() as session:
            assert await write(session, rows, fence=Fence("d_real", 1, {}))
    assert len(tally) == 1
    content = await content_of(opened)
    counted = {name: len(content[name]) for name in ("invoices", "invoice_lines", "journal_lines", "outbox")}
    assert counted == {"invoices": 41, "invoice_lines": 41, "journal_lines": 83, "outbox": 40}


async def test_rows_that_point_at_each_other_are_written_together(opened: Database) -> None:
    """The deal's row gets its contract's id in the statement that inserts the contract."""
    contract = a_contract(id="con_sb", deal_id="d_sandbox", entity_id=SANDBOX, account_id="acc_sandbox")
    async with opened.transaction() as session:
        assert await write(session, [contract], fence=Fence("d_sandbox", 1, {"contract_id": "con_sb"}))
    async with opened.session() as session:
        assert (await session.get_one(DealRow, "d_sandbox")).contract_id == "con_sb"


def test_a_row_refuses_a_column_that_it_does_not_have() -> None:
    with pytest.raises(TypeError, match="DealStepRow has no column sujet"):
        a_step(sujet="order-1")


async def test_a_row_may_be_changed_and_added_as_an_object_too(opened: Database) -> None:
    event = an_event()
    event.topic = "other"
    async with opened.transaction() as session:
        session.add(event)
    async with opened.transaction() as session:
        kept = (await session.exec(select(OutboxRow))).one()
        assert (kept.topic, kept.payload) == ("other", {"number": "ACME-1"})
        kept.delivered_at = AT
    async with opened.session() as session:
        assert (await session.exec(select(col(OutboxRow.delivered_at)))).one() == AT
