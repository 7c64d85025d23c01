"""A sandbox is a copy of a legal entity with its own id, series, bank account and clock; nothing of it reaches real books."""

import hashlib

from fastapi import APIRouter, Request
from pydantic import Field
from sqlmodel import col, select

from api.caller import Ops
from api.entity import EntityOut, entity_of, out
from api.errors import Refusal
from api.idempotency import OnceKey, WriteRoute
from api.outside import Outside
from api.schema import At, Id, Line, OwnId, Schema
from api.store import Db, insert_once
from models.entity import LegalEntityRow, TaxRateRow

router = APIRouter(tags=["sandboxes"], route_class=WriteRoute)


class SandboxIn(Schema):
    id: OwnId | None = Field(default=None, examples=["trial-2027"])
    name: Line = Field(examples=["Trial of the new price book"])
    starts_at: At = Field(description="the virtual now to begin with", examples=["2027-01-01T09:00:00Z"])


def own_bank_account(sandbox_id: str) -> str:
    """A bank account that no bank has, one per sandbox.

    >>> own_bank_account("trial-2027")
    'SB69990166926413160498'
    """
    digits = int.from_bytes(hashlib.sha256(sandbox_id.encode()).digest()[:12])
    return f"SB{digits % 10**20:020d}"


@router.post("/v1/entities/{entity_id}/sandbox", status_code=201)
async def create_sandbox(
    entity_id: Id, sandbox: SandboxIn, request: Request, _caller: Ops, once: OnceKey, database: Db
) -> EntityOut:
    """Copy a legal entity, with its tax rates, onto a virtual clock of its own."""
    source = await entity_of(database, entity_id)
    if source.virtual:
        raise Refusal(
            409,
            "NotARealEntity",
            "a sandbox is copied from a real entity",
            where="entity_id",
            hint=f"use {source.sandbox_of}",
        )
    id_ = sandbox.id or once.id("sb")
    copied = source.model_dump(
        exclude={"id", "name", "virtual", "sandbox_of", "clock_at", "recorded_at", "bank_account"}
    )
    row = LegalEntityRow(
        id=id_,
        name=sandbox.name,
        virtual=True,
        sandbox_of=source.id,
        clock_at=sandbox.starts_at,
        bank_account=own_bank_account(id_),
        **copied,
    )
    async with database.transaction() as session:
        if not await insert_once(session, row):
            known = await session.get(LegalEntityRow, id_)
            if known is None or (known.sandbox_of, known.name) != (source.id, sandbox.name):
                raise Refusal(409, "EntityExists", "another entity has this id", where="id", hint="choose another id")
        rates = (await session.exec(select(TaxRateRow).where(col(TaxRateRow.entity_id) == source.id))).all()
        for rate in rates:
            copy = TaxRateRow(entity_id=id_, valid_from=rate.valid_from, rate=rate.rate, name=rate.name)
            await insert_once(session, copy, "entity_id", "valid_from")
    outside: Outside = request.app.state.outside
    await outside.move(id_, sandbox.starts_at)  # first use: its accounts live on the virtual clock from here on
    return await out(database, await entity_of(database, id_))
