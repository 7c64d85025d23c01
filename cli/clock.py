"""Virtual clocks: `sandbox create` copies a legal entity onto one, `clock advance` moves it with all that falls due on the way."""

from datetime import date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from cli import show
from cli.client import Api, api_of
from cli.home import FOLDER, Folder
from cli.trouble import Trouble
from domain.calendar import local_midnight

app = typer.Typer(help="The virtual clocks of sandboxes. A real entity's clock cannot be moved.", no_args_is_help=True)
sandboxes = typer.Typer(help="Sandboxes: copies of a legal entity on a virtual clock.", no_args_is_help=True)

Sandbox = Annotated[str, typer.Argument(help="The sandbox's id, from `q2c clock show`.")]


def instant_of(said: str, zone: str, where: str) -> datetime:
    """A date (its first moment in the zone) or an instant (in the zone, unless it says its own). Raises Trouble.

    >>> instant_of("2027-07-01", "Europe/Berlin", "--to").isoformat()
    '2027-06-30T22:00:00+00:00'
    >>> instant_of("2027-07-01T09:00", "Europe/Berlin", "--to").isoformat()
    '2027-07-01T09:00:00+02:00'
    """
    try:
        if len(said) == len("2027-07-01"):
            return local_midnight(date.fromisoformat(said), zone)
        at = datetime.fromisoformat(said)
    except ValueError:
        raise Trouble(
            f"{said!r} is neither a date nor an instant", where=where, mend="as in 2027-07-01 or 2027-07-01T09:00:00Z"
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))


@app.command("advance")
def advance(
    sandbox: Sandbox,
    to: Annotated[str, typer.Option("--to", help="A date (its first moment there) or an instant.")],
    folder: Folder = FOLDER,
) -> None:
    """Move a sandbox's clock; every deal of it and the outside do what falls due on the way."""
    api = api_of(folder)
    entity = api.get(f"/v1/entities/{sandbox}")
    zone = entity["zone"]
    target = instant_of(to, zone, "--to")
    out = show.console()
    hops = 0

    def going_on(moved: dict[str, Any]) -> None:
        nonlocal hops
        hops += moved["hops"]
        out.print(f"  {show.instant(moved['now'], zone)}  {hops} dates", style="dim")

    with out.status(
        f"{sandbox} from {show.instant(entity['clock_at'], zone)} to {show.instant(target.isoformat(), zone)}"
    ):
        moved = api.post(
            f"/v1/sandboxes/{sandbox}/clock/advance", {"to": target.isoformat()}, patience=None, going_on=going_on
        )
    out.print(f"{sandbox} is at {show.instant(moved['now'], zone)} ({zone}), {hops + moved['hops']} dates on the way")


@app.command("show")
@sandboxes.command("list")
def show_(folder: Folder = FOLDER) -> None:
    """Every sandbox and what its clock says, in its own zone."""
    lines = [
        (each["id"], each["sandbox_of"], each["name"], show.instant(each["clock_at"], each["zone"]), each["zone"])
        for each in api_of(folder).pages("/v1/entities", sandboxes="true")
    ]
    out = show.console()
    made = show.table("sandbox", "copy of", "name", "now", "zone", whole=("sandbox", "now"))
    show.put(out, show.rows(made, lines) if lines else "no sandboxes; `q2c sandbox create ENTITY` makes one")


@sandboxes.command("create")
def create(
    entity: Annotated[str, typer.Argument(help="The real legal entity's id.")],
    id_: Annotated[str, typer.Option("--id", help="The sandbox's id; made for you unless said.")] = "",
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    starts: Annotated[
        str, typer.Option("--starts", help="Its now to begin with: a date or an instant; today unless said.")
    ] = "",
    folder: Folder = FOLDER,
) -> None:
    """Copy a legal entity, with its tax rates, onto a virtual clock of its own."""
    api: Api = api_of(folder)
    source = api.get(f"/v1/entities/{entity}")
    zone = source["zone"]
    at = instant_of(starts or datetime.now(tz=ZoneInfo(zone)).date().isoformat(), zone, "--starts")
    body = {"name": name or f"Sandbox of {source['name']}", "starts_at": at.isoformat()}
    made = api.post(f"/v1/entities/{entity}/sandbox", {**body, "id": id_} if id_ else body)
    show.console().print(f"{made['id']}: {made['name']}, its clock at {show.instant(made['clock_at'], zone)} ({zone})")
