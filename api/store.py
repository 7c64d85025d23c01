"""A row that the API owns is inserted once: the id comes from the caller's key, so a repeat after a crash finds its own row."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from sqlalchemy import CursorResult, Executable
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from api.errors import Refusal
from models.database import Database

Row = TypeVar("Row", bound=SQLModel)


def database_of(request: Request) -> Database:
    """The one database of this process."""
    database: Database = request.app.state.database
    return database


Db = Annotated[Database, Depends(database_of)]


async def sql(
    session: AsyncSession, statement: Executable, values: Mapping[str, Any] | None = None
) -> CursorResult[Any]:
    """A statement in plain SQL inside the session's transaction (SQLModel's own `exec` is for its selects)."""
    return await (await session.connection()).execute(statement, values)


async def insert_once(session: AsyncSession, row: SQLModel, *key: str) -> bool:
    """Insert, unless a row of the same primary key is there. True: it is new."""
    table = type(row)
    values = {name: getattr(row, name) for name in table.model_fields if name != "recorded_at"}
    statement = insert(table).values(values).on_conflict_do_nothing(index_elements=list(key or ("id",)))
    result = await sql(session, statement.returning(*(getattr(table, name) for name in key or ("id",))))
    return result.first() is not None


def taken(error: IntegrityError, noun: str, where: str) -> Refusal:
    """409 for a name that another row holds; anything else is not the caller's fault and is raised again."""
    if "unique" not in str(error.orig).lower():
        raise error
    return Refusal(
        409, f"{noun}Exists", f"there is already one of this {where}", where=where, hint=f"choose another {where}"
    )


async def find(session: AsyncSession, table: type[Row], id_: str) -> Row | None:
    """One row by its id."""
    return await session.get(table, id_)
