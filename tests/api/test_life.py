"""One deal's life through the API, on the real servers: from an opened quote to months of paid invoices, and what is refused on the way."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from embedded.temporal import TemporalServer
from tests.api.conftest import ACCOUNT, Caller
from tests.api.house import DRAFT, House, house


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


async def test_a_discount_is_approved_by_somebody_of_the_group_who_is_not_the_owner(whole: House) -> None:
    account = await whole.furnish()
    page = await whole.open(account, discount_percent="15")
    deal, version = page["id"], page["orders"][0]["versions"][0]
    early = await whole.as_["deal_desk"].post(
        f"/v1/deals/{deal}/decide", {"version": 1, "approve": True, "reason": "yes"}
    )
    assert early.status_code == 409
    assert (await whole.as_["deal_desk"].get("/v1/approvals")).json() == []

    submitted = (await whole.as_["sales"].post(f"/v1/deals/{deal}/submit", {"version": 1})).json()
    assert (submitted["stage"], submitted["waits_for"], submitted["who"]) == (
        "approval",
        "approval",
        "dana@acme.example",
    )
    waiting = (await whole.as_["deal_desk"].get("/v1/approvals")).json()
    assert [(w["deal_id"], w["version"], w["content_hash"], w["discount_percent"], w["own"]) for w in waiting] == [
        (deal, 1, version["content_hash"], "15", False)
    ]
    assert (await whole.as_["sales"].get("/v1/approvals")).json() == []

    said = {"version": 1, "approve": True, "reason": "strategic"}
    own = await whole.as_["admin"].post(
        "/v1/keys", {"person": "sam@acme.example", "role": "deal_desk", "groups": ["sales_manager"]}
    )
    other = await whole.as_["admin"].post(
        "/v1/keys", {"person": "eve@acme.example", "role": "deal_desk", "groups": ["legal"]}
    )
    before = await whole.deal(deal)
    for secret, type_ in ((own.json()["key"], "OwnDeal"), (other.json()["key"], "WrongGroup")):
        refused = await Caller(whole.client, secret).post(f"/v1/deals/{deal}/decide", said)
        assert (refused.status_code, refused.json()["type"]) == (403, f"urn:q2c:problem:{type_}")
    for changes in ({"version": 2}, {"content_hash": "0" * 64}):
        refused = await whole.as_["deal_desk"].post(f"/v1/deals/{deal}/decide", {**said, **changes})
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:q2c:problem:SupersededVersion")
    after = await whole.deal(deal)
    assert {**after, "turn": 0} == {**before, "turn": 0}  # each refusal is a turn and a line of the timeline, no more

    approved = await whole.as_["deal_desk"].post(f"/v1/deals/{deal}/decide", said, key="yes-1")
    again = await whole.as_["deal_desk"].post(f"/v1/deals/{deal}/decide", said, key="yes-1")
    assert approved.status_code == 200, approved.text
    assert again.content == approved.content
    assert approved.json()["stage"] == "signature"
    assert approved.json()["orders"][0]["approvals"][0]["decided_by"] == "dana@acme.example"


async def test_a_rejected_deal_is_revised_and_only_by_its_owner(whole: House) -> None:
    account = await whole.furnish()
    page = await whole.open(account, discount_percent="40")
    deal = page["id"]
    await whole.submit(deal)
    said = {"version": 1, "approve": False, "reason": "too much"}
    rejected = (await whole.as_["deal_desk"].post(f"/v1/deals/{deal}/decide", said)).json()
    order = rejected["orders"][0]
    assert (rejected["stage"], order["stage"], order["reason"]) == ("quote", "rejected", "too much")

    key = await whole.as_["admin"].post("/v1/keys", {"person": "eve@acme.example", "role": "sales"})
    stranger = Caller(whole.client, key.json()["key"])
    for path, body in (
        ("revise", {"draft": DRAFT}),
        ("submit", {"version": 1}),
        ("withdraw", {"reason": "mine"}),
    ):
        refused = await stranger.post(f"/v1/deals/{deal}/{path}", body)
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:q2c:problem:NotTheOwner")

    bad = await whole.as_["sales"].post(f"/v1/deals/{deal}/revise", {"draft": {**DRAFT, "currency": "USD"}})
    assert (bad.status_code, bad.json()["type"]) == (422, "urn:q2c:problem:DealCurrencyMismatch")
    revised = (await whole.as_["sales"].post(f"/v1/deals/{deal}/revise", {"draft": DRAFT})).json()
    assert [version["version"] for version in revised["orders"][0]["versions"]] == [1, 2]
    stale = await whole.as_["sales"].post(f"/v1/deals/{deal}/submit", {"version": 1})
    assert (stale.status_code, stale.json()["type"]) == (409, "urn:q2c:problem:SupersededVersion")
    submitted = await whole.as_["sales"].post(f"/v1/deals/{deal}/submit", {"version": 2})
    assert submitted.json()["stage"] == "signature"
    withdrawn = await whole.as_["sales"].post(f"/v1/deals/{deal}/withdraw", {"reason": "later"})
    assert withdrawn.json()["orders"][0]["stage"] == "withdrawn"


async def test_an_expired_quote_is_not_submitted(whole: House) -> None:
    account = await whole.furnish()
    deal = (await whole.open(account, valid_days=10))["id"]
    await whole.advance("2027-01-20T00:00:00Z")
    page = await whole.deal(deal)
    assert page["orders"][0]["stage"] == "expired"
    refused = await whole.as_["sales"].post(f"/v1/deals/{deal}/submit", {"version": 1})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:q2c:problem:OrderNotOpen")
    assert {**await whole.deal(deal), "turn": 0} == {**page, "turn": 0}


async def test_a_transfer_pays_on_its_day(whole: House) -> None:
    account = await whole.furnish(method="transfer")
    deal = (await whole.open(account, method="transfer", net_days=30))["id"]
    await whole.submit(deal)
    await whole.advance("2027-01-10T00:00:00Z")
    invoice = (await whole.as_["finance"].get("/v1/invoices", deal=deal)).json()["items"][0]
    assert (invoice["status"], invoice["issued_on"], invoice["due_on"]) == ("open", "2027-01-02", "2027-02-01")
    bank_account = (await whole.as_["ops"].get("/v1/entities/trial")).json()["bank_account"]
    transfer = {
        "account": "trial",
        "to_account": bank_account,
        "payer": "Globex S.p.A.",
        "reference": invoice["number"],
        "amount_minor": invoice["total"]["minor"],
        "currency": "EUR",
        "on": "2027-01-18",
    }
    async with httpx.AsyncClient(base_url=whole.outside.url, trust_env=False) as client:
        ordered = await client.post("/bank/transfers", json=transfer, headers={"Authorization": "Bearer sk_trial"})
    assert ordered.status_code in {200, 201}, ordered.text
    await whole.advance("2027-01-25T00:00:00Z")
    paid = (await whole.as_["finance"].get(f"/v1/invoices/{invoice['id']}")).json()
    assert (paid["status"], paid["paid"]["minor"]) == ("paid", 29750)
    receipts = (await whole.as_["finance"].get("/v1/payments", deal=deal)).json()["items"]
    assert [(r["source"], r["received_on"]) for r in receipts] == [("bank", "2027-01-18")]
    timeline = (await whole.as_["finance"].get(f"/v1/deals/{deal}/timeline", limit=200)).json()["items"]
    came = [line["at"][:10] for line in timeline if line["actor"] == "bank"]
    assert came == ["2027-01-18"]


async def test_deals_are_listed_by_what_they_are(whole: House) -> None:
    account = await whole.furnish()
    ids = [(await whole.open(account))["id"] for _ in range(3)]
    await whole.submit(ids[0])

    async def listed(**wanted: object) -> set[str]:
        answer = await whole.as_["ops"].get("/v1/deals", **wanted)
        assert answer.status_code == 200, answer.text
        return {deal["id"] for deal in answer.json()["items"]}

    assert await listed() == set(ids)
    assert await listed(stage="signature") == {ids[0]}
    assert await listed(stage="quote", owner="sam@acme.example", account=account, entity="trial") == set(ids[1:])
    assert await listed(waits_for="submission") == set(ids[1:])
    assert await listed(owner="dana@acme.example") == set()
    assert await listed(parked="true") == set()
    assert await listed(parked="false", opened_after="2027-01-01T00:00:00Z") == set(ids)
    assert await listed(opened_before="2027-01-01T00:00:00Z") == set()
    first = (await whole.as_["ops"].get("/v1/deals", limit=2)).json()
    second = (await whole.as_["ops"].get("/v1/deals", limit=2, cursor=first["next_cursor"])).json()
    assert [deal["id"] for deal in first["items"] + second["items"]] == sorted(ids, reverse=True)
    unknown = await whole.as_["ops"].get("/v1/deals", colour="red")
    assert unknown.status_code == 422


async def test_what_is_parked_is_retried_or_cancelled_by_ops(whole: House) -> None:
    account = await whole.furnish()
    broken = {
        "party": "provisioner",
        "account": "trial",
        "email": ACCOUNT["email"],
        "fail_step": "users",
        "times": 1,
        "for_good": True,
    }
    await whole.control("behaviour", broken)
    deal = (await whole.open(account))["id"]
    nothing = await whole.as_["ops"].post(f"/v1/deals/{deal}/retry")
    assert (nothing.status_code, nothing.json()["type"]) == (409, "urn:q2c:problem:NothingToRetry")
    await whole.submit(deal)
    await whole.advance("2027-01-05T00:00:00Z")
    page = await whole.deal(deal)
    assert (page["stage"], page["waits_for"], page["who"]) == ("provisioning", "operator", "ops")
    assert "rolled back" in page["parked"]
    listed = (await whole.as_["ops"].get("/v1/deals", parked="true")).json()["items"]
    assert [item["id"] for item in listed] == [deal]
    retried = await whole.as_["ops"].post(f"/v1/deals/{deal}/retry")
    assert retried.status_code == 200, retried.text
    await whole.advance("2027-01-06T00:00:00Z")
    assert (await whole.deal(deal))["stage"] == "active"
    cancelled = await whole.as_["ops"].post(f"/v1/deals/{deal}/cancel", {"reason": "moved away"})
    assert cancelled.status_code == 200, cancelled.text
    await whole.advance("2027-03-01T00:00:00Z")
    page = await whole.deal(deal)
    assert (page["stage"], page["contract"]["access"]) == ("ended", "revoked")
    late = await whole.as_["sales"].post(f"/v1/deals/{deal}/submit", {"version": 1})
    assert (late.status_code, late.json()["type"]) == (409, "urn:q2c:problem:DealClosed")


async def test_a_move_that_a_crash_cut_off_is_finished_by_the_next(whole: House) -> None:
    account = await whole.furnish()
    deal = (await whole.open(account))["id"]
    await whole.submit(deal)
    await whole.advance("2027-01-10T00:00:00Z")
    async with whole.database.transaction() as session:  # the clock had moved, its day's work was not done
        moved = text("UPDATE legal_entities SET clock_at = '2027-02-01T23:00:00Z' WHERE id = 'trial'")
        await (await session.connection()).execute(moved)
    assert (await whole.advance("2027-02-10T00:00:00Z"))["reached"] is True
    invoices = (await whole.as_["finance"].get("/v1/invoices", deal=deal)).json()["items"]
    assert [(i["issued_on"], i["status"]) for i in invoices] == [("2027-01-02", "paid"), ("2027-02-02", "paid")]


async def test_each_event_of_the_outside_has_its_effect_once(whole: House) -> None:
    """Doubled, late and shuffled webhooks, lost answers: the books say what the gateway's own log says."""
    await whole.control(
        "faults", {"faults": "lost=0.1,error=0.1,hook_dup=0.5,hook_late=0.3,hook_shuffle=0.5", "seed": 7}
    )
    account = await whole.furnish()
    deal = (await whole.open(account))["id"]
    await whole.submit(deal)
    await whole.advance("2027-06-15T00:00:00Z")
    invoices = (await whole.as_["finance"].get("/v1/invoices", deal=deal)).json()["items"]
    assert [(i["issued_on"], i["status"], i["paid"]["minor"]) for i in invoices] == [
        (f"2027-0{month}-02", "paid", 29750) for month in range(1, 7)
    ]
    receipts = (await whole.as_["finance"].get("/v1/payments", deal=deal)).json()["items"]
    async with httpx.AsyncClient(base_url=whole.outside.url, trust_env=False) as client:
        intents = await client.get("/stripe/v1/payment_intents?limit=100", headers={"Authorization": "Bearer sk_trial"})
    captured = {intent["id"] for intent in intents.json()["data"] if intent["status"] == "succeeded"}
    assert sorted(receipt["gateway_ref"] for receipt in receipts) == sorted(captured)
    async with whole.database.session() as session:
        query = text("SELECT count(*) FROM inbox WHERE status IN ('new', 'signalled', 'unexpected')")
        assert (await (await session.connection()).execute(query)).scalar_one() == 0
