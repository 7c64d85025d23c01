"""Health check of a worker's container: Temporal has heard a worker of this very host poll within two minutes."""

import asyncio
import os
import socket
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from settings import load

PATIENCE = timedelta(minutes=2)  # a long poll lasts one minute


async def polls() -> bool:
    """Whether an identity `pid@this-host` polled the task queue within PATIENCE."""
    settings = load()
    key = settings.temporal_api_key
    client = await Client.connect(
        settings.temporal_address,
        namespace=settings.temporal_namespace,
        tls=settings.uses_tls,
        api_key=key.get_secret_value() if key else None,
    )
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=settings.temporal_namespace,
            task_queue=TaskQueue(name=settings.task_queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
    )
    host = f"@{socket.gethostname()}"
    now = datetime.now(tz=UTC)
    return any(
        poller.identity.endswith(host) and now - poller.last_access_time.ToDatetime(tzinfo=UTC) < PATIENCE
        for poller in answer.pollers
    )


if __name__ == "__main__":
    # Not sys.exit: the client's own threads can still hold the interpreter while it is taken down, and abort it.
    os._exit(0 if asyncio.run(polls()) else 1)
