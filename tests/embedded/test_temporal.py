"""A Temporal from the wheel has our search attributes when it says it is ready, and keeps its workflows over kill -9."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from embedded.loopback import free_ports, listening
from embedded.temporal import TemporalServer

ACV = SearchAttributeKey.for_int("Acv")


@workflow.defn
class Waits:
    def __init__(self) -> None:
        self.told = ""

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: self.told != "")
        return self.told

    @workflow.signal
    def tell(self, word: str) -> None:
        self.told = word


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TemporalServer]:
    port, http_port, metrics_port = free_ports(3)
    server = TemporalServer(
        tmp_path / "temporal",
        port=port,
        http_port=http_port,
        metrics_port=metrics_port,
        search_attributes={"Acv": "Int"},
    )
    yield server
    server.destroy()


async def start(server: TemporalServer) -> str:
    client = await Client.connect(server.address)
    attributes = TypedSearchAttributes([SearchAttributePair(ACV, 120_000)])
    handle = await client.start_workflow(
        Waits.run, id=f"w-{uuid.uuid4()}", task_queue="q", search_attributes=attributes
    )
    return handle.id


async def finish(server: TemporalServer, workflow_id: str) -> str:
    client = await Client.connect(server.address)
    async with Worker(client, task_queue="q", workflows=[Waits], workflow_runner=UnsandboxedWorkflowRunner()):
        handle = client.get_workflow_handle(workflow_id, result_type=str)
        await handle.signal(Waits.tell, "done")
        return str(await handle.result())


async def test_a_workflow_survives_kill_9(server: TemporalServer) -> None:
    server.start()
    workflow_id = await start(server)
    server.kill()
    assert not server.running()
    server.start()
    assert await finish(server, workflow_id) == "done"


async def test_attributes_asked_for_later_are_there_after_a_restart(server: TemporalServer) -> None:
    server.start()
    server.stop()
    assert not listening(server.port)
    server.search_attributes["Stage"] = "Keyword"
    server.start()
    client = await Client.connect(server.address)
    handle = await client.start_workflow(
        Waits.run,
        id="later",
        task_queue="q",
        search_attributes=TypedSearchAttributes(
            [SearchAttributePair(SearchAttributeKey.for_keyword("Stage"), "quote")]
        ),
    )
    assert (await handle.describe()).typed_search_attributes[SearchAttributeKey.for_keyword("Stage")] == "quote"


async def test_pollers_name_the_workers_of_a_queue(server: TemporalServer) -> None:
    server.start()
    client = await Client.connect(server.address, identity="4711@here")
    assert server.pollers("q") == []
    workflow_id = await start(server)
    async with Worker(client, task_queue="q", workflows=[Waits], workflow_runner=UnsandboxedWorkflowRunner()):
        handle = client.get_workflow_handle(workflow_id)
        await handle.signal(Waits.tell, "done")
        await handle.result()
        assert server.pollers("q") == ["4711@here"]


async def test_the_session_server_answers(temporal_client: Client) -> None:
    assert await temporal_client.service_client.check_health()
