"""Webhooks by the public Standard Webhooks scheme are believed only signed, and only within 300 seconds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from gateways.ports import WebhookRefused


def verified(headers: Mapping[str, str], body: bytes, secret: str) -> dict[str, Any]:
    """The JSON object of a webhook. `secret` is base64, with or without `whsec_`. Raises WebhookRefused."""
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
        read = json.loads(body)
    except WebhookVerificationError as wrong:
        raise WebhookRefused(str(wrong)) from wrong
    except ValueError as wrong:  # a signature that is no base64, a body that is no JSON
        raise WebhookRefused(f"unreadable: {wrong}") from wrong
    if not isinstance(read, dict):
        raise WebhookRefused("the body is not one JSON object")
    return read
