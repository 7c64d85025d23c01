"""A quote and its customer in a terminal: the link by which it is read, who looked, what was asked, and the answer."""

from datetime import datetime
from typing import Annotated, Any

import typer
from rich.text import Text

from cli import show
from cli.client import api_of
from cli.deal_id import DealId, found, open_order
from cli.deal_page import now_of, zone_of
from cli.home import FOLDER, Folder
from cli.trouble import Trouble

Shares = dict[str, Any]
OPEN = "open"


def share(
    deal: DealId,
    revoke: Annotated[bool, typer.Option("--revoke", help="Take back every link of the deal.")] = False,
    folder: Folder = FOLDER,
) -> None:
    """The link by which the customer reads the newest version, made where there is none; every link and who looked."""
    api = api_of(folder)
    page = api.get(f"/v1/deals/{found(api, deal)}")
    entity = api.get(f"/v1/entities/{page['entity_id']}")
    path, now = f"/v1/deals/{page['id']}/shares", now_of(page, entity)
    open_links = [each for each in api.get(path)["links"] if _standing(each, now) == OPEN]
    if revoke:
        if not open_links:
            raise Trouble("no link of the deal is open", where="DEAL", mend="`q2c deal share` makes one")
        for each in open_links:
            api.post(f"/v1/share-links/{each['id']}/revoke")
    else:
        order = open_order(page)
        version = next(each["id"] for each in order["versions"] if each["version"] == order["version"])
        link = next((each for each in open_links if each["version_id"] == version), None)
        print((link or api.post(f"/v1/quote-versions/{version}/share-links"))["url"])
    _links(api.get(path), entity["zone"], now)


def _standing(link: dict[str, Any], now: datetime) -> str:
    if link["revoked_at"]:
        return f"revoked by {link['revoked_by']}"
    return OPEN if now < show.moment(link["expires_at"]) else "expired"


def _links(shares: Shares, zone: str, now: datetime) -> None:
    whole = ("link", "made", "until")
    made = show.table("link", "made", "by", "until", "", "seen", "last", right=("seen",), whole=whole)
    for each in shares["links"]:
        standing = _standing(each, now)
        made.add_row(
            each["id"],
            show.instant(each["created_at"], zone),
            each["created_by"],
            show.instant(each["expires_at"], zone),
            Text(standing, style="green" if standing == OPEN else "red"),
            str(len(each["views"])),
            show.instant(max((view["at"] for view in each["views"]), default=None), zone),
        )
    show.put(show.console(), made)


def questions(deal: DealId, folder: Folder = FOLDER) -> None:
    """What the customer asked about the deal's quote, and what was answered."""
    api = api_of(folder)
    id_ = found(api, deal)
    page = api.get(f"/v1/deals/{id_}")
    print_questions(page, zone_of(api, page))


def print_questions(page: dict[str, Any], zone: str) -> None:
    """Each question with its answer, or that it waits for one."""
    out = show.console()
    if not page["questions"]:
        out.print("no questions")
    for each in page["questions"]:
        out.print(Text(f"{show.instant(each['at'], zone)}  {each['by']}  ") + Text(each["id"], style=show.DIM))
        out.print(Text(f"  {each['text']}"))
        if each["reply"] is None:
            out.print(Text("  waits for an answer: q2c deal answer", style="yellow"))
        else:
            answered = f"  → {each['reply']}"
            said = Text(f"  ({each['replied_by']}, {show.instant(each['replied_at'], zone)})", style=show.DIM)
            out.print(Text(answered) + said)


def answer(
    deal: DealId,
    text: Annotated[str, typer.Argument(help="The answer; the customer gets it by mail and finds it on the page.")],
    question: Annotated[str, typer.Option(help="Which one; the only one that is open unless said.")] = "",
    folder: Folder = FOLDER,
) -> None:
    """Answer a customer's question, once."""
    api = api_of(folder)
    id_ = found(api, deal)
    page = api.get(f"/v1/deals/{id_}")
    waiting = [each for each in page["questions"] if each["reply"] is None]
    if not question and len(waiting) != 1:
        raise Trouble(
            f"{len(waiting)} questions wait for an answer" if waiting else "no question waits for an answer",
            where="--question",
            mend="name one with --question" if waiting else "see `q2c deal questions`",
            errors=[("", f"{each['id']}  {each['text']}") for each in waiting],
        )
    api.post(f"/v1/questions/{question or waiting[0]['id']}/reply", {"text": text})
    print_questions(api.get(f"/v1/deals/{id_}"), zone_of(api, page))
