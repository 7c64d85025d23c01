"""Price books: immutable versions of a named list of prices; the content is what `domain/price_book.py` reads."""

from datetime import date

from sqlalchemy import ARRAY, CheckConstraint, Text, UniqueConstraint, cast, func, literal, or_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased
from sqlmodel import Field, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.base import Json, Recorded, Row, Texts, currency_code, positive
from models.entity import LegalEntityRow


class PriceBookRow(Row, table=True):
    """`segments`, `entities` (ids or names of legal entities) and `valid_to` (exclusive) are copied out of the content, to
    choose by; an empty list holds for all.
    """

    __tablename__ = "price_books"
    __table_args__ = (
        UniqueConstraint("name", "version"),
        currency_code(),
        positive("version"),
        CheckConstraint("valid_from < valid_to", name="valid"),
    )

    id: str = Field(primary_key=True)
    name: str
    version: int
    currency: str
    valid_from: date
    content: Json
    content_hash: str
    segments: Texts = []  # noqa: RUF012 (never changed in place)
    entities: Texts = []  # noqa: RUF012 (never changed in place)
    valid_to: date | None = None
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


async def applicable(
    session: AsyncSession, *, currency: str, segment: str, entity: str, on: date
) -> PriceBookRow | None:
    """The book whose list prices hold for an account of this segment ('' is none) at a legal entity (its id) on a day.

    Of each name only the version that is in force counts: the highest one that began (it superseded those below it for
    good). Of those that have not ended and are for this currency, segment and entity the most specific one wins: for the
    entity and the segment, then for the entity, then for the segment, then for all. Of several such the one that began
    last, then the first by name. A book names an entity by its id or its name; what is for a real entity is for its
    sandboxes, too. None: no book fits.
    """
    table = PriceBookRow
    begun = select(table).ext(distinct_on(col(table.name))).where(col(table.valid_from) <= on)
    book = aliased(table, begun.order_by(col(table.name), col(table.version).desc()).subquery())
    for_entity, for_segment = col(book.entities) != [], col(book.segments) != []
    known_as = cast(await _known_as(session, entity), ARRAY(Text))
    query = (
        select(book)
        .where(
            col(book.currency) == currency,
            or_(col(book.valid_to).is_(None), col(book.valid_to) > on),
            or_(~for_entity, col(book.entities).op("&&")(known_as)),
            or_(~for_segment, literal(segment) == func.any(col(book.segments))),
        )
        .order_by(for_entity.desc(), for_segment.desc(), col(book.valid_from).desc(), col(book.name))
        .limit(1)
    )
    return (await session.exec(query)).first()


async def for_draft(
    session: AsyncSession, *, name: str, version: int | None, currency: str, segment: str, entity: str, on: date
) -> PriceBookRow | None:
    """The book that a draft is priced from: the version it names, the latest of a name, or what is applicable."""
    if not name:
        return await applicable(session, currency=currency, segment=segment, entity=entity, on=on)
    if version is not None:
        return await pinned(session, name, version)
    return await latest(session, name, on)


async def seller(session: AsyncSession, row: PriceBookRow, entity: str) -> str:
    """What the book calls the legal entity of this id: of what it lists, one of its own or its real entity's names."""
    known_as = await _known_as(session, entity) if row.entities else []
    return next((name for name in known_as if name in row.entities), entity)


async def _known_as(session: AsyncSession, entity: str) -> list[str]:
    """The id and the name of the entity, and of the real one that it is a sandbox of."""
    row = await session.get(LegalEntityRow, entity)
    real = await session.get(LegalEntityRow, row.sandbox_of) if row and row.sandbox_of else None
    return [entity, *(name for each in (row, real) if each for name in (each.id, each.name))]
