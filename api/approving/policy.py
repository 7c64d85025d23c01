"""A policy looked at before it is kept: is it sound, and what would it ask of a deal? And applied to what is in flight."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import Field

from api.approving.world import directory_of, in_approval, world_of
from api.caller import Admin, Anyone, DealDesk
from api.deal import deal_row
from api.deal_command import UNSETTLED, say
from api.deal_page import DealOut
from api.entity import entity_of
from api.errors import Refusal
from api.idempotency import OnceKey, ReadRoute, WriteRoute
from api.quotes.draft import POLICY, now_of
from api.schema import Id, Line, Out, Schema, VersionNumber
from api.store import Db
from domain.approving.asking import concerned
from domain.approving.check import check
from domain.approving.condition import Sheet, sheets
from domain.approving.needing import needs
from domain.approving.policy import Matrix
from domain.approving.tryout import Before, tried
from domain.message import ApplyPolicy
from domain.order import Order
from domain.quote_version import offers
from domain.state import Deal
from models import policy as policies
from models import quote as quotes
from models.database import Database
from models.deal import DealRow
from workflows.converter import from_json

reads = APIRouter(prefix="/v1/approval-policies", tags=["policies"], route_class=ReadRoute)
writes = APIRouter(prefix="/v1/deals/{deal_id}", tags=["policies"], route_class=WriteRoute)

EXAMPLE = {
    "name": "standard",
    "rules": [{"when": {"discount_percent_over": "10"}, "require": [{"group": "deal_desk"}]}],
}


class FindingOut(Out):
    severity: str = Field(description="error or warning")
    kind: str = Field(examples=["unreachable"])
    path: str = Field(examples=["rules[2].when"])
    message: str


class CheckedOut(Out):
    name: str
    findings: list[FindingOut]


class TryIn(Schema):
    deal_id: Id
    policy: dict[str, Any] | None = Field(
        default=None, description="the one that is kept, in its latest version, unless said", examples=[EXAMPLE]
    )


class TriedRuleOut(Out):
    name: str
    holds: bool
    why: list[str]


class TriedOut(Out):
    policy: str
    rules: list[TriedRuleOut]
    asks: int = Field(description="how many groups it would ask, beside those whose decision stands")
    lines: list[str] = Field(description="all of it in words: who, until when, and why")


class ApplyIn(Schema):
    version: VersionNumber = Field(description="the version that is meant; a newer one refuses it")
    reason: Line


@reads.post("/check")
async def check_policy(policy: dict[str, Any], _caller: Anyone, database: Db) -> CheckedOut:
    """Everything that is wrong with a policy or looks so, also whether anybody is there to decide. Nothing is stored."""
    matrix = Matrix.parse(policy)
    found = await asyncio.to_thread(check, matrix, await directory_of(database), datetime.now(tz=UTC))
    return CheckedOut(name=matrix.name, findings=[FindingOut.model_validate(each) for each in found])


@reads.post("/try")
async def try_policy(said: TryIn, _caller: DealDesk, database: Db) -> TriedOut:
    """What a policy would ask of the deal's newest version now, of whom, until when, and why. Nobody is asked."""
    row = await deal_row(database, said.deal_id)
    order = _order(from_json(Deal, row.state))
    matrix = Matrix.parse(said.policy) if said.policy is not None else await _latest(database)
    facts = await _facts(database, row, order)
    entity = await entity_of(database, row.entity_id)
    whom = concerned(needs(matrix, *facts))
    world = await world_of(database, at=now_of(entity), barred=(row.owner, *order.priced_by), whom=whom)
    before = Before(stands=order.stands, content_hash=order.content_hash)
    result = tried(matrix, facts[0], world, offers=facts[1:], before=before)
    return TriedOut(
        policy=result.policy,
        rules=[TriedRuleOut(name=each.name, holds=each.holds, why=list(each.why)) for each in result.rules],
        asks=sum(each.carried is None for each in result.requests),
        lines=list(result.lines),
    )


@writes.post("/apply-policy", responses=UNSETTLED)
async def apply_policy(
    deal_id: Id, said: ApplyIn, request: Request, response: Response, caller: Admin, once: OnceKey, database: Db
) -> DealOut:
    """Let the latest policy judge a version that waits for approval. What is no stricter stands; the rest is asked anew."""
    row = await deal_row(database, deal_id)
    order = in_approval(from_json(Deal, row.state))
    if order is None:
        raise Refusal(
            409, "NothingToDecide", "no version of the deal waits for approval", where="deal_id", hint="nothing to do"
        )
    asked = needs(await _latest(database), *await _facts(database, row, order))
    body = ApplyPolicy(version=said.version, content_hash=order.content_hash, needs=asked, reason=said.reason)
    return await say(deal_id, body, request, response, caller, once, database)


def _order(deal: Deal) -> Order:
    order = deal.orders[-1] if deal.orders else None
    if order is None or not order.version:
        raise Refusal(
            409, "NotPriced", "the deal has no priced version yet", where="deal_id", hint="wait until it is priced"
        )
    return order


async def _latest(database: Database) -> Matrix:
    async with database.session() as session:
        row = await policies.latest_approval(session, POLICY)
    if row is None:
        raise Refusal(
            409, "NoPolicy", "there is no approval policy", where="policy", hint="POST /v1/policies/approval first"
        )
    return Matrix.parse(row.content, version=row.version)


async def _facts(database: Database, row: DealRow, order: Order) -> Sequence[Sheet]:
    """The facts of the version as pricing looked at them: of all its offers together, then of each apart."""
    async with database.session() as session:
        version = await quotes.version(session, row.id, order.number, order.version)
    if version is None:
        raise Refusal(409, "NotPriced", "the version is not there yet", where="deal_id", hint="ask again in a moment")
    found = offers(version.content)
    return sheets(found.facts, found.apart, entity=row.entity_id)
