"""What a customer does on the page becomes a message to the deal; the form's nonce names it, so that it acts once however often it comes."""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from fastapi import Request

from api.door import door_of
from api.errors import Refusal
from api.shares.read import Opened, moved_on
from api.shares.token import TokenAltered, links_of
from api.store import insert_once
from domain.ids import derived
from domain.message import Ask, Message, Respond, Verdict
from domain.order import MOST_QUESTIONS, TooManyQuestions
from domain.share_link import (
    LONGEST_NAME,
    LONGEST_TEXT,
    SHOWING,
    Action,
    AlternativeNeeded,
    NotPossibleNow,
    Showing,
    picked,
)
from models.database import Database
from models.share import QuoteQuestionRow

log = structlog.get_logger(__name__)

CHANNEL = "share"
DONE = {  # where a second click finds the first one's work done
    Action.ACCEPT: frozenset(
        status for status, showing in SHOWING.items() if showing in (Showing.ACCEPTED, Showing.SIGNED)
    ),
    Action.DECLINE: frozenset({"declined"}),
}
WORD = {Action.ACCEPT: "accepted", Action.DECLINE: "declined", Action.ASK: "asked"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One form as it was sent."""

    action: Action
    form: Mapping[str, str]

    def text(self, field: str, longest: int) -> str:
        """A field's text; empty where it is missing, too long or not text."""
        said = self.form.get(field, "").replace("\r\n", "\n").strip()
        fits = 0 < len(said) <= longest and "\x00" not in said and "\ufffd" not in said
        return said if fits else ""


class Incomplete(Exception):
    """A form that must be looked at again: its fields, each with the key of what to say."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(", ".join(fields))
        self.fields = fields


async def act(request: Request, database: Database, found: Opened, act: Act) -> str:
    """Tell the deal. Returns what the page is to say. Raises Incomplete, and what the link's judgement raises."""
    try:
        nonce = links_of(request).read_nonce(act.form.get("nonce", ""), found.link.id, act.action.value)
    except TokenAltered:
        return "stale"
    id_ = derived("msg", CHANNEL, found.link.id, nonce)
    try:
        body = await _asked(database, found, act, id_) if act.action is Action.ASK else _response(found, act)
    except (NotPossibleNow, TooManyQuestions) as error:
        return f"refused_{error.type}"
    message = Message(id=id_, by=found.customer, body=body, channel=CHANNEL, at=found.entity.clock_at)
    try:
        return await _told(request, database, found, act.action, message)
    except Refusal as error:
        log.warning("customer not heard", deal_id=found.deal.id, error=error.type)
        return "busy"


async def _told(request: Request, database: Database, found: Opened, action: Action, message: Message) -> str:
    door = door_of(request)
    if found.entity.clock_at is not None:  # as with a fact: what the deal does about it is dated by its sandbox's clock
        await door.advance(found.deal.id, found.entity.clock_at)
    answer = await door.command(found.deal.id, message)
    if answer is None:
        return "heard"
    if answer.verdict is Verdict.REFUSED:
        return f"refused_{answer.error}"
    if action is Action.ASK or found.version.status in DONE[action]:
        return WORD[action]
    return WORD[action] if await moved_on(database, found.version.id, found.version.status) else "heard"


def _response(found: Opened, act: Act) -> Respond:
    """Whether it is still possible is for the deal to say: a second click must get the first one's answer."""
    accept = act.action is Action.ACCEPT
    wrong: dict[str, str] = {}
    alternative = name = reason = ""
    if accept:
        if not (name := act.text("name", LONGEST_NAME)):
            wrong["name"] = "error_name"
        if act.form.get("agree") != "yes":
            wrong["agree"] = "error_tick"
        try:
            alternative = picked(act.form.get("alternative", ""), tuple(name for name, _ in found.offers.offers))
        except AlternativeNeeded:
            wrong["alternative"] = "error_alternative"
    elif not (reason := act.text("reason", LONGEST_TEXT)):
        wrong["reason"] = "error_reason"
    if wrong:
        raise Incomplete(wrong)
    return Respond(
        version=found.version.version,
        content_hash=found.link.content_hash,
        share_id=found.link.id,
        answer="accept" if accept else "decline",
        alternative=alternative,
        reason=reason,
        name=name,
    )


async def _asked(database: Database, found: Opened, act: Act, id_: str) -> Ask:
    """The question is kept before the deal hears of it: its history carries the id alone."""
    text = act.text("question", LONGEST_TEXT)
    if not text:
        raise Incomplete({"question": "error_question"})
    row = QuoteQuestionRow(
        id=derived("qq", id_),
        share_id=found.link.id,
        deal_id=found.deal.id,
        version_id=found.version.id,
        text=text,
        by=found.customer,
        at=found.now,
    )
    if row.id not in {each.id for each in found.questions}:
        found.shared.check(Action.ASK, found.now)
        waiting = sum(1 for each in found.questions if each.reply is None)
        if waiting >= MOST_QUESTIONS:  # the deal would refuse it as well, but then it would be kept already
            raise TooManyQuestions(open_questions=waiting)
        async with database.transaction() as session:
            await insert_once(session, row)
    return Ask(version=found.version.version, question_id=row.id)
