"""(g) A quote is shown to its customer: three alternatives, one is picked; one expires while it is read; one is declined, and taken after all."""

from collections.abc import AsyncIterator

import pytest

from cli.audit_periods import every_due_bill_is_made_once, invoices_bill_what_was_agreed
from embedded.temporal import TemporalServer
from models.audit import Breach
from sandbox.process import SandboxProcess
from tests.place import DRAFT, SIGNER
from tests.reading import Reader
from tests.suite import ALTERNATIVES, LINKED, book_row
from tests.world import World, world

SALES = "sam@acme.example"


@pytest.fixture
async def w(database_url: str, temporal_server: TemporalServer, outside: SandboxProcess) -> AsyncIterator[World]:
    async with world(database_url, temporal_server.address, outside) as made:
        await made.add([book_row()])
        yield made


async def statuses(w: World) -> list[tuple[int, str, str]]:
    return await w.rows("SELECT version, status, alternative FROM quote_versions ORDER BY version")


async def audited(w: World) -> list[Breach]:
    """What `q2c audit` would say of the bills; nothing is what it should say."""
    async with w.database.session() as session:
        return [*await every_due_bill_is_made_once(session), *await invoices_bill_what_was_agreed(session)]


async def told(w: World, deal: str) -> list[tuple[str, str]]:
    """Date and words of what the customer said."""
    return await w.rows(
        "SELECT to_char(at AT TIME ZONE 'Europe/Berlin', 'YYYY-MM-DD'), text FROM timeline"
        " WHERE deal_id = :id AND cause = 'share' ORDER BY id",
        id=deal,
    )


async def test_the_customer_picks_the_third_of_three_alternatives(w: World) -> None:
    # 2027-01-01: three offers, the second is recommended; it needs no approval and is shown
    deal = await w.open(await w.account(), **ALTERNATIVES)
    await w.say(deal, "submit", {"version": 1})
    await w.settled(deal, "customer")
    assert await w.standing(deal) == ("signature", "customer")
    assert await w.mails(deal) == [("2027-01-01", SIGNER, "Globex: Acme Team: your quote from Acme GmbH")]
    reader = await Reader.of(w, deal)

    # 2027-01-04: read, and the best one is taken; its order form goes out at once
    await w.advance("2027-01-04")
    status, page = await reader.page()
    assert (status, page.count('name="alternative"')) == (200, 3)
    assert await reader.accept(alternative="best") == "accepted"
    await w.settled(deal, "signature")
    assert await statuses(w) == [(1, "out_for_signature", "best")]
    assert await told(w, deal) == [("2027-01-04", "Gina Globex accepted version 1 (best)")]

    # 2027-01-05: signed; what is booked and billed is what was picked: 50 seats, by the quarter
    await w.advance("2027-01-06")
    assert await w.rows("SELECT starts_on::text, ends_on::text FROM contract_terms") == [("2027-01-05", "2029-01-05")]
    assert await w.lines(deal) == [("ACME-000001", 1, "Seats", "50", 150_000, "2027-01-05", "2027-04-05")]

    # 2027-04-05: the second quarter in advance, the first one's support behind it
    await w.advance("2027-04-06")
    assert (await w.lines(deal))[1:] == [
        ("ACME-000002", 1, "Seats", "50", 150_000, "2027-04-05", "2027-07-05"),
        ("ACME-000002", 2, "Support", "1", 27_000, "2027-01-05", "2027-04-05"),
    ]

    # 2027-05-01: the roll-out is done, and invoiced by itself
    await w.advance("2027-05-01T08:00:00Z")
    await w.say(deal, "milestones/go-live/reach", by="finance")
    assert (await w.lines(deal))[3:] == [("ACME-000003", 1, "Roll-out", "1", 120_000, "2027-05-01", "2027-05-02")]
    await w.until("SELECT status FROM invoices WHERE occasion = 'go-live'", "paid")
    assert await w.one("SELECT count(*) FROM invoices WHERE occasion <> ''") == 1
    assert await audited(w) == []

    # 2029-01-05: two years on, the last quarter's support closes the term; nobody signs another
    await w.behave("signature", email=SIGNER, action="ignore")
    await w.advance("2029-03-01")
    assert (await w.lines(deal))[-1] == ("ACME-000010", 1, "Support", "1", 27_000, "2028-10-05", "2029-01-05")
    assert await w.standing(deal) == ("ended", "nothing")
    assert await audited(w) == []


async def test_a_quote_expires_while_it_is_being_read(w: World) -> None:
    # 2027-01-01: shown, for three days
    deal = await w.open(await w.account(), **LINKED, valid_days=3)
    await w.say(deal, "submit", {"version": 1})
    await w.settled(deal, "customer")
    reader = await Reader.of(w, deal)

    # 2027-01-04, a minute before the end: the page is open, its form is filled in slowly
    await w.advance("2027-01-04T08:59:00Z")
    nonce = await reader.form("accept")

    # 2027-01-04, a minute after: it is sent; nothing is accepted, nothing goes out
    await w.advance("2027-01-04T09:01:00Z")
    assert await w.standing(deal) == ("quote", "revision")
    answer = await w.api.post(f"{reader.path}/accept", data={"nonce": nonce, "name": "Gina", "agree": "yes"})
    assert answer.status_code == 410
    assert await statuses(w) == [(1, "expired", "")]
    assert await w.effects("envelope.sent") == []

    # 2027-01-05: sales quote anew; the old link says so, the new one can be accepted
    await w.advance("2027-01-05")
    await w.post(f"/v1/deals/{deal}/revise", {"draft": {**DRAFT, **LINKED}}, by="sales")
    await w.until("SELECT max(version) FROM quote_versions", 2)
    await w.say(deal, "submit", {"version": 2})
    await w.settled(deal, "customer")
    assert (await reader.page())[0] == 410
    assert await (await Reader.of(w, deal)).accept() == "accepted"
    await w.settled(deal, "signature")
    assert await statuses(w) == [(1, "superseded", ""), (2, "out_for_signature", "")]


async def test_a_customer_declines_and_returns(w: World) -> None:
    # 2027-01-01: shown
    deal = await w.open(await w.account(), **LINKED)
    await w.say(deal, "submit", {"version": 1})
    await w.settled(deal, "customer")
    reader = await Reader.of(w, deal)

    # 2027-01-08: too dear; it is sales' turn, and the reason is there
    await w.advance("2027-01-08T10:00:00Z")
    assert await reader.send("decline", reason="Too dear.") == "declined"
    assert await w.standing(deal) == ("quote", "revision")
    assert (await w.mails(deal))[1:] == [("2027-01-08", SALES, "Globex: Acme Team: version 1 declined")]

    # 2027-01-20: the customer thinks again; the version is still valid
    await w.advance("2027-01-20T10:00:00Z")
    assert await reader.accept() == "accepted"
    await w.settled(deal, "signature")
    assert await statuses(w) == [(1, "out_for_signature", "")]
    assert [said for _, said in await told(w, deal)] == [
        f"{SIGNER} declined version 1: Too dear.",
        "Gina Globex accepted version 1",
    ]

    # 2027-01-21: signed, in service, the set-up on the first invoice
    await w.advance("2027-01-22")
    assert await w.standing(deal) == ("active", "next period")
    assert [line[2:5] for line in await w.lines(deal)] == [("Seats", "20", 20_000), ("Set-up", "1", 50_000)]
