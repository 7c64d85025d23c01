"""(b) A customer on terms is reminded, pays too little, then the rest; every date and amount is exact."""

from embedded.temporal import TemporalServer
from sandbox.process import SandboxProcess
from tests.world import world

CUSTOMER = "ap@globex.example"


async def test_reminders_a_short_payment_and_the_rest(
    database_url: str, temporal_server: TemporalServer, outside: SandboxProcess
) -> None:
    async with world(database_url, temporal_server.address, outside) as w:
        account = await w.account(method="transfer", method_token="")
        deal = await w.sold(account, method="transfer", net_days=30, interval_months=3)

        # 2027-01-02: the first quarter is billed, due in thirty days; nothing is charged anywhere
        await w.advance("2027-01-03")
        first = ("ACME-000001", "2027-01-02", "2027-02-01", "2027-01-02", "2027-04-02", 89250)
        assert await w.invoices(deal) == [(*first, "open")]
        assert await w.lines(deal) == [("ACME-000001", 1, "Acme Team", "20", 75000, "2027-01-02", "2027-04-02")]
        assert await w.standing(deal) == ("active", "payment")
        owed = {"accounts_receivable": 89250, "deferred_revenue:team": -75000, "tax_payable": -14250}
        assert await w.balances() == owed

        # 2027-02-09: reminded three days before, on the day, and a week after
        await w.advance("2027-02-09")
        reminded = [
            ("2027-01-02", CUSTOMER, "Invoice ACME-000001: 892.50 EUR"),
            ("2027-01-29", CUSTOMER, "Invoice ACME-000001 is due on 2027-02-01"),
            ("2027-02-01", CUSTOMER, "Invoice ACME-000001 is due today"),
            ("2027-02-08", CUSTOMER, "Invoice ACME-000001 is overdue by 7 days"),
        ]
        assert await w.mails(deal) == reminded

        # 2027-02-10: 500.00 come, naming the invoice
        await w.transfer(50000, on="2027-02-10", reference="Invoice acme 000001, part")
        await w.advance("2027-02-11")
        assert await w.invoices(deal) == [(*first, "open")]
        assert await w.balances() == {**owed, "accounts_receivable": 39250, "bank": 50000}
        assert await w.standing(deal) == ("active", "payment")

        # 2027-02-16: fifteen days late; the reminder asks for the rest alone
        await w.advance("2027-02-17")
        reminded.append(("2027-02-16", CUSTOMER, "Invoice ACME-000001 is overdue by 15 days"))
        assert await w.mails(deal) == reminded
        body = await w.one("SELECT body FROM mails WHERE subject LIKE '%15 days'")
        assert body.split("\n")[2].startswith("392.50 EUR of invoice ACME-000001 is overdue by 15 days.")

        # 2027-02-20: exactly the rest, from the same payer, without a word: it is matched by amount and payer
        await w.transfer(39250, on="2027-02-20")
        await w.advance("2027-02-21")
        assert await w.invoices(deal) == [(*first, "paid")]
        assert await w.balances() == {"bank": 89250, "deferred_revenue:team": -75000, "tax_payable": -14250}
        assert await w.standing(deal) == ("active", "next period")
        applied = await w.rows("SELECT amount_minor, applied_on::text FROM cash_applications ORDER BY applied_on")
        assert applied == [(50000, "2027-02-10"), (39250, "2027-02-20")]

        # 2027-04-02: no reminder, no suspension came of it; the second quarter follows
        await w.advance("2027-04-03")
        reminded.append(("2027-04-02", CUSTOMER, "Invoice ACME-000002: 892.50 EUR"))
        assert await w.mails(deal) == reminded
        second = ("ACME-000002", "2027-04-02", "2027-05-02", "2027-04-02", "2027-07-02", 89250, "open")
        assert await w.invoices(deal) == [(*first, "paid"), second]
        assert await w.effects("charge.captured", "access.set") == []
