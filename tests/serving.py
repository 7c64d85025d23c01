"""What every test of the whole brings up in this process: settings over an outside, the API on a port, a worker on a queue."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import structlog
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr
from temporalio.client import Client
from temporalio.worker import Worker

import worker
from gateways.parties import PartiesFor
from models.database import Database
from sandbox.process import SandboxProcess
from settings import Settings

log = structlog.get_logger(__name__)

LONGEST_END = 30.0  # seconds for a worker or an API to end


def settings_over(
    outside: SandboxProcess, database_url: str, temporal_address: str, task_queue: str, *, port: int = 8080
) -> Settings:
    """Settings in which the outside plays every party; `port` is where it reaches our API."""
    return Settings(
        database_url=SecretStr(database_url),
        temporal_address=temporal_address,
        task_queue=task_queue,
        stripe_url=f"{outside.url}/stripe",
        stripe_webhook_secret=SecretStr(outside.stripe_secret),
        signature_url=f"{outside.url}/signature",
        signature_secret=SecretStr(outside.signature_secret),
        provisioner_url=f"{outside.url}/provisioner",
        bank_url=f"{outside.url}/bank",
        bank_secret=SecretStr(outside.bank_secret),
        smtp_port=outside.smtp_port,
        slack_url=SecretStr(f"{outside.url}/slack/{{channel}}"),
        link_secret=SecretStr("the-first-secret-of-tests,the-old-secret-of-tests"),
        public_url=f"http://127.0.0.1:{port}",
    )


def unsettled(answer: httpx.Response) -> bool:
    """Whether it asks to come again under the same key: heard and not judged yet, or nobody answered in time."""
    return answer.status_code == 202 or (answer.status_code == 503 and "retry-after" in answer.headers)


@asynccontextmanager
async def serving(app: FastAPI, port: int) -> AsyncIterator[None]:
    """The API on a port of loopback, in this loop; its lifespan runs."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        log_level="error",
        lifespan="on",
        ws="none",
        timeout_graceful_shutdown=int(LONGEST_END),
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        if task.done():
            task.result()
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def ending(running: Worker) -> AsyncIterator[None]:
    """A worker while it is needed. One that does not end is left behind, and said so: all that a test proves is said by
    then, and the SDK may wait for ever for a local activity that its core has lost sight of (temporalio/sdk-python, #1837).
    """
    await running.__aenter__()
    try:
        yield
    finally:
        end = asyncio.create_task(running.__aexit__(sys.exc_info()[0]))
        done, _ = await asyncio.wait({end}, timeout=LONGEST_END)
        if done:
            end.result()
        else:
            log.error("a worker did not end", tasks=[repr(task) for task in asyncio.all_tasks()])


@asynccontextmanager
async def working(settings: Settings, client: Client | None = None) -> AsyncIterator[None]:
    """A worker with its own database pool and parties, as in its own process."""
    database = Database(settings.database_url.get_secret_value(), application_name="q2c-worker")
    parties = PartiesFor(worker.addresses(settings))
    try:
        async with ending(
            worker.make_worker(client or await worker.connect(settings), database, parties, settings.task_queue)
        ):
            yield
    finally:
        await parties.close()
        await database.dispose()
