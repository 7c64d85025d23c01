"""Policies are data: who must approve, and how an unpaid invoice is chased. Versions are immutable."""

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.base import Json, Recorded, Row, positive


class ApprovalPolicyRow(Row, table=True):
    __tablename__ = "approval_policies"
    __table_args__ = (UniqueConstraint("name", "version"), positive("version"))

    id: str = Field(primary_key=True)
    name: str
    version: int
    content: Json
    recorded_at: Recorded = None


class DunningPolicyRow(Row, table=True):
    __tablename__ = "dunning_policies"
    __table_args__ = (UniqueConstraint("name", "version"), positive("version"))

    id: str = Field(primary_key=True)
    name: str
    version: int
    content: Json
    recorded_at: Recorded = None


async def latest_approval(session: AsyncSession, name: str) -> ApprovalPolicyRow | None:
    """The highest version of the approval policy of this name."""
    table = ApprovalPolicyRow
    query = select(table).where(col(table.name) == name).order_by(col(table.version).desc()).limit(1)
    return (await session.exec(query)).first()


async def latest_dunning(session: AsyncSession, name: str) -> DunningPolicyRow | None:
    """The highest version of the dunning policy of this name."""
    table = DunningPolicyRow
    query = select(table).where(col(table.name) == name).order_by(col(table.version).desc()).limit(1)
    return (await session.exec(query)).first()
