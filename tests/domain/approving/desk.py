"""A deal desk without a server: a life whose approvals are asked by a matrix, and a watcher that judges by its own lights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from domain.approving import asking
from domain.approving.calendar import Calendars
from domain.approving.condition import Value
from domain.approving.needing import needs
from domain.approving.people import Delegation, Directory, Person
from domain.approving.policy import Matrix
from domain.message import Answer, ApplyPolicy, Decide, Reseat, Revise, Submit, Verdict
from domain.need import Need
from domain.order import Order
from domain.outcome import Asked, Done, Failed, Outcome, PriceRefused
from domain.step import Step
from tests.domain.lives import OWNER, Life, Outside

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
    """`careless`: whoever looks people up forgets who may not decide; the machine has to know it by itself. `most_seats`:
    a larger group is asked as a group.
    """

    def __init__(
        self,
        matrix: Matrix,
        *,
        careless: bool = False,
        people: Iterable[Person] = PEOPLE,
        most_seats: int = asking.MOST_SEATS,
    ) -> None:
        super().__init__(Outside(customer=("ignore",)))
        self.matrix = matrix
        self.careless = careless
        self.most_seats = most_seats
        self.were: dict[str, list[Person]] = {}  # what people were before
        self.by_name = True
        self.valid_days = 365
        self.directory = Directory(tuple(people))
        self.calendars = CALENDARS
        self.drafts: dict[str, Facts] = {}
        self.authors: dict[str, str] = {}  # draft → who priced it
        self.versions: dict[tuple[str, int], Facts] = {}
        self.now = datetime(2027, 3, 1, 9, tzinfo=UTC)  # a Monday

    # --- what the shells will do ---

    def world(self, order: Order, at: datetime) -> asking.World:
        barred = () if self.careless else (OWNER, order.drafted_by.lower())
        return asking.World(
            directory=self.directory, calendars=self.calendars, at=at, barred=barred, most_seats=self.most_seats
        )

    def _price(self, step: Step, now: datetime) -> Outcome:
        order = self.deal.order(step.subject)
        assert order is not None
        if order.draft_id not in self.drafts:
            return PriceRefused(error="UnknownProduct", reason="no such price")
        of = self.drafts[order.draft_id]
        version = order.version + 1
        self.versions[step.subject, version] = of
        priced = self._priced(version, now + timedelta(days=self.valid_days), needs(self.matrix, of))
        return replace(priced, content_hash=content_hash(of))

    def _ask(self, step: Step, now: datetime) -> Outcome:
        order = self.deal.order(step.subject)
        assert order is not None
        if not self.by_name:
            return Done()
        try:
            return Asked(asks=asking.ask_level(order.approval, step.number % 100, self.world(order, now)))
        except asking.TooManyToAskAll as error:
            return Failed(reason=str(error))

    def _remind(self, step: Step, now: datetime) -> Outcome:
        order = self.deal.order(step.subject)
        assert order is not None
        return Asked(asks=asking.ask_anew(order.approval, self.world(order, now), index=step.number % 100))

    def _look(self, step: Step, now: datetime) -> Outcome:
        order = self.deal.order(step.subject)
        assert order is not None
        return Asked(asks=asking.ask_anew(order.approval, self.world(order, now)))

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
        self.authors[draft] = by.lower()
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
            self.authors[draft_id] = by.lower()
        body = Decide(
            version=self.order.version,
            content_hash=self.order.content_hash,
            approve=verb == "approve",
            reason="so",
            verb=verb,
            to=to,
            group=group,
            draft_id=draft_id,
            groups=self.groups_of(by),
        )
        return self.say(body, by=by)

    def groups_of(self, person: str) -> tuple[str, ...]:
        """For which groups a person speaks now, as the API knows it."""
        found = self.directory.person(person)
        return found.roles if found is not None and self.directory.is_here(person, self.now) else ()

    def reseat(self, person: str, *, by: str = ADMIN) -> Answer:
        asks = asking.ask_anew(self.order.approval, self.world(self.order, self.now))
        return self.say(Reseat(version=self.order.version, person=person, asks=asks, reason="they left"), by=by)

    def apply(self, *, by: str = ADMIN) -> Answer:
        of = self.versions[self.order.subject, self.order.version]
        body = ApplyPolicy(
            version=self.order.version, content_hash=self.order.content_hash, needs=needs(self.matrix, of), reason="so"
        )
        return self.say(body, by=by)

    def leave(self, person: str, *, at: datetime | None = None) -> None:
        people = (
            replace(p, left_at=at or self.now) if p.email == person and p.left_at is None else p for p in self.people
        )
        self.directory = replace(self.directory, people=tuple(people))

    def becomes(self, person: str, **changed: Any) -> None:
        """Another manager, other roles."""
        was = next(p for p in self.people if p.email == person)
        self.were.setdefault(person, []).append(was)
        people = (replace(p, **changed) if p.email == person else p for p in self.people)
        self.directory = replace(self.directory, people=tuple(people))

    def away(self, person: str, to: str, *, days: int, away: bool = True, since: datetime | None = None) -> None:
        since = since or self.now
        more = Delegation(person=person, to=to, since=since, until=since + timedelta(days=days), away=away)
        self.directory = replace(self.directory, delegations=(*self.directory.delegations, more))

    @property
    def people(self) -> tuple[Person, ...]:
        return self.directory.people

    @property
    def may_decide(self) -> tuple[str, ...]:
        """Everybody who may say something now: by name, or as one of a group."""
        approval = self.order.approval
        world = replace(self.world(self.order, self.now), barred=approval.barred)
        return tuple(sorted({who for r in approval.waiting for who in asking.reached(r, world)}))

    @property
    def waits_for(self) -> tuple[str, ...]:
        return tuple(sorted({who for r in self.order.approval.waiting for who in r.who}))
