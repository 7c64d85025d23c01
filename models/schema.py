"""The whole schema at once: every table and every constraint that tables alone cannot say."""

from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlmodel import SQLModel

from models import (  # noqa: F401  (importing a module registers its tables)
    access,
    account,
    approval,
    cash,
    contract,
    coupon,
    deal,
    directory,
    entity,
    idempotency,
    invoice,
    ledger,
    outbox,
    payment,
    policy,
    price_book,
    price_migration,
    provisioning,
    quote,
    series,
    share,
    signature,
)
from models.constraints import CREATE
from models.database import asyncpg_url

metadata: MetaData = SQLModel.metadata


async def create_all(url: str) -> None:
    """Create every table, function and trigger in the empty database at `url` (`postgresql://…`)."""
    engine = create_async_engine(asyncpg_url(url))
    try:
        async with engine.begin() as connection:
            await create_in(connection)
    finally:
        await engine.dispose()


async def create_in(connection: AsyncConnection) -> None:
    """The same inside the caller's transaction."""
    await connection.run_sync(metadata.create_all)
    for statement in CREATE:
        await connection.exec_driver_sql(statement)
