"""Quotes: drafts as the API stored them, and the priced versions made of them, immutable but for their status."""
# ruff: noqa: RUF012 (a column's default is a value, never changed in place)

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.account import METHODS
from models.base import Json, OptionalJson, Recorded, Row, Share, currency_code, not_negative, one_of, positive

STATUSES = (
    "draft",
    "priced",
    "refused",
    "in_approval",
    "approved",
    "presented",
    "accepted",
    "out_for_signature",
    "noticed",
    "signed",
    "booked",
    "provisioning",
    "done",
    "rejected",
    "changes_asked",
    "declined",
    "expired",
    "withdrawn",
    "superseded",
)


KINDS = ("quote", "renewal", "migration")


class QuoteDraftRow(Row, table=True):
    """What a person asked for, before pricing. Written by the API, possibly before its deal's row exists (`opens`)."""

    __tablename__ = "quote_drafts"

    id: str = Field(primary_key=True)
    deal_id: str = Field(index=True)
    content: Json
    content_hash: str
    by: str
    created_at: datetime
    opens: OptionalJson = None
    delivered_at: datetime | None = None
    recorded_at: Recorded = None


class QuoteVersionRow(Row, table=True):
    """One priced version of one order of the deal. After the insert only `status` may change, and `alternative`, once:
    from '' to the name of the offer that the customer chose (triggers).

    `total_minor` is the TCV, `acv_minor` the yearly value, `list_minor` the TCV before discounts, all net of tax.
    """

    __tablename__ = "quote_versions"
    __table_args__ = (
        UniqueConstraint("deal_id", "order_number", "version"),
        UniqueConstraint("id", "deal_id"),
        one_of("status", STATUSES),
        one_of("kind", KINDS),
        one_of("method", METHODS),
        currency_code(),
        not_negative("total_minor", "acv_minor", "list_minor", "net_days", "notice_days"),
        positive("term_months"),
        positive("interval_months"),
        CheckConstraint("discount_bps BETWEEN 0 AND 10000", name="discount"),
    )

    id: str = Field(primary_key=True)
    deal_id: str = Field(foreign_key="deals.id")
    order_number: int
    version: int
    status: str
    draft_id: str | None = Field(default=None, foreign_key="quote_drafts.id")
    price_book_id: str = Field(foreign_key="price_books.id")
    currency: str
    term_months: int
    interval_months: int
    starts: str  # 'provisioning', 'signature' or an ISO date
    net_days: int
    method: str
    auto_renew: bool
    notice_days: int
    uplift: Share = Decimal(0)
    total_minor: int
    acv_minor: int
    list_minor: int
    discount_bps: int = 0
    expires_at: datetime
    content: Json
    content_hash: str
    created_at: datetime
    alternative: str = ""
    kind: str = "quote"
    sheet: Json = {}  # all its facts, as text: what whoever decides has before them
    recorded_at: Recorded = None


async def versions(session: AsyncSession, deal_id: str) -> Sequence[QuoteVersionRow]:
    """Every version of every order of the deal, in the order in which they were made."""
    made = (col(QuoteVersionRow.order_number), col(QuoteVersionRow.version))
    return (
        await session.exec(select(QuoteVersionRow).where(col(QuoteVersionRow.deal_id) == deal_id).order_by(*made))
    ).all()


async def version(session: AsyncSession, deal_id: str, order_number: int, number: int) -> QuoteVersionRow | None:
    """Version `number` of one order of the deal."""
    query = select(QuoteVersionRow).where(
        col(QuoteVersionRow.deal_id) == deal_id,
        col(QuoteVersionRow.order_number) == order_number,
        col(QuoteVersionRow.version) == number,
    )
    return (await session.exec(query)).first()
