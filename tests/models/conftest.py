"""A database of one's own, and the means to say that nothing in it changed."""

import secrets
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text

from embedded.postgres import PostgresServer
from models.database import Database
from models.schema import metadata
from tests.models.rows import bill, open_deals

Content = dict[str, list[str]]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url, pool_size=4, application_name="test")
    yield opened
    await opened.dispose()


@pytest.fixture(scope="module")
async def books(postgres_server: PostgresServer, database_template: str) -> AsyncIterator[Database]:
    """One database for all refusals of a module, with both deals and one invoice: each must leave it as it was."""
    name = f"test_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(postgres_server.url)
    await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{database_template}"')
    opened = Database(postgres_server.url_of(name), pool_size=2, application_name="test")
    await open_deals(opened)
    await bill(opened)
    yield opened
    await opened.dispose()
    await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await admin.close()


async def content_of(database: Database) -> Content:
    """Every row of every table, as PostgreSQL writes it."""
    query = " UNION ALL ".join(f"SELECT '{name}', t::text FROM \"{name}\" t" for name in metadata.tables)  # noqa: S608
    content: Content = {name: [] for name in metadata.tables}
    async with database.session() as session:
        for name, row in await session.execute(text(query)):
            content[name].append(row)
    return {name: sorted(rows) for name, rows in content.items()}
