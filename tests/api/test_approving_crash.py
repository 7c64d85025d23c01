"""One-click decisions whose API is killed in between, window by window: each decides once, and the page tells the truth."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from api.door import Door
from api.relay import Relay
from domain.message import Answer, Message
from embedded.loopback import free_port
from embedded.temporal import TemporalServer
from tests.api.approving import Asked, asked
from tests.api.house import House, house
from tests.api.sharing import READER, books, one, rows, until
from tests.serving import working

AT_WORK = "We have heard you, and are still working on it."
UNTOLD = "SELECT count(*) FROM link_messages WHERE told_at IS NULL"
Form = dict[str, str]


@pytest.fixture(scope="module")
async def home(
    module_database_url: str, temporal_server: TemporalServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("house")
    async with house(module_database_url, temporal_server.address, folder, work=False) as made:
        for caller in made.as_.values():  # they speak while a worker of the test's own is there
            caller.patient = True
        yield made


def environment(house_: House, port: int) -> dict[str, str]:
    """The house's settings for another process of it."""
    said = {**house_.settings.model_dump(), "api_port": port}
    plain = {name: v.get_secret_value() if isinstance(v, SecretStr) else v for name, v in said.items()}
    return {**os.environ, **{f"Q2C_{name.upper()}": str(value) for name, value in plain.items() if value is not None}}


async def killed(house_: House, when: str, said: Sequence[tuple[Asked, Form]]) -> None:
    """All forms are sent to an API that dies in that window; nobody gets an answer."""
    port = free_port()
    program = [sys.executable, "-m", "tests.api.dying_api", when, str(len(said))]
    dying = subprocess.Popen(program, env=environment(house_, port), stdout=subprocess.PIPE)
    try:
        assert dying.stdout is not None
        assert await asyncio.to_thread(dying.stdout.readline) == b"up\n"
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as lost:
            sent = [lost.post(ask.path, data=form, headers=READER) for ask, form in said]
            answers = await asyncio.gather(*sent, return_exceptions=True)
        assert [each for each in answers if not isinstance(each, httpx.TransportError)] == []
        assert await asyncio.to_thread(dying.wait, 60) == 9
    finally:
        dying.kill()
        dying.communicate()


async def form(ask: Asked, verb: str, **said: str) -> Form:
    return {"verb": verb, "nonce": await ask.nonce(verb), **said}


async def again(ask: Asked, said: Form, **other: str) -> httpx.Response:
    """The same form once more, as a browser sends it again after a lost connection."""
    return await ask.house.client.post(ask.path, data={**said, **other}, headers=READER)


async def relayed(house_: House) -> None:
    """The relay goes round until nothing is left to tell."""
    relay: Relay = house_.app.state.relay
    while await one(house_, UNTOLD):
        await relay.once()
        await asyncio.sleep(0.1)


async def votes(ask: Asked) -> list[Any]:
    query = "SELECT by, verb, comment, to_, channel FROM approval_votes WHERE deal_id = :id ORDER BY at, id"
    return await rows(ask.house, query, id=ask.deal_id)


async def kept(ask: Asked) -> list[Any]:
    """What was said by the link: verb, told, refused; and whether the link is spent on it."""
    query = (
        "SELECT m.verb, m.told_at IS NOT NULL, m.error, m.ref = l.used_ref FROM link_messages m"
        " JOIN decision_links l ON l.id = m.link_id WHERE l.id = :id ORDER BY m.created_at"
    )
    return await rows(ask.house, query, id=ask.link_id)


async def test_killed_after_the_link_is_spent_and_before_the_deal_is_told(home: House, account: str) -> None:
    async with working(home.settings):
        waits = await asyncio.gather(*(asked(home, account) for _ in range(5)))
        approving, changing, handing, talking, late = waits
        said = [
            (approving, await form(approving, "approve", reason="strategic account")),
            (changing, await form(changing, "changes", reason="at most ten", d0="", d1="10")),
            (handing, await form(handing, "delegate", reason="knows them", to="sam@acme.example")),
            (talking, await form(talking, "comment", reason="what do you say, @vera?")),
            (late, await form(late, "approve", reason="fine")),
        ]
        other = await approving.nonce("reject")
        await killed(home, "before", said)

        # everything is kept and nothing has happened: the page says so, and takes no other word in between
        assert [await kept(ask) for ask in waits] == [
            [(each["verb"], False, "", each["verb"] != "comment")] for _, each in said
        ]
        assert [await votes(ask) for ask in waits] == [[]] * 5
        page = await approving.get()
        assert AT_WORK in page.text
        assert 'method="post"' not in page.text
        assert (await approving.send("reject", other, reason="no")).status_code == 410

        # who sends the same form again decides, with the words that were kept
        answer = await again(*said[0], reason="other words")
        assert answer.headers["location"].endswith("said=approve")
        assert await votes(approving) == [("dana@acme.example", "approve", "strategic account", "", "link")]
        # somebody else decides before the relay comes
        denis = await late.for_("denis@acme.example")
        assert (await denis.send("reject", reason="too steep")).status_code == 303

        # for the others the relay tells it, once
        await relayed(home)
        await relayed(home)
        assert [(await kept(ask))[0][1:] for ask in waits] == [
            (True, "", True),
            (True, "", True),
            (True, "DelegationRefused", False),
            (True, "", False),
            (True, "NothingToDecide", False),
        ]
        await until(home, "SELECT max(version) FROM quote_versions WHERE deal_id = :id", 2, id=changing.deal_id)
        assert await votes(changing) == [("dana@acme.example", "changes", "at most ten", "", "link")]
        drafts = "SELECT by FROM quote_drafts WHERE deal_id = :id ORDER BY created_at"
        assert await rows(home, drafts, id=changing.deal_id) == [("sam@acme.example",), ("dana@acme.example",)]
        comments = "SELECT by, text, channel FROM approval_comments WHERE deal_id = :id"
        assert await rows(home, comments, id=talking.deal_id) == [
            ("dana@acme.example", "what do you say, @vera?", "link")
        ]
        assert await votes(late) == [("denis@acme.example", "reject", "too steep", "", "link")]

        # and everybody is told what became of it
        assert "You approved this version" in (await approving.get(said="heard")).text
        assert "You asked for changes" in (await changing.get(said="heard")).text
        assert "Your comment is kept" in (await talking.get(said="heard")).text
        refused = await handing.get(said="heard")
        assert "It cannot be handed on to that person" in refused.text
        assert 'method="post"' in refused.text  # the link is theirs again
        assert (await late.get()).status_code == 410
        assert (await handing.send("approve", reason="myself, then")).headers["location"].endswith("said=approve")
        assert [vote[:2] for vote in await votes(handing)] == [("dana@acme.example", "approve")]


async def test_killed_after_the_deal_took_it_and_before_the_answer(home: House, account: str) -> None:
    async with working(home.settings):
        waits = await asyncio.gather(*(asked(home, account) for _ in range(2)))
        alone = waits[1]
        said = [(ask, await form(ask, "approve", reason="strategic account")) for ask in waits]
        await killed(home, "after", said)
        for ask in waits:
            await until(home, "SELECT status FROM approval_requests WHERE deal_id = :id", "approved", id=ask.deal_id)
        assert [await kept(ask) for ask in waits] == [[("approve", False, "", True)]] * 2
        assert AT_WORK in (await alone.get()).text

        answer = await again(*said[0])
        assert answer.headers["location"].endswith("said=approve")
        await relayed(home)

        vote = [("dana@acme.example", "approve", "strategic account", "", "link")]
        assert [await votes(ask) for ask in waits] == [vote, vote]
        assert [await kept(ask) for ask in waits] == [[("approve", True, "", True)]] * 2
        before = await books(home)
        for ask, each in said:  # for ever after it is the same answer
            assert (await again(ask, each)).headers["location"].endswith("said=approve")
            assert "You approved this version" in (await ask.get(said="approve")).text
        assert await books(home) == before


async def test_a_deal_that_cannot_be_reached_is_told_when_it_can(home: House, account: str) -> None:
    async with working(home.settings):
        ask = await asked(home, account)
        said = await form(ask, "reject", reason="too steep")
    # nobody works: the deal is not there for as long as anybody waits
    first, second = await asyncio.gather(again(ask, said), again(ask, said))
    assert {each.headers["location"].rpartition("=")[2] for each in (first, second)} == {"heard"}
    assert AT_WORK in (await ask.get(said="heard")).text
    assert await kept(ask) == [("reject", False, "", True)]
    async with working(home.settings):
        await relayed(home)
        await until(home, "SELECT status FROM quote_versions WHERE deal_id = :id", "rejected", id=ask.deal_id)
        assert await votes(ask) == [("dana@acme.example", "reject", "too steep", "", "link")]
        assert await kept(ask) == [("reject", True, "", True)]
        assert "You rejected this version" in (await ask.get(said="heard")).text


@dataclass(frozen=True)
class Hanging(Door):
    """One deal answers only when another one has."""

    deal_id: str = ""
    other: asyncio.Event = field(default_factory=asyncio.Event)

    async def command(self, deal_id: str, message: Message) -> Answer | None:
        if deal_id == self.deal_id:
            await self.other.wait()
        answer = await Door.command(self, deal_id, message)
        self.other.set()
        return answer


async def test_a_deal_that_does_not_answer_holds_up_no_other(home: House, account: str) -> None:
    async with working(home.settings):
        first, second = await asked(home, account), await asked(home, account)
        door, home.app.state.door = home.app.state.door, None  # the process is about to die
        lost = [await ask.send("approve", reason="yes") for ask in (first, second)]
        home.app.state.door = door
        assert [answer.status_code for answer in lost] == [503, 503]
        relay: Relay = home.app.state.relay
        relay.door = Hanging(door.client, door.task_queue, door.database, deal_id=first.deal_id)
        await until(home, f"{UNTOLD} AND created_at < now() - interval '3 seconds'", 2)  # both are the relay's now
        await relayed(home)
        relay.door = door
        for ask in (first, second):
            assert await votes(ask) == [("dana@acme.example", "approve", "yes", "", "link")]
