"""A preview stores nothing, and says what is later billed: the same deal is played, and compared invoice by invoice, line by line."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from embedded.temporal import TemporalServer
from tests.api.house import House, house
from tests.api.test_roles import rows
from tests.quotes import COUPON, SUITE_BOOK, SUITE_DRAFT, SUITE_LINES


@pytest.fixture
async def whole(database_url: str, temporal_server: TemporalServer, tmp_path: Path) -> AsyncIterator[House]:
    async with house(database_url, temporal_server.address, tmp_path) as made:
        yield made


async def _furnish(whole: House) -> str:
    account = await whole.furnish()
    for path, body in (("/v1/price-books", SUITE_BOOK), ("/v1/coupons", COUPON)):
        made = await whole.as_["deal_desk"].post(path, body)
        assert made.status_code == 201, made.text
    return account


async def _preview(whole: House, account: str, **said: Any) -> dict[str, Any]:
    body = {"account_id": account, "draft": SUITE_DRAFT, **said}
    answer = await whole.as_["sales"].post("/v1/quotes/preview", body, key=None)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def _billed(whole: House, deal: str, occasion: str = "") -> list[dict[str, Any]]:
    """Every invoice of the first term, or of one of its milestones, as the preview shows it."""
    found = []
    for line in (await whole.as_["finance"].get("/v1/invoices", deal=deal, limit=200)).json()["items"]:
        invoice = (await whole.as_["finance"].get(f"/v1/invoices/{line['id']}")).json()
        if invoice["term"] != 1 or invoice["occasion"] != occasion:
            continue
        kept = ("description", "quantity", "unit_label", "amount", "period_start", "period_end", "explain")
        found.append(
            {
                "on": invoice["issued_on"],
                "period_start": invoice["period_start"],
                "period_end": invoice["period_end"],
                "net": invoice["net"],
                "lines": [{name: each[name] for name in kept} for each in invoice["lines"]],
            }
        )
    return found


async def test_what_is_previewed_is_what_is_billed(whole: House) -> None:
    account = await _furnish(whole)
    before = await rows(whole.database)
    preview = await _preview(whole, account, starts_on="2027-01-02")
    assert await rows(whole.database) == before

    (offer,) = preview["offers"]
    assert preview["approvals"][0]["reasons"] == ["discount of 24.76 % is over 10 %"]
    assert preview["facts"]["below_floor"] is True
    assert {
        name: offer["totals"][name]["minor"] for name in ("recurring", "one_time", "milestones", "usage_committed")
    } == {
        "recurring": 1_029_875 + 496,  # 18 of the 31 days from the 2nd on, not 17 of those from the 1st
        "one_time": 342_000,
        "milestones": 475_000,
        "usage_committed": 45_600,
    }
    parts = {each["part"]: each["amount"]["minor"] for each in offer["waterfall"]}
    assert sum(minor for part, minor in parts.items() if part != "net") == parts["net"]
    assert parts["net"] == offer["totals"]["tcv"]["minor"]
    assert sum(each["net"]["minor"] for each in (*offer["invoices"], *offer["milestones"])) == parts["net"]

    # 2027-01-01: opened, approved; 2027-01-02: signed, in service
    opened = await whole.as_["sales"].post("/v1/deals", {"name": "Suite", "account_id": account, "draft": SUITE_DRAFT})
    assert opened.status_code == 201, opened.text
    deal = opened.json()["id"]
    (version,) = opened.json()["orders"][0]["versions"]
    shown = (await whole.as_["sales"].get(f"/v1/quote-versions/{version['id']}")).json()
    own = ("invoices", "milestones")
    assert shown["offers"][0]["lines"] == offer["lines"]
    assert set(offer) - set(shown["offers"][0]) == set(own)
    await whole.submit(deal)
    said = {"version": 1, "approve": True, "reason": "a lighthouse"}
    decided = await whole.as_["deal_desk"].post(f"/v1/deals/{deal}/decide", said)
    assert decided.status_code == 200, decided.text
    await whole.advance("2027-01-03T00:00:00Z")

    # in service: the contract says what is still to come, and so does the forecast
    page = await whole.deal(deal)
    contract = (await whole.as_["finance"].get(f"/v1/contracts/{page['contract_id']}")).json()
    planned = [(each["on"], each["net"]["minor"]) for each in offer["invoices"]]
    assert [(each["on"], each["net"]["minor"]) for each in contract["terms"][0]["coming"]] == planned[1:]
    assert contract["terms"][0]["milestones"] == offer["milestones"]
    forecast = (await whole.as_["finance"].get(f"/v1/deals/{deal}/forecast")).json()
    bills = [each["net"]["minor"] for each in forecast["steps"] if each["kind"] == "bill"]
    assert bills == [minor for _, minor in planned[1:]]

    # 2027-03-10: the milestone is reached; nobody else's, and not twice
    await whole.advance("2027-03-10T09:00:00Z")
    for name, status, type_ in (
        ("no-such", 409, "UnknownMilestone"),
        ("go-live", 200, ""),
        ("go-live", 409, "UnknownMilestone"),
    ):
        reached = await whole.as_["finance"].post(f"/v1/deals/{deal}/milestones/{name}/reach")
        assert (reached.status_code, reached.json().get("type", "").rpartition(":")[2]) == (status, type_)

    # 2029-01-03: the term is over, and renewed
    await whole.advance("2029-01-03T00:00:00Z")
    assert await _billed(whole, deal) == offer["invoices"]
    (milestone,) = await _billed(whole, deal, "go-live")
    assert (milestone["on"], milestone["net"]) == ("2027-03-10", offer["milestones"][0]["net"])


@pytest.mark.parametrize(
    ("changes", "status", "type_", "where"),
    [
        ({"lines": SUITE_LINES[:2]}, 422, "ConfigurationBroken", "draft.lines[0]"),
        ({"lines": [*SUITE_LINES, {"product": "gold", "quantity": 1}]}, 422, "ConfigurationBroken", "draft.lines[0], draft.lines[2], draft.lines[7]"),
        ({"coupons": ["NOBODYS"]}, 422, "UnknownCoupon", "draft.coupons[0]"),
        ({"price_book": "cloud-usd"}, 422, "UnknownPriceBook", "draft.price_book"),
        ({"price_book": None, "currency": "JPY"}, 422, "NoPriceBook", "draft.price_book"),
        ({"term_months": 12}, 422, "DraftInvalid", "draft.lines[1].ramp"),
        ({"groups": []}, 422, "DraftInvalid", "draft.lines[0].group"),
        ({"lines": [{**SUITE_LINES[6], "milestone": ""}, *SUITE_LINES[2:3]]}, 422, "LineDoesNotFit", "draft.lines[0].milestone"),
        ({"alternatives": [{"name": "good"}]}, 422, "DraftInvalid", "draft.alternatives"),
        ({"delivery": "pigeon"}, 422, "DraftInvalid", "draft.delivery"),
    ],
)  # fmt: skip
async def test_a_draft_that_cannot_be_previewed_cannot_be_opened_and_nothing_is_stored(
    as_: dict[str, Any], database: Any, changes: dict[str, Any], status: int, type_: str, where: str
) -> None:
    from tests.api.test_draft import furnished  # noqa: PLC0415

    account = await furnished(as_)
    for path, body in (("/v1/price-books", SUITE_BOOK), ("/v1/coupons", COUPON)):
        assert (await as_["deal_desk"].post(path, body)).status_code == 201
    before = await rows(database)
    said = {"account_id": account, "draft": {**SUITE_DRAFT, **changes}}
    previewed = await as_["sales"].post("/v1/quotes/preview", said, key=None)
    opened = await as_["sales"].post("/v1/deals", {"name": "Wrong", **said})
    for answer in (previewed, opened):
        problem = answer.json()
        assert (answer.status_code, problem["type"], problem["where"]) == (status, f"urn:q2c:problem:{type_}", where)
    assert previewed.json()["detail"] == opened.json()["detail"]
    assert await rows(database) == before
