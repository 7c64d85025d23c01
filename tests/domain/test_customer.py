"""What is shown by a link: only what was shown is accepted, in time, by its own terms; and what is reached or billed late is billed once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.agenda import agenda
from domain.message import Ask, Cancel, Command, Reach, Reply, Reprice, Retry, Revise, Submit, TakeUp, Verdict, Withdraw
from domain.order import MOST_QUESTIONS
from domain.outcome import Choice
from domain.standing import standing
from domain.state import RULES, Deal
from domain.step import StepKind
from tests.domain.lives import OWNER, START, TERMS, Life, Outside, days
from tests.domain.parties import NEED
from tests.domain.watch import Watch

GINA = "gina@globex.example"
LINKED = replace(TERMS, delivery="link")
GOOD, BEST = (
    Choice(name="good", acv_minor=1, term_months=12, interval_months=1, recommended=True),
    Choice(name="best", acv_minor=2, term_months=24, interval_months=3, arrears=True, milestones=("go-live",)),
)
CHOICE = replace(LINKED, alternatives=(GOOD, BEST))


def shown(**behaviour: object) -> Life:
    """A deal whose version the customer has before them."""
    made = Life(Outside(**{"terms": LINKED, **behaviour}))  # type: ignore[arg-type]  # each behaviour by its name
    Watch(made)
    return made.submitted()


def refused(life: Life, body: Command) -> str:
    """The error of a command that must be refused; and nothing changed."""
    before = life.deal
    answer = life.say(body, by=GINA)
    assert answer.verdict is Verdict.REFUSED
    unmoved = replace(life.deal, turn=before.turn, clock=before.clock, burst=before.burst, answers=before.answers)
    assert unmoved == before
    return answer.error


def line(life: Life) -> tuple[str, str, str]:
    place = standing(life.deal)
    return place.stage, place.waits_for, place.who


def test_from_the_link_to_the_signature() -> None:
    life = shown(needs=(NEED,), customer=("ignore",))
    assert life.kinds() == ["price", "ask"]
    life.decide()
    assert (life.kinds()[-1], line(life)) == ("present", ("signature", "customer", "the customer"))
    assert life.read().verdict is Verdict.ACCEPTED
    assert (life.kinds()[-1], line(life)) == ("send", ("signature", "signature", "the customer"))
    life.play(START + days(31))
    assert [order.stage for order in life.deal.orders] == ["expired"]


@pytest.mark.parametrize(
    ("differs", "error"),
    [
        ({"version": 2}, "SupersededVersion"),
        ({"content_hash": "other"}, "SupersededVersion"),
        ({"alternative": "good"}, "UnknownAlternative"),
    ],
)
def test_what_was_not_shown_is_refused(differs: dict[str, object], error: str) -> None:
    life = shown()
    assert refused(life, replace(life.answer_to("share-order-1-1", "accept"), **differs)) == error  # type: ignore[arg-type]


def test_the_chosen_alternative_makes_the_terms() -> None:
    life = shown(terms=CHOICE)
    assert refused(life, replace(life.answer_to("share-order-1-1", "accept"), alternative="")) == "UnknownAlternative"
    life.read("another")
    assert life.deal.contract is not None
    (term,) = life.deal.contract.terms
    assert (term.months, term.interval_months, term.arrears) == (24, 3, True)
    assert [m.name for m in life.deal.contract.milestones] == ["go-live"]


def test_who_declined_may_return_until_the_quote_expires() -> None:
    life = shown(customer=("ignore",))
    life.read("decline")
    assert line(life) == ("quote", "revision", OWNER)
    assert refused(life, life.answer_to("share-order-1-1", "decline")) == "OrderNotOpen"
    life.play(START + days(10))
    assert life.read("accept").verdict is Verdict.ACCEPTED
    assert line(life)[1] == "signature"
    assert refused(life, life.answer_to("share-order-1-1", "accept")) == "OrderNotOpen"


def test_who_declined_and_comes_too_late_is_refused() -> None:
    life = shown()
    life.read("decline")
    life.play(START + days(31))
    assert refused(life, life.answer_to("share-order-1-1", "accept")) == "QuoteExpired"


def test_who_declined_the_paper_does_not_return_by_the_link() -> None:
    life = shown(customer=("decline",))
    life.read()
    assert line(life) == ("quote", "revision", OWNER)
    assert refused(life, life.answer_to("share-order-1-1", "accept")) == "OrderNotOpen"


@pytest.mark.parametrize("late", [0, 1, 40])
def test_an_expired_quote_is_not_accepted_however_late_we_wake(late: int) -> None:
    life = shown()
    life.wake(START + days(30 + late))
    assert refused(life, life.answer_to("share-order-1-1", "accept")) == "QuoteExpired"
    assert life.envelopes == {}


@pytest.mark.parametrize(
    ("body", "stage"), [(Revise(draft_id="d2", draft_hash="h"), "priced"), (Withdraw(reason="no"), "withdrawn")]
)
def test_what_is_revised_or_withdrawn_is_accepted_no_more(body: Command, stage: str) -> None:
    life = shown()
    life.say(body)
    assert life.deal.orders[0].stage == stage
    assert refused(life, life.answer_to("share-order-1-1", "accept")) in ("SupersededVersion", "OrderNotOpen")


def test_a_deal_that_is_shown_can_be_cancelled() -> None:
    life = shown()
    life.say(Cancel(reason="lost"))
    assert life.over
    assert refused(life, life.answer_to("share-order-1-1", "accept")) == "DealClosed"


def test_a_new_version_is_shown_by_a_new_link() -> None:
    life = shown()
    life.say(Revise(draft_id="d2", draft_hash="h"))
    life.say(Submit(version=2))
    assert list(life.shown) == ["share-order-1-1", "share-order-1-2"]
    assert life.read().verdict is Verdict.ACCEPTED


def test_questions_wait_for_sales_and_are_bounded() -> None:
    life = shown()
    for number in range(MOST_QUESTIONS):
        assert life.say(Ask(version=1, question_id=f"q{number}"), by=GINA).verdict is Verdict.ACCEPTED
    assert line(life) == ("signature", "reply", OWNER)
    assert refused(life, Ask(version=1, question_id="one-more")) == "TooManyQuestions"
    assert refused(life, Ask(version=2, question_id="q")) == "SupersededVersion"
    assert refused(life, Reply(question_id="never asked")) == "UnknownQuestion"
    for number in range(MOST_QUESTIONS):
        life.say(Reply(question_id=f"q{number}"))
    assert line(life) == ("signature", "customer", "the customer")
    life.read()
    assert refused(life, Ask(version=1, question_id="q")) == "OrderNotOpen"


# --- in service ---


def served(**behaviour: object) -> Life:
    life = shown(**behaviour)
    life.read()
    assert standing(life.deal).stage == "active"
    return life


def test_a_milestone_is_billed_once_when_it_is_reached() -> None:
    life = served(terms=replace(LINKED, milestones=("design", "go-live")))
    life.play(START + days(40))
    assert refused(life, Reach(milestone="never")) == "UnknownMilestone"
    life.say(Reach(milestone="go-live"))
    assert (life.kinds()[-2:], life.milestones) == (["milestone", "charge"], [(1, "1 go-live")])
    assert refused(life, Reach(milestone="go-live")) == "UnknownMilestone"
    life.play(START + days(400))
    assert (life.over, life.milestones) == (True, [(1, "1 go-live")]), "what was never reached lapses with the contract"


def test_a_milestone_that_cannot_be_billed_holds_the_end() -> None:
    life = served(terms=replace(LINKED, milestones=("go-live",), term_months=1), customer=("sign", "ignore"))
    life.outside.failing.add(StepKind.MILESTONE)
    life.say(Reach(milestone="go-live"))
    assert standing(life.deal).parked == "contract-1: broken"
    life.play(START + days(40))
    assert not life.over
    life.say(Retry())
    assert (life.over, life.milestones) == (True, [(1, "0 go-live")])


def test_arrears_are_closed_when_the_term_ends_before_the_contract_does() -> None:
    life = served(terms=replace(LINKED, arrears=True, term_months=2), customer=("sign", "ignore"))
    life.play(START + days(80))
    assert life.over
    assert [(bill.index, bill.closing) for bill in life.bills] == [(0, False), (1, False), (2, True)]
    assert life.kinds()[-4:] == ["bill", "end", "charge", "access"]


def test_arrears_are_closed_when_the_customer_leaves() -> None:
    life = served(terms=replace(LINKED, arrears=True))
    life.play(START + days(40))
    life.say(Cancel(reason="they left"))
    life.play(START + days(80))
    assert (life.over, life.deal.closed) == (True, "they left")
    assert [(bill.index, bill.closing) for bill in life.bills] == [(0, False), (1, False), (2, True)]


def test_a_price_migration_is_a_step_and_what_cannot_move_goes_on() -> None:
    life = served()
    life.say(Reprice(migration_id="pm-1"))
    assert life.kinds()[-1] == "reprice"
    life.outside.failing.add(StepKind.REPRICE)
    life.say(Reprice(migration_id="pm-2"))
    assert (life.deal.parkings, _migrations(life.deal)) == ((), (2, ""))
    life.play(START + days(40))
    assert len(life.bills) == 2


def _migrations(deal: Deal) -> tuple[int, str]:
    assert deal.contract is not None
    return deal.contract.migrations, deal.contract.migration


def test_nothing_is_reached_or_moved_before_service() -> None:
    life = shown()
    assert refused(life, Reach(milestone="go-live")) == "NotInService"
    assert refused(life, Reprice(migration_id="pm-1")) == "NotInService"


def test_a_notice_that_fails_parks_alone_and_billing_goes_on() -> None:
    life = served(terms=replace(LINKED, notice_days=330))
    life.outside.failing.add(StepKind.NOTICE)
    life.play(START + days(62))
    assert [parked for parked, _ in life.deal.parkings] == ["contract-1-notice"]
    assert len(life.bills) == 3
    assert life.say(Retry(subject="contract-1-notice")).verdict is Verdict.ACCEPTED
    assert life.kinds().count("notice") == 2
    assert [parked for parked, _ in life.deal.parkings] == ["order-2"], "it came too late: an operator decides"


def test_access_that_cannot_be_taken_away_parks_alone() -> None:
    life = served(card=("captured", "soft"))
    life.outside.failing.add(StepKind.ACCESS)
    life.play(START + days(40))
    assert [parked for parked, _ in life.deal.parkings] == ["contract-1-access"]
    assert StepKind.BILL in {step.kind for step in agenda(life.deal)}
    assert life.say(Retry(subject="contract-1-access")).verdict is Verdict.ACCEPTED
    assert (life.deal.parkings, life.access) == ((), "suspended")


def test_access_that_is_wanted_back_needs_no_operator() -> None:
    life = served(card=("captured", "soft"))
    life.outside.failing.add(StepKind.ACCESS)
    life.play(START + days(40))
    life.tell(life.cash(life.bills[-1].invoice_id, life.now))
    life.settle()
    assert (life.deal.parkings, life.access, standing(life.deal).stage) == ((), "full", "active")


def test_under_the_first_rules_what_fails_parks_the_whole_contract() -> None:
    life = Life(Outside(terms=replace(TERMS, notice_days=330)))
    life.deal = replace(life.deal, rules=1)
    life.submitted()
    life.outside.failing.add(StepKind.NOTICE)
    life.play(START + days(62))
    assert ([parked for parked, _ in life.deal.parkings], len(life.bills)) == (["contract-1"], 2)
    assert life.say(TakeUp(rules=RULES)).verdict is Verdict.ACCEPTED
    assert life.say(Retry()).verdict is Verdict.ACCEPTED
    assert len(life.bills) == 3
