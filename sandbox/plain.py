"""The parties with APIs of our own speak plain JSON: errors are {"error", "message"}, keys are kept for ever."""

from __future__ import annotations

import json

from sandbox.door import Manner, Refusal
from sandbox.store import Data


def plain_error(_status: int, code: str, message: str) -> Data:
    return {"error": code, "message": message}


def manner(party: str) -> Manner:
    return Manner(party=party, error=plain_error, keeps_for=None, other_body=409)


def refuse(status: int, code: str, message: str) -> Refusal:
    return Refusal(status, plain_error(status, code, message))


def parse_json(body: bytes) -> Data:
    """The body as one JSON object. Raises Refusal 400."""
    try:
        read = json.loads(body)
    except ValueError as trouble:
        raise refuse(400, "not_json", str(trouble)) from trouble
    if not isinstance(read, dict):
        raise refuse(400, "not_json", "The body must be one JSON object.")
    return read


def word(data: Data, name: str, *, required: bool = True) -> str:
    """One text field. Raises Refusal 400 where it is missing or no text."""
    value = data.get(name, "")
    if not isinstance(value, str) or (required and not value):
        raise refuse(400, "missing_field", f"{name} must be a text that is not empty.")
    return value
