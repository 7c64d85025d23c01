"""A fact from outside is stored under its provider's id before it is answered; telling its deal follows, and may be repeated."""

from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.door import Door
from api.store import insert_once, sql
from domain.ids import derived
from domain.payment import ChargeStatus
from gateways.ports import PaymentEvent
from models.cash import BankStatementRow
from models.database import Database
from models.deal import DealRow
from models.entity import LegalEntityRow
from models.invoice import InvoiceRow
from models.outbox import InboxRow
from models.payment import PaymentAttemptRow
from models.signature import EnvelopeRow

log = structlog.get_logger(__name__)

NEW, SIGNALLED, UNEXPECTED, NOTHING_NEW = "new", "signalled", "unexpected", "nothing_new"
# what a fact is about; a statement is taken in by its own workflow, the others by their deal (`activities/facts.py`)
STATEMENT, SIGNATURE, PAYMENT = "statement", "signature", "payment"
KNOWN_WITHIN = timedelta(
    minutes=10
)  # an envelope whose sending was not recorded by then is not ours, whatever is under way

_SENDING = text("SELECT EXISTS (SELECT FROM deals WHERE entity_id = :entity_id AND next_kind = 'send')")
_STATUS = text(
    "UPDATE inbox SET status = :status, deal_id = coalesce(:deal_id, deal_id) WHERE id = :id AND status = 'new'"
)


def row_of(*, provider: str, event_id: str, kind: str, payload: dict[str, Any], deal_id: str | None = None) -> InboxRow:
    """The row of one event: its id comes from the provider's, so a second delivery is the same row."""
    return InboxRow(
        id=derived("in", provider, event_id),
        provider=provider,
        event_id=event_id,
        deal_id=deal_id,
        kind=kind,
        payload=payload,
        received_at=datetime.now(tz=UTC),
    )


async def keep(database: Database, row: InboxRow, statement: BankStatementRow | None = None) -> bool:
    """Store the fact (and the statement it brings) in one transaction. False: it is there already, nothing is done."""
    async with database.transaction() as session:
        if not await insert_once(session, row, "provider", "event_id"):
            return False
        if statement is not None:
            await insert_once(session, statement)
    return True


async def judged(session: AsyncSession, event: PaymentEvent) -> tuple[str, bool]:
    """Whether a payment event is news for its deal, and whether our own call for it is still in flight.

    What its attempt already says is not worth a signal.
    """
    if await session.get(DealRow, event.deal_id) is None:
        return UNEXPECTED, False
    if event.outcome is None:
        return (UNEXPECTED if event.kind == "refunded" else NOTHING_NEW), False
    attempt = await session.get(PaymentAttemptRow, event.key)
    if attempt is None:
        return UNEXPECTED, False
    late_pending = event.outcome.status == ChargeStatus.PENDING and attempt.status in {"declined", "failed"}
    if late_pending or attempt.status in {ChargeStatus.CAPTURED, event.outcome.status}:
        return NOTHING_NEW, False
    return NEW, attempt.status == "started"


async def sender(session: AsyncSession, row: InboxRow) -> tuple[str | None, bool]:
    """The deal whose envelope a signature is about; and, where there is none, whether it is nobody's for good.

    A signature may overtake the answer to its own sending: while one is under way, it waits to be recorded.
    """
    found = await sql(session, _SENDING, {"entity_id": row.payload["entity_id"]})
    sending = bool(found.scalar_one())
    envelope = await session.get(EnvelopeRow, row.payload["envelope_id"])  # read last: what was under way is there now
    if envelope is not None:
        return envelope.deal_id, False
    return None, not sending or datetime.now(tz=UTC) - row.received_at > KNOWN_WITHIN


async def entity_of_account(session: AsyncSession, account: str, bank_account: str) -> LegalEntityRow | None:
    """The legal entity of an account at the bank's interface, or of the bank account itself."""
    known = await session.get(LegalEntityRow, account)
    if known is not None:
        return known if known.bank_account == bank_account else None
    query = select(LegalEntityRow).where(col(LegalEntityRow.bank_account) == bank_account)
    return (await session.exec(query)).first()


async def tell(database: Database, door: Door, row: InboxRow) -> None:
    """Tell whoever the fact is for. Raises refusals where nobody answers: the relay comes back to it."""
    if row.kind == STATEMENT:
        await _bring_to_date(database, door, str(row.payload["entity_id"]))
        await door.statement(row.id)
        await mark(database, row, SIGNALLED)
        return
    deal_id = row.deal_id
    if deal_id is None:
        async with database.session() as session:
            deal_id, nobodys = await sender(session, row)
        if nobodys:
            await mark(database, row, UNEXPECTED)
        if deal_id is None:
            return
    await mark(database, row, NEW, deal_id)  # the deal is on the row before the deal looks at it
    await door.fact(deal_id, row.id)
    await mark(database, row, SIGNALLED)


async def _bring_to_date(database: Database, door: Door, entity_id: str) -> None:
    """A sandbox's deals with open invoices come to its date first: the cash that may pay them is dated by their clock."""
    async with database.session() as session:
        entity = await session.get(LegalEntityRow, entity_id)
        if entity is None or entity.clock_at is None:
            return
        query = (
            select(DealRow.id)
            .join(InvoiceRow, col(InvoiceRow.deal_id) == col(DealRow.id))
            .where(col(DealRow.entity_id) == entity_id, col(DealRow.stage) != "ended", col(InvoiceRow.status) != "paid")
            .distinct()
        )
        deals = (await session.exec(query)).all()
    for deal_id in deals:
        await door.advance(deal_id, entity.clock_at)


async def mark(database: Database, row: InboxRow, status: str, deal_id: str | None = None) -> None:
    """Move a fact on from `new`; one that its deal has taken meanwhile stays taken."""
    async with database.transaction() as session:
        await sql(session, _STATUS, {"id": row.id, "status": status, "deal_id": deal_id})
