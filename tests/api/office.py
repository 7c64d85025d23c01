"""What tests of notices share: a relay over a database, people with a channel of their own, rows as a step writes them, the outside."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI
from sqlalchemy import text
from sqlmodel import SQLModel

from api.caller import Caller, Role
from api.idempotency import Once
from api.notices.told import AgainIn, NoticeOut, list_notices, send_again
from api.relay import Relay
from models.access import PersonRow
from models.approval import DecisionLinkRow, NoticeRow
from models.database import Database
from settings import Settings

ASKED_AT = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)
ASKED: dict[str, Any] = {
    "order_number": 1,
    "version": 1,
    "asks": [
        {"level": 1, "group": "deal_desk", "reason": "discount of 20 % is over 10 %", "members": ["vera@acme.example"]}
    ],
    "others": ["fin@acme.example"],
    "until": "2027-03-02T16:30:00+00:00",
}


@dataclass(kw_only=True)
class Office:
    """An API's relay over its database, and the outside that its notices reach."""

    app: FastAPI
    settings: Settings
    http: httpx.AsyncClient

    @property
    def database(self) -> Database:
        found: Database = self.app.state.database
        return found

    @property
    def relay(self) -> Relay:
        found: Relay = self.app.state.relay
        return found

    async def add(self, *made: SQLModel) -> None:
        async with self.database.transaction() as session:
            for row in made:
                session.add(row)
                await session.flush()

    async def person(self, *, language: str = "fr", slack: bool = True) -> PersonRow:
        """Somebody of their own, with a channel of their own."""
        name = uuid4().hex[:12]
        person = PersonRow(
            email=f"{name}@acme.example",
            name="Dana Desk",
            groups=["deal_desk"],
            country="FR",
            language=language,
            zone="Europe/Paris",
            slack=f"#desk-{name}" if slack else "",
        )
        await self.add(person)
        return await self.kept(person)

    async def kept(self, person: PersonRow) -> PersonRow:
        async with self.database.session() as session:
            return await session.get_one(PersonRow, person.email)

    async def tell(
        self, person: PersonRow, *channels: str, deal: str = "d_real", kind: str = "ask", **said: Any
    ) -> None:
        """Rows as a step writes them, with one link for them all."""
        link = DecisionLinkRow(
            id=f"dl_{uuid4().hex}",
            person=person.email,
            deal_id=deal,
            order_number=1,
            version=1,
            content_hash="c" * 64,
            expires_at=datetime(2027, 4, 1, tzinfo=UTC),
            created_at=ASKED_AT,
        )
        payload = {**ASKED, "link_id": link.id, **said}
        await self.add(
            link,
            *(
                NoticeRow(
                    key=f"{deal}/{kind}/{person.email}/{channel}",
                    deal_id=deal,
                    person=person.email,
                    channel=channel,
                    kind=kind,
                    language=person.language,
                    payload=payload,
                    at=ASKED_AT,
                )
                for channel in channels
            ),
        )

    async def notices(self, person: PersonRow) -> dict[str, tuple[datetime | None, str]]:
        """When each channel's last notice left, and its trouble."""
        query = text("SELECT channel, sent_at, error FROM notices WHERE person = :person ORDER BY at, key")
        async with self.database.session() as session:
            found = (await session.execute(query, {"person": person.email})).all()
        return {channel: (sent_at, error) for channel, sent_at, error in found}

    async def until_sent(self, person: PersonRow) -> None:
        """Round after round, as the relay goes; fails by the test's own time-out."""
        while any(each.status == "waiting" for each in await self.told(person)):
            await self.relay.once()
            await asyncio.sleep(0.05)

    async def told(self, person: PersonRow, **which: Any) -> list[NoticeOut]:
        """Their notices as the API lists them."""
        caller = Caller(person="ops@acme.example", role=Role.OPS, groups=(), key_id="k")
        found = await list_notices(caller, self.database, person=person.email, **which)
        return sorted(found.items, key=lambda each: (each.at, each.key))

    async def again(self, key: str) -> NoticeOut:
        """An operator has a refused notice sent again."""
        caller = Caller(person="ops@acme.example", role=Role.OPS, groups=(), key_id="k")
        return await send_again(AgainIn(key=key), caller, Once(caller.person, key), self.database)

    async def row(self, key: str) -> NoticeRow:
        async with self.database.session() as session:
            return await session.get_one(NoticeRow, key)

    async def pause(self, row: NoticeRow) -> int:
        """The seconds between the last try of a notice and the next one."""
        query = text("SELECT round(extract(epoch FROM next_at - now())) FROM notices WHERE key = :key")
        async with self.database.session() as session:
            return int((await session.execute(query, {"key": row.key})).scalar_one())

    async def mails(self, person: PersonRow) -> list[dict[str, Any]]:
        answer = await self.http.get("/control/mails", params={"to": person.email})
        found: list[dict[str, Any]] = answer.json()["mails"]
        return found

    async def whole(self, mail: dict[str, Any]) -> dict[str, Any]:
        """A mail with its HTML part and its headers."""
        found: dict[str, Any] = (await self.http.get(f"/control/mails/{mail['id']}")).json()
        return found

    async def posts(self, person: PersonRow) -> list[dict[str, Any]]:
        answer = await self.http.get("/control/slack", params={"channel": person.slack})
        found: list[dict[str, Any]] = answer.json()["posts"]
        return found

    async def faults(self, account: str, *script: str) -> None:
        plan = {"account": account, "script": script, "slow_seconds": 2.0}
        assert (await self.http.post("/control/faults", json=plan)).status_code == 200
