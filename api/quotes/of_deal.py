"""A deal's quote versions as a list, and a new deal from one of them: the draft that was asked for, priced as of today."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import Field

from api.caller import Anyone, Sales
from api.deal import DealIn, deal_row, open_deal
from api.deal_page import DealOut
from api.errors import Refusal, missing
from api.idempotency import OnceKey, WriteRoute
from api.order_page import VersionOut, version_out
from api.schema import At, Email, Id, Line, Schema, VersionNumber
from api.store import Db
from models import quote as quotes
from models.database import Database
from models.quote import QuoteDraftRow, QuoteVersionRow

router = APIRouter(prefix="/v1/deals/{deal_id}", tags=["quotes"], route_class=WriteRoute)


class VersionLineOut(VersionOut):
    """A version as the deal's list shows it."""

    order_number: int
    created_at: At


@router.get("/versions")
async def list_versions(deal_id: Id, _caller: Anyone, database: Db) -> list[VersionLineOut]:
    """Every quote version of every order of the deal, in the order in which they were made."""
    await deal_row(database, deal_id)
    async with database.session() as session:
        rows = await quotes.versions(session, deal_id)
    return [
        VersionLineOut(**version_out(row).model_dump(), order_number=row.order_number, created_at=row.created_at)
        for row in rows
    ]


class SignerIn(Schema):
    name: Line = Field(examples=["Ines Initech"])
    email: Email = Field(examples=["ines@initech.example"])


class CloneIn(Schema):
    name: Line | None = Field(default=None, description="the same name unless said", examples=["Initech: 20 seats"])
    version: VersionNumber | None = Field(default=None, description="of the newest order; the newest unless said")
    account_id: Id | None = Field(default=None, description="the same account unless said", examples=["acc_…"])
    signer: SignerIn | None = Field(default=None, description="needed for another account: its own person signs")
    without_coupons: bool = Field(default=False, description="a coupon that may be used once stays with its deal")


@router.post("/clone", status_code=201, responses={202: {"description": "stored; not yet taken in"}})
async def clone_deal(
    deal_id: Id, said: CloneIn, request: Request, response: Response, caller: Sales, once: OnceKey, database: Db
) -> DealOut:
    """Open a new deal from a version's draft, priced anew: from the same price book, by today's version of it."""
    deal = await deal_row(database, deal_id)
    account_id = said.account_id or deal.account_id
    draft = await _draft_of(database, deal_id, said.version)
    if account_id != deal.account_id:
        draft.pop("language", None)  # the other account has its own
    if said.without_coupons:
        draft = _couponless(draft)
    if said.signer is not None:
        draft["signer"] = said.signer.model_dump()
    elif account_id != deal.account_id:
        raise Refusal(
            422,
            "SignerNeeded",
            "the draft's signer belongs to the other account",
            where="signer",
            hint="name who signs for this account",
        )
    new = DealIn(name=said.name or deal.name, account_id=account_id, draft=draft)
    return await open_deal(new, request, response, caller, once, database)


async def _draft_of(database: Database, deal_id: str, version: int | None) -> dict[str, Any]:
    """The draft of a version; of the newest one that was made from a draft (a renewal offered by silence has none).

    Raises a 404 refusal.
    """
    async with database.session() as session:
        rows = await quotes.versions(session, deal_id)
        row = next((each for each in reversed(rows) if _wanted(each, version)), None)
        draft = await session.get(QuoteDraftRow, row.draft_id) if row is not None and row.draft_id else None
    if draft is None:
        raise missing("quote version", f"{deal_id}/{version}" if version else f"{deal_id} that was made from a draft")
    return dict(draft.content)


def _couponless(draft: dict[str, Any]) -> dict[str, Any]:
    """The same without coupons, in no alternative either."""
    kept = {name: value for name, value in draft.items() if name != "coupons"}
    if "alternatives" in kept:
        kept["alternatives"] = [_couponless(each) for each in kept["alternatives"]]
    return kept


def _wanted(row: QuoteVersionRow, version: int | None) -> bool:
    return row.draft_id is not None and version in {None, row.version}
