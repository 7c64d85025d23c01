"""The commands of `q2c` by name, and how each ends: 0 well, 1 refused, 2 not understood."""

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import typer

from cli.trouble import Trouble, nearly

# Each name with where it lives; a group is a Typer of its own. Only what is named is imported: `preview rate` is light.
COMMANDS = {
    "up": "cli.system:up",
    "down": "cli.system:down",
    "status": "cli.system:status",
    "import": "cli.files:import_",
    "demo": "cli.demo:demo",
    "audit": "cli.audit:audit",
    "approve": "cli.approve:approve",
    "notices": "cli.notice:notices",
    "people": "cli.people:people",
}
PREVIEWS = {
    "rate": "cli.preview:rate_",
    "quote": "cli.preview_quote:quote",
}
GROUPS = {
    "deal": "cli.deal:app",
    "key": "cli.key:app",
    "clock": "cli.clock:app",
    "sandbox": "cli.clock:sandboxes",
    "pricebook": "cli.price_book:app",
    "coupon": "cli.coupon:app",
    "policy": "cli.policy:app",
    "absence": "cli.absence:app",
    "invoice": "cli.invoice:app",
}


def built(arguments: Sequence[str]) -> typer.Typer:
    """The commands: all of them for help and for what is unknown, else the one that is named."""
    app = typer.Typer(
        name="q2c",
        help="Quote to cash: every deal is one durable workflow, and every cent is provable.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_nothing)  # one command alone stays a command with a name
    named, then = (*arguments, "", "")[:2]
    everything = named not in {*COMMANDS, *GROUPS, "preview"}
    _register(app, COMMANDS, named, everything=everything)
    for name, place in GROUPS.items():
        if everything or name == named:
            app.add_typer(_found(place), name=name)
    if everything or named == "preview":
        previews = typer.Typer(no_args_is_help=True, help="Price something here and now, without a server.")
        _register(previews, PREVIEWS, then, everything=then not in PREVIEWS)
        app.add_typer(previews, name="preview")
    return app


def _register(app: typer.Typer, commands: Mapping[str, str], named: str, *, everything: bool) -> None:
    for name, place in commands.items():
        if everything or name == named:
            app.command(name)(_found(place))


def _nothing() -> None: ...


def _found(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. Without arguments it is the process's own, and ends it."""
    code = _run(arguments)
    if arguments is None and "temporalio" in sys.modules:
        # the SDK's own threads may abort an interpreter that ends right after a call
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _run(arguments: Sequence[str] | None) -> int:
    said = list(arguments) if arguments is not None else sys.argv[1:]
    try:
        built(said)(said, prog_name="q2c")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception as trouble:
        lines = _told(trouble)
        if lines is None:
            raise
        return _refused(lines)
    finally:
        if "cli.client" in sys.modules:
            from cli.client import close_all

            close_all()
    return 0


def _told(trouble: Exception) -> list[str] | None:
    """How an expected trouble is told; None for any other. What was never imported was never raised."""
    if isinstance(trouble, Trouble):
        return trouble.lines()
    if isinstance(trouble, OSError) and trouble.filename is not None:
        return [
            f"Refused: {trouble.strerror}",
            f"  where  {trouble.filename}",
            "  mend   name a file that can be reached",
        ]
    if "demo.positions" in sys.modules:
        from demo.positions import FileProblems

        if isinstance(trouble, FileProblems):
            return [nearly(str(problem), problem.where) for problem in trouble.problems]
    if "embedded.processes" in sys.modules:
        from embedded.processes import ServerFailedError

        if isinstance(trouble, ServerFailedError):
            return [*str(trouble).splitlines(), "  mend   look at the log above; `q2c down` stops what is up"]
    return None


def _refused(lines: Sequence[str]) -> int:
    from cli import show

    sys.stdout.flush()
    out = show.console(error=True)
    for number, line in enumerate(lines):
        out.print(line, style="bold red" if number == 0 else None, soft_wrap=True)
    return 1
