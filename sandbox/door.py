"""One door for every request: who asks, what goes wrong on purpose, and the same key gets the same answer."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request, Response
from starlette.types import Receive, Scope, Send

from sandbox.instants import DAY
from sandbox.store import Data, dumps
from sandbox.world import World, world_of

_in_flight: set[tuple[str, str, str]] = set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one request came to. `keep`: whether the same key is answered with these bytes from now on."""

    status: int = 200
    body: Data = field(default_factory=dict)
    keep: bool = True


class Refusal(Exception):
    """The request itself is wrong: nothing was done, and nothing is kept under its key."""

    def __init__(self, status: int, body: Data) -> None:
        super().__init__(body)
        self.status, self.body = status, body


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How one party words its own errors."""

    party: str
    error: Callable[[int, str, str], Data]  # status, code, message
    keeps_for: int | None = DAY  # how long a key is remembered on the account's clock; None: for ever
    other_body: int = 400


class Dropped(Response):
    """The connection ends before the answer is complete; the effect stays."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1024")]})


def account_of(request: Request, manner: Manner) -> str:
    """The account behind `Authorization: Bearer sk_<account>`. Raises Refusal 401."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.startswith("sk_") or len(token) <= 3:
        raise Refusal(
            401, manner.error(401, "unauthorized", "No valid key: send `Authorization: Bearer sk_<account>`.")
        )
    return token.removeprefix("sk_")


async def answer(
    request: Request, manner: Manner, work: Callable[[World, str], Answer], *, key: str = "", body: bytes = b""
) -> Response:
    """Do `work(world, account)` in one transaction, once per key, and answer, unless trouble was drawn."""
    world = world_of(request)
    try:
        account = account_of(request, manner)
    except Refusal as refusal:
        return _response(refusal.status, dumps(refusal.body).encode())
    world.clock.know(account)
    fault = world.faults.on_request(account, key or f"{request.method} {request.url.path}?{request.url.query}")
    if fault == "error":
        status = (500, 503, 429)[int(world.faults.chance("which", account, key) * 3)]
        return _response(status, dumps(manner.error(status, "on_purpose", "The sandbox fails on purpose.")).encode())
    slot = (account, manner.party, key)
    if key and slot in _in_flight:
        body_409 = manner.error(409, "idempotency_key_in_use", "A request with this key is still running.")
        return _response(409, dumps(body_409).encode())
    _in_flight.add(slot)
    try:
        if fault == "slow":
            await asyncio.sleep(world.faults.slow_seconds)
        response = _perform(world, account, manner, work, key, _fingerprint(request, body))
    finally:
        _in_flight.discard(slot)
    world.hooks.wake()
    if fault == "late":  # the webhook overtakes the answer
        await asyncio.sleep(world.faults.slow_seconds)
    if fault == "lost":
        lost_at_gateway = world.faults.chance("how", account, key) < 0.5
        return _response(504, b"{}") if lost_at_gateway else Dropped()
    return response


def _perform(
    world: World, account: str, manner: Manner, work: Callable[[World, str], Answer], key: str, fingerprint: str
) -> Response:
    now = world.clock.now(account)
    try:
        with world.store.transaction():
            if key and (kept := _kept(world, account, manner, key, now)) is not None:
                if kept["fingerprint"] != fingerprint:
                    message = f"Keys are for one request each; {key!r} came first with another path or body."
                    raise Refusal(  # noqa: TRY301
                        manner.other_body, manner.error(manner.other_body, "idempotency_error", message)
                    )
                return _response(kept["status"], bytes(kept["body"]), replayed=True)
            done = work(world, account)
            content = dumps(done.body).encode()
            if key and done.keep:
                world.store.run(
                    "INSERT INTO answers (account, party, key, fingerprint, status, body, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    account, manner.party, key, fingerprint, done.status, content, now,
                )  # fmt: skip
    except Refusal as refusal:
        return _response(refusal.status, dumps(refusal.body).encode())
    return _response(done.status, content)


def _kept(world: World, account: str, manner: Manner, key: str, now: int) -> Mapping[str, Any] | None:
    row = world.store.one(
        "SELECT * FROM answers WHERE account = ? AND party = ? AND key = ?", account, manner.party, key
    )
    if row is None:
        return None
    if manner.keeps_for is not None and now - row["at"] >= manner.keeps_for:
        world.store.run("DELETE FROM answers WHERE account = ? AND party = ? AND key = ?", account, manner.party, key)
        return None
    return dict(row)


def _fingerprint(request: Request, body: bytes) -> str:
    return hashlib.sha256(f"{request.method} {request.url.path}\n".encode() + body).hexdigest()


def _response(status: int, content: bytes, *, replayed: bool = False) -> Response:
    headers = {"idempotent-replayed": "true"} if replayed else None
    return Response(content, status, headers, media_type="application/json")
