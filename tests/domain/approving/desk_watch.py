"""What must hold after every step of an approval, judged from what was said and seen, not from what the machine concluded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from domain.approving.case import Request
from domain.approving.condition import Value
from domain.message import ApplyPolicy, Decide, Message, Reseat, Submit, Verdict
from domain.need import Need
from domain.order import Order, OrderStage
from domain.outcome import Asked, Failed, Outcome, Priced, Taken
from domain.state import Deal
from domain.step import Step, StepKind
from tests.domain.approving.desk import Desk, Said
from tests.domain.lives import OWNER, Played

AGREED = (OrderStage.OUT_FOR_SIGNATURE, OrderStage.SIGNED)
NOT_WORSE: dict[str, Callable[[Value, Value], bool]] = {
    "discount_percent": lambda now, then: _figures(now, then) and _number(now) <= _number(then),
    "margin_percent": lambda now, then: _figures(now, then) and _number(now) >= _number(then),
    "net_days": lambda now, then: _figures(now, then) and _number(now) <= _number(then),
    "acv": lambda now, then: _figures(now, then) and _number(now) <= _number(then),
    "regions": lambda now, then: now == then,
}


def _figures(*values: Value) -> bool:
    return all(isinstance(value, int | Decimal) for value in values)


def _number(value: Value) -> Decimal:
    assert isinstance(value, int | Decimal)
    return Decimal(value)


@dataclass
class DeskWatch:
    """What must hold after every step, judged from what was said and seen, not from what the machine concluded."""

    desk: Desk
    said: dict[str, Said] = field(default_factory=dict)  # message → accepted approval
    given: set[tuple[str, str]] = field(default_factory=set)  # voices handed on by an accepted decision
    answered: set[tuple[str, str, int]] = field(default_factory=set)  # who answered which version (approved, abstained)
    asked: dict[tuple[str, int, int, str], dict[str, set[str]]] = field(default_factory=dict)  # member → who may
    refused: set[tuple[str, int, int, str]] = field(default_factory=set)  # the groups that refused a version
    begun: dict[tuple[str, int], datetime] = field(default_factory=dict)  # when a version was last laid out
    granted: dict[tuple[str, int], str] = field(default_factory=dict)  # version → the content that was granted
    granted_versions: int = 0
    carried: set[tuple[str, int]] = field(default_factory=set)  # versions granted on decisions about earlier ones
    signed: set[tuple[str, int]] = field(default_factory=set)
    performed: set[tuple[StepKind, str, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.desk.watch = self

    def __call__(self, before: Deal, played: Played) -> None:
        step, outcome = played.step, played.outcome
        key = (step.kind, step.subject, step.number)
        assert key not in self.performed, "no step is performed twice under one key"
        self.performed |= set() if isinstance(outcome, Failed) else {key}
        if isinstance(outcome, Taken) and outcome.answer.verdict is Verdict.ACCEPTED:
            self._message(before, outcome.message, played.now)
        if step.kind is StepKind.ASK:
            self._in_order(before, step)
        if step.kind is StepKind.ESCALATE and not isinstance(outcome, Failed):
            self._one_rung(before, step, played.now)
        self._who_was_asked(step, outcome)
        for order in self.desk.deal.orders:
            earlier = before.order(order.subject)
            if earlier is not None and earlier.version == order.version:
                self._rungs_stay(earlier, order, step, done=not isinstance(outcome, Failed))
            if order.stage is OrderStage.APPROVED and (earlier is None or earlier.stage is not OrderStage.APPROVED):
                self._granted(order)
            if order.stage in AGREED and (earlier is None or earlier.stage is not order.stage):
                self._agreed(order)
            self._nobody_barred_sits(order)
        assert self.desk.deal.owner == before.owner, "no word and no step gives a deal to somebody else"
        if isinstance(outcome, Priced):
            priced = self.desk.deal.order(step.subject)
            assert priced is not None
            assert priced.approval.requests == (), "a new version starts with nothing asked"

    def _message(self, before: Deal, message: Message, at: datetime) -> None:
        body = message.body
        if isinstance(body, Submit | ApplyPolicy):
            self.begun[before.orders[0].subject, body.version] = at
        if isinstance(body, Decide) and body.what != "comment":
            order = next(o for o in before.orders if o.stage is OrderStage.IN_APPROVAL)
            assert message.by.lower() not in self._barred(order), "nobody decides their own"
            assert (body.version, body.content_hash) == (order.version, order.content_hash)
            if body.what in ("reject", "changes"):
                refused = (r.need for r in order.approval.waiting if self._is_asked(r, message.by.lower()))
                self.refused |= {(order.subject, order.version, need.level, need.group) for need in refused}
            if body.what in ("approve", "abstain"):
                self.answered.add((message.by.lower(), order.subject, order.version))
            if body.what == "delegate":
                assert body.to.lower() not in self._barred(order)
                self.given.add((message.by.lower(), body.to.lower()))
            if body.what == "approve":
                groups = self._counted(order, message.id)
                assert groups, "an accepted approval counts for something"
                self.said[message.id] = Said(message.by.lower(), at, order.subject, order.version, groups, order.needs)

    def _is_asked(self, request: Request, person: str) -> bool:
        named = self.desk.directory.named
        return person in request.who or any(person in named(crowd.people, crowd.roles) for crowd in request.crowds)

    def _counted(self, order: Order, ref: str) -> tuple[tuple[int, str], ...]:
        """For which requests the machine took it; each must be of the lowest open level."""
        after = self.desk.deal.order(order.subject)
        assert after is not None
        found = []
        for was, now in zip(order.approval.requests, after.approval.requests, strict=True):
            if len(now.votes) > len(was.votes):
                assert now.votes[-1].ref == ref
                assert was.asked_at is not None, "nobody was asked yet"
                assert not self._barred(order) & set(now.votes[-1].hands), "nor by the voice of who may not"
                for other in order.approval.requests:
                    assert other.approved or other.need.level >= was.need.level, "a lower level is still open"
                found.append((was.need.level, was.need.group))
        return tuple(found)

    def _who_was_asked(self, step: Step, outcome: Outcome) -> None:
        """The names of a request, as long as nothing but votes has happened to it since it was asked."""
        body = outcome.message.body if isinstance(outcome, Taken) else None
        moved = isinstance(body, Reseat | ApplyPolicy) or (isinstance(body, Decide) and body.what == "delegate")
        if moved or step.kind in (StepKind.LOOK, StepKind.REMIND, StepKind.ESCALATE):
            self.asked.clear()
        order = self.desk.deal.order(step.subject)
        if step.kind is StepKind.ASK and isinstance(outcome, Asked) and order is not None:
            for ask in outcome.asks:
                request = order.approval.requests[ask.index]
                key = (order.subject, order.version, request.need.level, request.need.group)
                self.asked[key] = {
                    seat.member: {s.holder for s in request.seats if s.member == seat.member} for seat in request.seats
                }

    def _in_order(self, before: Deal, step: Step) -> None:
        order = before.order(step.subject)
        assert order is not None
        level = step.number % 100
        assert all(r.approved for r in order.approval.requests if r.need.level < level)

    def _one_rung(self, before: Deal, step: Step, now: datetime) -> None:
        order, after = before.order(step.subject), self.desk.deal.order(step.subject)
        assert order is not None
        assert after is not None
        index = step.number % 100
        request = order.approval.requests[index]
        assert request.need.level == order.approval.level, "only what waits escalates"
        assert now >= step.at
        if after.stage is OrderStage.IN_APPROVAL:
            assert after.approval.requests[index].rung == request.rung + 1
            assert [r.rung for i, r in enumerate(after.approval.requests) if i != index] == [
                r.rung for i, r in enumerate(order.approval.requests) if i != index
            ]

    def _rungs_stay(self, was: Order, order: Order, step: Step, *, done: bool) -> None:
        """A rung is climbed by its own step alone; a request that is laid out anew begins at the foot."""
        before = {(r.need.level, r.need.group): r for r in was.approval.requests}
        for index, request in enumerate(order.approval.requests):
            earlier = before.get((request.need.level, request.need.group))
            climbed = done and order.stage is OrderStage.IN_APPROVAL and step.kind is StepKind.ESCALATE
            climbed = climbed and step.number % 100 == index and request.rung > 0
            foot = request.rung == 0 and (request.asked_at is None or earlier is None or earlier.rung == 0)
            assert foot or (earlier is not None and request.rung == earlier.rung + climbed), "rung by rung"

    def _barred(self, order: Order) -> set[str]:
        return {OWNER, self.desk.authors.get(order.draft_id, "")}

    def _nobody_barred_sits(self, order: Order) -> None:
        for request in order.approval.requests:
            for seat in request.seats:
                assert not self._barred(order) & set(seat.hands)

    # --- nothing is granted that people did not approve ---

    def _agreed(self, order: Order) -> None:
        """No path leads an unapproved version to the customer, or brings one back signed."""
        key = (order.subject, order.version)
        assert self.granted.get(key) == order.content_hash, "what was sent and signed is what was granted"
        assert order.envelope_id == f"env-{order.subject}-{order.version}"
        if order.stage is OrderStage.SIGNED:
            self.signed.add(key)

    def _granted(self, order: Order) -> None:
        self.granted_versions += 1
        self.granted[order.subject, order.version] = order.content_hash
        for need in order.needs:
            on = self._decisions(order, need)
            voices = {said.by for said in on}
            assert len(voices) >= max(need.quorum, 1), (need.level, need.group, need.quorum, voices)
            for holders in self.asked.get((order.subject, order.version, need.level, need.group), {}).values():
                answered = {
                    by for by, subject, version in self.answered if (subject, version) == (order.subject, order.version)
                }
                assert need.quorum or holders & answered, "all means all"

    def _decisions(self, order: Order, need: Need) -> list[Said]:
        """The approvals that count for this need: of this version, or of one that was no better in what it looks at."""
        found = []
        for said in self.said.values():
            if said.order != order.subject or said.by in self._barred(order):
                continue
            if (need.level, need.group) not in said.groups or not self._may(said, need, order):
                continue
            if said.version != order.version and not self._still(order, said, need):
                continue
            found.append(said)
        if found and all(said.version != order.version for said in found):
            self.carried.add((order.subject, order.version))
        return found

    def _still(self, order: Order, said: Said, need: Need) -> bool:
        """Does it count for a later version: no worse, not too old, not taken back since by the same group?"""
        key = (order.subject, need.level, need.group)
        if any(
            (subject, level, group) == key and said.version <= version
            for subject, version, level, group in self.refused
        ):
            return False
        same = self.desk.versions[order.subject, order.version] == self.desk.versions[order.subject, said.version]
        age = self.begun[order.subject, order.version] - said.at
        return self._no_worse(order, said.version, need) and (same or age.days < need.stands_days)

    def _no_worse(self, order: Order, then: int, need: Need) -> bool:
        now, was = self.desk.versions[order.subject, order.version], self.desk.versions[order.subject, then]
        if now == was:
            return True
        names = [name for name, _, _ in need.facts]
        pick = {name: {"acv": "acv_minor", "regions": "region"}.get(name, name) for name in names}
        return bool(names) and all(NOT_WORSE[name](now.get(pick[name]), was.get(pick[name])) for name in names)

    def _may(self, said: Said, need: Need, order: Order) -> bool:
        """Could this person have had a voice at all: a member, whom a rung leads to, or a hand that one of them chose,
        never through the owner or the one who priced it?
        """
        barred = self._barred(order)
        directory = _Ever(self.desk)
        then = next(n for n in said.needs if (n.level, n.group) == (need.level, need.group))
        start = set(directory.named(need.people, need.roles))
        for rung in then.rungs:
            start |= set(directory.named(rung.people, rung.roles))
            if rung.to == "manager":
                start |= _managers(directory, start)
            if rung.to == "next_level":
                for other in said.needs:
                    if other.level > need.level:
                        start |= set(directory.named(other.people, other.roles))
        hands = {(d.person, d.to) for d in self.desk.directory.delegations} | self.given
        reached = start - barred
        while more := {to for one, to in hands if one in reached} - reached - barred:
            reached |= more
        return said.by in reached


class _Ever:
    """Who was in a role, and whose manager was who, at any time."""

    def __init__(self, desk: Desk) -> None:
        self._people = [*desk.people, *(person for before in desk.were.values() for person in before)]

    def named(self, people: Iterable[str], roles: Iterable[str]) -> set[str]:
        return {*people, *(p.email for p in self._people if set(roles) & set(p.roles))}

    def managers_of(self, people: set[str]) -> set[str]:
        return {p.manager for p in self._people if p.email in people} - {""}


def _managers(directory: _Ever, of: set[str]) -> set[str]:
    found: set[str] = set()
    todo = set(of)
    while todo:
        above = directory.managers_of(todo) - found
        found |= above
        todo = above
    return found
