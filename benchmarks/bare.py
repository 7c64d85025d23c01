"""The invoice-shaped transaction without the house around it: the number, then all rows in one prepared statement, over asyncpg.

What the activity sends is written down once per deal (its transaction is rolled back), and sent again bare.
"""

from __future__ import annotations

import asyncio
import re
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
from sqlalchemy import event
from temporalio.testing import ActivityEnvironment

from activities.fence import Books
from activities.invoice import InvoiceActivities

if TYPE_CHECKING:
    from benchmarks.bench_billing import Bench

_TAKE = "INSERT INTO series"
_NUMBER = re.compile(r'"sequence":\d+')
_NAMED = re.compile(r"ACME-\d{6}")


class _Back(Exception):
    """Ends a transaction whose statements were only to be read."""


async def _recorded(bench: Bench, count: int) -> list[list[tuple[str, tuple[Any, ...]]]]:
    """For each of `count` deals, the writing statements of its billing transaction, with their parameters."""
    from benchmarks.bench_billing import command_of  # noqa: PLC0415

    deals = await bench.set_of(count, datetime.now(tz=UTC) - timedelta(seconds=5))
    database = bench.database()
    sent: list[tuple[str, tuple[Any, ...]]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        sent.append((statement, tuple(parameters)))

    def no_commit(_connection: Any) -> None:
        raise _Back

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    event.listen(database.engine.sync_engine, "commit", no_commit)
    activities, found = InvoiceActivities(Books(database)), []
    try:
        for deal in deals:
            sent.clear()
            try:
                await ActivityEnvironment().run(activities.bill_period, command_of(deal))
            except _Back:
                found.append([each for each in sent if "INSERT" in each[0]])
    finally:
        await database.dispose()
    return found


async def bare_transactions(bench: Bench, count: int, side_by_side: int) -> float:
    """(d): so many transactions per second, each: begin, the number, one statement of all rows, commit."""
    recorded = await _recorded(bench, count)
    url = bench.whole.system.database_url
    connections = [await asyncpg.connect(url) for _ in range(side_by_side)]
    take, write = recorded[0][0][0], recorded[0][1][0]
    prepared = [(c, await c.prepare(take), await c.prepare(write)) for c in connections]
    queue = iter(recorded)

    async def work(connection: Any, taking: Any, writing: Any) -> None:
        for (_, entity), (_, rows) in queue:
            async with connection.transaction():
                sequence = await taking.fetchval(*entity)
                await writing.fetchrow(*(_numbered(value, sequence) for value in rows))

    try:
        began = time.monotonic()
        await asyncio.gather(*(work(*each) for each in prepared))
        return count / (time.monotonic() - began)
    finally:
        for connection in connections:
            await connection.close()


def _numbered(value: Any, sequence: int) -> Any:
    if not isinstance(value, str) or "ACME-" not in value:
        return value
    return _NAMED.sub(f"ACME-{sequence:06d}", _NUMBER.sub(f'"sequence":{sequence}', value))
