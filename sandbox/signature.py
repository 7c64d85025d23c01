"""The signature provider: an envelope is closed once, by its signer, its sender or its date, and says what it holds."""

from __future__ import annotations

import base64
import binascii

from fastapi import APIRouter, Request, Response

from sandbox.behaviour import behaviour
from sandbox.door import Answer, answer
from sandbox.instants import HOUR, iso, parse
from sandbox.plain import manner, parse_json, refuse, word
from sandbox.store import Data
from sandbox.world import World, world_of

router = APIRouter(prefix="/signature")
SIGNATURE = manner("signature")
SIGNS_AFTER_HOURS = 24.0


@router.post("/envelopes")
async def send_envelope(request: Request) -> Response:
    body = await request.body()
    key = request.headers.get("idempotency-key", "")
    return await answer(request, SIGNATURE, lambda w, a: _send(w, a, parse_json(body), key), key=key, body=body)


@router.get("/envelopes/{ref}")
async def show_envelope(request: Request, ref: str) -> Response:
    return await answer(request, SIGNATURE, lambda world, account: Answer(body=_find(world, account, ref)))


@router.post("/envelopes/{ref}/void")
async def void_envelope(request: Request, ref: str) -> Response:
    body = await request.body()
    key = request.headers.get("idempotency-key", "")

    def void(world: World, account: str) -> Answer:
        _find(world, account, ref)
        reason = word(parse_json(body), "reason", required=False)
        return Answer(body=_close(world, account, world.clock.now(account), ref, "voided", reason))

    return await answer(request, SIGNATURE, void, key=key, body=body)


@router.get("/envelopes/{ref}/document")
async def show_document(request: Request, ref: str) -> Response:
    shown = await answer(request, SIGNATURE, lambda world, account: Answer(body=_find(world, account, ref)))
    if shown.status_code != 200:
        return shown
    sha256 = parse_json(bytes(shown.body))["document_sha256"]
    return Response(world_of(request).store.blob(sha256) or b"", media_type="application/pdf")


def _find(world: World, account: str, ref: str) -> Data:
    found = world.store.get(account, "envelope", ref)
    if found is None:
        raise refuse(404, "no_such_envelope", f"There is no envelope {ref!r}.")
    return found


def _send(world: World, account: str, data: Data, key: str) -> Answer:
    try:
        document = base64.b64decode(word(data, "document"), validate=True)
        expires_at = parse(word(data, "expires_at"))
    except (binascii.Error, ValueError) as trouble:
        raise refuse(400, "unreadable", f"document is base64, expires_at is ISO: {trouble}") from trouble
    signer = data.get("signer")
    if not isinstance(signer, dict):
        raise refuse(400, "missing_field", "signer is {name, email}.")
    sha256 = world.store.keep_blob(document)
    if sha256 != word(data, "sha256"):
        raise refuse(422, "hash_mismatch", f"The document received has the SHA-256 {sha256}.")
    found = behaviour(world.store, account, "signature", word(signer, "email"))
    acts = found[1] if found else {}
    if acts.get("tamper"):
        sha256 = world.store.keep_blob(document + b"\n% tampered")
    now = world.clock.now(account)
    envelope: Data = {
        "id": world.store.new_id("env"),
        "account": account,
        "status": "sent",
        "title": word(data, "title", required=False),
        "signer": {"name": word(signer, "name"), "email": word(signer, "email")},
        "document_sha256": sha256,
        "sent_at": iso(now),
        "expires_at": iso(expires_at),
        "closed_at": None,
        "reason": "",
        "metadata": data.get("metadata") or {},
    }
    world.store.put(account, "envelope", envelope, key=key)
    _log(world, account, now, envelope, key)
    _plan(world, account, envelope["id"], acts, now, expires_at)
    return Answer(body=envelope)


def _plan(world: World, account: str, ref: str, acts: Data, now: int, expires_at: int) -> None:
    """The signer's decision and the envelope's end are put in store; the earlier one closes it."""
    action = acts.get("action", "sign")
    if action in {"sign", "decline"}:
        at = now + int(float(acts.get("after_hours", SIGNS_AFTER_HOURS)) * HOUR)
        status = "signed" if action == "sign" else "declined"
        reason = str(acts.get("reason", "")) if action == "decline" else ""
        if at < expires_at:
            world.clock.later(account, at, "signature.close", {"envelope": ref, "status": status, "reason": reason})
    world.clock.later(account, expires_at, "signature.close", {"envelope": ref, "status": "expired", "reason": ""})


def close_envelope(world: World, account: str, at: int, data: Data) -> None:
    """What was in store for an envelope, unless it was closed meanwhile."""
    _close(world, account, at, data["envelope"], data["status"], data["reason"])


def _close(world: World, account: str, at: int, ref: str, status: str, reason: str) -> Data:
    envelope = _find(world, account, ref)
    if envelope["status"] != "sent":
        return envelope
    envelope |= {"status": status, "closed_at": iso(at), "reason": reason}
    world.store.put(account, "envelope", envelope)
    # Nothing more is in store for it: the next date of this account is not that of a dead envelope.
    world.store.run(
        "UPDATE due SET done = 1 WHERE account = ? AND kind = 'signature.close' AND done = 0"
        " AND json_extract(data, '$.envelope') = ?",
        account, ref,
    )  # fmt: skip
    _log(world, account, at, envelope, "")
    event: Data = {
        "id": world.store.new_id("evt"),
        "type": f"envelope.{status}",
        "account": account,
        "timestamp": iso(at),
        "data": {name: envelope[name] for name in ("id", "status", "document_sha256", "signer", "reason", "metadata")},
    }
    world.hooks.emit(account, "signature", event["type"], at, event)
    return envelope


def _log(world: World, account: str, at: int, envelope: Data, key: str) -> None:
    world.log(
        account,
        "signature",
        f"envelope.{envelope['status']}",
        at=at,
        key=key,
        subject=envelope["id"],
        document_sha256=envelope["document_sha256"],
        signer=envelope["signer"]["email"],
        metadata=envelope["metadata"],
    )
