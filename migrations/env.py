"""Alembic's entry: on the connection it is given (`migrations/run.py`), or on the database of the setting Q2C_DATABASE_URL."""

import asyncio
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlmodel.sql.sqltypes import UTCDateTime

from models.database import asyncpg_url
from models.schema import metadata
from settings import load


def render(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """A version speaks plain SQLAlchemy, so that it stays what it is when SQLModel's types change."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UTCDateTime) else False


ONE_AT_A_TIME = 7_116_001  # key of the advisory lock: any number, the same for all


def migrate(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ONE_AT_A_TIME})
    context.configure(connection=connection, target_metadata=metadata, render_item=render)
    with context.begin_transaction():
        context.run_migrations()


def print_sql() -> None:
    """`alembic upgrade head --sql`: the statements, for whoever may not let us touch the schema."""
    context.configure(
        dialect_name="postgresql", target_metadata=metadata, literal_binds=True, dialect_opts={"paramstyle": "named"}
    )
    with context.begin_transaction():
        context.run_migrations()


async def migrate_setting() -> None:
    engine = create_async_engine(asyncpg_url(load().database_url.get_secret_value()), poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
        await connection.commit()
    await engine.dispose()


given = context.config.attributes.get("connection")
if context.is_offline_mode():
    print_sql()
elif given is not None:
    migrate(given)
else:
    asyncio.run(migrate_setting())
