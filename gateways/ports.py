"""The outside world on one page: every party we speak to, in our own words.

Each adapter (one file per vendor) implements a port. An adapter never decides anything: it translates.
Expected answers (declined, unknown step refused) are values; a lost or 5xx answer raises `GatewayUnavailable`,
which Temporal retries under the same key; a request the vendor calls wrong raises `GatewayRefused`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from domain.payment import ChargeOutcome


class GatewayUnavailable(Exception):
    """No usable answer (time-out, connection lost, 5xx, 429): the effect may or may not have happened."""


class GatewayBusy(GatewayUnavailable):
    """It asks to come back later (429, 503 with Retry-After): not before `after_seconds` from now."""

    def __init__(self, said: str, *, after_seconds: float) -> None:
        super().__init__(said)
        self.after_seconds = after_seconds


class GatewayRefused(Exception):
    """A definite refusal of the request itself (4xx that is not a business outcome): retrying cannot help."""


class MethodRefused(GatewayRefused):
    """The gateway will not attach this payment method (Stripe refuses a card that declines at that point).

    `code` is the decline code, for `domain.payment.classify`.
    """

    def __init__(self, code: str) -> None:
        super().__init__(f"the payment method was refused: {code}")
        self.code = code


class WebhookRefused(Exception):
    """A webhook that cannot be trusted or read: bad signature, outside the 300-second window, not the shape agreed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedPayment:
    """Money the gateway says it captured, for the audit. `amount_minor` is what was captured, before refunds."""

    key: str
    deal_id: str
    invoice_id: str
    gateway_ref: str
    amount_minor: int
    currency: str
    captured_at: datetime  # when the gateway made the payment, on the account's clock


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeRequest:
    """One attempt to collect `amount_minor` for one invoice. `key` goes to the gateway as its idempotency key."""

    key: str
    deal_id: str
    invoice_id: str
    amount_minor: int
    currency: str
    customer_ref: str  # the gateway's customer id
    method_ref: str  # the gateway's payment method id


class PaymentGateway(Protocol):
    """Cards and bank debits. Stripe's shape: customer, payment method, off-session payment intent."""

    async def ensure_customer(self, *, key: str, account_id: str, name: str, email: str) -> str:
        """The gateway's customer id for our account; the same key gives the same customer."""

    async def attach_method(self, *, key: str, customer_ref: str, method_token: str) -> str:
        """Attach a payment method token (`pm_card_visa`) to the customer; returns the method id to charge.

        Raises MethodRefused where the gateway refuses the card at this point.
        """

    async def charge(self, request: ChargeRequest) -> ChargeOutcome:
        """Confirm one off-session payment. Raises GatewayUnavailable where the answer was lost."""

    async def find_charge(self, *, key: str) -> ChargeOutcome | None:
        """Search by our key in the metadata (after the gateway forgot the idempotency key); None: never arrived."""

    async def captured(self) -> tuple[CapturedPayment, ...]:
        """Every captured payment of this account, oldest first: what the ledger is compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopeRequest:
    key: str
    deal_id: str
    title: str
    signer_name: str
    signer_email: str
    document: bytes  # the PDF whose SHA-256 is `document_sha256`
    document_sha256: str
    expires_at: datetime


class SignatureProvider(Protocol):
    async def send(self, request: EnvelopeRequest) -> str:
        """Send the order form for signature; returns the envelope id. Same key, same envelope."""

    async def void(self, *, key: str, envelope_id: str, reason: str) -> None:
        """Take an envelope back. Voiding one that is already closed is not an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionRequest:
    key: str
    deal_id: str
    account_id: str
    customer_name: str
    customer_email: str
    step: str  # "tenant", "entitlements", "users", ...
    data: dict[str, str] = field(default_factory=dict)


class Provisioner(Protocol):
    async def perform(self, request: ProvisionRequest) -> str:
        """Perform one provisioning step, idempotent by key; returns the provisioner's reference.

        Raises GatewayUnavailable for passing trouble, GatewayRefused where the step failed for good.
        """

    async def compensate(self, request: ProvisionRequest) -> str:
        """Undo a step, idempotent by key; undoing what was never done is not an error."""

    async def set_access(self, *, key: str, account_id: str, deal_id: str, access: str) -> None:
        """`access` is "full", "suspended" or "revoked"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    key: str  # becomes the Message-ID, so that a second delivery is recognisable
    to: str
    subject: str
    body: str
    sent_at: datetime
    attachments: tuple[tuple[str, bytes], ...] = ()  # (file name, PDF bytes)
    html: str = ""  # the same body for who reads HTML
    reply_to: str = ""  # an address; empty: answers go to the sender


class Mailer(Protocol):
    async def send(self, mail: Mail) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatPost:
    key: str  # becomes the mark of its first block, so that a second delivery is recognisable
    channel: str
    text: str  # for notifications, and where blocks are not shown
    blocks: tuple[dict[str, Any], ...]  # Slack's Block Kit, at least one


class Chat(Protocol):
    def reaches(self, channel: str) -> str:
        """The host that a post to this channel would go to; empty: nowhere."""

    def is_personal(self, channel: str) -> bool:
        """Does one person alone read it, as far as its name and its webhook say?"""

    async def post(self, message: ChatPost) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureEvent:
    """What a signature webhook says, in our words. `kind`: signed, declined, expired, voided."""

    event_id: str
    envelope_id: str
    kind: str
    document_sha256: str
    signer_name: str
    reason: str
    happened_at: datetime
    account: str  # the account at the provider (one per legal entity)


@dataclass(frozen=True, slots=True, kw_only=True)
class BankLine:
    """One booked credit on our bank account."""

    line_id: str
    booked_on: date
    amount_minor: int
    currency: str
    payer: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BankStatement:
    event_id: str
    statement_id: str
    bank_account: str
    lines: tuple[BankLine, ...]
    account: str = ""  # the account at the bank's interface (one per legal entity)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentEvent:
    """What a payment webhook says. `key` is our operation key, read from the metadata."""

    event_id: str
    kind: str  # succeeded, failed, action_required, refunded, other
    gateway_ref: str  # the payment intent id
    key: str
    deal_id: str
    outcome: ChargeOutcome | None
    happened_at: datetime
