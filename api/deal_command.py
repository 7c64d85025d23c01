"""What may be said to a deal: submit, decide, withdraw, cancel, retry, that a milestone is reached; the deal itself judges each, in its own order."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, model_validator

from api.account import account_of
from api.approving.world import groups_of
from api.caller import Anyone, Caller, Ops, Role, Sales, allow
from api.clock_lock import MOVING, moving
from api.deal import deal_row, own_deal
from api.deal_page import DealOut, page_of
from api.door import door_of
from api.entity import entity_of
from api.errors import Refusal, missing, refused
from api.idempotency import Once, OnceKey, WriteRoute
from api.quotes.draft import draft_row, now_of, tried
from api.schema import Email, Id, Line, Schema, Text, VersionNumber
from api.store import Db, insert_once
from domain.approving.case import APPROVE
from domain.approving.machine import COMMENT
from domain.approving.policy import GROUP
from domain.message import Body, Cancel, Decide, Message, Reach, Retry, Submit, Verdict, Withdraw
from models.access import PersonRow
from models.database import Database
from models.quote import QuoteDraftRow

router = APIRouter(prefix="/v1/deals/{deal_id}", tags=["deals"], route_class=WriteRoute)

Milestones = Annotated[Caller, Depends(allow(Role.SALES, Role.FINANCE))]

Approver = Annotated[Caller, Depends(allow(Role.DEAL_DESK, Role.FINANCE, Role.OPS))]
Verb = Literal["approve", "reject", "changes", "delegate", "abstain", "comment"]
Reason = Annotated[Text, Field(min_length=1)]

UNSETTLED: dict[int | str, dict[str, Any]] = {
    202: {"description": "heard, not judged yet: ask again under the same key, or look where Location says"}
}


class SubmitIn(Schema):
    version: VersionNumber = Field(examples=[1], description="the version that is meant; a newer one refuses it")


class DecideIn(Schema):
    version: VersionNumber = Field(examples=[1])
    content_hash: str = Field(
        default="",
        pattern="^([0-9a-f]{64})?$",
        description="of the version that was read; looked up where it is left out",
    )
    approve: bool | None = Field(default=None, examples=[True], description="short for the verbs approve and reject")
    reason: Reason = Field(examples=["strategic account"])
    verb: Verb | None = Field(default=None, description="what `approve` says unless said")
    group: str = Field(
        default="", pattern=f"^({GROUP})?$", description="for this group alone, where several ask the caller"
    )
    to: Email | None = Field(default=None, description="whom to delegate to")
    mentions: list[Email] = Field(default=[], max_length=20, description="who is told of it")
    draft: dict[str, Any] | None = Field(
        default=None, description="with `changes`: a counter-proposal, whole; it becomes a draft in the caller's name"
    )

    @model_validator(mode="after")
    def _complete(self) -> "DecideIn":
        if self.verb is None and self.approve is None:
            raise ValueError("say what is decided: a verb, or approve")
        if self.verb is not None and self.approve is not None and self.approve != (self.verb == APPROVE):
            raise ValueError(f"approve and the verb {self.verb} say two things")
        if (self.verb == "delegate") != (self.to is not None):
            raise ValueError("`to` goes with the verb delegate, and only with it")
        if self.draft is not None and self.verb != "changes":
            raise ValueError("a counter-proposal goes with the verb changes")
        return self

    @property
    def what(self) -> str:
        return self.verb or (APPROVE if self.approve else "reject")


class CommentIn(Schema):
    version: VersionNumber = Field(examples=[1])
    text: Reason
    mentions: list[Email] = Field(default=[], max_length=20, description="who is told of it")


class ReasonIn(Schema):
    reason: Line = Field(examples=["the customer asked for it"])


class RetryIn(Schema):
    subject: str = Field(default="", max_length=100, description="one parked subject; empty: all that is parked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressed:
    """The deal that is spoken to. `now` in a sandbox, by which its messages are dated; None: the wall clock.

    `content_hash` of the version that is meant, of the newest order that has it; '' where there is none.
    """

    owner: str
    now: datetime | None
    moving: bool
    content_hash: str
    gone: bool  # who speaks has left


_ADDRESSED = f"""
    SELECT d.owner, e.clock_at AS now, {MOVING} AS moving,
           coalesce((SELECT v.content_hash FROM quote_versions v WHERE v.deal_id = d.id AND v.version = $2
                      ORDER BY v.order_number DESC LIMIT 1), '') AS content_hash,
           EXISTS (SELECT FROM people p WHERE p.email = $3 AND p.left_at <= coalesce(e.clock_at, now())) AS gone
      FROM deals d JOIN legal_entities e ON e.id = d.entity_id WHERE d.id = $1
"""  # noqa: S608 - the one name in it is a constant


async def addressed(database: Database, deal_id: str, version: int = 0, by: str = "") -> Addressed:
    """All that is looked at before something is said to a deal, in one question. Raises a 404 refusal."""
    row = await database.row(_ADDRESSED, deal_id, version, by.lower())
    if row is None:
        raise missing("deal", deal_id)
    return Addressed(**row)


async def addressed_by(caller: Caller, database: Database, deal_id: str, version: int) -> Addressed:
    """The same for who decides or comments: nobody does by the name of somebody who left, also where their key was
    forgotten. Raises refusals.
    """
    found = await addressed(database, deal_id, version, caller.person)
    if found.gone:
        raise Refusal(
            403, "HasLeft", f"{caller.person} does not work here any more", where="by", hint="revoke their keys"
        )
    return found


async def say(
    deal_id: str,
    body: Body,
    request: Request,
    response: Response,
    caller: Caller,
    once: Once,
    database: Database,
    found: Addressed | None = None,
) -> DealOut:
    """Say something to a deal and show its page. Raises the deal's refusal, 404, 503, 409 while its clock is moved."""
    found = found or await addressed(database, deal_id)
    if found.moving:
        raise moving()
    message = Message(id=once.id("msg"), by=caller.person, body=body, at=found.now)
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
    deal_id: Id, said: DecideIn, request: Request, response: Response, caller: Approver, once: OnceKey, database: Db
) -> DealOut:
    """Approve, reject, ask for changes, delegate, abstain or comment; the deal judges whether it is the caller's to say.

    Nobody decides on a deal they own or a version they priced.
    """
    found = await addressed_by(caller, database, deal_id, said.version)
    if found.owner == caller.person and said.what != COMMENT:
        raise Refusal(
            403,
            "OwnDeal",
            "nobody approves an own deal",
            where="deal_id",
            hint="another person of the group must decide",
        )
    await _known(database, deal_id, *(() if said.to is None else (said.to,)), where="to")
    await _known(database, deal_id, *said.mentions, where="mentions")
    draft = await _counter(database, deal_id, said.draft, caller, once) if said.draft is not None else None
    body = Decide(
        version=said.version,
        content_hash=said.content_hash or found.content_hash,
        approve=said.what == APPROVE,
        reason=said.reason,
        groups=await groups_of(database, caller, at=found.now),
        verb=said.verb or "",
        group=said.group,
        to=(said.to or "").lower(),
        draft_id=draft.id if draft is not None else "",
        draft_hash=draft.content_hash if draft is not None else "",
        mentions=tuple(each.lower() for each in said.mentions),
    )
    return await say(deal_id, body, request, response, caller, once, database, found)


@router.post("/comments", responses=UNSETTLED)
async def comment(
    deal_id: Id, said: CommentIn, request: Request, response: Response, caller: Anyone, once: OnceKey, database: Db
) -> DealOut:
    """Say something about a version, and tell those who are mentioned. It decides nothing."""
    found = await addressed_by(caller, database, deal_id, said.version)
    await _known(database, deal_id, *said.mentions, where="mentions")
    body = Decide(
        version=said.version,
        content_hash=found.content_hash,
        approve=False,
        reason=said.text,
        verb=COMMENT,
        mentions=tuple(each.lower() for each in said.mentions),
    )
    return await say(deal_id, body, request, response, caller, once, database, found)


async def _known(database: Database, deal_id: str, *emails: str, where: str) -> None:
    """Whoever is named works here: the deal itself sees only an address. Raises a 422 refusal."""
    if not emails:
        return
    row = await deal_row(database, deal_id)
    now = now_of(await entity_of(database, row.entity_id))
    for email in emails:
        async with database.session() as session:
            person = await session.get(PersonRow, email.lower())
        if person is None or (person.left_at is not None and person.left_at <= now):
            raise Refusal(
                422, "UnknownPerson", f"{email} does not work here", where=where, hint="name somebody of /v1/people"
            )


async def _counter(
    database: Database, deal_id: str, content: dict[str, Any], caller: Caller, once: Once
) -> QuoteDraftRow:
    """The counter-proposal, priced on trial and stored first, as the next draft in the approver's name."""
    row = await deal_row(database, deal_id)
    entity = await entity_of(database, row.entity_id)
    account = await account_of(database, row.account_id)
    found = await tried(database, content, entity=entity, account=account, deal=row)
    draft = draft_row(draft_id=once.id("qd"), deal_id=row.id, content=found.content, by=caller.person)
    draft.delivered_at = draft.created_at  # the decision itself tells the deal of it
    async with database.transaction() as session:
        await insert_once(session, draft)
    return draft


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
