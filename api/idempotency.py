"""A write happens once per Idempotency-Key and person: the same again gets the same answer, another body under the key is refused.

An answer that asks to come again (202, 5xx, or with Retry-After) is not kept: the next call under the key does the work.
"""

import hashlib
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from fastapi.routing import APIRoute
from starlette.types import Message as AsgiMessage
from starlette.types import Receive

from api.caller import authenticate
from api.errors import Refusal, response_of
from api.exact import ExactRequest
from domain.ids import derived
from models.database import Database

LARGEST_BODY = 4_000_000
LONGEST_KEY = 200
TAKE_OVER_AFTER = 60.0  # seconds: a run that takes longer has crashed

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

# each is a transaction of its own: what it says holds from the moment it returns, whatever the request comes to
_CLAIM = """
    INSERT INTO idempotency_keys (person, key, method, path, body_hash, state, media_type, created_at)
    VALUES ($1, $2, $3, $4, $5, 'running', '', now())
    ON CONFLICT (person, key) DO UPDATE SET created_at = now()
    WHERE idempotency_keys.state = 'running' AND idempotency_keys.body_hash = excluded.body_hash
      AND idempotency_keys.created_at < now() - make_interval(secs => $6)
    RETURNING key
"""
_FOUND = "SELECT state, body_hash, status, media_type, body FROM idempotency_keys WHERE person = $1 AND key = $2"
_KEEP = """
    UPDATE idempotency_keys SET state = 'done', status = $3, media_type = $4, body = $5
    WHERE person = $1 AND key = $2 AND state = 'running'
"""
_FREE = "DELETE FROM idempotency_keys WHERE person = $1 AND key = $2 AND state = 'running'"


class Once:
    """The caller's key, as a dependency of every write: it names what the write makes, so that a repeat makes the same."""

    def __init__(self, person: str, key: str) -> None:
        self.person, self.key = person, key

    def id(self, prefix: str) -> str:
        """The id of the thing this request makes."""
        return derived(prefix, "once", self.person, self.key)


async def _once(
    request: Request,
    _shown: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="Required. The same key and body give the same answer.",
            openapi_examples={"any": {"value": "8e03978e-40d5-43e8-bc93-6894a57f9324"}},
        ),
    ] = None,
) -> Once:
    caller = await authenticate(request)
    return Once(caller.person, key_of(request))


OnceKey = Annotated[Once, Depends(_once)]


def key_of(request: Request) -> str:
    """The Idempotency-Key header. Raises a 400 refusal."""
    key = request.headers.get("idempotency-key", "").strip()
    if not key or len(key) > LONGEST_KEY or not key.isprintable():
        raise Refusal(
            400,
            "IdempotencyKeyMissing",
            f"every write carries an Idempotency-Key of 1 to {LONGEST_KEY} printable characters",
            where="header.Idempotency-Key",
            hint="send a fresh UUID for a new write, the same one to ask again",
        )
    return key


async def body_of(request: Request, limit: int = LARGEST_BODY) -> bytes:
    """The whole body, read only as far as it may be long. Raises a 413 refusal."""
    too_large = Refusal(413, "BodyTooLarge", f"a body has at most {limit} bytes", where="body", hint="send less")
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit:
        raise too_large
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise too_large
        chunks.append(chunk)
    return b"".join(chunks)


def _again(body: bytes, receive: Receive) -> Receive:
    """A body that was read, to be read by the route; then the connection's own messages."""
    sent = False

    async def receive_again() -> AsgiMessage:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


class WriteRoute(APIRoute):
    """A route whose POST runs once per key and person."""

    def get_route_handler(self) -> Handler:
        handler = super().get_route_handler()
        if "POST" not in (self.methods or set()):
            return handler

        async def once(request: Request) -> Response:
            caller = await authenticate(request)
            key = key_of(request)
            body = await body_of(request)
            digest = hashlib.sha256()
            for part in (request.method, request.url.path, request.url.query):
                digest.update(part.encode() + b"\n")
            digest.update(body)
            whose = (caller.person, key)
            database: Database = request.app.state.database
            kept = await _claim(database, whose, request, digest.hexdigest())
            if kept is not None:
                return kept
            again = ExactRequest(request.scope, _again(body, request.receive))
            response = await _answer(handler, again)
            await _settle(database, whose, response)
            return response

        return once


class ReadRoute(APIRoute):
    """A route whose POST changes nothing and so needs no key; its figures stay exact, too."""

    def get_route_handler(self) -> Handler:
        handler = super().get_route_handler()

        async def read(request: Request) -> Response:
            await authenticate(request)
            body = await body_of(request)
            return await handler(ExactRequest(request.scope, _again(body, request.receive)))

        return read


async def _answer(handler: Handler, request: Request) -> Response:
    try:
        return await handler(request)
    except Exception as error:  # noqa: BLE001 - every error becomes the answer that is kept, or a logged 500
        return response_of(error)


async def _claim(database: Database, whose: tuple[str, str], request: Request, digest: str) -> Response | None:
    """None: ours to do. A response: what was answered before. Raises the refusals for another body and for one in flight."""
    claim = (request.method, request.url.path, digest, TAKE_OVER_AFTER)
    if await database.row(_CLAIM, *whose, *claim) is not None:
        return None
    found = await database.row(_FOUND, *whose)
    if found is not None and found["body_hash"] != digest:
        raise Refusal(
            422,
            "IdempotencyKeyReused",
            "this Idempotency-Key was used for another request",
            where="header.Idempotency-Key",
            hint="send a fresh key for a new write",
        )
    if found is None or found["state"] == "running":
        raise Refusal(
            409,
            "RequestInFlight",
            "the same request is still being worked on",
            where="header.Idempotency-Key",
            hint="ask again in a moment under the same key",
            headers={"Retry-After": "1"},
        )
    headers = {"Idempotent-Replay": "true"}
    return Response(found["body"], status_code=found["status"], media_type=found["media_type"], headers=headers)


async def _settle(database: Database, whose: tuple[str, str], response: Response) -> None:
    unsettled = response.status_code >= 500 or response.status_code == 202 or "retry-after" in response.headers  # noqa: PLR2004
    if unsettled:
        await database.row(_FREE, *whose)
        return
    body = getattr(response, "kept", None) or bytes(response.body)
    media_type = response.headers.get("content-type", "application/json")
    await database.row(_KEEP, *whose, response.status_code, media_type, body)
