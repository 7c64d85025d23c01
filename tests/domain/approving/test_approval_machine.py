"""Thousands of approvals, searched: nothing is granted that people did not approve, whoever tries what, in whatever order."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from domain.approving.calendar import Calendars
from domain.approving.condition import Value
from domain.approving.policy import Matrix
from domain.message import Decide, Reseat, Retry, SignatureFact, Verdict, Withdraw
from domain.need import Ask, Crowd, Seat
from domain.order import OPEN, OrderStage
from domain.outcome import Asked, Outcome, Taken
from domain.step import StepKind
from tests.domain.approving.desk import ADMIN, ANN, BOB, CEM, DANA, EVE, FAY, GIL, MAX, VERA, Desk
from tests.domain.approving.desk_watch import DeskWatch
from tests.domain.lives import OWNER

EXAMPLES = int(os.environ.get("Q2C_EXAMPLES", "240"))
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
offers = st.fixed_dictionaries(
    {
        "by": st.sampled_from((OWNER, OWNER, GIL, ANN, DANA)),
        "discount_percent": st.sampled_from([Decimal(n) for n in (18, 0, 5, 12, 25, 40)]),
        "margin_percent": st.sampled_from([None, *(Decimal(n) for n in (10, 25, 40, 60))]),
        "net_days": st.sampled_from((30, 60, 90)),
        "acv_minor": st.sampled_from((1_000_00, 5_000_01, 9_000_00)),
        "region": st.sampled_from(("EMEA", "EMEA", "AMER", "APAC")),
    }
)
MUST_BE_REACHED = {
    *(f"{verb} accepted" for verb in ("approve", "reject", "changes with a draft", "delegate", "abstain")),
    *(f"{verb} accepted" for verb in ("revise", "withdraw", "reseat", "apply_policy")),
    *(f"{verb} refused" for verb in ("approve", "delegate", "reseat", "apply_policy")),
    *("ask", "remind", "escalate", "look", "expire", "send", "fact_came unexpected"),
    *(f"asked as a crowd at rung {rung}" for rung in (0, 1)),
    *("granted 0 times", "granted 3 times", "granted, carried over", "signed", "signed, carried over"),
}
REACHED: Counter[str] = Counter()  # what happened in how many lives


class ApprovalMachine(RuleBasedStateMachine):
    """Every rule may come at any moment, by anybody."""

    desk: Desk

    @initialize(
        which=st.integers(0, len(MATRICES) - 1),
        careless=st.booleans(),
        first=offers,
        most_seats=st.sampled_from((1, 40, 3)),
        valid_days=st.sampled_from((365, 9, 30)),
    )
    def open(self, which: int, careless: bool, first: dict[str, Any], most_seats: int, valid_days: int) -> None:
        """A life without an offer would be none: `offer` alone may be left out of a search as every rule may."""
        self.desk = Desk(MATRICES[which], careless=careless, most_seats=most_seats)
        self.desk.valid_days = valid_days
        self.desk.becomes(FAY, roles=("heads",))  # so that there are two heads, and one is too many to name at times
        self.watch = DeskWatch(self.desk)
        self.desk.offer(**first)

    def _in_approval(self) -> bool:
        return self.desk.order.stage is OrderStage.IN_APPROVAL

    @rule(of=offers)
    def offer(self, of: dict[str, Any]) -> None:
        self.desk.offer(**of)

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
        self.desk.offer(by=by, **{**self.desk.versions[self._now()], **change})

    @precondition(_in_approval)
    @rule(who=people, verb=st.sampled_from(("approve",) * 6 + ("reject", "changes", "abstain", "comment")))
    def word(self, who: str, verb: str) -> None:
        before = self.desk.deal
        answer = self.desk.word(verb, who)
        if answer.verdict is Verdict.REFUSED or verb == "comment":
            assert self.desk.deal.orders == before.orders

    @precondition(_in_approval)
    @rule(
        index=st.integers(0, 20), verb=st.sampled_from(("approve",) * 8 + ("abstain", "abstain", "reject", "changes"))
    )
    def whom_it_waits_for(self, index: int, verb: str) -> None:
        """Somebody who may: without this, most of the search would be refusals."""
        if waiting := self.desk.may_decide:
            answer = self.desk.word(verb, waiting[index % len(waiting)])
            assert answer.verdict is Verdict.ACCEPTED, answer

    @precondition(_in_approval)
    @rule()
    def all_whom_it_waits_for(self) -> None:
        for person in self.desk.may_decide:
            if self._in_approval() and person in self.desk.may_decide:
                self.desk.word("approve", person)

    @precondition(_in_approval)
    @rule(index=st.integers(0, 20), to=people)
    def delegate(self, index: int, to: str) -> None:
        if waiting := self.desk.may_decide:
            before, by = self.desk.deal, waiting[index % len(waiting)]
            answer = self.desk.word("delegate", by, to=to)
            if to in (OWNER, self.desk.order.drafted_by):
                assert answer.verdict is Verdict.REFUSED
                assert self.desk.deal.orders == before.orders

    @precondition(_in_approval)
    @rule(who=st.sampled_from((ANN, DANA, CEM, "")), discount=st.sampled_from((5, 12, 18)))
    def counter_proposal(self, who: str, discount: int) -> None:
        who = who or next(iter(self.desk.may_decide), ANN)  # mostly somebody who is asked
        self.desk.word("changes", who, draft={**self.desk.versions[self._now()], "discount_percent": Decimal(discount)})
        if self.desk.order.stage is OrderStage.PRICED:
            self.desk.submit()

    def _now(self) -> tuple[str, int]:
        return self.desk.order.subject, self.desk.order.version

    @rule(person=people, to=people, days=st.sampled_from((1, 5, 30)), away=st.booleans(), later=st.sampled_from((0, 2)))
    def stands_in(self, person: str, to: str, days: int, away: bool, later: int) -> None:
        if person != to:
            self.desk.away(person, to, days=days, away=away, since=self.desk.now + timedelta(days=later))

    @precondition(_in_approval)
    @rule(person=st.sampled_from(EVERYBODY[1:]), told=st.booleans(), later=st.sampled_from((0, 3)))
    def leaves(self, person: str, told: bool, later: int) -> None:
        if sum(p.left_at is None for p in self.desk.people) > 6:
            self.desk.leave(person, at=self.desk.now + timedelta(days=later))
        if told:
            self.desk.reseat(person)

    @rule(person=people, manager=st.sampled_from(("", *EVERYBODY)), told=st.booleans())
    def has_another_manager(self, person: str, manager: str, told: bool) -> None:
        """Also themselves, and each other: circles."""
        self.desk.becomes(person, manager=manager)
        self._told(person, told)

    @rule(person=people, roles=st.sampled_from(((), ("desk",), ("finance",), ("desk", "heads"))), told=st.booleans())
    def changes_groups(self, person: str, roles: tuple[str, ...], told: bool) -> None:
        self.desk.becomes(person, roles=roles)
        self._told(person, told)

    def _told(self, person: str, told: bool) -> None:
        if told and self._in_approval():
            self.desk.reseat(person)

    @rule(since=st.sampled_from((0, 1, 3)), days=st.sampled_from((2, 60)))
    def everybody_is_away(self, since: int, days: int) -> None:
        """Each by another, round in a circle, so that nobody is reached."""
        for person, to in zip(EVERYBODY, (*EVERYBODY[1:], OWNER), strict=True):
            self.desk.away(person, to, days=days, since=self.desk.now + timedelta(days=since))

    @rule(country=st.sampled_from(("DE", "US", "AE")))
    def a_country_is_closed(self, country: str) -> None:
        """No working day for sixty days."""
        closed = frozenset(self.desk.now.date() + timedelta(days=n) for n in range(60))
        known = dict(self.desk.calendars.countries)
        known[country] = replace(known[country], holidays=known[country].holidays | closed)
        self.desk.calendars = Calendars(tuple(known.items()))

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

    @precondition(_in_approval)
    @rule(kind=st.sampled_from((StepKind.ASK, StepKind.REMIND, StepKind.ESCALATE, StepKind.LOOK)))
    def fails(self, kind: StepKind) -> None:
        self.desk.outside.failing.add(kind)

    @precondition(lambda self: bool(self.desk.order.parked))
    @rule()
    def retry(self) -> None:
        self.desk.outside.failing.clear()
        self.desk.say(Retry())

    @precondition(lambda self: self.desk.order.stage in OPEN)
    @rule()
    def withdraw(self) -> None:
        self.desk.say(Withdraw(reason="no"))

    @precondition(lambda self: bool(self.desk.envelopes) and not self.desk.order.envelope_id)
    @rule(index=st.integers(0, 20))
    def an_old_order_form_is_signed(self, index: int) -> None:
        """Of a version that was revised since: it signs nothing, whatever stands in its place."""
        before = self.desk.deal.orders
        self._signs(sorted(self.desk.envelopes)[index % len(self.desk.envelopes)])
        assert self.desk.deal.orders == before

    def _signs(self, envelope: str) -> None:
        sha256 = self.desk.envelopes[envelope]
        now = self.desk.now
        self.desk.tell(SignatureFact(event="signed", envelope_id=envelope, sha256=sha256, reason="", happened_at=now))
        self.desk.settle()

    def teardown(self) -> None:
        """Whatever happened: a version never waits for nobody; and in the end the customer signs all that they ever got."""
        if not hasattr(self, "desk"):
            return
        order = self.desk.order
        if self._in_approval() and not order.parked:
            assert self.desk.waits_for, "it waits, and nobody is asked"
        self.desk.outside.failing.clear()
        for envelope in sorted(self.desk.envelopes):
            self._signs(envelope)
        if order.stage is OrderStage.OUT_FOR_SIGNATURE:
            assert self.watch.signed == {(order.subject, order.version)}
        for what in _happened(self.desk, self.watch):
            REACHED[what] += 1
            event(what)


def _happened(desk: Desk, watch: DeskWatch) -> set[str]:
    """What this life has seen: `pytest --hypothesis-show-statistics` tells in how many it was so."""
    found = {played.step.kind.value for played in desk.played}
    for played in desk.played:
        if isinstance(played.outcome, Taken):
            body, verdict = played.outcome.message.body, played.outcome.answer.verdict
            said = body.what if isinstance(body, Decide) else body.kind
            drafted = isinstance(body, Decide) and body.draft_id
            found.add(f"{said}{' with a draft' if drafted else ''} {verdict.value}")
    found |= {f"asked as a crowd at rung {c.rung}" for p in desk.played for c in _crowds(p.outcome)}
    found.add(f"granted {min(watch.granted_versions, 3)} times")
    found |= {"granted, carried over"} if watch.carried else set()
    found |= {"signed, carried over" if watch.signed & watch.carried else "signed"} if watch.signed else set()
    return found


def _crowds(outcome: Outcome) -> tuple[Crowd, ...]:
    asks = outcome.asks if isinstance(outcome, Asked) else ()
    return tuple(crowd for ask in asks for crowd in ask.crowds)


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


def test_the_search_reaches_what_it_is_for() -> None:
    """One that never gets somewhere proves nothing about it. (Counted by the search above, where it ran in this process.)"""
    if REACHED and EXAMPLES >= 100:
        assert set(REACHED) >= MUST_BE_REACHED, MUST_BE_REACHED - set(REACHED)
