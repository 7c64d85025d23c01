"""A deal desk without a server: a life whose approvals are asked by a matrix, and a watcher that judges by its own lights."""

# ruff: noqa: ARG002  (each kind of step is answered by a method of one shape)

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from domain.approving import asking
from domain.approving.calendar import Calendars
from domain.approving.condition import Value
from domain.approving.needing import needs
from domain.approving.people import Delegation, Directory, Person
from domain.approving.policy import Matrix
from domain.message import Answer, ApplyPolicy, Decide, Message, Reseat, Revise, Submit, Verdict
from domain.need import Need
from domain.order import Order, OrderStage
from domain.outcome import Asked, Done, Failed, Outcome, Priced, PriceRefused, Taken
from domain.state import Deal
from domain.step import Step, StepKind
from tests.domain.lives import OWNER, Life, Outside, Played

ADMIN = "admin@acme.example"
ANN, BOB, CEM, DANA, EVE, FAY, GIL, MAX, VERA = (
    f"{name}@acme.example" for name in ("ann", "bob", "cem", "dana", "eve", "fay", "gil", "max", "vera")
)
PEOPLE = (
    Person(email=OWNER, roles=("desk",), manager=MAX, country="DE"),  # sits in the group that is asked about their deal
    Person(email=ANN, roles=("desk",), manager=MAX, country="DE"),
    Person(email=BOB, roles=("desk",), manager=MAX, country="DE"),
    Person(email=CEM, roles=("desk", "finance"), manager=VERA, country="AE"),
    Person(email=DANA, roles=("finance",), manager=VERA, country="DE"),
    Person(email=EVE, roles=("legal",), manager=VERA, country="US"),
    Person(email=FAY, roles=(), manager=VERA, country="US"),
    Person(email=GIL, roles=(), manager=VERA, country="US"),
    Person(email=MAX, roles=("heads",), manager=VERA, country="DE"),
    Person(email=VERA, roles=("board",), manager="", country="US"),
)
CALENDARS = Calendars.parse(
    {
        "DE": {"zone": "Europe/Berlin", "holidays": ["2027-03-26", "2027-03-29"]},
        "AE": {"zone": "Asia/Dubai", "weekend": ["sat", "sun"]},
        "US": {"zone": "America/New_York", "holidays": ["2027-02-15"]},
    }
)
Facts = dict[str, Value]
PLAIN: Facts = {
    "discount_percent": Decimal(0),
    "margin_percent": Decimal(60),
    "net_days": 30,
    "acv_minor": 1_000_00,
    "currency": "EUR",
    "region": "EMEA",
}


def facts(**changed: Value) -> Facts:
    return {**PLAIN, **changed}


def content_hash(of: Facts) -> str:
    return repr(sorted(of.items(), key=lambda item: item[0]))


@dataclass(frozen=True, slots=True)
class Said:
    """A vote that was accepted, as the test saw it."""

    by: str
    at: datetime
    order: str
    version: int
    groups: tuple[tuple[int, str], ...]
    needs: tuple[Need, ...]  # of the version of then


class Desk(Life):
    """`careless`: whoever looks people up forgets who may not decide; the machine has to know it by itself."""

    def __init__(self, matrix: Matrix, *, careless: bool = False, people: Iterable[Person] = PEOPLE) -> None:
        super().__init__(Outside(customer=("ignore",)))
        self.matrix = matrix
        self.careless = careless
        self.by_name = True
        self.directory = Directory(tuple(people))
        self.calendars = CALENDARS
        self.drafts: dict[str, Facts] = {}
        self.versions: dict[tuple[str, int], Facts] = {}
        self.now = datetime(2027, 3, 1, 9, tzinfo=UTC)  # a Monday

    # --- what the shells will do ---

    def world(self, order: Order, at: datetime) -> asking.World:
        barred = () if self.careless else (OWNER, order.drafted_by.lower())
        return asking.World(directory=self.directory, calendars=self.calendars, at=at, barred=barred)

    def _price(self, step: Step, now: datetime) -> Outcome:
        order = self.deal.order(step.subject)
        assert order is not None
        if order.draft_id not in self.drafts:
            return PriceRefused(error="UnknownProduct", reason="no such price")
        of = self.drafts[order.draft_id]
        version = order.version + 1
        self.versions[step.subject, version] = of
        priced = self._priced(version, now + timedelta(days=365), needs(self.matrix, of))
        return replace(priced, content_hash=content_hash(of))

    def _ask(self, step: Step, now: datetime) -> Outcome:
        order = self.deal.order(step.subject)
        assert order is not None
        if not self.by_name:
            return Done()
        return Asked(asks=asking.ask_level(order.approval, step.number % 100, self.world(order, now)))

    def _remind(self, step: Step, now: datetime) -> Outcome:
        order = self.deal.order(step.subject)
        assert order is not None
        return Asked(asks=asking.ask_anew(order.approval, self.world(order, now), index=step.number % 100))

    def _escalate(self, step: Step, now: datetime) -> Outcome:
        order = self.deal.order(step.subject)
        assert order is not None
        return Asked(asks=asking.ask_rung(order.approval, step.number % 100, self.world(order, now)))

    # --- what people do ---

    @property
    def order(self) -> Order:
        return self.deal.orders[0]

    def offer(self, *, by: str = OWNER, **changed: Value) -> Answer:
        """A draft of these facts, priced and submitted."""
        draft = f"draft-{len(self.drafts) + 1}"
        self.drafts[draft] = facts(**changed)
        answer = self.say(Revise(draft_id=draft, draft_hash="h"), by=by)
        return self.submit() if answer.verdict is Verdict.ACCEPTED else answer

    def submit(self) -> Answer:
        return self.say(Submit(version=self.order.version))

    def word(self, verb: str, by: str, *, to: str = "", group: str = "", draft: Facts | None = None) -> Answer:
        """One decision about the version of now."""
        draft_id = ""
        if draft is not None:
            draft_id = f"draft-{len(self.drafts) + 1}"
            self.drafts[draft_id] = draft
        body = Decide(
            version=self.order.version,
            content_hash=self.order.content_hash,
            approve=verb == "approve",
            reason="so",
            verb=verb,
            to=to,
            group=group,
            draft_id=draft_id,
        )
        return self.say(body, by=by)

    def reseat(self, person: str, *, by: str = ADMIN) -> Answer:
        asks = asking.ask_anew(self.order.approval, self.world(self.order, self.now))
        return self.say(Reseat(version=self.order.version, person=person, asks=asks, reason="they left"), by=by)

    def apply(self, *, by: str = ADMIN) -> Answer:
        of = self.versions[self.order.subject, self.order.version]
        body = ApplyPolicy(
            version=self.order.version, content_hash=self.order.content_hash, needs=needs(self.matrix, of), reason="so"
        )
        return self.say(body, by=by)

    def leave(self, person: str) -> None:
        people = (replace(p, left_at=self.now) if p.email == person and p.left_at is None else p for p in self.people)
        self.directory = replace(self.directory, people=tuple(people))

    def away(self, person: str, to: str, *, days: int, away: bool = True) -> None:
        until = self.now + timedelta(days=days)
        more = Delegation(person=person, to=to, since=self.now, until=until, away=away)
        self.directory = replace(self.directory, delegations=(*self.directory.delegations, more))

    @property
    def people(self) -> tuple[Person, ...]:
        return self.directory.people

    @property
    def waits_for(self) -> tuple[str, ...]:
        return tuple(sorted({who for r in self.order.approval.waiting for who in r.who}))


NOT_WORSE: dict[str, Callable[[Value, Value], bool]] = {
    "discount_percent": lambda now, then: _figures(now, then) and _number(now) <= _number(then),
    "margin_percent": lambda now, then: _figures(now, then) and _number(now) >= _number(then),
    "net_days": lambda now, then: _figures(now, then) and _number(now) <= _number(then),
    "acv": lambda now, then: _figures(now, then) and _number(now) <= _number(then),
    "region": lambda now, then: now == then,
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
    granted_versions: int = 0
    carried: int = 0

    def __post_init__(self) -> None:
        self.desk.watch = self

    def __call__(self, before: Deal, played: Played) -> None:
        step, outcome = played.step, played.outcome
        if isinstance(outcome, Taken) and outcome.answer.verdict is Verdict.ACCEPTED:
            self._message(before, outcome.message, played.now)
        if step.kind is StepKind.ASK:
            self._in_order(before, step)
        if step.kind is StepKind.ESCALATE and not isinstance(outcome, Failed):
            self._one_rung(before, step, played.now)
        for order in self.desk.deal.orders:
            earlier = before.order(order.subject)
            if earlier is not None and earlier.version == order.version:
                self._rungs_stay(earlier, order, step, done=not isinstance(outcome, Failed))
            if order.stage is OrderStage.APPROVED and (earlier is None or earlier.stage is not OrderStage.APPROVED):
                self._granted(order)
            self._nobody_barred_sits(order)
        if isinstance(outcome, Priced):
            priced = self.desk.deal.order(step.subject)
            assert priced is not None
            assert priced.approval.requests == (), "a new version starts with nothing asked"

    def _message(self, before: Deal, message: Message, at: datetime) -> None:
        body = message.body
        if isinstance(body, Decide) and body.what != "comment":
            order = next(o for o in before.orders if o.stage is OrderStage.IN_APPROVAL)
            assert message.by not in (before.owner, order.drafted_by), "nobody decides their own"
            assert (body.version, body.content_hash) == (order.version, order.content_hash)
            if body.what == "delegate":
                assert body.to.lower() not in (before.owner, order.drafted_by)
                self.given.add((message.by.lower(), body.to.lower()))
            if body.what == "approve":
                groups = self._counted(before, order, message.id)
                assert groups, "an accepted approval counts for something"
                self.said[message.id] = Said(message.by.lower(), at, order.subject, order.version, groups, order.needs)

    def _counted(self, before: Deal, order: Order, ref: str) -> tuple[tuple[int, str], ...]:
        """For which requests the machine took it; each must be of the lowest open level."""
        after = self.desk.deal.order(order.subject)
        assert after is not None
        found = []
        for was, now in zip(order.approval.requests, after.approval.requests, strict=True):
            if len(now.votes) > len(was.votes):
                assert now.votes[-1].ref == ref
                assert was.asked_at is not None, "nobody was asked yet"
                for other in order.approval.requests:
                    assert other.approved or other.need.level >= was.need.level, "a lower level is still open"
                found.append((was.need.level, was.need.group))
        return tuple(found)

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

    def _nobody_barred_sits(self, order: Order) -> None:
        for request in order.approval.requests:
            for seat in request.seats:
                assert OWNER not in seat.hands
                assert order.drafted_by not in seat.hands

    # --- nothing is granted that people did not approve ---

    def _granted(self, order: Order) -> None:
        self.granted_versions += 1
        for need in order.needs:
            on = self._decisions(order, need)
            voices = {said.by for said in on}
            assert len(voices) >= max(need.quorum, 1), (need.level, need.group, need.quorum, voices)

    def _decisions(self, order: Order, need: Need) -> list[Said]:
        """The approvals that count for this need: of this version, or of one that was no better in what it looks at."""
        found = []
        for said in self.said.values():
            if said.order != order.subject or said.by in (OWNER, order.drafted_by.lower()):
                continue
            if (need.level, need.group) not in said.groups or not self._may(said, need, order):
                continue
            if said.version != order.version and not self._no_worse(order, said.version, need):
                continue
            found.append(said)
        if found and all(said.version != order.version for said in found):
            self.carried += 1
        return found

    def _no_worse(self, order: Order, then: int, need: Need) -> bool:
        now, was = self.desk.versions[order.subject, order.version], self.desk.versions[order.subject, then]
        if now == was:
            return True
        names = [name for name, _, _ in need.facts]
        pick = {name: f"{name}_minor" if name == "acv" else name for name in names}
        return bool(names) and all(NOT_WORSE[name](now.get(pick[name]), was.get(pick[name])) for name in names)

    def _may(self, said: Said, need: Need, order: Order) -> bool:
        """Could this person have had a voice at all: a member, whom a rung leads to, or a hand that one of them chose,
        never through the owner or the one who priced it?
        """
        barred = {OWNER, order.drafted_by.lower()}
        directory = self.desk.directory
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
        hands = {(d.person, d.to) for d in directory.delegations} | self.given
        reached = start - barred
        while more := {to for one, to in hands if one in reached} - reached - barred:
            reached |= more
        return said.by in reached


def _managers(directory: Directory, of: set[str]) -> set[str]:
    found: set[str] = set()
    todo = set(of)
    while todo:
        above = {directory.manager_of(person) for person in todo} - {""} - found
        found |= above
        todo = above
    return found


def day(on: str) -> date:
    return date.fromisoformat(on)
