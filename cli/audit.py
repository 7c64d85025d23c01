"""`q2c audit`: the invariants of the whole, each a named check; every breach is printed with its rows, and ends it with 1."""

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from cli import show
from cli.client import cleaned
from cli.home import FOLDER, Folder

if TYPE_CHECKING:
    from cli.audit_run import Checked
    from embedded.system import System

MOST_BREACHES, MOST_ROWS = 20, 10  # of one check in a terminal; --json says all


def audit(
    as_json: Annotated[bool, typer.Option("--json", help="Everything, for programs.")] = False, folder: Folder = FOLDER
) -> None:
    """Check the whole: ledger, invoices, deals, workflows, and the outside's own books. Ends with 1 at any breach."""
    from cli.audit_run import audited, settings_of

    found = asyncio.run(audited(settings_of(folder)))
    clean = not any(each.breaches for each in found)
    if as_json:
        typer.echo(json.dumps({"clean": clean, "checks": [_plain(each) for each in found]}, default=str, indent=2))
    else:
        told(show.console(), found)
    if not clean:
        raise typer.Exit(1)


def is_clean(system: "System", console: Console) -> bool:
    """Audit a running system and tell it on the console; True: no breach. Not to be called from a running loop."""
    from cli.audit_run import audited, settings_from

    found = asyncio.run(audited(settings_from(system.environment())))
    told(console, found, brief=True)
    return not any(each.breaches for each in found)


def told(console: Console, found: "list[Checked]", *, brief: bool = False) -> None:
    """One line per check (`brief`: only where there is a breach); under it its breaches with their rows."""
    for each in found:
        said = each.name.replace("_", " ")
        if not each.breaches:
            if not brief:
                console.print(Text("  ok      ", style="green") + Text(said))
            continue
        console.print(
            Text("  BREACH  ", style="bold red") + Text(said, style="bold") + Text(f": {each.about}", style="dim")
        )
        for breach in each.breaches[:MOST_BREACHES]:
            console.print(Text(f"          {cleaned(breach.text)}", style="red"))
            for row in breach.rows[:MOST_ROWS]:
                known = ", ".join(f"{name}={value}" for name, value in row.items() if value is not None)
                console.print(Text(f"            {cleaned(known)}", style="dim"))
        if len(each.breaches) > MOST_BREACHES:
            console.print(Text(f"          and {len(each.breaches) - MOST_BREACHES} more", style="red"))
    number = sum(len(each.breaches) for each in found)
    verdict = f"audit: {number} breaches" if number else f"audit: clean, {len(found)} checks"
    console.print(Text(verdict, style="bold red" if number else "bold green"))


def _plain(checked: "Checked") -> dict[str, Any]:
    breaches = [{"text": each.text, "rows": [dict(row) for row in each.rows]} for each in checked.breaches]
    return {"check": checked.name, "about": checked.about, "breaches": breaches}
