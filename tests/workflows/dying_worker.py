"""A worker as its own process that dies (as by SIGKILL) the moment the named activity has committed, before anybody knows.

python -m tests.workflows.dying_worker bill_period
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from temporalio.client import Client, Interceptor
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput
from temporalio.worker import Interceptor as WorkerInterceptor

import settings
import worker
from gateways.parties import PartiesFor
from models.database import Database
from workflows.converter import data_converter


class DiesAfter(Interceptor, WorkerInterceptor):
    def __init__(self, name: str) -> None:
        self.name = name

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        name = self.name

        class Dying(ActivityInboundInterceptor):
            async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
                done = await super().execute_activity(input)
                if input.fn.__name__ == name:
                    os._exit(9)
                return done

        return Dying(next)


async def main(name: str) -> None:
    found = settings.load()
    database = Database(found.database_url.get_secret_value())
    parties = PartiesFor(worker.addresses(found))
    client = await Client.connect(found.temporal_address, data_converter=data_converter, interceptors=[DiesAfter(name)])
    async with worker.make_worker(client, database, parties, found.task_queue):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
