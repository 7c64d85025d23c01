"""While the book is played, one line per sandbox says how far it is; where nobody watches a terminal, a plain line now and then."""

from __future__ import annotations

from datetime import datetime
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from demo.furnish import House
from demo.life import Glance

PLAIN_LINES = 10  # per sandbox, over the whole play


class Progress:
    """A context: bars on a terminal, plain lines elsewhere."""

    def __init__(self, console: Console, house: House, starts: datetime, ends: datetime) -> None:
        self._console, self._starts, self._ends = console, starts, ends
        self._names = [sandbox.entity.name for sandbox in house.sandboxes]
        self._bars: Bars | None = None
        self._tasks: dict[str, TaskID] = {}
        self._told: dict[str, int] = {}

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[text]}"),
                TimeElapsedColumn(),
            )
            self._bars = Bars(*columns, console=self._console)
            self._bars.start()
            for name in self._names:
                self._tasks[name] = self._bars.add_task(name, total=1.0, text="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def told(self, glance: Glance) -> None:
        """Show how far one sandbox is."""
        share = (glance.now - self._starts) / (self._ends - self._starts)
        text = (
            f"{glance.now:%Y-%m-%d}  {glance.opened} deals, {glance.running} running, {glance.ended} ended, "
            f"{glance.invoices} invoices"
        )
        if self._bars is not None:
            self._bars.update(self._tasks[glance.sandbox], completed=max(0.0, min(share, 1.0)), text=text)
            return
        line = int(share * PLAIN_LINES)
        if line > self._told.get(glance.sandbox, -1):
            self._told[glance.sandbox] = line
            self._console.print(f"  {glance.sandbox:24} {text}", highlight=False, markup=False)
