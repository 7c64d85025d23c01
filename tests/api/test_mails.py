"""Mails to customers are settled as notices are: refused for good at once, tried again where that may help, never lost, never twice under two ids."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import text

from api.app import create_app
from api.errors import Refusal
from gateways.email import message_id
from tests.api.office import ASKED_AT, Office


def somebody() -> str:
    return f"{uuid4().hex[:12]}@globex.example"


async def answers(office: Office, to: str, answer: str = "") -> None:
    assert (await office.http.post("/control/mails", json={"to": to, "answer": answer})).status_code == 200


async def test_a_refused_mail_is_settled_listed_told_and_sent_again_to_a_better_address(office: Office) -> None:
    gone, better, other = somebody(), somebody(), somebody()
    await answers(office, gone, "550 5.1.1 No such mailbox")
    key = await office.mail(gone)
    await office.mail(other)
    for to in (gone, other):
        await office.until_sent(to)
    [refused] = await office.told(gone, status="refused")
    assert (refused.key, refused.deal_id, refused.channel, refused.kind) == (key, "d_real", "mail", "mail")
    assert (refused.subject, refused.attempts) == ("Invoice A-1", 1)
    assert refused.error == "mail: 550 5.1.1 No such mailbox"
    assert [len(await office.mails(to)) for to in (gone, other)] == [0, 1]
    said = ("undelivered", "q2c", f"Invoice A-1, to {gone} could not be delivered", refused.error)
    assert await office.story(key) == [said]
    for _ in range(3):
        await office.relay.once()
    assert (await office.told(gone))[0].attempts == 1

    again = await office.again(key, better)
    assert (again.status, again.person, again.attempts) == ("waiting", better, 0)
    await office.until_sent(better)
    [mail] = await office.mails(better)
    assert mail["message_id"] == message_id(key, office.settings.mail_from)
    assert await office.story(key) == [
        said,
        ("sent_again", "ops@acme.example", f"Invoice A-1, to {better} is sent again", ""),
    ]
    for wanted in (better, None):
        with pytest.raises(Refusal, match="the notice is sent"):
            await office.again(key, wanted)


async def test_a_notice_goes_to_its_person_alone(office: Office) -> None:
    person = await office.person()
    await answers(office, person.email, "550 5.1.1 No such mailbox")
    await office.tell(person, "mail")
    await office.until_sent(person)
    [refused] = await office.told(person)
    with pytest.raises(Refusal, match="to its person alone"):
        await office.again(refused.key, "somebody@else.example")
    assert await office.told(person) == [refused]
    line = ("undelivered", "q2c", f"notice (ask) to {person.email} could not be delivered", refused.error)
    assert await office.story(refused.key) == [line]


async def test_a_full_mailbox_is_tried_again_later_and_holds_nobody_up(office: Office) -> None:
    full, other = somebody(), somebody()
    await answers(office, full, "452 4.2.2 Mailbox full")
    await office.mail(full)
    await office.mail(other, deal=None)
    await office.until_sent(other)
    while not (waits := (await office.told(full))[0]).attempts:
        await office.relay.once()
    assert (waits.status, "Mailbox full" in waits.error, waits.next_at is not None) == ("waiting", True, True)
    await answers(office, full)
    await office.until_sent(full)
    assert [len(await office.mails(to)) for to in (full, other)] == [1, 1]


async def test_one_list_of_mails_and_notices_turns_its_pages_whole(office: Office) -> None:
    person = await office.person(language="en")
    await office.tell(person, "mail", "slack")
    for _ in range(3):
        await office.mail(person.email)
    whole = await office.told(person, limit=200)
    assert sorted(each.kind for each in whole) == ["ask", "ask", "mail", "mail", "mail"]
    assert sorted(await office.pages(person, 2)) == [each.key for each in whole]
    await office.until_sent(person)
    assert {each.status for each in await office.told(person)} == {"sent"}


async def test_while_a_clock_moves_notices_leave_and_mails_with_their_papers_wait(office: Office) -> None:
    person = await office.person(language="en")
    with office.relay.aside():
        await office.tell(person, "mail", "slack", deal="d_sandbox")
        await office.mail(person.email, deal="d_sandbox")
        while any(sent_at is None for sent_at, _ in (await office.notices(person)).values()):
            await office.relay.once()
        assert [each.status for each in await office.told(person, status="waiting")] == ["waiting"]
        assert [mail["subject"] for mail in await office.mails(person)] != ["Invoice A-1"]
        assert len(await office.mails(person)) == len(await office.posts(person)) == 1
    await office.until_sent(person)
    assert [mail["subject"] for mail in await office.mails(person)][1:] == ["Invoice A-1"]
    assert {each.sent_at for each in await office.told(person)} == {ASKED_AT}


@pytest.mark.parametrize("table", ["mails", "notices"])
async def test_who_dies_between_the_server_s_yes_and_its_own_mark_sends_the_same_mail_again(
    office: Office, table: str
) -> None:
    person = await office.person(language="en")
    if table == "mails":
        await office.mail(person.email)
        lock = text("SELECT key FROM mails FOR UPDATE")
    else:
        await office.tell(person, "mail")
        lock = text("SELECT key FROM notices FOR UPDATE")
    dying = create_app(office.settings, relay=True)
    async with office.database.transaction() as session:
        await session.execute(lock)  # the mark waits for it: the mail is taken, and not marked
        async with dying.router.lifespan_context(dying):
            dying.state.relay.lanes.last_words = 0.0
            while not await office.mails(person):
                await asyncio.sleep(0.02)
    assert [each.status for each in await office.told(person)] == ["waiting"]
    await office.until_sent(person)
    for _ in range(2):
        await office.relay.once()
    first, second = await office.mails(person)
    assert (first["message_id"], first["body"]) == (second["message_id"], second["body"])
