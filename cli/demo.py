"""`q2c demo`: the play gets what only this root can give it: the schema in-process, a first admin key, the audit of the whole."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer


def demo(
    serve: Annotated[bool, typer.Option("--serve", help="Leave it up afterwards, until Ctrl-C.")] = False,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="A book of your own: files as demo/ has them.")
    ] = None,
    keep: Annotated[
        Path, typer.Option("--keep", help="Where the evidence of the book's most telling approval stays.")
    ] = Path("build/demo"),
) -> None:
    """Play a book of deals from quote to cash on a whole system of its own, print what happened, leave nothing else behind."""
    from cli.audit import is_clean
    from cli.fresh import furnish
    from demo.play import PERSON, Roots, main
    from migrations.run import upgrade

    roots = Roots(
        admin_key=lambda url: furnish(url, PERSON),
        migrate=lambda url: asyncio.run(upgrade(url)),
        audit=is_clean,
        stays=keep,
    )
    main(serve=serve, folder=folder, roots=roots)
