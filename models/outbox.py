"""What goes out (events, mails) and what came in (facts), each written with its cause and delivered afterwards."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.base import Json, Recorded, Serial, one_of

INBOX_STATUSES = ("new", "signalled", "taken", "unexpected", "nothing_new")


class OutboxRow(SQLModel, table=True):
    """An event for others, written in the transaction of what it tells."""

    __tablename__ = "outbox"
    __table_args__ = (Index("outbox_waiting_ix", "id", postgresql_where="delivered_at IS NULL"),)

    id: Serial = None
    key: str = Field(unique=True)
    topic: str
    deal_id: str | None = Field(default=None, foreign_key="deals.id", index=True)
    at: datetime
    payload: Json
    delivered_at: datetime | None = None
    recorded_at: Recorded = None


class MailRow(SQLModel, table=True):
    """`attachment` names what is rendered at sending: `invoice:<id>`, `order_form:<quote version id>` or nothing."""

    __tablename__ = "mails"
    __table_args__ = (
        Index("mails_waiting_ix", "at", "key", postgresql_where="sent_at IS NULL"),
        Index("mails_deal_ix", "deal_id"),
    )

    key: str = Field(primary_key=True)
    deal_id: str | None = Field(default=None, foreign_key="deals.id")
    to_: str
    subject: str
    body: str
    attachment: str = ""
    at: datetime
    sent_at: datetime | None = None
    error: str = ""
    recorded_at: Recorded = None


class InboxRow(SQLModel, table=True):
    """A fact from outside, stored under the provider's own event id before it is answered with 2xx.

    `deal_id` has no foreign key: what comes from outside may name a deal that we do not know.
    """

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("provider", "event_id"),
        one_of("status", INBOX_STATUSES),
        Index("inbox_waiting_ix", "received_at", "id", postgresql_where="status IN ('new', 'signalled')"),
        Index("inbox_deal_ix", "deal_id"),
    )

    id: str = Field(primary_key=True)
    provider: str
    event_id: str
    deal_id: str | None = None
    kind: str
    payload: Json
    received_at: datetime
    status: str = "new"
    taken_turn: int | None = None
    recorded_at: Recorded = None
