"""Deciding: who may, what each word does, and what the approval does by itself (ask, remind, escalate).

Levels run in order, the groups of one in parallel. One rejection, or one wish for changes, ends the version. Nobody decides
about a deal they own or a version they priced, nor does anybody with a voice that was theirs or went through their hands.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from domain.approving.case import ABSTAIN, APPROVE, CHANGES, REJECT, ROUND, Approval, Request, Vote
from domain.approving.people import MOST_HANDS
from domain.errors import Conflict, Forbidden, Invalid
from domain.message import Decide
from domain.need import Ask, Seat
from domain.step import Step, StepKind

DELEGATE, COMMENT = "delegate", "comment"
VERBS = (APPROVE, REJECT, CHANGES, DELEGATE, ABSTAIN, COMMENT)


@dataclass(kw_only=True, eq=False)
class SupersededVersion(Conflict):
    """The decision is about a version that is no longer the one being decided on."""

    decided: int
    current: int
    hint: str = "read the deal again and decide on its current version"


@dataclass(kw_only=True, eq=False)
class NothingToDecide(Conflict):
    """No approval is being asked for."""

    hint: str = "submit the priced version first"


@dataclass(kw_only=True, eq=False)
class AlreadyDecided(Conflict):
    """This person has answered every request that they may answer."""

    person: str
    hint: str = "what was said stays said; a revised version asks anew where its facts got worse"


@dataclass(kw_only=True, eq=False)
class OwnDeal(Forbidden):
    """Nobody approves their own deal."""

    person: str
    hint: str = "ask another member of the group"


@dataclass(kw_only=True, eq=False)
class WrongGroup(Forbidden):
    """None of the person's groups is being asked at this level."""

    level: int
    asked: tuple[str, ...]
    hint: str = "a member of one of the groups asked has to decide"


@dataclass(kw_only=True, eq=False)
class DelegationRefused(Forbidden):
    """The voice may not go to this person."""

    to: str
    why: str
    hint: str = "delegate to somebody who neither owns nor priced the deal and has not had this voice before"


@dataclass(kw_only=True, eq=False)
class UnknownVerb(Invalid):
    """A decision is approve, reject, changes, delegate, abstain or comment."""

    verb: str
    hint: str = "use one of " + ", ".join(VERBS)


def check(decide: Decide, *, approval: Approval, by: str, owner: str, version: int, content_hash: str) -> None:
    """May this person decide this, now? Raises what stands against it.

    >>> check(Decide(version=1, content_hash="h", approve=True, reason="ok"), approval=Approval.of([]), by="a", owner="b",
    ...       version=1, content_hash="h")
    Traceback (most recent call last):
    ...
    domain.approving.machine.NothingToDecide: nothing to decide
    """
    if decide.what not in VERBS:
        raise UnknownVerb(verb=decide.what, where="verb")
    if decide.version != version or decide.content_hash != content_hash:
        raise SupersededVersion(decided=decide.version, current=version, where="version")
    if decide.what == COMMENT:
        return
    if by.lower() in {owner.lower(), *approval.barred}:
        raise OwnDeal(person=by, where="by")
    if not approval.waiting:
        raise NothingToDecide(where="version")
    if not mine(approval, by, decide.groups, decide.group):
        if any(vote.by == by.lower() for request in approval.waiting for vote in request.votes):
            raise AlreadyDecided(person=by, where="by")
        asked = sorted({who for request in approval.waiting for who in request.who})
        raise WrongGroup(level=approval.level, asked=tuple(asked), where="groups")


def mine(approval: Approval, by: str, groups: Iterable[str], only: str = "") -> tuple[int, ...]:
    """The requests (by index) that this person may answer now, `only` those of one group where said."""
    waiting = approval.waiting if by.lower() not in approval.barred else ()
    return tuple(
        index
        for index, request in enumerate(approval.requests)
        if request in waiting
        and only in ("", request.need.group)
        and (seats_of(request, by, approval.barred) or _in_group(request, by, groups))
    )


def seats_of(request: Request, by: str, barred: Collection[str]) -> tuple[Seat, ...]:
    """The voices this person may still use: nobody who is barred has a hand in them."""
    held = (seat for seat in request.silent if seat.holder == by.lower())
    return tuple(seat for seat in held if not {hand.lower() for hand in seat.hands} & set(barred))


def voice(
    request: Request, by: str, groups: Iterable[str], barred: Collection[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """For whom this person speaks, and through whose hands: of their seats; who came as one of a crowd to which a group
    asked by name was escalated speaks for all who are silent.
    """
    seats = seats_of(request, by, barred)
    members = dict.fromkeys(seat.member for seat in seats)
    if request.named and _in_group(request, by, groups):
        members[""] = None
    return tuple(members), tuple(dict.fromkeys(hand for seat in seats for hand in seat.hands)) or (by,)


def _in_group(request: Request, by: str, groups: Iterable[str]) -> bool:
    """A member of a group that was not asked by name, who has not answered yet."""
    by, mine, need = by.lower(), set(groups), request.need
    member = any(by in crowd.people or mine & set(crowd.roles) for crowd in request.crowds)
    if not request.named:
        listed = need.people or need.roles
        member = member or by in need.people or bool(mine & set(need.roles if listed else request.groups))
    return member and by not in {vote.by for vote in request.votes}


def decided(approval: Approval, decide: Decide, *, by: str, at: datetime, ref: str) -> Approval:
    """The approval after a decision that `check` let through. `ref` is the message with its reason and channel.

    >>> from datetime import UTC
    >>> from domain.need import Need
    >>> need = Need(level=1, group="desk", reason="", remind_after_hours=1, escalate_after_hours=1, escalate_to="", quorum=2)
    >>> now = datetime(2027, 3, 1, tzinfo=UTC)
    >>> asked = Approval.of([need]).asked(1, now, [Ask(index=0, seats=(Seat(member="a@x", holder="a@x"),
    ...     Seat(member="b@x", holder="b@x")))])
    >>> yes = Decide(version=1, content_hash="h", approve=True, reason="ok")
    >>> once = decided(asked, yes, by="a@x", at=now, ref="m1")
    >>> once.granted, decided(once, yes, by="b@x", at=now, ref="m2").granted
    (False, True)
    """
    if decide.what == COMMENT:
        return approval
    for index in mine(approval, by, decide.groups, decide.group):
        request = approval.requests[index]
        if decide.what == DELEGATE:
            after = _delegated(request, by.lower(), decide.to.strip().lower(), at, approval.barred)
        else:
            members, hands = voice(request, by.lower(), decide.groups, approval.barred)
            vote = Vote(by=by.lower(), said=decide.what, at=at, ref=ref, members=members, hands=hands)
            after = _voted(request, vote)
        approval = _with(approval, index, after)
    return approval


def _with(approval: Approval, index: int, request: Request) -> Approval:
    return approval.with_request(index, lambda _: request)


def _voted(request: Request, vote: Vote) -> Request:
    if vote.said in (REJECT, CHANGES):
        return replace(request, votes=(*request.votes, vote))
    return request.voted(vote)


def _delegated(request: Request, by: str, to: str, at: datetime, barred: Collection[str]) -> Request:
    """The voices of `by` go to `to`. Raises DelegationRefused."""
    seats = seats_of(request, by, barred)
    why = ""
    if not seats:
        why = "every member of the group may decide"
    elif not to:
        why = "nobody is named"
    elif to in barred:
        why = "they own the deal or priced this version"
    elif any(to in seat.hands for seat in seats):
        why = "they have had this voice already"
    elif any(len(seat.hands) >= MOST_HANDS for seat in seats):
        why = f"a voice goes through at most {MOST_HANDS} hands"
    if why:
        raise DelegationRefused(to=to, why=why, where="to")
    after = request.delegated(by, to, at)
    if after.hopeless and not request.hopeless:
        raise DelegationRefused(to=to, why="too few different people would be left for the quorum", where="to")
    return after


# --- what it does by itself ----------------------------------------------------------------------------------------

Change = Callable[[Approval, int, datetime, tuple[Ask, ...] | None], Approval]  # by number of the step, at, asks


def asked(approval: Approval, number: int, at: datetime, asks: tuple[Ask, ...] | None) -> Approval:
    """The step `ask` was performed: its level was asked, by name where `asks` says so."""
    return approval.asked(number % 100, at, asks)


def reminded(approval: Approval, number: int, at: datetime, asks: tuple[Ask, ...] | None) -> Approval:
    """The step `remind` was performed; who sits was looked up anew where `asks` says so."""
    index = number % 100
    marked = approval.marked(index, reminded=True)
    return reseated(marked, "", at, tuple(ask for ask in asks or () if ask.index == index))


def escalated(approval: Approval, number: int, at: datetime, asks: tuple[Ask, ...] | None) -> Approval:
    """The step `escalate` was performed: one rung further, never two."""
    index = number % 100
    ask = next((ask for ask in asks or () if ask.index == index), None)
    return approval.with_request(index, lambda request: request.climbed(ask, at, approval.barred))


def lapsing(approval: Approval, number: int) -> str:
    """Why the step `escalate` gives the version back to sales; '' where it asks somebody instead."""
    index = number % 100
    if index >= len(approval.requests) or not approval.requests[index].lapses:
        return ""
    request = approval.requests[index]
    return request.nobody_left if request.hopeless else f"nobody decided in time: {request.where}"


def reseated(approval: Approval, person: str, at: datetime, asks: Iterable[Ask]) -> Approval:
    """Who is asked was looked up anew: an approver left, is away, or came back. Only open requests of this level move."""
    waiting = approval.waiting
    for ask in asks:
        if (
            ask.index < len(approval.requests)
            and (request := approval.requests[ask.index]) in waiting
            and request.looked_up
        ):
            after = request.reseated(ask, person.lower(), at, approval.barred)
            approval = _with(approval, ask.index, after)
    return approval


def stirs(before: Approval, after: Approval) -> bool:
    """Does a look at people change anything? How many a crowd has is no news, unless nobody is left by it."""
    return before.blocked != after.blocked or _but_for_sizes(before) != _but_for_sizes(after)


def _but_for_sizes(approval: Approval) -> tuple[Request, ...]:
    return tuple(
        replace(request, crowds=tuple(replace(crowd, size=0) for crowd in request.crowds))
        for request in approval.requests
    )


def looked(approval: Approval, at: datetime, asks: tuple[Ask, ...] | None) -> Approval:
    """The step `look` was performed: who sits now, and when that changes next. Dates and what was said stay."""
    for index in range(len(approval.requests)):
        approval = approval.with_request(index, lambda request: replace(request, look_again_at=None))
    return reseated(approval, "", at, asks or ())


def look(approval: Approval, *, subject: str, number: int) -> tuple[Step, ...]:
    """Who sits is looked up anew when that is known to change; `number` counts within the order."""
    at = approval.look_again_at
    return () if at is None else (Step(kind=StepKind.LOOK, subject=subject, number=number, at=at),)


def steps(approval: Approval, *, subject: str, version: int, since: datetime) -> tuple[Step, ...]:
    """Ask the next level where it was not asked yet; otherwise remind and escalate what waits.

    The number of a step holds version and request (`version * 100 + index`, or the level for `ask`), so that a revised
    version asks anew; a later round and each rung add to it, above the version: no key is ever used twice.
    """
    level = approval.level
    if not level:
        return ()
    base = (approval.round * ROUND + version) * 100
    if any(r.need.level == level and r.asked_at is None and not r.approved for r in approval.requests):
        return (Step(kind=StepKind.ASK, subject=subject, number=base + level, at=since),)
    found: list[Step] = []
    for index, request in enumerate(approval.requests):
        if request.need.level == level:
            found.extend(request.pending_steps(subject, base + index))
    return tuple(found)
