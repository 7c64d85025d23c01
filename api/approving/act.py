"""One decision by a one-click link: what is said and what it proposes are kept and the link is spent in one transaction,
then the deal is told (`api/approving/told.py`).

The message's id comes from the form's nonce: a double click, or a second try after a crash, is the same message, and the
deal takes it once.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import structlog
from fastapi import Request
from sqlmodel import col, select

from api.approving.counter import NotAPercentage, countered, discounts
from api.approving.read import Closed, Opened
from api.approving.token import DecisionLinks
from api.approving.told import Spent, deliver, keep, said
from api.door import door_of
from api.errors import Refusal
from api.quotes.draft import draft_row, tried
from api.schema import TURNING
from api.shares.token import TokenAltered
from domain.approving.case import APPROVE, CHANGES, REJECT
from domain.approving.machine import COMMENT, DELEGATE
from domain.errors import DomainError
from domain.ids import derived
from domain.message import Decide, Message, Verdict
from models.access import PersonRow
from models.approval import LinkMessageRow
from models.database import Database
from models.deal import DealRow
from models.quote import QuoteDraftRow
from workflows.converter import to_json

log = structlog.get_logger(__name__)

CHANNEL = "link"
LONGEST = 2000
NEEDS_REASON = frozenset({REJECT, CHANGES, COMMENT})
EMAIL = r"[^@\s]+@[^@\s]+\.[^@\s]+"


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
    row = await said(database, ref)
    if row is None:
        if found.is_spent:
            raise Closed(410, "used")
        if verb != COMMENT and not nonce.startswith(f"{found.question}-"):
            return "stale"
        found.standing(found.person.email, tuple(found.person.groups), verb)
        row = await _kept(database, found, verb, form, ref)
    if row.told_at is not None:
        return f"refused_{row.error}" if row.error else verb
    return await _told(request, database, row)


async def _kept(database: Database, found: Opened, verb: str, form: Mapping[str, str], ref: str) -> LinkMessageRow:
    body, draft = await _decision(database, found, verb, form, ref)
    row = LinkMessageRow(
        ref=ref,
        link_id=found.link.id,
        deal_id=found.deal.id,
        verb=verb,
        message=to_json(Message(id=ref, by=found.person.email, body=body, channel=CHANNEL)),
        created_at=datetime.now(tz=UTC),
    )
    try:
        await keep(database, row, draft=draft, spends=verb != COMMENT)
    except Spent:
        raise Closed(410, "used") from None
    return await said(database, ref) or row


async def _told(request: Request, database: Database, row: LinkMessageRow) -> str:
    """Tell the deal now. Where it does not answer, what was said is kept: the relay tells it as soon as it does."""
    ref, verb = row.ref, row.verb
    try:
        answer = await deliver(database, door_of(request), row)
    except Refusal as error:
        log.warning("decision not heard yet", deal_id=row.deal_id, error=error.type)
        return "heard"
    if answer is None:
        return "heard"
    if answer.verdict is Verdict.REFUSED:
        return f"refused_{answer.error}"
    return verb if await _written(database, row.deal_id, ref) else "heard"


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
    return plain if len(plain) <= LONGEST and not re.search(f"[\x00\ufffd{TURNING}]", plain) else None


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
