"""Share links for our own people: made, listed, taken back; who looked, what was asked, and the answer to it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field
from sqlalchemy import text

from api.caller import Anyone, Caller, Sales
from api.deal import deal_row, own_deal
from api.deal_page import QuestionOut
from api.document import quote_document
from api.door import door_of
from api.errors import Refusal, missing, refused
from api.idempotency import Once, OnceKey, WriteRoute
from api.schema import At, Id, Out, Schema
from api.shares.read import Paper, paper
from api.shares.token import Links, links_of
from api.store import Db, insert_once, sql
from domain.ids import derived
from domain.message import Message, Reply, Verdict
from domain.share_link import LONGEST_TEXT, SHAREABLE
from models import share as shares
from models.database import Database
from models.share import QuoteQuestionRow, ShareLinkRow, ShareViewRow

router = APIRouter(prefix="/v1", tags=["shares"], route_class=WriteRoute)

_REVOKE = text("UPDATE share_links SET revoked_at = :at, revoked_by = :by WHERE id = :id AND revoked_at IS NULL")
_REPLY = text("""
    UPDATE quote_questions SET reply = :reply, replied_by = :by, replied_at = :at
    WHERE id = :id AND reply IS NULL
""")


class ShareLinkIn(Schema):
    expires_at: At | None = Field(default=None, description="with the quote unless said; never after it")


class ShareLinkOut(Out):
    id: str
    deal_id: str
    version_id: str
    url: str = Field(description="whoever has it can read the quote, and answer it", examples=["https://…/q/shl_…"])
    created_by: str
    created_at: At
    expires_at: At
    revoked_at: At | None
    revoked_by: str


class ViewOut(Out):
    at: At
    agent: str
    ip_hash: str = Field(description="tells lookers apart, not who they are")


class SeenLinkOut(ShareLinkOut):
    views: list[ViewOut]


class SharesOut(Out):
    links: list[SeenLinkOut]
    questions: list[QuestionOut]


class ReplyIn(Schema):
    text: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT, pattern=r"^[^\x00]*$")]


def _out(row: ShareLinkRow, links: Links) -> ShareLinkOut:
    url = links.url(row.id, row.content_hash)
    return ShareLinkOut(**row.model_dump(exclude={"content_hash", "recorded_at"}), url=url)


async def _paper(database: Database, version_id: str) -> Paper:
    found = await paper(database, version_id)
    if found is None:
        raise missing("quote version", version_id)
    return found


@router.post("/quote-versions/{version_id}/share-links", status_code=201)
async def make_link(
    version_id: Id, said: ShareLinkIn, request: Request, caller: Sales, once: OnceKey, database: Db
) -> ShareLinkOut:
    """A link to an approved version; its document is made now, and stays as it is."""
    found = await _paper(database, version_id)
    await own_deal(database, found.deal.id, caller)
    row = _link(found, said.expires_at, caller, once)
    links = links_of(request)
    links.token(row.id, row.content_hash)  # where there is no secret, nothing is made
    await quote_document(database, version_id)
    async with database.transaction() as session:
        await insert_once(session, row)
        return _out(await session.get_one(ShareLinkRow, row.id), links)


def _link(found: Paper, expires_at: datetime | None, caller: Caller, once: Once) -> ShareLinkRow:
    version, now = found.version, found.now
    if version.status not in SHAREABLE:
        raise Refusal(
            409,
            "VersionNotShareable",
            f"the version is {version.status}",
            where="version_id",
            hint=f"share a version that is {' or '.join(sorted(SHAREABLE))}",
        )
    until = expires_at or version.expires_at
    if not now < until <= version.expires_at:
        raise Refusal(
            422,
            "LinkValidityImpossible",
            f"a link ends after {now.isoformat()} and no later than its quote, {version.expires_at.isoformat()}",
            where="expires_at",
            hint="leave it out: the link then ends with the quote",
        )
    return ShareLinkRow(
        id=once.id("shl"),
        deal_id=version.deal_id,
        version_id=version.id,
        content_hash=version.content_hash,
        created_by=caller.person,
        created_at=now,
        expires_at=until,
    )


@router.get("/quote-versions/{version_id}/share-links")
async def list_links(version_id: Id, request: Request, _caller: Anyone, database: Db) -> list[ShareLinkOut]:
    """Every link to the version, in the order in which they were made."""
    await _paper(database, version_id)
    async with database.session() as session:
        rows = await shares.links(session, version_id)
    return [_out(row, links_of(request)) for row in rows]


@router.post("/share-links/{share_id}/revoke")
async def revoke(share_id: Id, request: Request, caller: Sales, _once: OnceKey, database: Db) -> ShareLinkOut:
    """Take a link back: it opens no more. What the customer did through it before stands."""
    async with database.session() as session:
        row = await session.get(ShareLinkRow, share_id)
    if row is None:
        raise missing("share link", share_id)
    await own_deal(database, row.deal_id, caller)
    now = (await _paper(database, row.version_id)).now
    async with database.transaction() as session:
        await sql(session, _REVOKE, {"id": share_id, "at": now, "by": caller.person})
        row = await session.get_one(ShareLinkRow, share_id)
        return _out(row, links_of(request))


@router.get("/deals/{deal_id}/shares")
async def shares_of_deal(deal_id: Id, request: Request, _caller: Anyone, database: Db) -> SharesOut:
    """The deal's links with everyone who looked, and its questions with their answers."""
    await deal_row(database, deal_id)
    async with database.session() as session:
        rows = await shares.links_of_deal(session, deal_id)
        seen: dict[str, Sequence[ShareViewRow]] = {row.id: await shares.views(session, row.id) for row in rows}
        asked = await shares.questions(session, deal_id)
    links = links_of(request)
    return SharesOut(
        links=[
            SeenLinkOut(**_out(row, links).model_dump(), views=[ViewOut.model_validate(view) for view in seen[row.id]])
            for row in rows
        ],
        questions=[QuestionOut.model_validate(row) for row in asked],
    )


@router.post("/questions/{question_id}/reply")
async def reply(
    question_id: Id, said: ReplyIn, request: Request, caller: Sales, _once: OnceKey, database: Db
) -> QuestionOut:
    """Answer a customer's question, once; the customer gets a mail, and finds the answer on the page."""
    row = await _question(database, question_id)
    await own_deal(database, row.deal_id, caller)
    if row.recorded_turn is None:
        raise Refusal(
            409,
            "QuestionNotTaken",
            "the deal has not heard this question yet",
            where="question_id",
            hint="ask again in a moment",
        )
    found = await _paper(database, row.version_id)
    async with database.transaction() as session:
        values = {"id": question_id, "reply": said.text, "by": caller.person, "at": found.now}
        await sql(session, _REPLY, values)
    row = await _question(database, question_id)
    if (row.reply, row.replied_by) != (said.text, caller.person):
        raise Refusal(
            409,
            "QuestionAnswered",
            "the question has an answer already",
            where="question_id",
            hint="read the deal's shares",
        )
    body = Reply(question_id=question_id)
    message = Message(id=derived("msg", "reply", question_id), by=caller.person, body=body, at=found.entity.clock_at)
    answer = await door_of(request).command(row.deal_id, message)
    if answer is not None and answer.verdict is Verdict.REFUSED:
        raise refused(answer)
    return QuestionOut.model_validate(row)


async def _question(database: Database, question_id: str) -> QuoteQuestionRow:
    async with database.session() as session:
        row = await session.get(QuoteQuestionRow, question_id)
    if row is None:
        raise missing("question", question_id)
    return row
