"""Thousands of whole lives of a deal, random from end to end; `watch.py` says what must hold after every step."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from domain.message import (
    Ask,
    Cancel,
    Command,
    Decide,
    PaymentFact,
    Reach,
    Reply,
    Reprice,
    Respond,
    Retry,
    Revise,
    SignatureFact,
    Submit,
    TakeUp,
    Verdict,
    Withdraw,
)
from domain.outcome import Choice, Terms
from domain.standing import standing
from domain.state import RULES
from domain.step import StepKind
from tests.domain.lives import DESK, NEED, OWNER, START, TERMS, Life, Outside, days
from tests.domain.parties import said
from tests.domain.watch import Watch

LIVES = int(os.environ.get("Q2C_LIVES", "1500"))  # played by chance, seeds 0, 1, 2, …
EXAMPLES = int(os.environ.get("Q2C_EXAMPLES", "150"))  # searched by Hypothesis

ZONES = ("UTC", "Europe/Berlin", "America/Los_Angeles", "Pacific/Auckland")
FATES = (
    "captured",
    "soft",
    "hard",
    "action_required",
    "fraud",
    "unknown:captured",
    "unknown:soft",
    "unknown:pending",
    "pending:captured",
    "pending:soft",
    "lost",
)
NEEDS = ((), (NEED,), (NEED, replace(NEED, group="finance"), replace(NEED, group="cfo", level=2, escalate_to="")))
GROUPS = ((), ("desk",), ("finance",), ("desk", "finance"), ("cfo",), ("heads",), ("desk", "finance", "cfo"))
PEOPLE = (OWNER, DESK, "other@acme.example")
FAILING = tuple(kind for kind in StepKind if kind is not StepKind.BILL)


def some_choices(chance: random.Random, terms: Terms) -> tuple[Choice, ...]:
    """Two or three alternatives; sometimes none."""
    if chance.random() < 0.5:
        return ()
    return tuple(
        Choice(
            name=name,
            acv_minor=100_000,
            term_months=chance.choice((terms.term_months, terms.interval_months * 2)),
            interval_months=terms.interval_months,
            arrears=chance.random() < 0.5,
            milestones=("go-live",) if chance.random() < 0.5 else (),
            recommended=name == "better",
        )
        for name in ("good", "better", "best")[: chance.choice((2, 3))]
    )


def by_link(chance: random.Random, terms: Terms) -> Terms:
    """Some are shown by a link, with alternatives or without."""
    if chance.random() < 0.5:
        return terms
    choices = some_choices(chance, terms)
    linked = replace(terms, delivery="link", alternatives=choices)
    return linked.chosen("better") if choices else linked


def some_outside(chance: random.Random, *, calm: bool = False) -> Outside:
    interval = chance.choice((1, 1, 3, 12))
    names = ("tenant", "users", "entitlements")[: chance.randint(0, 3)]
    broken = {chance.choice(names): chance.choice((1, 2, -1))} if names and chance.random() < 0.3 and not calm else {}
    wishes = ("sign",) if calm else ("sign", "sign", "sign", "decline", "ignore", "forge")
    return Outside(
        terms=by_link(
            chance,
            replace(
                TERMS,
                term_months=chance.choice((interval, interval * 2, 5, 12)),
                interval_months=interval,
                start=chance.choice(("provisioning", "provisioning", "signature", "2027-03-31", "2026-12-31")),
                method=chance.choice(("card", "card", "transfer")),
                net_days=chance.choice((0, 14, 60)),
                auto_renew=chance.random() < 0.5,
                notice_days=chance.choice((0, 14, 30, 90)),
                arrears=chance.random() < 0.3,
                milestones=chance.choice(((), (), ("go-live",), ("design", "go-live"))),
            ),
        ),
        reader=tuple(
            chance.choices(("accept", "another") if calm else ("accept", "another", "decline", "ignore"), k=3)
        ),
        needs=chance.choice(NEEDS),
        renewal_needs=chance.choice(((), (), (NEED,))),
        provisioning=names,
        customer=tuple(chance.choices(wishes, k=3)),
        customer_after=days(chance.choice((0, 0.5, 3) if calm else (0, 0.5, 3, 29, 31))),
        card=tuple(chance.choices(FATES, weights=(20, 6, 1, 1, 1, 1, 1, 1, 1, 1, 0.3), k=12)) + ("captured",) * calm,
        pays_after=chance.choice((None, -5, 0, 10, 50)),
        broken=broken,
    )


def some_command(life: Life, chance: random.Random) -> Command:
    order = life.deal.orders[0] if life.deal.orders else None
    version = order.version if order else 0
    if chance.random() < 0.1:
        version += 1
    subjects = ["", "order-1", "contract-1", "contract-1-access", *(c.invoice_id for c in life.deal.collections)]
    return chance.choice(
        (
            Revise(draft_id=chance.choice(("draft", "bad")), draft_hash="h"),
            Submit(version=version),
            Submit(version=version),
            Decide(
                version=version,
                content_hash=f"hash-{version}",
                approve=chance.random() < 0.8,
                reason="so",
                groups=chance.choice(GROUPS),
            ),
            Withdraw(reason="no"),
            Cancel(reason="no") if chance.random() < 0.3 else Retry(),
            Retry(subject=chance.choice(subjects)),
            Retry(),
            TakeUp(rules=chance.choice((1, RULES, RULES + 1))),
            some_answer(life, chance),
            some_answer(life, chance),
            Ask(version=version, question_id=f"q{chance.randint(1, 30)}"),
            Reply(question_id=f"q{chance.randint(1, 30)}"),
            Reach(milestone=chance.choice(("design", "go-live", "go-live"))),
            Reach(milestone="go-live"),
            Reprice(migration_id=chance.choice(("pm-1", "pm-2"))),
        )
    )


def some_answer(life: Life, chance: random.Random) -> Command:
    """Anybody who ever had a share link says anything, at any time; and sometimes of what was never shown."""
    if not life.shown:
        return Respond(version=1, content_hash="hash-1", share_id="none", answer="accept")
    said = life.answer_to(chance.choice(list(life.shown)), chance.choice(("accept", "accept", "another", "decline")))
    if chance.random() < 0.2:
        return replace(said, **chance.choice(({"content_hash": "other"}, {"alternative": "worst"}, {"version": 9})))
    return said


def read(life: Life) -> None:
    """Whoever has the last share link answers as they do; who declined may come back."""
    if (
        any(order.stage == "presented" for order in life.deal.orders)
        and said(life.outside.reader, len(life.shown)) != "ignore"
    ):
        life.read()
        if any(order.stage == "declined" for order in life.deal.orders):
            life.read("accept")


def finish(life: Life) -> None:
    """Whatever happened: with the others mended, `retry` and `cancel` bring every life to its end."""
    life.outside.broken.clear()
    life.outside.failing.clear()
    life.outside.card = ("captured",)
    life.outside.pays_after = 0
    for _ in range(3):
        if life.over:
            return
        if life.deal.parkings:
            assert life.say(Retry()).verdict is Verdict.ACCEPTED
        life.play(life.now + days(10))
        if not life.deal.closed:
            life.say(Cancel(reason="enough"))
        life.play(life.now + days(400))
    assert life.over, (standing(life.deal), life.deal)


def approved(life: Life) -> None:
    for groups in (("desk", "finance"), ("cfo",)):
        if any(order.stage == "in_approval" for order in life.deal.orders):
            life.decide(groups=groups)
    read(life)


def whole_life(seed: int) -> Life:
    """One life by chance: the deal desk, commands, outages and failures at random instants."""
    chance = random.Random(seed)
    calm = seed % 3 > 0  # two of three get into service, and stay there for a while
    life = Life(some_outside(chance, calm=calm), virtual=chance.random() < 0.5, zone=chance.choice(ZONES))
    if chance.random() < 0.2:
        life.deal = replace(
            life.deal, rules=1
        )  # as a deal that was opened under the first rules, and goes on under them
    Watch(life)
    life.submitted()
    for _ in range(chance.randint(1, 12)):
        if calm or chance.random() < 0.6:
            approved(life)
        if calm and chance.random() < 0.3:
            life.say(Reach(milestone="go-live"))
        if chance.random() < (0.1 if calm else 0.4):
            life.say(some_command(life, chance), by=chance.choice(PEOPLE))
        if chance.random() < 0.1:
            life.outside.failing.add(chance.choice(FAILING))
        late = days(chance.choice((0, 0, 0, 0.01, 1, 8, 60)))
        life.play(life.now + days(chance.choice((0.2, 2, 20, 100, 200))), late=late)
        if life.over:
            break
    finish(life)
    return life


@pytest.mark.parametrize("share", range(5))
def test_thousands_of_whole_lives_by_chance(share: int) -> None:
    ends = set()
    for seed in range(share, LIVES, 5):
        try:
            ends.add(whole_life(seed).deal.closed)
        except Exception as error:
            error.add_note(f"seed {seed}: whole_life({seed})")
            raise
    assert len(ends) > 1, "lives end in different ways"


class DealMachine(RuleBasedStateMachine):
    """The same, searched and shrunk: every rule may come at any moment."""

    life: Life

    @initialize(seed=st.integers(0, 2**32), virtual=st.booleans(), zone=st.sampled_from(ZONES))
    def open(self, seed: int, virtual: bool, zone: str) -> None:
        self.life = Life(some_outside(random.Random(seed)), virtual=virtual, zone=zone)
        self.watch = Watch(self.life)
        self.envelopes: list[str] = []

    def alive(self) -> bool:
        return not self.life.over

    @rule()
    def quote(self) -> None:
        self.life.say(Revise(draft_id="draft", draft_hash="h"))
        if self.life.deal.orders:
            self.life.say(Submit(version=self.life.deal.orders[0].version))

    @rule()
    def into_service(self) -> None:
        """The short way, so that much of the search happens behind it."""
        self.quote()
        approved(self.life)
        self.life.play(self.life.now + days(40))

    @rule(approve=st.booleans(), groups=st.sampled_from(GROUPS), by=st.sampled_from(PEOPLE))
    def decide(self, approve: bool, groups: tuple[str, ...], by: str) -> None:
        if self.life.deal.orders:
            self.life.decide(approve=approve, groups=groups, by=by)

    @precondition(lambda self: self.life.shown)
    @rule(word=st.sampled_from(("accept", "another", "decline")), again=st.booleans())
    def reads(self, word: str, again: bool) -> None:
        self.life.read(word)
        if again:
            self.life.read("accept")

    @rule(name=st.sampled_from(("design", "go-live", "never")))
    def reaches(self, name: str) -> None:
        self.life.say(Reach(milestone=name))

    @rule(seed=st.integers(0, 2**32), by=st.sampled_from(PEOPLE))
    def command(self, seed: int, by: str) -> None:
        self.life.say(some_command(self.life, random.Random(seed)), by=by)

    @precondition(lambda self: self.life.played)
    @rule(index=st.integers(0, 10_000))
    def the_same_again(self, index: int) -> None:
        """A message that was taken comes once more, under its own id: nothing changes."""
        taken = [p.step.subject for p in self.life.played if p.step.kind is StepKind.TAKE][-50:]
        message_id = taken[index % len(taken)]
        before, played = self.life.deal, len(self.life.played)
        self.life.say(Cancel(reason="no"), message_id=message_id)
        assert self.life.deal == before
        assert len(self.life.played) == played

    @rule(seconds=st.sampled_from((60, 3_600, 86_400, 10 * 86_400, 100 * 86_400)), late=st.sampled_from((0, 1, 10, 90)))
    def time_passes(self, seconds: int, late: int) -> None:
        self.life.play(self.life.now + timedelta(seconds=seconds), late=days(late))

    @rule(outage=st.sampled_from((1, 8, 40, 400)))
    def outage(self, outage: int) -> None:
        """Nobody was there: everything is found overdue at once."""
        self.life.wake(self.life.now + days(outage))

    @rule(kind=st.sampled_from(FAILING))
    def fails(self, kind: StepKind) -> None:
        self.life.outside.failing.add(kind)

    @rule(fates=st.lists(st.sampled_from(FATES), min_size=1, max_size=3))
    def card(self, fates: list[str]) -> None:
        self.life.outside.card = tuple(fates)

    @precondition(lambda self: self.life.bills)
    @rule(index=st.integers(0, 10_000))
    def pays(self, index: int) -> None:
        """Any invoice, at any moment: its dunning ends, and the suspension that it asked for."""
        bill = self.life.bills[index % len(self.life.bills)]
        self.life.tell(self.life.cash(bill.invoice_id, self.life.now))
        self.life.settle()
        assert self.life.deal.collection(bill.invoice_id) is None

    @precondition(lambda self: self.life.charges)
    @rule(index=st.integers(0, 10_000))
    def old_news_of_a_charge(self, index: int) -> None:
        """The gateway repeats itself, late and out of order."""
        told = sorted(self.life.refused)
        if told:
            key = told[index % len(told)]
            invoice_id = key.split("/", 2)[2].rpartition("/")[0]
            fact = PaymentFact(
                key=key, invoice_id=invoice_id, status="declined", code="refused", decline="soft", settled=False
            )
            before = self.life.deal.collection(invoice_id)
            self.life.tell(fact)
            self.life.settle()
            after = self.life.deal.collection(invoice_id)
            assert after is None or before is None or after.attempts == before.attempts

    @precondition(lambda self: self.life.envelopes)
    @rule(
        index=st.integers(0, 10_000),
        event=st.sampled_from(("signed", "declined", "expired", "voided")),
        ago=st.sampled_from((0, 1, 40)),
    )
    def news_of_an_envelope(self, index: int, event: str, ago: int) -> None:
        envelope = list(self.life.envelopes)[index % len(self.life.envelopes)]
        fact = SignatureFact(
            event=event,
            envelope_id=envelope,
            sha256=self.life.envelopes[envelope],
            reason="",
            happened_at=max(START, self.life.now - days(ago)),
        )
        self.life.tell(fact)
        self.life.settle()

    @rule()
    def a_fact_that_fits_nothing(self) -> None:
        before = self.life.deal
        message_id = self.life.tell(None)
        self.life.settle()
        answer = self.life.deal.answer(message_id)
        if StepKind.TAKE not in self.life.outside.failing and answer is not None:
            assert answer.verdict is Verdict.UNEXPECTED
        assert self.life.deal.orders == before.orders or self.life.deal.turn > before.turn + 1

    def teardown(self) -> None:
        if hasattr(self, "life"):
            finish(self.life)


DealMachine.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=30,
    deadline=None,
    derandomize="Q2C_EXAMPLES" not in os.environ,  # the same search for everybody; more, and by chance, when asked
    database=None,
    suppress_health_check=list(HealthCheck),
)
TestDealMachine = DealMachine.TestCase


def _steps(life: Life) -> list[tuple[str, str, int, datetime]]:
    return [(p.step.kind.value, p.step.subject, p.step.number, p.now) for p in life.played]


@pytest.mark.parametrize("seed", range(40))
def test_the_virtual_and_the_real_clock_play_the_same_life(seed: int) -> None:
    lives = []
    for virtual in (True, False):
        life = Life(some_outside(random.Random(seed)), virtual=virtual, zone="Europe/Berlin")
        Watch(life)
        life.submitted()
        approved(life)
        life.play(START + days(500))
        lives.append(life)
    assert _steps(lives[0]) == _steps(lives[1])
    virtual_deal, real_deal = lives[0].deal, lives[1].deal
    assert replace(virtual_deal, clock=real_deal.clock, burst=real_deal.burst) == real_deal
