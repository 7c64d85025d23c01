"""People's inboxes in the sandbox, and the pages behind the one-click links in them, for whoever decides in a test."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

LINK = re.compile(r"/a/[A-Za-z0-9._~-]+")


def nonce_in(page: str, verb: str) -> str:
    """What the page's form for this verb carries; '' where it has none."""
    found = re.search(rf'value="{verb}"><input type="hidden" name="nonce" value="([^"]+)"', page)
    return str(found[1]) if found else ""


def outcome(answer: httpx.Response) -> str:
    """What a form was answered: the word of its redirect, or its status."""
    query = parse_qs(urlsplit(answer.headers.get("location", "")).query)
    return str(query.get("said", [answer.status_code])[0])


@dataclass(frozen=True, kw_only=True)
class Inbox:
    """`outside` is the sandbox, `api` serves the pages; `channels`: who reads chat, and where. The others read mail."""

    api: httpx.AsyncClient
    outside: httpx.AsyncClient
    channels: Mapping[str, str] = field(default_factory=dict)
    patience: float = 150.0

    async def texts(self, person: str) -> list[str]:
        """All that a person was told, oldest first."""
        if person in self.channels:
            answer = await self.outside.get("/control/slack", params={"channel": self.channels[person]})
            return [json.dumps(post, ensure_ascii=False) for post in answer.json()["posts"]]
        answer = await self.outside.get("/control/mails", params={"to": person})
        return [f"{mail['subject']}\n{mail['body']}" for mail in answer.json()["mails"]]

    async def links(self, person: str, name: str, version: int) -> list[str]:
        """The paths of the links to that version of the deal of that name, oldest first."""
        about = re.compile(rf"{re.escape(name)}\b.*\(version {version}\)", re.DOTALL)
        found = [LINK.search(text) for text in await self.texts(person) if about.search(text)]
        return [each[0] for each in found if each]

    async def asked(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Ask, and ask again where nobody answered: a connection that was lost, a server that is not well."""
        until = time.monotonic() + self.patience
        while time.monotonic() < until:
            try:
                answer = await self.api.request(method, path, **request)
            except httpx.TransportError:
                await asyncio.sleep(0.2)
                continue
            if answer.status_code < 500:
                return answer
            await asyncio.sleep(0.3)
        raise TimeoutError(f"{method} {path} was not answered in {self.patience:.0f} s")
