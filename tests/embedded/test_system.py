"""A data folder remembers its ports and secrets, and its servers come back with what they held."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from embedded.loopback import free, listening
from embedded.system import System


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="q2c-test-"))
    yield folder / "data"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def system(folder: Path) -> Iterator[System]:
    system = System(folder, ui=False, durable=False)
    yield system
    system.destroy()


async def test_the_same_folder_gives_the_same_ports_and_secrets(system: System, folder: Path) -> None:
    again = System(folder)
    assert again.ports == system.ports
    assert again.secrets == system.secrets
    assert (folder / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert len(set(system.ports.values())) == len(system.ports)
    assert all(free(port) for port in system.ports.values())


async def test_a_killed_database_comes_back_with_its_rows(system: System, folder: Path) -> None:
    system.start("postgres")
    connection = await asyncpg.connect(system.database_url)
    await connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    await connection.close()
    system.kill("postgres")
    assert [status.running for status in system.status()] == [False, False, False, False, False]
    System(folder, durable=False).restart("postgres")
    assert [status.name for status in system.status() if status.running] == ["postgres"]
    connection = await asyncpg.connect(system.database_url)
    assert await connection.fetchval("SELECT n FROM kept") == 7
    await connection.close()
    system.down()
    assert not listening(system.ports["postgres"])


async def test_another_command_stops_what_this_one_started(system: System, folder: Path) -> None:
    system.start("temporal")
    System(folder).down()
    assert not listening(system.ports["temporal"])
    assert not any(status.running for status in system.status())


async def test_an_outside_server_is_used_and_never_started(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("Q2C_DATABASE_URL", "postgresql://me:secret@db.example/q2c")
    monkeypatch.setenv("Q2C_TEMPORAL_ADDRESS", "ns.tmprl.example:7233")
    system = System(folder)
    assert system.environment()["Q2C_DATABASE_URL"] == "postgresql://me:secret@db.example/q2c"
    assert system.environment()["Q2C_TEMPORAL_ADDRESS"] == "ns.tmprl.example:7233"
    shown = {status.name: (status.outside, status.address) for status in system.status()}
    assert shown["postgres"] == (True, "db.example/q2c")
    assert shown["temporal"] == (True, "ns.tmprl.example:7233")


async def test_a_remembered_port_that_another_program_took_is_replaced(system: System, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", system.ports["api"])):
        again = System(folder)
    assert again.ports == {**system.ports, "api": again.ports["api"]}
    assert again.ports["api"] != system.ports["api"]


async def test_a_port_that_our_own_server_holds_is_kept(system: System, folder: Path) -> None:
    system.start("temporal")
    assert System(folder).ports == system.ports


async def test_destroy_removes_the_folder(folder: Path) -> None:
    system = System(folder, durable=False)
    system.start("postgres")
    system.destroy()
    assert os.listdir(folder.parent) == []  # noqa: PTH208  (names only)
