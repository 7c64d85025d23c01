"""Every error leaves as problem+json (RFC 9457): a stable type, what was wrong, where, how to mend it; a 500 says no more than that."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.errors import DomainError, InvalidDocument, Kind
from domain.message import Answer

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
URN = "urn:q2c:problem:"

STATUS_OF_KIND: dict[Kind, int] = {Kind.INVALID: 422, Kind.CONFLICT: 409, Kind.NOT_FOUND: 404, Kind.FORBIDDEN: 403}

# What a deal refuses is a conflict with its state, but for these.
STATUS_OF_ANSWER: dict[str, int] = {"OwnDeal": 403, "WrongGroup": 403, "NotAsked": 403}
HINT_OF_ANSWER: dict[str, str] = {
    "SupersededVersion": "read the deal again and decide on its newest version",
    "NotPriced": "wait until the draft is priced, or revise it if pricing refused it",
    "OrderNotOpen": "revise the deal to open the order again",
    "OwnDeal": "another person of the group must decide",
    "WrongGroup": "a person of the group that is asked must decide",
}

TITLE_OF_STATUS: dict[int, str] = {
    404: "NotFound",
    405: "MethodNotAllowed",
    413: "BodyTooLarge",
    415: "MediaTypeUnknown",
}


# How a problem looks, for the API's own description.
DESCRIBED: dict[str, Any] = {
    "description": "refused: nothing was changed",
    "content": {
        MEDIA_TYPE: {
            "schema": {
                "type": "object",
                "required": ["type", "title", "status", "detail", "where", "hint"],
                "properties": {
                    "type": {"type": "string", "description": "stable, to switch on"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "detail": {"type": "string", "description": "what was wrong"},
                    "where": {"type": "string", "description": "a field, a header, or a line and column"},
                    "hint": {"type": "string", "description": "how to mend it"},
                    "errors": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {"path": {"type": "string"}, "message": {"type": "string"}},
                        },
                    },
                    "facts": {"type": "object", "description": "the figures of the refusal"},
                },
            },
            "example": {
                "type": f"{URN}SupersededVersion",
                "title": "Superseded version",
                "status": 409,
                "detail": "version: superseded version (decided 1, current 2)",
                "where": "",
                "hint": "read the deal again and decide on its newest version",
            },
        }
    },
}


class Refusal(Exception):
    """The API itself refuses: `type` is stable, in the form of a class name; `where` is a field, a header or a path."""

    def __init__(
        self,
        status: int,
        type_: str,
        detail: str,
        *,
        where: str = "",
        hint: str = "",
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.type, self.detail = status, type_, detail
        self.where, self.hint, self.errors, self.headers = where, hint, errors, headers


def missing(noun: str, id_: str) -> Refusal:
    """404 for a thing that is not there (or not for this caller)."""
    name = "".join(word.capitalize() for word in noun.split())
    return Refusal(
        404, f"Unknown{name}", f"there is no {noun} {id_}", where=noun.replace(" ", "_"), hint="check the id"
    )


def refused(answer: Answer) -> Refusal:
    """A deal's own refusal of a command, as a problem."""
    status = STATUS_OF_ANSWER.get(answer.error, 409)
    return Refusal(status, answer.error or "Refused", answer.reason, hint=HINT_OF_ANSWER.get(answer.error, ""))


def problem(
    status: int,
    type_: str,
    detail: str,
    *,
    where: str = "",
    hint: str = "",
    errors: Sequence[Mapping[str, str]] = (),
    facts: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """One problem document. Members that say nothing are left out, but for `where` and `hint`."""
    body: dict[str, Any] = {
        "type": URN + type_,
        "title": re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type_).capitalize(),
        "status": status,
        "detail": detail,
        "where": where,
        "hint": hint,
    }
    if errors:
        body["errors"] = [dict(error) for error in errors]
    if facts:
        body["facts"] = dict(facts)
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def response_of(error: Exception) -> JSONResponse:
    """The answer to any exception. What is not meant for callers is logged and becomes a bare 500."""
    if isinstance(error, Refusal):
        return problem(
            error.status,
            error.type,
            error.detail,
            where=error.where,
            hint=error.hint,
            errors=error.errors,
            headers=error.headers,
        )
    if isinstance(error, DomainError):
        return _domain(error)
    if isinstance(error, RequestValidationError):
        return _validation(error)
    if isinstance(error, HTTPException):
        type_ = TITLE_OF_STATUS.get(error.status_code, "RequestRefused")
        return problem(error.status_code, type_, str(error.detail), headers=error.headers)
    log.error("request failed", exc_info=error)
    return problem(
        500,
        "InternalError",
        "the server failed on this request; nothing is known to be wrong with it",
        hint="try again under the same Idempotency-Key",
    )


def _domain(error: DomainError) -> JSONResponse:
    said = error.to_mapping()
    errors: list[dict[str, str]] = []
    where = error.where
    if isinstance(error, InvalidDocument):
        errors = [{"path": item.path, "message": item.message} for item in error.problems]
        where = where or (errors[0]["path"] if errors else "")
        return problem(STATUS_OF_KIND[error.kind], error.type, error.text, where=where, hint=error.hint, errors=errors)
    facts = said["facts"]
    return problem(
        STATUS_OF_KIND[error.kind],
        error.type,
        error.text,
        where=where,
        hint=error.hint,
        facts=facts if isinstance(facts, dict) else None,
    )


def _validation(error: RequestValidationError) -> JSONResponse:
    found = error.errors()
    if found and found[0]["type"] == "json_invalid":
        reason = str(found[0].get("ctx", {}).get("error", "not JSON"))
        before = str(error.body)[: int(found[0]["loc"][-1])]
        where = f"line {before.count(chr(10)) + 1}, column {len(before) - before.rfind(chr(10))}"
        return problem(400, "BodyMalformed", f"{where}: not JSON: {reason}", where=where, hint="send valid JSON")
    errors = [{"path": path_of(item["loc"]), "message": _message(item)} for item in found]
    detail = "; ".join(f"{item['path']}: {item['message']}" for item in errors)
    return problem(
        422,
        "RequestInvalid",
        detail,
        where=errors[0]["path"] if errors else "",
        hint="see /docs for what is expected",
        errors=errors,
    )


def _message(item: Mapping[str, Any]) -> str:
    """What is wrong with one field, in words of ours where the library's are a pattern or a class."""
    pattern = str(item.get("ctx", {}).get("pattern", ""))
    if item["type"] == "string_pattern_mismatch" and "@" in pattern:
        return f"expected a mail address such as dana@acme.example, found {str(item['input'])[:100]!r}"
    return str(item["msg"]).removeprefix("Value error, ")


def path_of(loc: Sequence[str | int]) -> str:
    """`("body", "lines", 0, "quantity")` as `lines[0].quantity`; other places keep their name (`query.limit`)."""
    parts = list(loc[1:]) if loc and loc[0] == "body" and len(loc) > 1 else list(loc)
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else str(part))
    return text


class PlainAddresses:
    """An address with a NUL, which no text of ours can hold, names nothing. Pages refuse it in their own words."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        named = scope["type"] == "http" and scope["path"].startswith("/v1")
        if named and ("\x00" in scope["path"] or b"%00" in scope["query_string"]):
            detail, hint = "the address holds a NUL character", "send it without %00"
            await problem(422, "RequestInvalid", detail, where="path", hint=hint)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def install(app: FastAPI) -> None:
    """Register the one handler for all."""
    app.add_middleware(PlainAddresses)

    async def handle(_request: Request, error: Exception) -> JSONResponse:
        return response_of(error)

    for type_ in (Refusal, DomainError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(type_, handle)
