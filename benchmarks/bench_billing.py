"""Invoices per second when N periods fall due at once, each beside its limit in the same run.

(a) through Temporal: real timers fire, `bill_period` and `charge_payment` run, the sandbox gateway collects;
(b) its limit: the same workflow and the same call at the gateway, with activities that write nothing;
(c) the billing activity alone, called directly;
(d) its limit: the same rows, sent as one prepared statement behind the number's, over asyncpg.

    python -m benchmarks.bench_billing [--full] [--periods 200] [--runs 3] [--with-api]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text
from temporalio import activity
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

import worker
from activities import build_activities
from activities.fence import Books
from activities.invoice import InvoiceActivities
from benchmarks import cpu, history, table
from benchmarks.bare import bare_transactions
from benchmarks.limits import BarePayments, EmptyInvoices
from benchmarks.storm import Copy, copies, make_zone, until
from cli.audit_run import settings_from
from domain.agenda import next_due
from domain.ids import deal_workflow_id
from gateways.parties import PartiesFor
from models.database import Database
from tests.whole import Whole, whole
from workflows.deal import DealWorkflow
from workflows.stubs import Perform, Performed

ENTITY = "acme"
SLOWEST_START = 0.07  # seconds per deal until it sleeps, before that is known
MARGIN = 1.6
SIDE_BY_SIDE = (8, 16)
WARM = 40  # periods of a first storm, not counted: connections prepare their statements in it
ASLEEP = 5  # events: started, task scheduled, started, completed, timer started (and what is shown before it)


@dataclass(kw_only=True)
class Bench:
    """The running system, one template deal, and what was found so far."""

    whole: Whole
    folder: Path
    client: Client
    database: Database  # one pool for all storms, as a worker has one for its life: its statements are prepared
    parties: PartiesFor
    template: str = ""
    account_id: str = ""
    sets: int = 0
    per_start: float = SLOWEST_START
    statements: Counter[str] = field(default_factory=Counter)
    cost: dict[bool, history.Cost] = field(default_factory=dict)
    cpu: dict[bool, list[dict[str, float]]] = field(default_factory=lambda: {True: [], False: []})

    async def make_template(self) -> None:
        """One real deal, signed, provisioned, billed and paid once: all others are copies of it."""
        system = self.whole
        await system.furnish(entity=ENTITY)
        await system.control("behaviour", account=ENTITY, party="signature", email="*", action="sign", after_hours=0)
        self.account_id = await system.account(ENTITY, "template")
        self.template = await system.open("template", self.account_id, term_months=36)
        await system.post(f"/v1/deals/{self.template}/submit", {"version": 1})
        for _ in range(600):
            if (await system.deal(self.template))["waits_for"] == "next period":
                return
            await asyncio.sleep(0.2)
        raise RuntimeError(f"the template never came to rest: {await system.deal(self.template)}")

    async def set_of(self, count: int, due_at: datetime) -> list[Copy]:
        """So many fresh copies, due at one instant."""
        self.sets += 1
        zone = f"Bench/Z{self.sets}"
        day = make_zone(self.folder / "zones", zone, due_at)
        url = self.whole.system.database_url
        return await copies(url, self.template, name=f"set-{self.sets}", count=count, day=day, zone=zone)


class TooSlow(Exception):
    """The instant came before the last deal slept: the machine was slower than it was the time before."""


async def calm_storm(bench: Bench, count: int, *, empty: bool) -> float:
    """A storm that began when all were asleep; a few tries on a busy machine."""
    for _ in range(4):
        try:
            return await storm(bench, count, empty=empty)
        except TooSlow:
            print("the deals were not asleep in time: once more, with more time", flush=True)
    raise TooSlow


async def storm(bench: Bench, count: int, *, empty: bool) -> float:
    """(a) or (b): periods per second from the instant they fall due until the last one is collected."""
    due_at = datetime.now(tz=UTC).replace(microsecond=0) + timedelta(seconds=10 + int(MARGIN * count * bench.per_start))
    deals = await bench.set_of(count, due_at)
    database, queue = bench.database, f"bench-{bench.sets}"
    performed: list[float] = []
    all_done = asyncio.Event()

    def note() -> None:
        performed.append(time.monotonic())
        if len(performed) == count:
            all_done.set()

    try:
        activities = await _activities(bench, empty=empty, note=note)
        async with worker.make_worker(bench.client, database, bench.parties, queue, activities=activities):
            gate, starting = asyncio.Semaphore(16), time.monotonic()
            await asyncio.gather(*(_start(bench.client, deal, queue, gate) for deal in deals))
            await _all_asleep(bench.client, deals)
            bench.per_start = (time.monotonic() - starting) / count
            if datetime.now(tz=UTC) > due_at:
                raise TooSlow
            await until(due_at)
            began, before = time.monotonic(), cpu.spent(bench.whole.system)
            with database.counting() as tally:
                await asyncio.wait_for(all_done.wait(), timeout=600)
            took = performed[-1] - began
            bench.cpu[empty].append(cpu.between(before, cpu.spent(bench.whole.system), count))
            await asyncio.sleep(1.0)
            bench.cost[empty] = await _cost_of_a_cycle(bench.client, deals[:20])
            if not empty:
                bench.statements = Counter(_first_words(each) for each in tally.statements)
    finally:
        ids = [deal_workflow_id(deal.deal_id) for deal in deals]
        ends = [bench.client.get_workflow_handle(each).terminate() for each in ids]
        await asyncio.gather(*ends, return_exceptions=True)
    return count / took


async def _activities(bench: Bench, *, empty: bool, note: Callable[[], None]) -> list[Callable[..., Any]]:
    real = build_activities(bench.database, bench.parties)
    if empty:
        customer, method, amount = await _paid_with(bench.database, bench.account_id)
        payments = BarePayments(bench.parties, amount_minor=amount, customer_ref=customer, method_ref=method)
        ours = {"bill_period": EmptyInvoices().bill_period, "charge_payment": payments.charge_payment}
        real = [ours.get(each.__name__, each) for each in real]
    charge = next(each for each in real if each.__name__ == "charge_payment")
    return [*(each for each in real if each is not charge), _noting(charge, note)]


def _noting(charge: Callable[..., Any], note: Callable[[], None]) -> Callable[..., Any]:
    @activity.defn(name="charge_payment")
    async def charge_payment(command: Perform) -> Performed:
        done: Performed = await charge(command)
        note()
        return done

    return charge_payment


async def _paid_with(database: Database, account_id: str) -> tuple[str, str, int]:
    query = text(
        "SELECT g.customer_ref, g.method_ref, i.total_minor FROM gateway_customers g JOIN invoices i USING (account_id)"
        " WHERE g.account_id = :id LIMIT 1"
    )
    async with database.session() as session:
        row = (await session.execute(query, {"id": account_id})).one()
    return str(row[0]), str(row[1]), int(row[2])


async def _start(client: Client, deal: Copy, queue: str, gate: asyncio.Semaphore) -> None:
    async with gate:
        await client.start_workflow(DealWorkflow.run, deal.state, id=deal_workflow_id(deal.deal_id), task_queue=queue)


async def _all_asleep(client: Client, deals: Sequence[Copy]) -> None:
    """Every one has been taken in by the worker, and waits for its timer."""
    for deal in deals:
        handle = client.get_workflow_handle(deal_workflow_id(deal.deal_id))
        for _ in range(1200):
            if (await handle.describe()).raw_description.workflow_execution_info.history_length >= ASLEEP:
                break
            await asyncio.sleep(0.05)


async def _cost_of_a_cycle(client: Client, deals: Sequence[Copy]) -> history.Cost:
    """The dearest of a sample: a cycle must be clean in all of them."""
    costs = [
        history.cost(history.cycle(await history.events_of(client, deal_workflow_id(deal.deal_id)))) for deal in deals
    ]
    return sorted(costs, key=lambda cost: (cost.actions, cost.events))[len(costs) // 2]


def _first_words(statement: str) -> str:
    words = statement.split()
    return " ".join(words[:3])


async def direct(bench: Bench, count: int, side_by_side: int) -> float:
    """(c): the billing activity alone, so many at a time."""
    deals = await bench.set_of(count, datetime.now(tz=UTC) - timedelta(seconds=5))
    activities = InvoiceActivities(Books(bench.database))
    commands = [command_of(deal) for deal in deals]
    queue = iter(commands)

    async def work() -> None:
        environment = ActivityEnvironment()
        for command in queue:
            await environment.run(activities.bill_period, command)

    began = time.monotonic()
    await asyncio.gather(*(work() for _ in range(side_by_side)))
    return count / (time.monotonic() - began)


def command_of(deal: Copy) -> Perform:
    """The step that is due now, as its workflow would ask for it."""
    now = datetime.now(tz=UTC)
    step = next_due(deal.state, now)
    if step is None:
        raise RuntimeError(f"nothing is due for {deal.deal_id}")
    return Perform(deal=replace(deal.state), step=step, now=now)


async def run(given: argparse.Namespace, folder: Path) -> None:
    async with whole(folder / "data") as system:
        found = settings_from(system.system.environment())
        bench = Bench(
            whole=system,
            folder=folder,
            client=await worker.connect(found),
            database=worker.database_of(found),
            parties=PartiesFor(worker.addresses(found)),
        )
        await bench.make_template()
        await asyncio.to_thread(system.system.stop, "worker")
        if not given.with_api:
            await system.control("hooks", url="")
            await asyncio.to_thread(system.system.stop, "api")
        for empty in (True, False):
            await calm_storm(bench, WARM, empty=empty)
        bench.cpu = {True: [], False: []}
        rates: dict[str, list[float]] = {}
        try:
            for number in range(given.runs):
                await one_run(bench, given, rates)
                told = ", ".join(f"{name} {each[-1]:.0f}/s" for name, each in rates.items())
                print(f"run {number + 1}: {told}; CPU of b / a {_cpu_ratios(bench)[-1]:.2f}", flush=True)
        finally:
            if rates.get("a"):
                report(bench, given, rates)
            await bench.parties.close()
            await bench.database.dispose()


async def one_run(bench: Bench, given: argparse.Namespace, rates: dict[str, list[float]]) -> None:
    """Each thing beside its limit, one after the other: what else the machine does meets both."""
    for name, empty in (("b", True), ("a", False)):
        rates.setdefault(name, []).append(await calm_storm(bench, given.periods, empty=empty))
    for side in SIDE_BY_SIDE:
        rates.setdefault(f"d{side}", []).append(await bare_transactions(bench, given.bare, side))
        rates.setdefault(f"c{side}", []).append(await direct(bench, given.bare, side))


def _cpu_ratios(bench: Bench) -> list[float]:
    """Of each run: what its limit spent, to what it spent itself."""
    return [sum(b.values()) / sum(a.values()) for a, b in zip(bench.cpu[False], bench.cpu[True], strict=False) if a]


def _ratio(rates: dict[str, list[float]], name: str, limit: str) -> float:
    """The median of the runs' own ratios: both of a run met the same machine."""
    return statistics.median(x / y for x, y in zip(rates[name], rates[limit], strict=False))


def report(bench: Bench, given: argparse.Namespace, rates: dict[str, list[float]]) -> None:
    rate = {name: statistics.median(values) for name, values in rates.items()}
    through = f"{_ratio(rates, 'a', 'b'):.2f} of b (aim 0.80)"
    rows = [
        ("a  bill and charge, through Temporal", f"{given.periods}", f"{rate['a']:.0f}", through),
        ("b  the same cycle, nothing written", f"{given.periods}", f"{rate['b']:.0f}", ""),
    ]
    for side in SIDE_BY_SIDE:
        c, d = f"c{side}", f"d{side}"
        if c in rates:
            alone = f"{_ratio(rates, c, d):.2f} of d (aim 0.50)"
            rows.append((f"c  the activity alone, {side} at a time", f"{given.bare}", f"{rate[c]:.0f}", alone))
            rows.append((f"d  its statement sent bare, {side} at a time", f"{given.bare}", f"{rate[d]:.0f}", ""))
    spent = {empty: _median_of(bench.cpu[empty]) for empty in (False, True)}
    statements = sum(bench.statements.values()) / given.periods
    notes = [
        "",
        f"CPU ms per cycle, a: {sum(spent[False].values()):.1f} ({cpu.told(spent[False])})",
        f"CPU ms per cycle, b: {sum(spent[True].values()):.1f} ({cpu.told(spent[True])})",
        f"    which alone allows {statistics.median(_cpu_ratios(bench)):.2f} of b, the median of the runs",
        f"database statements per cycle, besides begin and commit: {statements:.2f} (aim 8)",
        *(f"    {number / given.periods:.2f}  {what} ..." for what, number in bench.statements.most_common(8)),
    ]
    for empty, cost in sorted(bench.cost.items()):
        kinds = ", ".join(f"{number} {kind}" for kind, number in cost.kinds.items())
        name = "b" if empty else "a"
        notes.append(f"Temporal per cycle, {name}: {cost.events} events, {cost.actions} actions (aim 4): {kinds}")
    title = f"Billing: N periods due at one instant, medians of {len(rates['a'])} runs"
    table.show(title, ("what", "N", "per second", "ratio"), rows, notes)


def _median_of(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    return {part: statistics.median(run[part] for run in runs) for part in runs[0]} if runs else {"unknown": 1.0}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_billing", description=__doc__.partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="1,000 periods through Temporal, 2,000 bare, 5 runs")
    parser.add_argument("--periods", type=int, default=200, help="through Temporal")
    parser.add_argument("--bare", type=int, default=500, help="by the activity alone, and bare")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--with-api", action="store_true", help="webhooks, mails and papers too, on the same cores")
    given = parser.parse_args()
    if given.full:
        given.periods, given.bare, given.runs = 1000, 2000, 5
    with tempfile.TemporaryDirectory(prefix="q2c-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        asyncio.run(run(given, Path(folder)))


if __name__ == "__main__":
    main()
