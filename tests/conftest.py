"""The real servers that tests run against: one PostgreSQL and one Temporal per session, one database per test."""

import inspect
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from temporalio.client import Client
from temporalio.converter import DataConverter

from embedded.loopback import free_ports
from embedded.postgres import PostgresServer
from embedded.system import SEARCH_ATTRIBUTES
from embedded.temporal import TemporalServer

TEMPLATE = "template_q2c"

# The same examples in every run, however slow the machine: what is red is red again. By chance, when asked: Q2C_EXAMPLES.
settings.register_profile(
    "repeatable",
    deadline=None,
    derandomize="Q2C_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repeatable")

os.environ.pop("COLUMNS", None)  # what is printed is as wide here as in a pipe, in whatever window the tests run


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's own user can pass through when we are root (pytest's tmp_path is closed)."""
    folder = Path(tempfile.mkdtemp(prefix="q2c-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(server_folder: Path) -> Iterator[PostgresServer]:
    """A running PostgreSQL for the whole session; `database_url` gives each test its own database in it."""
    server = PostgresServer(
        server_folder / "postgres",
        port=free_ports(1)[0],
        password=secrets.token_urlsafe(12),
        durable=False,
        max_connections=200,
    )
    server.start()
    yield server
    server.destroy()


@pytest.fixture(scope="session")
async def database_template(postgres_server: PostgresServer) -> str:
    """The name of a database that has our schema and no rows; made once, never connected to again."""
    from models import schema  # noqa: PLC0415  (tests of pure rules must not load the database stack)

    admin = await asyncpg.connect(postgres_server.url)
    try:
        await admin.execute(f'CREATE DATABASE "{TEMPLATE}"')
    finally:
        await admin.close()
    made = schema.create_all(postgres_server.url_of(TEMPLATE))
    if inspect.isawaitable(made):
        await made
    return TEMPLATE


@asynccontextmanager
async def fresh_database(server: PostgresServer, template: str) -> AsyncIterator[str]:
    """postgresql:// address of a fresh database with our schema, dropped afterwards whoever is still connected."""
    name = f"test_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(server.url)
    try:
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        yield server.url_of(name)
        await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await admin.close()


@pytest.fixture
async def database_url(postgres_server: PostgresServer, database_template: str) -> AsyncIterator[str]:
    """The address of a database of the test's own."""
    async with fresh_database(postgres_server, database_template) as url:
        yield url


@pytest.fixture(scope="module")
async def module_database_url(postgres_server: PostgresServer, database_template: str) -> AsyncIterator[str]:
    """The address of a database that the tests of one file share."""
    async with fresh_database(postgres_server, database_template) as url:
        yield url


@pytest.fixture(scope="session")
def temporal_server(server_folder: Path) -> Iterator[TemporalServer]:
    """A running Temporal with our search attributes, for the whole session."""
    port, http_port, metrics_port = free_ports(3)
    server = TemporalServer(
        server_folder / "temporal",
        port=port,
        http_port=http_port,
        metrics_port=metrics_port,
        search_attributes=SEARCH_ATTRIBUTES,
    )
    server.start()
    yield server
    server.destroy()


@pytest.fixture(scope="session")
def data_converter() -> DataConverter:
    """How payloads are written, as worker and API do; override it in a folder's conftest.py to test another one."""
    from workflows import converter  # noqa: PLC0415  (tests of pure rules must not load it)

    return converter.data_converter


@pytest.fixture(scope="session")
async def temporal_client(temporal_server: TemporalServer, data_converter: DataConverter) -> Client:
    """A client of the session's Temporal. Take a task queue of your own per test: `f"test-{uuid4()}"`."""
    return await Client.connect(temporal_server.address, data_converter=data_converter)
