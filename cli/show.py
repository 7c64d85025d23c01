"""How things look in a terminal: tables without walls, instants in one zone, ages in words; plain text where it is no terminal."""

import json
import os
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

PLAIN_WIDTH = 160
NARROW = 110  # below it the long tables leave out what is told elsewhere
DIM, BOLD = "dim", "bold"
STYLE_OF = {
    "active": "green",
    "paid": "green",
    "approved": "green",
    "captured": "green",
    "done": "green",
    "ended": "dim",
    "superseded": "dim",
    "suspended": "red",
    "uncollectible": "red",
    "rejected": "red",
    "declined": "red",
    "failed": "red",
    "unknown": "red",
    "parked": "red",
    "open": "yellow",
    "asked": "yellow",
    "in_approval": "yellow",
    "pending": "yellow",
    "approval": "yellow",
    "signature": "yellow",
    "provisioning": "cyan",
    "quote": "cyan",
}

STEPS_IN_WORDS = {  # where the step's own name does not say it
    "look": "a look at who is here to decide",
    "remind": "who is asked is reminded",
    "escalate": "escalation",
    "expire": "the quote expires",
    "notice": "notice before the end of the term",
    "end": "end of the term",
    "message": "a letter to the customer",
    "resolve": "asking what became of a charge",
}


def console(*, error: bool = False) -> Console:
    """The terminal as it is now; not a terminal: no colours, and wide enough that nothing is cut."""
    stream = sys.stderr if error else sys.stdout
    width = shutil.get_terminal_size().columns if stream.isatty() or os.environ.get("COLUMNS") else PLAIN_WIDTH
    return Console(file=stream, width=width, markup=False, emoji=False, highlight=False, soft_wrap=False)


def table(*columns: str, right: Sequence[str] = (), whole: Sequence[str] = (), heading: bool = True) -> Table:
    """A table without walls; `right` columns are figures, `whole` ones are never broken."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=heading, header_style=DIM)
    for name in columns:
        figure = name in right
        made.add_column(name, justify="right" if figure else "left", no_wrap=figure or name in whole, overflow="fold")
    return made


def put(out: Console, made: RenderableType, indent: int = 0) -> None:
    """Print without the blanks that fill a table up to the terminal's edge."""
    with out.capture() as captured:
        out.print(Padding(made, (0, 0, 0, indent)))
    print("\n".join(line.rstrip() for line in captured.get().splitlines()), file=out.file)


def as_json(said: Any) -> None:
    """Print what the API said, whole, for machines."""
    print(json.dumps(said, ensure_ascii=False, indent=2))


def word(said: str) -> Text:
    """A status in the colour that it has everywhere."""
    return Text(said.replace("_", " "), style=STYLE_OF.get(said, ""))


def step(kind: str) -> str:
    """What a deal does next, in words."""
    return STEPS_IN_WORDS.get(kind, kind)


def rows(made: Table, lines: Sequence[Sequence[RenderableType | None]]) -> Table:
    """The table with its lines; None is nothing."""
    for line in lines:
        made.add_row(*("" if cell is None else cell for cell in line))
    return made


def instant(said: str | None, zone: str = "UTC") -> str:
    """An ISO instant in a zone, to the minute.

    >>> instant("2027-05-01T22:00:00Z", "Europe/Berlin")
    '2027-05-02 00:00'
    """
    return "" if not said else moment(said).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


def span(first: str | None, end: str | None) -> str:
    """Two dates, half-open.

    >>> span("2026-01-01", None), span(None, "2027-01-01"), span(None, None)
    ('from 2026-01-01', 'before 2027-01-01', 'always')
    """
    return " ".join(f"{word} {on}" for word, on in (("from", first), ("before", end)) if on) or "always"


def moment(said: str) -> datetime:
    """An ISO instant of the API."""
    return datetime.fromisoformat(said).astimezone(UTC)


def age(span: timedelta) -> str:
    """How long, in the two largest units that say something.

    >>> age(timedelta(days=3, hours=4, minutes=5)), age(timedelta(minutes=90)), age(timedelta(seconds=4))
    ('3 d 4 h', '1 h 30 min', 'under a minute')
    """
    minutes = int(abs(span).total_seconds()) // 60
    parts = ((minutes // 1440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "min"))
    said = [f"{number} {unit}" for number, unit in parts if number]
    if parts[0][0] >= 60:  # noqa: PLR2004 (after two months nobody counts hours)
        said = said[:1]
    return " ".join(said[:2]) or "under a minute"
