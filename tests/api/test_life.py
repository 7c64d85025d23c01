"""One deal's life through the API, on the real servers: from an opened quote to months of paid invoices, and what is refused on the way."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from embedded.temporal import TemporalServer
from tests.api.house import House, house


@pytest.fixture
async def whole(database_url: str, temporal_server: TemporalServer, tmp_path: Path) -> AsyncIterator[House]:
    async with house(database_url, temporal_server.address, tmp_path) as made:
        yield made


async def test_a_deal_from_quote_to_cash(whole: House) -> None:
    account = await whole.furnish()
    page = await whole.open(account)
    assert (page["stage"], page["waits_for"], page["orders"][0]["version"]) == ("quote", "submission", 1)
    assert page["orders"][0]["versions"][0]["total"] == {"minor": 300000, "currency": "EUR", "text": "3,000.00 EUR"}
    deal = page["id"]

    forecast = (await whole.as_["sales"].get(f"/v1/deals/{deal}/forecast")).json()
    bills = [step for step in forecast["steps"] if step["kind"] == "bill"]
    assert [bill["net"]["minor"] for bill in bills] == [25000] * 12
    assert forecast["net_total"]["minor"] == 300000

    submitted = await whole.as_["sales"].post(f"/v1/deals/{deal}/submit", {"version": 1})
    assert submitted.status_code == 200, submitted.text
    moved = await whole.advance("2027-04-15T00:00:00Z")
    assert (moved["now"], moved["reached"]) == ("2027-04-15T00:00:00Z", True)

    page = await whole.deal(deal)
    assert (page["stage"], page["parked"], page["collections"]) == ("active", "", [])
    assert page["contract"]["starts_on"] == "2027-01-02"
    assert page["coming"][0]["kind"] == "bill"
    assert page["coming"][0]["at"] == "2027-05-01T22:00:00Z"

    invoices = (await whole.as_["finance"].get("/v1/invoices", deal=deal)).json()["items"]
    assert [(i["number"], i["issued_on"], i["status"], i["total"]["minor"]) for i in invoices] == [
        ("ACME-DE-000001", "2027-01-02", "paid", 29750),
        ("ACME-DE-000002", "2027-02-02", "paid", 29750),
        ("ACME-DE-000003", "2027-03-02", "paid", 29750),
        ("ACME-DE-000004", "2027-04-02", "paid", 29750),
    ]
    payments = (await whole.as_["finance"].get("/v1/payments", deal=deal)).json()["items"]
    assert [payment["amount"]["minor"] for payment in payments] == [29750] * 4
    balance = (await whole.as_["finance"].get("/v1/journal/trial-balance", entity="trial")).json()
    assert sum(row["balance"]["minor"] for row in balance) == 0

    paper = await whole.as_["finance"].get(f"/v1/invoices/{invoices[0]['id']}/pdf")
    again = await whole.as_["finance"].get(f"/v1/invoices/{invoices[0]['id']}/pdf")
    assert paper.content[:5] == b"%PDF-"
    assert paper.content == again.content
    form = await whole.as_["sales"].get(f"/v1/quote-versions/{page['orders'][0]['versions'][0]['id']}/pdf")
    assert form.content[:5] == b"%PDF-"

    first = (await whole.as_["sales"].get(f"/v1/deals/{deal}/timeline", limit=5)).json()
    assert [line["turn"] for line in first["items"]] == [0, 1, 2, 3, 4]
    rest = (await whole.as_["sales"].get(f"/v1/deals/{deal}/timeline", cursor=first["next_cursor"])).json()
    assert rest["next_cursor"] is None
    contracts = (await whole.as_["sales"].get("/v1/contracts", account=account)).json()["items"]
    assert [contract["deal_id"] for contract in contracts] == [deal]
