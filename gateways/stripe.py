"""Cards and bank debits at Stripe: our operation key is the idempotency key and stays findable in the metadata."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import stripe

from domain.payment import ChargeOutcome, ChargeStatus
from gateways.ports import (
    CapturedPayment,
    ChargeRequest,
    GatewayRefused,
    GatewayUnavailable,
    MethodRefused,
    PaymentEvent,
    WebhookRefused,
)

TIMEOUT_SECONDS = 10
TOLERANCE_SECONDS = 300
KINDS = {
    "payment_intent.succeeded": "succeeded",
    "payment_intent.payment_failed": "failed",
    "payment_intent.requires_action": "action_required",
    "charge.refunded": "refunded",
}

stripe.enable_telemetry = False


class _Client(stripe.HTTPXClient):
    """The library's own client, minus a habit that httpx deprecates at every request (a form's text as `data`)."""

    def _get_request_args_kwargs(self, method: str, url: str, headers: Mapping[str, str], post_data: Any) -> Any:
        args, kwargs = super()._get_request_args_kwargs(method, url, headers, post_data)
        kwargs["content"] = kwargs.pop("data") or None
        return [args, kwargs]


def http_client() -> stripe.HTTPXClient:
    """One pool of connections for all accounts of one process; belongs to the event loop that first uses it."""
    return _Client(timeout=TIMEOUT_SECONDS)


class StripeGateway:
    """The PaymentGateway port over the official library; it never retries by itself, Temporal does."""

    def __init__(self, *, key: str, url: str | None = None, client: stripe.HTTPXClient | None = None) -> None:
        """`url` replaces Stripe's own address (the sandbox); None is Stripe itself."""
        self._stripe = stripe.StripeClient(
            key,
            base_addresses={"api": url} if url else {},
            max_network_retries=0,
            http_client=client or http_client(),
        ).v1

    async def ensure_customer(self, *, key: str, account_id: str, name: str, email: str) -> str:
        """Found by our account id first, because an idempotency key is forgotten after 24 hours."""
        async with _translated():
            query = f"metadata['q2c_account']:'{_quoted(account_id)}'"
            found = await self._stripe.customers.search_async({"query": query, "limit": 1})
            if found.data:
                return found.data[0].id
            made = await self._stripe.customers.create_async(
                {"name": name, "email": email, "metadata": {"q2c_account": account_id, "q2c_key": key}},
                {"idempotency_key": key},
            )
        return made.id

    async def attach_method(self, *, key: str, customer_ref: str, method_token: str) -> str:
        async with _translated():
            try:
                method = await self._stripe.payment_methods.attach_async(
                    method_token, {"customer": customer_ref}, {"idempotency_key": key}
                )
            except stripe.CardError as refused:
                raise MethodRefused(_decline_code(refused)) from refused
        return method.id

    async def charge(self, request: ChargeRequest) -> ChargeOutcome:
        async with _translated():
            try:
                intent = await self._stripe.payment_intents.create_async(
                    {
                        "amount": request.amount_minor,
                        "currency": request.currency.lower(),
                        "customer": request.customer_ref,
                        "payment_method": request.method_ref,
                        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                        "off_session": True,
                        "confirm": True,
                        "metadata": {
                            "q2c_key": request.key,
                            "deal_id": request.deal_id,
                            "invoice_id": request.invoice_id,
                        },
                    },
                    {"idempotency_key": request.key},
                )
            except stripe.CardError as declined:
                refused = declined.error.payment_intent if declined.error else None
                ref = refused.id if refused else ""
                return ChargeOutcome(status=ChargeStatus.DECLINED, gateway_ref=ref, code=_decline_code(declined))
        return _outcome(intent)

    async def find_charge(self, *, key: str) -> ChargeOutcome | None:
        """Stripe's search lags by up to a minute: ask only after the time in which a key is sent again (24 hours)."""
        async with _translated():
            found = await self._stripe.payment_intents.search_async(
                {"query": f"metadata['q2c_key']:'{_quoted(key)}'", "limit": 100}
            )
        outcomes = [_outcome(intent) for intent in found.data]
        # Should one key ever have met two intents, the one that moved money is the one that counts.
        rank = {ChargeStatus.CAPTURED: 0, ChargeStatus.PENDING: 1, ChargeStatus.DECLINED: 2, ChargeStatus.UNKNOWN: 3}
        return min(outcomes, key=lambda outcome: rank[outcome.status], default=None)

    async def captured(self) -> tuple[CapturedPayment, ...]:
        async with _translated():
            page = await self._stripe.payment_intents.list_async({"limit": 100})
            paid = [_captured(intent) async for intent in page.auto_paging_iter() if intent.amount_received > 0]
        return tuple(reversed(paid))


def read_event(payload: bytes, signature: str, secret: str) -> PaymentEvent:
    """One webhook in our words. Raises WebhookRefused for a bad signature, a stamp over 300 s off, or no event."""
    try:
        stripe.WebhookSignature.verify_header(payload.decode(), signature, secret, TOLERANCE_SECONDS)
        stamp = int(dict(part.split("=", 1) for part in signature.split(",")).get("t", "0"))
        if stamp > time.time() + TOLERANCE_SECONDS:  # the library lets the future pass
            raise WebhookRefused("Timestamp outside the tolerance zone")
        event = json.loads(payload)
        return _event(event)
    except stripe.SignatureVerificationError as wrong:
        raise WebhookRefused(wrong.user_message or str(wrong)) from wrong
    except (KeyError, TypeError, ValueError, AttributeError) as unreadable:
        raise WebhookRefused(f"not a Stripe event: {unreadable!r}") from unreadable


def _event(event: Mapping[str, Any]) -> PaymentEvent:
    subject: Mapping[str, Any] = event["data"]["object"]
    metadata: Mapping[str, str] = subject.get("metadata") or {}
    intent = subject["object"] == "payment_intent"
    return PaymentEvent(
        event_id=event["id"],
        kind=KINDS.get(event["type"], "other"),
        gateway_ref=subject["id"] if intent else str(subject.get("payment_intent") or ""),
        key=metadata.get("q2c_key", ""),
        deal_id=metadata.get("deal_id", ""),
        outcome=_outcome_of(subject) if intent else None,
        happened_at=datetime.fromtimestamp(event["created"], tz=UTC),
    )


def _outcome(intent: stripe.PaymentIntent) -> ChargeOutcome:
    return _outcome_of(intent.to_dict())


def _outcome_of(intent: Mapping[str, Any]) -> ChargeOutcome:
    """What an intent's status says about our one charge; an intent made off-session waits for nobody."""
    status, ref = intent["status"], intent["id"]
    error = intent.get("last_payment_error") or {}
    if status == "succeeded":
        return ChargeOutcome(status=ChargeStatus.CAPTURED, gateway_ref=ref, captured_minor=intent["amount_received"])
    if status == "processing":
        return ChargeOutcome(status=ChargeStatus.PENDING, gateway_ref=ref)
    if status == "requires_action":
        return ChargeOutcome(status=ChargeStatus.DECLINED, gateway_ref=ref, code="authentication_required")
    if status == "canceled":
        return ChargeOutcome(status=ChargeStatus.DECLINED, gateway_ref=ref, code="canceled")
    if error:
        code = str(error.get("decline_code") or error.get("code") or "generic_decline")
        return ChargeOutcome(status=ChargeStatus.DECLINED, gateway_ref=ref, code=code)
    return ChargeOutcome(status=ChargeStatus.UNKNOWN, gateway_ref=ref)


def _captured(intent: stripe.PaymentIntent) -> CapturedPayment:
    metadata: Mapping[str, str] = intent.to_dict().get("metadata") or {}
    return CapturedPayment(
        key=metadata.get("q2c_key", ""),
        deal_id=metadata.get("deal_id", ""),
        invoice_id=metadata.get("invoice_id", ""),
        gateway_ref=intent.id,
        amount_minor=intent.amount_received,
        currency=intent.currency.upper(),
        captured_at=datetime.fromtimestamp(intent.created, tz=UTC),
    )


def _decline_code(refused: stripe.CardError) -> str:
    """The issuer's reason where there is one, else Stripe's own code."""
    error = refused.error
    return str((error.decline_code if error else None) or refused.code or "generic_decline")


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """Stripe's errors as ours: whatever leaves the effect open is unavailable, a definite no is refused."""
    try:
        yield
    except (stripe.APIConnectionError, stripe.RateLimitError) as lost:
        raise GatewayUnavailable(f"stripe: {lost}") from lost
    except (
        stripe.AuthenticationError,
        stripe.PermissionError,
        stripe.InvalidRequestError,
        stripe.IdempotencyError,
        stripe.CardError,
    ) as refused:
        raise GatewayRefused(f"stripe: {refused}") from refused
    except stripe.StripeError as unknown:  # 5xx, 409 (the same key is still running), an answer that cannot be read
        raise GatewayUnavailable(f"stripe: {unknown}") from unknown
