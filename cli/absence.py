"""`q2c absence`: being away, with or without a deputy, and being back."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from cli import show
from cli.approve import retold
from cli.client import Refused, api_of
from cli.home import FOLDER, Folder
from cli.trouble import Trouble

PATH = "/v1/absences"

app = typer.Typer(help="Who is away, and who decides meanwhile.", no_args_is_help=True)


@app.command("add")
def add(
    since: Annotated[str, typer.Option("--since", help="A day (from its first minute, UTC), or an instant.")],
    until: Annotated[str, typer.Option("--until", help="The day of being back, or an instant; not included.")],
    deputy: Annotated[str, typer.Option("--to", help="Who decides meanwhile; nobody unless said.")] = "",
    person: Annotated[str, typer.Option("--person", help="Whose absence; yours unless said. For others: admin.")] = "",
    group: Annotated[list[str] | None, typer.Option("--group", help="For this group alone; may be said again.")] = None,
    besides: Annotated[bool, typer.Option("--besides", help="Not away: the deputy may decide as well.")] = False,
    folder: Folder = FOLDER,
) -> None:
    """Be away, or name a deputy who may decide as well. What waits for you already is looked up anew at once."""
    body: dict[str, Any] = {
        "since": _instant(since, "--since"),
        "until": _instant(until, "--until"),
        "away": not besides,
        "groups": group or [],
    }
    body |= {name: said for name, said in (("delegate_to", deputy), ("person", person)) if said}
    try:
        made = api_of(folder).post(PATH, body)
    except Refused as refused:
        raise retold(refused) from None
    _print([made])


@app.command("list")
def list_(
    person: Annotated[
        str, typer.Option("--person", help="One person's, also as a deputy; everybody's unless said.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="What the API says, for machines.")] = False,
    folder: Folder = FOLDER,
) -> None:
    """Absences that nobody took back, the earliest first."""
    found = api_of(folder).get(PATH, person=person or None)
    if as_json:
        show.as_json(found)
    elif found:
        _print(found)
    else:
        show.console().print("nobody is away")


@app.command("revoke")
def revoke(absence: Annotated[str, typer.Argument(metavar="ABSENCE", help="Its id.")], folder: Folder = FOLDER) -> None:
    """Back again: what was handed over comes back where nobody has answered yet."""
    _print([api_of(folder).post(f"{PATH}/{absence}/revoke")])


def _print(rows: list[dict[str, Any]]) -> None:
    made = show.table("absence", "person", "since (UTC)", "until (UTC)", "", whole=("absence",))
    for each in rows:
        to = each["delegate_to"]
        said = (f"{to} decides" if to else "nobody decides instead") if each["away"] else f"{to} may decide as well"
        said += f" for {', '.join(each['groups'])}" if each["groups"] else ""
        said = f"back since {show.instant(each['revoked_at'])}" if each["revoked_at"] else said
        made.add_row(each["id"], each["person"], show.instant(each["since"]), show.instant(each["until"]), said)
    show.put(show.console(), made)


def _instant(said: str, where: str) -> str:
    """A day or an instant as the API takes it; without a zone it is UTC. Raises Trouble."""
    try:
        read = datetime.fromisoformat(said)
    except ValueError:
        mend = "write a day such as 2027-03-22, or an instant such as 2027-03-22T12:00+01:00"
        raise Trouble(f"{said!r} is no day", where=where, mend=mend) from None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).isoformat()
