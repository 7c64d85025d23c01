"""A webhook is believed only signed and fresh; each event is kept once, and what fits nothing is kept and shown."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from standardwebhooks import Webhook

from models.database import Database
from settings import Settings
from tests.api.conftest import ENTITY, Caller

HAPPENED = "2026-03-01T09:00:00+00:00"
ENVELOPE: dict[str, Any] = {
    "id": "evt_1",
    "account": "acme-de",
    "timestamp": HAPPENED,
    "data": {"id": "env_1", "status": "signed", "document_sha256": "a" * 64, "signer": {"name": "Gina"}, "reason": ""},
}
STATEMENT: dict[str, Any] = {
    "id": "evt_2",
    "account": "acme-de",
    "data": {
        "statement_id": "s_1",
        "bank_account": ENTITY["bank_account"],
        "lines": [
            {
                "line_id": "l_1",
                "booked_on": "2026-03-01",
                "amount_minor": 29750,
                "currency": "EUR",
                "payer": "Globex",
                "reference": "ACME-DE-000001",
            }
        ],
    },
}
INTENT: dict[str, Any] = {
    "id": "evt_3",
    "type": "payment_intent.succeeded",
    "created": 1772355600,
    "data": {
        "object": {
            "id": "pi_1",
            "object": "payment_intent",
            "status": "succeeded",
            "amount_received": 29750,
            "metadata": {"q2c_key": "d_1/charge/inv_1/1", "deal_id": "d_1"},
        }
    },
}


def standard(secret: str, body: dict[str, Any], *, age: int = 0) -> tuple[bytes, dict[str, str]]:
    """A signed Standard Webhooks request, `age` seconds old."""
    at = datetime.fromtimestamp(datetime.now(tz=UTC).timestamp() - age, tz=UTC)
    raw = json.dumps(body)
    signature = Webhook(secret).sign(body["id"], at, raw)
    headers = {"webhook-id": body["id"], "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}
    return raw.encode(), headers


def stripes(secret: str, body: dict[str, Any], *, age: int = 0) -> tuple[bytes, dict[str, str]]:
    """A request signed as Stripe signs."""
    raw = json.dumps(body)
    stamp = int(datetime.now(tz=UTC).timestamp()) - age
    signature = hmac.new(secret.encode(), f"{stamp}.{raw}".encode(), hashlib.sha256).hexdigest()
    return raw.encode(), {"stripe-signature": f"t={stamp},v1={signature}"}


def signed(party: str, settings: Settings, body: dict[str, Any], *, age: int = 0) -> tuple[bytes, dict[str, str]]:
    """As the party signs it."""
    secrets = {
        "stripe": settings.stripe_webhook_secret,
        "signature": settings.signature_secret,
        "bank": settings.bank_secret,
    }
    sign = stripes if party == "stripe" else standard
    return sign(secrets[party].get_secret_value(), body, age=age)


async def kept(database: Database) -> list[tuple[Any, ...]]:
    query = text("SELECT provider, event_id, kind, status, deal_id FROM inbox ORDER BY provider, event_id")
    async with database.session() as session:
        return [tuple(row) for row in (await (await session.connection()).execute(query)).all()]


PARTIES = [("stripe", INTENT), ("signature", ENVELOPE), ("bank", STATEMENT)]


@pytest.mark.parametrize(("party", "body"), PARTIES)
async def test_a_wrong_or_old_signature_is_refused_and_nothing_kept(
    party: str, body: dict[str, Any], client: httpx.AsyncClient, settings: Settings, database: Database
) -> None:
    raw, headers = signed(party, settings, body)
    other = signed("signature" if party == "bank" else "bank", settings, body)
    wrong = [(raw + b" ", headers), (raw, {}), other, (b"", headers), (b"\xff", headers)]
    for age in (301, -310, *(0 for _ in wrong)):  # what comes from the future does so at the moment it is sent
        sent, said = signed(party, settings, body, age=age) if age else wrong.pop()
        answer = await client.post(f"/webhooks/{party}", content=sent, headers=said)
        assert (answer.status_code, answer.json()["type"]) == (400, "urn:q2c:problem:WebhookRefused")
    assert await kept(database) == []


async def test_what_fits_no_deal_is_kept_as_unexpected_once(
    client: httpx.AsyncClient, settings: Settings, database: Database
) -> None:
    answers = []
    for _ in range(3):
        raw, headers = signed("stripe", settings, INTENT)
        answers.append((await client.post("/webhooks/stripe", content=raw, headers=headers)).json()["status"])
    assert answers == ["unexpected", "known", "known"]
    raw, headers = signed("signature", settings, ENVELOPE)
    nobodys = await client.post("/webhooks/signature", content=raw, headers=headers)
    assert (nobodys.status_code, nobodys.json()) == (200, {"status": "unexpected"})
    raw, headers = signed("bank", settings, STATEMENT)
    nobody = await client.post("/webhooks/bank", content=raw, headers=headers)
    assert (nobody.status_code, nobody.json()) == (200, {"status": "unexpected"})
    assert await kept(database) == [
        ("bank", "evt_2", "statement", "unexpected", None),
        ("signature", "evt_1", "signature", "unexpected", None),
        ("stripe", "evt_3", "payment", "unexpected", None),
    ]


async def test_a_fact_is_kept_before_anybody_is_told(
    client: httpx.AsyncClient, settings: Settings, database: Database, as_: dict[str, Caller]
) -> None:
    """The workflow server is away: the provider is answered all the same, and the relay has something to do."""
    await as_["admin"].post("/v1/entities", ENTITY)
    raw, headers = signed("bank", settings, STATEMENT)
    answer = await client.post("/webhooks/bank", content=raw, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"status": "new"})
    assert await kept(database) == [("bank", "evt_2", "statement", "new", None)]
    query = text("SELECT b.entity_id FROM bank_statements b JOIN inbox i ON i.id = b.id")
    async with database.session() as session:
        assert (await (await session.connection()).execute(query)).scalars().all() == ["acme-de"]
