"""What people were told, by notices and by mails, and what did not reach them: a list for operators, and another try of what was given up."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy import false, func, text
from sqlmodel import col, select, tuple_

from api.caller import Anyone, Ops
from api.errors import Refusal, missing
from api.idempotency import OnceKey, WriteRoute
from api.leaving import Ledger
from api.mail import MAILS
from api.notices.send import NOTICES
from api.pagination import Cursor, Limit, Page, decode, encode, page
from api.schema import At, Email, Out, Schema
from api.store import Db, sql
from models.approval import NoticeRow
from models.leaving import Leaving
from models.outbox import MailRow

router = APIRouter(prefix="/v1/notices", tags=["notices"], route_class=WriteRoute)

_MAIL = "mail"
_ANOTHER = text("UPDATE mails SET to_ = :to WHERE key = :key AND refused_at IS NOT NULL")


class Status(StrEnum):
    WAITING = "waiting"  # it leaves at `next_at`, or now
    SENT = "sent"
    REFUSED = "refused"  # nobody was told by this channel: `error` says why
    OVERTAKEN = "overtaken"  # not sent: nobody waits any more for what it asks


class NoticeOut(Out):
    key: str
    deal_id: str | None
    person: str = Field(description="the address of whom it is for")
    channel: str = Field(examples=[_MAIL])
    kind: str = Field(examples=["ask"], description="of a mail that is no notice: invoice, order_form, or mail")
    subject: str = Field(description="of such a mail; a notice gets its words when it is sent")
    language: str
    at: At = Field(description="when the step wrote it, by the deal's clock")
    status: Status
    sent_at: At | None
    refused_at: At | None = Field(description="when it was given up")
    error: str = Field(description="what its last try met; empty where it met nothing")
    attempts: int
    next_at: At | None = Field(description="not tried before; by the clock on the wall")


class AgainIn(Schema):
    key: str = Field(min_length=1, max_length=1000)
    to: Email | None = Field(
        default=None, description="another address, for a mail (an invoice, a quote) that had a wrong one"
    )


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
    """Notices and mails, newest first; `status=refused` for those that reached nobody."""
    before = decode(cursor, datetime, str) if cursor is not None else None
    found: list[NoticeOut] = []
    async with database.session() as session:
        for table, to in ((NoticeRow, col(NoticeRow.person)), (MailRow, col(MailRow.to_))):
            key = (col(table.at), col(table.key).collate("C"))  # as Python sorts them
            query = select(table).where(*_of(table, status)).order_by(*(each.desc() for each in key)).limit(limit + 1)
            if deal is not None:
                query = query.where(col(table.deal_id) == deal)
            if person is not None:
                query = query.where(func.lower(to) == person.lower())
            if before is not None:
                query = query.where(tuple_(*key) < tuple_(*before))
            found += [_out(row) for row in (await session.exec(query)).all()]
    found.sort(key=lambda each: (each.at, each.key), reverse=True)
    return page(found[: limit + 1], limit, lambda each: encode(each.at, each.key), lambda each: each)


@router.post("/again")
async def send_again(asked: AgainIn, caller: Ops, _once: OnceKey, database: Db) -> NoticeOut:
    """Try what was refused again, after what refused it was mended: it waits to be sent, as if it were new."""
    async with database.transaction() as session:
        notice = await session.get(NoticeRow, asked.key)
        if notice is not None and asked.to is not None:
            hint = "mend the person's address: this notice is for nobody else"
            raise Refusal(422, "NoticeIsTheirs", "a notice goes to its person alone", where="body.to", hint=hint)
        if asked.to is not None:
            await sql(session, _ANOTHER, {"key": asked.key, "to": asked.to})
        ledger: Ledger[Any] = MAILS if notice is None else NOTICES
        moved = await ledger.again(session, asked.key, by=caller.person)
        table: type[NoticeRow | MailRow] = MailRow if notice is None else NoticeRow
        row = await session.get(table, asked.key, populate_existing=True)
    if row is None:
        raise missing("notice", asked.key)
    out = _out(row)
    if not moved:
        hint = "only what was refused is sent again"
        raise Refusal(409, "NoticeNotRefused", f"the notice is {out.status}", where="body.key", hint=hint)
    return out


def _of(table: type[NoticeRow | MailRow], status: Status | None) -> Sequence[Any]:
    sent, refused = col(table.sent_at), col(table.refused_at)
    match status:
        case Status.WAITING:
            return sent.is_(None), refused.is_(None)
        case Status.SENT:
            return (sent.is_not(None),)
        case Status.REFUSED if table is NoticeRow:
            return refused.is_not(None), col(NoticeRow.overtaken).is_(False)
        case Status.REFUSED:
            return (refused.is_not(None),)
        case Status.OVERTAKEN:
            return (col(NoticeRow.overtaken).is_(True),) if table is NoticeRow else (false(),)
        case None:
            return ()


def _out(row: Leaving) -> NoticeOut:
    if isinstance(row, MailRow):
        about = {"person": row.to_, "channel": _MAIL, "kind": row.attachment.partition(":")[0] or _MAIL, "language": ""}
        kept = row.model_dump(exclude={"to_", "body", "attachment"})
    else:
        about, kept = {"subject": ""}, row.model_dump(exclude={"payload"})
    return NoticeOut.model_validate({**kept, **about, "status": _status(row)})


def _status(row: Leaving) -> Status:
    if row.sent_at is not None:
        return Status.SENT
    if row.refused_at is None:
        return Status.WAITING
    return Status.OVERTAKEN if isinstance(row, NoticeRow) and row.overtaken else Status.REFUSED
