"""`q2c pricebook migrate`: contracts move to other list prices by name; what that changes in money is shown before anything moves."""

from typing import Annotated, Any

import typer
from rich.text import Text

from cli import show
from cli.client import Api, api_of
from cli.home import FOLDER, Folder
from cli.trouble import Trouble

FIGURES = ("now", "then", "difference")


def migrate(
    name: Annotated[str, typer.Argument(help="A name of your choice; the same name goes on with the same migration.")],
    from_: Annotated[str, typer.Option("--from", help="The price book that contracts are on: NAME@VERSION.")],
    to: Annotated[str, typer.Option(help="The one they move to: NAME@VERSION.")],
    entity: Annotated[str | None, typer.Option(help="Only contracts of this legal entity, such as a sandbox.")] = None,
    account: Annotated[
        list[str] | None, typer.Option(help="Only contracts of this account (an id); repeat it.")
    ] = None,
    run: Annotated[bool, typer.Option("--run", help="Move them, from their next unbilled period on.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="With --run: try again what failed.")] = False,
    folder: Folder = FOLDER,
) -> None:
    """Show what a price migration changes per account and in all; with --run, do it. It can be broken off and run again; 1: some deals could not be moved."""
    api = api_of(folder)
    found = _known(api, name, from_, to) or api.post(
        "/v1/price-migrations", {"name": name, "from": from_, "to": to, "entity": entity, "accounts": account or []}
    )
    print_migration(found)
    if not run:
        show.console().print("\nNothing is moved yet: the same with --run moves them.", style=show.DIM)
        return
    ended = _moved(api, found, retry_failed=retry_failed)
    print_run(ended)
    if ended["counts"].get("failed"):
        raise typer.Exit(1)


def _known(api: Api, name: str, from_: str, to: str) -> dict[str, Any] | None:
    """The migration of this name. Raises Trouble where it is between other price books."""
    listed = list(api.pages("/v1/price-migrations", name=name))
    if not listed:
        return None
    books = [api.get(f"/v1/price-books/{said}") for said in (from_, to)]
    asked = [f"{book['name']}@{book['version']}" for book in books]
    if [listed[0]["from_book"], listed[0]["to_book"]] != asked:
        what = f"the migration {name!r} goes from {listed[0]['from_book']} to {listed[0]['to_book']}"
        raise Trouble(what, where="NAME", mend="name those, or choose another name")
    found: dict[str, Any] = api.get(f"/v1/price-migrations/{listed[0]['id']}")
    return found


def _moved(api: Api, migration: dict[str, Any], *, retry_failed: bool) -> dict[str, Any]:
    """Run it batch by batch until nothing remains, or nothing goes on any more. Raises Trouble."""
    left = migration["remaining"] + (migration["counts"].get("failed", 0) if retry_failed else 0)
    while left:
        said = {"retry_failed": retry_failed}
        migration = api.post(f"/v1/price-migrations/{migration['id']}/run", said)
        retry_failed = False
        if migration["remaining"] >= left:
            what = f"{migration['remaining']} deals did not move: they do not answer"
            raise Trouble(what, mend="look at `q2c status`, then run the same again")
        left = migration["remaining"]
    return migration


def print_migration(migration: dict[str, Any]) -> None:
    """What it changes: per account, and in all."""
    out = show.console()
    head = f"{migration['name']}: {migration['from_book']} to {migration['to_book']}, {migration['effective'].replace('_', ' ')}"
    out.print(Text(head, style=show.BOLD))
    made = show.table(
        "account",
        "deals",
        *(f"{figure} a period" for figure in FIGURES),
        *(f"{figure} to the end" for figure in FIGURES),
        right=("deals", *(f"{f} {of}" for f in FIGURES for of in ("a period", "to the end"))),
    )
    for account in migration["accounts"]:
        made.add_row(account["account"], str(account["deals"]), *_figures(account))
    made.add_row(Text("in all", style=show.BOLD), str(len(migration["deals"])), *_figures(migration["whole"]))
    show.put(out, made)
    _put_troubles(migration)


def print_run(migration: dict[str, Any]) -> None:
    """What became of it."""
    told = ", ".join(f"{count} {status}" for status, count in sorted(migration["counts"].items()))
    out = show.console()
    out.print(
        f"\n{told}" + (f"; finished at {show.instant(migration['finished_at'])}" if migration["finished_at"] else "")
    )
    _put_troubles(migration)


def _put_troubles(migration: dict[str, Any]) -> None:
    troubles = [each for each in migration["deals"] if each["error"]]
    if troubles:
        made = show.table("deal", "", "why", whole=("",))
        lines = [[each["deal"], show.word(each["status"]), each["error"]] for each in troubles]
        show.put(show.console(), show.rows(made, lines))


def _figures(money: dict[str, Any]) -> list[str]:
    names = ("before", "after", "difference", "rest_before", "rest_after", "rest_difference")
    return [money[name]["text"] for name in names]
