"""What a crash left undelivered is delivered afterwards, once: drafts, facts, mails, events."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from api.relay import Relay
from embedded.temporal import TemporalServer
from models.database import Database
from tests.api.conftest import ACCOUNT, ENTITY, Caller
from tests.api.house import BOOK, DRAFT, House, house
from tests.api.test_webhook import ENVELOPE, signed
from tests.serving import unsettled, working


@pytest.fixture
async def whole(database_url: str, temporal_server: TemporalServer, tmp_path: Path) -> AsyncIterator[House]:
    async with house(database_url, temporal_server.address, tmp_path) as made:
        yield made


async def run(database: Database, sql: str) -> list[tuple[Any, ...]]:
    async with database.transaction() as session:
        found = await (await session.connection()).execute(text(sql))
        return [tuple(row) for row in found.all()] if found.returns_rows else []


def relay_of(app: FastAPI) -> Relay:
    found: Relay = app.state.relay
    return found


async def test_a_draft_whose_deal_was_never_started_is_delivered(
    as_: dict[str, Caller], database: Database, database_url: str, temporal_server: TemporalServer, tmp_path: Path
) -> None:
    await as_["admin"].post("/v1/entities", ENTITY)
    await as_["admin"].post("/v1/price-books", BOOK)
    await as_["admin"].post("/v1/policies/approval", {"name": "standard"})
    account = (await as_["sales"].post("/v1/accounts", ACCOUNT)).json()["id"]
    said = {"name": "A deal", "account_id": account, "draft": DRAFT}
    once = str(uuid4())
    lost = await as_["sales"].post("/v1/deals", said, key=once)
    assert lost.status_code == 503
    assert await run(database, "SELECT count(*) FROM deals") == [(0,)]
    await run(database, "DELETE FROM api_keys")
    async with house(database_url, temporal_server.address, tmp_path) as whole:
        await run(database, "UPDATE quote_drafts SET created_at = now() + interval '1 minute'")
        await relay_of(whole.app).once()
        assert await run(database, "SELECT count(*) FROM deals") == [(0,)]  # it is young: its own request may be at it
        await run(database, "UPDATE quote_drafts SET created_at = now() - interval '10 seconds'")
        while await run(database, "SELECT id FROM quote_drafts WHERE delivered_at IS NULL"):
            await relay_of(whole.app).once()
        opened = await whole.as_["sales"].post("/v1/deals", said, key=once)
        assert (opened.status_code, opened.json()["waits_for"]) == (201, "submission")
        assert await run(database, "SELECT count(*) FROM deals") == [(1,)]
        assert await run(database, "SELECT count(*) FROM quote_versions") == [(1,)]


async def test_a_fact_that_was_kept_but_not_told_is_told(whole: House) -> None:
    account = await whole.furnish()
    await whole.control("behaviour", {"party": "signature", "account": "trial", "email": "*", "action": "ignore"})
    deal = (await whole.open(account))["id"]
    await whole.submit(deal)
    while not (sent := await run(whole.database, "SELECT id, document_sha256 FROM envelopes")):
        await asyncio.sleep(0.02)
    body = {**ENVELOPE, "account": "trial", "timestamp": "2027-01-01T10:00:00+00:00"}
    body["data"] = {**ENVELOPE["data"], "id": sent[0][0], "document_sha256": sent[0][1]}
    door, whole.app.state.door = whole.app.state.door, None
    raw, headers = signed("signature", whole.settings, body)
    answer = await whole.client.post("/webhooks/signature", content=raw, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"status": "new"})
    whole.app.state.door = door
    assert (await whole.deal(deal))["waits_for"] == "signature"
    await run(whole.database, "UPDATE inbox SET recorded_at = recorded_at - interval '10 seconds'")
    while (await whole.deal(deal))["stage"] != "active":
        await relay_of(whole.app).once()
        await asyncio.sleep(0.02)
    known = await whole.client.post("/webhooks/signature", content=raw, headers=headers)
    assert known.json() == {"status": "known"}
    assert await run(whole.database, "SELECT status FROM inbox WHERE provider = 'signature'") == [("taken",)]
    assert await run(whole.database, "SELECT count(*) FROM contracts") == [(1,)]


async def test_mails_leave_with_their_paper_and_events_are_delivered_once(whole: House) -> None:
    account = await whole.furnish(method="transfer")
    deal = (await whole.open(account, method="transfer"))["id"]
    await whole.submit(deal)
    await whole.advance("2027-01-10T00:00:00Z")
    waiting = await run(whole.database, "SELECT key, attachment, at FROM mails WHERE sent_at IS NULL ORDER BY at, key")
    papers = [row[1] for row in waiting if row[1].startswith("invoice:")]
    assert len(papers) == 1
    while await run(whole.database, "SELECT key FROM mails WHERE sent_at IS NULL"):
        await relay_of(whole.app).once()
    rows = await run(whole.database, "SELECT key, attachment, sent_at FROM mails ORDER BY at, key")
    assert rows == waiting  # a sandbox's mail is dated by its step
    assert await run(whole.database, "SELECT count(*) FROM outbox WHERE delivered_at IS NULL") == [(0,)]
    async with httpx.AsyncClient(base_url=whole.outside.url, trust_env=False) as client:
        received = (await client.get("/control/mails", params={"to": ACCOUNT["email"]})).json()["mails"]
    with_paper = [mail for mail in received if mail["attachments"]]
    assert len(with_paper) == 1
    events = await run(whole.database, "SELECT count(*) FROM outbox")
    await relay_of(whole.app).once()
    assert await run(whole.database, "SELECT count(*) FROM outbox") == events


async def test_only_one_relay_runs_and_it_outlives_a_lost_database(whole: House) -> None:
    first, second = relay_of(whole.app), relay_of(whole.app)
    tasks = [asyncio.create_task(one.run()) for one in (first, second)]
    holders = (
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    while len(before := await run(whole.database, holders)) != 1:
        await asyncio.sleep(0.02)
    await run(whole.database, f"SELECT pg_terminate_backend({before[0][0]})")
    while len(now := await run(whole.database, holders)) != 1 or now == before:  # another connection, not the dying one
        await asyncio.sleep(0.05)
    for task in tasks:
        assert not task.done()
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_without_a_worker_a_command_is_asked_for_again_and_done_once(
    database_url: str, temporal_server: TemporalServer, tmp_path: Path
) -> None:
    async with house(database_url, temporal_server.address, tmp_path, work=False) as whole:
        account = await whole.furnish()
        said = {"name": "A deal", "account_id": account, "draft": DRAFT}
        once = str(uuid4())
        nobody = await whole.as_["sales"].post("/v1/deals", said, key=once)
        assert (nobody.status_code, nobody.json()["type"]) == (503, "urn:q2c:problem:NotAnswered")
        async with working(whole.settings):
            while unsettled(opened := await whole.as_["sales"].post("/v1/deals", said, key=once)):
                await asyncio.sleep(0.1)
            assert opened.status_code == 201, opened.text
            assert opened.json()["waits_for"] == "submission"
        assert await run(whole.database, "SELECT count(*) FROM deals") == [(1,)]
        assert await run(whole.database, "SELECT count(*) FROM quote_versions") == [(1,)]
