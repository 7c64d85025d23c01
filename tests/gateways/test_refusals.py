"""What a channel says decides what is done next: for good, for now, or not to do with the message at all."""

from __future__ import annotations

import asyncio
import doctest
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from api.notices import chat
from gateways import fact_words, reasons, slack
from gateways.email import SmtpMailer
from gateways.ports import ChatPost, GatewayBusy, GatewayRefused, GatewayUnavailable, Mail
from gateways.slack import SlackHooks
from tests.outside import Account

MAIL = Mail(key="k", to="dana@acme.example", subject="s", body="b", sent_at=datetime(2027, 3, 1, tzinfo=UTC))


class Server:
    """A mail server that answers one step of the conversation as it is told."""

    def __init__(self, step: str, answer: str) -> None:
        self.step, self.answer = step, answer

    async def handle_MAIL(self, _s: Any, _x: Any, envelope: Any, address: str, _o: Any) -> str:  # noqa: N802
        envelope.mail_from = address
        return self.answer if self.step == "sender" else "250 OK"

    async def handle_RCPT(self, _s: Any, _x: Any, envelope: Any, address: str, _o: Any) -> str:  # noqa: N802
        envelope.rcpt_tos.append(address)
        return self.answer if self.step == "recipient" else "250 OK"

    async def handle_DATA(self, _s: Any, _x: Any, _e: Any) -> str:  # noqa: N802
        return self.answer if self.step == "text" else "250 OK"


@pytest.mark.parametrize(
    ("step", "answer", "error"),
    [
        ("recipient", "550 5.1.1 No such mailbox", GatewayRefused),
        ("recipient", "452 4.2.2 Mailbox full", GatewayUnavailable),
        ("text", "554 5.7.1 Looks like spam", GatewayRefused),
        ("text", "451 4.3.0 Try later", GatewayUnavailable),
        ("sender", "550 5.7.1 You may not send as that", GatewayUnavailable),  # ours to mend: no mail is given up
    ],
)
async def test_a_mail_server_s_answer(step: str, answer: str, error: type[Exception]) -> None:
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(Server(step, answer), hostname="test"), "127.0.0.1", 0
    )
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(error, match=answer[:3]):
            await SmtpMailer(host="127.0.0.1", port=port, sender="q2c@acme.example").send(MAIL)


async def test_a_busy_chat_says_when_to_come_back(account: Account) -> None:
    channel = f"busy-{account.name}"
    busy = {"channel": channel, "answer": "rate_limited", "retry_after": 30}
    await account.http.post("/control/slack", json=busy)
    hooks = SlackHooks(f"{str(account.http.base_url).rstrip('/')}/slack/{{channel}}")
    with pytest.raises(GatewayBusy) as raised:
        await hooks.post(ChatPost(key="k", channel=channel, text="t", blocks=({"type": "divider"},)))
    await hooks.close()
    assert raised.value.after_seconds == 30.0


@pytest.mark.parametrize("module", [chat, fact_words, reasons, slack])
def test_the_examples_are_true(module: ModuleType) -> None:
    failed, attempted = doctest.testmod(module)
    assert (failed, attempted > 0) == (0, True)
