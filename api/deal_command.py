"""What may be said to a deal: submit, decide, withdraw, cancel, retry, that a milestone is reached; the deal itself judges each, in its own order."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field
from sqlmodel import col, select

from api.caller import Caller, DealDesk, Ops, Role, Sales, allow
from api.clock_lock import refuse_while_moving
from api.deal import deal_row, own_deal, virtual_now
from api.deal_page import DealOut, page_of
from api.door import door_of
from api.entity import entity_of
from api.errors import Refusal, refused
from api.idempotency import Once, OnceKey, WriteRoute
from api.schema import Id, Line, Schema
from api.store import Db
from domain.message import Body, Cancel, Decide, Message, Reach, Retry, Submit, Verdict, Withdraw
from models.database import Database
from models.quote import QuoteVersionRow

router = APIRouter(prefix="/v1/deals/{deal_id}", tags=["deals"], route_class=WriteRoute)

Milestones = Annotated[Caller, Depends(allow(Role.SALES, Role.FINANCE))]

UNSETTLED: dict[int | str, dict[str, Any]] = {
    202: {"description": "heard, not judged yet: ask again under the same key, or look where Location says"}
}


class SubmitIn(Schema):
    version: int = Field(ge=1, examples=[1], description="the version that is meant; a newer one refuses it")


class DecideIn(Schema):
    version: int = Field(ge=1, examples=[1])
    content_hash: str = Field(
        default="",
        pattern="^([0-9a-f]{64})?$",
        description="of the version that was read; looked up where it is left out",
    )
    approve: bool = Field(examples=[True])
    reason: Line = Field(examples=["strategic account"])


class ReasonIn(Schema):
    reason: Line = Field(examples=["the customer asked for it"])


class RetryIn(Schema):
    subject: str = Field(default="", max_length=100, description="one parked subject; empty: all that is parked")


async def say(
    deal_id: str, body: Body, request: Request, response: Response, caller: Caller, once: Once, database: Database
) -> DealOut:
    """Say something to a deal and show its page. Raises the deal's refusal, 404, 503."""
    row = await deal_row(database, deal_id)
    await refuse_while_moving(database, await entity_of(database, row.entity_id))
    at = await virtual_now(database, deal_id)
    message = Message(id=once.id("msg"), by=caller.person, body=body, at=at)
    answer = await door_of(request).command(deal_id, message)
    if answer is None:
        response.status_code, response.headers["Location"] = 202, f"/v1/deals/{deal_id}"
    elif answer.verdict is Verdict.REFUSED:
        raise refused(answer)
    return await page_of(database, deal_id)


@router.post("/submit", responses=UNSETTLED)
async def submit(
    deal_id: Id, said: SubmitIn, request: Request, response: Response, caller: Sales, once: OnceKey, database: Db
) -> DealOut:
    """Ask for approval of the priced version; what needs none goes out for signature at once."""
    await own_deal(database, deal_id, caller)
    return await say(deal_id, Submit(version=said.version), request, response, caller, once, database)


@router.post("/decide", responses=UNSETTLED)
async def decide(
    deal_id: Id, said: DecideIn, request: Request, response: Response, caller: DealDesk, once: OnceKey, database: Db
) -> DealOut:
    """Approve or reject one version, for the groups of the caller's key. Nobody decides on an own deal."""
    row = await deal_row(database, deal_id)
    if row.owner == caller.person:
        raise Refusal(
            403,
            "OwnDeal",
            "nobody approves an own deal",
            where="deal_id",
            hint="another person of the group must decide",
        )
    body = Decide(
        version=said.version,
        content_hash=said.content_hash or await _hash_of(database, deal_id, said.version),
        approve=said.approve,
        reason=said.reason,
        groups=caller.groups,
    )
    return await say(deal_id, body, request, response, caller, once, database)


async def _hash_of(database: Database, deal_id: str, version: int) -> str:
    """The hash of that version of the deal's newest order; empty where there is none: the deal refuses it."""
    query = (
        select(QuoteVersionRow.content_hash)
        .where(col(QuoteVersionRow.deal_id) == deal_id, col(QuoteVersionRow.version) == version)
        .order_by(col(QuoteVersionRow.order_number).desc())
        .limit(1)
    )
    async with database.session() as session:
        return (await session.exec(query)).first() or ""


@router.post("/withdraw", responses=UNSETTLED)
async def withdraw(
    deal_id: Id, said: ReasonIn, request: Request, response: Response, caller: Sales, once: OnceKey, database: Db
) -> DealOut:
    """Take the open order back: nothing of it can be signed any more; a revision opens it again."""
    await own_deal(database, deal_id, caller)
    return await say(deal_id, Withdraw(reason=said.reason), request, response, caller, once, database)


@router.post("/cancel", responses=UNSETTLED)
async def cancel(
    deal_id: Id, said: ReasonIn, request: Request, response: Response, caller: Ops, once: OnceKey, database: Db
) -> DealOut:
    """Before a contract: end the deal, undoing what was provisioned. After: end it with the period that is invoiced."""
    return await say(deal_id, Cancel(reason=said.reason), request, response, caller, once, database)


@router.post("/retry", responses=UNSETTLED)
async def retry(
    deal_id: Id, said: RetryIn, request: Request, response: Response, caller: Ops, once: OnceKey, database: Db
) -> DealOut:
    """Bring back what is parked, or charge an open invoice again now."""
    return await say(deal_id, Retry(subject=said.subject), request, response, caller, once, database)


@router.post("/milestones/{name}/reach", responses=UNSETTLED)
async def reach(
    deal_id: Id, name: Line, request: Request, response: Response, caller: Milestones, once: OnceKey, database: Db
) -> DealOut:
    """A milestone of the running contract is reached: what hangs on it is invoiced. Sales do it on their own deals."""
    if caller.role is Role.SALES:
        await own_deal(database, deal_id, caller)
    return await say(deal_id, Reach(milestone=name), request, response, caller, once, database)
