"""The commands of `q2c` by name, and how each ends: 0 well, 1 refused, 2 not understood."""

import os
import sys
from collections.abc import Sequence

import typer

from cli import audit, clock, deal, demo, files, key, show, system
from cli.client import close_all
from cli.trouble import Trouble
from demo.positions import FileProblems
from embedded.processes import ServerFailedError

app = typer.Typer(
    name="q2c",
    help="Quote to cash: every deal is one durable workflow, and every cent is provable.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("up")(system.up)
app.command("down")(system.down)
app.command("status")(system.status)
app.add_typer(deal.app, name="deal")
app.add_typer(key.app, name="key")
app.add_typer(clock.app, name="clock")
app.add_typer(clock.sandboxes, name="sandbox")
app.command("import")(files.import_)
app.command("demo")(demo.demo)
app.command("audit")(audit.audit)


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
    try:
        app(list(arguments) if arguments is not None else None, prog_name="q2c")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Trouble as trouble:
        return _refused(trouble.lines())
    except FileProblems as found:
        return _refused([str(problem) for problem in found.problems])
    except ServerFailedError as failed:
        return _refused([*str(failed).splitlines(), "  mend   look at the log above; `q2c down` stops what is up"])
    finally:
        close_all()
    return 0


def _refused(lines: Sequence[str]) -> int:
    sys.stdout.flush()
    out = show.console(error=True)
    for number, line in enumerate(lines):
        out.print(line, style="bold red" if number == 0 else None, soft_wrap=True)
    return 1
