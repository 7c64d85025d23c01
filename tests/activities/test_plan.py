"""A contract bills by its plan: in advance, in arrears, at once, when a milestone is reached; it renews what recurs, and moves to new prices."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from domain.billing_plan import preview
from domain.message import Cancel, Reach, Reprice, Respond, Submit, Verdict
from domain.quote_version import offer
from domain.step import StepKind
from models.price_migration import PriceMigrationDealRow, PriceMigrationRow
from sandbox.process import SandboxProcess
from tests.activities.hand import SALES, Hand, hand
from tests.suite import ALTERNATIVES, LINKED, ROLLOUT, SEATS, SETUP, SUPPORT, book_row

INVOICES = "SELECT term, period_no, occasion, issued_on::text, net_minor FROM invoices ORDER BY sequence"
BILLED = "SELECT i.period_no, l.description, l.amount_minor, l.period_start::text FROM invoice_lines l JOIN invoices i ON i.id = l.invoice_id ORDER BY i.sequence, l.line_no"


@pytest.fixture
async def h(database_url: str, outside: SandboxProcess) -> AsyncIterator[Hand]:
    async with hand(database_url, outside) as made:
        await made.place.add([book_row(), book_row(factor=2, version=2, valid_from="2027-02-01")])
        yield made


async def sold(h: Hand, *, choose: str = "", **draft: Any) -> None:
    """Shown, accepted, signed, in service, all at once."""
    await h.revise(**draft)
    await h.say(Submit(version=1))
    order = h.deal.orders[0]
    if order.stage == "presented":
        said = Respond(
            version=1,
            content_hash=order.content_hash,
            share_id=order.share_id,
            answer="accept",
            alternative=choose,
            name="Gina",
        )
        assert (await h.say(said)).verdict is Verdict.ACCEPTED
    await h.signed()


async def billed(h: Hand) -> list[tuple[Any, ...]]:
    """Day and net amount of each invoice of the calendar."""
    return await h.place.rows("SELECT issued_on, net_minor FROM invoices WHERE occasion = '' ORDER BY sequence")


async def test_every_kind_of_charge_is_billed_in_its_time_and_as_previewed(h: Hand) -> None:
    await sold(h, **LINKED, term_months=3, notice_days=10)
    (content,) = (await h.place.rows("SELECT content FROM quote_versions"))[0]
    planned = preview(offer(content), anchor=date(2027, 1, 1))
    await h.until("2027-01-15")
    assert (await h.say(Reach(milestone="go-live"))).verdict is Verdict.ACCEPTED
    assert h.kinds()[-3:] == [StepKind.TAKE, StepKind.MILESTONE, StepKind.CHARGE]
    await h.until("2027-05-01")
    assert await h.place.rows(INVOICES) == [
        (1, 0, "", "2027-01-01", 20_000 + 50_000),
        (1, 0, "go-live", "2027-01-15", 120_000),
        (1, 1, "", "2027-02-01", 20_000 + 9_000),
        (1, 2, "", "2027-03-01", 20_000 + 9_000),
        (1, 3, "", "2027-04-01", 9_000),
    ]
    assert [(each.on, each.net_minor) for each in planned] == await billed(h)
    assert h.deal.closed == "the term ended"
    assert (await h.place.rows(BILLED))[-1] == (3, "Support", 9_000, "2027-03-01")
    again = await h.say(Reach(milestone="go-live"))
    assert (again.verdict, again.error) == (Verdict.REFUSED, "DealClosed")


async def test_a_milestone_is_reached_once_and_only_one_that_was_agreed(h: Hand) -> None:
    await sold(h, **LINKED)
    assert (await h.say(Reach(milestone="never"))).error == "UnknownMilestone"
    await h.say(Reach(milestone="go-live"))
    assert (await h.say(Reach(milestone="go-live"))).error == "UnknownMilestone"
    assert await h.place.one("SELECT count(*) FROM invoices WHERE occasion <> ''") == 1


async def test_a_contract_in_arrears_alone_bills_nothing_at_first_and_is_closed_at_its_end(h: Hand) -> None:
    await sold(h, price_book="suite-eur", lines=[SUPPORT], term_months=2)
    assert await h.place.rows(INVOICES) == []
    assert h.deal.collections == ()
    await h.until("2027-04-01")
    assert await h.place.rows(INVOICES) == [(1, 1, "", "2027-02-01", 9_000), (1, 2, "", "2027-03-01", 9_000)]
    assert h.deal.closed == "the term ended"


async def test_who_cancels_pays_what_is_owed_in_arrears_and_nothing_more(h: Hand) -> None:
    await sold(h, **LINKED)
    await h.until("2027-02-10")
    await h.say(Cancel(reason="moves away"))
    await h.until("2027-06-01")
    assert await h.place.rows(INVOICES) == [
        (1, 0, "", "2027-01-01", 70_000),
        (1, 1, "", "2027-02-01", 29_000),
        (1, 2, "", "2027-03-01", 9_000),  # February's support, when service ended with what was paid for
    ]
    assert h.deal.closed == "moves away"


async def test_after_the_last_reminder_nothing_more_is_billed(h: Hand) -> None:
    await h.place.behave("card", email="ap@globex.example", script=["succeed", "insufficient_funds"])
    await sold(h, **LINKED)
    await h.until("2027-06-01")
    assert h.deal.closed == "not paid"
    # February was declined; the contract ends in March, whose support is not billed any more
    assert [net for _, net in await billed(h)] == [70_000, 29_000, 29_000]


async def test_a_line_that_starts_later_bills_its_part_of_the_period(h: Hand) -> None:
    await sold(
        h, price_book="suite-eur", lines=[SEATS, {**SEATS, "start": "2027-01-17"}, {**SETUP, "start": "2027-02-10"}]
    )
    await h.until("2027-03-02")
    assert await h.place.rows(BILLED) == [
        (0, "Seats", 20_000, "2027-01-01"),
        (0, "Seats", 9_677, "2027-01-17"),  # 15 of 31 days
        (1, "Seats", 20_000, "2027-02-01"),
        (1, "Seats", 20_000, "2027-02-01"),
        (2, "Seats", 20_000, "2027-03-01"),
        (2, "Seats", 20_000, "2027-03-01"),
        (2, "Set-up", 50_000, "2027-03-01"),
    ]


async def test_a_renewal_repeats_what_recurs_as_it_was_last(h: Hand) -> None:
    ramp = {"product": "seats", "ramp": [{"months": 1, "quantity": 10}, {"months": 1, "quantity": 30}]}
    await sold(
        h, price_book="suite-eur", lines=[ramp, SUPPORT, SETUP, ROLLOUT], term_months=2, auto_renew=True,
        uplift_percent="10", notice_days=5,
    )  # fmt: skip
    await h.until("2027-04-02")
    assert await billed(h) == [
        (date(2027, 1, 1), 10_000 + 50_000),
        (date(2027, 2, 1), 30_000 + 9_000),
        (date(2027, 3, 1), 9_000),  # the first term's last arrears
        (date(2027, 3, 1), 33_000),
        (date(2027, 4, 1), 33_000 + 9_900),
    ]
    await h.say(Reach(milestone="go-live"))  # of the first term, reached in the second
    assert await h.place.rows("SELECT term, net_minor FROM invoices WHERE occasion = 'go-live'") == [(1, 120_000)]


async def test_a_renewal_that_must_be_signed_is_shown_by_a_link_of_its_own(h: Hand) -> None:
    await sold(h, **LINKED, term_months=2, notice_days=20)
    await h.until("2027-02-10")
    order = h.deal.orders[0]
    assert (order.stage, order.terms.delivery if order.terms else "") == ("presented", "link")
    assert await h.place.rows("SELECT waits_for, who FROM deals") == [("renewal customer", "the customer")]
    said = Respond(
        version=1, content_hash=order.content_hash, share_id=order.share_id, answer="accept", name="Gina"
    )  # fmt: skip
    assert (await h.say(said)).verdict is Verdict.ACCEPTED
    await h.signed()
    await h.until("2027-03-02")
    assert (await billed(h))[-2:] == [(date(2027, 3, 1), 9_000), (date(2027, 3, 1), 20_000)]
    statuses = "SELECT order_number, kind, status FROM quote_versions ORDER BY order_number"
    assert await h.place.rows(statuses) == [(1, "quote", "booked"), (2, "renewal", "booked")]


async def test_what_never_recurs_is_not_renewed(h: Hand) -> None:
    await sold(h, price_book="suite-eur", lines=[SETUP, ROLLOUT], term_months=2, auto_renew=True, notice_days=20)
    await h.until("2027-03-02")
    assert (h.deal.closed, [net for _, net in await billed(h)]) == ("the term ended", [50_000])


async def test_a_draft_that_names_no_price_book_is_priced_from_the_one_for_the_customer(h: Hand) -> None:
    dear = book_row(factor=3)
    dear.id, dear.name, dear.segments = "pb_enterprise", "suite-enterprise", ["enterprise"]
    dear.content = {**dear.content, "name": dear.name, "segments": ["enterprise"]}
    await h.place.add([dear])
    async with h.place.database.transaction() as session:
        await session.execute(text("UPDATE accounts SET segment = 'enterprise'"))
    await h.revise(price_book="", lines=[SEATS])
    assert await h.place.rows("SELECT price_book_id, total_minor FROM quote_versions") == [("pb_enterprise", 720_000)]


async def test_a_chosen_alternative_is_billed(h: Hand) -> None:
    await sold(h, **ALTERNATIVES, choose="best")
    await h.until("2027-04-02")
    assert await billed(h) == [(date(2027, 1, 1), 150_000), (date(2027, 4, 1), 150_000 + 27_000)]


async def test_a_price_migration_moves_the_rest_of_the_term(h: Hand) -> None:
    await sold(h, **LINKED, term_months=6)
    await h.until("2027-02-10")
    migration = PriceMigrationRow(
        id="pm_1", name="2027", from_book_id="pb_suite-eur_1", to_book_id="pb_suite-eur_2", content={},
        created_by=SALES, created_at=h.deal.clock.now,
    )  # fmt: skip
    place = PriceMigrationDealRow(migration_id="pm_1", deal_id=h.deal.id, before_minor=0, after_minor=0)
    await h.place.add([migration, place])
    assert (await h.say(Reprice(migration_id="pm_1"))).verdict is Verdict.ACCEPTED
    figures = "SELECT status, before_minor, after_minor, rest_before_minor, rest_after_minor, error FROM price_migration_deals"
    assert await h.place.rows(figures) == [("done", 29_000, 58_000, 116_000, 232_000, "")]
    await h.until("2027-04-02")
    assert await billed(h) == [
        (date(2027, 1, 1), 70_000),
        (date(2027, 2, 1), 29_000),
        (date(2027, 3, 1), 40_000 + 9_000),  # February's support at the old price
        (date(2027, 4, 1), 40_000 + 18_000),
    ]
    versions = "SELECT version, kind, status, price_book_id FROM quote_versions ORDER BY version"
    assert await h.place.rows(versions) == [
        (1, "quote", "booked", "pb_suite-eur_1"),
        (2, "migration", "booked", "pb_suite-eur_2"),
    ]
    await h.say(Reprice(migration_id="pm_1"))  # a second time: nothing is moved twice
    assert await h.place.one("SELECT count(*) FROM quote_versions") == 2
    unknown = await h.say(Reprice(migration_id="pm_9"))
    assert unknown.verdict is Verdict.ACCEPTED
    assert (await h.place.rows("SELECT text FROM timeline ORDER BY id DESC LIMIT 1")) == [
        ("Price migration unknown: the contract keeps its prices: pm_9 is no price migration of this deal",)
    ]
