"""Who may speak for whom, when: roles, managers, absences with deputies, delegations with dates, and those who left.

Power goes from hand to hand only while it reaches somebody who may use it: never through or to the deal's owner or the
one who priced it, never round in a circle, never through more than five hands.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from domain.need import Seat

MOST_HANDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """`email` in lower case. `left_at`: from then on nobody may decide by that name."""

    email: str
    roles: tuple[str, ...] = ()
    manager: str = ""
    country: str = ""
    left_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """From `since` until `until` (not included) `to` speaks for `person`; `to` '' is an absence without a deputy.

    `away`: the person is out of office and is not asked at all; otherwise both may decide. `groups`: for these only.
    """

    person: str
    to: str
    since: datetime
    until: datetime
    away: bool = True
    groups: tuple[str, ...] = ()

    def holds(self, at: datetime, group: str) -> bool:
        return self.since <= at < self.until and self.serves(group)

    def serves(self, group: str) -> bool:
        return not self.groups or group in self.groups


@dataclass(frozen=True, slots=True)
class Seating:
    """Who sits for a group, in plain words why others do not, and when that is known to change next (None: it is not)."""

    seats: tuple[Seat, ...]
    left_out: tuple[str, ...] = ()
    changes_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Directory:
    """Everybody who may be asked, and who stands in for whom."""

    people: tuple[Person, ...] = ()
    delegations: tuple[Delegation, ...] = ()

    _by_email: Mapping[str, Person] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """One walk, so that a group of hundreds is looked up in hundreds of steps."""
        object.__setattr__(self, "_by_email", {p.email: p for p in reversed(self.people)})

    def person(self, email: str) -> Person | None:
        return self._by_email.get(email.lower())

    def is_here(self, email: str, at: datetime) -> bool:
        """Known, and has not left."""
        person = self.person(email)
        return person is not None and (person.left_at is None or at < person.left_at)

    def named(self, people: Iterable[str], roles: Collection[str]) -> tuple[str, ...]:
        """The people named and those in the roles, each once, in order."""
        having = sorted(p.email for p in self.people if set(roles) & set(p.roles))
        return tuple(dict.fromkeys((*(email.lower() for email in people), *having)))

    def standing_in(self, email: str, at: datetime, group: str) -> tuple[Delegation, ...]:
        """The delegations of this person that hold now, the latest begun first."""
        found = [d for d in self.delegations if d.person.lower() == email and d.holds(at, group)]
        return tuple(sorted(found, key=lambda d: (d.since, d.to), reverse=True))

    def manager_of(self, email: str) -> str:
        person = self.person(email)
        return person.manager.lower() if person is not None else ""

    def next_change(self, people: Collection[str], at: datetime, group: str) -> datetime | None:
        """The first instant after `at` at which one of these people leaves, or a delegation of theirs begins or ends."""
        leaving = [person.left_at for person in self.people if person.email in people]
        dated = [d for d in self.delegations if d.person.lower() in people and d.serves(group)]
        return earliest(*leaving, *(when for d in dated for when in (d.since, d.until)), after=at)


def earliest(*instants: datetime | None, after: datetime | None = None) -> datetime | None:
    """The first of these instants, `after` one where said; None where there is none."""
    return min((each for each in instants if each is not None and (after is None or each > after)), default=None)


def seating(
    directory: Directory, members: Iterable[str], *, group: str, at: datetime, barred: Collection[str], rung: int = 0
) -> Seating:
    """A seat for each member who may decide: their own, their deputy's while they are away, or both's.

    >>> from datetime import UTC
    >>> now = datetime(2027, 3, 1, tzinfo=UTC)
    >>> away = Delegation(person="ann@x", to="bob@x", since=now, until=datetime(2027, 3, 9, tzinfo=UTC))
    >>> people = Directory((Person(email="ann@x"), Person(email="bob@x")), (away,))
    >>> [(s.member, s.holder) for s in seating(people, ["ann@x"], group="desk", at=now, barred=()).seats]
    [('ann@x', 'bob@x')]
    >>> seating(people, ["ann@x"], group="desk", at=now, barred=("bob@x",)).left_out
    ('ann@x is away, and bob@x may not decide about this deal',)
    """
    barred = {email.lower() for email in barred}
    seats: list[Seat] = []
    left_out: list[str] = []
    met: set[str] = set()
    for member in dict.fromkeys(email.lower() for email in members):
        found, why = _seats_of(directory, member, (member,), group=group, at=at, barred=barred, met=met)
        seats.extend(Seat(member=member, holder=hands[-1], via=hands[1:-1], rung=rung) for hands in found)
        left_out.extend(why)
    changes_at = directory.next_change(met, at, group)
    return Seating(tuple(dict.fromkeys(seats)), tuple(dict.fromkeys(left_out)), changes_at)


def passed_on(directory: Directory, seat: Seat, *, group: str, at: datetime, barred: Collection[str]) -> Seating:
    """Where a voice that somebody was handed goes now: it stays with them, goes to who stands in for them, or nowhere."""
    met: set[str] = set()
    ways, why = _seats_of(directory, seat.holder, seat.hands, group=group, at=at, barred=barred, met=met)
    found = (
        replace(seat, holder=hands[-1], via=tuple(hand for hand in hands[:-1] if hand != seat.member)) for hands in ways
    )
    stays = seat.hands in ways
    return Seating((seat,) if stays else tuple(found), tuple(why), directory.next_change(met, at, group))


def _seats_of(
    directory: Directory,
    email: str,
    hands: tuple[str, ...],
    *,
    group: str,
    at: datetime,
    barred: Collection[str],
    met: set[str],
) -> tuple[list[tuple[str, ...]], list[str]]:
    """The ways of one voice to those who may use it now: each a row of hands, the member's first. `met`: who was looked at."""
    met.add(email)
    if email in barred:
        return [], [_said(hands, f"{email} may not decide about this deal")]
    if not directory.is_here(email, at):
        return [], [_said(hands, f"{email} has left" if directory.person(email) else f"{email} is not known")]
    standing = directory.standing_in(email, at, group)
    away = any(d.away for d in standing)
    found = [] if away else [hands]
    why: list[str] = []
    for to in dict.fromkeys(d.to.lower() for d in standing if d.to):
        if to in hands:
            why.append(_said(hands, f"{email} is away, and so the voice would come back to {to}"))
        elif len(hands) >= MOST_HANDS:
            why.append(_said(hands, f"{to} would be more than {MOST_HANDS} hands away"))
        else:
            further, reasons = _seats_of(directory, to, (*hands, to), group=group, at=at, barred=barred, met=met)
            found.extend(further)
            why.extend(reasons)
    if away and not found and not why:
        why.append(_said(hands, f"{email} is away without a deputy"))
    return found, why if not found else []


def _said(hands: tuple[str, ...], what: str) -> str:
    before = [hand for hand in hands if not what.startswith(hand)]
    return " ".join([*(f"{hand} is away, and" for hand in before), what])


def circles(directory: Directory) -> tuple[tuple[str, ...], ...]:
    """People who stand in for each other in a circle at one moment, so that nobody of them can be reached.

    >>> from datetime import UTC
    >>> def away(a, b, days):
    ...     since, until = (datetime(2027, 3, day, tzinfo=UTC) for day in days)
    ...     return Delegation(person=a, to=b, since=since, until=until)
    >>> circles(Directory((), (away("a@x", "b@x", (1, 9)), away("b@x", "a@x", (5, 12)))))
    (('a@x', 'b@x'),)
    >>> circles(Directory((), (away("a@x", "b@x", (1, 5)), away("b@x", "a@x", (5, 12)))))
    ()
    """
    found: dict[tuple[str, ...], None] = {}
    for start in sorted({d.since for d in directory.delegations}):
        now = {d.person.lower(): d.to.lower() for d in directory.delegations if d.away and d.to and d.holds(start, "")}
        now |= {
            d.person.lower(): d.to.lower()
            for d in directory.delegations
            if d.away and d.to and d.groups and d.since <= start < d.until
        }
        for person in now:
            if circle := _circle(now, person):
                found[circle] = None
    return tuple(found)


def _circle(now: dict[str, str], person: str) -> tuple[str, ...]:
    """The circle that begins with `person`, from its first in order; empty where there is none."""
    row = [person]
    while (following := now.get(row[-1])) is not None and following not in row:
        row.append(following)
    if following != person:
        return ()
    first = row.index(min(row))
    return tuple(row[first:] + row[:first])
