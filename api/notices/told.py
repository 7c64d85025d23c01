"""What people were told of approvals, and what did not reach them: a list for operators, and another try of what was given up."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy import text
from sqlmodel import col, select, tuple_

from api.caller import Anyone, Ops
from api.errors import Refusal, missing
from api.idempotency import OnceKey, WriteRoute
from api.pagination import Cursor, Limit, Page, decode, encode, page
from api.schema import At, Out, Schema
from api.store import Db
from models.approval import NoticeRow

router = APIRouter(prefix="/v1/notices", tags=["notices"], route_class=WriteRoute)

_AGAIN = text("""
    UPDATE notices SET refused_at = NULL, attempts = 0, next_at = NULL
     WHERE key = :key AND refused_at IS NOT NULL RETURNING key
""")


class Status(StrEnum):
    WAITING = "waiting"  # it leaves at `next_at`, or now
    SENT = "sent"
    REFUSED = "refused"  # nobody was told by this channel: `error` says why


class NoticeOut(Out):
    key: str
    deal_id: str
    person: str
    channel: str = Field(examples=["mail"])
    kind: str = Field(examples=["ask"])
    language: str
    at: At = Field(description="when the step wrote it, by the deal's clock")
    status: Status
    sent_at: At | None
    refused_at: At | None
    error: str = Field(description="what its last try met; empty where it met nothing")
    attempts: int
    next_at: At | None = Field(description="not tried before; by the clock on the wall")


class AgainIn(Schema):
    key: str = Field(min_length=1, max_length=1000)


@router.get("")
async def list_notices(
    _caller: Anyone,
    database: Db,
    status: Annotated[Status | None, Query()] = None,
    deal: Annotated[str | None, Query(max_length=200)] = None,
    person: Annotated[str | None, Query(max_length=320)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[NoticeOut]:
    """Notices, newest first; `status=refused` for those that reached nobody."""
    key = (col(NoticeRow.at), col(NoticeRow.key))
    query = select(NoticeRow).where(*_of(status)).order_by(*(each.desc() for each in key)).limit(limit + 1)
    if deal is not None:
        query = query.where(col(NoticeRow.deal_id) == deal)
    if person is not None:
        query = query.where(col(NoticeRow.person) == person.lower())
    if cursor is not None:
        query = query.where(tuple_(*key) < tuple_(*decode(cursor, datetime, str)))
    async with database.session() as session:
        rows = (await session.exec(query)).all()
    return page(rows, limit, lambda row: encode(row.at, row.key), _out)


@router.post("/again")
async def send_again(asked: AgainIn, _caller: Ops, _once: OnceKey, database: Db) -> NoticeOut:
    """Try a refused notice again, after what refused it was mended: it waits to be sent, as if it were new."""
    async with database.transaction() as session:
        moved = (await session.execute(_AGAIN, {"key": asked.key})).scalar_one_or_none()
        row = await session.get(NoticeRow, asked.key, populate_existing=True)
    if row is None:
        raise missing("notice", asked.key)
    if moved is None:
        hint = "only what was refused is sent again"
        raise Refusal(409, "NoticeNotRefused", f"the notice is {_status(row)}", where="body.key", hint=hint)
    return _out(row)


def _of(status: Status | None) -> Sequence[Any]:
    sent, refused = col(NoticeRow.sent_at), col(NoticeRow.refused_at)
    match status:
        case Status.WAITING:
            return sent.is_(None), refused.is_(None)
        case Status.SENT:
            return (sent.is_not(None),)
        case Status.REFUSED:
            return (refused.is_not(None),)
        case None:
            return ()


def _status(row: NoticeRow) -> Status:
    if row.sent_at is not None:
        return Status.SENT
    return Status.WAITING if row.refused_at is None else Status.REFUSED


def _out(row: NoticeRow) -> NoticeOut:
    return NoticeOut.model_validate({**row.model_dump(), "status": _status(row)})
