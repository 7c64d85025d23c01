"""Composition root 1: settings → database, parties, activities → Worker."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Sequence
from typing import Any

import structlog
import uvloop
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

import settings
from activities import build_activities
from activities.interceptor import Refusals
from gateways.parties import Addresses, PartiesFor
from models.database import Database
from workflows.bank_statement import BankStatementWorkflow
from workflows.converter import data_converter
from workflows.deal import DealWorkflow

PASSED_THROUGH = (
    "domain",
    "workflows.stubs",
    "workflows.policies",
    "workflows.steps",
    "workflows.shown",
    "pydantic",
    "pydantic_core",
)
POOL = 12  # connections
LOCAL = 8  # steps in our books at once: more would only queue for connections, or for the lock of a number series
WORKFLOWS = (DealWorkflow, BankStatementWorkflow)


def workflow_runner(*, sandbox: bool = True) -> WorkflowRunner:
    """The sandbox as worker and tests use it: rules and stubs are passed through, so a new deal costs milliseconds.

    Without it a worker needs a fifth less CPU, and nothing watches at run time: tests and replays run inside it
    (docs/decisions/0014).
    """
    if not sandbox:
        return UnsandboxedWorkflowRunner()
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH))


def addresses(found: settings.Settings) -> Addresses:
    """Where the outside parties are, from the settings."""
    return Addresses(
        stripe_url=found.stripe_url or "",
        signature_url=found.signature_url,
        provisioner_url=found.provisioner_url,
        smtp_host=found.smtp_host,
        smtp_port=found.smtp_port,
        mail_from=found.mail_from,
        stripe_key=found.stripe_key.get_secret_value() if found.stripe_key else "",
    )


def database_of(found: settings.Settings) -> Database:
    """The worker's pool: few and warm connections, since a step holds one for milliseconds; none beyond them, since
    making one costs more than the wait.
    """
    url = found.database_url.get_secret_value()
    return Database(url, pool_size=POOL, max_overflow=0, application_name="q2c-worker", generic_plans=True)


async def connect(found: settings.Settings) -> Client:
    """The Temporal client of the settings: local, a cluster, or Temporal Cloud with TLS and an API key."""
    return await Client.connect(
        found.temporal_address,
        namespace=found.temporal_namespace,
        data_converter=data_converter,
        tls=found.uses_tls,
        api_key=found.temporal_api_key.get_secret_value() if found.temporal_api_key else None,
    )


def make_worker(
    client: Client,
    database: Database,
    parties: PartiesFor,
    task_queue: str,
    *,
    activities: Sequence[Callable[..., Any]] | None = None,
    sandbox: bool = True,
) -> Worker:
    """One worker with every workflow and every activity (`activities` for others in their place: benchmarks)."""
    return Worker(
        client,
        task_queue=task_queue,
        workflows=WORKFLOWS,
        activities=activities or build_activities(database, parties),
        workflow_runner=workflow_runner(sandbox=sandbox),
        interceptors=[Refusals()],
        max_cached_workflows=2_000,
        max_concurrent_activities=50,
        max_concurrent_local_activities=LOCAL,
    )


async def main() -> None:
    """Run until SIGTERM or SIGINT; steps under way are finished first."""
    logging.basicConfig(level=logging.INFO)
    found = settings.load()
    stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    database = database_of(found)
    parties = PartiesFor(addresses(found))
    client = await connect(found)
    async with make_worker(client, database, parties, found.task_queue, sandbox=found.workflow_sandbox):
        structlog.get_logger().info("worker is ready", task_queue=found.task_queue)
        await stop.wait()
    await parties.close()
    await database.dispose()


if __name__ == "__main__":
    uvloop.run(main())
