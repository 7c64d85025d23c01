"""Plain JSON over HTTP to a party outside: no usable answer is unavailable, a definite 4xx is refused."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import httpx

from gateways.ports import GatewayRefused, GatewayUnavailable

TIMEOUT_SECONDS = 10
# 408, 425 and 429 ask for another try; 409 means the same key is still running or another body came first.
PASSING = frozenset({408, 425, 429})


def http_client() -> httpx.AsyncClient:
    """One pool of connections for all parties of one process; belongs to the event loop that first uses it."""
    return httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False)


class JsonParty:
    """One account at one party, addressed by its bearer token."""

    def __init__(self, *, name: str, url: str, token: str, client: httpx.AsyncClient | None = None) -> None:
        self._name, self._url = name, url.rstrip("/")
        self._client = client or http_client()
        self._headers = {"authorization": f"Bearer {token}"}

    async def post(self, path: str, body: dict[str, Any], *, key: str) -> dict[str, Any]:
        """Send once under `key`. Raises GatewayUnavailable or GatewayRefused."""
        headers = {**self._headers, "idempotency-key": key}
        try:
            response = await self._client.post(self._url + path, json=body, headers=headers)
        except httpx.HTTPError as lost:
            raise GatewayUnavailable(f"{self._name}: {type(lost).__name__} {lost}") from lost
        return self._read(response)

    def _read(self, response: httpx.Response) -> dict[str, Any]:
        try:
            body = response.json()
        except ValueError:
            body = None
        status = response.status_code
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in PASSING or not isinstance(body, dict):
            raise GatewayUnavailable(f"{self._name}: status {status}")
        if status == HTTPStatus.CONFLICT and body.get("error") == "idempotency_key_in_use":
            raise GatewayUnavailable(f"{self._name}: {body.get('message', '')}")
        if status >= HTTPStatus.BAD_REQUEST:
            reason = body.get("message") or body.get("error") or f"status {status}"
            raise GatewayRefused(f"{self._name}: {reason}")
        return body
