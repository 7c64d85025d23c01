"""Who may come in: API keys (only their SHA-256 is kept) and the people behind them."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg
from sqlalchemy import ARRAY, CheckConstraint, Index, Text, cast
from sqlmodel import Field, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.account import LANGUAGES
from models.base import Recorded, Row, Texts, one_of
from models.database import Database

ROLES = ("sales", "deal_desk", "finance", "ops", "admin")


class ApiKeyRow(Row, table=True):
    __tablename__ = "api_keys"
    __table_args__ = (one_of("role", ROLES),)

    id: str = Field(primary_key=True)
    key_hash: str = Field(unique=True)
    prefix: str
    person: str
    role: str
    groups: Texts
    created_at: datetime
    revoked_at: datetime | None = None
    recorded_at: Recorded = None


class PersonRow(Row, table=True):
    """`email` is in lower case, so that one person is one row. `manager` is an email: where an approval escalates to. `slack`: where they read notices (`@name`: alone); '' nowhere.

    `left_at`: from then on nobody decides by that name. `language` and `zone` are those of what they are told.
    """

    __tablename__ = "people"
    __table_args__ = (
        one_of("language", LANGUAGES),
        CheckConstraint("email = lower(email)", name="one_person_one_row"),
        Index("people_groups_ix", "groups", postgresql_using="gin"),
    )

    email: str = Field(primary_key=True)
    name: str
    groups: Texts
    manager: str | None = None
    country: str = ""
    left_at: datetime | None = None
    language: str = "en"
    zone: str = "UTC"
    slack: str = ""
    recorded_at: Recorded = None


_BY_HASH = "SELECT id, person, role, groups FROM api_keys WHERE key_hash = $1 AND revoked_at IS NULL"


async def by_key_hash(database: Database, key_hash: str) -> asyncpg.Record | None:
    """Id, person, role and groups of the key with this SHA-256 (hex), unless it was revoked."""
    return await database.row(_BY_HASH, key_hash)


async def members(session: AsyncSession, groups: Sequence[str]) -> Sequence[PersonRow]:
    """Everybody who is in at least one of the groups, by email."""
    asked = cast(list(groups), ARRAY(Text))
    query = select(PersonRow).where(col(PersonRow.groups).op("&&")(asked)).order_by(col(PersonRow.email))
    return (await session.exec(query)).all()
