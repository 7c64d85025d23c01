"""The invoice-shaped transaction without the house around it: the very statement that the activity sends, over asyncpg.

It is written down once per deal (and not sent), then sent as it is: the same rows, the number, the fence, the commit.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
from temporalio.testing import ActivityEnvironment

from activities.fence import Books
from activities.invoice import InvoiceActivities
from models.database import Database

if TYPE_CHECKING:
    from benchmarks.bench_billing import Bench


class _NotSent(Exception):
    """Ends an activity whose statement was only to be read."""


class _Recorder:
    """In place of a database: sends what reads, keeps what writes."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.kept: list[tuple[str, tuple[Any, ...]]] = []

    async def row(self, statement: str, *parameters: Any) -> asyncpg.Record | None:
        if "INSERT" not in statement:
            return await self.database.row(statement, *parameters)
        self.kept.append((statement, parameters))
        raise _NotSent


async def _recorded(bench: Bench, count: int) -> list[tuple[str, tuple[Any, ...]]]:
    """For each of `count` deals, the statement of its billing, with its parameters."""
    from benchmarks.bench_billing import command_of  # noqa: PLC0415

    deals = await bench.set_of(count, datetime.now(tz=UTC) - timedelta(seconds=5))
    recorder = _Recorder(bench.database)
    activities = InvoiceActivities(Books(recorder))  # type: ignore[arg-type]  # `row` is all that billing asks of it
    for deal in deals:
        with suppress(_NotSent):
            await ActivityEnvironment().run(activities.bill_period, command_of(deal))
    return recorder.kept


async def bare_transactions(bench: Bench, count: int, side_by_side: int) -> float:
    """(d): so many of these statements per second, each a transaction."""
    recorded = await _recorded(bench, count)
    url = bench.whole.system.database_url
    settings = {"plan_cache_mode": "force_generic_plan", "jit": "off"}  # as the worker's connections have it
    connections = [await asyncpg.connect(url, server_settings=settings) for _ in range(side_by_side)]
    prepared = [await connection.prepare(recorded[0][0]) for connection in connections]
    queue = iter(recorded)

    async def work(writing: Any) -> None:
        for _, values in queue:
            await writing.fetchrow(*values)

    try:
        began = time.monotonic()
        await asyncio.gather(*(work(each) for each in prepared))
        return count / (time.monotonic() - began)
    finally:
        for connection in connections:
            await connection.close()
