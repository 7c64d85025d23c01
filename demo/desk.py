"""How approvers take up what they are asked in one sandbox: as the deal's desk says, or each one as the deal's course says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from demo.approver import decide_by_link
from demo.client import Json
from demo.course import Act
from demo.fates import Desk as Fate
from demo.people import Case, Office
from demo.post import Post

THINKS_AGAIN = timedelta(hours=3)  # until sales comes back with a revised quote, or submits a counter-proposal
USUAL = Fate(action="approve", after_hours=4)

Do = Callable[[], Awaitable[None]]
Plan = Callable[[datetime, Do], None]


@dataclass(slots=True, kw_only=True)
class Desk:
    """All approvers of one sandbox. `now` is its clock, `plan` lets somebody do something at a time."""

    office: Office
    post: Post
    now: Callable[[], datetime]
    plan: Plan
    _first: dict[str, frozenset[str]] = field(default_factory=dict)  # who was asked first, by request
    _stops: set[tuple[str, str]] = field(default_factory=set)

    async def look(self, cases: Iterable[Case]) -> None:
        """See what waits for approvers, and plan what they do about it."""
        mine = {case.id: case for case in cases if case.id}
        for request in await self.office.house.admin.get("/v1/approvals"):
            case = mine.get(request["deal_id"])
            if case is None:
                continue
            if case.deal.desk is not None and case.deal.desk.action == "named":
                self._by_name(case, request)
            elif request["id"] not in case.asked:
                case.asked.add(request["id"])
                self._take_up(case, request, case.deal.desk or USUAL)

    def submission(self, case: Case, page: Json) -> None:
        """An approver's counter-proposal is priced: sales looks at it and submits it."""
        course = case.course
        if course is not None and page["waits_for"] == "submission" and case.countered < len(course.counters):
            percent = course.counters[case.countered]
            case.countered += 1
            self.plan(self.now() + THINKS_AGAIN, lambda: self.office.submit_counter(case, percent))

    # --- as the desk of the book says ---

    def _take_up(self, case: Case, request: Json, desk: Fate) -> None:
        """The first request of a deal meets what the book says of the desk; later ones are approved as late."""
        first = case.answered == 0
        case.answered += 1
        later = timedelta(hours=desk.after_hours)
        asked_at = datetime.fromisoformat(request["asked_at"])
        if first and desk.action == "silent" and request["escalate_at"]:
            at = datetime.fromisoformat(request["escalate_at"]) + later
            self.plan(at, lambda: self._approve(case, request, escalated=True))
        elif first and desk.action == "reject":
            self.plan(asked_at + later, lambda: self._reject(case, request, desk.reason))
        else:
            self.plan(asked_at + later, lambda: self._approve(case, request))

    async def _approve(self, case: Case, request: Json, *, escalated: bool = False) -> None:
        """Those who hold the seats by then approve; of an escalated request, those whom it went to."""
        waiting = await self.office.house.admin.get("/v1/approvals")
        now = next(each for each in waiting if each["id"] == request["id"])
        before = {seat["holder"] for seat in request["seats"]}
        added = [seat for seat in now["seats"] if seat["holder"] not in before]
        await self.office.approve(case, {**now, "seats": added if escalated else now["seats"]})

    async def _reject(self, case: Case, request: Json, reason: str) -> None:
        await self.office.reject(case, request, reason)
        self.plan(self.now() + THINKS_AGAIN, lambda: self.office.revise(case))

    # --- as the course of the deal says ---

    def _by_name(self, case: Case, request: Json) -> None:
        holders = {seat["holder"] for seat in request["seats"]}
        first = self._first.setdefault(request["id"], frozenset(holders))
        for name in ("remind_at", "escalate_at"):
            self._stop(request, name)
        for act in case.to_do(request["version"], holders):
            since = datetime.fromisoformat(request["asked_at"]) if act.who in first else self.now()
            case.done.append(act)
            at = since + timedelta(hours=act.after_hours)
            self.plan(at, lambda act=act: self._act(case, act, request))  # type: ignore[misc]

    def _stop(self, request: Json, name: str) -> None:
        """Look in when q2c reminds or escalates, so that whoever is asked then is seen to be asked."""
        said = request[name]
        if said is None or datetime.fromisoformat(said) <= self.now() or (request["id"], said) in self._stops:
            return
        self._stops.add((request["id"], said))
        self.plan(datetime.fromisoformat(said), _nothing)

    async def _act(self, case: Case, act: Act, request: Json) -> None:
        house = self.office.house
        if act.source == "api":
            await self.office.decide(case, request, act)
        else:
            await decide_by_link(house.world, self.post, house.book.people[act.who], act, case.deal.name)


async def _nothing() -> None:
    """Somebody looks in, and does nothing else."""
