"""The database and its one commit: `transaction()` for writing, `session()` for reading and for nothing else, and
`row()` for a statement that is a transaction of its own.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, cast

import asyncpg
from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.ext.asyncio import AsyncSession as PlainAsyncSession
from sqlalchemy.orm import Session as PlainSession
from sqlalchemy.util.concurrency import greenlet_spawn
from sqlmodel import Session as TypedSession
from sqlmodel.ext.asyncio.session import AsyncSession

PING_AFTER = 30.0  # seconds of rest


def asyncpg_url(url: str) -> str:
    """`postgresql://…?sslmode=require`, as PostgreSQL's own tools write it, in the words of SQLAlchemy and asyncpg."""
    parsed = make_url(url).set(drivername="postgresql+asyncpg")
    query = dict(parsed.query)
    if "sslmode" in query:
        query["ssl"] = query.pop("sslmode")
    return parsed.set(query=query).render_as_string(hide_password=False)


class _SyncSession(TypedSession):
    execute = PlainSession.execute


class _Session(AsyncSession):
    """SQLModel's session, with `exec` for typed selects, and with an `execute` for SQL that does not warn of itself."""

    sync_session_class = _SyncSession
    execute = PlainAsyncSession.execute


@dataclass(slots=True)
class Tally:
    """The SQL that was sent while counting; BEGIN, COMMIT and ROLLBACK are not in it."""

    statements: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.statements)


def _rests(_connection: Any, record: Any) -> None:
    record.info["rests_since"] = monotonic()


def _alive(connection: Any, record: Any, _proxy: Any) -> None:
    """A connection that died with the server is replaced, not handed out.

    The driver sees most of these ends by itself, for nothing; a ping, which is three round trips, is for connections
    that rested so long that something on the way may have dropped them in silence.
    """
    if connection.driver_connection.is_closed():
        raise InvalidatePoolError
    if monotonic() - record.info.get("rests_since", monotonic()) > PING_AFTER:
        try:
            connection.ping()
        except Exception as error:
            raise InvalidatePoolError from error


def _as_elsewhere(statement: str, error: Exception, *, lost: bool) -> DBAPIError:
    """The driver's error as a session raises it, so that callers know one kind."""
    kind: type[DBAPIError] = DBAPIError
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        kind = IntegrityError
    elif isinstance(error, asyncpg.InterfaceError):
        kind = InterfaceError
    return kind(statement, None, error, hide_parameters=True, connection_invalidated=lost)


class Database:
    """One pool of connections to one PostgreSQL. Times are in milliseconds; 0 switches a limit off."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 20,
        max_overflow: int = 20,
        application_name: str = "q2c",
        statement_timeout: int = 15_000,
        lock_timeout: int = 10_000,
        idle_in_transaction_timeout: int = 30_000,
        generic_plans: bool = False,
    ) -> None:
        """`generic_plans` for the few statements of a worker: planned once per connection, not six times."""
        self.engine: AsyncEngine = create_async_engine(
            asyncpg_url(url),
            pool_size=pool_size,
            max_overflow=max_overflow,
            pool_use_lifo=True,  # the warmest connection first: its statements are prepared already
            isolation_level="READ COMMITTED",
            hide_parameters=True,  # an error in a log names no customer
            connect_args={
                "command_timeout": statement_timeout / 1000 + 5 if statement_timeout else None,
                "max_cacheable_statement_size": 0,  # `row` sends few statements, long ones, and often: all are kept
                "server_settings": {
                    "application_name": application_name,
                    "timezone": "UTC",
                    "jit": "off",
                    "statement_timeout": str(statement_timeout),
                    "lock_timeout": str(lock_timeout),
                    "idle_in_transaction_session_timeout": str(idle_in_transaction_timeout),
                    "plan_cache_mode": "force_generic_plan" if generic_plans else "auto",
                },
            },
        )
        self._tallies: list[Tally] = []
        event.listen(self.engine.sync_engine, "checkin", _rests)
        event.listen(self.engine.sync_engine, "checkout", _alive)
        self._reading = self.engine.execution_options(postgresql_readonly=True)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction, committed when the block ends well, rolled back when it raises.

        `write` rolls back by itself when it finds the turn taken; what follows in the block then runs in a new
        transaction, so that the caller can read there what took the turn.
        """
        async with _Session(self.engine, expire_on_commit=False, autoflush=False) as session:
            try:
                yield session
                await session.commit()
            except BaseException:
                await session.rollback()
                raise

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """For reading: the database refuses every write in it (READ ONLY), and nothing is committed."""
        async with _Session(self._reading, expire_on_commit=False, autoflush=False) as session:
            yield session

    async def row(self, statement: str, *parameters: Any) -> asyncpg.Record | None:
        """The first row of one statement in PostgreSQL's own words ($1, $2, …), which is a transaction of its own.

        Straight to the driver: one round trip, and a quarter of a session's work. Errors come as SQLAlchemy's.
        """
        for tally in self._tallies:
            tally.statements.append(statement)
        connection = await self.engine.raw_connection()
        driver = connection.driver_connection
        assert driver is not None  # noqa: S101  (a connection in use has one)
        try:
            return cast("asyncpg.Record | None", await driver.fetchrow(statement, *parameters))
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise _as_elsewhere(statement, error, lost=driver.is_closed()) from error
        except BaseException:
            await greenlet_spawn(connection.invalidate)  # given up half-way: who knows what it is in the middle of
            raise
        finally:
            await greenlet_spawn(connection.close)  # back to the pool, which may have to close one that is too many

    async def ping(self) -> None:
        """Raises what the driver raises where the database does not answer."""
        async with self.session() as session:
            await (await session.connection()).execute(text("SELECT 1"))

    @contextmanager
    def counting(self) -> Iterator[Tally]:
        """Collect the statements that this pool sends inside the block, whichever task sends them."""
        tally = Tally()

        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            tally.statements.append(statement)

        event.listen(self.engine.sync_engine, "before_cursor_execute", note)
        self._tallies.append(tally)
        try:
            yield tally
        finally:
            self._tallies.remove(tally)
            event.remove(self.engine.sync_engine, "before_cursor_execute", note)

    async def dispose(self) -> None:
        """Close every connection."""
        await self.engine.dispose()
