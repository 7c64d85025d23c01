"""Envelopes sent to the signature provider, and the documents whose bytes are what is hashed, signed and sent."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint
from sqlmodel import Field

from models.base import Recorded, Row, one_of

STATUSES = ("sent", "signed", "declined", "expired", "voided")


class EnvelopeRow(Row, table=True):
    """`id` is the provider's; `document_sha256` is what must come back."""

    __tablename__ = "envelopes"
    __table_args__ = (one_of("status", STATUSES),)

    id: str = Field(primary_key=True)
    deal_id: str = Field(foreign_key="deals.id", index=True)
    order_number: int
    version: int
    document_sha256: str
    status: str = "sent"
    sent_at: datetime
    closed_at: datetime | None = None
    recorded_at: Recorded = None


class DocumentRow(Row, table=True):
    """Immutable; the database itself checks that `sha256` is the hash of `bytes`."""

    __tablename__ = "documents"
    __table_args__ = (CheckConstraint("sha256 = encode(sha256(bytes), 'hex')", name="sha256"),)

    id: str = Field(primary_key=True)
    deal_id: str = Field(foreign_key="deals.id", index=True)
    kind: str
    sha256: str
    bytes: bytes
    created_on: date
    recorded_at: Recorded = None
