"""A sandbox's clock is moved by one caller at a time, and no command is taken while it moves; a crash gives the lock back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text

from api.errors import Refusal
from api.store import sql
from models.database import Database
from models.entity import LegalEntityRow

_TAKE = text("SELECT pg_try_advisory_lock(hashtextextended(:name, 3))")
_GIVE = text("SELECT pg_advisory_unlock(hashtextextended(:name, 3))")
_FREE = text("SELECT pg_try_advisory_xact_lock_shared(hashtextextended(:name, 3))")
# the same of the entity `e` of a larger question; a real entity's clock never moves
MOVING = """e.virtual AND NOT pg_try_advisory_xact_lock_shared(hashtextextended('clock/' || e.id, 3))"""


def moving() -> Refusal:
    """409: ask again when the clock stands."""
    return Refusal(
        409,
        "ClockMoving",
        "the clock of this sandbox is being moved",
        hint="ask again in a moment under the same Idempotency-Key",
        headers={"Retry-After": "1"},
    )


@asynccontextmanager
async def held(database: Database, sandbox_id: str) -> AsyncIterator[None]:
    """Hold a sandbox's clock. Raises 409 where somebody else does.

    The lock belongs to its own connection, outside any transaction: it ends with the process, whatever happens.
    """
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        name = {"name": f"clock/{sandbox_id}"}
        if not (await connection.execute(_TAKE, name)).scalar_one():
            raise moving()
        try:
            yield
        finally:
            await connection.execute(_GIVE, name)


async def refuse_while_moving(database: Database, entity: LegalEntityRow) -> None:
    """Raises 409 while the clock of this entity is being moved; a real entity's never is."""
    if not entity.virtual:
        return
    async with database.session() as session:
        if not (await sql(session, _FREE, {"name": f"clock/{entity.id}"})).scalar_one():
            raise moving()
