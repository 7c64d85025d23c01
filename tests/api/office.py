"""What tests of notices share: a relay over a database, people with a channel of their own, rows as a step writes them, the outside."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI
from sqlalchemy import text
from sqlmodel import SQLModel

from api.app import create_app
from api.caller import Caller, Role
from api.idempotency import Once
from api.notices.told import AgainIn, NoticeOut, list_notices, send_again
from api.relay import Relay
from gateways.ports import GatewayUnavailable
from models.access import PersonRow
from models.approval import ApprovalRequestRow, ApprovalVoteRow, DecisionLinkRow, NoticeRow
from models.database import Database
from models.outbox import MailRow
from sandbox.process import SandboxProcess
from settings import Settings
from tests.models import rows

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


@asynccontextmanager
async def an_office(settings: Settings, outside: SandboxProcess) -> AsyncIterator[Office]:
    """An office with a real deal and a sandbox's, each with one version; no relay runs but when it is told to."""
    app = create_app(settings, relay=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(base_url=outside.url, trust_env=False) as http,
    ):
        made = Office(app=app, settings=settings, http=http)
        await made.add(rows.an_entity(), rows.a_sandbox(), rows.a_price_book())
        await made.add(rows.an_account(), rows.an_account(id="acc_sandbox", entity_id=rows.SANDBOX))
        await made.add(rows.a_deal(), rows.a_sandbox_deal())
        await made.add(rows.a_version(), rows.a_version(id="qv_2", deal_id="d_sandbox"))
        yield made


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

    async def person(self, *, language: str = "fr", slack: bool = True, channel: str = "") -> PersonRow:
        """Somebody of their own, with a direct message of their own, or in that channel."""
        name = uuid4().hex[:12]
        person = PersonRow(
            email=f"{name}@acme.example",
            name="Dana Desk",
            groups=["deal_desk"],
            country="FR",
            language=language,
            zone="Europe/Paris",
            slack=(channel or f"@desk-{name}") if slack else "",
        )
        await self.add(person)
        return await self.kept(person)

    async def kept(self, person: PersonRow) -> PersonRow:
        async with self.database.session() as session:
            return await session.get_one(PersonRow, person.email)

    async def tell(
        self, person: PersonRow, *channels: str, deal: str = "d_real", kind: str = "ask", **said: Any
    ) -> None:
        """Rows as a step writes them, with one link for them all, and what the person is asked."""
        payload = {**ASKED, **said}
        await self.asked(person, deal, payload["asks"][0]["group"])
        link = DecisionLinkRow(
            id=f"dl_{uuid4().hex}",
            person=person.email,
            deal_id=deal,
            order_number=1,
            version=1,
            content_hash="c" * 64,
            expires_at=datetime(2099, 4, 1, tzinfo=UTC),
            created_at=ASKED_AT,
        )
        payload = {"link_id": link.id, **payload}
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

    async def asked(self, person: PersonRow, deal: str, group: str) -> None:
        """A request of the group in which the person has the only seat."""
        request_id = f"apr_{group}_{person.email}"
        count = "SELECT count(*), count(*) FILTER (WHERE id = :id) FROM approval_requests"
        async with self.database.session() as session:
            others, known = (await session.execute(text(count), {"id": request_id})).one()
        if not known:
            seat = {"member": person.email, "holder": person.email, "via": [], "rung": 0, "given": False}
            request = ApprovalRequestRow(
                id=request_id, deal_id=deal, order_number=1, version=1, level=1, group_name=group, round=others,
                reason="", asked_at=ASKED_AT, seats=[seat],
            )  # fmt: skip
            await self.add(request)

    async def notices(self, person: PersonRow) -> dict[str, tuple[datetime | None, str]]:
        """When each channel's last notice left, and its trouble."""
        query = text("SELECT channel, sent_at, error FROM notices WHERE person = :person ORDER BY at, key")
        async with self.database.session() as session:
            found = (await session.execute(query, {"person": person.email})).all()
        return {channel: (sent_at, error) for channel, sent_at, error in found}

    async def round(self, *, but: str = "", relay: Relay | None = None) -> None:
        """One round of the relay, up to the end of all of its lanes `but` the one that is slow on purpose."""
        relay = relay or self.relay
        await relay.once()  # it waits for a lane for half a second: on a busy machine that may be too short
        await asyncio.gather(*(task for name, task in relay.lanes.under_way.items() if name != but))

    async def until_sent(self, person: PersonRow | str) -> None:
        """Round after round, as the relay goes; fails by the test's own time-out."""
        while any(each.status == "waiting" for each in await self.told(person)):
            await self.relay.once()
            await asyncio.sleep(0.05)

    async def told(self, person: PersonRow | str, **which: Any) -> list[NoticeOut]:
        """Their notices and mails as the API lists them."""
        to = person if isinstance(person, str) else person.email
        caller = Caller(person="ops@acme.example", role=Role.OPS, groups=(), key_id="k")
        found = await list_notices(caller, self.database, person=to, **which)
        return sorted(found.items, key=lambda each: (each.at, each.key))

    async def pages(self, person: PersonRow, limit: int) -> list[str]:
        """The keys of their notices and mails, page after page."""
        caller = Caller(person="ops@acme.example", role=Role.OPS, groups=(), key_id="k")
        found: list[str] = []
        cursor: str | None = None
        while True:
            listed = await list_notices(caller, self.database, person=person.email, limit=limit, cursor=cursor)
            found += [each.key for each in listed.items]
            cursor = listed.next_cursor
            if cursor is None:
                return found

    async def votes(self, person: PersonRow, verb: str, *members: str) -> None:
        """The person said this for these seats of their request."""
        await self.add(
            ApprovalVoteRow(
                id=f"apv_{uuid4().hex}", ref=f"msg_{uuid4().hex}", request_id=f"apr_deal_desk_{person.email}",
                deal_id="d_real", order_number=1, version=1, content_hash="c" * 64, level=1, group_name=person.email,
                by=person.email, members=list(members), verb=verb, at=ASKED_AT, channel="api",
            )
        )  # fmt: skip

    async def sets(self, person: PersonRow, group: str = "deal_desk", **values: Any) -> None:
        """Their request stands otherwise, as a step would write it."""
        async with self.database.transaction() as session:
            row = await session.get_one(ApprovalRequestRow, f"apr_{group}_{person.email}")
            for name, value in values.items():
                setattr(row, name, value)

    async def again(self, key: str, to: str | None = None) -> NoticeOut:
        """An operator has what was refused sent again."""
        caller = Caller(person="ops@acme.example", role=Role.OPS, groups=(), key_id="k")
        return await send_again(AgainIn(key=key, to=to), caller, Once(caller.person, key), self.database)

    async def mail(self, to: str, *, deal: str | None = "d_real") -> str:
        """A mail as a step writes it to a customer; its key."""
        key = f"{deal}/dun/{uuid4().hex}"
        await self.add(MailRow(key=key, deal_id=deal, to_=to, subject="Invoice A-1", body="Dear Globex", at=ASKED_AT))
        return key

    async def story(self, key: str) -> list[tuple[str, ...]]:
        """What the deal's timeline says of it."""
        query = text("SELECT kind, actor, text, cause FROM timeline WHERE subject_id = :key ORDER BY id")
        async with self.database.session() as session:
            return [tuple(row) for row in (await session.execute(query, {"key": key})).all()]

    async def row(self, key: str) -> NoticeRow:
        async with self.database.session() as session:
            return await session.get_one(NoticeRow, key)

    async def tried(self, row: NoticeRow, send: Callable[[NoticeRow], Awaitable[None]]) -> tuple[float, float]:
        """Have it sent in vain; the least and the most seconds that there can be from this try to the next one."""
        query = text("SELECT extract(epoch FROM next_at - now()) FROM notices WHERE key = :key")
        async with self.database.session() as session:
            began = (await session.execute(text("SELECT now()"))).scalar_one()
        with contextlib.suppress(GatewayUnavailable):
            await send(row)
        async with self.database.session() as session:
            least = float((await session.execute(query, {"key": row.key})).scalar_one())
            ended = (await session.execute(text("SELECT now()"))).scalar_one()
        return least, least + (ended - began).total_seconds()

    async def mails(self, person: PersonRow | str) -> list[dict[str, Any]]:
        to = person if isinstance(person, str) else person.email
        answer = await self.http.get("/control/mails", params={"to": to})
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
