"""docker-compose.yml says what it must: pinned images, a health check for whatever stays up, the same search attributes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from embedded.system import SEARCH_ATTRIBUTES
from embedded.temporal import TemporalServer

ROOT = Path(__file__).resolve().parents[2]
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]


@workflow.defn
class Nothing:
    @workflow.run
    async def run(self) -> None:
        return


def test_what_comes_up() -> None:
    long_lived = {name for name, service in SERVICES.items() if "healthcheck" in service}
    assert long_lived == {"postgres", "temporal", "temporal-ui", "api", "worker-1", "worker-2", "sandbox"}
    assert set(SERVICES) - long_lived == {"temporal-schema", "temporal-namespace", "migrations"}
    assert [name for name, service in SERVICES.items() if service.get("profiles")] == ["sandbox"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_image_is_pinned_by_a_tag_with_a_version(name: str) -> None:
    assert re.fullmatch(r"[a-z/-]+:\d+(\.\d+)+", SERVICES[name]["image"])


def test_published_ports_are_on_loopback_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_the_namespace_gets_the_search_attributes_of_the_embedded_server() -> None:
    script = (ROOT / "docker" / "temporal-namespace.sh").read_text(encoding="utf-8")
    assert dict(re.findall(r"--name (\w+) --type (\w+)", script)) == SEARCH_ATTRIBUTES


async def test_a_worker_is_healthy_once_it_polls(temporal_server: TemporalServer, temporal_client: Client) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "Q2C_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "Q2C_TEMPORAL_ADDRESS": temporal_server.address,
        "Q2C_TASK_QUEUE": "health",
    }
    check = [sys.executable, str(ROOT / "docker" / "healthy_worker.py")]
    assert subprocess.run(check, env=environment, check=False).returncode == 1
    async with Worker(
        temporal_client, task_queue="health", workflows=[Nothing], workflow_runner=UnsandboxedWorkflowRunner()
    ):
        await temporal_client.execute_workflow(Nothing.run, id="health", task_queue="health")
        assert subprocess.run(check, env=environment, check=False).returncode == 0
