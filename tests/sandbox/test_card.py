"""The card gateway against the official library: what Stripe does, it does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import stripe  # noqa: TID251 - the sandbox is held to the official library

from gateways.stripe import http_client
from tests.outside import Account


@dataclass
class Shop:
    account: Account
    stripe: Any
    customer: str
    card: str

    async def pay(self, key: str, amount: int = 5000, **more: Any) -> Any:
        params = {
            "amount": amount,
            "currency": "eur",
            "customer": self.customer,
            "payment_method": self.card,
            "off_session": True,
            "confirm": True,
            **more,
        }
        return await self.stripe.payment_intents.create_async(params, {"idempotency_key": key})

    async def captured(self) -> list[int]:
        return [entry["amount_minor"] for entry in await self.account.log("charge.captured")]


@pytest.fixture
async def shop(account: Account) -> AsyncIterator[Shop]:
    client = http_client()
    api = stripe.StripeClient(
        f"sk_{account.name}",
        base_addresses={"api": f"{account.sandbox.url}/stripe"},
        http_client=client,
        max_network_retries=0,
    ).v1
    customer = await api.customers.create_async({"email": "buyer@example.test", "name": "Buyer"})
    card = await api.payment_methods.attach_async("pm_card_visa", {"customer": customer.id})
    yield Shop(account, api, customer.id, card.id)
    await client.close_async()  # type: ignore[no-untyped-call]


async def test_the_same_key_and_body_gets_the_same_bytes_and_charges_once(shop: Shop) -> None:
    first, second = await shop.pay("k1"), await shop.pay("k1")

    assert first.last_response.body == second.last_response.body
    assert second.last_response.headers["idempotent-replayed"] == "true"
    assert await shop.captured() == [5000]


async def test_the_same_key_with_another_body_is_refused_and_charges_nothing(shop: Shop) -> None:
    await shop.pay("k1")

    with pytest.raises(stripe.IdempotencyError) as refused:
        await shop.pay("k1", amount=5001)

    assert refused.value.http_status == 400
    assert await shop.captured() == [5000]


async def test_a_key_is_forgotten_after_24_hours_of_the_account_but_its_metadata_is_not(shop: Shop) -> None:
    await shop.account.clock("2026-01-31T00:00:00Z")
    first = await shop.pay("k1", metadata={"q2c_key": "d'1/charge"})
    await shop.account.clock("2026-01-31T23:59:59Z")
    assert (await shop.pay("k1", metadata={"q2c_key": "d'1/charge"})).id == first.id

    await shop.account.clock("2026-02-01T00:00:00Z")
    second = await shop.pay("k1", metadata={"q2c_key": "d'1/charge"})

    assert second.id != first.id
    found = await shop.stripe.payment_intents.search_async({"query": "metadata['q2c_key']:'d\\'1/charge'"})
    assert [intent.id for intent in found.data] == [second.id, first.id]


async def test_a_decline_is_a_402_with_code_and_intent_and_is_replayed_as_such(shop: Shop) -> None:
    await shop.account.control(
        "behaviour", party="card", email="buyer@example.test", script=["insufficient_funds", "succeed"]
    )

    answers = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as declined:
            await shop.pay("k1")
        answers.append(declined.value)

    error: Any = answers[0].error
    assert (answers[0].http_status, answers[0].code, error.decline_code) == (402, "card_declined", "insufficient_funds")
    assert error.payment_intent.status == "requires_payment_method"
    assert answers[0].http_body == answers[1].http_body
    assert await shop.captured() == []
    assert (await shop.pay("k2")).status == "succeeded"  # another key takes the next entry, which then stays
    assert (await shop.pay("k3")).status == "succeeded"


@pytest.mark.parametrize(
    ("token", "code", "decline_code"),
    [
        ("pm_card_chargeCustomerFail", "card_declined", "generic_decline"),
        ("pm_card_radarBlock", "card_declined", "fraudulent"),
        ("pm_card_authenticationRequired", "authentication_required", "authentication_required"),
    ],
)
async def test_test_cards_that_fail_when_charged(shop: Shop, token: str, code: str, decline_code: str) -> None:
    shop.card = (await shop.stripe.payment_methods.attach_async(token, {"customer": shop.customer})).id

    with pytest.raises(stripe.CardError) as declined:
        await shop.pay("k1")

    error: Any = declined.value.error
    assert (declined.value.code, error.decline_code) == (code, decline_code)
    assert await shop.captured() == []


async def test_on_session_an_authentication_is_asked_for_instead(shop: Shop) -> None:
    shop.card = (
        await shop.stripe.payment_methods.attach_async("pm_card_authenticationRequired", {"customer": shop.customer})
    ).id

    intent = await shop.pay("k1", off_session=False)

    assert (intent.status, intent.next_action.type) == ("requires_action", "use_stripe_sdk")
    assert await shop.captured() == []


async def test_a_card_that_stripe_refuses_at_attach_never_becomes_a_method(shop: Shop) -> None:
    with pytest.raises(stripe.CardError) as refused:
        await shop.stripe.payment_methods.attach_async(
            "pm_card_visa_chargeDeclinedInsufficientFunds", {"customer": shop.customer}
        )

    error: Any = refused.value.error
    assert error.decline_code == "insufficient_funds"
    assert len(await shop.account.log("method.attached")) == 1


@pytest.mark.parametrize(
    ("script", "status"), [("succeed", "succeeded"), ("insufficient_funds", "requires_payment_method")]
)
async def test_a_bank_debit_is_decided_on_the_fifth_day(shop: Shop, script: str, status: str) -> None:
    await shop.account.clock("2026-03-01T09:00:00Z")
    await shop.account.control("behaviour", party="card", email="buyer@example.test", script=[script])
    shop.card = (await shop.stripe.payment_methods.attach_async("pm_sepaDebit", {"customer": shop.customer})).id

    intent = await shop.pay("k1")
    assert intent.status == "processing"
    moved = await shop.account.clock("2026-03-06T08:59:59Z")
    assert (moved["next_at"], moved["performed"]) == ("2026-03-06T09:00:00+00:00", 0)
    assert await shop.captured() == []
    moved = await shop.account.clock("2026-03-07T00:00:00Z")

    assert (moved["performed"], moved["delivered"], moved["next_at"]) == (1, 1, None)
    assert (await shop.stripe.payment_intents.retrieve_async(intent.id)).status == status
    assert await shop.captured() == ([5000] if script == "succeed" else [])
    event = (await shop.stripe.events.list_async({"limit": 1})).data[0]
    assert event.created == 1772787600  # 2026-03-06 09:00 UTC
    assert event.type == ("payment_intent.succeeded" if script == "succeed" else "payment_intent.payment_failed")


async def test_refunds_never_exceed_what_was_captured(shop: Shop) -> None:
    intent = await shop.pay("k1")
    await shop.stripe.refunds.create_async({"payment_intent": intent.id, "amount": 3000}, {"idempotency_key": "r1"})

    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        await shop.stripe.refunds.create_async({"payment_intent": intent.id, "amount": 2001})
    rest = await shop.stripe.refunds.create_async({"payment_intent": intent.id})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await shop.stripe.refunds.create_async({"payment_intent": intent.id, "amount": 1})

    assert (rest.amount, refused.value.code) == (2000, "charge_already_refunded")
    assert [entry["amount_minor"] for entry in await shop.account.log("refund.created")] == [3000, 2000]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"amount": 49}, "amount_too_small"),
        ({"amount": "12.50"}, "parameter_invalid_integer"),
        ({"currency": "euro"}, "parameter_invalid"),
        ({"customer": "cus_nobody"}, "resource_missing"),
        ({"payment_method": "pm_none"}, "resource_missing"),
        ({"confirm": False}, "parameter_invalid"),
        ({"colour": "red"}, "parameter_unknown"),
    ],
)
async def test_wrong_requests_are_refused_and_their_key_stays_free(
    shop: Shop, wrong: dict[str, Any], code: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await shop.pay("k1", **wrong)

    assert refused.value.code == code
    assert await shop.captured() == []
    assert (await shop.pay("k1")).status == "succeeded"


async def test_a_key_is_needed_and_accounts_do_not_see_each_other(shop: Shop) -> None:
    assert (await shop.account.http.get("/stripe/v1/events", headers={"authorization": ""})).status_code == 401
    foreign = await shop.account.http.get(
        f"/stripe/v1/customers/{shop.customer}", headers={"authorization": "Bearer sk_other"}
    )
    assert (foreign.status_code, foreign.json()["error"]["code"]) == (404, "resource_missing")


async def test_lists_page_by_cursor(shop: Shop) -> None:
    made = [(await shop.pay(f"k{number}")).id for number in range(5)]

    page = await shop.stripe.payment_intents.list_async({"limit": 2})
    every = [intent.id async for intent in page.auto_paging_iter()]
    since = await shop.stripe.payment_intents.list_async({"limit": 2, "created": {"gte": 1}, "customer": shop.customer})

    assert every == made[::-1]
    assert [intent.id for intent in since.data] == made[:2:-1]
    assert since.has_more is True


async def test_a_card_belongs_to_one_customer(shop: Shop) -> None:
    other = await shop.stripe.customers.create_async({"email": "other@example.test"})

    with pytest.raises(stripe.InvalidRequestError) as refused:
        await shop.pay("k1", customer=other.id)

    assert refused.value.code == "payment_method_customer_mismatch"
    assert await shop.captured() == []
