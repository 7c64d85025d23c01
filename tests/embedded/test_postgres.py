"""A PostgreSQL from the wheel keeps what was committed, asks for its password and leaves nothing behind."""

import os
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from embedded.loopback import free_ports, listening
from embedded.postgres import ROOT_DATA, PostgresServer
from embedded.processes import ServerFailedError

AS_ROOT = os.geteuid() == 0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(tmp_path / "pg", port=free_ports(1)[0], password="secret", durable=False)
    yield server
    server.destroy()


async def fetch(url: str, statement: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


async def test_committed_rows_survive_kill_9(server: PostgresServer) -> None:
    server.start()
    await fetch(server.url, "CREATE TABLE kept (n int)")
    await fetch(server.url, "INSERT INTO kept VALUES (7)")
    server.kill()
    assert not server.running()
    server.start()
    assert await fetch(server.url, "SELECT n FROM kept") == [(7,)]


async def test_an_orderly_stop_frees_the_port_and_a_restart_keeps_the_data(server: PostgresServer) -> None:
    server.start()
    await fetch(server.url, "CREATE TABLE kept AS SELECT 7 AS n")
    server.stop()
    assert not server.running()
    assert not listening(server.port)
    server.start()
    assert await fetch(server.url, "SELECT n FROM kept") == [(7,)]


async def test_starting_a_running_server_again_changes_nothing(postgres_server: PostgresServer) -> None:
    pid = postgres_server.processes.pid("postgres")
    postgres_server.start()
    assert postgres_server.processes.pid("postgres") == pid


async def test_a_wrong_password_is_refused(postgres_server: PostgresServer) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await fetch(postgres_server.url.replace(postgres_server.password, "guess"), "SELECT 1")


async def test_names_fold_in_unicode_and_time_is_utc(postgres_server: PostgresServer) -> None:
    assert await fetch(postgres_server.url, "SELECT upper('éß'), current_setting('timezone')") == [("Éß", "UTC")]


async def test_two_servers_run_side_by_side(server: PostgresServer, postgres_server: PostgresServer) -> None:
    server.start()
    await fetch(server.url, "CREATE TABLE only_here (n int)")
    assert await fetch(postgres_server.url, "SELECT to_regclass('only_here')::text") == [(None,)]
    server.kill()
    assert postgres_server.running()


async def test_a_taken_port_is_named_in_the_error(tmp_path: Path, postgres_server: PostgresServer) -> None:
    other = PostgresServer(tmp_path / "pg", port=postgres_server.port, password="other", durable=False)
    try:
        with pytest.raises(ServerFailedError, match=f"did not come up on port {postgres_server.port}"):
            other.start()
        assert not other.running()
        assert postgres_server.running()
    finally:
        other.destroy()


async def test_destroy_leaves_nothing(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "pg", port=free_ports(1)[0], password="secret", durable=False)
    server.start()
    pointer = server.folder / "ELSEWHERE"
    home = Path(pointer.read_text(encoding="utf-8").strip()) if pointer.exists() else server.folder
    assert (home / "data").exists()
    server.destroy()
    assert not server.folder.exists()
    assert not home.exists()
    assert not listening(server.port)


@pytest.mark.skipif(not AS_ROOT, reason="only root needs another user")
async def test_as_root_the_server_is_nobody_and_no_closed_folder_is_opened(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = PostgresServer(closed / "pg", port=free_ports(1)[0], password="secret", durable=False)
    try:
        server.start()
        pid = server.processes.pid("postgres")
        assert Path(f"/proc/{pid}").stat().st_uid == 65534
        assert closed.stat().st_mode & 0o777 == 0o700
        assert closed.stat().st_uid == 0
        elsewhere = Path((server.folder / "ELSEWHERE").read_text(encoding="utf-8").strip())
        assert elsewhere.parent == ROOT_DATA
        assert (elsewhere / "data" / "PG_VERSION").exists()
    finally:
        server.destroy()
    assert not elsewhere.exists()
