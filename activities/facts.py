"""What a fact from outside does to the books: signatures close envelopes, card money and bank lines pay invoices."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import text as sql
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.payment import card_receipt, paid_update
from activities.posting import entry_rows
from domain import dunning, ledger
from domain.calendar import local_date
from domain.dunning_policy import DunningPolicy
from domain.ids import derived
from domain.message import CashFact, Fact, PaymentFact, SignatureFact
from domain.money import Money, text
from domain.payment import ChargeStatus, classify
from gateways.ports import PaymentEvent, SignatureEvent
from models import policy as policies
from models.cash import BankLineRow, CashApplicationRow
from models.invoice import InvoiceRow
from models.outbox import InboxRow, OutboxRow
from models.payment import PaymentAttemptRow
from models.signature import EnvelopeRow
from models.write import Update
from workflows.converter import from_json
from workflows.stubs import Perform

_POSTED = sql("SELECT EXISTS (SELECT FROM receipts WHERE source = 'card' AND gateway_ref = :ref)")


class Booked(NamedTuple):
    """The fact in the deal's words, what it writes, and its line in the timeline."""

    fact: Fact | None
    rows: list[SQLModel]
    updates: list[Update]
    line: str


async def booked(session: AsyncSession, command: Perform, inbox: InboxRow) -> Booked:
    """Read a stored fact and say what it changes. One that is of no known kind changes nothing and is shown."""
    match inbox.provider, inbox.kind:
        case "signature", _:
            return await _signature(session, command, from_json(SignatureEvent, inbox.payload))
        case "stripe", _:
            return await _payment(session, command, from_json(PaymentEvent, inbox.payload))
        case "bank", "cash":
            return await _cash(session, command, inbox)
        case _:
            return Booked(None, [], [], f"{inbox.provider} says {inbox.kind}")


async def _signature(session: AsyncSession, command: Perform, event: SignatureEvent) -> Booked:
    fact = SignatureFact(
        event=event.kind,
        envelope_id=event.envelope_id,
        sha256=event.document_sha256,
        reason=event.reason,
        happened_at=event.happened_at,
    )
    envelope = await session.get(EnvelopeRow, event.envelope_id)
    updates = []
    if envelope is not None and envelope.deal_id == command.deal.id and envelope.status == "sent":
        values = {"status": event.kind, "closed_at": event.happened_at}
        updates.append(Update(EnvelopeRow, values, {"id": event.envelope_id, "status": "sent"}))
    who = event.signer_name or "the signer"
    line = f"{who}: {event.kind}" + (f" ({event.reason})" if event.reason else "")
    return Booked(fact, [], updates, line)


async def _payment(session: AsyncSession, command: Perform, event: PaymentEvent) -> Booked:
    deal, now = command.deal, command.now
    attempt = await session.get(PaymentAttemptRow, event.key) if event.key else None
    row = await session.get(InvoiceRow, attempt.invoice_id) if attempt else None
    outcome = event.outcome
    if attempt is None or row is None or outcome is None or attempt.deal_id != deal.id:
        return Booked(None, [], [], f"the gateway says {event.kind} about {event.gateway_ref}")
    if outcome.status is ChargeStatus.CAPTURED:
        return await _captured(session, command, event, attempt, row)
    decline = classify(outcome.code) if outcome.status is ChargeStatus.DECLINED else None
    policy = await policies.latest_dunning(session, "standard")
    rungs = DunningPolicy.kept(policy.content if policy else None).card_rungs()
    fact = PaymentFact(
        key=event.key,
        invoice_id=row.id,
        status=outcome.status.value,
        code=outcome.code,
        decline=decline.value if decline else "",
        settled=False,
        ladder=dunning.card_ladder(rungs, failed_at=now) if decline else (),
    )
    updates = []
    if decline and attempt.status in ("started", "pending", "unknown"):
        values = {"status": "declined", "code": outcome.code, "gateway_ref": event.gateway_ref, "settled_at": now}
        updates.append(Update(PaymentAttemptRow, values, {"key": attempt.key}))
    line = f"Charge {attempt.attempt} of invoice {row.number}: {outcome.status.value} {outcome.code}".rstrip()
    return Booked(fact, [], updates, line)


async def _captured(
    session: AsyncSession, command: Perform, event: PaymentEvent, attempt: PaymentAttemptRow, row: InvoiceRow
) -> Booked:
    """Money is posted once, by the gateway's id, whichever path brings it first."""
    amount = event.outcome.captured_minor if event.outcome else 0
    posted = (await session.execute(_POSTED, {"ref": event.gateway_ref})).scalar_one()
    settled = (posted and row.status == "paid") or row.paid_minor + amount >= row.total_minor
    fact = PaymentFact(key=event.key, invoice_id=row.id, status="captured", code="", decline="", settled=settled)
    line = f"Paid: {text(Money(amount, row.currency))} for invoice {row.number}, charge {attempt.attempt}"
    if posted:
        return Booked(fact, [], [], f"{line} (known already)")
    rows, updates = card_receipt(
        command,
        invoice_id=row.id,
        number=row.number,
        gateway_ref=event.gateway_ref,
        amount_minor=amount,
        paid_minor=row.paid_minor,
        total_minor=row.total_minor,
    )
    values = {"status": "captured", "gateway_ref": event.gateway_ref, "code": "", "settled_at": command.now}
    return Booked(fact, rows, [*updates, Update(PaymentAttemptRow, values, {"key": attempt.key})], line)


async def _cash(session: AsyncSession, command: Perform, inbox: InboxRow) -> Booked:
    """A bank line that was matched to an invoice of this deal: unapplied cash becomes a payment of it."""
    deal, now = command.deal, command.now
    bank_line = await session.get(BankLineRow, str(inbox.payload["bank_line_id"]))
    row = await session.get(InvoiceRow, str(inbox.payload["invoice_id"]))
    if bank_line is None or row is None or row.deal_id != deal.id:
        return Booked(None, [], [], "a bank line that fits no invoice of this deal")
    open_minor = row.total_minor - row.paid_minor
    amount = min(bank_line.amount_minor - bank_line.applied_minor, open_minor)
    fact = CashFact(
        bank_line_id=bank_line.id,
        invoice_id=row.id,
        settled=amount >= open_minor,
        booked_on=bank_line.booked_on,
    )
    came = text(Money(bank_line.amount_minor, bank_line.currency))
    if amount <= 0:
        return Booked(fact, [], [], f"Bank transfer of {came} from {bank_line.payer}: nothing is open of {row.number}")
    on = local_date(now, deal.zone)
    receipt_id = derived("rcp", "bank", bank_line.id)
    applied = bank_line.applied_minor + amount
    rows: list[SQLModel] = [
        CashApplicationRow(
            id=derived("app", receipt_id, row.id),
            receipt_id=receipt_id,
            invoice_id=row.id,
            amount_minor=amount,
            applied_on=on,
        ),
        *entry_rows(
            command,
            ledger.for_cash_application(amount),
            on=on,
            source_kind="bank_line",
            source_id=bank_line.id,
            memo=row.number,
        ),
        OutboxRow(
            key=f"{receipt_id}/{row.id}/payment.received",
            topic="payment.received",
            deal_id=deal.id,
            at=now,
            payload={
                "invoice": row.id,
                "number": row.number,
                "amount_minor": amount,
                "currency": row.currency,
                "bank_line": bank_line.id,
            },
        ),
    ]
    updates = [
        Update(BankLineRow, {"applied_minor": applied}, {"id": bank_line.id, "applied_minor": bank_line.applied_minor}),
        paid_update(row.id, paid_minor=row.paid_minor, more_minor=amount, total_minor=row.total_minor),
    ]
    rest = bank_line.amount_minor - applied
    line = f"Bank transfer of {came} from {bank_line.payer}: {text(Money(amount, row.currency))} pays {row.number}"
    if rest:
        line += f", {text(Money(rest, row.currency))} stays unapplied"
    return Booked(fact, rows, updates, line)
