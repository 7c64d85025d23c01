"""A post arrives in its channel, is recognisable when it comes twice, and what goes wrong never tells the address."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateways.ports import ChatPost, GatewayRefused, GatewayUnavailable
from gateways.slack import SlackHooks, mark_of
from tests.outside import Account, Receiver

BLOCKS: tuple[dict[str, Any], ...] = (
    {"type": "section", "text": {"type": "mrkdwn", "text": "*Ada GmbH* attend votre accord"}},
    {"type": "divider"},
)


def message(channel: str, key: str = "d_1/ask/1/dana@acme.example/slack") -> ChatPost:
    return ChatPost(key=key, channel=channel, text="Ada GmbH", blocks=BLOCKS)


@pytest.fixture
async def hooks(account: Account) -> AsyncIterator[SlackHooks]:
    made = SlackHooks(f"{account.http.base_url}/slack/{{channel}}".replace("//slack", "/slack"))
    yield made
    await made.close()


async def posts(account: Account, channel: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await account.http.get("/control/slack", params={"channel": channel})).json()[
        "posts"
    ]
    return found


async def test_a_post_arrives_and_a_second_delivery_has_the_same_mark(account: Account, hooks: SlackHooks) -> None:
    channel = f"desk-é-{account.name}"
    await hooks.post(message(f"#{channel.upper()}"))
    await hooks.post(message(channel))
    await hooks.post(message(channel, key="another"))

    first, second, third = await posts(account, channel)
    assert first["text"] == "Ada GmbH"
    assert first["blocks"] == [{**BLOCKS[0], "block_id": first["key"]}, BLOCKS[1]]
    assert first["key"] == second["key"] == mark_of(message("").key)
    assert third["key"] == mark_of("another") != first["key"]


async def test_a_workspace_hook_and_one_of_a_channel(account: Account) -> None:
    base, own = str(account.http.base_url).rstrip("/"), f"own-{account.name}"
    hooks = SlackHooks(f"{base}/slack", of_channel={"#Finance": f"{base}/slack/{own}"})
    await hooks.post(message("Finance"))
    await hooks.post(message(f"#c-{account.name}"))
    await hooks.close()

    assert [hooks.is_personal(name) for name in ("finance", "c", "@c")] == [False, False, False]
    assert [len(await posts(account, name)) for name in (own, f"c-{account.name}", "finance")] == [1, 1, 0]
    assert hooks.reaches("finance") == hooks.reaches("c") == "127.0.0.1"
    assert hooks.reaches("") == hooks.reaches(" # ") == hooks.reaches("../x") == hooks.reaches("..") == ""


async def test_trouble_is_unavailable_and_a_definite_no_is_refused(account: Account, hooks: SlackHooks) -> None:
    channel = f"x-{account.name}"
    for fault in ("error", "lost"):
        await account.http.post("/control/faults", json={"account": "slack", "script": [fault]})
        with pytest.raises(GatewayUnavailable):
            await hooks.post(message(channel))
    assert len(await posts(account, channel)) == 1
    await account.http.post("/control/slack", json={"channel": channel, "archived": True})
    with pytest.raises(GatewayRefused, match=r"^slack: 410 channel_is_archived$"):
        await hooks.post(message(channel))
    assert len(await posts(account, channel)) == 1


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("", GatewayRefused),
        ("ftp://slack.test/T0/SECRET", GatewayRefused),
        ("http://[SECRET", GatewayRefused),
        ("SECRET", GatewayRefused),
        ("http://127.0.0.1:1/services/T0/B0/SECRET", GatewayUnavailable),
    ],
)
async def test_an_address_that_leads_nowhere(url: str, error: type[Exception]) -> None:
    hooks = SlackHooks(url)
    with pytest.raises(error) as raised:
        await hooks.post(message("desk"))
    assert "SECRET" not in f"{raised.value!r}"
    await hooks.close()


@pytest.mark.parametrize(
    ("status", "error"), [(302, GatewayRefused), (404, GatewayRefused), (429, GatewayUnavailable), (503, GatewayUnavailable)]
)  # fmt: skip
async def test_answers(receiver: Receiver, account: Account, status: int, error: type[Exception]) -> None:
    hooks = SlackHooks(f"http://127.0.0.1:{receiver.port}/{account.name}/hook")
    receiver.answers[account.name] = [status]
    with pytest.raises(error):
        await hooks.post(message("desk"))
    assert len(receiver.received[account.name]) == 1
    await hooks.close()


@pytest.mark.parametrize(
    ("channel", "personal"), [("@Dana", True), ("@finance", True), ("#dana", False), ("dana", False)]
)
async def test_a_direct_message_is_read_by_one_person(account: Account, channel: str, personal: bool) -> None:
    """By a webhook of its own, or one for each channel; where the workspace's own decides, nobody knows who reads it."""
    base, name = str(account.http.base_url).rstrip("/"), f"{channel}-{account.name}"
    each = SlackHooks(f"{base}/slack/{{channel}}")
    own = SlackHooks("", of_channel={name: f"{base}/slack/{name.removeprefix('#')}"})
    whole = SlackHooks(f"{base}/slack")
    assert [hooks.is_personal(name) for hooks in (each, own, whole)] == [personal, personal, False]
    for hooks in (each, own, whole):
        await hooks.post(message(name))
        await hooks.close()
    assert len(await posts(account, name)) == 3
