"""The signature provider: the order form goes out with its hash, and the webhook says which hash was signed."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime

from gateways.http import JsonParty
from gateways.ports import EnvelopeRequest, SignatureEvent, WebhookRefused
from gateways.webhooks import verified


class SignatureGateway(JsonParty):
    """The SignatureProvider port."""

    async def send(self, request: EnvelopeRequest) -> str:
        body = {
            "title": request.title,
            "document": base64.b64encode(request.document).decode(),
            "sha256": request.document_sha256,
            "signer": {"name": request.signer_name, "email": request.signer_email},
            "expires_at": request.expires_at.isoformat(),
            "metadata": {"q2c_key": request.key, "deal_id": request.deal_id},
        }
        return str((await self.post("/envelopes", body, key=request.key))["id"])

    async def void(self, *, key: str, envelope_id: str, reason: str) -> None:
        await self.post(f"/envelopes/{envelope_id}/void", {"reason": reason}, key=key)


def read_event(headers: Mapping[str, str], body: bytes, secret: str) -> SignatureEvent:
    """One webhook in our words. Raises WebhookRefused where it cannot be trusted or read."""
    event = verified(headers, body, secret)
    try:
        envelope = event["data"]
        return SignatureEvent(
            event_id=str(event["id"]),
            envelope_id=str(envelope["id"]),
            kind=str(envelope["status"]),
            document_sha256=str(envelope["document_sha256"]),
            signer_name=str(envelope["signer"]["name"]),
            reason=str(envelope["reason"]),
            happened_at=datetime.fromisoformat(event["timestamp"]),
            account=str(event["account"]),
        )
    except (KeyError, TypeError, ValueError) as unreadable:
        raise WebhookRefused(f"not a signature event: {unreadable!r}") from unreadable
