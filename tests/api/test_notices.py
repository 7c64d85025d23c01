"""Notices reach people by mail and in their channel, at least once and recognisably so; no channel waits for another; a sandbox's go nowhere real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text
from sqlmodel import SQLModel

from api.app import create_app
from api.approving.token import DecisionLinks
from api.relay import Relay
from gateways.email import message_id
from gateways.slack import mark_of
from models.access import PersonRow
from models.approval import DecisionLinkRow, NoticeRow
from models.database import Database
from sandbox.process import SandboxProcess
from settings import Settings
from tests.models import rows
from tests.serving import settings_over

ASKED_AT = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)
ASKED: dict[str, Any] = {
    "order_number": 1,
    "version": 1,
    "asks": [{"level": 1, "group": "deal_desk", "reason": "discount 20 is over 10", "members": ["vera@acme.example"]}],
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
        while any(sent_at is None for sent_at, _ in (await self.notices(person)).values()):
            await self.relay.once()
            await asyncio.sleep(0.05)

    async def mails(self, person: PersonRow) -> list[dict[str, Any]]:
        answer = await self.http.get("/control/mails", params={"to": person.email})
        found: list[dict[str, Any]] = answer.json()["mails"]
        return found

    async def posts(self, person: PersonRow) -> list[dict[str, Any]]:
        answer = await self.http.get("/control/slack", params={"channel": person.slack})
        found: list[dict[str, Any]] = answer.json()["posts"]
        return found

    async def faults(self, account: str, *script: str) -> None:
        plan = {"account": account, "script": script, "slow_seconds": 2.0}
        assert (await self.http.post("/control/faults", json=plan)).status_code == 200


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    process = SandboxProcess(data=tmp_path_factory.mktemp("notices") / "outside.db")
    process.start()
    yield process
    process.stop()


@pytest.fixture
def settings(outside: SandboxProcess, database_url: str) -> Settings:
    return settings_over(outside, database_url, "127.0.0.1:1", "nobody")


@pytest.fixture
async def office(settings: Settings, outside: SandboxProcess) -> AsyncIterator[Office]:
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


async def test_a_notice_reaches_a_person_by_mail_and_in_their_channel(office: Office) -> None:
    person = await office.person()
    await office.tell(person, "mail", "slack")
    await office.until_sent(person)

    [mail], [post] = await office.mails(person), await office.posts(person)
    assert mail["subject"] == "Votre accord : Globex 2027, 1\u202f200,00\xa0EUR"
    lines = [line for line in mail["body"].replace("\r\n", "\n").split("\n") if line]
    url = lines.pop(-2)
    assert lines == [
        "sam@acme.example demande votre accord sur Globex 2027 pour Globex (version 1).",
        "Motif (deal_desk, niveau 1) : discount 20 is over 10",
        "Vous remplacez : vera@acme.example",
        "Montant : 1\u202f200,00\xa0EUR sur 12 mois, soit 20\u202f% sous le prix catalogue de 1\u202f500,00\xa0EUR",
        "Par an : 1\u202f200,00\xa0EUR",
        "Responsable : sam@acme.example",
        "Également sollicités : fin@acme.example",
        "Jusqu’au : 2 mars 2027, 17:30 (Europe/Paris)",
        "Voir et décider",
        "Ce lien est pour vous seul, sert une fois et ouvre une page ; seul son bouton décide.",
    ]
    links = DecisionLinks(office.settings.link_secrets, office.settings.public_url)
    link_id, content_hash = links.read(url.removeprefix(f"{office.settings.public_url}/a/"))
    assert (link_id[:3], content_hash) == ("dl_", "c" * 64)
    assert post["blocks"][0]["text"]["text"] == mail["subject"]
    assert post["blocks"][-2]["elements"][0]["url"] == url
    assert (mail["from"], mail["message_id"]) == (
        office.settings.mail_from,
        message_id(f"d_real/ask/{person.email}/mail", office.settings.mail_from),
    )
    assert post["key"] == mark_of(f"d_real/ask/{person.email}/slack")
    assert all(error == "" for _, error in (await office.notices(person)).values())


async def test_a_lost_answer_is_asked_for_again_and_the_repeat_can_be_told(office: Office) -> None:
    person = await office.person(language="en")
    await office.tell(person, "mail", "slack")
    await office.faults("mail", "lost")
    await office.faults("slack", "lost")
    await office.relay.once()
    first = await office.notices(person)
    assert [sent_at for sent_at, _ in first.values()] == [None, None]
    assert all(error for _, error in first.values())
    await office.until_sent(person)
    mails, posts = await office.mails(person), await office.posts(person)
    assert [mail["message_id"] for mail in mails] == [mails[0]["message_id"]] * 2
    assert [(post["key"], post["blocks"]) for post in posts] == [(posts[0]["key"], posts[0]["blocks"])] * 2
    assert posts[0]["blocks"][0]["block_id"] == posts[0]["key"]
    sent = await office.notices(person)
    for _ in range(3):
        await office.relay.once()
    assert await office.notices(person) == sent
    assert (len(await office.mails(person)), len(await office.posts(person))) == (2, 2)


async def test_a_slow_channel_holds_up_neither_the_other_nor_the_round(office: Office) -> None:
    person = await office.person()
    await office.tell(person, "mail", "slack")
    await office.faults("slack", "slow")
    await office.relay.once()
    now = await office.notices(person)
    assert now["mail"][0] is not None
    assert now["slack"] == (None, "")
    assert len(await office.mails(person)) == 1
    await office.until_sent(person)
    assert len(await office.posts(person)) == 1


async def test_a_channel_that_does_not_answer_is_tried_once_and_all_of_it_waits(
    settings: Settings, office: Office
) -> None:
    people = [await office.person() for _ in range(3)]
    for person in people:
        await office.tell(person, "mail", "slack")
    away = create_app(
        settings.model_copy(update={"slack_url": SecretStr("http://127.0.0.1:1/services/SECRET")}), relay=False
    )
    async with away.router.lifespan_context(away):
        for _ in range(3):
            await away.state.relay.once()
    found = [await office.notices(person) for person in people]
    assert all(notices["mail"][0] for notices in found)
    assert sorted(notices["slack"] for notices in found) == [(None, ""), (None, ""), (None, "slack: ConnectError")]
    for person in people:
        await office.until_sent(person)
    assert [len(await office.posts(person)) for person in people] == [1, 1, 1]


async def test_what_one_channel_refuses_stops_nobody_else(office: Office) -> None:
    first, second = await office.person(), await office.person()
    mute = await office.person(slack=False)
    await office.http.post("/control/slack", json={"channel": first.slack, "archived": True})
    for person in (first, mute, second):
        await office.tell(person, "mail", "slack")
    await office.until_sent(second)
    assert (await office.notices(first))["slack"] == (None, "slack: 410 channel_is_archived")
    assert (await office.notices(mute))["slack"] == (None, f"slack: {mute.email} has no channel")
    assert [len(await office.mails(person)) for person in (first, mute, second)] == [1, 1, 1]
    await office.http.post("/control/slack", json={"channel": first.slack, "archived": False})
    await office.until_sent(first)
    assert len(await office.posts(first)) == 1


async def test_a_notice_without_its_link_does_not_leave(office: Office) -> None:
    person, other = await office.person(), await office.person()
    await office.tell(person, "mail", link_id="dl_nobody")
    await office.tell(other, "mail")
    async with office.database.transaction() as session:  # a link of somebody else is none
        await session.execute(
            text("UPDATE notices SET payload = payload || (SELECT jsonb_build_object('link_id', id) FROM decision_links"
                 " WHERE person = :other) WHERE person = :person"),
            {"other": other.email, "person": person.email},
        )  # fmt: skip
    await office.until_sent(other)
    [(sent_at, error)] = (await office.notices(person)).values()
    assert sent_at is None
    assert error.startswith("there is no link dl_")
    assert await office.mails(person) == []


async def test_a_sandbox_s_notices_are_dated_by_its_clock_and_reach_its_own_servers(office: Office) -> None:
    person = await office.person(language="en")
    await office.tell(person, "mail", "slack", deal="d_sandbox")
    await office.until_sent(person)
    assert await office.notices(person) == {"mail": (ASKED_AT, ""), "slack": (ASKED_AT, "")}
    [mail] = await office.mails(person)
    assert "This is a sandbox: nothing here is real." in mail["body"]


@pytest.mark.parametrize("channel", ["mail", "slack"])
async def test_a_sandbox_s_notices_never_reach_real_servers(settings: Settings, office: Office, channel: str) -> None:
    person, real = await office.person(), await office.person()
    await office.tell(person, channel, deal="d_sandbox")
    await office.tell(real, channel)
    moved = settings.bank_url.replace(
        "127.0.0.1", "localhost"
    )  # now mail and chat are at another host than the sandbox
    elsewhere = create_app(settings.model_copy(update={"bank_url": moved}), relay=False)
    async with elsewhere.router.lifespan_context(elsewhere):
        while (await office.notices(real))[channel][0] is None:
            await elsewhere.state.relay.once()
    [(sent_at, error)] = (await office.notices(person)).values()
    assert sent_at is None
    assert error.startswith("a sandbox's ")
    assert (await office.mails(person), await office.posts(person)) == ([], [])
    assert len([*await office.mails(real), *await office.posts(real)]) == 1


async def test_one_relay_dies_and_the_next_one_sends_what_it_left(office: Office, settings: Settings) -> None:
    person = await office.person()
    await office.tell(person, "slack")
    await office.faults("slack", "slow")
    dying = create_app(settings, relay=True)
    async with dying.router.lifespan_context(dying):
        while not dying.state.relay._channels:
            await asyncio.sleep(0.01)
    await office.until_sent(person)
    keys = {post["key"] for post in await office.posts(person)}
    assert keys == {mark_of(f"d_real/ask/{person.email}/slack")}
