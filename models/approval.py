"""Approval requests: one per version, level and group, with who decided, when and why."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.base import Recorded, Row, one_of

STATUSES = ("asked", "approved", "rejected", "superseded", "withdrawn", "expired")


class ApprovalRequestRow(Row, table=True):
    __tablename__ = "approval_requests"
    __table_args__ = (
        UniqueConstraint("deal_id", "order_number", "version", "level", "group_name"),
        one_of("status", STATUSES),
        CheckConstraint(
            "status NOT IN ('approved', 'rejected') OR (decided_by <> '' AND decided_at IS NOT NULL)",
            name="a_decision_has_a_person",
        ),
        Index("approval_requests_waiting_ix", "group_name", "asked_at", postgresql_where="status = 'asked'"),
    )

    id: str = Field(primary_key=True)
    deal_id: str = Field(foreign_key="deals.id")
    order_number: int
    version: int
    level: int
    group_name: str
    reason: str
    asked_at: datetime
    remind_at: datetime | None = None
    escalate_at: datetime | None = None
    status: str = "asked"
    decided_by: str = ""
    decided_at: datetime | None = None
    comment: str = ""
    escalated_to: str = ""
    recorded_at: Recorded = None


async def waiting(session: AsyncSession, groups: Sequence[str]) -> Sequence[ApprovalRequestRow]:
    """What waits for these groups, asked of them or escalated to them; the longest waiting first."""
    table = ApprovalRequestRow
    query = (
        select(table)
        .where(col(table.status) == "asked", col(table.group_name).in_(groups) | col(table.escalated_to).in_(groups))
        .order_by(col(table.asked_at), col(table.id))
    )
    return (await session.exec(query)).all()


async def of_deal(session: AsyncSession, deal_id: str) -> Sequence[ApprovalRequestRow]:
    """Every request of the deal, in the order of orders, versions and levels."""
    table = ApprovalRequestRow
    order = (col(table.order_number), col(table.version), col(table.level), col(table.group_name))
    return (await session.exec(select(table).where(col(table.deal_id) == deal_id).order_by(*order))).all()
