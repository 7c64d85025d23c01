"""Notices reach people by mail and in their channel, at least once and recognisably so; no channel waits for another; a sandbox's go nowhere real."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from api.app import create_app
from api.approving.token import DecisionLinks
from api.errors import Refusal
from api.leaving import LONGEST_PAUSE, MOST_ATTEMPTS
from gateways.email import message_id
from gateways.slack import mark_of
from sandbox.slack import REFUSALS
from tests.api.office import ASKED_AT, Office


async def test_a_notice_reaches_a_person_by_mail_and_in_their_channel(office: Office) -> None:
    person = await office.person()
    await office.tell(person, "mail", "slack")
    await office.until_sent(person)

    [mail], [post] = await office.mails(person), await office.posts(person)
    assert mail["subject"] == "Votre accord\xa0: Globex 2027, 1\u202f200,00\xa0EUR"
    lines = [line for line in mail["body"].replace("\r\n", "\n").split("\n") if line]
    url = lines.pop(-2)
    assert lines == [
        "sam@acme.example demande votre accord sur Globex 2027 pour Globex (version 1).",
        "Motif (deal desk, niveau 1)\xa0: remise de 20\u202f%, au-dessus de 10\u202f%",
        "Vous remplacez\xa0: vera@acme.example",
        "Montant\xa0: 1\u202f200,00\xa0EUR sur 12 mois, soit 20\u202f% sous le prix catalogue de 1\u202f500,00\xa0EUR",
        "Par an\xa0: 1\u202f200,00\xa0EUR",
        "Responsable\xa0: sam@acme.example",
        "Également sollicités\xa0: fin@acme.example",
        "Jusqu’au\xa0: 2 mars 2027, 17:30 (Europe/Paris)",
        "Voir et décider",
        "Ce lien est pour vous seul, sert une fois et ouvre une page\u202f; seul son bouton décide.",
    ]
    links = DecisionLinks(office.settings.link_secrets, office.settings.public_url)
    link_id, content_hash = links.read(url.removeprefix(f"{office.settings.public_url}/a/"))
    assert (link_id[:3], content_hash) == ("dl_", "c" * 64)
    assert post["blocks"][0]["text"]["text"] == mail["subject"]
    whole = await office.whole(mail)
    assert f'href="{url}"' in whole["html"]
    assert (whole["headers"]["auto-submitted"], whole["headers"]["reply-to"]) == ("auto-generated", "sam@acme.example")
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
    await office.round()
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
    await office.round(but="notices/slack")
    now = await office.notices(person)
    assert now["mail"][0] is not None
    assert now["slack"] == (None, "")
    assert len(await office.mails(person)) == 1
    await office.until_sent(person)
    assert len(await office.posts(person)) == 1


async def test_a_channel_that_does_not_answer_is_tried_once_and_all_of_it_waits(office: Office) -> None:
    people = [await office.person() for _ in range(3)]
    for person in people:
        await office.tell(person, "mail", "slack")
    away = create_app(
        office.settings.model_copy(update={"slack_url": SecretStr("http://127.0.0.1:1/services/SECRET")}), relay=False
    )
    async with away.router.lifespan_context(away):
        await office.round(relay=away.state.relay)
    found = [await office.notices(person) for person in people]
    assert all(notices["mail"][0] for notices in found)
    assert sorted(notices["slack"] for notices in found) == [(None, ""), (None, ""), (None, "slack: ConnectError")]
    for person in people:
        await office.until_sent(person)
    assert [len(await office.posts(person)) for person in people] == [1, 1, 1]


async def test_what_one_channel_refuses_is_settled_listed_and_can_be_sent_again(office: Office) -> None:
    first, second = await office.person(), await office.person()
    mute = await office.person(slack=False)
    await office.http.post("/control/slack", json={"channel": first.slack, "archived": True})
    for person in (first, mute, second):
        await office.tell(person, "mail", "slack")
    for person in (first, mute, second):
        await office.until_sent(person)
    assert [len(await office.mails(person)) for person in (first, mute, second)] == [1, 1, 1]
    [refused], [silent] = await office.told(first, status="refused"), await office.told(mute, status="refused")
    assert (refused.error, refused.attempts) == ("slack: 410 channel_is_archived", 1)
    assert silent.error == f"slack: {mute.email} has no channel"
    assert await office.told(second, status="refused") == []

    await office.http.post("/control/slack", json={"channel": first.slack, "archived": False})
    await office.again(refused.key)
    await office.until_sent(first)
    assert len(await office.posts(first)) == 1
    with pytest.raises(Refusal, match="the notice is sent"):
        await office.again(refused.key)
    with pytest.raises(Refusal, match="there is no notice"):
        await office.again("d_none")


@pytest.mark.parametrize("answer", ["no_service", "action_prohibited", "invalid_payload"])
async def test_what_slack_will_never_take_goes_by_mail_where_it_did_not_already(office: Office, answer: str) -> None:
    person = await office.person()
    await office.http.post("/control/slack", json={"channel": person.slack, "answer": answer})
    await office.tell(person, "slack")
    await office.until_sent(person)
    mailed, refused = await office.told(person)
    assert (mailed.key, mailed.status) == (f"d_real/ask/{person.email}/mail", "sent")
    assert (refused.status, refused.error) == ("refused", f"slack: {REFUSALS[answer]} {answer}")
    assert refused.refused_at is not None
    assert len(await office.mails(person)) == 1
    for _ in range(3):
        await office.relay.once()
    assert (len(await office.mails(person)), await office.posts(person)) == (1, [])


async def test_a_busy_channel_is_left_alone_for_as_long_as_it_asks(office: Office) -> None:
    person, other = await office.person(), await office.person()
    busy = {"channel": person.slack, "answer": "rate_limited", "retry_after": 600}
    await office.http.post("/control/slack", json=busy)
    await office.tell(person, "slack")
    await office.round()
    [held] = await office.told(person)
    assert (held.status, held.error, held.attempts) == ("waiting", "slack: status 429, come back in 600 s", 1)
    async with office.database.session() as session:
        query = text("SELECT next_at - now() > interval '500 seconds' FROM notices WHERE key = :key")
        assert (await session.execute(query, {"key": held.key})).scalar_one()
    await office.http.post("/control/slack", json={"channel": person.slack})
    await office.tell(other, "mail", "slack")
    await office.round()
    assert {each.channel: each.status for each in await office.told(other)} == {"mail": "sent", "slack": "waiting"}
    assert (await office.posts(person), (await office.told(other))[1].attempts) == ([], 0)


async def test_a_server_in_trouble_is_asked_again_ever_later_and_given_up_after_the_last_attempt(
    office: Office,
) -> None:
    person = await office.person()
    await office.http.post("/control/slack", json={"channel": person.slack, "answer": "rollup_error"})
    await office.tell(person, "slack")
    row = await office.row(f"d_real/ask/{person.email}/slack")
    send = office.relay.lanes.lanes["notices/slack"].send
    pauses = [await office.tried(row, send) for _ in range(MOST_ATTEMPTS)]
    expected = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, LONGEST_PAUSE, LONGEST_PAUSE]
    assert [least <= pause <= most for (least, most), pause in zip(pauses, expected, strict=False)] == [True] * 12
    refused, mailed = sorted(await office.told(person), key=lambda each: each.status)
    assert (refused.status, refused.attempts, refused.error) == ("refused", MOST_ATTEMPTS, "slack: status 500")
    assert (mailed.channel, mailed.status) == ("mail", "waiting")


async def test_a_mailbox_that_refuses_for_good_is_asked_once_and_one_that_is_full_again(office: Office) -> None:
    gone, full = await office.person(), await office.person()
    await office.http.post("/control/mails", json={"to": gone.email, "answer": "550 5.1.1 No such mailbox"})
    await office.http.post("/control/mails", json={"to": full.email, "answer": "452 4.2.2 Mailbox full"})
    await office.tell(gone, "mail")
    await office.tell(full, "mail")
    await office.until_sent(gone)
    [refused] = await office.told(gone)
    assert (refused.status, refused.attempts) == ("refused", 1)
    assert refused.error == "mail: 550 5.1.1 No such mailbox"
    while not (waits := (await office.told(full))[0]).attempts:
        await office.relay.once()
    assert (waits.status, "Mailbox full" in waits.error) == ("waiting", True)
    await office.http.post("/control/mails", json={"to": full.email})
    await office.until_sent(full)
    assert [len(await office.mails(person)) for person in (gone, full)] == [0, 1]


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
    for each in (person, other):
        await office.until_sent(each)
    [notice] = await office.told(person)
    assert notice.status == "refused"
    assert notice.error.startswith("there is no link dl_")
    assert await office.mails(person) == []


async def test_a_sandbox_s_notices_are_dated_by_its_clock_and_reach_its_own_servers(office: Office) -> None:
    person = await office.person(language="en")
    await office.tell(person, "mail", "slack", deal="d_sandbox")
    await office.until_sent(person)
    assert await office.notices(person) == {"mail": (ASKED_AT, ""), "slack": (ASKED_AT, "")}
    [mail] = await office.mails(person)
    assert "This is a sandbox: nothing here is real." in mail["body"]


@pytest.mark.parametrize("channel", ["mail", "slack"])
async def test_a_sandbox_s_notices_never_reach_real_servers(office: Office, channel: str) -> None:
    person, real = await office.person(), await office.person()
    await office.tell(person, channel, deal="d_sandbox")
    await office.tell(real, channel)
    moved = office.settings.bank_url.replace(
        "127.0.0.1", "localhost"
    )  # now mail and chat are at another host than the sandbox
    elsewhere = create_app(office.settings.model_copy(update={"bank_url": moved}), relay=False)
    async with elsewhere.router.lifespan_context(elsewhere):
        while await office.told(person, status="waiting") or await office.told(real, status="waiting"):
            await elsewhere.state.relay.once()
    notice = next(each for each in await office.told(person, status="refused") if each.channel == channel)
    assert notice.error.startswith("a sandbox's ")
    assert (await office.mails(person), await office.posts(person)) == ([], [])
    assert len([*await office.mails(real), *await office.posts(real)]) == 1


@pytest.mark.parametrize("patience", [0.0, 5.0])
async def test_one_relay_ends_and_the_next_one_sends_what_it_left(office: Office, patience: float) -> None:
    """What is being sent may end, so that it is not sent twice; where there is no time for that, it can be told."""
    person = await office.person()
    await office.tell(person, "slack")
    await office.faults("slack", "late")
    ending = create_app(office.settings, relay=True)
    async with ending.router.lifespan_context(ending):
        ending.state.relay.lanes.last_words = patience
        while not await office.posts(person):
            await asyncio.sleep(0.02)
    [left] = await office.told(person)
    assert left.status == ("sent" if patience else "waiting")
    await office.until_sent(person)
    posts = await office.posts(person)
    assert {post["key"] for post in posts} == {mark_of(f"d_real/ask/{person.email}/slack")}
    assert len(posts) == (1 if patience else 2)
