"""What a message does: a command is judged and may be refused, a fact is folded and never refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.message import (
    Answer,
    Cancel,
    Command,
    Decide,
    Fact,
    PaymentFact,
    Retry,
    Revise,
    SignatureFact,
    Submit,
    TakeUp,
    Verdict,
    Withdraw,
)
from domain.standing import standing
from domain.state import RULES
from domain.step import StepKind
from tests.domain.lives import DESK, NEED, OWNER, START, TERMS, Life, Outside, days
from tests.domain.watch import Watch

CFO = replace(NEED, group="cfo", level=2, escalate_to="")
REVISE = Revise(draft_id="draft-2", draft_hash="h2")
TRANSFER = replace(TERMS, method="transfer", net_days=30)


def life(**behaviour: object) -> Life:
    made = Life(Outside(**behaviour))  # type: ignore[arg-type]  # each behaviour by its name
    Watch(made)
    return made


def refused(life: Life, body: Command, *, by: str = OWNER) -> str:
    """The error of a command that must be refused; and nothing changed."""
    before = life.deal
    answer = life.say(body, by=by)
    assert answer.verdict is Verdict.REFUSED
    assert answer.reason
    after = life.deal
    assert replace(after, turn=before.turn, clock=before.clock, burst=before.burst, answers=before.answers) == before
    return answer.error


def told(life: Life, fact: Fact | None) -> Verdict:
    message_id = life.tell(fact)
    life.settle()
    answer = life.deal.answer(message_id)
    assert answer is not None
    return answer.verdict


def decide(life: Life, **changed: object) -> Decide:
    order = life.deal.orders[0]
    body = Decide(
        version=order.version, content_hash=order.content_hash, approve=True, reason="ok", groups=("desk", "cfo")
    )
    return replace(body, **changed)  # type: ignore[arg-type]  # each field by its name


# --- quote and approval ---


def test_a_first_draft_opens_the_first_order() -> None:
    made = life()
    assert made.say(REVISE).verdict is Verdict.ACCEPTED
    order = made.deal.orders[0]
    assert (order.number, order.draft_id, order.drafted_by, order.version) == (1, "draft-2", OWNER, 1)


@pytest.mark.parametrize(
    "body", [Submit(version=1), Withdraw(reason="no"), Decide(version=1, content_hash="h", approve=True, reason="")]
)
def test_without_an_order_there_is_nothing_to_do(body: Command) -> None:
    assert refused(life(), body) == "OrderNotOpen"


def test_only_the_current_version_is_submitted() -> None:
    made = life().quoted()
    made.say(REVISE)
    assert refused(made, Submit(version=1)) == "SupersededVersion"
    assert made.say(Submit(version=2)).verdict is Verdict.ACCEPTED
    assert refused(made, Submit(version=2)) == "OrderNotOpen"


def test_a_decision_needs_the_version_a_stranger_a_question_and_the_right_group() -> None:
    made = life(needs=(NEED,)).quoted()
    assert refused(made, decide(made), by=DESK) == "NothingToDecide"
    made.say(Submit(version=1))
    assert refused(made, decide(made, version=2), by=DESK) == "SupersededVersion"
    assert refused(made, decide(made, content_hash="x"), by=DESK) == "SupersededVersion"
    assert refused(made, decide(made), by=OWNER) == "OwnDeal"
    assert refused(made, decide(made, groups=("cfo",)), by=DESK) == "WrongGroup"
    assert made.say(decide(made), by=DESK).verdict is Verdict.ACCEPTED
    assert made.deal.orders == ()  # signed at once, and in service


def test_who_drafted_it_may_not_approve_it_either() -> None:
    made = life(needs=(NEED,))
    made.say(REVISE, by=DESK)
    made.say(Submit(version=1), by=DESK)
    assert refused(made, decide(made), by=DESK) == "OwnDeal"


def test_one_person_of_two_groups_still_decides_level_by_level() -> None:
    made = life(needs=(NEED, CFO)).submitted()
    made.say(decide(made), by=DESK)
    assert made.deal.orders[0].approval.level == 2
    made.say(decide(made), by=DESK)
    assert standing(made.deal).stage == "active"


@pytest.mark.parametrize("fate", ["rejected", "expired", "withdrawn"])
def test_what_is_rejected_expired_or_withdrawn_is_not_approved_afterwards(fate: str) -> None:
    made = life(needs=(NEED, replace(NEED, group="finance"))).submitted()
    body = decide(made)
    match fate:
        case "rejected":
            made.say(replace(body, approve=False), by=DESK)
        case "expired":
            made.play(START + days(31))
        case _:
            made.say(Withdraw(reason="no"))
    assert made.deal.orders[0].stage == fate
    assert refused(made, body, by="other@acme.example") == "NothingToDecide"


def test_a_rejected_quote_is_revised_and_asks_anew() -> None:
    made = life(needs=(NEED,)).submitted()
    made.decide(approve=False)
    assert (made.deal.orders[0].stage, made.deal.orders[0].reason) == ("rejected", "fine")
    made.say(REVISE)
    made.say(Submit(version=2))
    assert [p.step.number for p in made.played if p.step.kind is StepKind.ASK] == [101, 201]
    made.decide()
    assert standing(made.deal).stage == "active"


def test_a_draft_without_a_price_comes_back_with_the_reason() -> None:
    made = life()
    made.say(Revise(draft_id="bad", draft_hash="h"))
    assert (made.deal.orders[0].stage, made.deal.orders[0].reason) == ("refused", "no such price")
    assert refused(made, Submit(version=0)) == "OrderNotOpen"
    made.say(REVISE)
    assert made.deal.orders[0].stage == "priced"


def test_nothing_is_revised_in_service() -> None:
    assert refused(life().submitted(), REVISE) == "OrderNotOpen"


# --- signature ---


def out() -> Life:
    made = life(customer=("ignore",)).submitted()
    assert made.deal.orders[0].stage == "out_for_signature"
    return made


def signature(made: Life, event: str = "signed", *, after: float = 1, **changed: object) -> SignatureFact:
    envelope = next(iter(made.envelopes))
    fact = SignatureFact(
        event=event,
        envelope_id=envelope,
        sha256=made.envelopes[envelope],
        reason="too dear",
        happened_at=START + days(after),
    )
    return replace(fact, **changed)  # type: ignore[arg-type]  # each field by its name


def test_a_signature_brings_the_deal_into_service_once() -> None:
    made = out()
    assert told(made, signature(made)) is Verdict.ACCEPTED
    assert standing(made.deal).stage == "active"
    assert told(made, signature(made)) is Verdict.UNEXPECTED  # the order is closed: shown, and nothing changes
    assert made.kinds().count("book") == 1


def test_the_same_signature_before_the_booking_is_nothing_new() -> None:
    made = out()
    made.outside.failing.add(StepKind.BOOK)
    told(made, signature(made))
    assert told(made, signature(made)) is Verdict.NOTHING_NEW


@pytest.mark.parametrize(("event", "stage"), [("declined", "declined"), ("expired", "expired"), ("voided", "expired")])
def test_an_envelope_that_comes_back_unsigned_returns_to_sales(event: str, stage: str) -> None:
    made = out()
    assert told(made, signature(made, event)) is Verdict.ACCEPTED
    assert (made.deal.orders[0].stage, made.deal.orders[0].reason) == (stage, "too dear")
    assert told(made, signature(made, event)) is Verdict.NOTHING_NEW
    made.say(REVISE)
    made.say(Submit(version=2))
    assert "void" not in made.kinds(), "what is closed is not taken back"
    assert list(made.envelopes) == ["env-order-1-1", "env-order-1-2"]


def test_a_document_that_is_not_the_one_sent_parks_the_order() -> None:
    made = out()
    assert told(made, signature(made, sha256="another")) is Verdict.UNEXPECTED
    assert standing(made.deal).parked == (
        "order-1: the signed document's hash another is not the one sent, sha-env-orde"
    )
    made.say(REVISE)
    assert (made.deal.parkings, made.deal.orders[0].stage) == ((), "priced")


def test_a_withdrawn_order_is_taken_back_and_its_signature_comes_too_late() -> None:
    made = out()
    made.say(Withdraw(reason="no"))
    assert made.kinds()[-1] == "void"
    assert told(made, signature(made)) is Verdict.UNEXPECTED
    assert told(made, signature(made, "voided")) is Verdict.NOTHING_NEW
    assert made.deal.orders[0].stage == "withdrawn"


def test_a_revision_takes_back_what_is_out() -> None:
    made = out()
    made.say(REVISE)
    assert [p.step.subject for p in made.played if p.step.kind is StepKind.VOID] == ["env-order-1-1"]
    assert told(made, signature(made)) is Verdict.UNEXPECTED
    assert (made.deal.orders[0].stage, made.deal.orders[0].envelope_id) == ("priced", "")


def test_a_signature_in_time_counts_though_its_message_came_after_the_expiry() -> None:
    made = out()
    made.play(START + days(31))
    assert made.deal.orders[0].stage == "expired"
    assert made.kinds()[-2:] == ["expire", "void"]
    assert told(made, signature(made, after=29)) is Verdict.ACCEPTED
    assert standing(made.deal).stage == "active"


@pytest.mark.parametrize("expired", [True, False])
def test_a_signature_given_too_late_never_counts(expired: bool) -> None:
    made = out()
    if expired:
        made.play(START + days(31))
    assert told(made, signature(made, after=30.5)) is Verdict.UNEXPECTED
    assert made.deal.contract is None


def test_a_declined_envelope_is_not_signed_afterwards() -> None:
    made = out()
    told(made, signature(made, "declined"))
    assert told(made, signature(made)) is Verdict.UNEXPECTED
    assert made.deal.orders[0].stage == "declined"


def test_an_envelope_that_cannot_be_taken_back_waits_and_is_tried_again() -> None:
    made = out()
    made.outside.failing.add(StepKind.VOID)
    made.say(Withdraw(reason="no"))
    assert standing(made.deal).parked == "env-order-1-1: broken"
    assert refused(made, Retry(subject="env-other")) == "NothingToRetry"
    made.say(Retry(subject="env-order-1-1"))
    assert (made.deal.parkings, made.kinds()[-1]) == ((), "void")


# --- money ---


def test_a_payment_that_settles_ends_dunning_and_the_suspension() -> None:
    made = life(card=("soft",)).submitted()
    made.play(START + days(10))
    assert (standing(made.deal).stage, made.access) == ("suspended", "suspended")
    assert told(made, made.cash("contract-1.1/0", made.now)) is Verdict.ACCEPTED
    assert (standing(made.deal).stage, made.access, made.deal.collections) == ("active", "full", ())
    assert told(made, made.cash("contract-1.1/0", made.now)) is Verdict.ACCEPTED
    assert told(made, replace(made.cash("contract-1.1/0", made.now), settled=False)) is Verdict.NOTHING_NEW


def test_a_part_of_an_invoice_leaves_it_open() -> None:
    made = life(terms=TRANSFER, pays_after=None).submitted()
    before = made.deal.collections
    assert told(made, replace(made.cash("contract-1.1/0", made.now), settled=False)) is Verdict.ACCEPTED
    assert made.deal.collections == before


def test_only_the_invoice_that_suspended_holds_the_suspension() -> None:
    """A reminder before another invoice's due date is no reason to keep a customer suspended."""
    made = life(terms=TRANSFER, pays_after=None).submitted()
    made.play(START + days(76))
    assert made.access == "suspended"
    assert [(c.suspends, c.messages > 0) for c in made.deal.collections] == [
        (True, True),
        (False, True),
        (False, False),
    ]
    told(made, made.cash("contract-1.1/0", made.now))
    assert made.access == "full"


def payment(key: str, status: str = "declined", *, settled: bool = False) -> PaymentFact:
    invoice_id = key.split("/", 2)[2].rpartition("/")[0]
    return PaymentFact(key=key, invoice_id=invoice_id, status=status, code="", decline="soft", settled=settled)


FIRST, SECOND = "d_1/charge/contract-1.1/0/1", "d_1/charge/contract-1.1/0/2"


def test_the_late_refusal_of_one_attempt_says_nothing_about_the_next() -> None:
    made = life(card=("soft", "lost")).submitted()
    made.play(START + days(1.1))
    collection = made.deal.collections[0]
    assert (collection.status, collection.attempt) == ("unknown", 2)
    assert told(made, payment(FIRST)) is Verdict.NOTHING_NEW
    assert made.deal.collections == (collection,)
    assert told(made, payment(SECOND, "pending")) is Verdict.NOTHING_NEW
    made.charges[SECOND] = "soft"
    assert told(made, payment(SECOND)) is Verdict.ACCEPTED
    assert (made.deal.collections[0].status, made.deal.collections[0].attempt) == ("", 3)


def test_a_capture_is_taken_whenever_it_is_told() -> None:
    made = life(card=("lost",)).submitted()
    assert told(made, payment(FIRST, "captured", settled=True)) is Verdict.ACCEPTED
    assert told(made, payment(FIRST, "captured", settled=True)) is Verdict.NOTHING_NEW
    assert told(made, payment(FIRST, "captured")) is Verdict.UNEXPECTED  # money that settles nothing: shown
    assert told(made, payment(FIRST)) is Verdict.NOTHING_NEW


def test_a_capture_that_leaves_something_open_ends_the_flight_only() -> None:
    made = life(card=("lost",)).submitted()
    assert told(made, payment(FIRST, "captured")) is Verdict.ACCEPTED
    assert [(c.status, c.attempt, c.rungs) for c in made.deal.collections] == [("", 2, ())]


def test_a_fact_that_fits_nothing_is_unexpected() -> None:
    assert told(life(), None) is Verdict.UNEXPECTED


# --- retry, cancel, rules ---


def test_there_must_be_something_to_retry() -> None:
    made = life().submitted()
    assert refused(made, Retry()) == "NothingToRetry"
    assert refused(made, Retry(subject="order-1")) == "NothingToRetry"


def test_a_retry_of_the_contract_does_not_lift_the_daily_bound_on_charges() -> None:
    made = life(terms=replace(TERMS, term_months=2), customer=("sign", "ignore")).submitted()
    made.outside.failing.add(StepKind.NOTICE)
    made.play(START + days(29))
    assert standing(made.deal).parked == "contract-1-notice: broken"
    before = made.deal.last_charge_at
    assert made.say(Retry(subject="contract-1-notice")).verdict is Verdict.ACCEPTED
    assert made.deal.last_charge_at == before
    assert made.deal.parkings == ()


def test_a_retry_charges_a_refused_card_now() -> None:
    made = life(card=("hard", "captured")).submitted()
    made.play(START + days(2))
    assert made.say(Retry()).verdict is Verdict.ACCEPTED
    assert made.deal.collections == ()


@pytest.mark.parametrize("moment", ["nothing", "draft", "priced", "in_approval", "out_for_signature", "rejected"])
def test_before_a_contract_cancel_ends_the_deal_at_once(moment: str) -> None:
    made = life(needs=(NEED,), customer=("ignore",))
    match moment:
        case "draft":
            made.outside.failing.add(StepKind.PRICE)
            made.say(REVISE)
        case "priced":
            made.quoted()
        case "in_approval":
            made.submitted()
        case "rejected":
            made.submitted().decide(approve=False)
        case "out_for_signature":
            made.submitted().decide()
        case _:
            pass
    assert made.say(Cancel(reason="lost")).verdict is Verdict.ACCEPTED
    assert (made.over, made.deal.closed, made.deal.since) == (True, "cancelled: lost", START)
    assert ("void" in made.kinds()) == (moment == "out_for_signature")
    assert refused(made, Cancel(reason="lost")) == "DealClosed"
    assert told(made, None) is Verdict.UNEXPECTED, "a fact for a closed deal is still taken"


@pytest.mark.parametrize("broken", [{"c": -1}, {"b": -1}, {"a": -1}, {}])
@pytest.mark.parametrize("way_back", [True, False])
def test_in_provisioning_cancel_undoes_everything_and_ends(broken: dict[str, int], way_back: bool) -> None:
    made = life(provisioning=("a", "b", "c"), broken=broken)
    made.outside.failing.add(StepKind.COMPENSATE if way_back else StepKind.ACTIVATE)
    made.submitted()
    if not made.deal.parkings:
        return  # nothing failed: the deal is in service, and cancelled as such elsewhere
    assert made.say(Cancel(reason="lost")).verdict is Verdict.ACCEPTED
    if not made.over:  # the way back failed, too, once
        assert made.say(Cancel(reason="lost")).verdict is Verdict.ACCEPTED
    assert (made.over, made.deal.closed, made.standing_steps, made.access) == (True, "lost", [], "none")
    assert made.bills == []


def test_provisioning_that_fails_parks_rolled_back_and_a_retry_begins_anew() -> None:
    made = life(provisioning=("a", "b"), broken={"b": 1}).submitted()
    assert made.deal.parkings == (("order-1", "provisioning failed and was rolled back: b is broken"),)
    assert made.standing_steps == []
    made.say(Retry())
    assert (standing(made.deal).stage, made.standing_steps) == ("active", ["a", "b"])


def test_in_service_cancel_runs_to_the_end_of_what_is_invoiced() -> None:
    made = life(terms=replace(TERMS, auto_renew=True)).submitted()
    made.play(START + days(40))
    made.say(Cancel(reason="sold"))
    made.say(Cancel(reason="sold twice"))
    assert standing(made.deal).stage == "active"
    made.play(START + days(400))
    assert (made.over, made.deal.closed, made.access) == (True, "sold twice", "revoked")
    assert [bill.period.start.month for bill in made.bills] == [1, 2]


def test_cancel_brings_a_parked_contract_back_and_gives_up_what_an_ended_one_is_owed() -> None:
    made = life(terms=TRANSFER, pays_after=None).submitted()
    made.outside.failing.add(StepKind.BILL)
    made.play(START + days(30))
    assert made.deal.parkings == (("contract-1", "broken"),)
    made.say(Cancel(reason="sold"))
    assert (standing(made.deal).stage, standing(made.deal).waits_for, made.access) == ("ended", "payment", "revoked")
    made.say(Cancel(reason="let it go"))
    assert (made.over, made.deal.collections) == (True, ())


def test_cancel_of_a_booked_contract_whose_end_failed_tries_its_end_again() -> None:
    made = life(provisioning=("a",), broken={"a": -1}).submitted()
    made.outside.failing.add(StepKind.END)
    made.say(Cancel(reason="lost"))
    assert made.deal.parkings == (("contract-1", "broken"),)
    made.say(Cancel(reason="lost"))
    assert made.over
    assert made.deal.contract is not None
    assert made.deal.contract.stage == "ended"


def test_cancel_keeps_a_renewal_that_is_signed_but_not_one_that_is_parked() -> None:
    made = life(terms=replace(TERMS, term_months=3)).submitted()
    made.outside.failing.add(StepKind.BOOK)
    made.play(START + days(70))
    assert standing(made.deal).parked == "order-2: broken"
    made.say(Cancel(reason="sold"))
    assert (made.deal.orders, made.deal.parkings) == ((), ())
    made.play(START + days(100))
    assert made.over


def test_a_deal_takes_up_only_rules_that_this_release_knows() -> None:
    made = life()
    assert made.say(TakeUp(rules=RULES)).verdict is Verdict.ACCEPTED
    assert refused(made, TakeUp(rules=RULES + 1)) == "UnknownRules"
    assert refused(made, TakeUp(rules=0)) == "UnknownRules"


def test_the_same_message_is_taken_once() -> None:
    made = life().quoted()
    first = made.say(Withdraw(reason="no"), message_id="w")
    before = made.deal
    again = made.say(Cancel(reason="another body under the same id"), message_id="w")
    assert (again, made.deal) == (first, before)
    assert first == Answer(message_id="w", verdict=Verdict.ACCEPTED)
