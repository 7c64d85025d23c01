"""Webhooks: verified, stored, answered; then the deal is told. One event has its effect once, however often and late it comes."""

import asyncio
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, Field

from api.door import door_of
from api.errors import Refusal
from api.idempotency import body_of
from api.inbox import (
    NEW,
    PAYMENT,
    SIGNATURE,
    STATEMENT,
    UNEXPECTED,
    entity_of_account,
    judged,
    keep,
    row_of,
    sender,
    tell,
)
from api.store import Db
from gateways import bank, signature, stripe
from gateways.ports import PaymentEvent, WebhookRefused
from models.cash import BankStatementRow
from models.database import Database
from models.outbox import InboxRow
from settings import Settings
from workflows.converter import to_json

log = structlog.get_logger(__name__)

router = APIRouter(prefix="/webhooks", tags=["webhooks"])

LARGEST_EVENT = 1_000_000
GLANCES = (0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07)  # seconds between two looks


class KeptOut(BaseModel):
    status: str = Field(
        description="new, unexpected (fits no deal of ours; kept and shown), nothing_new, or known (came before)"
    )


def _settings(request: Request) -> Settings:
    found: Settings = request.app.state.settings
    return found


def _refused(error: WebhookRefused) -> Refusal:
    return Refusal(
        400,
        "WebhookRefused",
        f"the webhook is not believed: {error}",
        where="header",
        hint="sign the exact body with the shared secret, within 300 seconds",
    )


async def _take(
    request: Request, database: Database, row: InboxRow, statement: BankStatementRow | None = None
) -> KeptOut:
    """Keep it, then tell its deal. What cannot be told now is told by the relay: the provider is answered either way."""
    if not await keep(database, row, statement):
        return KeptOut(status="known")
    if row.status == NEW:
        try:
            await tell(database, door_of(request), row)
        except Exception as error:  # noqa: BLE001 - it is stored: the relay tells the deal
            log.warning("fact not delivered yet", inbox_id=row.id, deal_id=row.deal_id, error=str(error))
    return KeptOut(status=row.status)


@router.post("/stripe")
async def stripe_webhook(
    request: Request, database: Db, stripe_signature: Annotated[str, Header(max_length=2000)] = ""
) -> KeptOut:
    """What became of a payment, signed as Stripe signs."""
    body = await body_of(request, LARGEST_EVENT)
    try:
        event = stripe.read_event(body, stripe_signature, _settings(request).stripe_webhook_secret.get_secret_value())
    except WebhookRefused as error:
        raise _refused(error) from error
    payload: dict[str, Any] = to_json(event)
    row = row_of(provider="stripe", event_id=event.event_id, kind=PAYMENT, payload=payload)
    row.status = await _news(database, event)
    row.deal_id = event.deal_id if row.status != UNEXPECTED and event.deal_id else None
    return await _take(request, database, row)


async def _news(database: Database, event: PaymentEvent) -> str:
    """Whether the deal should hear of it. A webhook often overtakes its own response: that one gets a moment to be recorded."""
    for pause in GLANCES:
        async with database.session() as session:
            status, in_flight = await judged(session, event)
        if status != NEW or not in_flight:
            return status
        await asyncio.sleep(pause)
    return NEW


@router.post("/signature")
async def signature_webhook(request: Request, database: Db) -> KeptOut:
    """What became of an order form, signed by the Standard Webhooks scheme."""
    body = await body_of(request, LARGEST_EVENT)
    try:
        event = signature.read_event(request.headers, body, _settings(request).signature_secret.get_secret_value())
    except WebhookRefused as error:
        raise _refused(error) from error
    payload: dict[str, Any] = {**to_json(event), "entity_id": event.account}
    row = row_of(provider="signature", event_id=event.event_id, kind=SIGNATURE, payload=payload)
    async with database.session() as session:
        row.deal_id, nobodys = await sender(session, row)
    row.status = UNEXPECTED if nobodys else NEW
    return await _take(request, database, row)


@router.post("/bank")
async def bank_webhook(request: Request, database: Db) -> KeptOut:
    """Credits on one of our accounts, signed by the Standard Webhooks scheme."""
    body = await body_of(request, LARGEST_EVENT)
    try:
        read = bank.read_statement(request.headers, body, _settings(request).bank_secret.get_secret_value())
    except WebhookRefused as error:
        raise _refused(error) from error
    async with database.session() as session:
        entity = await entity_of_account(session, read.account, read.bank_account)
    payload: dict[str, Any] = to_json(read)
    row = row_of(provider="bank", event_id=read.event_id, kind=STATEMENT, payload=payload)
    if entity is None:
        row.status = UNEXPECTED
        return await _take(request, database, row)
    ours = {"statement_id": row.id, "bank_statement_id": read.statement_id, "entity_id": entity.id}
    row.payload = {**payload, **ours}  # the statement is named by our id: that is what its workflow is told
    statement = BankStatementRow(id=row.id, entity_id=entity.id, received_at=entity.clock_at or row.received_at)
    return await _take(request, database, row, statement)
