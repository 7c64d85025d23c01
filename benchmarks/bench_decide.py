"""From the callback to the deal having moved on: decisions on as many deals, offered at a rate, then all at once.

Each decision is `POST /v1/deals/{id}/decide` on a deal of its own, as an approver's own system calls it. The clock starts
when the callback is offered, whether or not the API has a hand free, and stops when the table says that the version is
in approval no more.

    python -m benchmarks.bench_decide [--full] [--deals 60] [--rate 20]
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from benchmarks import cpu, table
from tests.whole import Whole, whole

ENTITY = "acme"
FULL = 1000
WARM = 10  # decisions before the first one that counts: connections and types are learnt once
OPENERS = 12
TELL_EVERY = 100
PATIENCE = 300.0  # seconds without a deal moving on
DISCOUNT = "20"  # percent; the policy asks the desk above 10
_WAITING = "SELECT count(*) FROM quote_versions WHERE status = 'in_approval'"
_UNTOLD = """
    SELECT (SELECT count(*) FROM notices WHERE sent_at IS NULL AND refused_at IS NULL) + (SELECT count(*) FROM mails WHERE sent_at IS NULL)
         + (SELECT count(*) FROM outbox WHERE delivered_at IS NULL)
"""
_MOVED = "SELECT deal_id FROM quote_versions WHERE deal_id = ANY($1::text[]) AND status <> 'in_approval'"


@dataclass(slots=True, kw_only=True)
class Offer:
    """One load of decisions. `answered` and `moved` are seconds since a decision was offered."""

    name: str
    offered: int
    answered: list[float] = field(default_factory=list)
    moved: list[float] = field(default_factory=list)
    seconds: float = 0.0  # from the first offer to the last deal having moved
    parts: dict[str, float] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return len(self.moved) / self.seconds if self.seconds else 0.0


async def prepare(system: Whole, first: int, last: int) -> list[str]:
    """Deals of one version each that wait for the desk; their ids."""
    account = await system.account(ENTITY, f"account-{first}")
    numbers, ids = iter(range(first, last)), list[str]()
    lines = [{"product": "team", "quantity": 20, "discount_percent": DISCOUNT}]

    async def open_one() -> None:
        for number in numbers:
            id_ = await system.open(f"deal-{number}", account, lines=lines)
            await system.post(f"/v1/deals/{id_}/submit", {"version": 1}, key=f"submit-{number}")
            ids.append(id_)
            if len(ids) % TELL_EVERY == 0:
                print(f"{len(ids)} of {last - first} deals wait for the desk", flush=True)

    await asyncio.gather(*(open_one() for _ in range(OPENERS)))
    connection = await asyncpg.connect(system.system.database_url)
    try:
        waiting, untold = 0, 1
        while waiting < last - first or untold:  # what tells the approvers of it is not what is measured
            await asyncio.sleep(0.1)
            waiting, untold = await connection.fetchval(_WAITING), await connection.fetchval(_UNTOLD)
    finally:
        await connection.close()
    return ids


async def offer(system: Whole, offered: Offer, ids: Sequence[str], rate: float) -> None:
    """Decide on each: `rate` a second, or all in one moment where it is 0. Fills `offered` as the deals move."""
    started: dict[str, float] = {}
    before, began = cpu.spent(system.system), time.monotonic()

    async def decide(place: int, id_: str) -> None:
        at = began + (place / rate if rate else 0.0)
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        started[id_] = at
        said = {"version": 1, "approve": True, "reason": "strategic account"}
        await system.post(f"/v1/deals/{id_}/decide", said, key=f"decide-{id_}", by="desk")
        offered.answered.append(time.monotonic() - at)

    async with asyncio.TaskGroup() as tasks:
        for place, id_ in enumerate(ids):
            tasks.create_task(decide(place, id_))
        tasks.create_task(_watch(system, offered, started, len(ids), began))
    offered.parts = cpu.between(before, cpu.spent(system.system), len(ids))


async def _watch(system: Whole, offered: Offer, started: dict[str, float], count: int, began: float) -> None:
    """Look at the table until all have moved on. Raises TimeoutError when none does any more."""
    seen: set[str] = set()
    moved_at = time.monotonic()
    connection = await asyncpg.connect(system.system.database_url)
    try:
        while len(seen) < count:
            waiting = [id_ for id_ in started if id_ not in seen]
            rows = await connection.fetch(_MOVED, waiting) if waiting else []
            now = time.monotonic()
            for row in rows:
                seen.add(row["deal_id"])
                offered.moved.append(now - started[row["deal_id"]])
                offered.seconds = now - began
            moved_at = now if rows or not waiting else moved_at
            if now - moved_at > PATIENCE:
                raise TimeoutError(f"{len(seen)} of {count} have moved on, and none more in {PATIENCE:.0f} s")
            await asyncio.sleep(0.01 if len(waiting) < 100 else 0.05)  # a look must not be what the deals wait for
    finally:
        await connection.close()


async def run(deals: int, rate: float, folder: Path) -> None:
    async with whole(folder / "data") as system:
        await system.furnish(entity=ENTITY)
        await system.control("behaviour", account=ENTITY, party="signature", email="*", action="ignore")
        loads = [(Offer(name=f"{rate:g} a second", offered=deals), rate), (Offer(name="at once", offered=deals), 0.0)]
        done: list[Offer] = []
        try:
            await offer(system, Offer(name="warm", offered=WARM), await prepare(system, -WARM, 0), 0.0)
            for number, (load, at_rate) in enumerate(loads):
                ids = await prepare(system, number * deals, (number + 1) * deals)
                done.append(load)
                await offer(system, load, ids, at_rate)
                print(told(load), flush=True)
        finally:
            if any(load.moved for load in done):
                report(done)


def percentile(values: Sequence[float], percent: int) -> float:
    """The nearest rank: a value that was measured.

    >>> [percentile([4.0, 1.0, 3.0, 2.0], percent) for percent in (50, 95, 100)]
    [2.0, 4.0, 4.0]
    """
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def told(load: Offer) -> str:
    """One load in one line, as soon as it is known."""
    at = ", ".join(f"p{percent} {1000 * percentile(load.moved, percent):.0f} ms" for percent in (50, 95, 99))
    return f"{len(load.moved)} of {load.offered} decisions {load.name}: {at}; {load.rate:.1f} a second"


def report(loads: Sequence[Offer]) -> None:
    rows = [
        (
            load.name,
            f"{len(load.moved)} of {load.offered}",
            f"{load.rate:.1f}" if load.seconds else "",
            *(f"{1000 * percentile(load.moved, percent):.0f} ms" for percent in (50, 95, 99, 100)),
            f"{1000 * percentile(load.answered, 99):.0f} ms" if load.answered else "",
            f"{sum(load.parts.values()):.0f}" if load.parts else "",
        )
        for load in loads
        if load.moved
    ]
    notes = ["", *(f"CPU ms per decision, {load.name}: {cpu.told(load.parts)}" for load in loads if load.parts)]
    notes.append("the CPU includes what follows a decision: the order form is rendered and sent for signature")
    head = ("offered", "moved on", "per second", "p50", "p95", "p99", "worst", "answered p99", "CPU ms")
    table.show("From the callback of a decision to the deal having moved on", head, rows, notes)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_decide", description=__doc__.partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="1,000 decisions on 1,000 deals for each load")
    parser.add_argument("--deals", type=int, default=60, help="decisions, and deals, for each load")
    parser.add_argument("--rate", type=float, default=20.0, help="decisions offered per second in the first load")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="q2c-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        asyncio.run(run(FULL if given.full else given.deals, given.rate, Path(folder)))


if __name__ == "__main__":
    main()
