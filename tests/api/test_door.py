"""A burst of commands: so many at a time reach the workflows, the others wait for their turn in the order they came."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from api.door import AT_ONCE, Door
from api.errors import Refusal
from domain.message import Answer, Message, Retry, Verdict
from workflows.deal import Reply


@dataclass(frozen=True, slots=True)
class SlowDeals(Door):
    """Workflows that answer when the test says so."""

    heard: list[str] = field(default_factory=list)
    free: asyncio.Event = field(default_factory=asyncio.Event)

    async def _update(self, deal_id: str, name: str, argument: Message | datetime) -> Reply:  # noqa: ARG002
        self.heard.append(deal_id)
        await self.free.wait()
        return Reply(settled=True, answer=Answer(message_id=name, verdict=Verdict.ACCEPTED))


def slow_deals() -> SlowDeals:
    return SlowDeals(cast("Any", None), "q2c", cast("Any", None))


def message(number: int) -> Message:
    return Message(id=f"m{number}", by="ann@acme.example", body=Retry(), at=datetime(2027, 3, 1, tzinfo=UTC))


async def test_a_burst_is_heard_in_its_order_and_all_of_it_is_answered() -> None:
    door, deals = slow_deals(), [f"d_{n}" for n in range(3 * AT_ONCE)]
    said = [asyncio.create_task(door.command(deal, message(n))) for n, deal in enumerate(deals)]
    for _ in range(10):
        await asyncio.sleep(0)
    assert door.heard == deals[:AT_ONCE], "the rest waits"
    door.free.set()
    answers = await asyncio.gather(*said)
    assert door.heard == deals
    assert {answer.verdict for answer in answers if answer is not None} == {Verdict.ACCEPTED}
    assert None not in answers


async def test_who_waits_too_long_is_told_to_come_again_and_nothing_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.door.TURN", 0.01)
    door = slow_deals()
    said = [asyncio.create_task(door.command(f"d_{n}", message(n))) for n in range(AT_ONCE)]
    await asyncio.sleep(0)
    with pytest.raises(Refusal, match="nothing was said") as refused:
        await door.command("d_late", message(AT_ONCE))
    assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "2"})
    door.free.set()
    await asyncio.gather(*said)
    assert await door.command("d_late", message(AT_ONCE)) is not None, "a turn is free again"
    assert door.heard.count("d_late") == 1
