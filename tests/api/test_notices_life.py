"""From the deal's own steps to people's inboxes: asked, reminded and told in their language, by mail and in chat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from api.relay import Relay
from embedded.temporal import TemporalServer
from tests.api.conftest import PEOPLE
from tests.api.house import House, house

DANA = PEOPLE["deal_desk"][0]
OWNER = PEOPLE["sales"][0]


@pytest.fixture
async def whole(database_url: str, temporal_server: TemporalServer, tmp_path: Path) -> AsyncIterator[House]:
    async with house(database_url, temporal_server.address, tmp_path) as made:
        yield made


async def people(whole: House) -> None:
    """Dana decides, in French and by direct message; Sam owns the deal, in English and without one."""
    admin = whole.as_["admin"]
    dana = {"email": DANA, "name": "Dana Desk", "groups": ["sales_manager"], "country": "FR"}
    for said in (dana, {"email": OWNER, "name": "Sam Sales", "groups": [], "country": "US"}):
        made = await admin.post("/v1/people", said)
        assert made.status_code == 201, made.text
    async with whole.database.transaction() as session:
        await session.execute(
            text("UPDATE people SET language = 'fr', zone = 'Europe/Paris', slack = '@dana' WHERE email = :dana"),
            {"dana": DANA},
        )


async def delivered(whole: House, to: str, channel: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """All that waits is sent; a person's mails and a channel's posts."""
    relay: Relay = whole.app.state.relay
    waiting = 1
    while waiting:
        await relay.once()
        await asyncio.sleep(0.05)
        async with whole.database.session() as session:
            query = text("SELECT count(*) FROM notices WHERE sent_at IS NULL AND refused_at IS NULL")
            waiting = (await session.execute(query)).scalar_one()
    async with httpx.AsyncClient(base_url=whole.outside.url, trust_env=False) as http:
        mails = (await http.get("/control/mails", params={"to": to})).json()["mails"]
        posts = (await http.get("/control/slack", params={"channel": channel})).json()["posts"]
    return mails, posts


async def test_who_is_asked_is_told_in_both_channels_and_the_owner_of_the_decision(whole: House) -> None:
    account = await whole.furnish()
    await people(whole)
    lines = [{"product": "team", "quantity": 20, "discount_percent": "20"}]
    deal = (await whole.open(account, lines=lines))["id"]
    await whole.submit(deal)

    mails, posts = await delivered(whole, DANA, "@dana")
    [mail], [post] = mails, posts
    assert mail["subject"].startswith("Votre accord\xa0: Globex: 20 seats, ")
    assert post["blocks"][0]["text"]["text"] == mail["subject"]
    [address] = [line for line in mail["body"].splitlines() if line.startswith(f"{whole.settings.public_url}/a/")]
    [button] = [block for block in post["blocks"] if block["type"] == "actions"]
    assert button["elements"][0]["url"] == address
    assert "sales manager" in mail["body"]

    said = {"version": 1, "approve": True, "reason": "strategic account"}
    decided = await whole.as_["deal_desk"].post(f"/v1/deals/{deal}/decide", said)
    assert decided.status_code == 200, decided.text
    mails, _ = await delivered(whole, OWNER, "")
    [told] = [mail for mail in mails if "Dana Desk" in mail["subject"]]
    assert told["subject"] == "Globex: 20 seats: approved by Dana Desk"
    async with httpx.AsyncClient(base_url=whole.outside.url, trust_env=False) as http:
        told = (await http.get(f"/control/mails/{told['id']}")).json()
    assert told["headers"]["reply-to"] == DANA
    assert "> strategic account" in told["body"]


async def test_who_stays_silent_is_reminded_and_changes_go_back_to_the_owner(whole: House) -> None:
    account = await whole.furnish()
    await people(whole)
    require = [{"level": 1, "group": "sales_manager"}]
    patient = {"when": {"discount_percent_over": "10"}, "require": require, "remind_after_hours": 24}
    named = {"sales_manager": {"fr": "Responsables des ventes"}}
    policy = {"name": "standard", "rules": [patient], "group_names": named}
    made = await whole.as_["admin"].post("/v1/policies/approval", policy)
    assert made.status_code == 201, made.text
    lines = [{"product": "team", "quantity": 20, "discount_percent": "20"}]
    deal = (await whole.open(account, lines=lines))["id"]
    await whole.submit(deal)
    await whole.advance("2027-01-08T09:00:00+00:00")

    mails, posts = await delivered(whole, DANA, "@dana")
    assert [mail["subject"].partition("\xa0: ")[0] for mail in mails] == ["Votre accord", "Toujours en attente"]
    assert len({mail["message_id"] for mail in mails}) == len(mails) == len(posts) == 2
    assert all("bac à sable" in mail["body"] for mail in mails)
    assert all("Motif (Responsables des ventes, niveau 1)\xa0:" in mail["body"] for mail in mails)

    said = {"version": 1, "verb": "changes", "reason": "18 %, no more", "mentions": [DANA]}
    answer = await whole.as_["deal_desk"].post(f"/v1/deals/{deal}/decide", said)
    assert answer.status_code == 200, answer.text
    mails, _ = await delivered(whole, OWNER, "")
    [told] = [mail for mail in mails if "Dana Desk" in mail["subject"]]
    assert told["subject"] == "Dana Desk asks for changes: Globex: 20 seats"
    assert "> 18 %, no more" in told["body"]


async def test_after_an_outage_only_what_is_still_waited_for_is_asked(whole: House) -> None:
    """On the real clock nothing was sent for a while; one deal was decided meanwhile, one withdrawn, one waits."""
    account = await whole.furnish(sandbox=None)
    await people(whole)
    lines = [{"product": "team", "quantity": 20, "discount_percent": "20"}]
    deals = {}
    for name in ("decided", "withdrawn", "waits"):
        deals[name] = (await whole.open(account, lines=lines))["id"]
        await whole.submit(deals[name])
    said = {"version": 1, "approve": True, "reason": "strategic account"}
    for who, deal, verb, body in (
        ("deal_desk", "decided", "decide", said),
        ("sales", "withdrawn", "withdraw", {"reason": "not yet"}),
    ):
        answer = await whole.as_[who].post(f"/v1/deals/{deals[deal]}/{verb}", body)
        assert answer.status_code == 200, answer.text
    async with whole.database.session() as session:
        asked = text("SELECT count(*) FROM approval_requests WHERE status = 'asked'")
        while (await session.execute(asked)).scalar_one() != 1:  # until the books know of both
            await session.rollback()
            await asyncio.sleep(0.05)

    mails, posts = await delivered(whole, DANA, "@dana")
    assert len(mails) == len(posts) == 1
    listed = await whole.as_["ops"].get("/v1/notices", person=DANA)
    told = {(each["deal_id"], each["channel"]): each["status"] for each in listed.json()["items"]}
    expected = {"decided": "overtaken", "withdrawn": "overtaken", "waits": "sent"}
    assert told == {
        (deals[name], channel): status for name, status in expected.items() for channel in ("mail", "slack")
    }
