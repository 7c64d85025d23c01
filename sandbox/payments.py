"""One payment intent collects once: a card at once or not at all, a bank debit five days later."""

from __future__ import annotations

import re

from sandbox.behaviour import next_of_script
from sandbox.customers import declined, find, method_or_token, shown
from sandbox.door import Answer
from sandbox.forms import metadata, refuse, text, whole
from sandbox.instants import DAY, seconds
from sandbox.store import Data
from sandbox.tokens import TOKENS
from sandbox.world import World

DEBIT_TAKES = 5 * DAY
SMALLEST = {"gbp": 30, "sek": 300, "nok": 300, "dkk": 250, "huf": 17500, "czk": 1500, "pln": 200, "jpy": 50}
KNOWN = frozenset(
    {
        "amount",
        "automatic_payment_methods",
        "capture_method",
        "confirm",
        "confirmation_method",
        "currency",
        "customer",
        "description",
        "error_on_requires_action",
        "expand",
        "mandate",
        "mandate_data",
        "metadata",
        "off_session",
        "payment_method",
        "payment_method_types",
        "receipt_email",
        "return_url",
        "setup_future_usage",
        "statement_descriptor",
        "statement_descriptor_suffix",
    }
)
HOOKED = frozenset(
    {
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.requires_action",
        "payment_intent.canceled",
        "charge.refunded",
    }
)


def emit(world: World, account: str, kind: str, subject: Data, *, at: int | None = None, key: str = "") -> None:
    """Keep one Stripe event; the kinds a receiver subscribes to are delivered too."""
    at = world.clock.now(account) if at is None else at
    body = {
        "id": world.store.new_id("evt"),
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": seconds(at),
        "data": {"object": shown(subject)},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": key or None},
        "type": kind,
    }
    world.hooks.emit(account, "card", kind, at, body, deliver=kind in HOOKED)


def create_intent(world: World, account: str, form: Data, key: str) -> Answer:
    """Make and, with `confirm`, collect. A decline is a kept 402 answer with the intent inside."""
    if unknown := sorted(set(form) - KNOWN):
        raise refuse("parameter_unknown", f"Received unknown parameter: {unknown[0]}", param=unknown[0])
    confirm = text(form, "confirm") == "true"
    if text(form, "off_session") == "true" and not confirm:
        raise refuse("parameter_invalid", "off_session needs confirm=true.", param="off_session")
    intent = _drafted(world, account, form)
    customer = text(form, "customer")
    if customer:
        find(world, account, "customer", customer, param="customer")
    if text(form, "payment_method"):
        _take_method(world, account, intent, text(form, "payment_method"))
    elif confirm:
        raise refuse("parameter_missing", "A payment_method is needed to confirm.", param="payment_method")
    emit(world, account, "payment_intent.created", intent, key=key)
    if not confirm:
        world.store.put(account, "payment_intent", intent)
        return Answer(body=shown(intent))
    return _confirm(world, account, intent, key, off_session=text(form, "off_session") == "true")


def _drafted(world: World, account: str, form: Data) -> Data:
    amount, currency = whole(form, "amount"), text(form, "currency", required=True).lower()
    if not re.fullmatch("[a-z]{3}", currency):
        raise refuse("parameter_invalid", f"Invalid currency: {currency}.", param="currency")
    if amount < SMALLEST.get(currency, 50):
        raise refuse(
            "amount_too_small", f"The smallest charge is {SMALLEST.get(currency, 50)} {currency}.", param="amount"
        )
    if amount > 99_999_999:
        raise refuse("amount_too_large", "The largest charge is 99999999.", param="amount")
    ref = world.store.new_id("pi")
    return {
        "id": ref,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": 0,
        "canceled_at": None,
        "capture_method": "automatic",
        "client_secret": f"{ref}_secret_sandbox",
        "confirmation_method": "automatic",
        "created": seconds(world.clock.now(account)),
        "currency": currency,
        "customer": text(form, "customer") or None,
        "description": text(form, "description") or None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": metadata(form),
        "next_action": None,
        "payment_method": None,
        "payment_method_types": ["card"],
        "status": "requires_payment_method",
    }


def _take_method(world: World, account: str, intent: Data, ref: str) -> None:
    method = method_or_token(world, account, ref)
    if method["customer"] is not None and method["customer"] != intent["customer"]:
        raise refuse(
            "payment_method_customer_mismatch",
            "The payment method belongs to another customer.",
            param="payment_method",
        )
    if method["type"] == "sepa_debit" and intent["currency"] != "eur":
        raise refuse("payment_intent_invalid_parameter", "sepa_debit collects eur only.", param="currency")
    intent |= {
        "payment_method": method["id"],
        "payment_method_types": [method["type"]],
        "status": "requires_confirmation",
    }


def confirm_intent(world: World, account: str, ref: str, form: Data, key: str) -> Answer:
    intent = find(world, account, "payment_intent", ref)
    if intent["status"] not in {"requires_confirmation", "requires_payment_method"}:
        raise refuse("payment_intent_unexpected_state", f"The payment intent is {intent['status']}.")
    if text(form, "payment_method"):
        _take_method(world, account, intent, text(form, "payment_method"))
    if intent["payment_method"] is None:
        raise refuse("parameter_missing", "A payment_method is needed to confirm.", param="payment_method")
    return _confirm(world, account, intent, key, off_session=text(form, "off_session") == "true")


def cancel_intent(world: World, account: str, ref: str) -> Answer:
    intent = find(world, account, "payment_intent", ref)
    if intent["status"] in {"succeeded", "processing", "canceled"}:
        raise refuse("payment_intent_unexpected_state", f"The payment intent is {intent['status']}.")
    intent |= {"status": "canceled", "canceled_at": seconds(world.clock.now(account))}
    world.store.put(account, "payment_intent", intent)
    emit(world, account, "payment_intent.canceled", intent)
    return Answer(body=shown(intent))


def _confirm(world: World, account: str, intent: Data, key: str, *, off_session: bool) -> Answer:
    method = find(world, account, "payment_method", intent["payment_method"])
    customer = world.store.get(account, "customer", intent["customer"] or "") or {}
    outcome = next_of_script(world.store, account, customer.get("email") or "") or TOKENS[method["_token"]].at_charge
    if outcome == "authentication_required" and not off_session:
        intent |= {"status": "requires_action", "next_action": {"type": "use_stripe_sdk", "use_stripe_sdk": {}}}
        world.store.put(account, "payment_intent", intent)
        emit(world, account, "payment_intent.requires_action", intent, key=key)
        return Answer(body=shown(intent))
    charge = _new_charge(world, account, intent)
    if method["type"] == "sepa_debit":
        intent |= {"status": "processing", "latest_charge": charge["id"]}
        world.store.put(account, "charge", charge)
        world.store.put(account, "payment_intent", intent)
        at = world.clock.now(account)
        world.clock.later(
            account, at + DEBIT_TAKES, "card.settle", {"intent": intent["id"], "outcome": outcome, "key": key}
        )
        _log(world, account, "charge.pending", charge, at, key)
        emit(world, account, "payment_intent.processing", intent, key=key)
        return Answer(body=shown(intent))
    return _settle(world, account, intent, charge, outcome, world.clock.now(account), key)


def settle_debit(world: World, account: str, at: int, data: Data) -> None:
    """The fifth day of a bank debit: the money is there, or the bank says why not."""
    intent = find(world, account, "payment_intent", data["intent"])
    charge = find(world, account, "charge", intent["latest_charge"])
    _settle(world, account, intent, charge, data["outcome"], at, data["key"])


def _settle(world: World, account: str, intent: Data, charge: Data, outcome: str, at: int, key: str) -> Answer:
    if outcome == "succeed":
        charge |= {"status": "succeeded", "paid": True, "captured": True, "amount_captured": charge["amount"]}
        intent |= {"status": "succeeded", "amount_received": intent["amount"], "latest_charge": charge["id"]}
        intent["last_payment_error"] = None
        body = shown(intent)
    else:
        charge |= {"status": "failed", "failure_code": outcome, "failure_message": f"Declined: {outcome}."}
        error = declined(outcome, charge=charge["id"])["error"]
        error["payment_method"] = shown(find(world, account, "payment_method", intent["payment_method"]))
        # As Stripe does: the failed method leaves the intent, which waits for another one.
        intent |= {"status": "requires_payment_method", "latest_charge": charge["id"], "payment_method": None}
        intent["last_payment_error"] = error
        body = declined(
            outcome, charge=charge["id"], payment_intent=shown(intent), payment_method=error["payment_method"]
        )
    world.store.put(account, "charge", charge)
    world.store.put(account, "payment_intent", intent)
    captured = outcome == "succeed"
    late = intent["payment_method_types"] == ["sepa_debit"]
    _log(
        world,
        account,
        "charge.captured" if captured else "charge.failed" if late else "charge.declined",
        charge,
        at,
        key,
    )
    emit(
        world,
        account,
        "payment_intent.succeeded" if captured else "payment_intent.payment_failed",
        intent,
        at=at,
        key=key,
    )
    return Answer(status=200 if captured else 402, body=body)


def _new_charge(world: World, account: str, intent: Data) -> Data:
    return {
        "id": world.store.new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "captured": False,
        "created": seconds(world.clock.now(account)),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": intent["metadata"],
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "refunded": False,
        "status": "pending",
    }


def _log(world: World, account: str, kind: str, charge: Data, at: int, key: str) -> None:
    world.log(
        account,
        "card",
        kind,
        at=at,
        key=charge["metadata"].get("q2c_key") or key,
        subject=charge["payment_intent"],
        amount_minor=charge["amount"],
        currency=charge["currency"].upper(),
        charge=charge["id"],
        code=charge["failure_code"] or "",
        metadata=charge["metadata"],
    )
