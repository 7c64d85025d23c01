"""Notices reach people by mail and in their channel, at least once and recognisably so; no channel waits for another; a sandbox's go nowhere real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from api.app import create_app
from api.approving.token import DecisionLinks
from gateways.email import message_id
from gateways.slack import mark_of
from sandbox.process import SandboxProcess
from settings import Settings
from tests.api.office import ASKED_AT, Office
from tests.models import rows
from tests.serving import settings_over


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
