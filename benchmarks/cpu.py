"""Where the time goes: CPU of each part of the system, read from /proc (a busy machine stretches clocks, not this)."""

from __future__ import annotations

import os
import time
from pathlib import Path

from embedded.system import System

TICK = os.sysconf("SC_CLK_TCK")
PARTS = ("postgres", "temporal", "sandbox", "api", "worker")


def spent(system: System) -> dict[str, float]:
    """CPU seconds so far, by part; PostgreSQL with its children; `ours` is this process. Empty without /proc."""
    if not Path("/proc/self/stat").exists():
        return {}
    found = {"ours": time.process_time()}
    for part in PARTS:
        pid = system.processes.pid(part)
        if pid is not None:
            found[part] = _of(pid) + sum(_of(child) for child in _children(pid))
    return found


def between(before: dict[str, float], after: dict[str, float], per: int) -> dict[str, float]:
    """Milliseconds for each of `per` things."""
    return {part: 1000 * (after[part] - before[part]) / per for part in after if part in before}


def told(parts: dict[str, float]) -> str:
    """`worker 14.1, temporal 25.3, …`: the dear ones."""
    return ", ".join(f"{part} {value:.1f}" for part, value in parts.items() if value >= 0.05)


def _of(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12]) + int(fields[13]) + int(fields[14])) / TICK  # own and reaped children's


def _children(pid: int) -> list[int]:
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
    except OSError:
        return []
    return [int(each) for each in listed.split()]
