"""Deals per second from open to active, through the API, the workflows and the sandbox's parties, and how it grows.

Each deal is opened and submitted by its own caller; its order form is signed at once; three steps are provisioned;
service begins, the first period is billed and its card charged. One database grows through all sizes.

    python -m benchmarks.bench_deals [--full] [--sizes 100,300] [--callers 12]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from temporalio.client import Client

from benchmarks import cpu, history, table
from domain.ids import deal_workflow_id
from tests.whole import Whole, whole
from workflows.converter import data_converter

ENTITY = "acme"
SAMPLE = 20
SIZES = (100, 300)
WARM = 24  # deals before the first one that counts: connections, templates and types are learnt once
FULL = (100, 1000, 5000)
PATIENCE = 300.0  # seconds without a deal getting any further
_PAID = "SELECT count(*) FROM invoices WHERE status = 'paid'"
_TOOK = """
SELECT extract(epoch FROM (SELECT min(recorded_at) FROM deal_steps s WHERE s.deal_id = d.id AND s.kind = 'activate')
                          - d.opened_at)::float AS took
  FROM deals d WHERE d.id = ANY($1::text[])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """From one size of the database to the next."""

    first: int
    last: int
    seconds: float
    median: float  # seconds from open to active
    worst: float
    parts: dict[str, float]
    cost: history.Cost

    @property
    def rate(self) -> float:
        return (self.last - self.first) / self.seconds


async def grow(system: Whole, client: Client, first: int, last: int, callers: int) -> Stage:
    """Open deals until there are `last`; over when each of them is active and has paid its first invoice."""
    account = await system.account(ENTITY, f"account-{first}")
    numbers, ids = iter(range(first, last)), list[str]()
    before, began = cpu.spent(system.system), time.monotonic()

    async def call() -> None:
        for number in numbers:
            id_ = await system.open(f"deal-{number}", account)
            await system.post(f"/v1/deals/{id_}/submit", {"version": 1}, key=f"submit-{number}")
            ids.append(id_)

    await asyncio.gather(*(call() for _ in range(callers)))
    connection = await asyncpg.connect(system.system.database_url)
    try:
        await _all_paid(connection, last + WARM)
        seconds = time.monotonic() - began
        parts = cpu.between(before, cpu.spent(system.system), last - first)
        took = sorted(row["took"] for row in await connection.fetch(_TOOK, ids))
    finally:
        await connection.close()
    return Stage(
        first=first,
        last=last,
        seconds=seconds,
        median=statistics.median(took),
        worst=took[-1],
        parts=parts,
        cost=await _middle(client, ids[-SAMPLE:]),
    )


async def _all_paid(connection: asyncpg.Connection, last: int) -> None:
    """Wait for the last of them, for as long as there is progress. Raises TimeoutError when there is none."""
    paid, moved_at = -1, time.monotonic()
    while paid < last:
        await asyncio.sleep(0.1)
        found = await connection.fetchval(_PAID)
        if found != paid:
            paid, moved_at = found, time.monotonic()
        elif time.monotonic() - moved_at > PATIENCE:
            raise TimeoutError(f"{paid} of {last} deals have paid, and none more in {PATIENCE:.0f} s")


async def _middle(client: Client, ids: Sequence[str]) -> history.Cost:
    costs = [history.cost(await history.events_of(client, deal_workflow_id(id_))) for id_ in ids]
    return sorted(costs, key=lambda cost: (cost.actions, cost.events))[len(costs) // 2]


async def run(sizes: Sequence[int], callers: int, folder: Path) -> None:
    async with whole(folder / "data") as system:
        await system.furnish(entity=ENTITY)
        await system.control("behaviour", account=ENTITY, party="signature", email="*", action="sign", after_hours=0)
        client = await Client.connect(system.system.temporal_address, data_converter=data_converter)
        await grow(system, client, -WARM, 0, callers)
        stages: list[Stage] = []
        try:
            for size in sizes:
                stages.append(await grow(system, client, stages[-1].last if stages else 0, size, callers))
                print(f"{size} deals: {told(stages[-1])}", flush=True)
        finally:
            if stages:
                report(stages, callers)


def told(stage: Stage) -> str:
    """One stage in one line, as soon as it is known."""
    return (
        f"{stage.rate:.1f} a second, active after {stage.median:.1f} s, {stage.cost.events} events, "
        f"{stage.cost.actions} actions, CPU ms per deal {sum(stage.parts.values()):.0f} ({cpu.told(stage.parts)})"
    )


def report(stages: Sequence[Stage], callers: int) -> None:
    rows = [
        (
            f"{stage.first} to {stage.last}",
            f"{stage.rate:.1f}",
            f"{stage.median:.1f} s",
            f"{stage.worst:.1f} s",
            f"{stage.cost.events}",
            f"{stage.cost.actions}",
            f"{sum(stage.parts.values()):.0f}",
        )
        for stage in stages
    ]
    last = stages[-1]
    notes = [
        "",
        f"CPU ms per deal at the end: {cpu.told(last.parts)}",
        f"actions of a deal: {', '.join(f'{number} {kind}' for kind, number in last.cost.kinds.items())}",
        f"the last stage runs at {last.rate / stages[0].rate:.2f} of the first one's rate",
    ]
    head = ("deals", "per second", "open to active", "worst", "events", "actions", "CPU ms")
    table.show(f"From open to active and first paid invoice, {callers} callers", head, rows, notes)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_deals", description=__doc__.partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="100, 1,000 and 5,000 deals")
    parser.add_argument(
        "--sizes", default=",".join(str(size) for size in SIZES), help="how many deals there are in the end"
    )
    parser.add_argument("--callers", type=int, default=12)
    given = parser.parse_args()
    sizes = FULL if given.full else tuple(int(size) for size in given.sizes.split(","))
    with tempfile.TemporaryDirectory(prefix="q2c-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        asyncio.run(run(sizes, given.callers, Path(folder)))


if __name__ == "__main__":
    main()
