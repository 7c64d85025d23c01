"""What others read as well holds no link that decides: who reads it alone decides by one click, who does not by the link in their mail."""

from __future__ import annotations

import json

import pytest
from pydantic import SecretStr

from api.app import create_app
from models.access import PersonRow
from tests.api.office import Office


async def told(office: Office, person: PersonRow) -> tuple[str, str]:
    """The last mail and the last post, whole."""
    [mail], posts = await office.mails(person), await office.posts(person)
    return mail["body"], json.dumps(posts[-1], ensure_ascii=False)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("kind", ["ask", "remind", "escalate", "mention"])
async def test_a_post_in_a_channel_names_whom_it_is_for_and_holds_no_link(
    office: Office, language: str, kind: str
) -> None:
    person = await office.person(language=language, channel="#deal-desk")
    alone = await office.person(language=language)
    for each in (person, alone):
        await office.tell(each, "mail", "slack", kind=kind)
        await office.until_sent(each)
    mail, post = await told(office, person)
    assert f"{office.settings.public_url}/a/" in mail
    assert "http" not in post
    assert "button" not in post
    assert {"en": "For: Dana Desk", "fr": "Pour\xa0: Dana Desk"}[language] in post
    assert {"en": "is in your mail", "fr": "est dans votre courriel"}[language] in post
    assert {"en": "For: ", "fr": "Pour\xa0: "}[language] not in mail
    _, post = await told(office, alone)
    assert f"{office.settings.public_url}/a/" in post
    assert {"en": "For: ", "fr": "Pour\xa0: "}[language] not in post


async def test_a_direct_message_that_two_people_read_is_shared(office: Office) -> None:
    first = await office.person(language="en", channel="@the-desk")
    await office.tell(first, "mail", "slack")
    await office.until_sent(first)
    assert "/a/" in (await told(office, first))[1]
    second = await office.person(language="en", channel=" @The-Desk")
    await office.tell(second, "mail", "slack")
    await office.tell(first, "slack", kind="remind")
    for person in (first, second):
        await office.until_sent(person)
    *_, earlier, later = await office.posts(first)
    assert "/a/" not in json.dumps([earlier, later])


async def test_a_workspace_s_webhook_is_not_trusted_to_reach_one_person(office: Office) -> None:
    """Slack's own post to their channel, whatever the message says; only a webhook of the person's own is theirs."""
    hers, his = await office.person(language="en"), await office.person(language="en")
    base = office.settings.slack_url.get_secret_value().removesuffix("/{channel}")
    hooks = {"slack_url": SecretStr(base), "slack_hooks": SecretStr(f"{hers.slack}={base}/{hers.slack}")}
    app = create_app(office.settings.model_copy(update=hooks), relay=False)
    async with app.router.lifespan_context(app):
        for person in (hers, his):
            await office.tell(person, "slack")
            while not await office.posts(person):
                await app.state.relay.once()
    assert ["/a/" in json.dumps(await office.posts(person)) for person in (hers, his)] == [True, False]


async def test_the_owner_s_news_have_no_link_to_hide(office: Office) -> None:
    owner = await office.person(language="en", channel="#sales")
    await office.tell(owner, "mail", "slack", kind="decided", verb="approve", by="x@acme.example", link_id="")
    await office.until_sent(owner)
    _, post = await told(office, owner)
    assert "For: Dana Desk" in post
    assert "your mail" not in post
