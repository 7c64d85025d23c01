"""A charge whose answer was lost is asked about under its own key, later searched for, and never made twice."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.message import Retry, Verdict
from domain.outcome import Charged
from domain.payment import ChargeOutcome, ChargeStatus
from domain.step import StepKind
from gateways.ports import PaymentEvent
from sandbox.process import SandboxProcess
from tests.activities.hand import Hand, hand
from workflows.policies import GATEWAY_ATTEMPTS

SECOND_MONTH = datetime.fromisoformat("2027-01-31T23:00:00+00:00")
POSTED = {"cash_clearing": 59500, "deferred_revenue:team": -50000, "tax_payable": -9500}
ATTEMPTS = "SELECT attempt, status, code FROM payment_attempts ORDER BY started_at, attempt"


@pytest.fixture
async def h(database_url: str, outside: SandboxProcess) -> AsyncIterator[Hand]:
    """A deal in its first month, paid: the gateway knows the customer, so the next charge is one request."""
    async with hand(database_url, outside) as made:
        made.twice = False
        await made.sold()
        made.twice = True
        yield made


async def trouble(h: Hand, *script: str) -> None:
    await h.place.control("faults", account=h.place.entity, script=list(script))


async def charges(h: Hand) -> list[tuple[str, str]]:
    found = await h.place.effects("charge.captured", "charge.declined")
    return [(each["kind"], each["key"].rsplit("/", 1)[1]) for each in found]


def last(h: Hand) -> Any:
    outcome = h.performed[-1].outcome
    assert isinstance(outcome, Charged)
    return outcome.status, outcome.code


async def test_an_answer_lost_five_times_is_resolved_under_the_same_key(h: Hand) -> None:
    await trouble(h, *["lost"] * GATEWAY_ATTEMPTS)
    await h.until(SECOND_MONTH)
    assert last(h)[0] == ChargeStatus.UNKNOWN
    assert await charges(h) == [("charge.captured", "1")] * 2  # the money moved; nobody told us
    assert (await h.place.balances())["accounts_receivable"] == 29750
    await h.until(SECOND_MONTH + timedelta(minutes=10))
    assert h.performed[-1].step.kind is StepKind.RESOLVE
    assert last(h) == ("captured", "")
    assert await charges(h) == [("charge.captured", "1")] * 2
    assert await h.place.balances() == POSTED
    assert not h.deal.collections


async def test_a_charge_that_never_arrived_is_made_under_the_same_key(h: Hand) -> None:
    await trouble(h, *["error"] * GATEWAY_ATTEMPTS)
    await h.until(SECOND_MONTH)
    assert last(h)[0] == ChargeStatus.UNKNOWN
    assert await charges(h) == [("charge.captured", "1")]
    await h.until(SECOND_MONTH + timedelta(minutes=10))
    assert await charges(h) == [("charge.captured", "1")] * 2
    assert await h.place.rows(ATTEMPTS) == [(1, "captured", ""), (1, "captured", "")]
    assert await h.place.balances() == POSTED


async def test_after_a_day_the_gateway_is_searched_not_charged(h: Hand) -> None:
    """The gateway has forgotten the key by then: sent again, it would be a second charge."""
    await trouble(h, *["lost"] * GATEWAY_ATTEMPTS, *["error"] * (3 * GATEWAY_ATTEMPTS))
    await h.until(SECOND_MONTH + timedelta(hours=8))
    assert h.kinds()[-4:] == [StepKind.CHARGE, StepKind.RESOLVE, StepKind.RESOLVE, StepKind.RESOLVE]
    assert last(h)[0] == ChargeStatus.UNKNOWN
    await h.until(SECOND_MONTH + timedelta(hours=32))
    assert last(h) == ("captured", "")
    assert await charges(h) == [("charge.captured", "1")] * 2
    assert await h.place.balances() == POSTED


async def test_what_the_search_does_not_find_never_arrived_and_is_tried_anew(h: Hand) -> None:
    await trouble(h, *["error"] * (4 * GATEWAY_ATTEMPTS))
    await h.until(SECOND_MONTH + timedelta(hours=32))
    found = [done for done in h.performed if done.step.kind is StepKind.RESOLVE][-1]
    assert isinstance(found.outcome, Charged)
    assert (found.outcome.status, found.outcome.code) == ("declined", "never_arrived")
    await h.until(SECOND_MONTH + timedelta(days=3))
    assert await charges(h) == [("charge.captured", "1"), ("charge.captured", "2")]
    assert await h.place.balances() == POSTED


async def test_what_stays_unknown_parks_and_is_never_charged_anew(h: Hand) -> None:
    await trouble(h, *["lost"] * GATEWAY_ATTEMPTS, *["error"] * (5 * GATEWAY_ATTEMPTS))
    await h.until(SECOND_MONTH + timedelta(days=10))
    invoice = h.invoice_id
    assert h.deal.parkings == ((invoice, "nobody knows what became of the charge"),)
    assert await charges(h) == [("charge.captured", "1")] * 2
    assert await h.place.one("SELECT parked FROM deals") == f"{invoice}: nobody knows what became of the charge"
    await h.say(Retry(subject=invoice))  # an operator asks again: the search finds it
    assert not h.deal.parkings
    assert await charges(h) == [("charge.captured", "1")] * 2
    assert await h.place.balances() == POSTED


async def test_the_webhook_of_an_unknown_charge_settles_it(h: Hand) -> None:
    """A late answer of the first call finds its place; asked again, nothing is posted twice."""
    await trouble(h, *["lost"] * GATEWAY_ATTEMPTS)
    await h.until(SECOND_MONTH)
    captured = (await h.place.effects("charge.captured"))[-1]
    event = PaymentEvent(
        event_id="evt_1",
        kind="succeeded",
        gateway_ref=captured["subject"],
        key=captured["key"],
        deal_id=h.deal.id,
        outcome=ChargeOutcome(status=ChargeStatus.CAPTURED, gateway_ref=captured["subject"], captured_minor=29750),
        happened_at=SECOND_MONTH,
    )
    answer = await h.fact("stripe", "payment", event)
    assert (answer.verdict, len(h.deal.collections)) == (Verdict.ACCEPTED, 0)
    assert await h.place.balances() == POSTED
    again = await h.fact("stripe", "payment", event)
    assert again.verdict is Verdict.NOTHING_NEW
    assert await h.place.balances() == POSTED
    assert await h.place.one("SELECT count(*) FROM receipts") == 2


async def test_a_card_that_is_refused_when_it_is_attached_is_a_decline(
    database_url: str, outside: SandboxProcess
) -> None:
    async with hand(database_url, outside, account={"method_token": "pm_card_chargeDeclinedExpiredCard"}) as h:
        await h.sold()
        (collection,) = h.deal.collections
        assert (collection.decline, collection.attempts) == ("hard", 1)
        assert [name for name, _ in collection.rungs if name == "charge"] == []  # a dead card is not tried again
        assert await h.place.rows(ATTEMPTS) == [(1, "declined", "expired_card")]
