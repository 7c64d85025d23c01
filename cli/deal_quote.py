"""A deal's quote versions in a terminal: listed, cloned into a new deal."""

from typing import Annotated, Any

import typer

from cli import show
from cli.client import api_of
from cli.deal_id import DealId, found
from cli.deal_page import print_standing, zone_of
from cli.draft_file import Asked, account_of
from cli.home import FOLDER, Folder
from cli.trouble import Trouble

VERSION_COLUMNS = ("order", "version", "status", "ACV", "TCV", "discount", "valid until", "made", "id")


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
            show.word(each["status"]),
            each["acv"]["text"],
            each["total"]["text"],
            f"{each['discount_percent']} %",
            show.instant(each["expires_at"], zone),
            show.instant(each["created_at"], zone),
            each["id"],
        )
    show.put(show.console(), made)


def clone(
    deal: DealId,
    name: Annotated[str, typer.Option(help="The new deal's; the same unless said.")] = "",
    account: Annotated[str, typer.Option(help="Another account's id, name or mail address.")] = "",
    signer: Annotated[str, typer.Option(help="Who signs: 'Ines Initech <ines@initech.example>'.")] = "",
    version: Annotated[int | None, typer.Option(help="Which version; the newest unless said.")] = None,
    folder: Folder = FOLDER,
) -> None:
    """Open a new deal from a version's draft, priced anew, for the same account or another one."""
    api = api_of(folder)
    body: dict[str, Any] = {"name": name, "version": version, "signer": _signer(signer)}
    if account:
        body["account_id"] = account_of(api, Asked(name=name, account=account, draft={}, at=lambda _: "--account"))
    said = {field: value for field, value in body.items() if value}
    print_standing(api, api.post(f"/v1/deals/{found(api, deal)}/clone", said))


def _signer(said: str) -> dict[str, str] | None:
    name, _, email = said.partition("<")
    if not said:
        return None
    if not name.strip() or not email.endswith(">"):
        raise Trouble(
            f"{said!r} is not a name and an address", where="--signer", mend="as in 'Ada Blue <ada@blue.example>'"
        )
    return {"name": name.strip(), "email": email.removesuffix(">")}
