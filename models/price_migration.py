"""Price migrations: contracts of one price book version moved to another by name, with what each deal pays before and after."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import CheckConstraint, Index, func
from sqlalchemy.orm import aliased
from sqlmodel import Field, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.calendar import local_date
from domain.price_migration import Running
from models.base import Json, Recorded, Row, not_negative, one_of
from models.contract import ContractRow, ContractTermRow
from models.coupon import CouponRow, CouponUseRow
from models.price_book import PriceBookRow
from models.quote import QuoteDraftRow, QuoteVersionRow

EFFECTIVE = ("next_period",)
STATUSES = ("pending", "done", "skipped", "failed")


class PriceMigrationRow(Row, table=True):
    """`content` is what was asked for; only `finished_at` may be added, once (triggers)."""

    __tablename__ = "price_migrations"
    __table_args__ = (
        one_of("effective", EFFECTIVE),
        CheckConstraint("from_book_id <> to_book_id", name="another_book"),
    )

    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    from_book_id: str = Field(foreign_key="price_books.id")
    to_book_id: str = Field(foreign_key="price_books.id")
    effective: str = "next_period"
    content: Json
    created_by: str
    created_at: datetime
    finished_at: datetime | None = None
    recorded_at: Recorded = None


class PriceMigrationDealRow(Row, table=True):
    """One deal to be moved. `*_minor` are net amounts of one full period, `rest_*` of all periods that are not billed yet
    up to the end of the running term: as previewed while pending, as moved when done.

    pending → done (the deal's own step REPRICE says so), skipped (nothing left to move, see `error`) or failed (its
    prices cannot be made from the new book, see `error`); a failed one may be tried again, what is done stays so.
    """

    __tablename__ = "price_migration_deals"
    __table_args__ = (
        one_of("status", STATUSES),
        not_negative("before_minor", "after_minor", "rest_before_minor", "rest_after_minor"),
        Index("price_migration_deals_pending_ix", "migration_id", "deal_id", postgresql_where="status = 'pending'"),
    )

    migration_id: str = Field(primary_key=True, foreign_key="price_migrations.id")
    deal_id: str = Field(primary_key=True, foreign_key="deals.id", index=True)
    status: str = "pending"
    before_minor: int
    after_minor: int
    rest_before_minor: int = 0
    rest_after_minor: int = 0
    error: str = ""
    at: datetime | None = None
    recorded_at: Recorded = None


async def named(session: AsyncSession, name: str) -> PriceMigrationRow | None:
    """The migration of this name."""
    return (await session.exec(select(PriceMigrationRow).where(col(PriceMigrationRow.name) == name))).first()


async def deals(session: AsyncSession, migration_id: str) -> Sequence[PriceMigrationDealRow]:
    """Every deal of the migration, by id."""
    table = PriceMigrationDealRow
    return (
        await session.exec(select(table).where(col(table.migration_id) == migration_id).order_by(col(table.deal_id)))
    ).all()


async def pending(session: AsyncSession, migration_id: str, limit: int) -> Sequence[PriceMigrationDealRow]:
    """At most `limit` deals that are still to be moved, by id."""
    table = PriceMigrationDealRow
    query = select(table).where(col(table.migration_id) == migration_id, col(table.status) == "pending")
    return (await session.exec(query.order_by(col(table.deal_id)).limit(limit))).all()


async def counts(session: AsyncSession, migration_id: str) -> dict[str, int]:
    """How many of its deals have each status; a status without deals is left out."""
    table = PriceMigrationDealRow
    query = select(table.status, func.count()).where(col(table.migration_id) == migration_id).group_by(table.status)
    return dict((await session.exec(query)).all())


async def running(session: AsyncSession, contract_id: str, term: int, zone: str) -> Running | None:
    """What a term of the contract was priced from: its version (a migration points the term to the one it wrote), and the
    draft of its own order or, where that is a renewal's without one, of the last order before it that had one. `zone` is
    the deal's: its day of pricing is local. None: there is no such term.
    """
    version = await running_version(session, contract_id, term)
    if version is None:
        return None
    terms, versions = ContractTermRow, QuoteVersionRow
    asked = (
        select(versions, QuoteDraftRow, PriceBookRow)
        .join(terms, col(terms.order_number) == col(versions.order_number))
        .join(QuoteDraftRow, col(QuoteDraftRow.id) == col(versions.draft_id))
        .join(PriceBookRow, col(PriceBookRow.id) == col(versions.price_book_id))
        .where(col(terms.contract_id) == contract_id, col(terms.term) <= term, col(versions.deal_id) == version.deal_id)
        .order_by(col(terms.term).desc(), col(versions.version).desc())
        .limit(1)
    )
    found = (await session.exec(asked)).first()
    if found is None:
        return None
    origin, draft, book = found
    taken = select(CouponRow).join(CouponUseRow, col(CouponUseRow.code) == col(CouponRow.code))
    coupons = (await session.exec(taken.where(col(CouponUseRow.deal_id) == version.deal_id))).all()
    return Running(
        content=version.content,
        alternative=version.alternative,
        draft=draft.content,
        book=book.content,
        coupons={row.code: row.content for row in coupons},
        chosen=origin.alternative,
        priced_on=local_date(origin.created_at, zone),
        renewed=origin.order_number != version.order_number,
    )


async def running_version(session: AsyncSession, contract_id: str, term: int) -> QuoteVersionRow | None:
    """The quote version that a term of the contract bills."""
    row = await session.get(ContractTermRow, (contract_id, term))
    return await session.get(QuoteVersionRow, row.quote_version_id) if row else None


async def contracts_on(
    session: AsyncSession, book_id: str, *, entity: str | None = None, accounts: Sequence[str] = ()
) -> Sequence[ContractRow]:
    """Contracts in service whose last term bills a version of this price book, by deal; all of them, or those of one
    entity, or of these accounts.
    """
    each = aliased(ContractTermRow)
    last = select(func.max(col(each.term))).where(col(each.contract_id) == col(ContractRow.id))
    query = (
        select(ContractRow)
        .join(ContractTermRow, col(ContractTermRow.contract_id) == col(ContractRow.id))
        .join(QuoteVersionRow, col(QuoteVersionRow.id) == col(ContractTermRow.quote_version_id))
        .where(
            col(QuoteVersionRow.price_book_id) == book_id,
            col(ContractRow.stage).in_(("active", "suspended")),
            col(ContractTermRow.term) == last.scalar_subquery(),
        )
        .order_by(col(ContractRow.deal_id))
    )
    if entity is not None:
        query = query.where(col(ContractRow.entity_id) == entity)
    if accounts:
        query = query.where(col(ContractRow.account_id).in_(accounts))
    return (await session.exec(query)).all()
