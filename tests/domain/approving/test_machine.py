"""Decisions one by one: who is asked, how many must approve, what can be said, whose voice is in whose hands."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from domain.message import Verdict
from domain.order import OrderStage
from domain.standing import standing
from tests.domain.approving.desk import (
    ANN,
    BOB,
    CEM,
    DANA,
    EVE,
    FAY,
    GIL,
    MAX,
    VERA,
    facts,
)
from tests.domain.approving.offers import a_desk, a_rule, done, offered, quorum, refused
from tests.domain.lives import OWNER

# --- who is asked, and how many ------------------------------------------------------------------------------------


def test_the_owner_is_no_member_about_their_own_deal() -> None:
    assert offered().waits_for == (ANN, BOB, CEM)
    assert standing(offered().deal).who == f"{ANN}, {BOB}, {CEM}"


def test_who_priced_it_is_not_asked_either() -> None:
    desk = offered(by=ANN)
    assert desk.waits_for == (BOB, CEM)
    refused(desk.word("approve", ANN), "OwnDeal", desk, desk.deal.orders)


def test_letters_of_an_address_make_no_other_person() -> None:
    desk = offered(by="Ann@Acme.Example")
    refused(desk.word("approve", ANN), "OwnDeal", desk, desk.deal.orders)
    refused(desk.word("approve", OWNER.upper()), "OwnDeal", desk, desk.deal.orders)
    assert desk.word("approve", BOB.upper()).verdict is Verdict.ACCEPTED


@pytest.mark.parametrize(
    ("said", "by", "granted"),
    [
        ("any", (ANN,), True),
        (1, (BOB,), True),
        (2, (ANN,), False),
        (2, (ANN, CEM), True),
        (3, (ANN, CEM), False),
        (3, (ANN, CEM, BOB), True),
        ("all", (ANN, CEM), False),
        ("all", (ANN, CEM, BOB), True),
    ],
)
def test_how_many_must_approve(said: object, by: tuple[str, ...], granted: bool) -> None:
    desk = offered(quorum(said))
    for person in by:
        assert desk.word("approve", person).verdict is Verdict.ACCEPTED
    assert done(desk) is granted


def test_one_person_is_one_voice() -> None:
    desk = offered(quorum(2))
    desk.word("approve", ANN)
    before = desk.deal.orders
    refused(desk.word("approve", ANN), "AlreadyDecided", desk, before)
    assert not done(desk)


def test_groups_of_a_level_are_asked_at_once_and_levels_in_order() -> None:
    rule = a_rule(require=[{"group": "desk"}, {"group": "legal"}, {"level": 2, "group": "finance"}])
    desk = offered(rule)
    waiting = [desk.waits_for]
    refused(desk.word("approve", DANA), "WrongGroup", desk, desk.deal.orders)
    for person in (EVE, ANN):
        desk.word("approve", person)
        waiting.append(desk.waits_for)
    assert waiting == [(ANN, BOB, CEM, EVE), (ANN, BOB, CEM), (CEM, DANA)]
    desk.word("approve", DANA)
    assert done(desk)


def test_a_decision_can_be_for_one_group_alone() -> None:
    desk = offered(a_rule(require=[{"group": "desk"}, {"group": "finance"}]))
    desk.word("approve", CEM, group="finance")
    assert not done(desk)
    assert {r.need.group for r in desk.order.approval.waiting} == {"desk"}
    desk.word("approve", CEM)
    assert done(desk)


# --- what can be said ----------------------------------------------------------------------------------------------


def test_one_rejection_ends_the_version() -> None:
    desk = offered(quorum(2))
    desk.word("approve", ANN)
    assert desk.word("reject", BOB).verdict is Verdict.ACCEPTED
    assert (desk.order.stage, desk.order.reason) == (OrderStage.REJECTED, "so")
    refused(desk.word("approve", CEM), "NothingToDecide", desk, desk.deal.orders)


def test_changes_are_asked_for() -> None:
    desk = offered()
    desk.word("changes", ANN)
    assert desk.order.stage is OrderStage.CHANGES_ASKED
    place = standing(desk.deal)
    assert (place.stage, place.waits_for, place.who) == ("quote", "revision", OWNER)


def test_a_counter_proposal_is_a_draft_that_its_author_cannot_approve() -> None:
    desk = offered()
    desk.word("changes", ANN, draft=facts(discount_percent=Decimal(12)))
    assert (desk.order.stage, desk.order.version, desk.order.drafted_by) == (OrderStage.PRICED, 2, ANN)
    desk.submit()
    assert desk.waits_for == (BOB, CEM)
    refused(desk.word("approve", ANN), "OwnDeal", desk, desk.deal.orders)
    desk.word("approve", BOB)
    assert done(desk)


def test_abstaining_leaves_it_to_the_others() -> None:
    desk = offered(quorum("all"))
    desk.word("abstain", ANN)
    desk.word("approve", BOB)
    assert not done(desk)
    desk.word("approve", CEM)
    assert done(desk)


def test_when_all_abstain_it_escalates_at_once() -> None:
    desk = offered(quorum("all"))
    for person in (ANN, BOB, CEM):
        desk.word("abstain", person)
    assert not done(desk)
    assert desk.kinds()[-1] == "escalate"
    assert desk.waits_for == (MAX, VERA)


def test_a_comment_changes_nothing_and_anybody_may_make_one() -> None:
    desk = offered()
    before = desk.deal.orders
    for person in (OWNER, GIL, ANN):
        assert desk.word("comment", person).verdict is Verdict.ACCEPTED
        assert desk.deal.orders == before


def test_an_unknown_verb_is_refused() -> None:
    desk = offered()
    refused(desk.word("bless", ANN), "UnknownVerb", desk, desk.deal.orders)


# --- delegating ----------------------------------------------------------------------------------------------------


def test_a_voice_goes_from_hand_to_hand() -> None:
    desk = offered(quorum("all"))
    assert desk.word("delegate", ANN, to=GIL.upper()).verdict is Verdict.ACCEPTED
    assert desk.waits_for == (BOB, CEM, GIL)
    assert desk.word("delegate", GIL, to=FAY).verdict is Verdict.ACCEPTED
    refused(desk.word("approve", ANN), "WrongGroup", desk, desk.deal.orders)
    for person in (BOB, CEM, FAY):
        assert not done(desk)
        desk.word("approve", person)
    assert done(desk)


@pytest.mark.parametrize(
    ("to", "why"),
    [
        (OWNER, "they own the deal or priced this version"),
        (GIL, "they own the deal or priced this version"),
        (ANN, "they have had this voice already"),
        ("", "nobody is named"),
    ],
)
def test_a_voice_never_goes_to(to: str, why: str) -> None:
    desk = offered(by=GIL)
    before = desk.deal.orders
    answer = desk.word("delegate", ANN, to=to)
    refused(answer, "DelegationRefused", desk, before)
    assert why in answer.reason


def test_a_voice_never_comes_back() -> None:
    desk = offered()
    desk.word("delegate", ANN, to=GIL)
    desk.word("delegate", GIL, to=FAY)
    for to in (ANN, GIL):
        refused(desk.word("delegate", FAY, to=to), "DelegationRefused", desk, desk.deal.orders)


def test_a_voice_goes_through_five_hands_at_most() -> None:
    desk = offered()
    for by, to in ((ANN, GIL), (GIL, FAY), (FAY, EVE), (EVE, DANA)):
        assert desk.word("delegate", by, to=to).verdict is Verdict.ACCEPTED
    refused(desk.word("delegate", DANA, to=VERA), "DelegationRefused", desk, desk.deal.orders)


def test_delegating_cannot_make_a_quorum_impossible() -> None:
    desk = offered(quorum(3))
    before = desk.deal.orders
    refused(desk.word("delegate", ANN, to=BOB), "DelegationRefused", desk, before)


def test_out_of_office_the_deputy_is_asked_and_a_deputy_of_the_deputy() -> None:
    desk = a_desk(quorum("all"))
    desk.away(ANN, GIL, days=5)
    desk.away(GIL, FAY, days=5)
    desk.offer(discount_percent=Decimal(15))
    assert desk.waits_for == (BOB, CEM, FAY)
    seat = next(s for s in desk.order.approval.requests[0].seats if s.holder == FAY)
    assert seat.hands == (ANN, GIL, FAY)


@pytest.mark.parametrize("careless", [False, True])
def test_the_deputy_of_an_absent_member_is_never_the_owner(careless: bool) -> None:
    desk = a_desk(quorum("all"))
    desk.careless = careless
    desk.away(ANN, OWNER, days=5)
    desk.away(BOB, GIL, days=5)
    desk.away(GIL, OWNER, days=5)
    desk.away(OWNER, FAY, days=5)  # the owner's own voice does not go on to a deputy either
    desk.offer(discount_percent=Decimal(15))
    assert desk.waits_for == (CEM,)
    for person in (OWNER, FAY, GIL):
        assert desk.word("approve", person).verdict is Verdict.REFUSED


def test_a_delegation_with_dates_ends() -> None:
    desk = a_desk(a_rule())
    desk.away(ANN, GIL, days=3)
    desk.away(BOB, FAY, days=5, away=False)
    desk.play(desk.now + timedelta(days=3))
    desk.offer(discount_percent=Decimal(15))
    assert desk.waits_for == (ANN, BOB, CEM, FAY), "both may, where nobody is away"
