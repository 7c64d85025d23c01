"""Share links by which a customer sees a quote version, who looked at them, and what was asked and answered there."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import CheckConstraint, func
from sqlmodel import Field, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.base import Recorded, Row, Serial, together


class ShareLinkRow(Row, table=True):
    """Its token is never stored, it is signed anew from the id. Only its revocation may be added, once (triggers)."""

    __tablename__ = "share_links"
    __table_args__ = (
        together("quote_versions", {"version_id": "id", "deal_id": "deal_id"}),
        CheckConstraint("created_at < expires_at", name="validity"),
        CheckConstraint("(revoked_at IS NULL) = (revoked_by = '')", name="a_revocation_has_a_person"),
    )

    id: str = Field(primary_key=True)
    deal_id: str = Field(foreign_key="deals.id", index=True)
    version_id: str = Field(index=True)
    content_hash: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    revoked_by: str = ""
    recorded_at: Recorded = None


class ShareViewRow(Row, table=True):
    """One look at a shared quote; `ip_hash` tells lookers apart, not who they are. Immutable."""

    __tablename__ = "share_views"

    id: Serial = None
    share_id: str = Field(foreign_key="share_links.id", index=True)
    at: datetime
    agent: str = ""
    ip_hash: str = ""
    recorded_at: Recorded = None


class QuoteQuestionRow(Row, table=True):
    """A question about a version, asked by the customer on a share link (or on the phone: then without one).

    `recorded_turn` is the deal's turn that took it into the timeline. The answer is given once (triggers).
    """

    __tablename__ = "quote_questions"
    __table_args__ = (
        together("quote_versions", {"version_id": "id", "deal_id": "deal_id"}),
        CheckConstraint(
            "(reply IS NULL) = (replied_at IS NULL) AND (reply IS NULL) = (replied_by = '')",
            name="an_answer_has_a_person",
        ),
    )

    id: str = Field(primary_key=True)
    share_id: str | None = Field(default=None, foreign_key="share_links.id")
    deal_id: str = Field(foreign_key="deals.id", index=True)
    version_id: str
    text: str
    by: str
    at: datetime
    reply: str | None = None
    replied_by: str = ""
    replied_at: datetime | None = None
    recorded_turn: int | None = None
    recorded_at: Recorded = None


async def links(session: AsyncSession, version_id: str) -> Sequence[ShareLinkRow]:
    """Every link to the version, in the order in which they were made."""
    table = ShareLinkRow
    query = select(table).where(col(table.version_id) == version_id).order_by(col(table.created_at), col(table.id))
    return (await session.exec(query)).all()


async def links_of_deal(session: AsyncSession, deal_id: str) -> Sequence[ShareLinkRow]:
    """Every link to any version of the deal, in the order in which they were made."""
    table = ShareLinkRow
    query = select(table).where(col(table.deal_id) == deal_id).order_by(col(table.created_at), col(table.id))
    return (await session.exec(query)).all()


async def views(session: AsyncSession, share_id: str) -> Sequence[ShareViewRow]:
    """Who looked, in the order in which it was recorded."""
    query = select(ShareViewRow).where(col(ShareViewRow.share_id) == share_id).order_by(col(ShareViewRow.id))
    return (await session.exec(query)).all()


async def view_counts(session: AsyncSession, deal_id: str) -> dict[str, tuple[int, datetime]]:
    """By link of the deal that was looked at: how often, and when last."""
    query = (
        select(ShareViewRow.share_id, func.count(), func.max(col(ShareViewRow.at)))
        .join(ShareLinkRow, col(ShareLinkRow.id) == col(ShareViewRow.share_id))
        .where(col(ShareLinkRow.deal_id) == deal_id)
        .group_by(col(ShareViewRow.share_id))
    )
    return {share_id: (count, last) for share_id, count, last in (await session.exec(query)).all()}


async def questions(session: AsyncSession, deal_id: str) -> Sequence[QuoteQuestionRow]:
    """What was asked about the deal's versions, in the order in which it was asked."""
    table = QuoteQuestionRow
    query = select(table).where(col(table.deal_id) == deal_id).order_by(col(table.at), col(table.id))
    return (await session.exec(query)).all()
