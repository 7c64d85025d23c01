"""`q2c notices`: which notices and mails reached nobody, and why; and sending them again once it is mended."""

from typing import Annotated, Any

import typer
from rich.text import Text

from cli import show
from cli.client import Api, api_of
from cli.deal_id import found
from cli.home import FOLDER, Folder
from cli.trouble import Trouble

PATH = "/v1/notices"
STATUSES = ("refused", "waiting", "sent", "overtaken", "all")
MOST = 200
ALL = "all"


def notices(
    status: Annotated[str, typer.Option("--status", help="refused, waiting, sent, overtaken, or all.")] = "refused",
    deal: Annotated[str, typer.Option("--deal", help="Of one deal: its id, or its name.")] = "",
    person: Annotated[str, typer.Option("--person", help="To one person, by e-mail.")] = "",
    again: Annotated[
        str, typer.Option("--again", metavar="KEY", help="Send what was refused again; `all`: everything listed.")
    ] = "",
    to: Annotated[str, typer.Option("--to", metavar="ADDRESS", help="With --again: to another address.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="What the API says, for machines.")] = False,
    folder: Folder = FOLDER,
) -> None:
    """Notices and mails that reached nobody, newest first, each with the reason."""
    if status not in STATUSES:
        raise Trouble(f"{status!r} is no status", where="--status", mend=f"one of {', '.join(STATUSES)}")
    if to and (not again or again == ALL):
        raise Trouble("whose address is it?", where="--to", mend="name one mail by --again KEY")
    api = api_of(folder)
    if again == ALL:
        listed = [_again(api, each["key"]) for each in _listed(api, "refused", deal, person)]
    else:
        listed = [_again(api, again, to)] if again else _listed(api, status, deal, person)
    if as_json:
        show.as_json(listed)
    elif listed:
        _print(listed)
    else:
        show.console().print("everybody was told" if status == "refused" else "there are none")


def _again(api: Api, key: str, to: str = "") -> dict[str, Any]:
    sent: dict[str, Any] = api.post(f"{PATH}/again", {"key": key, **({"to": to} if to else {})})
    return sent


def _listed(api: Api, status: str, deal: str, person: str) -> list[dict[str, Any]]:
    asked = {"deal": found(api, deal) if deal else None, "person": person or None, "limit": MOST}
    listed: list[dict[str, Any]] = api.get(PATH, status=None if status == "all" else status, **asked)["items"]
    return listed


def _print(listed: list[dict[str, Any]]) -> None:
    """Whom, of what, by what; below it why not, and the key that `--again` takes."""
    out = show.console()
    for each in listed:
        head = Text(f"{show.instant(each['at'])}  ") + show.word(each["status"])
        head += Text(f"  {each['person']}", style=show.BOLD) + Text(
            f"  {each['subject'] or each['kind']} by {each['channel']}"
        )
        tries = f"{each['attempts']} {'try' if each['attempts'] == 1 else 'tries'}"
        out.print(head + Text(f", {tries}" if each["attempts"] else ""), soft_wrap=True)
        if each["error"]:
            out.print(Text(f"  {each['error']}"), soft_wrap=True)
        out.print(Text(f"  {each['key']}", style=show.DIM), soft_wrap=True)
