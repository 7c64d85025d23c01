"""Thousands of approvals, searched: nothing is granted that people did not approve, whoever tries what, in whatever order."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from domain.approving.condition import Value
from domain.approving.policy import Matrix
from domain.message import Reseat, Retry, Verdict, Withdraw
from domain.need import Ask, Seat
from domain.order import OrderStage
from domain.step import StepKind
from tests.domain.approving.desk import ADMIN, ANN, BOB, CEM, DANA, EVE, FAY, GIL, MAX, VERA, Desk
from tests.domain.approving.desk_watch import DeskWatch
from tests.domain.lives import OWNER

EXAMPLES = int(os.environ.get("Q2C_EXAMPLES", "150"))
EVERYBODY = (OWNER, ANN, BOB, CEM, DANA, EVE, FAY, GIL, MAX, VERA)
LADDERS: tuple[list[dict[str, str]], ...] = (
    [{"after": "2 business_days", "to": "manager"}, {"after": "1 business_days", "to": "next_level"}],
    [
        {"after": "20 hours", "to": "heads"},
        {"after": "8 business_hours", "to": "manager"},
        {"after": "9 days", "to": "sales"},
    ],
    [{"after": "1 days", "to": "next_level"}, {"after": "30 days", "to": "sales"}],
    [{"after": "90 days", "to": "heads"}],
)


def matrix(version: int, *, quorum: str = "any", ladder: int = 0, stands_days: int = 90) -> Matrix:
    common = {"escalate": LADDERS[ladder], "remind_after": "1 business_days"}
    rules = [
        {"when": {"discount_percent_over": "10"}, "require": [{"group": "desk", "quorum": quorum}], **common},
        {"when": {"net_days_over": 45}, "require": [{"group": "desk"}, {"group": "legal"}], **common},
        {
            "when": {"any": [{"discount_percent_over": "20"}, {"margin_percent_below": "30"}]},
            "require": [{"level": 2, "group": "finance", "quorum": "all" if quorum == "all" else "any"}],
            **common,
        },
        {"when": {"acv_over": {"EUR": "5000"}}, "require": [{"level": 3, "group": "board"}], **common},
    ]
    document = {"name": "standard", "stands_days": stands_days, "rules": rules}
    document["groups"] = {
        "finance": [{"roles": ["finance"], "regions": ["EMEA"]}, {"people": [FAY], "regions": ["AMER"]}]
    }
    return Matrix.parse(document, version=version)


MATRICES = tuple(
    matrix(1 + i, quorum=quorum, ladder=ladder, stands_days=days)
    for i, (quorum, ladder, days) in enumerate(
        (("any", 0, 90), ("2", 0, 90), ("all", 1, 90), ("2", 1, 0), ("any", 2, 5), ("all", 3, 90), ("2", 2, 90))
    )
)
people = st.sampled_from(EVERYBODY)


class ApprovalMachine(RuleBasedStateMachine):
    """Every rule may come at any moment, by anybody."""

    @initialize(which=st.integers(0, len(MATRICES) - 1), careless=st.booleans())
    def open(self, which: int, careless: bool) -> None:
        self.desk = Desk(MATRICES[which], careless=careless)
        self.watch = DeskWatch(self.desk)

    def _in_approval(self) -> bool:
        return bool(self.desk.deal.orders) and self.desk.order.stage is OrderStage.IN_APPROVAL

    @rule(
        by=st.sampled_from((OWNER, OWNER, GIL, ANN, DANA)),
        discount=st.sampled_from((0, 5, 12, 18, 25, 40)),
        margin=st.sampled_from((None, 10, 25, 40, 60)),
        net=st.sampled_from((30, 60, 90)),
        acv=st.sampled_from((1_000_00, 5_000_01, 9_000_00)),
        region=st.sampled_from(("EMEA", "EMEA", "AMER", "APAC")),
    )
    def offer(self, by: str, discount: int, margin: int | None, net: int, acv: int, region: str) -> None:
        self.desk.offer(
            by=by,
            discount_percent=Decimal(discount),
            margin_percent=None if margin is None else Decimal(margin),
            net_days=net,
            acv_minor=acv,
            region=region,
        )

    @precondition(lambda self: bool(self.desk.versions) and bool(self.desk.deal.orders))
    @rule(
        by=st.sampled_from((OWNER, OWNER, ANN, BOB, CEM, DANA)),
        change=st.sampled_from(
            (
                {"discount_percent": Decimal(12)},
                {"discount_percent": Decimal(18)},
                {"net_days": 60},
                {"net_days": 90},
                {"margin_percent": Decimal(20)},
                {"margin_percent": Decimal(25)},
                {"region": "AMER"},
                {},
            )
        ),
    )
    def small_change(self, by: str, change: dict[str, Value]) -> None:
        """Nearly the version before, so that something can stand."""
        if self._now() in self.desk.versions:
            self.desk.offer(by=by, **{**self.desk.versions[self._now()], **change})

    @precondition(_in_approval)
    @rule(who=people, verb=st.sampled_from(("approve",) * 6 + ("reject", "changes", "abstain", "comment")))
    def word(self, who: str, verb: str) -> None:
        before = self.desk.deal
        answer = self.desk.word(verb, who)
        if answer.verdict is Verdict.REFUSED or verb == "comment":
            assert self.desk.deal.orders == before.orders

    @precondition(_in_approval)
    @rule(index=st.integers(0, 20), verb=st.sampled_from(("approve",) * 8 + ("abstain",)))
    def whom_it_waits_for(self, index: int, verb: str) -> None:
        """Somebody who may: without this, most of the search would be refusals."""
        if waiting := self.desk.waits_for:
            answer = self.desk.word(verb, waiting[index % len(waiting)])
            assert answer.verdict is Verdict.ACCEPTED, answer

    @precondition(_in_approval)
    @rule()
    def all_whom_it_waits_for(self) -> None:
        for person in self.desk.waits_for:
            if self._in_approval() and person in self.desk.waits_for:
                self.desk.word("approve", person)

    @precondition(_in_approval)
    @rule(index=st.integers(0, 20), to=people)
    def delegate(self, index: int, to: str) -> None:
        if waiting := self.desk.waits_for:
            by = waiting[index % len(waiting)]
            before = self.desk.deal
            answer = self.desk.word("delegate", by, to=to)
            if to in (OWNER, self.desk.order.drafted_by):
                assert answer.verdict is Verdict.REFUSED
                assert self.desk.deal.orders == before.orders

    @precondition(_in_approval)
    @rule(who=st.sampled_from((ANN, DANA, CEM)), discount=st.sampled_from((5, 12, 18)))
    def counter_proposal(self, who: str, discount: int) -> None:
        self.desk.word("changes", who, draft={**self.desk.versions[self._now()], "discount_percent": Decimal(discount)})
        if self.desk.order.stage is OrderStage.PRICED:
            self.desk.submit()

    def _now(self) -> tuple[str, int]:
        return self.desk.order.subject, self.desk.order.version

    @rule(person=people, to=people, days=st.sampled_from((1, 5, 30)), away=st.booleans())
    def stands_in(self, person: str, to: str, days: int, away: bool) -> None:
        if person != to:
            self.desk.away(person, to, days=days, away=away)

    @precondition(_in_approval)
    @rule(person=st.sampled_from(EVERYBODY[1:]), told=st.booleans())
    def leaves(self, person: str, told: bool) -> None:
        if sum(p.left_at is None for p in self.desk.people) > 6:
            self.desk.leave(person)
        if told:
            self.desk.reseat(person)

    @precondition(_in_approval)
    @rule(by=st.sampled_from((ADMIN, OWNER)), holder=people, member=people, via=st.lists(people, max_size=2))
    def forged_seats(self, by: str, holder: str, member: str, via: list[str]) -> None:
        """Seats for the owner, or through their hands, whoever sends them."""
        barred = (OWNER, self.desk.order.drafted_by)
        seat = Seat(member=member, holder=holder, via=tuple(via))
        if not set(seat.hands) & set(barred):
            seat = replace(seat, holder=OWNER)
        before = self.desk.order.approval
        asks = tuple(Ask(index=i, seats=(seat,)) for i in range(len(before.requests)))
        answer = self.desk.say(Reseat(version=self.desk.order.version, person="", asks=asks, reason=""), by=by)
        assert (answer.verdict is Verdict.REFUSED) == (by in barred)

    @rule(which=st.integers(0, len(MATRICES) - 1))
    def policy_changes(self, which: int) -> None:
        """Nothing in flight changes."""
        before = self.desk.deal
        self.desk.matrix = MATRICES[which]
        self.desk.settle()
        assert self.desk.deal == before

    @precondition(_in_approval)
    @rule(by=st.sampled_from((ADMIN, ADMIN, OWNER)))
    def policy_is_applied(self, by: str) -> None:
        before = self.desk.order
        answer = self.desk.apply(by=by)
        if by == OWNER:
            assert answer.verdict is Verdict.REFUSED
            assert self.desk.order == before

    @rule(hours=st.sampled_from((1, 8, 26, 60, 200, 1000)))
    def time_passes(self, hours: int) -> None:
        self.desk.play(self.desk.now + timedelta(hours=hours))

    @rule(kind=st.sampled_from((StepKind.ASK, StepKind.REMIND, StepKind.ESCALATE)))
    def fails(self, kind: StepKind) -> None:
        self.desk.outside.failing.add(kind)

    @rule()
    def retry(self) -> None:
        self.desk.outside.failing.clear()
        self.desk.say(Retry())

    @precondition(lambda self: bool(self.desk.deal.orders))
    @rule()
    def withdraw(self) -> None:
        self.desk.say(Withdraw(reason="no"))

    def teardown(self) -> None:
        """Whatever happened: a version never waits for nobody."""
        if not hasattr(self, "desk") or not self._in_approval():
            return
        order = self.desk.order
        if not order.parked:
            assert self.desk.waits_for, "it waits, and nobody is asked"


ApprovalMachine.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=40,
    deadline=None,
    derandomize="Q2C_EXAMPLES" not in os.environ,
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
TestApprovalMachine = ApprovalMachine.TestCase
