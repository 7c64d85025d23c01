"""The timeline of a deal: every fact from quote to cash in one list, each with its time, actor, cause and amount."""

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from api.amount import AmountOut, amount
from api.caller import Anyone
from api.deal import deal_row
from api.pagination import Cursor, Limit, Page, decode, encode, page
from api.schema import At, Id, Out
from api.store import Db
from models import deal as deals
from models.deal import TimelineRow

router = APIRouter(prefix="/v1/deals/{deal_id}/timeline", tags=["deals"])


class TimelineOut(Out):
    id: int
    turn: int
    at: At
    kind: str = Field(examples=["bill"])
    actor: str = Field(examples=["q2c"], description="who did it: a person, q2c, or an outside party")
    cause: str
    text: str
    subject: str = Field(description="what it is about: an order, an invoice, a message")
    amount: AmountOut | None
    data: dict[str, Any] | None


def _out(row: TimelineRow) -> TimelineOut:
    known = row.amount_minor is not None and row.currency is not None
    return TimelineOut(
        id=row.id or 0,
        turn=row.turn,
        at=row.at,
        kind=row.kind,
        actor=row.actor,
        cause=row.cause,
        text=row.text,
        subject=row.subject_id,
        amount=amount(row.amount_minor or 0, row.currency or "") if known else None,
        data=row.data,
    )


@router.get("")
async def show_timeline(
    deal_id: Id, _caller: Anyone, database: Db, limit: Limit = 100, cursor: Cursor = None
) -> Page[TimelineOut]:
    """The deal's story, from its beginning."""
    await deal_row(database, deal_id)
    after = int(str(decode(cursor, int)[0])) if cursor is not None else 0
    async with database.session() as session:
        rows = await deals.timeline(session, deal_id, after=after, limit=limit + 1)
    return page(rows, limit, lambda row: encode(row.id or 0), _out)
