"""An approver where they are: opens the link in their mail or their chat, reads the page, fills in one of its forms and sends it."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from demo.client import Json, Refused, World
from demo.course import Act
from demo.forms import forms_of
from demo.post import Post
from demo.records import Person

LINK = re.compile(r"https?://\S+/a/\S+")
FOUND = 200
EVERYTHING = "d0"  # the first field of a counter-proposal: the discount on everything


async def decide_by_link(world: World, post: Post, person: Person, act: Act, deal: str) -> None:
    """What this person does by the link about this deal. Raises Refused where the page does not take it."""
    link = await link_to(world, post, person, deal, version=act.version, source=act.source)
    page = await world.browse(link)
    where = f"{person.name} at {link}"
    if page.status_code != FOUND:
        raise Refused(where, page.status_code, {"detail": "the page does not open"})
    form = next((each for each in forms_of(page.text) if each.fields.get("verb") == act.what), None)
    if form is None:
        raise Refused(where, page.status_code, {"detail": f"the page has no form to {act.what}"})
    filled = {**form.fields, "reason": act.says}
    if act.proposes:
        filled[EVERYTHING] = act.proposes
    if act.to:
        filled["to"] = act.to
    done = await world.browse(str(page.url.join(form.action)), filled)
    said = parse_qs(urlsplit(str(done.url)).query).get("said", [""])[0]
    if done.status_code != FOUND or said not in (act.what, "heard"):
        raise Refused(where, done.status_code, {"detail": f"the page says {said!r} to {act.what}"})


async def link_to(
    world: World, post: Post, person: Person, deal: str, *, version: int = 1, source: str = "mail"
) -> str:
    """The newest link in the person's mail or chat about this version, once it is there. Raises Refused where none comes."""

    async def look() -> str:
        inbox = _mailed if source == "mail" else _posted
        found = await inbox(world, person, deal, f"version {version}")
        return found[-1] if found else ""

    return await post.wait(look, who=person.name, what=f"a link to {deal} by {source}")


async def _mailed(world: World, person: Person, *about: str) -> list[str]:
    """The links in the person's mails about this, oldest first."""
    mails = (await world.ask("/control/mails", to=person.email))["mails"]
    return [link for mail in mails if _names(mail["body"], about) for link in LINK.findall(mail["body"])]


async def _posted(world: World, person: Person, *about: str) -> list[str]:
    """The links in the person's channel about this, oldest first: each is the button of a post."""
    posts = (await world.ask("/control/slack", channel=person.slack))["posts"]
    return [url for post in posts if _names(_said(post), about) for url in _buttons(post)]


def _names(text: str, about: tuple[str, ...]) -> bool:
    return all(each in " ".join(text.split()) for each in about)


def _said(post: Json) -> str:
    return " ".join(str(block.get("text", {}).get("text", "")) for block in post["blocks"])


def _buttons(post: Json) -> list[str]:
    elements = [each for block in post["blocks"] for each in block.get("elements", ())]
    return [str(each["url"]) for each in elements if LINK.fullmatch(str(each.get("url", "")))]
