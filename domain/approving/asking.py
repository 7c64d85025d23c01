"""Whom a request is put to, and until when: seats by name, and the dates of the reminder and of the next rung.

A date is that by which enough people have had their full patience to reach the quorum: of three people of whom any may
decide, the first whose working days are over; where all must, the last.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.approving.calendar import Patience
from domain.approving.case import Approval, Request
from domain.approving.people import earliest, passed_on, seating
from domain.approving.sitting import MOST_SEATS, Found, World, by_name, climbed, of_group, seated, together, whom
from domain.errors import Conflict
from domain.need import ALL, Ask, Crowd, Need, Rung, Seat

__all__ = [
    "MOST_SEATS",
    "TooManyToAskAll",
    "Whom",
    "World",
    "anew",
    "ask_anew",
    "ask_level",
    "ask_rung",
    "asked",
    "concerned",
    "concerned_by",
    "crowds",
    "dated",
    "due",
    "escalated",
    "meant",
    "reached",
    "seated",
]


@dataclass(kw_only=True, eq=False)
class TooManyToAskAll(Conflict):
    """All of a group must approve, and it is too large to be asked one by one."""

    group: str
    people: int
    most: int = MOST_SEATS
    hint: str = "ask for any or a number of them, or for a smaller group"


def asked(need: Need, index: int, world: World) -> Ask:
    """The first asking of one request. Raises TooManyToAskAll.

    >>> from datetime import UTC
    >>> from domain.approving.calendar import Calendars
    >>> from domain.approving.people import Directory, Person
    >>> need = Need(level=1, group="desk", reason="", remind_after_hours=24, escalate_after_hours=72, escalate_to="",
    ...     roles=("desk",), remind_after="1 business_days")
    >>> friday = datetime(2027, 3, 5, 10, tzinfo=UTC)
    >>> people = Directory((Person(email="ann@x", roles=("desk",)), Person(email="owner@x", roles=("desk",))))
    >>> ask = asked(need, 0, World(directory=people, calendars=Calendars(), at=friday, barred=("owner@x",)))
    >>> [seat.holder for seat in ask.seats], ask.remind_at.isoformat()
    (['ann@x'], '2027-03-08T10:00:00+00:00')
    """
    return _dated(index, _first(need, world), need, 0, world)


def _first(need: Need, world: World) -> Found:
    found = seated(need, world)
    if len(found.seats) <= world.most_seats:
        return by_name(found)
    if need.quorum == ALL:
        raise TooManyToAskAll(group=need.group, people=len(found.seats), most=world.most_seats)
    return of_group(need, found, need.group, 0, world)


def _dated(index: int, found: Found, need: Need, rung: int, world: World) -> Ask:
    return dated(_ask(index, found), need, rung, world, found.holders)


def _ask(index: int, found: Found) -> Ask:
    return Ask(
        index=index,
        seats=found.seats,
        anyone=any(crowd.rung == 0 for crowd in found.crowds),
        crowds=found.crowds,
        look_again_at=found.changes_at,
    )


def escalated(needs: Sequence[Need], index: int, present: Collection[Seat], rung: int, world: World) -> Ask:
    """Rung `rung` (from 1) of request `index` is reached: who is asked besides, and the dates of what follows.

    `present` are the seats there are: nobody is asked twice for the same member.
    """
    need = needs[index]
    return _dated(index, climbed(needs, need, present, rung, world), need, rung, world)


def anew(needs: Sequence[Need], index: int, rung: int, world: World, *, known: Collection[str] = ()) -> Ask:
    """Who sits for a request now, with all rungs it has climbed: for a reminder, or where people changed. No dates.

    `known`: the members who were asked before. Where all of a group must approve that has grown too large to be asked one
    by one, they stay asked, and nobody new is.
    """
    need = needs[index]
    try:
        found = _first(need, world)
    except TooManyToAskAll:
        seats = seated(need, world)
        found = by_name(replace(seats, seats=tuple(seat for seat in seats.seats if seat.member in known)))
    for step in range(1, rung + 1):
        found = together((found, climbed(needs, need, found.seats, step, world)))
    return _ask(index, found)


def reached(request: Request, world: World) -> tuple[str, ...]:
    """Everybody who may decide about a request now, by name, and has not: who holds a seat, or is one of a crowd and here."""
    if request.approved:
        return ()
    holders = dict.fromkeys(seat.holder for seat in request.silent)
    answered = {vote.by for vote in request.votes}
    found = dict(holders)
    for crowd in crowds(request, world):
        members = world.directory.named(crowd.people, crowd.roles)
        seats = seating(world.directory, members, group=crowd.group, at=world.at, barred=world.barred).seats
        found |= {seat.holder: None for seat in seats if seat.holder not in answered}
    return tuple(found)


def crowds(request: Request, world: World) -> tuple[Crowd, ...]:
    """The groups it is asked of as a whole, also where that was asked before crowds were kept."""
    if request.looked_up:
        return request.crowds
    need = request.need
    return of_group(need, seated(need, world), need.group, 0, world).crowds


def meant(approval: Approval, request: Request) -> Whom:
    """Whom a request and the rungs it climbed name: whoever becomes one of them may decide about it."""
    needs = [each.need for each in approval.requests]
    steps = request.need.rungs[: request.rung]
    who: list[Need | Rung] = [request.need]
    who += [each for step in steps for _, each in whom(needs, request.need, step)]
    return Whom(
        tuple(dict.fromkeys(person.lower() for each in who for person in each.people)),
        tuple(dict.fromkeys(role for each in who for role in each.roles)),
    )


@dataclass(frozen=True, slots=True)
class Whom:
    """Whom asking begins with, in lower case; their managers and deputies come in turn."""

    people: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


def concerned(needs: Iterable[Need], seats: Iterable[Seat] = ()) -> Whom:
    """Everybody whom these needs, their rungs and the seats there are name."""
    named: list[Need | Rung] = []
    for need in needs:
        named += [need, *need.rungs]
    people = [person.lower() for each in named for person in each.people]
    hands = [hand.lower() for seat in seats for hand in seat.hands]
    roles = [role for each in named for role in each.roles]
    return Whom(tuple(dict.fromkeys((*people, *hands))), tuple(dict.fromkeys(roles)))


def concerned_by(approval: Approval) -> Whom:
    """Everybody whom an approval names: what who decides about it hangs on."""
    requests = approval.requests
    return concerned((r.need for r in requests), (seat for r in requests for seat in r.seats))


# --- for a whole approval, step by step ----------------------------------------------------------------------------


def ask_level(approval: Approval, level: int, world: World) -> tuple[Ask, ...]:
    """What the step `ask` comes to. Raises TooManyToAskAll."""
    return tuple(
        asked(request.need, index, world)
        for index, request in enumerate(approval.requests)
        if request.need.level == level and request.asked_at is None and not request.approved
    )


def ask_rung(approval: Approval, index: int, world: World) -> tuple[Ask, ...]:
    """What the step `escalate` comes to for one request; nothing where its next rung asks nobody."""
    request = approval.requests[index]
    if request.rung >= len(request.need.rungs):
        return ()
    needs = [each.need for each in approval.requests]
    return (escalated(needs, index, request.seats, request.rung + 1, world),)


def ask_anew(approval: Approval, world: World, *, index: int | None = None) -> tuple[Ask, ...]:
    """Who sits now for what waits (for one request, or for all): for `remind`, `look`, and for the command `reseat`."""
    needs = [each.need for each in approval.requests]
    waiting = approval.waiting
    return tuple(
        _with_handed(anew(needs, i, request.rung, world, known=_members(request)), request, world)
        for i, request in enumerate(approval.requests)
        if request in waiting and request.looked_up and index in (None, i)
    )


def _members(request: Request) -> frozenset[str]:
    """The members who were asked, also those who have answered."""
    said = (member for vote in request.votes for member in vote.members)
    return frozenset((*(seat.member for seat in request.seats), *said))


def _with_handed(ask: Ask, request: Request, world: World) -> Ask:
    """Voices that were handed on for this request alone: whose holder is not there goes on to who stands in for them, or
    back to where it came from.
    """
    gone: list[str] = []
    moved: list[Seat] = []
    again = ask.look_again_at
    for seat in request.silent:
        if not seat.given:
            continue
        found = passed_on(world.directory, seat, group=request.need.group, at=world.at, barred=world.barred)
        again = earliest(again, found.changes_at)
        if found.seats != (seat,):
            gone.append(seat.holder)
            moved += found.seats
    members = {seat.member for seat in moved if seat.member}
    seats = (*moved, *(seat for seat in ask.seats if seat.member not in members))
    return replace(ask, seats=tuple(dict.fromkeys(seats)), gone=tuple(dict.fromkeys(gone)), look_again_at=again)


def dated(ask: Ask, need: Need, rung: int, world: World, holders: Sequence[str]) -> Ask:
    """The same with its dates, by the days of those who are asked: a reminder, and the next rung where there is one.

    Where a first rung is nearer than the reminder, the reminder is left out: it would come behind it.
    """
    remind = Patience.read(need.remind_after)
    following = Patience.read(need.rungs[rung].after) if rung < len(need.rungs) else None
    remind_at = due(remind, holders, need.quorum, world) if remind else None
    escalate_at = due(following, holders, need.quorum, world) if following else None
    if remind_at is not None and escalate_at is not None and escalate_at <= remind_at:
        remind_at = None
    return replace(ask, remind_at=remind_at, escalate_at=escalate_at)


def due(patience: Patience, holders: Iterable[str], quorum: int, world: World) -> datetime:
    """When enough of these people have had their patience to reach the quorum; never in the past."""
    people = [world.directory.person(holder) for holder in dict.fromkeys(holders)]
    countries = [person.country if person else "" for person in people] or [""]
    by_country = {country: world.calendars.of(country).due(world.at, patience) for country in set(countries)}
    ends = sorted(by_country[country] for country in countries)
    enough = len(ends) if quorum == ALL else min(quorum, len(ends))
    return max(ends[enough - 1], world.at + timedelta(minutes=1))
