"""Whom a request is put to, and until when: seats by name, and the dates of the reminder and of the next rung.

A date is that by which enough people have had their full patience to reach the quorum: of three people of whom any may
decide, the first whose working days are over; where all must, the last.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.approving.calendar import Calendars, Patience
from domain.approving.case import Approval, Request
from domain.approving.people import Directory, Seating, earliest, passed_on, seating
from domain.errors import Conflict
from domain.need import ALL, MANAGER, NEXT_LEVEL, SALES, Ask, Need, Rung, Seat

MOST_SEATS = 40  # more are not named one by one in the deal's state


@dataclass(kw_only=True, eq=False)
class TooManyToAskAll(Conflict):
    """All of a group must approve, and it is too large to be asked one by one."""

    group: str
    people: int
    most: int = MOST_SEATS
    hint: str = "ask for any or a number of them, or for a smaller group"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What asking looks at beside the policy: people, their calendars, the moment, and who may not decide this deal."""

    directory: Directory
    calendars: Calendars
    at: datetime
    barred: tuple[str, ...]


def asked(need: Need, index: int, world: World) -> Ask:
    """The first asking of one request. Raises TooManyToAskAll.

    >>> from datetime import UTC
    >>> from domain.approving.people import Person
    >>> need = Need(level=1, group="desk", reason="", remind_after_hours=24, escalate_after_hours=72, escalate_to="",
    ...     roles=("desk",), remind_after="1 business_days")
    >>> friday = datetime(2027, 3, 5, 10, tzinfo=UTC)
    >>> people = Directory((Person(email="ann@x", roles=("desk",)), Person(email="owner@x", roles=("desk",))))
    >>> ask = asked(need, 0, World(directory=people, calendars=Calendars(), at=friday, barred=("owner@x",)))
    >>> [seat.holder for seat in ask.seats], ask.remind_at.isoformat()
    (['ann@x'], '2027-03-08T10:00:00+00:00')
    """
    found = seated(need, world)
    holders = [seat.holder for seat in found.seats]
    if len(found.seats) > MOST_SEATS:
        if need.quorum == ALL:
            raise TooManyToAskAll(group=need.group, people=len(found.seats))
        return dated(Ask(index=index, anyone=True), need, 0, world, holders)
    return dated(Ask(index=index, seats=found.seats, look_again_at=found.changes_at), need, 0, world, holders)


def seated(need: Need, world: World) -> Seating:
    """Who sits for a need now, and why others do not."""
    members = world.directory.named(need.people, need.roles)
    return seating(world.directory, members, group=need.group, at=world.at, barred=world.barred)


def escalated(needs: Sequence[Need], index: int, present: Collection[Seat], rung: int, world: World) -> Ask:
    """Rung `rung` (from 1) of request `index` is reached: who is asked besides, and the dates of what follows.

    `present` are the seats there are: nobody is asked twice for the same member.
    """
    need = needs[index]
    found = _climbed(needs, need, need.rungs[rung - 1], present, rung, world)
    ask = Ask(index=index, seats=found.seats, look_again_at=found.changes_at)
    return dated(ask, need, rung, world, [seat.holder for seat in found.seats])


def anew(needs: Sequence[Need], index: int, rung: int, world: World) -> Ask | None:
    """Who sits for a request now, with all rungs it has climbed: for a reminder, or where people changed. No dates.

    None: all of a group must approve that has grown too large to be asked one by one; who was asked stays asked.
    """
    need = needs[index]
    found = seated(need, world)
    seats, changes_at = found.seats, found.changes_at
    if len(seats) > MOST_SEATS:
        return None if need.quorum == ALL else Ask(index=index, anyone=True)
    for climbed in range(1, rung + 1):
        more = _climbed(needs, need, need.rungs[climbed - 1], seats, climbed, world)
        seats, changes_at = (*seats, *more.seats), earliest(changes_at, more.changes_at)
    return Ask(index=index, seats=tuple(dict.fromkeys(seats)), look_again_at=changes_at)


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
    asks = (
        (request, anew(needs, i, request.rung, world))
        for i, request in enumerate(approval.requests)
        if request in waiting and request.named and index in (None, i)
    )
    return tuple(_with_handed(ask, request, world) for request, ask in asks if ask is not None)


def _with_handed(ask: Ask, request: Request, world: World) -> Ask:
    """Voices that were handed on for this request alone: whose holder is not there goes on to who stands in for them, or
    back to where it came from.
    """
    if ask.anyone:
        return ask
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


def _climbed(
    needs: Sequence[Need], need: Need, step: Rung, present: Collection[Seat], rung: int, world: World
) -> Seating:
    if step.to == SALES:
        return Seating(())
    if step.to == MANAGER:
        return _managers(present, need, rung, world)
    people, roles = step.people, step.roles
    if step.to == NEXT_LEVEL:
        above = min((n.level for n in needs if n.level > need.level), default=0)
        higher = [n for n in needs if n.level == above]
        people = tuple(person for n in higher for person in n.people)
        roles = tuple(role for n in higher for role in n.roles)
    members = world.directory.named(people, roles)
    found = seating(world.directory, members, group=step.to, at=world.at, barred=world.barred, rung=rung)
    # they speak for all who are silent: one seat per holder is enough
    holders = {seat.holder: seat for seat in found.seats[:MOST_SEATS]}
    return Seating(tuple(_instead(seat, "") for seat in holders.values()), changes_at=found.changes_at)


def _managers(present: Collection[Seat], need: Need, rung: int, world: World) -> Seating:
    """The manager of each member, also of one who left or abstained; theirs in turn where a manager was asked already, may
    not decide this deal, has left, or is away without a deputy. The owner and the one who priced it are no members here.
    """
    found: list[Seat] = []
    changes_at: datetime | None = None
    members = [m for m in world.directory.named(need.people, need.roles) if m not in world.barred]
    for member in members:
        passed = {seat.holder for seat in present if seat.member == member} | {member, *world.barred}
        above = world.directory.manager_of(member)
        seen = {member}
        while above and above not in seen:
            seen.add(above)
            if above not in passed:
                seats = seating(world.directory, [above], group=need.group, at=world.at, barred=world.barred, rung=rung)
                changes_at = earliest(changes_at, seats.changes_at)
                found += [_instead(seat, member) for seat in seats.seats]
                if seats.seats:
                    break
            above = world.directory.manager_of(above)
    return Seating(tuple(found[:MOST_SEATS]), changes_at=changes_at)


def _instead(seat: Seat, member: str) -> Seat:
    """A manager's seat, or that of their deputy, for a member."""
    via = (seat.member, *seat.via) if seat.member != seat.holder else seat.via
    return Seat(member=member, holder=seat.holder, via=via, rung=seat.rung)


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
    directory, calendars = world.directory, world.calendars
    people = [directory.person(holder) for holder in dict.fromkeys(holders)]
    countries = [person.country if person else "" for person in people] or [""]
    ends = sorted(calendars.of(country).due(world.at, patience) for country in countries)
    enough = len(ends) if quorum == ALL else min(quorum, len(ends))
    return max(ends[enough - 1], world.at + timedelta(minutes=1))
