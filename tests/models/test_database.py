"""One commit, reads that cannot write, and a pool that survives lost connections."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from models.database import Database, asyncpg_url
from tests.models.conftest import content_of
from tests.models.rows import an_entity


def test_addresses_as_other_tools_write_them_are_understood() -> None:
    given = "postgresql://q2c:p%40ss@db.example:5432/q2c?sslmode=require"
    assert asyncpg_url(given) == "postgresql+asyncpg://q2c:p%40ss@db.example:5432/q2c?ssl=require"


async def test_a_transaction_that_raises_leaves_nothing(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as session:
            session.add(an_entity())
            await session.flush()
            raise ZeroDivisionError

    before = await content_of(database)
    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await content_of(database) == before


async def test_a_reading_session_cannot_write(database: Database) -> None:
    before = await content_of(database)
    async with database.session() as session:
        with pytest.raises(DBAPIError, match="read-only transaction"):
            await session.execute(text("INSERT INTO series (entity_id, name, last) VALUES ('e', 'invoice', 1)"))
    assert await content_of(database) == before


async def test_after_reading_a_connection_writes_again(database_url: str) -> None:
    database = Database(database_url, pool_size=1, max_overflow=0)
    async with database.session() as session:
        await session.execute(text("SELECT 1"))
    async with database.transaction() as session:
        session.add(an_entity())
    async with database.session() as session:
        assert (await session.execute(text("SELECT id FROM legal_entities"))).scalars().all() == ["ent_real"]
    await database.dispose()


async def test_a_lost_connection_is_replaced(database_url: str) -> None:
    database = Database(database_url, pool_size=1, max_overflow=0)
    async with database.session() as session:
        mine = (await session.execute(text("SELECT pg_backend_pid()"))).scalar_one()
    other = Database(database_url, pool_size=1)
    async with other.session() as session:
        await session.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": mine})
    await other.dispose()
    await database.ping()
    await database.dispose()


async def test_limits_are_set_on_every_connection(database: Database) -> None:
    names = (
        "statement_timeout",
        "lock_timeout",
        "idle_in_transaction_session_timeout",
        "timezone",
        "jit",
        "application_name",
    )
    async with database.session() as session:
        shown = [(await session.execute(text(f"SHOW {name}"))).scalar_one() for name in names]
    assert shown == ["15s", "10s", "30s", "UTC", "off", "test"]


async def test_statements_are_counted_only_when_asked(database: Database) -> None:
    with database.counting() as tally:
        async with database.transaction() as session:
            await session.execute(text("SELECT 1"))
            await session.execute(text("SELECT 2"))
    async with database.session() as session:
        await session.execute(text("SELECT 3"))
    assert tally.statements == ["SELECT 1", "SELECT 2"]


async def test_a_row_is_a_transaction_of_its_own(database: Database) -> None:
    with database.counting() as tally:
        made = await database.row("SELECT $1::int + 1 AS next, txid_current() AS one", 41)
        other = await database.row("SELECT txid_current() AS one")
    assert made is not None
    assert other is not None
    assert made["next"] == 42
    assert made["one"] != other["one"]
    assert await database.row("SELECT 1 WHERE false") is None
    assert len(tally) == 2


async def test_an_error_of_a_row_is_told_as_a_session_tells_it(database: Database) -> None:
    refused = "INSERT INTO series (entity_id, name, last) VALUES ($1, 'invoice', 1)"
    with pytest.raises(IntegrityError) as caught:
        await database.row(refused, "nobody")
    assert not caught.value.connection_invalidated
    assert "nobody" not in str(caught.value.params)
    with pytest.raises(DBAPIError, match="division by zero"):
        await database.row("SELECT 1 / $1::int", 0)


async def test_a_row_whose_connection_is_lost_says_so_and_the_next_one_is_answered(database_url: str) -> None:
    database = Database(database_url, pool_size=1, max_overflow=0)
    with pytest.raises(DBAPIError) as caught:
        await database.row("SELECT pg_terminate_backend(pg_backend_pid())")
    assert caught.value.connection_invalidated
    assert await database.row("SELECT 1 AS one") is not None
    await database.dispose()


async def test_a_row_that_is_given_up_leaves_no_half_answer_behind(database_url: str) -> None:
    database = Database(database_url, pool_size=1, max_overflow=0)
    waiting = asyncio.create_task(database.row("SELECT pg_sleep(30)"))
    await asyncio.sleep(0.1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    answer = await database.row("SELECT 7 AS seven")
    assert answer is not None
    assert answer["seven"] == 7
    await database.dispose()
