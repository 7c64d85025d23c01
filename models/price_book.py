"""Price books: immutable versions of a named list of prices; the content is what `domain/price_book.py` reads."""

from datetime import date

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from models.base import Json, Recorded, currency_code, positive


class PriceBookRow(SQLModel, table=True):
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
