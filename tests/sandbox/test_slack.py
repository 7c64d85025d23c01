"""A channel's webhook takes what Slack takes, says no in Slack's words, and keeps each post once per try."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sandbox.process import SandboxProcess
from tests.outside import Account

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "*Ada GmbH* waits"}}


async def posts(account: Account, channel: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await account.http.get("/control/slack", params={"channel": channel})).json()[
        "posts"
    ]
    return found


async def test_a_post_is_kept_in_its_channel_and_in_the_log(account: Account) -> None:
    channel = f"desk-{account.name}"
    answer = await account.http.post(f"/slack/{channel}", json={"text": "hello", "channel": "#other"})
    named = await account.http.post("/slack", json={"text": "again", "channel": f"#{channel}", "blocks": [SECTION]})

    assert (answer.status_code, answer.text) == (named.status_code, named.text) == (200, "ok")
    assert answer.headers["content-type"].startswith("text/plain")
    kept = await posts(account, f"#{channel}")
    assert [(post["text"], post["blocks"]) for post in kept] == [("hello", []), ("again", [SECTION])]
    logged = (await account.http.get("/control/log", params={"party": "slack"})).json()["entries"]
    assert [one["subject"] for one in logged if one["data"]["channel"] == channel] == [post["id"] for post in kept]


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        (b"no json", 400, "invalid_payload"),
        (b'["text"]', 400, "invalid_payload"),
        (b'{"text": 1}', 400, "invalid_payload"),
        (b"{}", 400, "no_text"),
        (b'{"blocks": [{"type": "section"}]}', 400, "invalid_blocks"),
        (b'{"blocks": [{"text": "no type"}]}', 400, "invalid_blocks"),
        (b'{"blocks": [{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}]}', 400, "invalid_blocks"),
        (b'{"blocks": [{"type": "section", "text": {"text": "%s"}}]}' % (b"x" * 3001), 400, "invalid_blocks"),
        (b'{"text": "x", "blocks": [%s]}' % b",".join([b'{"type": "divider"}'] * 51), 400, "invalid_payload"),
    ],
)  # fmt: skip
async def test_what_slack_does_not_take_is_not_kept(account: Account, body: bytes, status: int, word: str) -> None:
    channel = f"bad-{account.name}"
    answer = await account.http.post(f"/slack/{channel}", content=body)
    assert (answer.status_code, answer.text) == (status, word)
    assert await posts(account, channel) == []


async def test_an_archived_channel_takes_nothing_until_it_is_opened(account: Account) -> None:
    channel = f"old-{account.name}"
    await account.http.post("/control/slack", json={"channel": f"#{channel}", "archived": True})
    refused = await account.http.post(f"/slack/{channel}", json={"text": "x"})
    assert (refused.status_code, refused.text) == (410, "channel_is_archived")
    nowhere = await account.http.post("/slack", json={"text": "x"})
    assert (nowhere.status_code, nowhere.text) == (404, "channel_not_found")
    assert await posts(account, channel) == []
    await account.http.post("/control/slack", json={"channel": channel, "archived": False})
    assert (await account.http.post(f"/slack/{channel}", json={"text": "x"})).text == "ok"
    assert len(await posts(account, channel)) == 1


async def test_trouble_is_drawn_as_at_other_parties(account: Account) -> None:
    channel = f"trouble-{account.name}"

    async def post() -> int:
        try:
            return (await account.http.post(f"/slack/{channel}", json={"text": "x"})).status_code
        except httpx.TransportError:
            return 0

    plan = {"account": "slack", "script": ["error", "lost", "slow", "late", "ok"], "slow_seconds": 0.01}
    await account.http.post("/control/faults", json=plan)
    failed, lost, slow, late, well = [await post() for _ in range(5)]
    assert failed in {429, 500, 503}
    assert lost in {0, 504}
    assert (slow, late, well) == (200, 200, 200)
    assert len(await posts(account, channel)) == 4  # what failed was not done; what was lost was


async def test_posts_outlive_the_process(outside: SandboxProcess, account: Account) -> None:
    channel = f"kept-{account.name}"
    await account.http.post(f"/slack/{channel}", json={"text": "x"})
    outside.kill()
    outside.start()
    assert [post["text"] for post in await posts(account, channel)] == ["x"]
