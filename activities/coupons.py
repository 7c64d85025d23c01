"""Coupons of a draft: looked up and locked before it is priced, written down with the version, so that no limit is ever passed."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.coupon import Coupon, redeem
from domain.quote_draft import Draft
from domain.quote_version import QuoteOffers
from domain.state import Deal
from models import coupon as coupons
from models.coupon import CouponUseRow
from models.quote import QuoteVersionRow
from models.write import Update


async def for_pricing(session: AsyncSession, deal: Deal, draft: Draft) -> dict[str, Coupon]:
    """The coupons of a draft's offers that this deal may take, by code, each locked until the transaction ends.

    A code that nobody issued is not among them. Raises CouponUsedUp, CouponForFirstOrder.
    """
    codes = {code for _, each in draft.offers() for code in each.coupons}
    return await redeemable(session, deal, codes) if codes else {}


async def redeemable(session: AsyncSession, deal: Deal, codes: Iterable[str]) -> dict[str, Coupon]:
    """The same for given codes: also asked when a version that had given its coupons back comes to life again."""
    first_order = await coupons.is_first_order(session, deal.account_id, except_deal=deal.id)
    found = {}
    for row in await coupons.for_pricing(session, sorted(codes)):
        coupon = found[row.code] = Coupon.parse(row.content)
        redeem(
            coupon,
            uses=await coupons.uses(session, row.code, except_deal=deal.id),
            account_uses=await coupons.uses(session, row.code, except_deal=deal.id, account_id=deal.account_id),
            first_order=first_order,
        )
    return found


async def used(
    session: AsyncSession, offers: QuoteOffers, version: QuoteVersionRow
) -> tuple[list[SQLModel], list[Update]]:
    """The uses of a version's coupons: written where the deal uses one for the first time, else moved to this version."""
    codes = sorted({code for _, each in offers.offers for code in each.coupons})
    if not codes:
        return [], []
    known = {row.code for row in await coupons.of_deal(session, version.deal_id)}
    rows: list[SQLModel] = [
        CouponUseRow(code=code, deal_id=version.deal_id, version_id=version.id, at=version.created_at)
        for code in codes
        if code not in known
    ]
    moved = [
        Update(
            CouponUseRow,
            {"version_id": version.id, "at": version.created_at},
            {"code": code, "deal_id": version.deal_id},
        )
        for code in codes
        if code in known
    ]
    return rows, moved
