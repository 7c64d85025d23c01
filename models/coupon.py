"""Coupons as they were issued, and which deal used which: limits hold over all that are still alive."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Field, col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.base import Json, Recorded, Row
from models.contract import ContractRow
from models.deal import DealRow
from models.quote import QuoteVersionRow

DEAD = ("refused", "rejected", "declined", "expired", "withdrawn", "superseded")
"""Statuses of a version that gives its coupons back."""


class CouponRow(Row, table=True):
    """What `domain/coupon.py` reads is the content. Immutable: another discount is another code."""

    __tablename__ = "coupons"

    code: str = Field(primary_key=True)
    content: Json
    content_hash: str
    created_at: datetime
    recorded_at: Recorded = None


class CouponUseRow(Row, table=True):
    """The version of the deal that used the coupon last; written and moved on by the step that prices."""

    __tablename__ = "coupon_uses"

    code: str = Field(primary_key=True, foreign_key="coupons.code")
    deal_id: str = Field(primary_key=True, foreign_key="deals.id")
    version_id: str = Field(foreign_key="quote_versions.id", index=True)
    at: datetime
    recorded_at: Recorded = None


async def for_pricing(session: AsyncSession, codes: Sequence[str]) -> Sequence[CouponRow]:
    """The coupons of these codes, by code, each locked until the transaction ends: two deals that price with the last
    use of a coupon at the same time come one after the other. A code that nobody issued is not among them.
    """
    query = select(CouponRow).where(col(CouponRow.code).in_(codes)).order_by(col(CouponRow.code))
    return (await session.exec(query.with_for_update())).all()


async def uses(session: AsyncSession, code: str, except_deal: str = "", account_id: str | None = None) -> int:
    """How many deals, of one account or of all, use the coupon in a version that is alive, not counting `except_deal`.

    A sandbox counts for itself alone: for one of its deals only its own count, for a real one (or none) only real ones.
    """
    asking = select(DealRow.virtual, DealRow.entity_id).where(col(DealRow.id) == except_deal)
    virtual, entity_id = (await session.exec(asking)).first() or (False, "")
    query = _alive(select(func.count()).select_from(CouponUseRow)).where(
        col(CouponUseRow.code) == code,
        col(CouponUseRow.deal_id) != except_deal,
        col(DealRow.entity_id) == entity_id if virtual else col(DealRow.virtual).is_(False),
    )
    if account_id is not None:
        query = query.where(col(DealRow.account_id) == account_id)
    return (await session.exec(query)).one()


async def is_first_order(session: AsyncSession, account_id: str, except_deal: str = "") -> bool:
    """Whether the account has no contract, but that of `except_deal`."""
    query = select(func.count()).where(
        col(ContractRow.account_id) == account_id, col(ContractRow.deal_id) != except_deal
    )
    return (await session.exec(query)).one() == 0


async def of_deal(session: AsyncSession, deal_id: str) -> Sequence[CouponUseRow]:
    """Every coupon that the deal ever used, by code: a use that is there is moved on, not written again."""
    query = select(CouponUseRow).where(col(CouponUseRow.deal_id) == deal_id).order_by(col(CouponUseRow.code))
    return (await session.exec(query)).all()


async def page(session: AsyncSession, *, limit: int, after: str = "") -> Sequence[tuple[CouponRow, int]]:
    """At most `limit` coupons by code, from behind `after` on, each with how many real deals use it in a version that is alive."""
    of_code = _alive(select(func.count()).select_from(CouponUseRow)).where(
        col(CouponUseRow.code) == col(CouponRow.code), col(DealRow.virtual).is_(False)
    )
    alive = of_code.correlate(CouponRow).scalar_subquery()
    query = select(CouponRow, alive).where(col(CouponRow.code) > after).order_by(col(CouponRow.code)).limit(limit)
    return (await session.exec(query)).all()


def _alive(query: SelectOfScalar[int]) -> SelectOfScalar[int]:
    """Of coupon uses: only those of versions that are alive, joined with their deals."""
    return (
        query.join(QuoteVersionRow, col(QuoteVersionRow.id) == col(CouponUseRow.version_id))
        .join(DealRow, col(DealRow.id) == col(CouponUseRow.deal_id))
        .where(col(QuoteVersionRow.status).not_in(DEAD))
    )
