"""Policies are data: who must approve, how an unpaid invoice is chased. A new content is a new version; no version changes."""

from collections.abc import Callable
from typing import Any, cast

from fastapi import APIRouter, Request, Response
from sqlalchemy import text
from sqlmodel import col, select

from api.caller import Anyone, Caller, DealDesk, Finance
from api.exact import document_body, document_of
from api.idempotency import OnceKey, WriteRoute
from api.schema import Out
from api.store import Db, sql
from domain.approving.policy import Matrix
from domain.document import content_hash
from domain.dunning_policy import DunningPolicy
from domain.ids import derived
from models.database import Database
from models.policy import ApprovalPolicyRow, DunningPolicyRow

router = APIRouter(prefix="/v1/policies", tags=["policies"], route_class=WriteRoute)


class PolicyOut(Out):
    id: str
    name: str
    version: int
    content: dict[str, Any]


PolicyTable = type[ApprovalPolicyRow] | type[DunningPolicyRow]


APPROVAL_EXAMPLE = {
    "name": "standard",
    "rules": [{"when": {"discount_percent_over": "10"}, "require": [{"level": 1, "group": "sales_manager"}]}],
}
DUNNING_EXAMPLE = {"name": "standard"}


async def _save(
    database: Database, table: PolicyTable, prefix: str, name: str, content: dict[str, Any]
) -> tuple[PolicyOut, bool]:
    hash_ = content_hash(content)
    async with database.transaction() as session:
        await sql(
            session, text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 2))"), {"name": f"{prefix}/{name}"}
        )
        query = select(table).where(col(table.name) == name).order_by(col(table.version).desc()).limit(1)
        newest = cast("ApprovalPolicyRow | DunningPolicyRow | None", (await session.exec(query)).first())
        if newest is not None and content_hash(newest.content) == hash_:
            return PolicyOut.model_validate(newest), False
        version = 1 if newest is None else newest.version + 1
        row = table(id=derived(prefix, name, version), name=name, version=version, content=content)
        session.add(row)
    return PolicyOut.model_validate(row), True


async def _post(
    request: Request,
    response: Response,
    database: Database,
    table: PolicyTable,
    prefix: str,
    parse: Callable[[dict[str, Any]], str],
) -> PolicyOut:
    content = await document_of(request)
    saved, new = await _save(database, table, prefix, parse(content), content)
    response.status_code = 201 if new else 200
    return saved


@router.post("/approval", status_code=201, openapi_extra=document_body(APPROVAL_EXAMPLE))
async def add_approval_policy(
    request: Request, response: Response, _caller: DealDesk, _once: OnceKey, database: Db
) -> PolicyOut:
    """Read an approval policy (JSON or YAML), name every problem in it, and keep it as a new version (200: known already)."""
    return await _post(request, response, database, ApprovalPolicyRow, "ap", lambda content: Matrix.parse(content).name)


@router.post("/dunning", status_code=201, openapi_extra=document_body(DUNNING_EXAMPLE))
async def add_dunning_policy(
    request: Request, response: Response, _caller: Finance, _once: OnceKey, database: Db
) -> PolicyOut:
    """Read a dunning policy (JSON or YAML), name every problem in it, and keep it as a new version (200: known already)."""
    return await _post(
        request, response, database, DunningPolicyRow, "dp", lambda content: DunningPolicy.parse(content).name
    )


async def _all(database: Database, table: PolicyTable, _caller: Caller) -> list[PolicyOut]:
    async with database.session() as session:
        rows = (await session.exec(select(table).order_by(col(table.name), col(table.version)))).all()
    return [PolicyOut.model_validate(row) for row in rows]


@router.get("/approval")
async def list_approval_policies(caller: Anyone, database: Db) -> list[PolicyOut]:
    """Every version of every approval policy."""
    return await _all(database, ApprovalPolicyRow, caller)


@router.get("/dunning")
async def list_dunning_policies(caller: Anyone, database: Db) -> list[PolicyOut]:
    """Every version of every dunning policy."""
    return await _all(database, DunningPolicyRow, caller)
