"""Stripe's requests are forms whose names nest (`card[token]`, `expand[0]`); its lists and searches page by cursor."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from sandbox.door import Refusal
from sandbox.store import Data

_CLAUSE = re.compile(r"""\s*(?:(metadata)\[(['"])(.+?)\2\]|(\w+))\s*:\s*(['"])(.*?)(?<!\\)\5\s*(?:AND\b|$)""")


def stripe_error(status: int, code: str, message: str, **more: Any) -> Data:
    """An error body in Stripe's words; `type` follows from the status and the code."""
    kind = "invalid_request_error"
    if code == "idempotency_error":
        return {"error": {"type": "idempotency_error", "message": message}}
    if status == 402:
        kind = "card_error"
    elif status >= 500:
        kind = "api_error"
    return {"error": {"type": kind, "code": code, "message": message, **more}}


def refuse(code: str, message: str, *, param: str = "", status: int = 400) -> Refusal:
    return Refusal(status, stripe_error(status, code, message, **({"param": param} if param else {})))


def parse_form(body: bytes) -> Data:
    """Nest `a[b][c]=v`; a name ending in `[]` or `[0]` is kept under its number. Values are strings."""
    form: Data = {}
    for name, value in parse_qsl(body.decode(), keep_blank_values=True):
        first, *rest = re.findall(r"[^\[\]]+", name) or [name]
        place, path = form, [first, *rest]
        for part in path[:-1]:
            inner = place.setdefault(part, {})
            if not isinstance(inner, dict):
                raise refuse("parameter_invalid", f"{name} is both a value and a group.", param=name)
            place = inner
        place[path[-1]] = value
    return form


def text(form: Data, name: str, *, required: bool = False) -> str:
    value = form.get(name, "")
    if not isinstance(value, str):
        raise refuse("parameter_invalid", f"{name} must be a string.", param=name)
    if required and not value:
        raise refuse("parameter_missing", f"Missing required param: {name}.", param=name)
    return value


def whole(form: Data, name: str, default: int | None = None) -> int:
    value = form.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, str) or not re.fullmatch(r"-?\d{1,12}", value):
        raise refuse("parameter_invalid_integer", f"{name} must be an integer, not {value!r}.", param=name)
    return int(value)


def metadata(form: Data) -> dict[str, str]:
    given = form.get("metadata") or {}
    if not isinstance(given, dict) or len(given) > 50 or any(len(str(value)) > 500 for value in given.values()):
        raise refuse(
            "parameter_invalid", "metadata is at most 50 names with values of 500 characters.", param="metadata"
        )
    return {str(name): str(value) for name, value in given.items()}


def listing(found: list[Data], query: Data, url: str) -> Data:
    """One page of a list, newest first, by `limit`, `starting_after` and `created[gte|gt|lte|lt]`."""
    created = query.get("created")
    if isinstance(created, dict):
        found = [
            item for item in found if all(_holds(item["created"], how, int(bound)) for how, bound in created.items())
        ]
    after = text(query, "starting_after")
    if after:
        place = next((number for number, item in enumerate(found) if item["id"] == after), None)
        if place is None:
            raise refuse("resource_missing", f"No such object: {after!r}.", param="starting_after")
        found = found[place + 1 :]
    limit = whole(query, "limit", 10)
    if not 1 <= limit <= 100:
        raise refuse("parameter_invalid_integer", "limit lies in 1..100.", param="limit")
    return {"object": "list", "url": url, "has_more": len(found) > limit, "data": found[:limit]}


def _holds(value: int, how: str, bound: int) -> bool:
    return {"gte": value >= bound, "gt": value > bound, "lte": value <= bound, "lt": value < bound}.get(how, True)


def clauses(query: str) -> list[tuple[str, str, str]]:
    """Read `metadata['a']:'b' AND status:'succeeded'` as (field, metadata name, value). Raises Refusal."""
    found, place = [], 0
    while place < len(query):
        match = _CLAUSE.match(query, place)
        if match is None:
            raise refuse("invalid_search_query", f"Cannot read the query at {query[place:]!r}.", param="query")
        value = match[6].replace("\\'", "'").replace('\\"', '"')
        found.append(("metadata", match[3], value) if match[1] else (match[4], "", value))
        place = match.end()
    if not found:
        raise refuse("parameter_missing", "Missing required param: query.", param="query")
    return found
