"""API keys: `create` shows the key once, `list` shows none, `revoke` ends one at once."""

from typing import Annotated, Any

import typer
from rich.text import Text

from cli import show
from cli.client import api_of
from cli.home import FOLDER, Folder

app = typer.Typer(help="API keys: one is one person in one role.", no_args_is_help=True)


@app.command("create")
def create(
    person: Annotated[str, typer.Option(help="Whose key: a mail address.")],
    role: Annotated[str, typer.Option(help="sales, deal_desk, finance, ops or admin.")],
    groups: Annotated[str, typer.Option(help="For which groups they may approve, with commas.")] = "",
    folder: Folder = FOLDER,
) -> None:
    """Make a key for a person in a role; it is shown once."""
    said = {"person": person, "role": role, "groups": [each.strip() for each in groups.split(",") if each.strip()]}
    made = api_of(folder).post("/v1/keys", said)
    out = show.console()
    if out.is_terminal:
        who = f"{made['person']} as {made['role']}" + (f" for {', '.join(made['groups'])}" if made["groups"] else "")
        out.print(Text(made["key"], style="bold green"))
        out.print(f"The key of {who} ({made['id']}). It is not shown again: Q2C_API_KEY=… q2c …", style="dim")
    else:
        out.print(made["key"], soft_wrap=True)  # KEY=$(q2c key create …)


@app.command("list")
def list_(folder: Folder = FOLDER) -> None:
    """All keys by person, without the keys themselves."""
    made = show.table("id", "begins", "person", "role", "groups", "made (UTC)", "revoked (UTC)", whole=("id", "person"))
    keys = sorted(api_of(folder).pages("/v1/keys"), key=lambda each: (each["person"], each["created_at"]))
    show.put(show.console(), show.rows(made, [_line(each) for each in keys]))


@app.command("revoke")
def revoke(
    key: Annotated[str, typer.Argument(help="The key's id, from `q2c key list`.")], folder: Folder = FOLDER
) -> None:
    """End a key at once."""
    ended = api_of(folder).post(f"/v1/keys/{key}/revoke")
    show.console().print(f"revoked: {ended['id']}, {ended['person']} as {ended['role']}")


def _line(key: dict[str, Any]) -> list[str]:
    made, revoked = show.instant(key["created_at"]), show.instant(key["revoked_at"])
    return [key["id"], f"{key['prefix']}…", key["person"], key["role"], ", ".join(key["groups"]), made, revoked]
