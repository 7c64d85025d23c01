"""`up`, `down`, `status`: one machine's whole system in one folder, and what a fresh one gets (first key, standard policies)."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from cli import show
from cli.home import FOLDER, Folder, Home, remember, remembered
from cli.trouble import Trouble

ADMIN = "admin@q2c.local"


def up(
    folder: Folder = FOLDER,
    workers: Annotated[int, typer.Option(min=1, max=32, help="How many worker processes.")] = 1,
    ui: Annotated[bool, typer.Option("--ui/--no-ui", help="Temporal's own web pages.")] = True,
    admin: Annotated[str, typer.Option(help="Whose the first key is, on a fresh system.")] = ADMIN,
) -> None:
    """Bring up PostgreSQL, Temporal, the outside parties, the API and the workers; data stays in the folder."""
    from cli.fresh import furnish
    from embedded.system import System
    from migrations.run import upgrade

    out = show.console()
    system = System(
        folder,
        ui=ui,
        migrate=lambda url: asyncio.run(upgrade(url)),
        say=lambda line: out.print(f"  {line}", style="dim"),
    )
    system.up()
    while len(system.workers()) < workers:
        system.start_worker()
    secret = asyncio.run(furnish(system.database_url, admin))
    known = remembered(folder)
    remember(folder, Home(api_url=system.api_url, api_key=secret or known.api_key))
    out.print()
    lines = [
        ("API", f"{system.api_url}/docs"),
        ("Temporal", "" if "temporal" in system.outside else system.temporal.ui_url),
        ("outside", system.sandbox_url),
        ("test inbox", f"{system.sandbox_url}/inbox" if system.sandbox_url else ""),
        ("data", str(system.folder)),
    ]
    show.put(out, show.rows(show.table("", "", heading=False), [each for each in lines if each[1]]))
    if secret is not None:
        out.print()
        out.print(Text("The first admin key, shown once: ", style="bold") + Text(secret, style="bold green"))
        out.print(f"  It is {admin}'s. `q2c` itself remembers it in {folder / 'cli.json'}.", style="dim")
    elif not known.api_key:
        out.print("This system has an admin key already, and this folder does not know it: set Q2C_API_KEY.")


def down(folder: Folder = FOLDER) -> None:
    """Stop everything of the folder. The data stays."""
    _existing(folder)
    from embedded.system import System

    System(folder).down()
    show.console().print(f"stopped; the data stays in {folder}")


def status(folder: Folder = FOLDER) -> None:
    """Which servers of the folder are up, and where, and whether a notice reached nobody. Ends with 1 where a server is down."""
    _existing(folder)
    from embedded.system import System

    found = System(folder).status()
    lines = [
        (
            each.name,
            Text("outside", style="cyan")
            if each.outside
            else Text("up", "green")
            if each.running
            else Text("down", "red"),
            str(each.pid or ""),
            each.address,
            str(each.log or ""),
        )
        for each in found
    ]
    made = show.table("server", "state", "pid", "address", "log", right=("pid",), whole=("server", "address"))
    show.put(show.console(), show.rows(made, lines))
    if not all(each.running for each in found):
        raise typer.Exit(1)
    if remembered(folder).api_key:
        _tell_of_notices(folder)


def _tell_of_notices(folder: Path) -> None:
    """Who could not be told is told here, or nobody would know."""
    from cli.client import Refused, api_of

    try:
        refused = api_of(folder).get("/v1/notices", status="refused", limit=1)["items"]
    except Refused as error:  # a key that was revoked, say: the servers are up all the same
        show.console().print(Text(f"whether all notices arrived is not known: {error.what}", style="yellow"))
        return
    if refused:
        show.console().print(Text("some notices or mails reached nobody: `q2c notices` says why", style="yellow"))


def _existing(folder: Path) -> None:
    if not (folder / "state.json").exists():
        raise Trouble(f"there is no system in {folder}", where=str(folder), mend="`q2c up` makes one")
