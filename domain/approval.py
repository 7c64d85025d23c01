"""Who still has to approve a version: levels in order, groups of a level in parallel, patience by the hour."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.errors import Conflict, Forbidden
from domain.message import Decide
from domain.outcome import Need
from domain.step import Step, StepKind


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One group asked at one level. `groups` may decide: the group itself and whom it was escalated to."""

    need: Need
    asked_at: datetime | None = None
    reminded: bool = False
    escalated: bool = False
    approved: bool = False

    @property
    def groups(self) -> tuple[str, ...]:
        return (self.need.group, self.need.escalate_to) if self.escalated else (self.need.group,)

    def pending_steps(self, subject: str, number: int) -> tuple[Step, ...]:
        """The reminder and the escalation still to come, counted from the day the group was asked."""
        if self.asked_at is None or self.approved:
            return ()
        steps = []
        if not self.reminded and self.need.remind_after_hours:
            at = self.asked_at + timedelta(hours=self.need.remind_after_hours)
            steps.append(Step(kind=StepKind.REMIND, subject=subject, number=number, at=at))
        if not self.escalated and self.need.escalate_after_hours and self.need.escalate_to:
            at = self.asked_at + timedelta(hours=self.need.escalate_after_hours)
            steps.append(Step(kind=StepKind.ESCALATE, subject=subject, number=number, at=at))
        return tuple(steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """All requests of one version, by level."""

    requests: tuple[Request, ...]

    @classmethod
    def of(cls, needs: Iterable[Need]) -> Approval:
        return cls(requests=tuple(Request(need=need) for need in sorted(needs, key=lambda n: (n.level, n.group))))

    @property
    def granted(self) -> bool:
        return all(request.approved for request in self.requests)

    @property
    def level(self) -> int:
        """The lowest level that is not yet granted; 0 when all are."""
        return min((r.need.level for r in self.requests if not r.approved), default=0)

    @property
    def waiting(self) -> tuple[Request, ...]:
        """The requests of the present level that were asked and not answered."""
        return tuple(r for r in self.requests if r.need.level == self.level and r.asked_at and not r.approved)

    def asked(self, level: int, at: datetime) -> Approval:
        """The groups of `level` have been asked."""
        return Approval(
            requests=tuple(
                replace(r, asked_at=at) if r.need.level == level and not r.asked_at else r for r in self.requests
            )
        )

    def marked(self, index: int, *, reminded: bool = False, escalated: bool = False) -> Approval:
        """Request `index` was reminded or escalated; an index that is not there changes nothing."""
        return Approval(
            requests=tuple(
                replace(r, reminded=r.reminded or reminded, escalated=r.escalated or escalated) if i == index else r
                for i, r in enumerate(self.requests)
            )
        )

    def approved_by(self, groups: Iterable[str]) -> Approval:
        """Every waiting request that one of `groups` may decide is granted."""
        who = set(groups)
        waiting = self.waiting
        return Approval(
            requests=tuple(
                replace(r, approved=True) if r in waiting and who & set(r.groups) else r for r in self.requests
            )
        )


NOTHING_ASKED = Approval(requests=())


def check(decide: Decide, *, approval: Approval, by: str, owner: str, version: int, content_hash: str) -> None:
    """May this person decide this, now? Raises what stands against it.

    >>> check(Decide(version=1, content_hash="h", approve=True, reason="ok"), approval=Approval.of([]), by="a", owner="b",
    ...       version=1, content_hash="h")
    Traceback (most recent call last):
    ...
    domain.approval.NothingToDecide: nothing to decide
    """
    if decide.version != version or decide.content_hash != content_hash:
        raise SupersededVersion(decided=decide.version, current=version, where="version")
    if by == owner:
        raise OwnDeal(person=by, where="by")
    if not approval.waiting:
        raise NothingToDecide(where="version")
    asked = {group for request in approval.waiting for group in request.groups}
    if not asked & set(decide.groups):
        raise WrongGroup(level=approval.level, asked=tuple(sorted(asked)), where="groups")


def steps(approval: Approval, *, subject: str, version: int, since: datetime) -> tuple[Step, ...]:
    """Ask the next level where it was not asked yet; otherwise remind and escalate what waits.

    The number of a step holds version and request: `version * 100 + index`, so that a revised version asks anew.
    """
    level = approval.level
    if not level:
        return ()
    if any(r.need.level == level and r.asked_at is None for r in approval.requests):
        return (Step(kind=StepKind.ASK, subject=subject, number=version * 100 + level, at=since),)
    found: list[Step] = []
    for index, request in enumerate(approval.requests):
        if request.need.level == level:
            found.extend(request.pending_steps(subject, version * 100 + index))
    return tuple(found)
