"""(c) A card that never pays: retries on days 1, 3, 5 and 7, suspension, cancellation; and money that comes afterwards."""

from embedded.temporal import TemporalServer
from sandbox.process import SandboxProcess
from tests.world import world

CUSTOMER = "ap@globex.example"
POSTED = {"deferred_revenue:team": -25000, "tax_payable": -4750}


async def test_retries_suspension_cancellation_and_money_for_an_ended_deal(
    database_url: str, temporal_server: TemporalServer, outside: SandboxProcess
) -> None:
    # the relay is what tells an ended deal of a bank line
    async with world(database_url, temporal_server.address, outside, relay=True) as w:
        account = await w.account(method_token="pm_card_chargeCustomerFail")
        deal = await w.sold(account)

        # 2027-01-02: billed, declined, and the customer is told
        await w.advance("2027-01-02T10:00:00Z")
        assert await w.standing(deal) == ("active", "payment")
        assert await w.steps(deal, "charge", "message") == [
            ("2027-01-02 10:00", "charge", 1),
            ("2027-01-02 10:00", "message", 1),
        ]

        # 2027-01-10: four more tries, each with its message after it; on the eighth day access is suspended
        await w.advance("2027-01-10T10:00:00Z")
        tries = [("2027-01-02", 1), ("2027-01-03", 2), ("2027-01-05", 3), ("2027-01-07", 4), ("2027-01-09", 5)]
        expected = [(f"{day} 10:00", kind, number) for day, number in tries for kind in ("charge", "message")]
        expected += [("2027-01-10 10:00", "suspend", 10), ("2027-01-10 10:00", "access", 0)]
        assert await w.steps(deal, "charge", "message", "suspend", "access") == expected
        assert await w.standing(deal) == ("suspended", "payment")
        assert await w.mails(deal) == [
            ("2027-01-02", CUSTOMER, "Invoice ACME-000001: 297.50 EUR"),
            ("2027-01-02", CUSTOMER, "Invoice ACME-000001 is due today"),
            ("2027-01-03", CUSTOMER, "Invoice ACME-000001 is overdue by 1 days"),
            ("2027-01-05", CUSTOMER, "Invoice ACME-000001 is overdue by 3 days"),
            ("2027-01-07", CUSTOMER, "Invoice ACME-000001 is overdue by 5 days"),
            ("2027-01-09", CUSTOMER, "Invoice ACME-000001 is overdue by 7 days"),
            ("2027-01-10", CUSTOMER, "Access suspended: invoice ACME-000001 is open"),
        ]
        assert [each["access"] for each in await w.effects("access.set")] == ["suspended"]
        keys = [each["key"] for each in await w.effects("charge.declined")]
        assert [key.rsplit("/", 1)[1] for key in keys] == ["1", "2", "3", "4", "5"]

        # 2027-02-01: thirty days after the first decline, the contract is cancelled and the deal is over
        await w.advance("2027-02-01T10:00:00Z")
        assert await w.standing(deal) == ("ended", "nothing")
        paper = ("ACME-000001", "2027-01-02", "2027-01-02", "2027-01-02", "2027-02-02", 29750)
        assert await w.invoices(deal) == [(*paper, "uncollectible")]
        assert await w.rows("SELECT stage, ends_on::text FROM contracts") == [("cancelled", "2027-02-01")]
        assert [each["access"] for each in await w.effects("access.set")] == ["suspended", "revoked"]
        assert (await w.mails(deal))[7:] == [
            ("2027-02-01", CUSTOMER, "Contract cancelled: invoice ACME-000001 was not paid")
        ]
        assert await w.balances() == {"accounts_receivable": 29750, **POSTED}
        await w.handle(deal).result()

        # 2027-02-20: what stayed owed is paid after all; the deal wakes, books it, and is over again
        await w.transfer(29750, on="2027-02-20", reference="ACME-000001")
        await w.advance("2027-02-21")
        assert await w.invoices(deal) == [(*paper, "paid")]
        assert await w.balances() == {"bank": 29750, **POSTED}
        assert await w.standing(deal) == ("ended", "nothing")
        ended = await w.handle(deal).result()
        assert ended["turn"] == await w.one("SELECT turn FROM deals")
        assert await w.one("SELECT count(*) FROM inbox WHERE kind = 'cash' AND status = 'taken'") == 1
        assert await w.one("SELECT text FROM timeline ORDER BY id DESC LIMIT 1") == (
            "Bank transfer of 297.50 EUR from Globex S.p.A.: 297.50 EUR pays ACME-000001"
        )
