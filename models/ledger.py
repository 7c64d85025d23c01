"""The ledger: balanced journal entries that nobody can change, in the books of the deal's own legal entity."""

from datetime import date

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.base import Recorded, currency_code, together


class JournalEntryRow(SQLModel, table=True):
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


class JournalLineRow(SQLModel, table=True):
    """`amount_minor` is signed: debit positive, credit negative. Immutable."""

    __tablename__ = "journal_lines"
    __table_args__ = (Index("journal_lines_account_ix", "account"),)

    entry_id: str = Field(primary_key=True, foreign_key="journal_entries.id")
    line_no: int = Field(primary_key=True)
    account: str
    amount_minor: int
    memo: str = ""
    recorded_at: Recorded = None
