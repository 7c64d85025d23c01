"""What goes out (events, mails) and what came in (facts), each written with its cause and delivered afterwards."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.base import Json, Recorded, Row, Serial, one_of
from models.leaving import GIVEN_UP, WAITING, Leaving, settled_once

INBOX_STATUSES = ("new", "signalled", "taken", "unexpected", "nothing_new")


class OutboxRow(Row, table=True):
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


class MailRow(Leaving, table=True):
    """`attachment` names what is rendered at sending: `invoice:<id>`, `order_form:<quote version id>` or nothing."""

    __tablename__ = "mails"
    __table_args__ = (
        *settled_once(),
        Index("mails_waiting_ix", "at", "key", postgresql_where=WAITING),
        Index("mails_refused_ix", "at", "key", postgresql_where=GIVEN_UP),
        Index("mails_deal_ix", "deal_id"),
    )

    key: str = Field(primary_key=True)
    deal_id: str | None = Field(default=None, foreign_key="deals.id")
    to_: str
    subject: str
    body: str
    attachment: str = ""
    recorded_at: Recorded = None


class InboxRow(Row, table=True):
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


async def undelivered(session: AsyncSession, limit: int = 100) -> Sequence[OutboxRow]:
    """Events that nobody has got yet, in the order in which they were written."""
    query = select(OutboxRow).where(col(OutboxRow.delivered_at).is_(None)).order_by(col(OutboxRow.id)).limit(limit)
    return (await session.exec(query)).all()


async def store(session: AsyncSession, row: InboxRow) -> bool:
    """Keep a fact under its provider's event id. False: it is there already, and stays as it is."""
    values = row.model_dump(exclude={"recorded_at"})
    statement = insert(InboxRow).values(values).on_conflict_do_nothing(index_elements=["provider", "event_id"])
    return (await session.execute(statement.returning(col(InboxRow.id)))).first() is not None


async def fact(session: AsyncSession, provider: str, event_id: str) -> InboxRow | None:
    """What is kept under the provider's event id."""
    query = select(InboxRow).where(col(InboxRow.provider) == provider, col(InboxRow.event_id) == event_id)
    return (await session.exec(query)).first()


async def facts_waiting(session: AsyncSession, limit: int = 100) -> Sequence[InboxRow]:
    """Facts that no deal has taken yet, the oldest first: new ones, and signalled ones whose signal may be lost."""
    query = select(InboxRow).where(col(InboxRow.status).in_(("new", "signalled")))
    return (await session.exec(query.order_by(col(InboxRow.received_at), col(InboxRow.id)).limit(limit))).all()
