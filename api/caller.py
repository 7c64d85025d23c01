"""Who calls: an API key, stored as its SHA-256, is one person in one role; a role opens doors, ownership opens deals."""

import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from api.errors import Refusal
from models.access import by_key_hash
from models.database import Database

SHOWN = 12  # characters of a key that may be shown later, to tell keys apart

bearer = HTTPBearer(auto_error=False, description="An API key: `Authorization: Bearer q2c_…`")


class Role(StrEnum):
    SALES = "sales"  # opens, revises, submits, withdraws own deals
    DEAL_DESK = "deal_desk"  # decides; keeps price books and approval policies
    FINANCE = "finance"  # reads the books; keeps dunning policies
    OPS = "ops"  # retries, cancels, moves sandbox clocks
    ADMIN = "admin"  # everything, but approve an own deal


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    person: str
    role: Role
    groups: tuple[str, ...]
    key_id: str


def new_secret() -> str:
    """A new key: 256 random bits. Shown once, never stored."""
    return f"q2c_{secrets.token_urlsafe(32)}"


def hash_of(secret: str) -> str:
    """What is stored of a key. A key of 256 random bits needs no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


async def authenticate(request: Request) -> Caller:
    """The caller by the Authorization header, read once per request. Raises a 401 refusal."""
    known = getattr(request.state, "caller", None)
    if isinstance(known, Caller):
        return known
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise _unauthorized("NoKey", "no API key was given")
    database: Database = request.app.state.database
    row = await by_key_hash(database, hash_of(secret.strip()))
    if row is None:
        raise _unauthorized("KeyInvalid", "the API key is not known, or was revoked")
    caller = Caller(person=row["person"], role=Role(row["role"]), groups=tuple(row["groups"]), key_id=row["id"])
    request.state.caller = caller
    return caller


def _unauthorized(type_: str, detail: str) -> Refusal:
    return Refusal(
        401,
        type_,
        detail,
        where="header.Authorization",
        hint="send Authorization: Bearer q2c_…",
        headers={"WWW-Authenticate": "Bearer"},
    )


def allow(*roles: Role) -> Callable[..., Awaitable[Caller]]:
    """A dependency: the caller, if in one of the roles (admin always is)."""
    allowed = frozenset(roles) | {Role.ADMIN}

    async def allowed_caller(request: Request, _shown: Annotated[object, Depends(bearer)] = None) -> Caller:
        caller = await authenticate(request)
        if caller.role not in allowed:
            names = ", ".join(sorted(allowed))
            raise Refusal(
                403,
                "WrongRole",
                f"the role {caller.role} may not do this",
                where="header.Authorization",
                hint=f"use a key of one of these roles: {names}",
            )
        return caller

    return allowed_caller


Anyone = Annotated[Caller, Depends(allow(*Role))]
Sales = Annotated[Caller, Depends(allow(Role.SALES))]
DealDesk = Annotated[Caller, Depends(allow(Role.DEAL_DESK))]
Finance = Annotated[Caller, Depends(allow(Role.FINANCE))]
Ops = Annotated[Caller, Depends(allow(Role.OPS))]
Admin = Annotated[Caller, Depends(allow())]
