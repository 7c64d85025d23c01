"""The evidence of a deal's approvals, exported: JSON chained by hashes, and a paper of it. What was exported is kept, with its hash."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from api.caller import Anyone
from api.deal import deal_row
from api.document import pdf_response
from api.errors import missing
from api.schema import Id, Language
from api.store import Db, insert_once
from domain.approving.evidence import Entry, document
from domain.ids import derived
from gateways.documents import evidence_pdf
from gateways.evidence_view import evidence_view
from gateways.paper import quote_number, seller
from models import approval as approvals
from models.account import AccountRow
from models.database import Database
from models.entity import LegalEntityRow
from models.signature import DocumentRow
from workflows.converter import from_json

router = APIRouter(prefix="/v1/deals/{deal_id}", tags=["approvals"])

JSON, PDF = "evidence", "evidence_pdf"
Sha256 = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="of the document, as it says itself")]
_PDF: dict[int | str, dict[str, Any]] = {200: {"content": {"application/pdf": {}}}}


@router.get("/evidence", response_class=Response, responses={200: {"content": {"application/json": {}}}})
async def show_evidence(deal_id: Id, _caller: Anyone, database: Db) -> Response:
    """Every word of the deal's approvals: who, on which version, which facts seen, by which policy, where, when, why."""
    made, _ = await evidence_of(database, deal_id)
    body = json.dumps(made, ensure_ascii=False, sort_keys=True, indent=2).encode() + b"\n"
    kept = await _kept(database, deal_id, JSON, str(made["sha256"]), body)
    headers = {"ETag": f'"{kept.sha256}"', "X-Evidence-Sha256": str(made["sha256"])}
    return Response(kept.bytes, media_type="application/json", headers=headers)


@router.get("/evidence/{sha256}", response_class=Response, responses={200: {"content": {"application/json": {}}}})
async def show_exported(deal_id: Id, sha256: Sha256, _caller: Anyone, database: Db) -> Response:
    """What was exported under this hash, if anything ever was: a file whose last entries were cut off and whose hashes were
    computed anew is whole in itself, but was never exported.
    """
    await deal_row(database, deal_id)
    async with database.session() as session:
        kept = await session.get(DocumentRow, derived("doc", deal_id, JSON, sha256))
    if kept is None:
        raise missing("evidence", sha256)
    return Response(kept.bytes, media_type="application/json", headers={"ETag": f'"{kept.sha256}"'})


@router.get("/evidence.pdf", response_class=Response, responses=_PDF)
async def show_evidence_paper(
    deal_id: Id, _caller: Anyone, database: Db, language: Annotated[Language, Query()] = "en"
) -> Response:
    """The same as a paper, with every hash of the chain on it."""
    made, entity = await evidence_of(database, deal_id)
    pdf = await asyncio.to_thread(evidence_pdf, evidence_view(made, seller(entity), language))
    kept = await _kept(database, deal_id, PDF, f"{made['sha256']}/{language}", pdf)
    response = pdf_response(kept, f"evidence-{deal_id}")
    response.headers["X-Evidence-Sha256"] = str(made["sha256"])
    return response


async def evidence_of(database: Database, deal_id: str) -> tuple[Mapping[str, Any], LegalEntityRow]:
    """The evidence as it stands, and who sells. Raises a 404 refusal."""
    deal = await deal_row(database, deal_id)
    async with database.session() as session:
        rows = await approvals.entries(session, deal_id)
        entity = await session.get_one(LegalEntityRow, deal.entity_id)
        account = await session.get_one(AccountRow, deal.account_id)
    about = {
        "id": deal.id,
        "number": quote_number(deal.id, 1),
        "name": deal.name,
        "owner": deal.owner,
        "entity": entity.name,
        "entity_id": entity.id,
        "account": account.name,
        "account_id": account.id,
        "opened_at": deal.opened_at.astimezone(UTC).isoformat(),
    }
    return document(about, [entry_of(row.content) for row in rows]), entity


def entry_of(content: Mapping[str, Any]) -> Entry:
    """An entry as its step wrote it."""
    seen = content.get("seen", ())
    return from_json(Entry, {**content, "seen": list(seen.items()) if isinstance(seen, Mapping) else seen})


async def _kept(database: Database, deal_id: str, kind: str, what: str, made: bytes) -> DocumentRow:
    """The bytes that were exported first: what an auditor has, we have as well, with its hash."""
    row = DocumentRow(
        id=derived("doc", deal_id, kind, what),
        deal_id=deal_id,
        kind=kind,
        sha256=hashlib.sha256(made).hexdigest(),
        bytes=made,
        created_on=datetime.now(tz=UTC).date(),
    )
    async with database.transaction() as session:
        await insert_once(session, row)
        return await session.get_one(DocumentRow, row.id)
