"""Number series: gapless per legal entity and name, because the last number is one locked row."""

from sqlalchemy import BigInteger, text
from sqlmodel import Field
from sqlmodel.ext.asyncio.session import AsyncSession

from models.base import Recorded, Row, not_negative


class SeriesRow(Row, table=True):
    __tablename__ = "series"
    __table_args__ = (not_negative("last"),)

    entity_id: str = Field(primary_key=True, foreign_key="legal_entities.id")
    name: str = Field(primary_key=True)
    last: int = Field(sa_type=BigInteger)
    recorded_at: Recorded = None


_TAKE = text(
    "INSERT INTO series AS s (entity_id, name, last) VALUES (:entity_id, :name, 1) "
    "ON CONFLICT (entity_id, name) DO UPDATE SET last = s.last + 1 RETURNING last"
)


async def take(session: AsyncSession, entity_id: str, name: str) -> int:
    """The next number of the series, from 1 on. It locks the series until the commit: take it last, just before
    the write that uses it; a rollback gives the number back.
    """
    return int((await session.execute(_TAKE, {"entity_id": entity_id, "name": name})).scalar_one())
