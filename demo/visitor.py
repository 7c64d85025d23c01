"""A customer at a browser: finds the link in its mail, opens the page, fills in the form that is there, and sends it."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from demo.client import Refused, World
from demo.fates import Visit
from demo.forms import forms_of
from demo.furnish import House
from demo.people import Case
from demo.post import Post
from demo.records import Account

LINK = re.compile(r"https?://\S+/q/\S+")
FORMS = {"asks": "ask", "declines": "decline", "accepts": "accept"}
SAID = {"ask": "asked", "decline": "declined", "accept": "accepted"}
FOUND = 200


async def links(world: World, account: Account) -> list[str]:
    """The links to quotes in the customer's mails, oldest first."""
    mails = (await world.ask("/control/mails", to=account.email))["mails"]
    return [link for mail in mails for link in LINK.findall(mail["body"])]


async def new_link(post: Post, case: Case, house: House) -> str:
    """The link in the customer's newest mail, once it is there. Raises Refused where none comes."""
    account = house.book.accounts[case.deal.account]

    async def look() -> str:
        found = await links(house.world, account)
        if len(found) == len(case.links):
            return ""
        case.links = found
        return found[-1]

    return await post.wait(look, who=account.name, what="its quote")


async def visit(world: World, link: str, account: Account, what: Visit) -> None:
    """Open the page and do what this visit is for. Raises Refused where the page does not take it."""
    answer = await world.browse(link)
    if answer.status_code != FOUND:
        raise Refused(f"{account.name} opens {link}", answer.status_code, {"detail": "the page does not open"})
    if what.action == "looks":
        return
    wanted = FORMS[what.action]
    form = next((each for each in forms_of(answer.text) if each.action.endswith(f"/{wanted}")), None)
    if form is None:
        raise Refused(f"{account.name} at {link}", answer.status_code, {"detail": f"the page has no form to {wanted}"})
    filled = {**form.fields, **_filled(what, account)}
    done = await world.browse(str(answer.url.join(form.action)), filled)
    said = parse_qs(urlsplit(str(done.url)).query).get("said", [""])[0]
    if done.status_code != FOUND or said != SAID[wanted]:
        raise Refused(f"{account.name} at {link}", done.status_code, {"detail": f"the page says {said!r} to {wanted}"})


def _filled(what: Visit, account: Account) -> dict[str, str]:
    match what.action:
        case "asks":
            return {"question": what.text}
        case "declines":
            return {"reason": what.text}
        case _:
            chosen = {"alternative": what.text} if what.text else {}
            return {"name": account.contact, "agree": "yes", **chosen}
