"""A deal desk in a world, for scenarios: what its people have in their inbox, what they say by its links, what the books hold."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.approving.evidence import verify
from tests.inbox import Inbox, nonce_in, outcome
from tests.world import World


@dataclass(kw_only=True)
class House:
    """A world with a desk in it."""

    w: World
    inbox: Inbox
    account: str
    before: Mapping[str, int]  # how many messages of other tests are in whose inbox

    async def until(self, at: str) -> None:
        """Move the clock to `2027-03-30T08:00` in UTC, and let everything that was written leave."""
        await self.w.advance(f"{at}:00Z")
        await self.post()

    async def post(self) -> None:
        while await self.w.one("SELECT count(*) FROM notices WHERE sent_at IS NULL"):
            await self.w.app.state.relay.once()

    async def seated(self) -> None:
        """Wait until the relay told the deals of everybody who is away or gone: it comes some seconds later."""
        while await self.w.one("SELECT count(*) FROM seat_changes WHERE told_at IS NULL"):
            await self.w.app.state.relay.once()
            await asyncio.sleep(0.1)

    async def offered(self, name: str, discount_percent: str, **terms: Any) -> str:
        """A deal opened and submitted; those who are asked have it in their inbox."""
        lines = [{"product": "team", "quantity": 20, "discount_percent": discount_percent}]
        deal = await self.w.open(self.account, name=name, lines=lines, method="transfer", **terms)
        await self.w.say(deal, "submit", {"version": 1})
        await self.post()
        return deal

    async def told(self, person: str) -> list[str]:
        """The subjects in a person's inbox."""
        return [
            re.sub(r", [0-9.,]+\s€?[A-Z]*$", "", text.partition("\n")[0])
            for text in (await self.inbox.texts(person))[self.before[person] :]
        ]

    async def link(self, person: str, name: str, version: int = 1) -> str:
        """The newest one."""
        return (await self.inbox.links(person, name, version))[-1]

    async def page(self, path: str) -> str:
        answer = await self.inbox.asked("GET", path)
        return f"{answer.status_code} {answer.text}"

    async def says(self, person: str, name: str, verb: str, *, version: int = 1, **form: str) -> str:
        """By the newest link; what the person is told."""
        path = await self.link(person, name, version)
        said = {"verb": verb, "nonce": nonce_in(await self.page(path), verb), "reason": "so be it", **form}
        while (answered := outcome(await self.inbox.asked("POST", path, data=said))) == "heard":
            await asyncio.sleep(0.05)
        await self.post()
        return answered

    async def asked(self, deal: str, version: int = 1) -> list[Any]:
        """Level, group, status and who holds a seat."""
        return await self.w.rows(
            "SELECT level, group_name, status, coalesce((SELECT string_agg(DISTINCT split_part(s ->> 'holder', '@', 1), ' ')"
            " FROM jsonb_array_elements(seats) s), '') FROM approval_requests WHERE deal_id = :id AND version = :version"
            " ORDER BY round, level, group_name",
            id=deal,
            version=version,
        )

    async def status(self, deal: str, version: int = 1) -> str:
        query = "SELECT status FROM quote_versions WHERE deal_id = :id AND version = :version"
        return str(await self.w.one(query, id=deal, version=version))

    async def evidence(self, deal: str) -> list[tuple[str, ...]]:
        """Date, kind, who, group or whom, through whose hands, by which channel; the chain holds."""
        made = await self.w.ask(f"/v1/deals/{deal}/evidence")
        assert verify(made) == ()
        plain = [
            (
                each["at"][5:16],
                each["kind"],
                each["by"],
                each.get("to") or each.get("group", ""),
                " ".join(each.get("hands", ())),
                each.get("channel", ""),
                each.get("reason", ""),
            )
            for each in made["entries"]
        ]
        return [tuple(part.replace("@acme.example", "") for part in entry) for entry in plain]
