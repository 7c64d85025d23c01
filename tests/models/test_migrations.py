"""The dated versions make the same database as the models do, and can be undone."""

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from embedded.postgres import PostgresServer
from migrations import run

# every object of the schema, in the words of the catalogue; alembic's own table is not ours
CATALOGUE = """
SELECT 'column', table_name || '.' || column_name,
       concat_ws(' ', data_type, udt_name, character_maximum_length, numeric_precision, numeric_scale, is_nullable,
                 column_default, is_identity, identity_generation)
FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
UNION ALL
SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'
UNION ALL
SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'
UNION ALL
SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'function', proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL
SELECT 'type', typname, typtype::text FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype <> 'b'
  AND typname <> 'alembic_version'
"""


async def catalogue_of(url: str) -> dict[tuple[str, str], str]:
    connection = await asyncpg.connect(url)
    try:
        return {(kind, name): definition for kind, name, definition in await connection.fetch(CATALOGUE)}
    finally:
        await connection.close()


@pytest.fixture
async def empty_url(postgres_server: PostgresServer) -> AsyncIterator[str]:
    name = f"test_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(postgres_server.url)
    await admin.execute(f'CREATE DATABASE "{name}"')
    yield postgres_server.url_of(name)
    await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await admin.close()


async def test_upgrading_gives_the_schema_of_the_models(empty_url: str, database_url: str) -> None:
    await run.upgrade(empty_url)
    await run.check(empty_url)
    migrated, made = await catalogue_of(empty_url), await catalogue_of(database_url)
    assert len(made) > 300
    assert migrated == made


async def test_two_processes_may_upgrade_at_once(empty_url: str) -> None:
    command = [sys.executable, "-m", "alembic", "upgrade", "head"]
    environment = {**os.environ, "Q2C_DATABASE_URL": empty_url}
    root = Path(__file__).parents[2]
    started = [await asyncio.create_subprocess_exec(*command, cwd=root, env=environment) for _ in range(2)]
    assert [await process.wait() for process in started] == [0, 0]
    await run.check(empty_url)


async def test_upgrading_twice_changes_nothing(empty_url: str) -> None:
    await run.upgrade(empty_url)
    first = await catalogue_of(empty_url)
    await run.upgrade(empty_url)
    assert await catalogue_of(empty_url) == first


async def test_downgrading_leaves_nothing_behind_and_can_be_undone(empty_url: str) -> None:
    await run.upgrade(empty_url)
    first = await catalogue_of(empty_url)
    await run.downgrade(empty_url)
    assert await catalogue_of(empty_url) == {}
    await run.upgrade(empty_url)
    assert await catalogue_of(empty_url) == first
