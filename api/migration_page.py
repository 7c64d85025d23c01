"""A price migration as it is shown: what it changes in money, in all, per account and per deal, and how far it is."""

from collections.abc import Sequence
from typing import Any

from pydantic import Field
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.amount import AmountOut, amount
from api.errors import missing
from api.schema import At, Out
from models import price_migration as migrations
from models.account import AccountRow
from models.database import Database
from models.deal import DealRow
from models.price_book import PriceBookRow
from models.price_migration import PriceMigrationDealRow, PriceMigrationRow


class Money(Out):
    """Net amounts of the next unbilled period of each contract, and of all periods left of its running term."""

    before: AmountOut
    after: AmountOut
    difference: AmountOut
    rest_before: AmountOut
    rest_after: AmountOut
    rest_difference: AmountOut


class AccountMoveOut(Money):
    account_id: str
    account: str
    deals: int


class DealMoveOut(Money):
    deal_id: str
    deal: str
    account_id: str
    account: str
    status: str = Field(examples=["pending"], description="pending, done, skipped or failed")
    error: str
    at: At | None


class MigrationOut(Out):
    id: str
    name: str
    from_book: str = Field(examples=["acme-2026@1"])
    to_book: str = Field(examples=["acme-2026@2"])
    effective: str
    created_by: str
    created_at: At
    finished_at: At | None


class MigrationFullOut(MigrationOut):
    """As previewed for deals that are pending, as moved for those that are done; skipped and failed ones count as they are."""

    counts: dict[str, int] = Field(examples=[{"pending": 3}])
    remaining: int
    whole: Money
    accounts: list[AccountMoveOut]
    deals: list[DealMoveOut]


async def migration_row(database: Database, migration_id: str) -> PriceMigrationRow:
    """The migration. Raises a 404 refusal."""
    async with database.session() as session:
        row = await session.get(PriceMigrationRow, migration_id)
    if row is None:
        raise missing("price migration", migration_id)
    return row


async def shown(database: Database, migration_id: str) -> MigrationFullOut:
    """The whole migration. Raises a 404 refusal."""
    row = await migration_row(database, migration_id)
    moved = (
        select(PriceMigrationDealRow, DealRow, AccountRow)
        .join(DealRow, col(DealRow.id) == col(PriceMigrationDealRow.deal_id))
        .join(AccountRow, col(AccountRow.id) == col(DealRow.account_id))
        .where(col(PriceMigrationDealRow.migration_id) == migration_id)
        .order_by(col(AccountRow.name), col(PriceMigrationDealRow.deal_id))
    )
    async with database.session() as session:
        moves = (await session.exec(moved)).all()
        counts = await migrations.counts(session, migration_id)
        books = await books_of(session, [row])
    currency = books[row.from_book_id].currency
    by_account: dict[str, list[PriceMigrationDealRow]] = {}
    for move, _, account in moves:
        by_account.setdefault(account.id, []).append(move)
    names = {account.id: account.name for _, _, account in moves}
    return MigrationFullOut(
        **head(row, books),
        counts=counts,
        remaining=counts.get("pending", 0),
        whole=Money(**_money([move for move, _, _ in moves], currency)),
        accounts=[
            AccountMoveOut(**_money(own, currency), account_id=id_, account=names[id_], deals=len(own))
            for id_, own in by_account.items()
        ],
        deals=[
            DealMoveOut(
                **_money([move], currency),
                deal_id=deal.id,
                deal=deal.name,
                account_id=account.id,
                account=account.name,
                status=move.status,
                error=move.error,
                at=move.at,
            )
            for move, deal, account in moves
        ],
    )


async def books_of(session: AsyncSession, rows: Sequence[PriceMigrationRow]) -> dict[str, PriceBookRow]:
    """The price books of these migrations, by id."""
    ids = {id_ for row in rows for id_ in (row.from_book_id, row.to_book_id)}
    found = (await session.exec(select(PriceBookRow).where(col(PriceBookRow.id).in_(ids)))).all()
    return {book.id: book for book in found}


def head(row: PriceMigrationRow, books: dict[str, PriceBookRow]) -> dict[str, Any]:
    """What a list shows of a migration."""
    names = {id_: f"{book.name}@{book.version}" for id_, book in books.items()}
    return {
        **row.model_dump(include={"id", "name", "effective", "created_by", "created_at", "finished_at"}),
        "from_book": names[row.from_book_id],
        "to_book": names[row.to_book_id],
    }


def _money(moves: Sequence[PriceMigrationDealRow], currency: str) -> dict[str, AmountOut]:
    before, after = sum(move.before_minor for move in moves), sum(move.after_minor for move in moves)
    rest_before, rest_after = sum(m.rest_before_minor for m in moves), sum(m.rest_after_minor for m in moves)
    return {
        "before": amount(before, currency),
        "after": amount(after, currency),
        "difference": amount(after - before, currency),
        "rest_before": amount(rest_before, currency),
        "rest_after": amount(rest_after, currency),
        "rest_difference": amount(rest_after - rest_before, currency),
    }
