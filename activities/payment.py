"""Charging one invoice: one attempt, one key, at the gateway and in the books; what is unknown is asked about, never recharged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import SQLModel
from temporalio import activity

from activities.fence import Books, Effect, Told
from activities.posting import entry_rows
from activities.reference import MissingReference
from domain import dunning, invoice, ledger
from domain.calendar import local_date
from domain.dunning_policy import DunningPolicy
from domain.ids import charge_key, derived
from domain.money import Money, text
from domain.outcome import Charged
from domain.payment import ChargeOutcome, ChargeStatus, DeclineClass, classify
from domain.state import Deal
from gateways.parties import PartiesFor
from gateways.ports import ChargeRequest, GatewayRefused, GatewayUnavailable, MethodRefused, PaymentGateway
from models.account import GatewayCustomerRow
from models.cash import CashApplicationRow
from models.invoice import InvoiceRow
from models.outbox import OutboxRow
from models.payment import PaymentAttemptRow, ReceiptRow
from models.write import Update
from workflows import stubs
from workflows.policies import GATEWAY_ATTEMPTS
from workflows.stubs import Perform, Performed

KEYS_LIVE = timedelta(hours=24)  # so long the gateway remembers an idempotency key (Stripe)
NEVER_ARRIVED = "never_arrived"

# the turn, the invoice, the account's method and the attempt so far, in one round trip
_TO_CHARGE = """
    SELECT i.number, i.status, i.total_minor - i.paid_minor AS open_minor, i.paid_minor, i.total_minor, i.currency,
           a.name, a.email, a.method_token, g.customer_ref, g.method_ref, g.method_token AS known_token,
           t.status AS attempt_status, t.gateway_ref, t.started_at, t.amount_minor AS attempt_minor,
           t.code AS attempt_code, p.content AS policy,
           EXISTS (SELECT FROM deal_steps s WHERE s.deal_id = i.deal_id AND s.turn = $4) AS turn_taken,
           EXISTS (SELECT FROM receipts r WHERE r.source = 'card' AND r.gateway_ref = t.gateway_ref) AS posted
      FROM invoices i
      JOIN accounts a ON a.id = i.account_id
      LEFT JOIN gateway_customers g ON g.account_id = a.id
      LEFT JOIN payment_attempts t ON t.key = $3
      LEFT JOIN LATERAL (SELECT content FROM dunning_policies
                          WHERE name = 'standard' ORDER BY version DESC LIMIT 1) p ON true
     WHERE i.id = $1 AND i.deal_id = $2
"""

# the same, and in the same round trip the books say that the call goes out: once per attempt, and not where nothing
# is open or the turn is taken
_START = f"""
    WITH started AS (
        INSERT INTO payment_attempts
               (key, deal_id, invoice_id, attempt, amount_minor, currency, status, gateway_ref, code, started_at)
        SELECT $3, i.deal_id, i.id, $5, i.total_minor - i.paid_minor, i.currency, 'started', '', '', $6
          FROM invoices i
         WHERE i.id = $1 AND i.deal_id = $2 AND i.total_minor > i.paid_minor
           AND NOT EXISTS (SELECT FROM deal_steps s WHERE s.deal_id = i.deal_id AND s.turn = $4)
        ON CONFLICT (key) DO NOTHING)
    {_TO_CHARGE}
"""  # noqa: S608  (both texts are ours)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToCharge:
    """One attempt: what it collects, from whom, and what is known of it already."""

    key: str
    attempt: int
    invoice_id: str
    number: str
    open_minor: int
    paid_minor: int
    total_minor: int
    account_id: str
    name: str
    email: str
    method_token: str
    customer_ref: str
    method_ref: str
    attempt_status: str
    attempt_minor: int
    started_at: datetime | None
    posted: bool
    policy: DunningPolicy


class PaymentActivities(stubs.PaymentActivities):
    def __init__(self, books: Books, parties: PartiesFor) -> None:
        self.books = books
        self.parties = parties

    @activity.defn
    async def charge_payment(self, command: Perform) -> Performed:
        """Collect what is open of one invoice. A lost answer is retried under the same key, then left unknown."""
        attempt = command.step.number
        found = await self._load(command, attempt, start=True)
        if isinstance(found, Performed):
            return found
        if found.open_minor == 0:
            return await self._record(command, found, ChargeOutcome(status=ChargeStatus.CAPTURED), nothing_open=True)
        try:
            answer = await self._charge(command.deal, found)
        except GatewayUnavailable as lost:
            if activity.info().attempt < GATEWAY_ATTEMPTS:
                raise
            answer = ChargeOutcome(status=ChargeStatus.UNKNOWN, code=str(lost)[:80])
        return await self._record(command, found, answer)

    @activity.defn
    async def resolve_payment(self, command: Perform) -> Performed:
        """Find out what became of a charge: the same key again while the gateway keeps it, afterwards a search by it."""
        attempt = command.step.number // 100
        found = await self._load(command, attempt)
        if isinstance(found, Performed):
            return found
        try:
            answer = await self._ask(command, found)
        except GatewayUnavailable as lost:
            if activity.info().attempt < GATEWAY_ATTEMPTS:
                raise
            answer = ChargeOutcome(status=ChargeStatus.UNKNOWN, code=str(lost)[:80])
        return await self._record(command, found, answer)

    async def _ask(self, command: Perform, found: ToCharge) -> ChargeOutcome:
        fresh = found.started_at is not None and command.now - found.started_at < KEYS_LIVE
        if fresh and found.attempt_status != ChargeStatus.PENDING:
            return await self._charge(command.deal, found)
        answer = await self._payments(command.deal).find_charge(key=found.key)
        if answer is None:
            return ChargeOutcome(status=ChargeStatus.DECLINED, code=NEVER_ARRIVED)
        return answer

    def _payments(self, deal: Deal) -> PaymentGateway:
        return self.parties.entity(deal.entity_id, virtual=deal.clock.virtual).payments

    async def _load(self, command: Perform, attempt: int, *, start: bool = False) -> ToCharge | Performed:
        """What is known of this attempt; `start` says in the books that its call goes out, before it does."""
        deal, invoice_id = command.deal, command.step.subject
        key = charge_key(deal.id, invoice_id, attempt)
        known = (invoice_id, deal.id, key, deal.turn)
        database = self.books.database
        row = await (database.row(_START, *known, attempt, command.now) if start else database.row(_TO_CHARGE, *known))
        if row is None:
            raise MissingReference(what=f"invoice {invoice_id}")
        if row["turn_taken"] and (taken := await self.books.taken(deal)) is not None:
            return taken
        introduced = row["known_token"] == row["method_token"]
        return ToCharge(
            key=key,
            attempt=attempt,
            invoice_id=invoice_id,
            number=row["number"],
            open_minor=row["open_minor"],
            paid_minor=row["paid_minor"],
            total_minor=row["total_minor"],
            account_id=deal.account_id,
            name=row["name"],
            email=row["email"],
            method_token=row["method_token"],
            customer_ref=row["customer_ref"] or "",
            method_ref=(row["method_ref"] or "") if introduced else "",
            attempt_status=row["attempt_status"] or "",
            attempt_minor=row["attempt_minor"] or row["open_minor"],
            started_at=row["started_at"],
            posted=row["posted"],
            policy=DunningPolicy.kept(row["policy"]),
        )

    async def _introduced(self, deal: Deal, found: ToCharge) -> ToCharge:
        payments = self._payments(deal)
        customer = found.customer_ref or await payments.ensure_customer(
            key=f"customer/{found.account_id}", account_id=found.account_id, name=found.name, email=found.email
        )
        method = await payments.attach_method(
            key=f"method/{found.account_id}/{found.method_token}",
            customer_ref=customer,
            method_token=found.method_token,
        )
        row = GatewayCustomerRow(
            account_id=found.account_id, customer_ref=customer, method_ref=method, method_token=found.method_token
        )
        async with self.books.database.transaction() as session:
            await session.merge(row)
        return replace(found, customer_ref=customer, method_ref=method)

    async def _charge(self, deal: Deal, found: ToCharge) -> ChargeOutcome:
        try:
            known = found if found.method_ref else await self._introduced(deal, found)
            request = ChargeRequest(
                key=found.key,
                deal_id=deal.id,
                invoice_id=found.invoice_id,
                amount_minor=found.attempt_minor,
                currency=deal.currency,
                customer_ref=known.customer_ref,
                method_ref=known.method_ref,
            )
            return await self._payments(deal).charge(request)
        except MethodRefused as refusal:
            return ChargeOutcome(status=ChargeStatus.DECLINED, code=refusal.code)
        except GatewayRefused as refusal:
            return ChargeOutcome(status=ChargeStatus.DECLINED, code=str(refusal)[:80] or "refused")

    async def _record(
        self, command: Perform, found: ToCharge, answer: ChargeOutcome, *, nothing_open: bool = False
    ) -> Performed:
        effect = _nothing_open(found) if nothing_open else effect_of(command, found, answer)
        return await self.books.record(command, effect)


def _nothing_open(found: ToCharge) -> Effect:
    told = Told(text=f"Nothing is open of invoice {found.number}: it is not charged")
    return Effect(outcome=Charged(status=ChargeStatus.CAPTURED, settled=True), told=[told])


def effect_of(command: Perform, found: ToCharge, answer: ChargeOutcome) -> Effect:
    """What the books say after this answer: a receipt with its entry, or a decline and what follows."""
    if answer.status is ChargeStatus.CAPTURED:
        return _captured(command, found, answer)
    deal, now = command.deal, command.now
    decline = classify(answer.code) if answer.status is ChargeStatus.DECLINED else None
    ladder = dunning.card_ladder(found.policy.card_rungs(), failed_at=now) if decline else ()
    values = {"status": answer.status.value, "gateway_ref": answer.gateway_ref, "code": answer.code}
    if decline:
        values["settled_at"] = now  # type: ignore[assignment]  # an update takes any column's value
    amount = text(Money(found.attempt_minor, deal.currency))
    outcome = Charged(
        status=answer.status.value, code=answer.code, decline=decline.value if decline else "", ladder=ladder
    )
    return Effect(
        outcome=outcome,
        updates=[Update(PaymentAttemptRow, values, {"key": found.key})],
        told=[Told(text=_told(found, answer, decline, amount), data={"key": found.key, "code": answer.code})],
    )


def _told(found: ToCharge, answer: ChargeOutcome, decline: DeclineClass | None, amount: str) -> str:
    which = f"charge {found.attempt} of {amount} for invoice {found.number}"
    if decline is not None:
        return f"Declined: {which} ({answer.code}, {decline.value})"
    if answer.status is ChargeStatus.PENDING:
        return f"Under way: {which}"
    return f"Unknown outcome: {which}; it will be asked about under its own key"


def _captured(command: Perform, found: ToCharge, answer: ChargeOutcome) -> Effect:
    deal, now = command.deal, command.now
    settled = answer.captured_minor >= found.open_minor
    attempt = {
        "status": "captured",
        "gateway_ref": answer.gateway_ref,
        "code": "",
        "settled_at": now,
    }
    updates = [Update(PaymentAttemptRow, attempt, {"key": found.key})]
    if found.posted:  # the webhook of this very charge was taken in first: its money is in the books
        return Effect(outcome=Charged(status=answer.status.value, settled=True), updates=updates)
    receipt_rows, receipt_updates = card_receipt(
        command,
        invoice_id=found.invoice_id,
        number=found.number,
        gateway_ref=answer.gateway_ref,
        amount_minor=answer.captured_minor,
        paid_minor=found.paid_minor,
        total_minor=found.total_minor,
    )
    told = Told(
        text=f"Paid: {text(Money(answer.captured_minor, deal.currency))} for invoice {found.number}, "
        f"charge {found.attempt}",
        amount_minor=answer.captured_minor,
        data={"key": found.key, "gateway_ref": answer.gateway_ref},
    )
    return Effect(
        outcome=Charged(status=answer.status.value, settled=settled),
        rows=receipt_rows,
        updates=[*updates, *receipt_updates],
        told=[told],
    )


def card_receipt(
    command: Perform,
    *,
    invoice_id: str,
    number: str,
    gateway_ref: str,
    amount_minor: int,
    paid_minor: int,
    total_minor: int,
) -> tuple[list[SQLModel], list[Update]]:
    """Money captured by card: receipt, application, journal entry, event, and the invoice paid by as much.

    What exceeds the open amount (a transfer came meanwhile) stays on the receipt as unapplied cash.
    """
    deal, now = command.deal, command.now
    applied = min(amount_minor, total_minor - paid_minor)
    on = local_date(now, deal.zone)
    receipt_id = derived("rcp", "card", gateway_ref)
    rows: list[SQLModel] = [
        ReceiptRow(
            id=receipt_id,
            deal_id=deal.id,
            entity_id=deal.entity_id,
            invoice_id=invoice_id,
            source="card",
            gateway_ref=gateway_ref,
            amount_minor=amount_minor,
            currency=deal.currency,
            received_on=on,
        ),
        *entry_rows(
            command,
            ledger.for_card_receipt(amount_minor, applied_minor=applied),
            on=on,
            source_kind="receipt",
            source_id=receipt_id,
            memo=number,
        ),
        OutboxRow(
            key=f"{receipt_id}/payment.received",
            topic="payment.received",
            deal_id=deal.id,
            at=now,
            payload={
                "invoice": invoice_id,
                "number": number,
                "amount_minor": amount_minor,
                "currency": deal.currency,
                "gateway_ref": gateway_ref,
            },
        ),
    ]
    if not applied:
        return rows, []
    rows.append(
        CashApplicationRow(
            id=derived("app", receipt_id, invoice_id),
            receipt_id=receipt_id,
            invoice_id=invoice_id,
            amount_minor=applied,
            applied_on=on,
        )
    )
    return rows, [paid_update(invoice_id, paid_minor=paid_minor, more_minor=applied, total_minor=total_minor)]


def paid_update(invoice_id: str, *, paid_minor: int, more_minor: int, total_minor: int) -> Update:
    """The invoice is paid by `more_minor` more; it must still be as it was read."""
    after = paid_minor + more_minor
    values: dict[str, object] = {"paid_minor": after}
    if invoice.status(total_minor=total_minor, paid_minor=after) == invoice.PAID:
        values["status"] = invoice.PAID  # one given up as uncollectible stays so until it is paid in full
    return Update(InvoiceRow, values, {"id": invoice_id, "paid_minor": paid_minor})
