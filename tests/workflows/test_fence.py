"""The books and the workflow never disagree: kills, lost answers, webhooks that overtake, a database that is away."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Interceptor
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput
from temporalio.worker import Interceptor as WorkerInterceptor

from domain.message import Message, Retry
from embedded.loopback import free_ports
from embedded.postgres import PostgresServer
from embedded.temporal import TemporalServer
from models import schema
from models.outbox import InboxRow
from sandbox.process import SandboxProcess
from tests.place import PEOPLE
from tests.world import World, world
from workflows.deal import Reply

FEBRUARY = datetime(2027, 2, 2, tzinfo=UTC)
PAID_TWICE = {"cash_clearing": 59500, "deferred_revenue:team": -50000, "tax_payable": -9500}


class Forgets(Interceptor, WorkerInterceptor):
    """The named activity commits, and its answer reaches nobody: it hangs past its time-out, once."""

    def __init__(self, name: str) -> None:
        self.name, self.forgotten = name, 0

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        memory = self

        class Forgetting(ActivityInboundInterceptor):
            async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
                done = await super().execute_activity(input)
                if input.fn.__name__ == memory.name and not memory.forgotten:
                    memory.forgotten += 1
                    await asyncio.sleep(60)
                return done

        return Forgetting(next)


async def in_step(w: World, deal_id: str) -> None:
    """Workflow, row and steps tell the same story: the fence held."""
    deal = await w.state(deal_id)
    turns = [turn for (turn,) in await w.rows("SELECT turn FROM deal_steps WHERE deal_id = :id ORDER BY 1", id=deal_id)]
    assert turns == list(range(deal.turn))
    assert await w.one("SELECT turn FROM deals WHERE id = :id", id=deal_id) == deal.turn
    assert replace(await w.stored(deal_id), clock=deal.clock) == deal  # a clock that was moved on is nobody's step


@pytest.mark.slow
async def test_a_kill_between_the_commit_and_its_workflow_task(
    database_url: str, temporal_server: TemporalServer, outside: SandboxProcess
) -> None:
    """The invoice is committed, the worker is dead, and the next one decides another way: a fact came meanwhile.

    It asks for that other step under the same turn, is told of the invoice, folds it, and takes the fact in afterwards.
    """
    async with world(database_url, temporal_server.address, outside) as w:
        deal = await w.sold(await w.account())
        await w.advance("2027-01-03")
        await w.rest()
        before = await w.one("SELECT turn FROM deals")
        moving = asyncio.create_task(w.handle(deal).execute_update("advance", FEBRUARY, result_type=Reply))
        worker = await dying(w, "bill_period")
        assert await asyncio.to_thread(worker.wait, 60) == 9
        assert await w.rows("SELECT kind FROM deal_steps WHERE turn >= :turn", turn=before) == [("bill",)]
        row = InboxRow(
            id="in_1", provider="post", event_id="1", deal_id=deal, kind="letter", payload={}, received_at=FEBRUARY
        )
        await w.add([row])
        await w.handle(deal).signal("fact_came", "in_1")
        await w.work()
        await moving
        await w.advance("2027-02-03")
        await w.until("SELECT status FROM inbox WHERE id = 'in_1'", "unexpected")
        kinds = await w.rows("SELECT kind FROM deal_steps WHERE turn >= :turn ORDER BY turn", turn=before)
        assert kinds == [("bill",), ("take",), ("charge",)]
        assert [each[0] for each in await w.invoices(deal)] == ["ACME-000001", "ACME-000002"]
        assert await w.balances() == PAID_TWICE
        assert len(await w.effects("charge.captured")) == 2
        await in_step(w, deal)


async def dying(w: World, name: str) -> "subprocess.Popen[bytes]":
    found = w.settings
    environment = {
        **os.environ,
        "Q2C_DATABASE_URL": found.database_url.get_secret_value(),
        "Q2C_TEMPORAL_ADDRESS": found.temporal_address,
        "Q2C_TASK_QUEUE": found.task_queue,
        "Q2C_STRIPE_URL": found.stripe_url or "",
        "Q2C_SIGNATURE_URL": found.signature_url,
        "Q2C_PROVISIONER_URL": found.provisioner_url,
        "Q2C_SMTP_PORT": str(found.smtp_port),
    }
    command = [sys.executable, "-m", "tests.workflows.dying_worker", name]
    return await asyncio.to_thread(subprocess.Popen, command, env=environment, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("name", ["bill_period", "take"])
async def test_an_answer_that_reached_nobody_is_given_again(
    database_url: str, temporal_server: TemporalServer, outside: SandboxProcess, name: str
) -> None:
    """The local activity committed and timed out; asked again as a regular one under its turn, it writes nothing."""
    async with world(database_url, temporal_server.address, outside) as w:
        deal = await w.sold(await w.account())
        await w.advance("2027-01-03")
        await w.rest()
        forgets = Forgets(name)
        await w.work(forgets)
        await w.advance("2027-02-02")
        answer = await w.post(f"/v1/deals/{deal}/retry", {}, by="ops", key="retry-1")
        assert answer.status_code == 409  # there is nothing to retry: judged, once
        assert forgets.forgotten == 1
        assert [each[0] for each in await w.invoices(deal)] == ["ACME-000001", "ACME-000002"]
        assert await w.one("SELECT last FROM series WHERE entity_id = :id", id=w.entity) == 2
        assert await w.balances() == PAID_TWICE
        assert await w.one("SELECT count(*) FROM timeline WHERE text LIKE 'Refused: retry%'") == 1
        await in_step(w, deal)


async def test_a_webhook_comes_before_the_response_of_its_own_charge(
    database_url: str, temporal_server: TemporalServer, outside: SandboxProcess
) -> None:
    async with world(database_url, temporal_server.address, outside) as w:
        deal = await w.sold(await w.account())
        await w.advance("2027-01-03")
        await w.control("faults", account=w.entity, script=["late"], slow_seconds=3.0)
        await w.advance("2027-02-02")
        assert await w.balances() == PAID_TWICE
        assert await w.rows("SELECT attempt, status FROM payment_attempts ORDER BY started_at") == [
            (1, "captured"),
            (1, "captured"),
        ]
        # it was told, waited for the step under way, and said nothing new
        charged = await w.one("SELECT max(turn) FROM deal_steps WHERE kind = 'charge'")
        taken = "FROM inbox WHERE provider = 'stripe' AND taken_turn > :charged"
        await w.until(f"SELECT count(*) {taken}", 1, charged=charged)  # the first charge's may have been told as well
        assert await w.rows(f"SELECT status, taken_turn {taken}", charged=charged) == [("nothing_new", charged + 1)]
        assert await w.one("SELECT count(*) FROM receipts") == 2
        await in_step(w, deal)


async def test_webhooks_doubled_delayed_and_out_of_order(
    database_url: str, temporal_server: TemporalServer, tmp_path: Path
) -> None:
    """Bank debits, whose money is known by webhook alone; every event comes at least twice, hours late, in any order."""
    troubled = SandboxProcess(data=tmp_path / "sandbox.db", faults="hook_dup=1,hook_late=0.5,hook_shuffle=0.5", seed=11)
    await asyncio.to_thread(troubled.start)
    try:
        async with world(database_url, temporal_server.address, troubled) as w:
            deal = await w.sold(await w.account(method_token="pm_sepaDebit"))
            await w.behave("card", email="ap@globex.example", script=["succeed", "insufficient_funds", "succeed"])
            await w.advance("2027-04-01")
            months = 3
            assert [each[-1] for each in await w.invoices(deal)] == ["paid"] * months
            assert await w.balances() == {
                "cash_clearing": months * 29750,
                "deferred_revenue:team": -months * 25000,
                "tax_payable": -months * 4750,
            }
            captured = [each["subject"] for each in await w.effects("charge.captured")]
            posted = [ref for (ref,) in await w.rows("SELECT gateway_ref FROM receipts")]
            assert sorted(posted) == sorted(captured)
            assert len(captured) == months
            assert await w.rows("SELECT id FROM inbox WHERE status IN ('new', 'signalled', 'unexpected')") == []
            await in_step(w, deal)
    finally:
        await asyncio.to_thread(troubled.stop)


@pytest.fixture
def own_postgres(server_folder: Path) -> Iterator[PostgresServer]:
    """A PostgreSQL that one test may stop."""
    server = PostgresServer(
        server_folder / "own-postgres", port=free_ports(1)[0], password="secret", durable=False, max_connections=60
    )
    server.start()
    yield server
    server.destroy()


@pytest.mark.slow
async def test_a_database_that_is_down_holds_no_workflow_task(
    own_postgres: PostgresServer, temporal_server: TemporalServer, outside: SandboxProcess
) -> None:
    """The step goes on as a regular activity until the books are back; meanwhile commands are heard within seconds."""
    await schema.create_all(own_postgres.url)
    async with world(own_postgres.url, temporal_server.address, outside) as w:
        deal = await w.sold(await w.account())
        await w.advance("2027-01-03")
        handle = w.handle(deal)
        await asyncio.to_thread(own_postgres.stop)
        moved = await handle.execute_update("advance", FEBRUARY, result_type=Reply)
        assert not moved.settled
        said = Message(id="said-meanwhile", by=PEOPLE["ops"][0], body=Retry())
        reply: Reply = await handle.execute_update("retry", said, result_type=Reply)
        assert not reply.settled
        await asyncio.to_thread(own_postgres.start)
        while not (await handle.execute_update("advance", FEBRUARY, result_type=Reply)).settled:
            continue
        reply = await handle.execute_update("retry", said, result_type=Reply)
        assert reply.answer is not None
        assert reply.answer.error == "NothingToRetry"
        assert [each[0] for each in await w.invoices(deal)] == ["ACME-000001", "ACME-000002"]
        assert await w.balances() == PAID_TWICE
        assert await w.one("SELECT count(*) FROM deal_steps WHERE subject = 'said-meanwhile'") == 1
        await in_step(w, deal)
