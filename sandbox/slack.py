"""Slack's incoming webhooks: a channel takes a message as JSON and answers `ok`; every post is kept, one that comes twice as well."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field

from sandbox.behaviour import behaviour, set_behaviour
from sandbox.door import Dropped
from sandbox.instants import iso, wall
from sandbox.store import Data, Store
from sandbox.world import World, world_of

router = APIRouter()

PARTY = "slack"  # its name in the log and for faults; like the post it has one book for all accounts
MOST_BLOCKS = 50  # Slack's own limits
LONGEST_HEADER, LONGEST_SECTION, LONGEST_BUTTON, LONGEST_URL = 150, 3000, 75, 3000
MOST_BUTTONS, MOST_PARTS = 25, 10


REFUSALS = {
    "channel_is_archived": 410,
    "no_service": 404,
    "action_prohibited": 403,
    "invalid_payload": 400,
    "rate_limited": 429,
    "rollup_error": 500,
}


class Channel(BaseModel):
    """What posts to a channel are answered from now on: `archived`, or with one of Slack's refusals; neither: they are kept."""

    channel: str
    archived: bool = False
    answer: Literal[
        "", "channel_is_archived", "no_service", "action_prohibited", "invalid_payload", "rate_limited", "rollup_error"
    ] = ""
    retry_after: Annotated[int, Field(ge=0)] = 1  # seconds that `rate_limited` asks for


class NotTaken(Exception):
    """Slack's answer to a post that it does not take: a status and one word as plain text."""

    def __init__(self, status: int, word: str, *, retry_after: int | None = None) -> None:
        super().__init__(word)
        self.status, self.word = status, word
        self.headers = {} if retry_after is None else {"retry-after": str(retry_after)}


@router.post("/slack")
async def post(request: Request) -> Response:
    """A webhook for a whole workspace: `channel` in the body says where."""
    return await _post(request, "")


@router.post("/slack/{channel}")
async def post_to(request: Request, channel: str) -> Response:
    """The webhook of one channel; what the body says of channels does not count."""
    return await _post(request, channel)


@router.get("/control/slack")
async def show_posts(request: Request, channel: str = "") -> dict[str, list[Data]]:
    return {"posts": kept(world_of(request).store, channel)}


@router.post("/control/slack")
async def set_channel(request: Request, given: Channel) -> dict[str, object]:
    """Archive a channel, or have it refuse as Slack does: it takes no posts any more; or open it again."""
    name, answer = _name(given.channel), "channel_is_archived" if given.archived else given.answer
    set_behaviour(world_of(request).store, PARTY, PARTY, name, {"answer": answer, "retry_after": given.retry_after})
    return {"channel": name, "archived": given.archived, "answer": answer}


def kept(store: Store, channel: str = "") -> list[Data]:
    """All posts of one channel (or of all), oldest first."""
    return store.by_key(PARTY, "post", _name(channel)) if channel else store.every(PARTY, "post")[::-1]


async def _post(request: Request, channel: str) -> Response:
    world, body = world_of(request), await request.body()
    key = request.headers.get("idempotency-key") or hashlib.sha256(body).hexdigest()
    fault = world.faults.on_request(PARTY, key)
    if fault == "error":
        status = (500, 503, 429)[int(world.faults.chance("which", PARTY, key) * 3)]
        return PlainTextResponse("on_purpose", status, headers={"retry-after": "1"} if status == 429 else {})
    if fault == "slow":
        await asyncio.sleep(world.faults.slow_seconds)
    try:
        with world.store.transaction():
            _keep(world, channel, body, key)
    except NotTaken as refused:
        return PlainTextResponse(refused.word, refused.status, headers=refused.headers)
    if fault == "late":
        await asyncio.sleep(world.faults.slow_seconds)
    if fault == "lost":
        return PlainTextResponse("", 504) if world.faults.chance("how", PARTY, key) < 0.5 else Dropped()
    return PlainTextResponse("ok")


def _keep(world: World, channel: str, body: bytes, key: str) -> None:
    message = read(body)
    name = _name(channel or str(message.get("channel", "")))
    if not name:
        raise NotTaken(404, "channel_not_found")
    set_ = behaviour(world.store, PARTY, PARTY, name)
    if set_ is not None and (word := set_[1]["answer"]):
        raise NotTaken(REFUSALS[word], word, retry_after=set_[1]["retry_after"] if word == "rate_limited" else None)
    said: Data = {
        "id": world.store.new_id("post"),
        "channel": name,
        "key": key,
        "text": message.get("text", ""),
        "blocks": message.get("blocks", []),
        "received_at": iso(wall()),
    }
    world.store.put(PARTY, "post", said, key=name)
    world.log(PARTY, PARTY, "slack.kept", subject=said["id"], key=key, channel=name, text=said["text"])


def read(body: bytes) -> Data:
    """The message. Raises NotTaken in Slack's words."""
    try:
        message = json.loads(body)
    except ValueError as trouble:
        raise NotTaken(400, "invalid_payload") from trouble
    if not isinstance(message, dict):
        raise NotTaken(400, "invalid_payload")
    text, blocks = message.get("text", ""), message.get("blocks", [])
    if not isinstance(text, str) or not isinstance(blocks, list) or len(blocks) > MOST_BLOCKS:
        raise NotTaken(400, "invalid_payload")
    if not text and not blocks:
        raise NotTaken(400, "no_text")
    if not all(_is_block(block) for block in blocks) or len(json.dumps(blocks, ensure_ascii=False)) > 100_000:
        raise NotTaken(400, "invalid_blocks")
    ids = [block["block_id"] for block in blocks if block.get("block_id")]
    if len(ids) != len(set(ids)):
        raise NotTaken(400, "invalid_blocks")
    return message


def _is_block(block: object) -> bool:
    """A block with its type, its texts escaped and as long as Slack takes them."""
    if not isinstance(block, dict) or not isinstance(block.get("type"), str) or len(block.get("block_id", "")) > 255:
        return False
    match block["type"]:
        case "header":
            return _is_text(block.get("text"), LONGEST_HEADER, "plain_text")
        case "section":
            return _is_text(block.get("text"), LONGEST_SECTION, "plain_text", "mrkdwn")
        case "context":
            parts = block.get("elements")
            return isinstance(parts, list) and 0 < len(parts) <= MOST_PARTS and all(_is_part(part) for part in parts)
        case "actions":
            buttons = block.get("elements")
            return isinstance(buttons, list) and 0 < len(buttons) <= MOST_BUTTONS and all(map(_is_button, buttons))
        case _:
            return True


def _is_part(part: object) -> bool:
    return _is_text(part, LONGEST_SECTION, "plain_text", "mrkdwn")


def _is_button(button: object) -> bool:
    if not isinstance(button, dict) or button.get("type") != "button" or len(button.get("url", "")) > LONGEST_URL:
        return False
    return _is_text(button.get("text"), LONGEST_BUTTON, "plain_text")


def _is_text(text: object, longest: int, *kinds: str) -> bool:
    """A text object; its length counts as Slack's clients count it."""
    if not isinstance(text, dict) or not isinstance(text.get("text"), str):
        return False
    length = len(text["text"].encode("utf-16-le", "surrogatepass")) // 2
    return 0 < length <= longest and text.get("type", kinds[-1]) in kinds


def _name(channel: str) -> str:
    return channel.strip().removeprefix("#").lower()
