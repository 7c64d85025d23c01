"""A draft priced on trial: what it would come to, who would have to approve, what would be billed; nothing is stored."""

from datetime import date
from typing import Any

from fastapi import APIRouter
from pydantic import Field

from api.account import account_of
from api.caller import Sales
from api.entity import entity_of
from api.idempotency import ReadRoute
from api.quotes.draft import EXAMPLE, tried
from api.quotes.page import PreviewOut
from api.schema import Id, Schema
from api.store import Db
from domain.preview import told

router = APIRouter(prefix="/v1/quotes", tags=["quotes"], route_class=ReadRoute)


class PreviewIn(Schema):
    account_id: Id = Field(examples=["acc_…"], description="for whom: it decides segment, legal entity and price book")
    draft: dict[str, Any] = Field(description="what is asked for; numbers whole or as text", examples=[EXAMPLE])
    starts_on: date | None = Field(
        default=None, description="the day its term starts: its own date, or the day of pricing unless said"
    )


@router.post("/preview")
async def preview_quote(said: PreviewIn, _caller: Sales, database: Db) -> PreviewOut:
    """Price a draft, as opening a deal with it would: offers with their waterfalls, approvals, the invoices of the term.

    Needs no Idempotency-Key, for nothing is stored.
    """
    account = await account_of(database, said.account_id)
    entity = await entity_of(database, account.entity_id)
    found = await tried(database, said.draft, entity=entity, account=account, starts_on=said.starts_on)
    return PreviewOut.model_validate(told.preview(found.found))
