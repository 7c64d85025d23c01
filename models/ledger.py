"""The ledger: balanced journal entries that nobody can change, in the books of the deal's own legal entity."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import BigInteger, Index, cast, func
from sqlmodel import Field, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.base import Recorded, Row, currency_code, together


class JournalEntryRow(Row, table=True):
    """At the commit it must have at least two lines that sum to zero (deferred trigger). Immutable."""

    __tablename__ = "journal_entries"
    __table_args__ = (
        together("deals", {"deal_id": "id", "entity_id": "entity_id"}),
        currency_code(),
        Index("journal_entries_entity_ix", "entity_id", "on_date", "id"),
        Index("journal_entries_deal_ix", "deal_id"),
        Index("journal_entries_source_ix", "source_kind", "source_id"),
    )

    id: str = Field(primary_key=True)
    entity_id: str = Field(foreign_key="legal_entities.id")
    deal_id: str | None = None
    on_date: date
    kind: str
    source_kind: str
    source_id: str
    key: str = Field(unique=True)
    currency: str
    recorded_at: Recorded = None


class JournalLineRow(Row, table=True):
    """`amount_minor` is signed: debit positive, credit negative. Immutable."""

    __tablename__ = "journal_lines"
    __table_args__ = (Index("journal_lines_account_ix", "account"),)

    entry_id: str = Field(primary_key=True, foreign_key="journal_entries.id")
    line_no: int = Field(primary_key=True)
    account: str
    amount_minor: int
    memo: str = ""
    recorded_at: Recorded = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """One account in one currency, in minor units. `balance_minor` = debit - credit; both sides are positive."""

    account: str
    currency: str
    debit_minor: int
    credit_minor: int
    balance_minor: int


async def trial_balance(session: AsyncSession, entity_id: str, on: date | None = None) -> list[Balance]:
    """Every account of the entity's books up to and including `on` (None: all), by account and currency.

    The balances of one currency sum to zero.
    """
    amount = col(JournalLineRow.amount_minor)
    key = (col(JournalLineRow.account), col(JournalEntryRow.currency))
    query = (
        select(
            *key,
            cast(func.coalesce(func.sum(amount).filter(amount > 0), 0), BigInteger),
            cast(func.coalesce(-func.sum(amount).filter(amount < 0), 0), BigInteger),
        )
        .join(JournalEntryRow, col(JournalEntryRow.id) == col(JournalLineRow.entry_id))
        .where(col(JournalEntryRow.entity_id) == entity_id)
        .group_by(*key)
        .order_by(*key)
    )
    if on is not None:
        query = query.where(col(JournalEntryRow.on_date) <= on)
    return [
        Balance(
            account=account, currency=currency, debit_minor=debit, credit_minor=credit, balance_minor=debit - credit
        )
        for account, currency, debit, credit in (await session.exec(query)).all()
    ]


async def entries_of_deal(session: AsyncSession, deal_id: str) -> list[tuple[JournalEntryRow, list[JournalLineRow]]]:
    """The deal's entries with their lines, in the order in which they were posted."""
    query = select(JournalEntryRow).where(col(JournalEntryRow.deal_id) == deal_id)
    entries = (await session.exec(query.order_by(col(JournalEntryRow.on_date), col(JournalEntryRow.id)))).all()
    lines = await _lines(session, [entry.id for entry in entries])
    return [(entry, [line for line in lines if line.entry_id == entry.id]) for entry in entries]


async def _lines(session: AsyncSession, entry_ids: Sequence[str]) -> Sequence[JournalLineRow]:
    query = select(JournalLineRow).where(col(JournalLineRow.entry_id).in_(entry_ids))
    return (await session.exec(query.order_by(col(JournalLineRow.entry_id), col(JournalLineRow.line_no)))).all()
