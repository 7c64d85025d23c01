"""Our port over the official library: every answer of the gateway in our words, nothing lost and nothing twice."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.payment import ChargeOutcome, ChargeStatus
from gateways.ports import (
    CapturedPayment,
    ChargeRequest,
    GatewayRefused,
    GatewayUnavailable,
    MethodRefused,
    WebhookRefused,
)
from gateways.stripe import read_event
from tests.outside import Account, Receiver

REQUEST = ChargeRequest(
    key="d_1/charge/inv_1/1",
    deal_id="d_1",
    invoice_id="inv_1",
    amount_minor=11900,
    currency="EUR",
    customer_ref="",
    method_ref="",
)


async def _request(account: Account, card: str = "pm_card_visa") -> ChargeRequest:
    payments = account.parties.payments
    customer = await payments.ensure_customer(
        key="acc_1/customer", account_id="acc_1", name="Ada", email="ada@example.test"
    )
    method = await payments.attach_method(key=f"acc_1/{card}", customer_ref=customer, method_token=card)
    return replace(REQUEST, customer_ref=customer, method_ref=method)


async def test_a_charge_is_captured_once_for_one_key(account: Account) -> None:
    request = await _request(account)

    first, second = [await account.parties.payments.charge(request) for _ in range(2)]

    assert first == second == ChargeOutcome(
        status=ChargeStatus.CAPTURED, gateway_ref=first.gateway_ref, captured_minor=11900
    )  # fmt: skip
    [entry] = await account.log("charge.captured")
    assert (entry["key"], entry["amount_minor"], entry["currency"]) == (request.key, 11900, "EUR")
    assert entry["data"]["metadata"] == {"q2c_key": request.key, "deal_id": "d_1", "invoice_id": "inv_1"}


async def test_the_same_account_is_the_same_customer_even_after_its_key_was_forgotten(account: Account) -> None:
    await account.clock("2026-01-01T00:00:00Z")
    first = await _request(account)
    await account.clock("2026-03-01T00:00:00Z")

    second = await _request(account)

    assert second.customer_ref == first.customer_ref
    assert len(await account.log("customer.created")) == 1


async def test_a_key_used_for_another_amount_is_refused(account: Account) -> None:
    request = await _request(account)
    await account.parties.payments.charge(request)

    with pytest.raises(GatewayRefused):
        await account.parties.payments.charge(replace(request, amount_minor=11901))

    assert [entry["amount_minor"] for entry in await account.log("charge.captured")] == [11900]


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("pm_card_chargeCustomerFail", "generic_decline"),
        ("pm_card_authenticationRequired", "authentication_required"),
        ("pm_card_radarBlock", "fraudulent"),
    ],
)
async def test_a_decline_is_a_value_with_its_code_and_intent(account: Account, token: str, code: str) -> None:
    outcome = await account.parties.payments.charge(await _request(account, token))

    [entry] = await account.log("charge.declined")
    assert outcome == ChargeOutcome(status=ChargeStatus.DECLINED, gateway_ref=entry["subject"], code=code)
    assert await account.log("charge.captured") == []


async def test_a_script_decides_charge_by_charge(account: Account) -> None:
    request = await _request(account)
    script = ["insufficient_funds", "expired_card", "succeed"]
    await account.control("behaviour", party="card", email="ada@example.test", script=script)

    outcomes = [
        await account.parties.payments.charge(replace(request, key=f"d_1/charge/inv_1/{number}")) for number in range(4)
    ]

    assert [outcome.code or outcome.status.value for outcome in outcomes] == [*script[:2], "captured", "captured"]


async def test_a_card_refused_at_attach_says_its_code(account: Account) -> None:
    with pytest.raises(MethodRefused) as refused:
        await _request(account, "pm_card_visa_chargeDeclinedInsufficientFunds")

    assert refused.value.code == "insufficient_funds"
    assert await account.log("method.attached") == []


@pytest.mark.parametrize("fault", ["lost", "error"])
async def test_an_answer_that_never_came_is_resolved_under_its_own_key(account: Account, fault: str) -> None:
    request = await _request(account)
    await account.control("faults", script=[fault])

    with pytest.raises(GatewayUnavailable):
        await account.parties.payments.charge(request)
    outcome = await account.parties.payments.charge(request)

    assert outcome.status is ChargeStatus.CAPTURED
    assert [entry["subject"] for entry in await account.log("charge.captured")] == [outcome.gateway_ref]


async def test_after_a_day_a_lost_charge_is_found_by_its_key_in_the_metadata(account: Account) -> None:
    await account.clock("2026-01-01T00:00:00Z")
    request = await _request(account)
    await account.control("faults", script=["lost"])
    with pytest.raises(GatewayUnavailable):
        await account.parties.payments.charge(request)
    await account.clock("2026-01-03T00:00:00Z")

    outcome = await account.parties.payments.find_charge(key=request.key)

    [entry] = await account.log("charge.captured")
    assert outcome == ChargeOutcome(
        status=ChargeStatus.CAPTURED, gateway_ref=entry["subject"], captured_minor=11900
    )  # fmt: skip
    assert await account.parties.payments.find_charge(key="d_1/charge/inv_1/it's another") is None


async def test_what_was_captured_is_listed_for_the_audit(account: Account) -> None:
    await account.clock("2026-01-01T00:00:00Z")
    request = await _request(account)
    await account.control("behaviour", party="card", email="ada@example.test", script=["lost_card", "succeed"])
    for number in (1, 2, 3):
        await account.parties.payments.charge(replace(request, key=f"d_1/charge/inv_1/{number}"))

    captured = await account.parties.payments.captured()

    assert [payment.key for payment in captured] == ["d_1/charge/inv_1/2", "d_1/charge/inv_1/3"]
    assert captured[0] == CapturedPayment(
        key="d_1/charge/inv_1/2", deal_id="d_1", invoice_id="inv_1", gateway_ref=captured[0].gateway_ref,
        amount_minor=11900, currency="EUR", captured_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


async def test_a_bank_debit_is_pending_and_its_failure_comes_by_webhook(account: Account, receiver: Receiver) -> None:
    await account.clock("2026-01-01T10:00:00Z")
    request = await _request(account, "pm_sepaDebit_failed")

    outcome = await account.parties.payments.charge(request)
    assert outcome == ChargeOutcome(status=ChargeStatus.PENDING, gateway_ref=outcome.gateway_ref)
    moved = await account.clock("2026-01-06T10:00:00Z")

    assert moved["delivered"] == 1
    [webhook] = receiver.received[account.name]
    event = read_event(webhook.body, webhook.headers["stripe-signature"], account.sandbox.stripe_secret)
    assert (event.kind, event.key, event.deal_id, event.gateway_ref) == (
        "failed", request.key, "d_1", outcome.gateway_ref,
    )  # fmt: skip
    assert event.outcome == replace(outcome, status=ChargeStatus.DECLINED, code="insufficient_funds")
    assert event.happened_at == datetime(2026, 1, 6, 10, tzinfo=UTC)


async def test_a_webhook_says_what_the_answer_said(account: Account, receiver: Receiver) -> None:
    outcome = await account.parties.payments.charge(await _request(account))

    [webhook] = await receiver.until(account.name, 1)
    event = read_event(webhook.body, webhook.headers["stripe-signature"], account.sandbox.stripe_secret)

    assert (webhook.path, event.kind, event.outcome) == ("webhooks/stripe", "succeeded", outcome)


async def test_a_webhook_is_believed_only_signed_and_fresh(
    account: Account, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    await account.parties.payments.charge(await _request(account))
    [webhook] = await receiver.until(account.name, 1)
    signature, secret = webhook.headers["stripe-signature"], account.sandbox.stripe_secret

    for payload, given, against in (
        (webhook.body, signature, "whsec_wrong"),
        (webhook.body.replace(b"11900", b"11901"), signature, secret),
        (webhook.body, "", secret),
        (webhook.body, "t=now,v1=00", secret),
        (b"\xff", signature, secret),
    ):
        with pytest.raises(WebhookRefused):
            read_event(payload, given, against)
    signed_at = int(signature.partition(",")[0].removeprefix("t="))
    for shift in (301, -301):
        monkeypatch.setattr(time, "time", lambda shift=shift: signed_at + shift)
        with pytest.raises(WebhookRefused, match="tolerance"):
            read_event(webhook.body, signature, secret)
