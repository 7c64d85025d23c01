"""(a) A card pays every month, and the contract renews by silence with its uplift."""

from collections.abc import AsyncIterator

import pytest

from embedded.temporal import TemporalServer
from sandbox.process import SandboxProcess
from tests.world import World, world

CUSTOMER = "ap@globex.example"


@pytest.fixture
async def w(database_url: str, temporal_server: TemporalServer, outside: SandboxProcess) -> AsyncIterator[World]:
    async with world(database_url, temporal_server.address, outside) as made:
        yield made


def invoice(number: int, start: str, end: str, total_minor: int = 29750) -> tuple[object, ...]:
    return (f"ACME-{number:06d}", start, start, start, end, total_minor, "paid")


async def test_a_year_by_card_and_a_renewal_by_silence(w: World) -> None:
    account = await w.account()
    deal = await w.open(account, auto_renew=True, uplift_percent="5")

    # 2027-01-01, 10:00 in Berlin: quoted, 20 seats at 12.50; nothing is posted yet
    assert await w.standing(deal) == ("quote", "submission")
    assert await w.rows("SELECT version, status, total_minor, acv_minor FROM quote_versions") == [
        (1, "priced", 300_000, 300_000)
    ]
    await w.say(deal, "submit", {"version": 1})
    await w.settled(deal, "signature")

    # 2027-01-02, 10:00: signed, provisioned, in service, billed and paid within the same instant
    await w.advance("2027-01-03")
    assert await w.standing(deal) == ("active", "next period")
    assert await w.steps(deal) == [
        ("2027-01-01 10:00", "price", 1),
        ("2027-01-01 10:00", "send", 1),
        *[("2027-01-02 10:00", kind, number) for kind, number in (
            ("book", 1), ("provision", 0), ("provision", 1), ("provision", 2), ("activate", 1), ("bill", 0), ("charge", 1)
        )],
    ]  # fmt: skip
    assert await w.invoices(deal) == [invoice(1, "2027-01-02", "2027-02-02")]
    assert await w.lines(deal) == [("ACME-000001", 1, "Acme Team", "20", 25000, "2027-01-02", "2027-02-02")]
    assert await w.balances() == {"cash_clearing": 29750, "deferred_revenue:team": -25000, "tax_payable": -4750}
    assert await w.mails(deal) == [("2027-01-02", CUSTOMER, "Invoice ACME-000001: 297.50 EUR")]

    # 2027-02-02, midnight in Berlin: the second month, not an instant before
    await w.advance("2027-02-01T22:59:59Z")
    assert len(await w.invoices(deal)) == 1
    await w.advance("2027-02-01T23:00:00Z")
    assert (await w.invoices(deal))[1:] == [invoice(2, "2027-02-02", "2027-03-02")]

    # 2027-12-03: thirty days before the end, the renewal is announced at 5 % more
    await w.advance("2027-12-03")
    assert len(await w.invoices(deal)) == 12
    assert await w.rows("SELECT order_number, status, total_minor FROM quote_versions ORDER BY order_number") == [
        (1, "booked", 300_000),
        (2, "noticed", 315_000),
    ]
    assert (await w.mails(deal))[12:] == [
        ("2027-12-03", CUSTOMER, "Globex: Acme Team: your contract renews on 2028-01-02")
    ]

    # 2028-01-02: nobody said a word; the second term goes on where the first ended, no gap, no overlap
    await w.advance("2028-02-03")
    assert await w.standing(deal) == ("active", "next period")
    assert (await w.invoices(deal))[11:] == [
        invoice(12, "2027-12-02", "2028-01-02"),
        invoice(13, "2028-01-02", "2028-02-02", 31238),  # 262.50 and 49.88 of tax: half a cent goes up
        invoice(14, "2028-02-02", "2028-03-02", 31238),
    ]
    assert await w.rows("SELECT term, starts_on::text, ends_on::text FROM contract_terms ORDER BY term") == [
        (1, "2027-01-02", "2028-01-02"),
        (2, "2028-01-02", "2029-01-02"),
    ]
    assert await w.balances() == {
        "cash_clearing": 12 * 29750 + 2 * 31238,
        "deferred_revenue:team": -(12 * 25000 + 2 * 26250),
        "tax_payable": -(12 * 4750 + 2 * 4988),
    }
    captured = await w.effects("charge.captured")
    assert [each["amount_minor"] for each in captured] == [29750] * 12 + [31238] * 2
    assert (await w.page(deal))["parked"] == ""


async def test_every_mail_leaves_once_with_its_paper(w: World) -> None:
    account = await w.account(email="papers@globex.example")
    deal = await w.sold(account)
    await w.advance("2027-01-03")
    relay = w.app.state.relay
    while await w.one("SELECT count(*) FROM mails WHERE deal_id = :id AND sent_at IS NULL", id=deal):
        await relay.once()
    await relay.once()
    answer = await w.http.get("/control/mails", params={"to": "papers@globex.example"})
    (mail,) = answer.json()["mails"]
    assert mail["subject"] == "Invoice ACME-000001: 297.50 EUR"
    assert await w.rows("SELECT at = sent_at, error FROM mails WHERE deal_id = :id", id=deal) == [(True, "")]
    assert mail.get("ref", mail)
    assert len(mail["attachments"]) == 1
