"""What was said by a one-click link reaches its deal: at once, or by the relay where a crash or an outage came between.

It is kept as it was said before anybody is told, in the transaction that spends the link, and is always the same message:
the deal takes it once. What the deal refuses changes nothing, and gives the link back.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import text
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from api.deal import virtual_now
from api.door import Door
from api.store import insert_once, sql
from domain.message import Answer, Message, Verdict
from models.approval import LinkMessageRow
from models.database import Database
from models.quote import QuoteDraftRow
from workflows.converter import from_json

_SPEND = text(
    "UPDATE decision_links SET used_at = now(), used_ref = :ref WHERE id = :id AND used_at IS NULL RETURNING id"
)
_RELEASE = text("UPDATE decision_links SET used_at = NULL, used_ref = '' WHERE id = :id AND used_ref = :ref")
_TOLD = text("UPDATE link_messages SET told_at = now(), error = :error WHERE ref = :ref AND told_at IS NULL")


class Spent(Exception):
    """The link decided something else already."""


async def said(database: Database, ref: str) -> LinkMessageRow | None:
    """What was kept under this id."""
    async with database.session() as session:
        return await session.get(LinkMessageRow, ref)


async def keep(database: Database, row: LinkMessageRow, *, draft: QuoteDraftRow | None, spends: bool) -> None:
    """Keep what was said with the draft that it proposes, and spend the link on it. What is kept already stays as it is:
    a second click changes no word of the first. Raises Spent, and nothing is kept.
    """
    async with database.transaction() as session:
        if not await insert_once(session, row, "ref"):
            return
        if draft is not None:
            await insert_once(session, draft)
        if spends and (await sql(session, _SPEND, {"id": row.link_id, "ref": row.ref})).first() is None:
            raise Spent


async def deliver(database: Database, door: Door, row: LinkMessageRow) -> Answer | None:
    """Tell the deal, dated by its sandbox's clock where it has one. None: it was heard, and is not judged yet."""
    clock_at = await virtual_now(database, row.deal_id)
    message = replace(from_json(Message, row.message), at=clock_at)
    if clock_at is not None:  # what the deal does about it is dated by its sandbox's clock
        await door.advance(row.deal_id, clock_at)
    try:
        answer = await door.command(row.deal_id, message)
    except WorkflowUpdateFailedError as error:
        answer = _never_taken(error, row.ref)
    if answer is not None:
        await _settled(database, row, answer)
    return answer


def _never_taken(error: WorkflowUpdateFailedError, ref: str) -> Answer:
    """A message whose shape the deal refuses is refused for good. Raises what may be otherwise the next time."""
    if isinstance(error.cause, ApplicationError) and error.cause.non_retryable:
        return Answer(message_id=ref, verdict=Verdict.REFUSED, error=error.cause.type or "", reason=str(error.cause))
    raise error


async def _settled(database: Database, row: LinkMessageRow, answer: Answer) -> None:
    error = (answer.error or "other") if answer.verdict is Verdict.REFUSED else ""
    async with database.transaction() as session:
        await sql(session, _TOLD, {"ref": row.ref, "error": error})
        if error:
            await sql(session, _RELEASE, {"id": row.link_id, "ref": row.ref})
