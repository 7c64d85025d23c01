"""What follows where nobody answers, by date and by name, and what happened to the deal so far."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlmodel import col, select

from api.approving.read import Case
from api.approving.words import moment
from api.approving.world import world_of
from domain.approval import Request
from domain.approving.asking import World, ask_rung, concerned_by
from domain.need import MANAGER, NEXT_LEVEL, SALES, Rung
from gateways.story import told as in_words
from gateways.words import DEFAULT, Words
from models.database import Database
from models.deal import TimelineRow

MOST_TOLD = 12
MOST_NAMED = 12

Row = dict[str, Any]


async def besides(database: Database, case: Case) -> dict[int, tuple[str, ...]]:
    """Of each request that waits, by its place, whom its next rung would ask besides if nobody answered until its date."""
    approval = case.approval
    found: dict[int, tuple[str, ...]] = {}
    world: World | None = None
    for index, request in enumerate(approval.requests):
        if request not in approval.waiting or request.escalate_at is None or request.lapses:
            continue
        if world is None:
            whom = concerned_by(approval)
            world = await world_of(database, at=request.escalate_at, barred=approval.barred, whom=whom)
        seated = {seat.holder for seat in request.seats}
        asks = ask_rung(approval, index, replace(world, at=request.escalate_at))
        new = dict.fromkeys(seat.holder for ask in asks for seat in ask.seats if seat.holder not in seated)
        many = len(new) > MOST_NAMED or any(ask.crowds for ask in asks)
        found[index] = () if many else tuple(new)  # they are called by their group then
    return found


def follows(request: Request, who: str, words: Words, zone: str, *, group: Callable[[str], str]) -> list[str]:
    """Until when an answer is awaited, and what silence brings, rung by rung; `who` is asked at the next one, `group` is how
    a group is called.
    """
    rungs = request.need.rungs[request.rung :]
    if request.escalate_at is None or not rungs:
        return [words("then_nothing")]
    first = words("until", at=moment(words, request.escalate_at, zone))
    lines = [f"{first}. {_then(rungs[0], who, words, group)}"]
    for each in rungs[1:]:
        then = _then(each, "", words, group)
        lines.append(words("later_then", after=patience(words, each.after), then=then[:1].lower() + then[1:]))
    return lines


def _then(rung: Rung, who: str, words: Words, group: Callable[[str], str]) -> str:
    if rung.to == SALES:
        return words("then_sales")
    if who:
        return words("then_people", who=who)
    key = {MANAGER: "then_manager", NEXT_LEVEL: "then_next_level"}.get(rung.to)
    return words(key) if key else words("then_group", group=group(rung.to))


def patience(words: Words, said: str) -> str:
    """A patience in words.

    >>> from api.approving.words import approve_words
    >>> patience(approve_words("en"), "2 business_days"), patience(approve_words("fr"), "1 hours")
    ('2 business days', '1 heure')
    """
    found = re.fullmatch(r"([0-9]+) ([a-z_]+)", said)
    return words.count(f"after_{found[2]}", int(found[1])) if found and words.has(f"after_{found[2]}") else said


async def told(database: Database, case: Case, words: Words, zone: str, *, names: Callable[[str], str]) -> list[Row]:
    """The latest of the deal's story, oldest first."""
    table = TimelineRow
    query = select(table).where(col(table.deal_id) == case.deal.id).order_by(col(table.id).desc()).limit(MOST_TOLD)
    async with database.session() as session:
        rows = (await session.exec(query)).all()
    return [
        {"at": moment(words, row.at, zone), "by": names(row.actor), **_line(words, row.text)} for row in reversed(rows)
    ]


def _line(words: Words, said: str) -> Row:
    """A line as the reader's language tells it, or as it was written, in English."""
    line = in_words(words.language, said)
    return {"text": line or said, "lang": words.language if line else DEFAULT}
