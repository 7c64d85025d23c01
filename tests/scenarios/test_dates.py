"""(g) Money that fails five days late, and anchors at the end of a month."""

import itertools
from datetime import UTC, datetime

from embedded.temporal import TemporalServer
from sandbox.process import SandboxProcess
from tests.world import world

CUSTOMER = "ap@globex.example"


async def test_a_bank_debit_fails_after_five_days_and_then_succeeds(
    database_url: str, temporal_server: TemporalServer, outside: SandboxProcess
) -> None:
    async with world(database_url, temporal_server.address, outside) as w:
        deal = await w.sold(await w.account(method_token="pm_sepaDebit"))
        await w.behave("card", email=CUSTOMER, script=["insufficient_funds", "succeed"])

        # 2027-01-02: under way; neither paid nor declined
        await w.advance("2027-01-07T08:59:00Z")
        assert await w.standing(deal) == ("active", "payment")
        attempts = "SELECT attempt, status, code, settled_at::date::text FROM payment_attempts ORDER BY attempt"
        assert await w.rows(attempts) == [(1, "pending", "", None)]
        owed = {"accounts_receivable": 29750, "deferred_revenue:team": -25000, "tax_payable": -4750}
        assert await w.balances() == owed

        # 2027-01-07, 10:00: the bank says no; a message the same day, the next try the day after
        await w.advance("2027-01-12")
        assert await w.rows(attempts) == [
            (1, "declined", "insufficient_funds", "2027-01-07"),
            (2, "pending", "", None),
        ]
        assert await w.steps(deal, "charge", "message") == [
            ("2027-01-02 10:00", "charge", 1),
            ("2027-01-07 10:00", "message", 1),
            ("2027-01-08 10:00", "charge", 2),
        ]
        assert await w.balances() == owed

        # 2027-01-13, 10:00: paid, and the dunning is over
        await w.advance("2027-02-01")
        assert await w.rows(attempts) == [
            (1, "declined", "insufficient_funds", "2027-01-07"),
            (2, "captured", "", "2027-01-13"),
        ]
        assert await w.rows("SELECT received_on::text, amount_minor FROM receipts") == [("2027-01-13", 29750)]
        assert await w.balances() == {"cash_clearing": 29750, "deferred_revenue:team": -25000, "tax_payable": -4750}
        assert await w.standing(deal) == ("active", "next period")
        assert len(await w.mails(deal)) == 2


async def test_months_end_where_they_end(
    database_url: str, temporal_server: TemporalServer, outside: SandboxProcess
) -> None:
    """Signed on 31 January of a leap year: every period counts from that day, none from the one before."""
    begins = datetime(2028, 1, 30, 9, tzinfo=UTC)
    async with world(database_url, temporal_server.address, outside, starts_at=begins) as w:
        monthly = await w.sold(await w.account())
        quarterly = await w.sold(await w.account(), interval_months=3)
        await w.advance("2028-08-31T12:00:00Z")
        days = ["2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31", "2028-06-30", "2028-07-31",
                "2028-08-31", "2028-09-30"]  # fmt: skip
        assert [each[3:5] for each in await w.invoices(monthly)] == list(itertools.pairwise(days))
        assert [each[1:5] for each in await w.invoices(quarterly)] == [
            ("2028-01-31", "2028-01-31", "2028-01-31", "2028-04-30"),
            ("2028-04-30", "2028-04-30", "2028-04-30", "2028-07-31"),
            ("2028-07-31", "2028-07-31", "2028-07-31", "2028-10-31"),
        ]


async def test_the_twenty_ninth_of_february_comes_back(
    database_url: str, temporal_server: TemporalServer, outside: SandboxProcess
) -> None:
    begins = datetime(2028, 2, 28, 9, tzinfo=UTC)
    async with world(database_url, temporal_server.address, outside, starts_at=begins) as w:
        deal = await w.sold(await w.account(), interval_months=12, auto_renew=True)
        await w.advance("2032-03-01")
        assert [(each[0], *each[3:6]) for each in await w.invoices(deal)] == [
            ("ACME-000001", "2028-02-29", "2029-02-28", 357000),
            ("ACME-000002", "2029-02-28", "2030-02-28", 357000),
            ("ACME-000003", "2030-02-28", "2031-02-28", 357000),
            ("ACME-000004", "2031-02-28", "2032-02-29", 357000),
            ("ACME-000005", "2032-02-29", "2033-02-28", 357000),
        ]
