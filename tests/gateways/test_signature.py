"""An envelope is closed once, and its webhook returns the hash of what the provider holds."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateways.ports import EnvelopeRequest, GatewayRefused, GatewayUnavailable, SignatureEvent, WebhookRefused
from gateways.signature import read_event
from tests.outside import Account, Receiver

DOCUMENT = b"%PDF-1.7 order form"
REQUEST = EnvelopeRequest(
    key="d_1/send/1",
    deal_id="d_1",
    title="Order form 1",
    signer_name="Ada Byron",
    signer_email="ada@example.test",
    document=DOCUMENT,
    document_sha256=hashlib.sha256(DOCUMENT).hexdigest(),
    expires_at=datetime(2026, 1, 31, tzinfo=UTC),
)


async def _events(account: Account, receiver: Receiver, count: int = 1) -> list[SignatureEvent]:
    webhooks = await receiver.until(account.name, count)
    return [read_event(one.headers, one.body, account.sandbox.signature_secret) for one in webhooks]


async def test_a_signer_signs_a_day_later_what_was_sent(account: Account, receiver: Receiver) -> None:
    await account.clock("2026-01-01T09:00:00Z")
    envelope = await account.parties.signatures.send(REQUEST)
    assert await account.parties.signatures.send(REQUEST) == envelope

    moved = await account.clock("2026-03-01T00:00:00Z")

    assert (moved["performed"], moved["next_at"]) == (1, None)  # its expiry is no longer in store
    [event] = await _events(account, receiver)
    assert event == SignatureEvent(
        event_id=event.event_id,
        envelope_id=envelope,
        kind="signed",
        document_sha256=REQUEST.document_sha256,
        signer_name="Ada Byron",
        reason="",
        happened_at=datetime(2026, 1, 2, 9, tzinfo=UTC),
        account=account.name,
    )
    held = await account.http.get(f"/signature/envelopes/{envelope}/document")
    assert held.content == DOCUMENT


@pytest.mark.parametrize(
    ("acts", "kind", "reason", "happened_at"),
    [
        (
            {"action": "decline", "after_hours": 2, "reason": "too dear"},
            "declined",
            "too dear",
            datetime(2026, 1, 1, 11, tzinfo=UTC),
        ),
        ({"action": "ignore"}, "expired", "", datetime(2026, 1, 31, tzinfo=UTC)),
        ({"action": "sign", "after_hours": 24 * 90}, "expired", "", datetime(2026, 1, 31, tzinfo=UTC)),
    ],
)
async def test_an_envelope_may_be_declined_or_expire(
    account: Account, receiver: Receiver, acts: dict[str, object], kind: str, reason: str, happened_at: datetime
) -> None:
    await account.clock("2026-01-01T09:00:00Z")
    await account.control("behaviour", party="signature", email="ada@example.test", **acts)
    await account.parties.signatures.send(REQUEST)

    await account.clock("2027-01-01T00:00:00Z")

    [event] = await _events(account, receiver)
    assert (event.kind, event.reason, event.happened_at) == (kind, reason, happened_at)


async def test_a_voided_envelope_is_never_signed_and_voiding_twice_is_no_error(
    account: Account, receiver: Receiver
) -> None:
    await account.clock("2026-01-01T09:00:00Z")
    envelope = await account.parties.signatures.send(REQUEST)

    await account.parties.signatures.void(key="v1", envelope_id=envelope, reason="superseded")
    await account.parties.signatures.void(key="v2", envelope_id=envelope, reason="again")
    await account.clock("2026-03-01T00:00:00Z")

    [event] = await _events(account, receiver)
    assert (event.kind, event.reason) == ("voided", "superseded")
    with pytest.raises(GatewayRefused):
        await account.parties.signatures.void(key="v3", envelope_id="env_none", reason="")


async def test_a_document_that_is_not_its_hash_is_refused(account: Account) -> None:
    with pytest.raises(GatewayRefused, match="SHA-256"):
        await account.parties.signatures.send(replace(REQUEST, document=DOCUMENT + b" "))

    assert await account.log(party="signature") == []


async def test_a_provider_that_holds_something_else_says_so(account: Account, receiver: Receiver) -> None:
    await account.clock("2026-01-01T09:00:00Z")
    await account.control("behaviour", party="signature", email="*", tamper=True)
    await account.parties.signatures.send(REQUEST)
    await account.clock("2026-01-03T00:00:00Z")

    [event] = await _events(account, receiver)
    assert event.kind == "signed"
    assert event.document_sha256 != REQUEST.document_sha256


async def test_a_lost_answer_is_the_same_envelope(account: Account) -> None:
    await account.control("faults", script=["lost"])

    with pytest.raises(GatewayUnavailable):
        await account.parties.signatures.send(REQUEST)
    envelope = await account.parties.signatures.send(REQUEST)

    assert [entry["subject"] for entry in await account.log("envelope.sent")] == [envelope]


async def test_on_the_wall_clock_a_signature_comes_by_itself(account: Account, receiver: Receiver) -> None:
    await account.control("behaviour", party="signature", email="ada@example.test", action="sign", after_hours=0)
    await account.parties.signatures.send(replace(REQUEST, expires_at=datetime(2100, 1, 1, tzinfo=UTC)))

    [event] = await _events(account, receiver)

    assert event.kind == "signed"


async def test_a_webhook_is_believed_only_signed(account: Account, receiver: Receiver) -> None:
    await account.control("behaviour", party="signature", email="ada@example.test", after_hours=0)
    await account.parties.signatures.send(replace(REQUEST, expires_at=datetime(2100, 1, 1, tzinfo=UTC)))
    [webhook] = await receiver.until(account.name, 1)
    secret, old = account.sandbox.signature_secret, {**webhook.headers, "webhook-timestamp": "1700000000"}

    for headers, body, against in (
        (webhook.headers, webhook.body, account.sandbox.bank_secret),
        (webhook.headers, webhook.body.replace(b"signed", b"sealed"), secret),
        (webhook.headers, b"[]", secret),
        (old, webhook.body, secret),
        ({}, webhook.body, secret),
        ({**webhook.headers, "webhook-signature": "v1,%%%"}, webhook.body, secret),
        ({**webhook.headers, "webhook-signature": "nonsense"}, webhook.body, secret),
    ):
        with pytest.raises(WebhookRefused):
            read_event(headers, body, against)
