"""A deal's quote in a terminal: its versions listed, read, compared, cloned; a milestone said to be reached."""

from typing import Annotated, Any
from urllib.parse import quote as quoted

import typer
from rich.console import Console
from rich.text import Text

from cli import show
from cli.client import Api, api_of
from cli.deal_id import DealId, found
from cli.deal_page import print_standing, zone_of
from cli.draft_file import account_named
from cli.home import FOLDER, Folder
from cli.quote_page import print_quote
from cli.trouble import Trouble

VERSION_COLUMNS = ("order", "version", "status", "ACV", "TCV", "discount", "valid until", "made", "id")
VERSION = "A version of the newest order (2), of an order (1.2), or an id"

Line = dict[str, Any]


def versions(deal: DealId, folder: Folder = FOLDER) -> None:
    """Every quote version of a deal: what it is worth, how it ended."""
    api = api_of(folder)
    id_ = found(api, deal)
    zone = zone_of(api, api.get(f"/v1/deals/{id_}"))
    figures = ("ACV", "TCV", "discount")
    made = show.table(*VERSION_COLUMNS, right=figures, whole=("id",))
    for each in api.get(f"/v1/deals/{id_}/versions"):
        made.add_row(
            str(each["order_number"]),
            str(each["version"]),
            show.word(each["status"]) + Text(f", {each['alternative']}" if each["alternative"] else ""),
            each["acv"]["text"],
            each["total"]["text"],
            f"{each['discount_percent']} %",
            show.instant(each["expires_at"], zone),
            show.instant(each["created_at"], zone),
            each["id"],
        )
    show.put(show.console(), made)


def quote(
    deal: DealId,
    version: Annotated[str, typer.Argument(help=f"{VERSION}; the newest unless said.")] = "",
    folder: Folder = FOLDER,
) -> None:
    """One version whole: alternatives side by side, every line with how it came about, the waterfall from list to net."""
    api = api_of(folder)
    wanted = _version(_versions(api, found(api, deal)), version)
    full = api.get(f"/v1/quote-versions/{wanted['id']}")
    out = show.console()
    chosen = f", {full['alternative']} chosen" if full["alternative"] else ""
    out.print(Text(f"Version {full['order_number']}.{full['version']}", style=show.BOLD), end="")
    out.print(f"  {full['status'].replace('_', ' ')}{chosen}; net of tax")
    out.print(f"  content {full['content_hash']}", style=show.DIM)
    print_quote(out, full["offers"])


def compare(
    deal: DealId,
    before: Annotated[str, typer.Argument(help=f"{VERSION}; the one before the newest unless said.")] = "",
    after: Annotated[str, typer.Argument(help="Likewise; the newest unless said.")] = "",
    folder: Folder = FOLDER,
) -> None:
    """What changed between two versions: in money, in terms, line by line."""
    api = api_of(folder)
    listed = _versions(api, found(api, deal))
    if not before and len(listed) == 1:
        raise Trouble("there is but one version", where="V1", mend="revise the deal, or name a version of another deal")
    old = _version(listed, before) if before else listed[-2]
    new = _version(listed, after)
    said = api.get("/v1/quote-versions/compare", **{"from": old["id"], "to": new["id"]})
    out = show.console()
    out.print(Text(f"Version {_named(old)} → {_named(new)}", style=show.BOLD))
    for offer in said["offers"]:
        _offer_change(out, offer)


def clone(
    deal: DealId,
    name: Annotated[str, typer.Option(help="The new deal's; the same unless said.")] = "",
    account: Annotated[str, typer.Option(help="Another account's id, name or mail address.")] = "",
    signer: Annotated[str, typer.Option(help="Who signs: 'Ines Initech <ines@initech.example>'.")] = "",
    version: Annotated[int | None, typer.Option(help="Which version; the newest unless said.")] = None,
    without_coupons: Annotated[bool, typer.Option("--without-coupons", help="Leave its coupons off.")] = False,
    folder: Folder = FOLDER,
) -> None:
    """Open a new deal from a version's draft, priced anew, for the same account or another one."""
    api = api_of(folder)
    body: dict[str, Any] = {"name": name, "version": version, "signer": _signer(signer)}
    body["without_coupons"] = without_coupons
    if account:
        body["account_id"] = account_named(api, account, at="--account")
    said = {field: value for field, value in body.items() if value}
    print_standing(api, api.post(f"/v1/deals/{found(api, deal)}/clone", said))


def milestone(
    deal: DealId, name: Annotated[str, typer.Argument(help="As the quote names it.")], folder: Folder = FOLDER
) -> None:
    """A milestone of the running contract is reached: what hangs on it is invoiced."""
    api = api_of(folder)
    print_standing(api, api.post(f"/v1/deals/{found(api, deal)}/milestones/{quoted(name, safe='')}/reach"))


def _versions(api: Api, deal_id: str) -> list[Line]:
    listed: list[Line] = api.get(f"/v1/deals/{deal_id}/versions")
    if not listed:
        raise Trouble("the deal has no priced version yet", where="DEAL", mend="look again in a moment")
    return listed


def _version(listed: list[Line], said: str) -> Line:
    """The version that is meant; the newest where nothing is said. Raises Trouble."""
    newest = listed[-1]
    if not said:
        return newest
    wanted = f"{newest['order_number']}.{said}" if said.isdigit() else said
    match = next((each for each in listed if wanted in {_named(each), each["id"]}), None)
    if match is not None:
        return match
    if said.startswith("qv_"):  # of another deal
        return {"id": said, "order_number": 0}
    raise Trouble(f"there is no version {said!r}", where="VERSION", mend="see `q2c deal versions`")


def _named(version: Line) -> str:
    return f"{version['order_number']}.{version['version']}" if version["order_number"] else str(version["id"])


def _offer_change(out: Console, offer: Line) -> None:
    if offer["name"]:
        out.print(Text(f"{offer['name']}: {offer['what']}", style=show.BOLD))
    if offer["what"] == "same":
        out.print("  nothing changed", style=show.DIM)
        return
    money = show.table("", "before", "after", "change", right=("before", "after", "change"))
    for name, key in (("per period", "per_period"), ("ACV", "acv"), ("TCV", "tcv")):
        amounts = offer[key]
        delta = amounts["delta"]
        sign = "+" if delta["minor"] > 0 else ""
        style = {"+": "green", "": "red"}[sign] if delta["minor"] else show.DIM
        money.add_row(name, amounts["before"]["text"], amounts["after"]["text"], Text(f"{sign}{delta['text']}", style))
    show.put(out, money, 2)
    for each in offer["terms"]:
        out.print(f"  {each['name'].replace('_', ' ')}: {each['before'] or 'none'} → {each['after'] or 'none'}")
    for each in offer["lines"]:
        out.print(Text(f"  {each['text']}"))


def _signer(said: str) -> dict[str, str] | None:
    name, _, email = said.partition("<")
    if not said:
        return None
    if not name.strip() or not email.endswith(">"):
        raise Trouble(
            f"{said!r} is not a name and an address", where="--signer", mend="as in 'Ada Blue <ada@blue.example>'"
        )
    return {"name": name.strip(), "email": email.removesuffix(">")}
