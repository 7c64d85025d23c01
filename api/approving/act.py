"""One decision by a one-click link: the link is spent and what is proposed is stored in one transaction, then the deal is told.

The message's id comes from the form's nonce: a double click, or a second try after a crash, is the same message, and the
deal takes it once. What the deal refuses changes nothing, and gives the link back.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import structlog
from fastapi import Request
from sqlalchemy import text
from sqlmodel import col, select

from api.approving.counter import NotAPercentage, countered, discounts
from api.approving.read import Closed, Opened
from api.approving.token import DecisionLinks
from api.door import door_of
from api.errors import Refusal
from api.quotes.draft import draft_row, tried
from api.shares.token import TokenAltered
from api.store import insert_once, sql
from domain.approving.case import APPROVE, CHANGES, REJECT
from domain.approving.machine import COMMENT, DELEGATE
from domain.errors import DomainError
from domain.ids import derived
from domain.message import Decide, Message, Verdict
from models.access import PersonRow
from models.database import Database
from models.deal import DealRow
from models.quote import QuoteDraftRow

log = structlog.get_logger(__name__)

CHANNEL = "link"
LONGEST = 2000
NEEDS_REASON = frozenset({REJECT, CHANGES, COMMENT})
GIVEN_BACK_AFTER = 60  # seconds: a link spent by a try that the deal never heard of may be tried again
EMAIL = r"[^@\s]+@[^@\s]+\.[^@\s]+"

_SPEND = text("""
    UPDATE decision_links SET used_at = now(), used_ref = :ref
    WHERE id = :id AND (used_at IS NULL OR used_ref = :ref OR (:unheard AND used_at < now() - make_interval(secs => :stale)))
    RETURNING id
""")
_RELEASE = text("UPDATE decision_links SET used_at = NULL, used_ref = '' WHERE id = :id AND used_ref = :ref")


class Incomplete(Exception):
    """A form that must be looked at again: its fields, each with the key of what to say (or the words themselves)."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(", ".join(fields))
        self.fields = fields


async def act(
    request: Request, database: Database, links: DecisionLinks, found: Opened, form: Mapping[str, str]
) -> str:
    """Tell the deal. Returns what the page is to say. Raises Incomplete, Closed."""
    verb = form.get("verb", "")
    if verb not in found.verbs:
        return "stale"
    try:
        nonce = links.read_nonce(form.get("nonce", ""), found.link.id, verb)
    except TokenAltered:
        return "stale"
    ref = derived("msg", CHANNEL, found.link.id, nonce)
    if found.is_spent and found.link.used_ref != ref and not _is_unheard(found):
        raise Closed(410, "used")
    if not found.is_spent or found.link.used_ref != ref:
        found.standing(found.person.email, tuple(found.person.groups), verb)
    body, draft = await _decision(database, found, verb, form, ref)
    if verb != COMMENT and not await _spend(database, found, ref, draft):
        raise Closed(410, "used")
    at = found.entity.clock_at
    message = Message(id=ref, by=found.person.email, body=body, channel=CHANNEL, at=at)
    try:
        return await _told(request, database, found, message, verb)
    except Refusal as error:
        log.warning("decision not heard", deal_id=found.deal.id, error=error.type)
        await _release(database, found, ref)
        return "busy"


def _is_unheard(found: Opened) -> bool:
    """Was the link spent by a try that the deal knows nothing of? A crash came between."""
    return found.state.answer(found.link.used_ref) is None


async def _spend(database: Database, found: Opened, ref: str, draft: QuoteDraftRow | None) -> bool:
    async with database.transaction() as session:
        if draft is not None:
            await insert_once(session, draft)
        values = {"id": found.link.id, "ref": ref, "unheard": _is_unheard(found), "stale": GIVEN_BACK_AFTER}
        return (await sql(session, _SPEND, values)).first() is not None


async def _release(database: Database, found: Opened, ref: str) -> None:
    async with database.transaction() as session:
        await sql(session, _RELEASE, {"id": found.link.id, "ref": ref})


async def _told(request: Request, database: Database, found: Opened, message: Message, verb: str) -> str:
    door = door_of(request)
    if found.entity.clock_at is not None:  # what the deal does about it is dated by its sandbox's clock
        await door.advance(found.deal.id, found.entity.clock_at)
    answer = await door.command(found.deal.id, message)
    if answer is None:
        return "heard"
    if answer.verdict is Verdict.REFUSED:
        await _release(database, found, message.id)
        return f"refused_{answer.error}"
    return verb if await _written(database, found.deal.id, message.id) else "heard"


async def _written(database: Database, deal_id: str, ref: str, *, patience: float = 2.0) -> bool:
    """Wait a moment until the deal's tables know of the message. False: they do not yet."""
    query = select(DealRow.state).where(col(DealRow.id) == deal_id)
    try:
        async with asyncio.timeout(patience):
            while True:
                async with database.session() as session:
                    state: Any = (await session.exec(query)).first()
                if any(each.get("message_id") == ref for each in state.get("answers", ())):
                    return True
                await asyncio.sleep(0.02)
    except TimeoutError:
        return False


# --- what the form says ---------------------------------------------------------------------------------------------


async def _decision(
    database: Database, found: Opened, verb: str, form: Mapping[str, str], ref: str
) -> tuple[Decide, QuoteDraftRow | None]:
    wrong: dict[str, str] = {}
    field = f"reason-{verb}"
    reason = _text(form.get("reason", ""))
    if reason is None or (verb in NEEDS_REASON and not reason):
        wrong[field] = "error_reason"
    mentions, unknown = await _mentions(database, reason or "")
    if unknown:
        wrong[field] = "error_mention"
    to = form.get("to", "").strip().lower()
    if verb == DELEGATE and not await _is_here(database, found, to):
        wrong["to"] = "error_to"
    draft = None
    if verb == CHANGES and not wrong:
        draft = await _counter(database, found, form, ref)
    if wrong:
        raise Incomplete(wrong)
    body = Decide(
        version=found.version.version,
        content_hash=found.link.content_hash,
        approve=verb == APPROVE,
        reason=reason or "",
        groups=tuple(found.person.groups),
        verb=verb,
        to=to if verb == DELEGATE else "",
        draft_id=draft.id if draft else "",
        draft_hash=draft.content_hash if draft else "",
        mentions=mentions,
    )
    return body, draft


def _text(said: str) -> str | None:
    """What was written; None where it is too long or no text."""
    plain = said.replace("\r\n", "\n").strip()
    return plain if len(plain) <= LONGEST and "\x00" not in plain and "\ufffd" not in plain else None


async def _mentions(database: Database, said: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those whom a text names with @ (`@dana@acme.example`, or `@dana` where only one is called so), and who is unknown."""
    named = dict.fromkeys(re.findall(r"(?<!\S)@([^\s,;:!?()]+)", said))
    if not named:
        return (), ()
    async with database.session() as session:
        known = (await session.exec(select(PersonRow.email))).all()
    found: list[str] = []
    unknown: list[str] = []
    for name in (each.rstrip(".").lower() for each in named):
        matches = [email for email in known if name in (email.lower(), email.lower().partition("@")[0])]
        if len(matches) == 1:
            found.append(matches[0])
        else:
            unknown.append(name)
    return tuple(dict.fromkeys(found)), tuple(unknown)


async def _is_here(database: Database, found: Opened, email: str) -> bool:
    if not re.fullmatch(EMAIL, email) or "\x00" in email:
        return False
    async with database.session() as session:
        person = await session.get(PersonRow, email)
    return person is not None and (person.left_at is None or found.now < person.left_at)


async def _counter(database: Database, found: Opened, form: Mapping[str, str], ref: str) -> QuoteDraftRow | None:
    """The proposal as a draft of its own, priced on trial first; None where nothing else is proposed."""
    if found.draft is None:
        return None
    try:
        content = countered(found.draft.content, form)
    except NotAPercentage as error:
        raise Incomplete(dict.fromkeys(error.names, "error_percent")) from None
    if content is None:
        return None
    try:
        await tried(database, content, entity=found.entity, account=found.account, deal=found.deal)
    except (DomainError, Refusal) as error:
        said = error.text if isinstance(error, DomainError) else error.detail
        first = next(iter(discounts(found.draft.content)))
        raise Incomplete({first.name: said}) from None
    row = draft_row(draft_id=derived("qd", ref), deal_id=found.deal.id, content=content, by=found.person.email)
    row.delivered_at = datetime.now(tz=UTC)  # the decision itself tells the deal of it
    return row
