"""The heart: `after` folds whatever happened on whatever state; and each rule of deal.md that names what broke."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import date, timedelta
from itertools import pairwise

import pytest

from domain.agenda import agenda, next_due
from domain.deal import BURST, accept, advanced, after, opened
from domain.message import Answer, Cancel, FactCame, Message, Retry, Verdict
from domain.outcome import (
    Activated,
    Billed,
    Booked,
    Charged,
    Done,
    Failed,
    Noticed,
    Outcome,
    Presented,
    Priced,
    PriceRefused,
    Sent,
    Taken,
)
from domain.standing import standing
from domain.state import ANSWERS_KEPT, Deal
from domain.step import Step, StepKind
from tests.domain.lives import NEED, START, TERMS, Life, Outside, days
from tests.domain.watch import Watch

DAY = timedelta(days=1)


def life(*, virtual: bool = True, **behaviour: object) -> Life:
    made = Life(Outside(**behaviour), virtual=virtual)  # type: ignore[arg-type]  # each behaviour by its name
    Watch(made)
    return made


# --- total ---

PRICED = Priced(version=1, version_id="v", content_hash="h", expires_at=START + DAY, terms=TERMS, needs=(NEED,))
MESSAGE = Message(id="m", by="a@x", body=Cancel(reason="x"), at=START)
OUTCOMES: tuple[Outcome, ...] = (
    Taken(message=MESSAGE, answer=Answer(message_id="m", verdict=Verdict.ACCEPTED)),
    Taken(message=MESSAGE, answer=Answer(message_id="m", verdict=Verdict.REFUSED, error="E", reason="r")),
    Taken(
        message=replace(MESSAGE, id="f", body=FactCame(inbox_id="f")),
        answer=Answer(message_id="f", verdict=Verdict.UNEXPECTED),
    ),
    PRICED,
    PriceRefused(error="E", reason="r"),
    Presented(share_id="sh"),
    Sent(envelope_id="env", document_sha256="sha"),
    Booked(contract_id="con", provisioning=("a",)),
    Activated(anchor=date(2027, 1, 31)),
    Billed(invoice_id="inv", invoice_number="A", due_on=date(2027, 2, 1), method="card", settled=False, ladder=()),
    Billed(invoice_id="inv", invoice_number="A", due_on=date(2027, 2, 1), method="card", settled=True, ladder=()),
    Charged(status="captured", settled=True),
    Charged(status="captured"),
    Charged(status="declined", decline="soft"),
    Charged(status="pending"),
    Charged(status="unknown"),
    Noticed(order_number=9, priced=PRICED),
    Done(),
    Failed(reason="no"),
)


def states() -> list[Deal]:
    """A deal in each of its stages, and in trouble."""
    found: list[Deal] = []
    lives = [
        life(needs=(NEED,), customer_after=DAY, customer=("sign", "decline"), provisioning=("a", "b")),
        life(provisioning=("a", "b"), broken={"b": -1}),
        life(card=("unknown:soft", "soft", "pending:soft", "soft")),
        life(terms=replace(TERMS, auto_renew=True, term_months=3, method="transfer"), pays_after=None),
        life(customer=("ignore",)),
    ]
    for each in lives:
        found.append(each.deal)
        each.watch = lambda before, _: found.append(before)
        each.submitted()
        if each.deal.orders and each.deal.orders[0].stage == "in_approval":
            each.decide()
        each.play(START + days(100))
        each.say(Cancel(reason="x"))
        each.play(START + days(500))
        found.append(each.deal)
    distinct = {(standing(d).stage, standing(d).waits_for, len(d.collections), bool(d.voids)): d for d in found}
    return list(distinct.values())


def subjects(deal: Deal, kind: StepKind) -> tuple[str, str]:
    """One that is there (in some states), one that is gone."""
    match kind:
        case StepKind.BILL | StepKind.MILESTONE:
            return "contract-1.1", "contract-1.7"
        case StepKind.CHARGE | StepKind.RESOLVE | StepKind.MESSAGE | StepKind.SUSPEND | StepKind.CANCEL:
            return next((c.invoice_id for c in deal.collections), "none"), "gone"
        case StepKind.END | StepKind.NOTICE | StepKind.ACCESS | StepKind.REPRICE:
            return "contract-1", "gone"
        case _:
            return next((order.subject for order in deal.orders), "none"), "gone"


def test_whatever_happened_is_folded_on_whatever_state() -> None:
    """Every kind with every outcome, about what is there and what is gone; it counts one turn and never raises."""
    seen = states()
    assert {standing(deal).stage for deal in seen} >= {
        "quote",
        "approval",
        "signature",
        "provisioning",
        "active",
        "ended",
    }
    for deal in seen:
        for kind in StepKind:
            for subject in subjects(deal, kind):
                step = Step(kind=kind, subject=subject, number=1, at=START)
                for outcome in OUTCOMES:
                    folded = after(deal, step, outcome, deal.clock.now + DAY)
                    assert folded.turn == deal.turn + 1
                    agenda(folded)
                    standing(folded)


# --- messages ---


def test_a_message_is_accepted_once_and_keeps_its_instant() -> None:
    made = life()
    deal = accept(made.deal, replace(MESSAGE, at=None), START + DAY)
    assert [(m.id, m.at) for m in deal.inbox] == [("m", START + DAY)]
    assert accept(deal, replace(MESSAGE, body=Cancel(reason="other")), START) is deal
    assert [(step.kind, step.subject) for step in agenda(deal)] == [(StepKind.TAKE, "m")]


def test_the_outcome_of_a_message_teaches_it_to_a_run_that_lost_it() -> None:
    deal = life().deal
    step = Step(kind=StepKind.TAKE, subject="m", number=0, at=START)
    folded = after(deal, step, OUTCOMES[0], START)
    assert (folded.closed, folded.answer("m")) == ("cancelled: x", Answer(message_id="m", verdict=Verdict.ACCEPTED))
    again = after(accept(folded, replace(MESSAGE, id="n"), START), step, OUTCOMES[0], START)
    assert (again.answers, [m.id for m in again.inbox]) == (folded.answers, ["n"])


def test_the_last_hundred_answers_are_remembered() -> None:
    made = life()
    for number in range(ANSWERS_KEPT + 20):
        made.say(Retry(), message_id=f"r{number}")
    assert [a.message_id for a in made.deal.answers] == [f"r{n}" for n in range(20, ANSWERS_KEPT + 20)]
    assert made.deal.parkings == (), "messages are no loop, however many come at one instant"


def test_500_messages_at_one_instant_are_no_loop() -> None:
    made = life().submitted()
    made.watch = lambda *_: None  # it would look 500 times at 500 messages
    for _ in range(BURST + 100):
        made.tell(None)
    made.play(START + days(40))
    assert (made.deal.parkings, len(made.bills)) == ((), 2)


@pytest.mark.parametrize(("fact", "verdict"), [(True, Verdict.UNEXPECTED), (False, Verdict.REFUSED)])
@pytest.mark.parametrize("outcome", [Failed(reason="unreadable"), Done()])
def test_a_message_that_cannot_be_taken_in_does_not_stand_in_the_way(
    fact: bool, verdict: Verdict, outcome: Outcome
) -> None:
    made = life().submitted()
    body = FactCame(inbox_id="i") if fact else Retry()
    deal = accept(made.deal, Message(id="m", by="a@x", body=body), START)
    step = next_due(deal, START)
    assert step is not None
    folded = after(deal, step, outcome, START)
    answer = folded.answer("m")
    assert answer is not None
    assert (answer.verdict, answer.error) == (verdict, "NotTaken")
    assert (folded.inbox, folded.parkings, next_due(folded, START)) == ((), (), None)


# --- the clock ---


def test_a_real_clock_is_never_moved_a_virtual_one_only_forward() -> None:
    real, virtual = life(virtual=False).deal, life().deal
    assert advanced(real, START + days(9)) is real
    moved = advanced(virtual, START + days(9))
    assert moved.clock.target == START + days(9)
    assert advanced(moved, START + days(3)) == moved
    assert moved.clock.now == START


def test_a_deal_begins_with_nothing() -> None:
    deal = opened(
        deal_id="d",
        name="n",
        entity_id="e",
        account_id="a",
        owner="o",
        currency="EUR",
        zone="UTC",
        virtual=False,
        now=START,
    )
    assert (deal.turn, deal.orders, deal.contract, deal.closed, agenda(deal)) == (0, (), None, "", ())


# --- parking ---


def test_a_step_that_is_still_due_after_it_was_performed_parks_its_subject() -> None:
    deal = life().submitted().deal
    step = agenda(deal)[0]
    folded = after(deal, step, Done(), START)
    assert folded.parkings == (("contract-1", "bill is still due after it was performed"),)
    assert "bill" not in [s.kind for s in agenda(folded)]


def test_a_spinning_loop_parks_after_a_bound_of_steps_at_one_instant() -> None:
    deal = replace(life().submitted().deal, burst=BURST)
    step = replace(agenda(deal)[0], number=7)
    assert after(deal, step, Done(), deal.clock.now).parkings == (
        ("contract-1", f"more than {BURST} steps at one instant"),
    )
    assert after(deal, step, Done(), deal.clock.now + DAY).parkings == ()


def test_a_failure_about_what_is_gone_parks_nothing_else() -> None:
    deal = life().submitted().deal
    gone = Step(kind=StepKind.CHARGE, subject="inv_gone", number=1, at=START)
    assert after(deal, gone, Failed(reason="no"), START).parkings == ()


@pytest.mark.parametrize(
    "kind", [k for k in StepKind if k not in (StepKind.TAKE, StepKind.COMPENSATE, StepKind.CANCEL)]
)
def test_whatever_fails_for_good_comes_back_by_retry(kind: StepKind) -> None:
    """Each kind of step fails once, somewhere in a life that has them all; `retry` heals it, and the life goes on."""
    made = life(
        needs=(NEED,), provisioning=("a",), card=("unknown:soft", "soft", "soft", "soft", "soft", "soft", "captured")
    )
    made.submitted()
    made.outside.failing.add(kind)
    for passed in (1, 1, 1, 10, *[40] * 8):
        if made.deal.orders and made.deal.orders[0].stage == "in_approval":
            made.decide()
        made.play(made.now + days(passed))
        if made.deal.parkings:
            made.say(Retry())
            made.play(made.now + days(1))
    assert made.deal.parkings == ()
    assert len(made.bills) >= 6 or made.over


# --- late is not wrong ---


def test_a_week_without_a_worker_and_a_card_that_declines_is_no_burst() -> None:
    made = life(card=("soft",), virtual=False).submitted()
    made.play(START + days(1.1))
    made.wake(START + days(9))
    outward = [p.step.kind.value for p in made.played if p.now == made.now]
    assert outward == ["charge", "message"]
    made.play(START + days(40))
    assert made.kinds().index("suspend") > made.kinds().index("message")
    charged = [p.now for p in made.played if p.step.kind is StepKind.CHARGE]
    assert all(later - one >= DAY for one, later in pairwise(charged))


def test_months_without_a_worker_bill_every_period_at_once_and_charge_one_a_day() -> None:
    made = life(virtual=False).submitted()
    made.wake(START + days(130))
    assert [b.period.start.isoformat() for b in made.bills] == [
        "2027-01-31",
        "2027-02-28",
        "2027-03-31",
        "2027-04-30",
        "2027-05-31",
    ]
    assert [p.step.kind.value for p in made.played if p.now == made.now] == ["bill"] * 4 + ["charge"]
    made.play(START + days(140))
    assert made.deal.collections == ()


def test_a_notice_that_was_missed_parks_the_renewal_and_holds_the_end() -> None:
    made = life(terms=replace(TERMS, term_months=3, auto_renew=True), virtual=False).submitted()
    made.wake(START + days(100))
    assert made.deal.parkings == (("order-2", "the notice of renewal was due on 2027-03-31"),)
    assert (len(made.bills), standing(made.deal).stage) == (3, "active")
    made.say(Retry())
    assert [bill.term for bill in made.bills] == [1, 1, 1, 2]


def test_a_missed_notice_may_also_end_in_a_cancellation() -> None:
    made = life(terms=replace(TERMS, term_months=3, auto_renew=True), virtual=False).submitted()
    made.wake(START + days(120))
    made.say(Cancel(reason="they left"))
    made.play(START + days(130))
    assert (made.over, made.deal.closed, len(made.bills)) == (True, "they left", 3)


def test_a_renewal_signed_in_time_counts_though_nobody_was_there_at_the_end_of_the_term() -> None:
    made = life(terms=replace(TERMS, term_months=3), customer_after=days(20), virtual=False).submitted()
    made.play(START + days(25))  # the first order, signed
    made.play(START + days(91))
    assert made.deal.orders[0].stage == "out_for_signature"
    made.wake(START + days(150))
    assert made.deal.contract is not None
    assert made.deal.contract.last.number == 2
    assert [bill.term for bill in made.bills] == [1, 1, 1, 2, 2]


def test_a_renewal_whose_booking_failed_is_not_lost_at_the_end_of_the_term() -> None:
    made = life(terms=replace(TERMS, term_months=3)).submitted()
    made.outside.failing.add(StepKind.BOOK)
    made.play(START + days(100))
    assert standing(made.deal).stage == "active"
    made.say(Retry())
    assert [bill.term for bill in made.bills] == [1, 1, 1, 2]


# --- folds about what is not as expected ---


def test_an_envelope_for_a_version_that_is_no_longer_wanted_is_taken_back() -> None:
    deal = life(customer=("ignore",)).quoted().deal
    for subject, number in (("order-1", 1), ("order-9", 0)):
        step = Step(kind=StepKind.SEND, subject=subject, number=1, at=START)
        assert after(deal, step, Sent(envelope_id="env", document_sha256="sha"), START).voids == ((number, "env"),)


def test_an_envelope_of_a_deal_that_is_over_is_let_go_when_it_cannot_be_taken_back() -> None:
    made = life(customer=("ignore",)).submitted()
    made.outside.failing.add(StepKind.VOID)
    made.say(Cancel(reason="lost"))
    assert (made.over, made.deal.stuck, made.deal.voids) == (True, (), ())


def test_a_contract_is_booked_once() -> None:
    made = life(provisioning=("a",), broken={"a": -1}).submitted()
    step = Step(kind=StepKind.BOOK, subject="order-1", number=1, at=START)
    folded = after(made.deal, step, Booked(contract_id="other", provisioning=()), START)
    assert (folded.contract, folded.orders) == (made.deal.contract, made.deal.orders)


def test_a_rung_of_another_kind_is_not_climbed() -> None:
    made = life(card=("soft",)).submitted()
    made.play(START + days(0.5))
    assert made.deal.collections[0].rungs[0][0] == "charge"
    step = Step(kind=StepKind.MESSAGE, subject="contract-1.1/0", number=9, at=START)
    assert after(made.deal, step, Done(), made.now).collections == made.deal.collections


def test_a_whole_life_of_ten_years_stays_small() -> None:
    made = life(terms=replace(TERMS, auto_renew=True)).submitted()
    made.play(START + days(3650))
    assert len(made.bills) == 120
    assert len(json.dumps(asdict(made.deal), default=str)) < 10_000
