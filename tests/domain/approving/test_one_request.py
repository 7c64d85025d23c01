"""One request by itself: whose voice counts, how often, and what a recorded approval lets nobody do, whoever recorded it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.approving import machine
from domain.approving.case import Approval
from domain.approving.machine import AlreadyDecided, DelegationRefused, WrongGroup
from domain.message import Retry, Verdict
from domain.need import ALL, Ask, Seat
from domain.step import StepKind
from tests.domain.approving.desk import ANN, BOB, CEM, EVE, GIL, MAX, VERA
from tests.domain.approving.offers import a_rule, done, offered, quorum, refused
from tests.domain.approving.recorded import LATER, NEED, NOW, YES, named, said, seats, unnamed
from tests.domain.lives import OWNER

# --- one person, one voice -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [unnamed(quorum=2), named(*seats(ANN, BOB), quorum=2)])
def test_nobody_is_two_people_by_capital_letters(asked: Approval) -> None:
    once = said(asked, ANN.upper())
    assert once.requests[0].voices == (ANN,)
    for again in (ANN, ANN.upper()):
        with pytest.raises(AlreadyDecided):
            said(once, again)
    assert said(once, BOB).granted


def test_another_voice_that_came_meanwhile_makes_no_second_person() -> None:
    desk = offered(quorum(2))
    desk.word("approve", BOB)
    desk.word("delegate", ANN, to=BOB)
    assert desk.waits_for == (BOB, CEM)
    assert desk.word("approve", BOB).verdict is Verdict.ACCEPTED
    assert not done(desk), "two voices of one person"
    desk.word("approve", CEM)
    assert done(desk)


def test_another_voice_that_came_meanwhile_is_used_where_all_must() -> None:
    desk = offered(quorum("all"))
    desk.word("approve", BOB)
    desk.word("delegate", ANN, to=BOB)
    desk.word("approve", CEM)
    assert (done(desk), desk.waits_for) == (False, (BOB,))
    desk.word("approve", BOB)
    assert done(desk)


def test_a_voice_that_goes_to_one_who_approved_already_may_be_missed() -> None:
    desk = offered(quorum(3))
    desk.word("approve", BOB)
    refused(desk.word("delegate", ANN, to=BOB), "DelegationRefused", desk, desk.deal.orders)


def test_who_approved_still_counts_where_another_abstains() -> None:
    desk = offered(quorum(2))
    desk.word("approve", ANN)
    desk.word("abstain", CEM)
    assert (desk.kinds()[-1], desk.waits_for) == ("ask", (BOB,)), "two can still be reached"
    desk.word("approve", BOB)
    assert done(desk)


def test_delegating_may_go_on_where_the_quorum_is_out_of_reach_anyhow() -> None:
    desk = offered(a_rule(require=[{"group": "desk", "quorum": 3}], escalate=[{"after": "9 days", "to": "nobodies"}]))
    desk.word("abstain", ANN)
    assert desk.word("delegate", BOB, to=CEM).verdict is Verdict.ACCEPTED


# --- what a refusal, an abstention or a comment never does -----------------------------------------------------------


@pytest.mark.parametrize("verb", ["reject", "changes"])
def test_the_last_voice_against_grants_nothing(verb: str) -> None:
    desk = offered(quorum("all"))
    for person in (ANN, BOB):
        desk.word("approve", person)
    desk.word(verb, CEM)
    (request,) = desk.order.approval.requests
    assert (request.approved, [vote.said for vote in request.votes]) == (False, ["approve", "approve", verb])


def test_who_stands_in_for_the_silent_and_abstains_does_not_speak_for_them() -> None:
    desk = offered(a_rule(require=[{"group": "desk", "quorum": "all"}], escalate=[{"after": "2 days", "to": "board"}]))
    desk.play(desk.now + timedelta(days=3))
    desk.word("abstain", VERA)
    for person in (ANN, BOB):
        desk.word("approve", person)
        assert not done(desk)
    desk.word("approve", CEM)
    assert done(desk)


def test_all_of_nobody_is_decided_by_whom_it_escalates_to() -> None:
    ladder = [{"after": "2 days", "to": "board"}, {"after": "9 days", "to": "sales"}]
    desk = offered(a_rule(require=[{"group": "nobodies", "quorum": "all"}], escalate=ladder))
    assert (desk.order.approval.requests[0].rung, desk.waits_for) == (1, (VERA,))
    desk.word("approve", VERA)
    assert done(desk)


# --- nobody is left, and it is asked anew -----------------------------------------------------------------------------


def test_a_retry_keeps_what_was_approved_and_asks_the_others_anew_also_who_abstained() -> None:
    rule = a_rule(
        require=[{"group": "desk", "quorum": 3}, {"group": "legal"}], escalate=[{"after": "9 days", "to": "x"}]
    )
    desk = offered(rule)
    for verb, person in (("approve", EVE), ("approve", ANN), ("abstain", BOB)):
        desk.word(verb, person)
    assert desk.order.parked == "nobody is left to decide for desk at level 1"
    asked_at = desk.order.approval.requests[1].asked_at
    desk.play(LATER)
    assert desk.say(Retry()).verdict is Verdict.ACCEPTED
    assert (desk.order.parked, desk.waits_for) == ("", (BOB, CEM))
    legal = desk.order.approval.requests[1]
    assert (legal.approved, legal.asked_at) == (True, asked_at), "what is granted is not asked again"
    for person in (BOB, CEM):
        assert not done(desk)
        desk.word("approve", person)
    assert done(desk)


def test_a_level_that_waits_for_a_lower_one_blocks_nothing_yet() -> None:
    both = Approval.of([NEED, replace(NEED, level=2, group="cfo")])
    asked = both.asked(2, NOW, []).asked(1, NOW, [Ask(index=0, seats=seats(ANN))])
    assert (asked.requests[1].hopeless, asked.blocked) == (True, "")
    assert said(asked, ANN).blocked == "nobody is left to decide for cfo at level 2"


def test_whom_an_answer_leaves_out_is_asked_with_nobody() -> None:
    asked = Approval.of([NEED, replace(NEED, group="legal")]).asked(1, NOW, [Ask(index=0, seats=seats(ANN))])
    assert [(r.named, r.who, r.asked_at) for r in asked.requests] == [(True, (ANN,), NOW), (True, (), NOW)]


def test_what_was_carried_over_is_not_asked() -> None:
    carried = replace(Approval.of([NEED, replace(NEED, group="legal")]).requests[0], approved=True)
    approval = Approval.of([NEED, replace(NEED, group="legal")]).with_request(0, lambda _: carried)
    asked = approval.asked(1, NOW, [Ask(index=0, seats=seats(ANN)), Ask(index=1, seats=seats(EVE))])
    assert (asked.requests[0], asked.requests[1].who) == (carried, (EVE,))
    kinds = [step.kind for step in machine.steps(asked, subject="order-1", version=1, since=NOW)]
    assert StepKind.ASK not in kinds, "asked once"


# --- who may, of those who say so ------------------------------------------------------------------------------------


def test_a_member_who_was_not_asked_by_name_may_not() -> None:
    """Groups that somebody brings along count only where the whole group was asked."""
    with pytest.raises(WrongGroup):
        said(named(*seats(ANN)), GIL)
    assert said(unnamed(), GIL).requests[0].votes[0].hands == (GIL,)


def test_one_who_may_no_longer_cannot_use_a_seat_that_is_still_there() -> None:
    through = Seat(member=ANN, holder=BOB, via=(GIL,))
    for barred in (ANN, GIL, BOB, GIL.upper()):
        with pytest.raises((WrongGroup, machine.OwnDeal)):
            said(named(through).barring(barred), BOB)
    both = named(through, *seats(CEM), Seat(member=EVE, holder=BOB), quorum=ALL).barring(GIL)
    assert said(both, BOB).requests[0].votes[0].members == (EVE,), "only the voice that is clean"


def test_whom_the_first_escalation_asks_may_decide() -> None:
    with pytest.raises(WrongGroup):
        said(unnamed(), MAX, groups=("heads",))
    assert said(machine.escalated(unnamed(), 100, NOW, None), MAX, groups=("heads",)).granted


def test_one_voice_of_an_unnamed_group_is_enough_where_all_must() -> None:
    assert said(unnamed(quorum=ALL), ANN).granted, "nobody knows who all are: the first release asks any"
    assert not said(unnamed(quorum=ALL), ANN, verb="abstain").granted


def test_who_handed_another_voice_on_keeps_what_they_said_with_their_own() -> None:
    once = said(named(*seats(ANN, BOB, CEM), quorum=3), BOB)
    both = said(once, ANN, verb="delegate", to=EVE)
    own = Seat(member=CEM, holder=BOB, via=(CEM,))
    again = both.with_request(0, lambda r: replace(r, seats=(*r.seats, own)))
    after = machine.decided(again, replace(YES, verb="delegate", to=GIL), by=BOB, at=NOW, ref="m9").requests[0]
    assert [(seat.member, seat.holder) for seat in after.seats] == [(ANN, EVE), (BOB, BOB), (CEM, CEM), (CEM, GIL)]


def test_letters_of_an_address_open_no_seat_for_who_may_not() -> None:
    asks = [Ask(index=0, seats=(*seats(OWNER.upper(), ANN), Seat(member=ANN, holder=BOB, via=(OWNER.title(),))))]
    asked = Approval.of([NEED], barred=(OWNER.title(), "")).asked(1, NOW, asks)
    assert (asked.barred, asked.requests[0].seats) == ((OWNER,), seats(ANN))


def test_what_is_granted_takes_no_more_votes() -> None:
    two = Approval.of([NEED, replace(NEED, group="legal")]).asked(1, NOW)
    once = said(two, ANN)
    after = said(once, EVE, groups=("desk", "legal"), ref="m2")
    assert [[vote.by for vote in request.votes] for request in after.requests] == [[ANN], [EVE]]


def test_nobody_delegates_what_every_member_may_decide() -> None:
    with pytest.raises(DelegationRefused) as refusal:
        said(unnamed(), ANN, verb="delegate", to=GIL)
    assert refusal.value.why == "every member of the group may decide"


def test_blanks_around_an_address_are_no_part_of_it() -> None:
    after = said(named(*seats(ANN)), ANN, verb="delegate", to=f"  {GIL.upper()} ")
    assert after.requests[0].who == (GIL,)
    with pytest.raises(DelegationRefused):
        said(named(*seats(ANN)).barring(GIL), ANN, verb="delegate", to=f" {GIL} ")
