"""Deals: opened by the API, lived by their workflows, read from the tables that their steps write."""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from sqlalchemy import text
from sqlmodel import col, select

from api.account import account_of, refuse_strangers
from api.caller import Anyone, Caller, Role, Sales
from api.clock_lock import refuse_while_moving
from api.deal_page import DealLineOut, DealOut, line, page_of
from api.door import Door, door_of
from api.entity import entity_of
from api.errors import Refusal, missing, refused
from api.idempotency import OnceKey, WriteRoute
from api.pagination import LARGEST_PAGE, Page, decode, encode, page
from api.quotes.draft import EXAMPLE, draft_row, now_of, tried
from api.schema import At, Email, Id, Line, Schema
from api.store import Db, insert_once, sql
from domain.ids import derived
from domain.message import Answer, Message, Revise, Verdict
from models.database import Database
from models.deal import DealRow
from models.quote import QuoteDraftRow

router = APIRouter(prefix="/v1/deals", tags=["deals"], route_class=WriteRoute)

Stage = Literal["quote", "approval", "signature", "provisioning", "active", "suspended", "ended"]
PRICED_WITHIN = 3.0  # seconds that an answer waits for the price
GLANCE = 0.03


class DealIn(Schema):
    name: Line = Field(examples=["Globex: 20 seats of Team"])
    account_id: Id = Field(examples=["acc_…"])
    owner: Email | None = Field(
        default=None, description="admin only; otherwise the caller", examples=["sam@acme.example"]
    )
    draft: dict[str, Any] = Field(description="what is asked for; numbers whole or as text", examples=[EXAMPLE])


@router.post("", status_code=201, responses={202: {"description": "stored; not yet taken in"}})
async def open_deal(
    deal: DealIn, request: Request, response: Response, caller: Sales, once: OnceKey, database: Db
) -> DealOut:
    """Open a deal with its first draft. A draft that cannot be priced is refused here, and nothing is stored.

    Its version is priced by the caller, also where an admin opens it for somebody else: neither of them may approve it.
    """
    account = await account_of(database, deal.account_id)
    entity = await entity_of(database, account.entity_id)
    refuse_strangers(account, entity.id)
    owner = deal.owner or caller.person
    if owner != caller.person and caller.role is not Role.ADMIN:
        raise Refusal(
            403, "OwnerIsNotCaller", "only an admin opens deals for others", where="owner", hint="leave it out"
        )
    await refuse_while_moving(database, entity)
    found = await tried(database, deal.draft, entity=entity, account=account)
    deal_id = once.id("d")
    opens = {
        "name": deal.name,
        "entity_id": entity.id,
        "account_id": account.id,
        "owner": owner,
        "currency": found.draft.currency,
        "zone": account.zone,
        "virtual": entity.virtual,
        "now": now_of(entity).isoformat(),
    }
    row = draft_row(draft_id=once.id("qd"), deal_id=deal_id, content=found.content, by=caller.person, opens=opens)
    return await _heard(database, door_of(request), row, response)


class DraftIn(Schema):
    draft: dict[str, Any] = Field(description="what is asked for now, whole", examples=[EXAMPLE])


@router.post("/{deal_id}/revise", responses={202: {"description": "stored; not yet taken in"}})
async def revise_deal(
    deal_id: Id, draft: DraftIn, request: Request, response: Response, caller: Sales, once: OnceKey, database: Db
) -> DealOut:
    """Ask for something else: a new version, which ends what was asked, approved or sent of the old one."""
    row = await own_deal(database, deal_id, caller)
    entity = await entity_of(database, row.entity_id)
    await refuse_while_moving(database, entity)
    account = await account_of(database, row.account_id)
    found = await tried(database, draft.draft, entity=entity, account=account, deal=row)
    new = draft_row(draft_id=once.id("qd"), deal_id=deal_id, content=found.content, by=caller.person)
    return await _heard(database, door_of(request), new, response)


async def _heard(database: Database, door: Door, row: QuoteDraftRow, response: Response) -> DealOut:
    """Store the draft, tell the deal, and show its page once the price is there."""
    async with database.transaction() as session:
        await insert_once(session, row)
    answer = await deliver_draft(database, door, row)
    if answer is None:
        response.status_code, response.headers["Location"] = 202, f"/v1/deals/{row.deal_id}"
    elif answer.verdict is Verdict.REFUSED:
        raise refused(answer)
    return await _priced_page(database, row.deal_id)


async def deliver_draft(database: Database, door: Door, row: QuoteDraftRow) -> Answer | None:
    """Tell a deal of a stored draft; the relay does the same after a crash, with the same message."""
    clock_at = await virtual_now(database, row.deal_id)
    body = Revise(draft_id=row.id, draft_hash=row.content_hash)
    answer = await door.command(row.deal_id, Message(id=derived("msg", row.id), by=row.by, body=body, at=clock_at))
    if answer is not None:
        delivered = text("UPDATE quote_drafts SET delivered_at = now() WHERE id = :id AND delivered_at IS NULL")
        async with database.transaction() as session:
            await sql(session, delivered, {"id": row.id})
    return answer


async def virtual_now(database: Database, deal_id: str) -> Any:
    """The now of a sandbox's deal, by which its messages are dated; None: the wall clock, which the workflow reads."""
    query = text("SELECT e.clock_at FROM deals d JOIN legal_entities e ON e.id = d.entity_id WHERE d.id = :id")
    async with database.session() as session:
        return (await sql(session, query, {"id": deal_id})).scalar_one_or_none()


async def _priced_page(database: Database, deal_id: str) -> DealOut:
    """The page as soon as the draft is priced or refused; after a few seconds as it stands."""
    try:
        async with asyncio.timeout(PRICED_WITHIN):
            while True:
                async with database.session() as session:
                    query = select(DealRow.waits_for).where(col(DealRow.id) == deal_id)
                    waits_for = (await session.exec(query)).first()
                if waits_for not in {None, "pricing", "draft"}:
                    break
                await asyncio.sleep(GLANCE)
    except TimeoutError:
        pass  # a worker that is behind: the caller sees that the deal waits for its price
    try:
        return await page_of(database, deal_id)
    except Refusal as error:
        raise Refusal(
            503,
            "NotTakenInYet",
            "the deal is stored, and is taken in as soon as a worker is there",
            hint="ask again in a moment under the same Idempotency-Key",
            headers={"Retry-After": "2", "Location": f"/v1/deals/{deal_id}"},
        ) from error


async def deal_row(database: Database, deal_id: str) -> DealRow:
    """The deal's row. Raises a 404 refusal."""
    async with database.session() as session:
        row = await session.get(DealRow, deal_id)
    if row is None:
        raise missing("deal", deal_id)
    return row


async def own_deal(database: Database, deal_id: str, caller: Caller) -> DealRow:
    """The deal, if it is the caller's (or the caller is admin). Raises 404 and 403 refusals."""
    row = await deal_row(database, deal_id)
    if row.owner.lower() != caller.person.lower() and caller.role is not Role.ADMIN:
        raise Refusal(
            403, "NotTheOwner", "only the owner changes a deal's draft", where="deal_id", hint=f"ask {row.owner}"
        )
    return row


class DealFilter(Schema):
    """Which deals; newest first."""

    stage: Stage | None = None
    owner: str | None = None
    account: str | None = None
    entity: str | None = None
    waits_for: str | None = Field(default=None, examples=["approval"])
    parked: bool | None = Field(default=None, description="only what is parked, or only what is not")
    opened_after: At | None = None
    opened_before: At | None = None
    limit: int = Field(default=50, ge=1, le=LARGEST_PAGE, description="How many items at most.")
    cursor: str | None = Field(default=None, max_length=500, description="`next_cursor` of the page before.")


@router.get("")
async def list_deals(_caller: Anyone, database: Db, wanted: Annotated[DealFilter, Query()]) -> Page[DealLineOut]:
    """Deals, newest first; every filter narrows."""
    newest_first = (col(DealRow.opened_at).desc(), col(DealRow.id).desc())
    query = select(DealRow).order_by(*newest_first).limit(wanted.limit + 1)
    names = {
        "stage": "stage",
        "owner": "owner",
        "account": "account_id",
        "entity": "entity_id",
        "waits_for": "waits_for",
    }
    for said, column in names.items():
        if (value := getattr(wanted, said)) is not None:
            query = query.where(col(getattr(DealRow, column)) == value)
    if wanted.parked is not None:
        query = query.where(col(DealRow.parked) != "" if wanted.parked else col(DealRow.parked) == "")
    if wanted.opened_after is not None:
        query = query.where(col(DealRow.opened_at) >= wanted.opened_after)
    if wanted.opened_before is not None:
        query = query.where(col(DealRow.opened_at) < wanted.opened_before)
    if wanted.cursor is not None:
        at, id_ = decode(wanted.cursor, datetime, str)
        older = col(DealRow.opened_at) < at
        query = query.where(older | ((col(DealRow.opened_at) == at) & (col(DealRow.id) < id_)))
    async with database.session() as session:
        rows = (await session.exec(query)).all()
    return page(rows, wanted.limit, lambda row: encode(row.opened_at, row.id), lambda row: DealLineOut(**line(row)))


@router.get("/{deal_id}")
async def show_deal(deal_id: Id, _caller: Anyone, database: Db) -> DealOut:
    """The page of one deal."""
    return await page_of(database, deal_id)
