"""Who may decide: of the group that is asked first, and of each rung of its escalation. By name, or a group as a whole.

More than forty are not named one by one in the deal's state: any of their group may decide, besides whom a seat is kept
for: who stands in for one of them from outside of the group, and the managers of a whole group, one seat for each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from domain.approving.calendar import Calendars
from domain.approving.people import Directory, Seating, earliest, seating
from domain.need import ALL, MANAGER, NEXT_LEVEL, SALES, Crowd, Need, Rung, Seat

MOST_SEATS = 40
MOST_MANAGERS = 500  # of one rung: a seat has some hundred bytes, and a deal's state less than 200 KB


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What asking looks at beside the policy: people, their calendars, the moment, and who may not decide this deal.

    `most_seats`: so many of a group are named one by one; more are asked as a group.
    """

    directory: Directory
    calendars: Calendars
    at: datetime
    barred: tuple[str, ...]
    most_seats: int = MOST_SEATS


@dataclass(frozen=True, slots=True)
class Found:
    """Who may decide since one asking: seats, groups too large for seats, everybody by name, and when that changes next."""

    seats: tuple[Seat, ...] = ()
    crowds: tuple[Crowd, ...] = ()
    holders: tuple[str, ...] = ()
    changes_at: datetime | None = None


def together(found: Iterable[Found]) -> Found:
    """All of it as one."""
    each = tuple(found)
    return Found(
        seats=tuple(dict.fromkeys(chain.from_iterable(one.seats for one in each))),
        crowds=tuple(dict.fromkeys(chain.from_iterable(one.crowds for one in each))),
        holders=tuple(dict.fromkeys(chain.from_iterable(one.holders for one in each))),
        changes_at=earliest(*(one.changes_at for one in each)),
    )


def seated(need: Need, world: World) -> Seating:
    """Who sits for a need now, each by name, and why others do not."""
    return _seating(need, need.group, 0, world)


def _seating(who: Need | Rung, group: str, rung: int, world: World) -> Seating:
    members = world.directory.named(who.people, who.roles)
    return seating(world.directory, members, group=group, at=world.at, barred=world.barred, rung=rung)


def of_group(who: Need | Rung, found: Seating, group: str, rung: int, world: World) -> Found:
    """A group as a whole: seats only for those outside of it who stand in for one of its people."""
    members = set(world.directory.named(who.people, who.roles))
    holders = tuple(dict.fromkeys(seat.holder for seat in found.seats))
    besides = tuple(seat for seat in found.seats if seat.holder not in members)
    crowd = Crowd(
        group=group,
        rung=rung,
        size=sum(holder in members for holder in holders),
        people=tuple(person.lower() for person in who.people),
        roles=who.roles,
    )
    lent = {d.person.lower() for d in world.directory.delegations if d.to and d.to.lower() not in members}
    hands = {hand for seat in besides for hand in seat.hands}
    changes_at = world.directory.next_change((lent & members) | hands, world.at, group)
    return Found(besides, (crowd,), holders, changes_at)


def by_name(found: Seating) -> Found:
    """Each by their seat."""
    return Found(found.seats, (), tuple(dict.fromkeys(seat.holder for seat in found.seats)), found.changes_at)


def whom(needs: Sequence[Need], need: Need, step: Rung) -> tuple[tuple[str, Need | Rung], ...]:
    """The groups that a rung names, each with who that is: of the next level, each of its groups; of a manager, none."""
    if step.to in (SALES, MANAGER):
        return ()
    if step.to != NEXT_LEVEL:
        return ((step.to, step),)
    above = min((each.level for each in needs if each.level > need.level), default=0)
    return tuple((each.group, each) for each in needs if each.level == above)


def climbed(needs: Sequence[Need], need: Need, present: Collection[Seat], rung: int, world: World) -> Found:
    """Who may decide besides since rung `rung` (from 1). `present` are the seats there are."""
    step = need.rungs[rung - 1]
    if step.to == MANAGER:
        return _managers(need, present, rung, world)
    return together(_besides(who, group, rung, world) for group, who in whom(needs, need, step))


def _besides(who: Need | Rung, group: str, rung: int, world: World) -> Found:
    """They speak for all who are silent: one seat per holder is enough."""
    found = _seating(who, group, rung, world)
    own = sorted(found.seats, key=lambda seat: seat.member != seat.holder)  # who has a seat of their own needs no other
    holders: dict[str, Seat] = {}
    for seat in own:
        holders.setdefault(seat.holder, seat)
    seats = tuple(_instead(holders[seat], "") for seat in dict.fromkeys(each.holder for each in found.seats))
    if len(seats) <= world.most_seats:
        return Found(seats, (), tuple(holders), found.changes_at)
    as_one = of_group(who, Seating(tuple(holders.values())), group, rung, world)
    return Found(tuple(_instead(seat, "") for seat in as_one.seats), as_one.crowds, as_one.holders, as_one.changes_at)


def _managers(need: Need, present: Collection[Seat], rung: int, world: World) -> Found:
    """The manager of each member, also of one who left or abstained; theirs in turn where a manager was asked already, may
    not decide this deal, has left, or is away without a deputy. The owner and the one who priced it are no members here.

    Of a group asked as a whole, all of its members were asked already, and a manager's seat speaks for all who are silent.
    """
    members = [m for m in world.directory.named(need.people, need.roles) if m not in world.barred]
    many = len(members) > world.most_seats
    as_one = many and need.quorum != ALL
    if many and not as_one:  # it has grown since: those who were asked stay asked
        members = [m for m in members if any(seat.member == m for seat in present)]
    asked: dict[str, set[str]] = {}
    for seat in present:
        asked.setdefault(seat.member, set()).add(seat.holder)
    everybody = {*members, *asked.get("", ())} if as_one else set()
    tried: dict[str, Seating] = {}
    seats: list[Seat] = []
    for member in members:
        passed = {member, *world.barred} | asked.get(member, set()) | everybody
        for above in _above(member, world.directory):
            if above in passed:
                continue
            if above not in tried:
                tried[above] = seating(
                    world.directory, [above], group=need.group, at=world.at, barred=world.barred, rung=rung
                )
            if tried[above].seats:
                seats += [_instead(seat, "" if as_one else member) for seat in tried[above].seats]
                break
    changes_at = earliest(*(each.changes_at for each in tried.values()))
    return by_name(Seating(tuple(dict.fromkeys(seats))[:MOST_MANAGERS], changes_at=changes_at))


def _above(member: str, directory: Directory) -> Iterator[str]:
    """Their manager, the manager's manager, and so on, each once."""
    seen = {member}
    above = directory.manager_of(member)
    while above and above not in seen:
        seen.add(above)
        yield above
        above = directory.manager_of(above)


def _instead(seat: Seat, member: str) -> Seat:
    """A manager's seat, or that of their deputy, for a member."""
    via = (seat.member, *seat.via) if seat.member != seat.holder else seat.via
    return Seat(member=member, holder=seat.holder, via=via, rung=seat.rung)
