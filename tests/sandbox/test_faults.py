"""Trouble on purpose is repeatable, and an effect that was answered outlives the process."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path

import httpx
import pytest

from gateways.ports import ChargeRequest, GatewayUnavailable
from sandbox.faults import Faults, parse_rates
from sandbox.process import SandboxProcess
from tests.outside import Account, Receiver, account_at


def test_the_same_seed_draws_the_same_trouble() -> None:
    rates = parse_rates("lost=0.2, error=0.2, slow=0.1")

    def drawn(seed: int) -> list[str]:
        faults = Faults(seed=seed, rates=rates)
        return [faults.on_request("acc", f"key{number % 40}") for number in range(200)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert set(drawn(1)) == {"", "lost", "error", "slow"}


@pytest.mark.parametrize("text", ["lost", "lost=2", "lost=-0.1", "lots=0.1"])
def test_rates_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"fault|rate|float"):
        parse_rates(text)


async def _charge(account: Account, key: str, customer: str, card: str) -> str:
    """Until there is an answer, under the same key."""
    request = ChargeRequest(
        key=key,
        deal_id="d_1",
        invoice_id="inv_1",
        amount_minor=1200,
        currency="EUR",
        customer_ref=customer,
        method_ref=card,
    )
    while True:
        try:
            return (await account.parties.payments.charge(request)).gateway_ref
        except GatewayUnavailable:
            continue


async def _shopper(account: Account) -> tuple[str, str]:
    payments = account.parties.payments
    customer = await payments.ensure_customer(key="c", account_id="acc_1", name="Ada", email="ada@example.test")
    return customer, await payments.attach_method(key="m", customer_ref=customer, method_token="pm_card_visa")


async def test_a_hundred_charges_through_heavy_weather_charge_once_each(account: Account, receiver: Receiver) -> None:
    shopper = await _shopper(account)
    plan = {"faults": "lost=0.3,error=0.3,slow=0.05,hook_dup=0.3,hook_late=0.3,hook_shuffle=0.3", "slow_seconds": 0.01}
    await account.control("faults", **plan)
    try:
        refs = [await _charge(account, f"d_1/charge/{number}", *shopper) for number in range(100)]
    finally:
        await account.control("faults", faults="")

    captured = await account.log("charge.captured")
    assert Counter(entry["key"] for entry in captured) == Counter(f"d_1/charge/{number}" for number in range(100))
    assert [entry["subject"] for entry in captured] == refs
    while len({json.loads(one.body)["data"]["object"]["id"] for one in receiver.received[account.name]}) < 100:
        await receiver.until(account.name, len(receiver.received[account.name]) + 1)
    doubled = Counter(json.loads(one.body)["id"] for one in receiver.received[account.name])
    assert max(doubled.values()) == 2


async def test_a_webhook_may_overtake_its_own_answer(account: Account, receiver: Receiver) -> None:
    shopper = await _shopper(account)
    await account.control("faults", script=["late"], slow_seconds=2.0)  # other tests leave less

    charging = asyncio.create_task(_charge(account, "d_1/charge/1", *shopper))
    [webhook] = await receiver.until(account.name, 1)
    assert not charging.done()

    assert json.loads(webhook.body)["data"]["object"]["id"] == await charging


async def test_a_webhook_that_waits_outlives_sigkill(tmp_path: Path, receiver: Receiver) -> None:
    sandbox = SandboxProcess(data=tmp_path / "outside.db")
    sandbox.start()
    try:
        async with account_at(sandbox, receiver) as account:
            receiver.answers[account.name] = [503]
            ref = await _charge(account, "d_1/charge/1", *await _shopper(account))
            await receiver.until(account.name, 1)
            sandbox.kill()
            sandbox.start()

            refused, answered = await receiver.until(account.name, 2)
            assert refused.body == answered.body
            assert json.loads(answered.body)["data"]["object"]["id"] == ref
    finally:
        sandbox.stop()


async def test_while_a_key_is_running_another_try_is_sent_away(account: Account) -> None:
    shopper = await _shopper(account)
    await account.control("faults", script=["slow", "ok"], slow_seconds=2.0)
    request = {
        "amount": "500",
        "currency": "eur",
        "customer": shopper[0],
        "payment_method": shopper[1],
        "confirm": "true",
    }

    async def post() -> httpx.Response:
        return await account.http.post("/stripe/v1/payment_intents", data=request, headers={"idempotency-key": "k"})

    slow, meanwhile = sorted(await asyncio.gather(post(), post()), key=lambda answer: answer.status_code)

    assert slow.status_code == 200
    assert (meanwhile.status_code, meanwhile.json()["error"]["code"]) == (409, "idempotency_key_in_use")
    assert len(await account.log("charge.captured")) == 1


async def test_late_webhooks_wait_for_the_virtual_clock(account: Account, receiver: Receiver) -> None:
    await account.clock("2026-01-01T00:00:00Z")
    shopper = await _shopper(account)
    await account.control("faults", faults="hook_late=1")
    try:
        await _charge(account, "d_1/charge/1", *shopper)
    finally:
        await account.control("faults", faults="")
    assert receiver.received[account.name] == []

    moved = await account.clock("2026-01-01T12:00:00Z")

    assert moved["delivered"] == 1
    assert json.loads(receiver.received[account.name][0].body)["created"] == 1767225600  # said of the charge's instant


async def test_what_was_answered_outlives_sigkill(tmp_path: Path, receiver: Receiver) -> None:
    sandbox = SandboxProcess(data=tmp_path / "outside.db")
    sandbox.start()
    try:
        async with account_at(sandbox, receiver) as account:
            await account.clock("2026-01-01T00:00:00Z")
            shopper = await _shopper(account)
            debit = await account.parties.payments.attach_method(
                key="m2", customer_ref=shopper[0], method_token="pm_sepaDebit"
            )
            refs = [await _charge(account, f"d_1/charge/{number}", *shopper) for number in range(20)]
            pending = await _charge(account, "d_1/charge/debit", shopper[0], debit)
            sandbox.kill()
            sandbox.start()

            assert [await _charge(account, f"d_1/charge/{number}", *shopper) for number in range(20)] == refs
            assert [entry["subject"] for entry in await account.log("charge.captured")] == refs
            new = await _charge(account, "d_1/charge/new", *shopper)
            assert new not in refs
            await account.clock("2026-01-07T00:00:00Z")
            assert [entry["subject"] for entry in await account.log("charge.captured")] == [*refs, new, pending]
    finally:
        sandbox.stop()
