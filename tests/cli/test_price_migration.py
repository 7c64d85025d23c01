"""Contracts are moved to new prices from the terminal; the API is killed in the middle, and the same command ends the work."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from embedded.system import System
from tests.cli.conftest import ACCOUNTS, BOOK, Q2c, draft

SOLD = BOOK.replace("acme-2026", "moved").replace("version: 1\n", "")
MOVE = ("pricebook", "migrate", "list of 2027", "--from", "moved@1", "--to", "moved@2", "--entity", "moving")
COUNT = 12


@pytest.fixture
def contracts(q2c: Q2c, sandbox: str, tmp_path: Path) -> list[str]:
    """Twelve deals in a sandbox of their own, each with two of twelve months billed at 12.50; their ids."""
    assert sandbox
    (tmp_path / "old.yaml").write_text(SOLD, encoding="utf-8")
    (tmp_path / "new.yaml").write_text(SOLD.replace("12.50", "15.00"), encoding="utf-8")
    (tmp_path / "accounts.csv").write_text(ACCOUNTS.replace("Globex S.p.A.", "Moving S.p.A."), encoding="utf-8")
    q2c("sandbox", "create", "acme", "--id", "moving", "--starts", "2027-01-01T09:00")
    made = q2c(
        "import",
        str(tmp_path / "old.yaml"),
        str(tmp_path / "accounts.csv"),
        "--entity",
        "moving",
        "--card",
        "pm_card_visa",
    )
    (account,) = re.findall(r"acc_[a-z2-7]{26}", made.out)
    deals = []
    for number in range(COUNT):
        changes = {"Globex S.p.A.": account, "acme-2026": "moved"}
        opened = q2c("deal", "open", str(draft(tmp_path, f"Move {number}", **changes))).out
        deals += re.findall(r"d_[a-z2-7]{26}", opened)[:1]
        q2c("deal", "submit", deals[-1])
    q2c("clock", "advance", "moving", "--to", "2027-02-15")
    assert "moved@2" in q2c("pricebook", "import", str(tmp_path / "new.yaml")).out
    return deals


async def asked(system: System, query: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(system.database_url)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


@asynccontextmanager
async def held_up(system: System) -> AsyncIterator[asyncpg.Connection]:
    """The last deal of the run cannot be moved: however quick the others are, the run is not over."""
    connection = await asyncpg.connect(system.database_url)
    try:
        async with connection.transaction():
            last = "SELECT deal_id FROM price_migration_deals ORDER BY deal_id DESC LIMIT 1 FOR UPDATE"
            assert await connection.fetchval(last)
            yield connection
    finally:
        await connection.close()


async def test_a_run_that_was_killed_is_ended_by_the_same_command(
    q2c: Q2c, system: System, contracts: list[str]
) -> None:
    shown = q2c(*MOVE).out
    assert shown.splitlines()[0] == "list of 2027: moved@1 to moved@2, next period"
    total = next(line for line in shown.splitlines() if line.startswith("in all"))
    assert re.sub(r" {2,}", "|", total) == (
        "in all|12|3,000.00 EUR|3,600.00 EUR|600.00 EUR|30,000.00 EUR|36,000.00 EUR|6,000.00 EUR"
    )
    assert "Nothing is moved yet" in shown
    assert q2c(*MOVE).out == shown

    command = [sys.executable, "-c", "import sys; from cli import main; sys.exit(main())", *MOVE, "--run"]
    done = "SELECT count(*) FROM price_migration_deals WHERE status = 'done'"
    async with held_up(system) as books:
        running = subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not await books.fetchval(done):
            await asyncio.sleep(0.002)
        system.kill("api")
        assert await asyncio.to_thread(running.wait, 60) == 1
        assert 0 < await books.fetchval(done) < COUNT
    system.start("api")

    ended = q2c(*MOVE, "--run").out
    assert f"{COUNT} done; finished at " in ended
    assert q2c(*MOVE, "--run").out == ended
    versions = await asked(system, "SELECT deal_id, count(*) FROM quote_versions WHERE kind = 'migration' GROUP BY 1")
    assert sorted(versions) == sorted((deal, 1) for deal in contracts)
    lines = await asked(
        system,
        "SELECT c.deal_id, l.from_period, l.to_period, l.period_amount_minor FROM contract_lines l "
        "JOIN contracts c ON c.id = l.contract_id WHERE c.entity_id = 'moving'",
    )
    assert sorted(lines) == sorted(line for deal in contracts for line in ((deal, 0, 2, 25000), (deal, 2, 12, 30000)))
    q2c("clock", "advance", "moving", "--to", "2027-03-15")
    billed = await asked(
        system, "SELECT issued_on::text, net_minor, count(*) FROM invoices WHERE entity_id = 'moving' GROUP BY 1, 2"
    )
    assert sorted(billed) == [
        ("2027-01-02", 25000, COUNT),
        ("2027-02-02", 25000, COUNT),
        ("2027-03-02", 30000, COUNT),
    ]
    audit = await asyncio.to_thread(q2c, "audit", "--json", fails=None)  # another test breaks a deal of its own
    audited = json.loads(audit.out)
    told = json.dumps([check["breaches"] for check in audited["checks"]])
    assert [deal for deal in contracts if deal in told] == []
    other = q2c("pricebook", "migrate", "list of 2027", "--from", "moved@2", "--to", "moved@1", fails=1)
    assert "goes from moved@1 to moved@2" in other.err
