"""The demo speaks HTTP only: our API by each person's own key, and the outside's control, as the world around it would."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Any

import httpx

Json = Any

PATIENCE = 90.0  # seconds until a write that does not settle is given up
SHORT = 0.05
ACCEPTED, CONFLICT, UNAVAILABLE = 202, 409, 503
PAGE = 200
BROWSER = {"User-Agent": "Mozilla/5.0 (a customer of the demo)", "Accept": "text/html"}


class Refused(RuntimeError):
    """The API said no, or nothing in time: what was asked, and the problem's own words."""

    def __init__(self, asked: str, status: int, body: Json) -> None:
        problem = body if isinstance(body, Mapping) else {}
        self.status = status
        self.type = str(problem.get("type", "")).rpartition(":")[2]
        detail = " ".join(str(problem.get(name, "")) for name in ("detail", "where", "errors", "facts", "hint"))
        super().__init__(f"{asked}: {status} {self.type} {detail}".strip())


class Caller:
    """The API under one key."""

    def __init__(self, http: httpx.AsyncClient, key: str) -> None:
        self._http, self._key = http, key

    async def get(self, path: str, **params: object) -> Json:
        """One thing, or one page. Raises Refused."""
        said = {name: value for name, value in params.items() if value is not None}
        answer = await self._http.get(path, params=said, headers={"Authorization": f"Bearer {self._key}"})  # type: ignore[arg-type]
        return _read(f"GET {path}", answer)

    async def file(self, path: str) -> httpx.Response:
        """A file, as it is. Raises Refused."""
        answer = await self._http.get(path, headers={"Authorization": f"Bearer {self._key}"})
        if answer.is_error:
            _read(f"GET {path}", answer)
        return answer

    async def pages(self, path: str, **params: object) -> list[Json]:
        """Every item of a list, page by page."""
        found: list[Json] = []
        cursor = None
        while True:
            page = await self.get(path, limit=PAGE, cursor=cursor, **params)
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    async def post(self, path: str, body: Json = None, *, once: str, yaml: bytes | None = None) -> Json:
        """One write, settled: 202, and what asks to come again, is asked again under the same key. Raises Refused."""
        headers = {"Authorization": f"Bearer {self._key}", "Idempotency-Key": once}
        said: dict[str, Any] = {"json": {} if body is None else body}
        if yaml is not None:
            said = {"content": yaml}
            headers["Content-Type"] = "application/yaml"
        until = monotonic() + PATIENCE
        while True:
            answer = await self._http.post(path, headers=headers, **said)
            if not _again(answer) or monotonic() > until:
                return _read(f"POST {path}", answer)
            if answer.status_code != ACCEPTED:
                await asyncio.sleep(SHORT)


class World:
    """All that the demo talks to: `as_(key)` is our API for one person; the rest is the outside."""

    def __init__(self, api_url: str, outside_url: str) -> None:
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=32)
        self._api = httpx.AsyncClient(base_url=api_url, timeout=90, trust_env=False, limits=limits)
        self._outside = httpx.AsyncClient(base_url=outside_url, timeout=60, trust_env=False, limits=limits)
        self._browser = httpx.AsyncClient(headers=BROWSER, timeout=60, trust_env=False, follow_redirects=True)

    def as_(self, key: str) -> Caller:
        return Caller(self._api, key)

    async def tell(self, path: str, body: Json) -> Json:
        """Say something to the outside. Raises Refused."""
        return _read(f"POST {path}", await self._outside.post(path, json=body))

    async def ask(self, path: str, **params: str) -> Json:
        """Ask the outside for its own book. Raises Refused."""
        return _read(f"GET {path}", await self._outside.get(path, params=params))

    async def browse(self, url: str, form: Mapping[str, str] | None = None) -> httpx.Response:
        """A page as a customer's browser gets it, or the page that a form leads to."""
        return await (self._browser.get(url) if form is None else self._browser.post(url, data=form))

    async def close(self) -> None:
        await self._browser.aclose()
        await self._api.aclose()
        await self._outside.aclose()


def _again(answer: httpx.Response) -> bool:
    if answer.status_code == ACCEPTED:
        return True
    return answer.status_code in {CONFLICT, UNAVAILABLE} and "retry-after" in answer.headers


def _read(asked: str, answer: httpx.Response) -> Json:
    try:
        body = answer.json()
    except ValueError:
        body = {"detail": answer.text[:300]}
    if answer.is_error or answer.status_code == ACCEPTED:
        raise Refused(asked, answer.status_code, body)
    return body
