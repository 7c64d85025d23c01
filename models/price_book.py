"""Price books: immutable versions of a named list of prices; the content is what `domain/price_book.py` reads."""

from datetime import date

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.base import Json, Recorded, Row, currency_code, positive


class PriceBookRow(Row, table=True):
    __tablename__ = "price_books"
    __table_args__ = (UniqueConstraint("name", "version"), currency_code(), positive("version"))

    id: str = Field(primary_key=True)
    name: str
    version: int
    currency: str
    valid_from: date
    content: Json
    content_hash: str
    recorded_at: Recorded = None


async def latest(session: AsyncSession, name: str, on: date) -> PriceBookRow | None:
    """The highest version of the book that is valid on `on`. None: no version had begun."""
    query = (
        select(PriceBookRow)
        .where(col(PriceBookRow.name) == name, col(PriceBookRow.valid_from) <= on)
        .order_by(col(PriceBookRow.version).desc())
        .limit(1)
    )
    return (await session.exec(query)).first()


async def pinned(session: AsyncSession, name: str, version: int) -> PriceBookRow | None:
    """One version of the book, for a draft that names it."""
    query = select(PriceBookRow).where(col(PriceBookRow.name) == name, col(PriceBookRow.version) == version)
    return (await session.exec(query)).first()
