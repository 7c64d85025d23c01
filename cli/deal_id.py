"""A deal may be named by its id, the beginning of it, or its whole name."""

import re
from difflib import get_close_matches
from typing import Annotated, Any

import typer

from cli.client import Api
from cli.trouble import Trouble

DealId = Annotated[str, typer.Argument(help="The deal's id, the beginning of it, or its whole name.", metavar="DEAL")]


def found(api: Api, said: str) -> str:
    """A deal's id from its id, the beginning of it, or its name. Raises Trouble for none and for more than one."""
    if re.fullmatch(r"d_[a-z2-7]{26}", said):
        return said
    deals = list(api.pages("/v1/deals"))
    matches = [each for each in deals if each["name"].casefold() == said.casefold() or each["id"].startswith(said)]
    if len(matches) == 1:
        return str(matches[0]["id"])
    if not matches:
        names = {each["name"].casefold(): each["name"] for each in deals}
        near = [names[name] for name in get_close_matches(said.casefold(), names, n=2)]
        mend = f"did you mean {' or '.join(map(repr, near))}?" if near else "see `q2c deal list`"
        raise Trouble(f"there is no deal {said!r}", where="DEAL", mend=mend)
    raise Trouble(
        f"{len(matches)} deals are called {said!r}",
        where="DEAL",
        mend="give one of these ids",
        errors=[
            ("", f"{each['id']}  {each['name']}, {each['stage']}, opened {each['opened_at'][:10]}")
            for each in matches[:10]
        ],
    )


def open_order(page: dict[str, Any]) -> dict[str, Any]:
    """The deal's newest order, with a priced version. Raises Trouble where nothing is priced yet."""
    order: dict[str, Any] | None = page["orders"][-1] if page["orders"] else None
    if order is None or not order["version"]:
        raise Trouble(f"{page['name']} has no priced version yet", where="version", mend="look again in a moment")
    return order
