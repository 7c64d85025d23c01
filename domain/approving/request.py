"""One request as the deal carries it: a group at a level, who sits for it, who said what, what was carried over."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.approving.people import earliest
from domain.need import ALL, SALES, Ask, Crowd, Need, Seat
from domain.step import Step, StepKind

APPROVE, REJECT, CHANGES, ABSTAIN = "approve", "reject", "changes", "abstain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """What one person said about one request. `members`: whose voices they used ('' all who were silent).

    `hands`: everybody through whose hands these voices came; `ref`: the message that holds reason and channel.
    """

    by: str
    said: str
    at: datetime
    ref: str = ""
    members: tuple[str, ...] = ()
    hands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """One granted request, as it can stand for a later version: what was asked, what was seen, on what, by whom."""

    level: int
    group: str
    quorum: int
    people: tuple[str, ...]
    roles: tuple[str, ...]
    facts: tuple[tuple[str, str, str], ...]
    policy: str
    version: int
    content_hash: str
    granted_at: datetime
    votes: tuple[Vote, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One group asked at one level.

    `named`: only those who have a seat may decide; otherwise every member of `groups` may (any of them, as in the first
    release). `crowds`: the groups whose members may besides, too large to be named. `rung` counts escalations. `carried`:
    the decision on an earlier version that this one stands on.
    """

    need: Need
    asked_at: datetime | None = None
    reminded: bool = False
    escalated: bool = False
    approved: bool = False
    named: bool = False
    seats: tuple[Seat, ...] = ()
    votes: tuple[Vote, ...] = ()
    rung: int = 0
    remind_at: datetime | None = None
    escalate_at: datetime | None = None
    carried: Stand | None = None
    look_again_at: datetime | None = None
    crowds: tuple[Crowd, ...] = ()

    @property
    def looked_up(self) -> bool:
        """Is it known who decides: by name, or as groups of now? The first releases asked groups and knew nobody."""
        return self.named or bool(self.crowds)

    @property
    def groups(self) -> tuple[str, ...]:
        return (self.need.group, self.need.escalate_to) if self.escalated else (self.need.group,)

    @property
    def where(self) -> str:
        return f"{self.need.group} at level {self.need.level}"

    @property
    def nobody_left(self) -> str:
        """What is said of a request that cannot be granted any more."""
        return f"nobody is left to decide for {self.where}"

    @property
    def silent(self) -> tuple[Seat, ...]:
        """The seats whose holder has not answered for that member."""
        said = {(vote.by, member) for vote in self.votes for member in vote.members}
        return tuple(seat for seat in self.seats if (seat.holder, seat.member) not in said)

    @property
    def who(self) -> tuple[str, ...]:
        """Who has to move: people by name where they were asked by name, otherwise groups."""
        holders = dict.fromkeys(seat.holder for seat in self.silent)
        if self.crowds:
            return tuple(dict.fromkeys((*(crowd.group for crowd in self.crowds), *holders)))
        if self.named:
            return tuple(holders)
        return (self.need.group, *holders) if holders else self.groups

    @property
    def voices(self) -> tuple[str, ...]:
        """The people who approved, each once."""
        return tuple(dict.fromkeys(vote.by for vote in self.votes if vote.said == APPROVE))

    @property
    def met(self) -> bool:
        """Is the quorum reached? One person is one voice; where all must, every member's seat must be spoken for."""
        if self.need.quorum != ALL or not self.named:
            return len(self.voices) >= max(self.need.quorum, 1)
        return bool(self.voices) and self._spoken_for(set())

    @property
    def hopeless(self) -> bool:
        """Whether it cannot be granted any more by those who sit for it, even if all of them approved."""
        if self.approved or not self.looked_up or self.asked_at is None:
            return False
        left = {seat.holder for seat in self.silent}
        if self.need.quorum != ALL:
            return len(left | set(self.voices)) + self._unheard < self.need.quorum
        return not self.crowds and (not (left or self.voices) or not self._spoken_for(left))

    @property
    def _unheard(self) -> int:
        """How many of its crowds have not answered."""
        return max(sum(crowd.size for crowd in self.crowds) - len(self._of_crowds), 0)

    @property
    def _of_crowds(self) -> set[str]:
        """Who answered as one of a crowd."""
        return {vote.by for vote in self.votes if not vote.members}

    def _spoken_for(self, more: Collection[str]) -> bool:
        """All-of: does every member have a vote, or a seat that one of `more` may still use?"""
        members = {seat.member for seat in self.seats if seat.member} | self._answered
        if any(vote.said == APPROVE and "" in vote.members for vote in self.votes):
            return True
        if any(not seat.member and seat.holder in more for seat in self.silent):
            return True
        live = {seat.member for seat in self.silent if seat.holder in more}
        return bool(members) and members <= self._answered | live

    @property
    def _answered(self) -> set[str]:
        return {member for vote in self.votes for member in vote.members if member}

    def seated(self, ask: Ask, at: datetime, barred: Collection[str]) -> Request:
        """Asked by name: nobody who is barred sits, holds or passes a voice on, whoever looked it up."""
        asked = replace(
            self,
            asked_at=self.asked_at or at,
            named=not ask.anyone,
            seats=_allowed(ask.seats, barred),
            remind_at=ask.remind_at,
            escalate_at=ask.escalate_at,
            look_again_at=ask.look_again_at,
            crowds=ask.crowds,
        )
        return asked.settled(at)

    def climbed(self, ask: Ask | None, at: datetime, barred: Collection[str]) -> Request:
        """One rung further: those of the escalation may decide as well; the reminder begins anew."""
        if ask is None and not self.need.rungs:
            return replace(self, escalated=True)  # the first release's one escalation, to a group
        ask = ask or Ask(index=0)
        request = replace(
            self,
            escalated=True,
            reminded=False,
            rung=self.rung + 1,
            seats=tuple(dict.fromkeys((*self.seats, *_allowed(ask.seats, barred)))),
            remind_at=ask.remind_at,
            escalate_at=ask.escalate_at,
            look_again_at=earliest(self.look_again_at, ask.look_again_at),
            crowds=(*self.crowds, *ask.crowds),
        )
        return request.settled(at)

    def reseated(self, ask: Ask, person: str, at: datetime, barred: Collection[str]) -> Request:
        """Seats looked up anew. What was said stays said, what was handed on stays so unless it is about `person`, or who
        holds it is gone.
        """
        kept = tuple(s for s in self.seats if s.given and person not in s.hands and s.holder not in ask.gone)
        done = self._answered | self._of_crowds | {seat.member for seat in kept if seat.member}
        found = tuple(seat for seat in _allowed(ask.seats, barred) if seat.member not in done)
        seats = tuple(dict.fromkeys((*kept, *found)))
        after = replace(self, seats=seats, named=not ask.anyone, look_again_at=ask.look_again_at, crowds=ask.crowds)
        return after.settled(at)

    def settled(self, at: datetime) -> Request:
        """Granted where all who are left have approved; where nobody can grant it, its next rung is due at once."""
        if self.looked_up and self.met:
            return self.granted()
        if not self.hopeless or self.rung >= len(self.need.rungs):
            return self
        return replace(self, escalate_at=min(self.escalate_at or at, at))

    def voted(self, vote: Vote) -> Request:
        """The same with one more vote; granted once the quorum is reached."""
        after = replace(self, votes=(*self.votes, vote))
        return after.granted() if after.met else after.settled(vote.at)

    def granted(self) -> Request:
        """Whose voices it took is kept with the votes; the seats are no longer needed, and the state stays small."""
        return replace(self, approved=True, seats=(), remind_at=None, escalate_at=None, look_again_at=None, crowds=())

    def delegated(self, by: str, to: str, at: datetime) -> Request:
        """Every silent seat of `by` is held by `to`; whether they are there is looked up at once."""
        silent = {seat for seat in self.silent if seat.holder == by}
        seats = (_handed(seat, to) if seat in silent else seat for seat in self.seats)
        return replace(self, seats=tuple(dict.fromkeys(seats)), look_again_at=at).settled(at)

    def pending_steps(self, subject: str, number: int) -> tuple[Step, ...]:
        """The reminder and the escalation still to come, counted from the day the group was asked."""
        if self.asked_at is None or self.approved:
            return ()
        steps = []
        remind_at, escalate_at = self._dates(self.asked_at)
        number += self.rung * 10_000 * 100
        if remind_at is not None and not self.reminded:
            steps.append(Step(kind=StepKind.REMIND, subject=subject, number=number, at=remind_at))
        if escalate_at is not None:
            steps.append(Step(kind=StepKind.ESCALATE, subject=subject, number=number, at=escalate_at))
        return tuple(steps)

    def _dates(self, asked_at: datetime) -> tuple[datetime | None, datetime | None]:
        """The dates it was told where people were asked by name; otherwise plain hours, and one escalation."""
        if self.looked_up or self.remind_at is not None or self.escalate_at is not None:
            return self.remind_at, self.escalate_at if self.rung < len(self.need.rungs) else None
        need = self.need
        remind = asked_at + timedelta(hours=need.remind_after_hours) if need.remind_after_hours else None
        due = need.escalate_after_hours and need.escalate_to and not self.escalated
        return remind, asked_at + timedelta(hours=need.escalate_after_hours) if due else None

    @property
    def lapses(self) -> bool:
        """Does the next rung give the version back to sales?"""
        return self.rung < len(self.need.rungs) and self.need.rungs[self.rung].to == SALES


def _handed(seat: Seat, to: str) -> Seat:
    """A seat in another hand. The member is no hand in between."""
    via = seat.via if seat.holder == seat.member else (*seat.via, seat.holder)
    return replace(seat, holder=to, via=via, given=True)


def _allowed(seats: Iterable[Seat], barred: Collection[str]) -> tuple[Seat, ...]:
    return tuple(seat for seat in dict.fromkeys(seats) if not {hand.lower() for hand in seat.hands} & set(barred))
