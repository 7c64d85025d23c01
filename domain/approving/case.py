"""The approval of one version as the deal carries it: all of its requests, by level."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from domain.approving.request import ABSTAIN, APPROVE, CHANGES, REJECT, Request, Stand, Vote
from domain.need import Ask, Need

__all__ = ["ABSTAIN", "APPROVE", "CHANGES", "NOTHING_ASKED", "REJECT", "ROUND", "Approval", "Request", "Stand", "Vote"]

ROUND = 10 * 10_000  # step numbers: round, then rung (0 to 9), then version (up to 9999), then request (two digits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """All requests of one version, by level. `round` counts how often it was laid out anew under one version.

    `barred`: the owner of the deal and the one who priced this version, in lower case; neither has a voice here.
    """

    requests: tuple[Request, ...]
    round: int = 0
    barred: tuple[str, ...] = ()

    @classmethod
    def of(cls, needs: Iterable[Need], *, barred: Iterable[str] = ()) -> Approval:
        requests = (Request(need=need) for need in sorted(needs, key=lambda n: (n.level, n.group)))
        return cls(requests=tuple(requests)).barring(*barred)

    def barring(self, *people: str) -> Approval:
        """None of these people has a voice here, nor a hand in one."""
        barred = (*self.barred, *(person.lower() for person in people if person))
        return replace(self, barred=tuple(dict.fromkeys(barred)))

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

    @property
    def blocked(self) -> str:
        """Why nobody can move it any more: a request that cannot be granted, and no rung left to climb; '' otherwise."""
        stuck = [r for r in self.waiting if r.hopeless and r.rung >= len(r.need.rungs)]
        return "; ".join(request.nobody_left for request in stuck)

    @property
    def look_again_at(self) -> datetime | None:
        """When who sits for what waits is known to change."""
        return min((r.look_again_at for r in self.waiting if r.look_again_at is not None), default=None)

    def asked(self, level: int, at: datetime, asks: Iterable[Ask] | None = None) -> Approval:
        """The groups of `level` have been asked; by name where `asks` says who: a request it leaves out has nobody."""
        named = None if asks is None else {ask.index: ask for ask in asks}
        requests = []
        for index, request in enumerate(self.requests):
            if request.need.level != level or request.asked_at or request.approved:
                requests.append(request)
            elif named is None:
                requests.append(replace(request, asked_at=at))
            else:
                requests.append(request.seated(named.get(index, Ask(index=index)), at, self.barred))
        return replace(self, requests=tuple(requests))

    def marked(self, index: int, *, reminded: bool = False, escalated: bool = False) -> Approval:
        """Request `index` was reminded or escalated; an index that is not there changes nothing."""
        return self.with_request(
            index, lambda r: replace(r, reminded=r.reminded or reminded, escalated=r.escalated or escalated)
        )

    def with_request(self, index: int, change: Callable[[Request], Request]) -> Approval:
        return replace(self, requests=tuple(change(r) if i == index else r for i, r in enumerate(self.requests)))

    def approved_by(self, groups: Iterable[str]) -> Approval:
        """Every waiting request that one of `groups` may decide is granted: how a forecast assumes it."""
        who = set(groups)
        waiting = self.waiting
        return replace(
            self,
            requests=tuple(
                replace(r, approved=True) if r in waiting and who & {*r.groups, r.need.group} else r
                for r in self.requests
            ),
        )

    def again(self) -> Approval:
        """Laid out anew: what is granted stays; what is not is asked again, of whoever may decide then."""
        requests = tuple(
            r if r.approved else Request(need=r.need, votes=tuple(v for v in r.votes if v.said == APPROVE))
            for r in self.requests
        )
        return replace(self, requests=requests, round=self.round + 1)


NOTHING_ASKED = Approval(requests=())
