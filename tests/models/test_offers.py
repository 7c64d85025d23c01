"""What stands around a quote: the price book that applies, coupons and their uses, share links, price migrations."""

from datetime import date, datetime, timedelta
from typing import Any

# ruff: noqa: S608 (the SQL of a break-in is put together from our own words)
import pytest
from sqlalchemy import text
from sqlmodel import SQLModel

from models import contract, coupon, price_book, price_migration, share
from models.contract import ContractLineRow, ContractTermRow
from models.coupon import CouponRow, CouponUseRow
from models.database import Database
from models.entity import LegalEntityRow
from models.price_book import PriceBookRow
from models.price_migration import PriceMigrationDealRow, PriceMigrationRow
from models.quote import QuoteVersionRow
from models.share import QuoteQuestionRow, ShareLinkRow, ShareViewRow
from models.write import Update, write
from tests.models.rows import (
    AT,
    ON,
    REAL,
    SANDBOX,
    a_deal,
    a_price_book,
    a_row,
    a_sandbox,
    a_version,
    an_account,
    an_entity,
    an_invoice,
    an_invoice_line,
    bill,
    open_deals,
)
from tests.models.test_constraints import refused

NEXT = AT + timedelta(days=1)


@pytest.fixture
async def opened(database: Database) -> Database:
    """Two deals at turn 1; the real one has version 1, a contract and an invoice."""
    await open_deals(database)
    await bill(database)
    return database


async def written(database: Database, *rows: SQLModel, updates: tuple[Update, ...] = ()) -> None:
    async with database.transaction() as session:
        assert await write(session, rows, updates=updates)


def a_coupon(code: str = "SPRING-20") -> CouponRow:
    return a_row(CouponRow, {"code": code, "content": {}, "content_hash": "h", "created_at": AT})


def a_use(deal_id: str, version_id: str) -> CouponUseRow:
    return a_row(CouponUseRow, {"code": "SPRING-20", "deal_id": deal_id, "version_id": version_id, "at": AT})


def a_link(**differs: Any) -> ShareLinkRow:
    values = {
        "id": "sh_1",
        "deal_id": "d_real",
        "version_id": "qv_1",
        "content_hash": "h",
        "created_by": "sam@acme.example",
        "created_at": AT,
        "expires_at": NEXT,
    }
    return a_row(ShareLinkRow, values | differs)


def a_view(share_id: str, at: datetime) -> ShareViewRow:
    return a_row(ShareViewRow, {"share_id": share_id, "at": at, "agent": "Firefox", "ip_hash": "ab"})


def a_question(**differs: Any) -> QuoteQuestionRow:
    values = {"id": "q_1", "share_id": "sh_1", "deal_id": "d_real", "version_id": "qv_1", "text": "Per user?"}
    return a_row(QuoteQuestionRow, values | {"by": "gina@globex.example", "at": AT} | differs)


def a_migration(**differs: Any) -> PriceMigrationRow:
    values = {"id": "pm_1", "name": "2027 list", "from_book_id": "pb_1", "to_book_id": "pb_2", "content": {}}
    return a_row(PriceMigrationRow, values | {"created_by": "dana@acme.example", "created_at": AT} | differs)


def a_move(deal_id: str, **differs: Any) -> PriceMigrationDealRow:
    values = {"migration_id": "pm_1", "deal_id": deal_id, "before_minor": 10000, "after_minor": 11000}
    return a_row(PriceMigrationDealRow, values | differs)


# ------------------------------------------------------------------ which price book


def a_book(name: str, version: int = 1, **differs: Any) -> PriceBookRow:
    return a_price_book(**{"id": f"{name}@{version}", "name": name, "version": version} | differs)


BOOKS = (
    a_book("general"),
    a_book("enterprise", segments=["enterprise", "public"]),
    a_book("france", entities=[REAL]),
    a_book("france-enterprise", entities=["Acme SAS"], segments=["enterprise"]),
    a_book("dollars", currency="USD"),
    a_book("other-entity", entities=["ent_other"], valid_from=date(2027, 2, 1)),
    a_book("spring", valid_from=date(2027, 3, 1), valid_to=date(2027, 4, 1)),
    a_book("narrowed", valid_from=date(2026, 1, 1), entities=[REAL], segments=["public"]),
    a_book("narrowed", 2, valid_from=date(2026, 6, 1), segments=["nobody"]),
)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, "france@1"),
        ({"segment": "enterprise"}, "france-enterprise@1"),
        ({"segment": "public"}, "france@1"),
        ({"entity": "ent_other", "segment": "public"}, "enterprise@1"),
        ({"entity": "ent_unknown"}, "general@1"),
        ({"entity": "ent_other", "on": date(2027, 2, 1)}, "other-entity@1"),
        ({"entity": SANDBOX, "segment": "enterprise"}, "france-enterprise@1"),
        ({"entity": "ent_unknown", "on": date(2027, 3, 1)}, "spring@1"),
        ({"entity": "ent_unknown", "on": date(2027, 4, 1)}, "general@1"),
        ({"currency": "USD"}, "dollars@1"),
        ({"currency": "JPY"}, None),
        ({"on": date(2026, 12, 31)}, None),
        ({"on": date(2026, 5, 31), "segment": "public"}, "narrowed@1"),
        ({"on": date(2026, 6, 1), "segment": "public"}, None),
    ],
)
async def test_the_most_specific_book_in_force_applies(
    database: Database, asked: dict[str, Any], found: str | None
) -> None:
    """For entity and segment, then entity, then segment, then all; a version supersedes those below it for good."""
    await written(database, an_entity(), a_sandbox(name="Trial"), *BOOKS)
    wanted: dict[str, Any] = {"currency": "EUR", "segment": "", "entity": REAL, "on": ON} | asked
    async with database.session() as session:
        row = await price_book.applicable(session, **wanted)
    assert (row and row.id) == found


# ------------------------------------------------------------------ coupons


async def test_a_use_counts_while_its_version_is_alive(opened: Database) -> None:
    other = a_deal(id="d_other", account_id="acc_other")
    await written(opened, an_account(id="acc_other"), other, a_version(id="qv_other", deal_id="d_other"))
    await written(opened, a_coupon(), a_coupon("AUTUMN"), a_use("d_real", "qv_1"), a_use("d_other", "qv_other"))
    async with opened.session() as session:
        assert await coupon.uses(session, "SPRING-20") == 2
        assert await coupon.uses(session, "SPRING-20", "d_real") == 1
        assert await coupon.uses(session, "SPRING-20", "d_real", "acc_other") == 1
        assert await coupon.uses(session, "SPRING-20", "d_real", "acc_real") == 0
        assert await coupon.uses(session, "AUTUMN") == 0
        assert [use.version_id for use in await coupon.of_deal(session, "d_real")] == ["qv_1"]
        page = await coupon.page(session, limit=9)
        assert [(row.code, count) for row, count in page] == [("AUTUMN", 0), ("SPRING-20", 2)]
        assert [row.code for row, _ in await coupon.page(session, limit=9, after="AUTUMN")] == ["SPRING-20"]
    for status in coupon.DEAD:
        await written(opened, updates=(Update(QuoteVersionRow, {"status": status}, {"id": "qv_1"}),))
        async with opened.session() as session:
            assert await coupon.uses(session, "SPRING-20") == 1, status


async def test_a_sandbox_uses_up_no_real_coupon_nor_the_other_way_round(opened: Database) -> None:
    trial = a_version(id="qv_sb", deal_id="d_sandbox")
    await written(opened, a_coupon(), trial, a_use("d_real", "qv_1"), a_use("d_sandbox", "qv_sb"))
    async with opened.session() as session:
        assert await coupon.uses(session, "SPRING-20") == 1
        assert await coupon.uses(session, "SPRING-20", "d_real") == 0
        assert await coupon.uses(session, "SPRING-20", "d_sandbox") == 0
        assert [count for _, count in await coupon.page(session, limit=9)] == [1]


async def test_the_first_order_of_an_account_is_the_one_before_any_contract(opened: Database) -> None:
    async with opened.session() as session:
        assert not await coupon.is_first_order(session, "acc_real")
        assert await coupon.is_first_order(session, "acc_real", "d_real")
        assert await coupon.is_first_order(session, "acc_sandbox")


async def test_deals_that_price_with_one_coupon_come_one_after_the_other(opened: Database) -> None:
    await written(opened, a_coupon(), a_coupon("AUTUMN"))
    async with opened.transaction() as first:
        locked = await coupon.for_pricing(first, ["SPRING-20", "NOBODYS"])
        assert [row.code for row in locked] == ["SPRING-20"]
        async with opened.transaction() as second:
            free = await second.execute(text("SELECT code FROM coupons ORDER BY code FOR UPDATE SKIP LOCKED"))
            assert free.scalars().all() == ["AUTUMN"]


# ------------------------------------------------------------------ share links and questions


async def test_links_views_and_questions_of_a_deal(opened: Database) -> None:
    links = [a_link(), a_link(id="sh_2", created_at=AT + timedelta(hours=1))]
    views = [a_view("sh_1", AT), a_view("sh_1", NEXT)]
    asked = [a_question(), a_question(id="q_0", share_id=None, at=NEXT)]
    await written(opened, *links, *views, *asked)
    async with opened.session() as session:
        assert [link.id for link in await share.links(session, "qv_1")] == ["sh_1", "sh_2"]
        assert [link.id for link in await share.links_of_deal(session, "d_real")] == ["sh_1", "sh_2"]
        assert [view.at for view in await share.views(session, "sh_1")] == [AT, NEXT]
        assert await share.view_counts(session, "d_real") == {"sh_1": (2, NEXT)}
        assert [question.id for question in await share.questions(session, "d_real")] == ["q_1", "q_0"]
        assert await share.questions(session, "d_sandbox") == []


REVOKE = "UPDATE share_links SET revoked_at = now(), revoked_by = 'sam'"
REPLY = "UPDATE quote_questions SET reply = 'yes', replied_by = 'sam', replied_at = now()"


@pytest.mark.parametrize(
    ("constraint", "sql"),
    [
        ("share_links_immutable", "UPDATE share_links SET expires_at = '2040-01-01'"),
        ("share_links_immutable", "DELETE FROM share_links"),
        ("share_links_revoked_at_once", f"{REVOKE}; UPDATE share_links SET revoked_at = NULL, revoked_by = ''"),
        ("share_links_a_revocation_has_a_person_check", "UPDATE share_links SET revoked_at = now()"),
        ("share_views_immutable", "UPDATE share_views SET agent = ''"),
        ("quote_questions_immutable", "UPDATE quote_questions SET text = ''"),
        ("quote_questions_reply_once", f"{REPLY}; UPDATE quote_questions SET reply = 'no'"),
        ("quote_questions_an_answer_has_a_person_check", "UPDATE quote_questions SET reply = 'yes'"),
        (
            "quote_versions_alternative_once",
            "UPDATE quote_versions SET alternative = 'good'; UPDATE quote_versions SET alternative = 'better'",
        ),
        ("quote_versions_immutable", "UPDATE quote_versions SET kind = 'renewal'"),
        ("coupons_immutable", 'UPDATE coupons SET content = \'{"percent": "99"}\''),
        ("coupons_immutable", "DELETE FROM coupons"),
        ("price_migrations_immutable", "UPDATE price_migrations SET to_book_id = from_book_id"),
        (
            "price_migrations_finished_at_once",
            "UPDATE price_migrations SET finished_at = now(); UPDATE price_migrations SET finished_at = NULL",
        ),
        ("price_migration_deals_immutable", "DELETE FROM price_migration_deals"),
        ("price_migration_deals_done_stays", "UPDATE price_migration_deals SET status = 'pending', at = NULL"),
        ("price_migration_deals_done_stays", "UPDATE price_migration_deals SET after_minor = 1"),
    ],
)
async def test_what_was_said_stays(opened: Database, constraint: str, sql: str) -> None:
    await written(opened, a_coupon(), a_link(), a_view("sh_1", AT), a_question())
    await written(opened, a_book("next", id="pb_2"), a_migration(), a_move("d_real", status="done", at=AT))
    await refused(opened, constraint, *sql.split("; "))


async def test_what_may_be_added_once_may_be_added(opened: Database) -> None:
    await written(opened, a_link(), a_question())
    async with opened.transaction() as session:
        for sql in (REVOKE, REPLY, "UPDATE quote_questions SET recorded_turn = 3"):
            await session.execute(text(sql))
        await session.execute(text("UPDATE quote_versions SET alternative = 'good', status = 'accepted'"))
        await session.execute(text("UPDATE quote_versions SET status = 'out_for_signature'"))
    async with opened.session() as session:
        (link,) = await share.links(session, "qv_1")
        (question,) = await share.questions(session, "d_real")
    assert (link.revoked_by, question.reply, question.recorded_turn) == ("sam", "yes", 3)


@pytest.mark.parametrize(
    ("constraint", "row"),
    [
        ("share_links_version_id_deal_id_fk", a_link(deal_id="d_sandbox")),
        ("quote_questions_version_id_deal_id_fk", a_question(share_id=None, deal_id="d_sandbox")),
        ("share_links_validity_check", a_link(expires_at=AT)),
        ("price_migrations_another_book_check", a_migration(to_book_id="pb_1")),
        ("price_books_valid_check", a_book("x", valid_to=ON)),
        ("accounts_language_check", an_account(id="x", language="de")),
        ("legal_entities_language_check", an_entity(id="x", language="de")),
    ],
)
async def test_what_makes_no_sense_is_refused(opened: Database, constraint: str, row: SQLModel) -> None:
    await refused(opened, constraint, [row])


async def test_an_entity_has_a_look_and_an_account_a_segment(database: Database) -> None:
    look = {"accent": "#336699", "footer": ["Acme SAS"]}
    await written(database, an_entity(look=look, language="fr"), an_account(segment="enterprise"), an_entity(id="x"))
    async with database.session() as session:
        entity, plain = await session.get(LegalEntityRow, REAL), await session.get(LegalEntityRow, "x")
    assert entity is not None
    assert plain is not None
    assert (entity.look, entity.language, plain.look, plain.language) == (look, "fr", {}, "en")


# ------------------------------------------------------------------ segments of contract lines, occasions of invoices


def a_line(line_no: int, **differs: Any) -> ContractLineRow:
    values = {
        "id": f"cl_{line_no}_{differs.get('segment', 0)}_{differs.get('from_period', 0)}",
        "contract_id": "con_real",
        "term": 1,
        "line_no": line_no,
        "product": "team",
        "description": "Team",
        "model": "per_unit",
        "quantity": 20,
        "period_amount_minor": 10000,
        "charge": {},
    }
    return a_row(ContractLineRow, values | differs)


def a_term() -> ContractTermRow:
    values = {"contract_id": "con_real", "term": 1, "order_number": 1, "quote_version_id": "qv_1", "interval_months": 1}
    return a_row(ContractTermRow, values)


async def test_lines_of_a_term_come_line_by_line_and_period_by_period(opened: Database) -> None:
    ramp = [
        a_line(1, segment=1, from_period=6, to_period=12),
        a_line(1, to_period=3),
        a_line(1, segment=2, from_period=3),
    ]
    milestone = a_line(2, kind="milestone", milestone="go-live", timing="advance")
    await written(opened, a_term(), milestone, *ramp)
    async with opened.session() as session:
        lines = await contract.lines(session, "con_real", 1)
    assert [(line.line_no, line.from_period, line.to_period) for line in lines] == [
        (1, 0, 3),
        (1, 3, None),
        (1, 6, 12),
        (2, 0, None),
    ]


@pytest.mark.parametrize(
    ("constraint", "line"),
    [
        ("contract_lines_periods_check", a_line(1, from_period=3, to_period=2)),
        ("contract_lines_a_milestone_has_a_name_check", a_line(1, kind="milestone")),
        ("contract_lines_a_milestone_has_a_name_check", a_line(1, milestone="go-live")),
        ("contract_lines_kind_check", a_line(1, kind="gift")),
        ("contract_lines_timing_check", a_line(1, timing="someday")),
        ("contract_lines_not_negative_check", a_line(1, from_period=-1)),
    ],
)
async def test_a_segment_is_a_stretch_of_periods(opened: Database, constraint: str, line: ContractLineRow) -> None:
    await refused(opened, constraint, [a_term(), line])


async def test_a_period_and_each_milestone_have_one_invoice(opened: Database) -> None:
    milestone = an_invoice(sequence=2, period_no=1, occasion="go-live")
    await written(opened, milestone, an_invoice_line(invoice_id="inv_2"))
    again = an_invoice(sequence=3, period_no=1, occasion="go-live")
    with pytest.raises(Exception, match="invoices_contract_id_term_period_no_occasion_key"):
        await written(opened, again, an_invoice_line(invoice_id="inv_3"))


# ------------------------------------------------------------------ price migrations


async def test_a_migration_knows_what_is_left_to_move(opened: Database) -> None:
    await written(
        opened, a_book("next", id="pb_2"), a_migration(), a_move("d_real"), a_move("d_sandbox", status="done")
    )
    async with opened.session() as session:
        found = await price_migration.named(session, "2027 list")
        assert found is not None
        assert found.id == "pm_1"
        assert await price_migration.named(session, "other") is None
        assert [row.deal_id for row in await price_migration.deals(session, "pm_1")] == ["d_real", "d_sandbox"]
        assert [row.deal_id for row in await price_migration.pending(session, "pm_1", 5)] == ["d_real"]
        assert await price_migration.counts(session, "pm_1") == {"pending": 1, "done": 1}
    done = {"status": "done", "after_minor": 12000, "at": NEXT}
    where = {"migration_id": "pm_1", "deal_id": "d_real", "status": "pending"}
    await written(opened, updates=(Update(PriceMigrationDealRow, done, where),))
    async with opened.session() as session:
        assert await price_migration.pending(session, "pm_1", 5) == []
