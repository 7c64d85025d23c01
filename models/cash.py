"""Cash: what the bank says came in, and which receipt pays which invoice."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field

from models.base import Recorded, Row, currency_code, positive, together


class BankStatementRow(Row, table=True):
    __tablename__ = "bank_statements"
    __table_args__ = (UniqueConstraint("id", "entity_id"),)

    id: str = Field(primary_key=True)
    entity_id: str = Field(foreign_key="legal_entities.id", index=True)
    received_at: datetime
    recorded_at: Recorded = None


class BankLineRow(Row, table=True):
    """One booked credit; matched or not, never more applied than came."""

    __tablename__ = "bank_lines"
    __table_args__ = (
        together("bank_statements", {"statement_id": "id", "entity_id": "entity_id"}),
        together("invoices", {"matched_invoice_id": "id", "entity_id": "entity_id"}),
        together("deals", {"matched_deal_id": "id", "entity_id": "entity_id"}),
        currency_code(),
        positive("amount_minor"),
        CheckConstraint("applied_minor BETWEEN 0 AND amount_minor", name="applied"),
        Index("bank_lines_entity_ix", "entity_id", "booked_on", "id"),
        Index("bank_lines_statement_ix", "statement_id"),
    )

    id: str = Field(primary_key=True)
    statement_id: str
    entity_id: str
    booked_on: date
    amount_minor: int
    currency: str
    payer: str = ""
    reference: str = ""
    matched_invoice_id: str | None = None
    matched_deal_id: str | None = None
    applied_minor: int = 0
    recorded_at: Recorded = None


class CashApplicationRow(Row, table=True):
    """So much of a receipt pays so much of an invoice: same entity, same currency, no more than came (trigger)."""

    __tablename__ = "cash_applications"
    __table_args__ = (positive("amount_minor"),)

    id: str = Field(primary_key=True)
    receipt_id: str = Field(foreign_key="receipts.id", index=True)
    invoice_id: str = Field(foreign_key="invoices.id", index=True)
    amount_minor: int
    applied_on: date
    recorded_at: Recorded = None
