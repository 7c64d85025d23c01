"""Decisions one by one: quorums, abstaining, delegating, leaving, escalating, lapsing, in March 2027 with its Easter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.approving.people import Directory, Person
from domain.approving.policy import Matrix
from domain.message import Answer, Reseat, Retry, Verdict
from domain.need import Ask, Seat
from domain.order import OrderStage
from domain.standing import standing
from domain.step import StepKind
from tests.domain.approving.desk import (
    ADMIN,
    ANN,
    BOB,
    CEM,
    DANA,
    EVE,
    FAY,
    GIL,
    MAX,
    VERA,
    Desk,
    DeskWatch,
    facts,
)
from tests.domain.lives import OWNER

LADDER = [{"after": "2 business_days", "to": "manager"}, {"after": "1 business_days", "to": "board"}]


def a_rule(**changed: Any) -> dict[str, Any]:
    rule = {
        "when": {"discount_percent_over": "10"},
        "require": [{"group": "desk"}],
        "remind_after": "1 business_days",
        "escalate": LADDER,
    }
    return {**rule, **changed}


def a_desk(*rules: dict[str, Any], **more: Any) -> Desk:
    desk = Desk(Matrix.parse({"name": "standard", "stands_days": 30, "rules": list(rules), **more}, version=1))
    DeskWatch(desk)
    return desk


def offered(*rules: dict[str, Any], by: str = OWNER, **more: Any) -> Desk:
    """A discount of 15 %, submitted on Monday 1 March at 9:00 UTC."""
    desk = a_desk(*(rules or (a_rule(),)), **more)
    desk.offer(by=by, discount_percent=Decimal(15))
    assert desk.order.stage is OrderStage.IN_APPROVAL
    return desk


def quorum(said: object) -> dict[str, Any]:
    return a_rule(require=[{"group": "desk", "quorum": said}])


def refused(answer: Answer, error: str, desk: Desk, before: object) -> None:
    assert (answer.verdict, answer.error) == (Verdict.REFUSED, error)
    assert desk.deal.orders == before


def done(desk: Desk) -> bool:
    return desk.order.stage in (OrderStage.APPROVED, OrderStage.OUT_FOR_SIGNATURE)


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


# --- time ----------------------------------------------------------------------------------------------------------


def test_reminder_and_rungs_by_working_days_over_easter() -> None:
    desk = a_desk(a_rule(require=[{"group": "heads"}], escalate=[*LADDER, {"after": "5 days", "to": "sales"}]))
    desk.play(datetime(2027, 3, 25, 9, tzinfo=UTC))  # Maundy Thursday, 10:00 in Berlin
    desk.offer(discount_percent=Decimal(15))
    desk.play(desk.now + timedelta(days=30))
    assert [(p.step.kind.value, p.now.isoformat()) for p in desk.played if p.step.kind in (StepKind.REMIND, StepKind.ESCALATE)] == [
        ("remind", "2027-03-30T08:00:00+00:00"),  # Tuesday 10:00, in summer time now
        ("escalate", "2027-03-31T08:00:00+00:00"),  # to Vera in New York
        ("escalate", "2027-04-01T13:00:00+00:00"),  # a working day of hers, begun before she opened
        ("remind", "2027-04-02T13:00:00+00:00"),
        ("escalate", "2027-04-06T13:00:00+00:00"),  # back to sales
    ]  # fmt: skip
    assert (desk.order.stage, desk.order.reason) == (OrderStage.EXPIRED, "nobody decided in time: heads at level 1")


def test_whom_it_escalates_to_may_decide_besides() -> None:
    desk = offered()
    refused(desk.word("approve", MAX), "WrongGroup", desk, desk.deal.orders)
    desk.play(datetime(2027, 3, 3, 12, tzinfo=UTC))
    assert desk.waits_for == (ANN, BOB, CEM, MAX, VERA)
    desk.word("approve", MAX)
    assert done(desk)


def test_an_escalation_stands_in_for_the_silent_ones_of_all() -> None:
    desk = offered(a_rule(require=[{"group": "desk", "quorum": "all"}], escalate=[{"after": "2 days", "to": "board"}]))
    desk.word("approve", ANN)
    desk.play(desk.now + timedelta(days=3))
    desk.word("approve", VERA)
    assert done(desk)


def test_the_next_level_may_decide_the_level_below_and_still_has_to_decide_its_own() -> None:
    rule = a_rule(
        require=[{"group": "desk"}, {"level": 2, "group": "finance"}],
        escalate=[{"after": "1 days", "to": "next_level"}],
    )
    desk = offered(rule)
    desk.play(desk.now + timedelta(days=2))
    desk.word("approve", DANA)
    assert (desk.order.approval.level, done(desk)) == (2, False)
    desk.word("approve", DANA)
    assert done(desk)


# --- people who go -------------------------------------------------------------------------------------------------


def test_an_approver_who_leaves_has_no_seat_any_more_and_what_they_said_stands() -> None:
    desk = offered(quorum("all"))
    desk.word("approve", ANN)
    desk.leave(ANN)
    desk.leave(BOB)
    assert desk.reseat(BOB).verdict is Verdict.ACCEPTED
    assert desk.waits_for == (CEM,)
    desk.word("approve", CEM)
    assert done(desk)


def test_the_last_one_to_leave_makes_it_escalate_at_once() -> None:
    desk = offered(a_rule(require=[{"group": "legal"}]))
    desk.leave(EVE)
    desk.reseat(EVE)
    assert desk.waits_for == (VERA,), "the manager of the one who left"
    assert desk.order.approval.requests[0].rung == 1
    desk.word("approve", VERA)
    assert done(desk)


def test_nobody_left_parks_and_a_retry_asks_anew() -> None:
    desk = offered(a_rule(require=[{"group": "legal"}], escalate=[{"after": "2 days", "to": "nobodies"}]))
    desk.leave(EVE)
    desk.reseat(EVE)
    assert standing(desk.deal).parked == "order-1: nobody is left to decide for legal at level 1"
    others = (person for person in desk.people if person.email != GIL)
    desk.directory = Directory((*others, Person(email=GIL, roles=("legal",))))
    assert desk.say(Retry()).verdict is Verdict.ACCEPTED
    assert desk.waits_for == (GIL,)
    desk.word("approve", GIL)
    assert done(desk)


def test_what_was_handed_on_survives_looking_people_up_anew() -> None:
    desk = offered(quorum("all"))
    desk.word("delegate", ANN, to=GIL)
    desk.leave(BOB)
    desk.reseat(BOB)
    assert desk.waits_for == (CEM, GIL)
    desk.leave(GIL)
    desk.reseat(GIL)
    assert desk.waits_for == (ANN, CEM), "the voice falls back to its member"


def test_an_absence_that_begins_meanwhile_is_seen_with_the_reminder() -> None:
    desk = offered(a_rule(require=[{"group": "legal"}]))
    desk.away(EVE, GIL, days=20)
    desk.play(datetime(2027, 3, 2, 16, tzinfo=UTC))
    assert desk.waits_for == (GIL,)


def test_the_owner_may_not_reseat() -> None:
    desk = offered()
    before = desk.deal.orders
    refused(desk.reseat(ANN, by=OWNER), "OwnDeal", desk, before)
    late = Reseat(version=7, person=ANN, asks=(), reason="")
    refused(desk.say(late, by=ADMIN), "SupersededVersion", desk, before)


def test_forged_seats_of_the_owner_are_no_seats() -> None:
    desk = offered()
    seats = (Seat(member=OWNER, holder=GIL), Seat(member=ANN, holder=GIL, via=(OWNER,)), Seat(member=ANN, holder=OWNER))
    desk.say(Reseat(version=1, person="", asks=(Ask(index=0, seats=seats),), reason=""), by=ADMIN)
    assert all(OWNER not in seat.hands for seat in desk.order.approval.requests[0].seats)
    assert GIL not in desk.waits_for


# --- the policy changes --------------------------------------------------------------------------------------------


def test_a_policy_that_changes_touches_nothing_in_flight_until_an_admin_applies_it() -> None:
    desk = offered()
    stricter = a_rule(require=[{"group": "desk"}, {"level": 2, "group": "finance"}])
    desk.matrix = Matrix.parse({"name": "standard", "rules": [stricter]}, version=2)
    before = desk.deal
    desk.settle()
    assert desk.deal == before
    desk.word("approve", ANN, group="legal")
    refused(desk.apply(by=OWNER), "OwnDeal", desk, before.orders)
    assert desk.apply().verdict is Verdict.ACCEPTED
    assert [r.need.policy for r in desk.order.approval.requests] == ["standard/2", "standard/2"]
    desk.word("approve", ANN)
    assert desk.waits_for == (CEM, DANA)


def test_applying_a_milder_policy_can_grant_what_people_decided() -> None:
    desk = offered(a_rule(require=[{"group": "desk"}, {"level": 2, "group": "finance"}]))
    desk.word("approve", ANN)
    desk.matrix = Matrix.parse({"name": "standard", "rules": [a_rule()]}, version=2)
    desk.apply()
    assert done(desk)


def test_a_quorum_that_grows_asks_again() -> None:
    desk = offered(a_rule(require=[{"group": "desk"}, {"level": 2, "group": "finance"}]))
    desk.word("approve", ANN)
    grown = a_rule(require=[{"group": "desk", "quorum": 2}, {"level": 2, "group": "finance"}])
    desk.matrix = Matrix.parse({"name": "standard", "rules": [grown]}, version=2)
    desk.apply()
    assert (desk.order.approval.level, desk.waits_for) == (1, (ANN, BOB, CEM))


# --- the first release's approvals ---------------------------------------------------------------------------------


def test_asked_without_names_any_member_may_decide_and_hours_count() -> None:
    desk = a_desk(a_rule())
    desk.by_name = False  # the activities of the first release
    desk.offer(discount_percent=Decimal(15))
    assert desk.waits_for == ("desk",)
    (remind, escalate) = (s for s in desk.order.approval.requests[0].pending_steps("order-1", 100))
    assert (remind.at - desk.now, escalate.at - desk.now) == (timedelta(hours=33), timedelta(hours=67))
    desk.decide(by=ANN, groups=("desk",))
    assert done(desk)


def test_a_group_too_large_to_name_is_open_to_its_members() -> None:
    desk = a_desk(a_rule(require=[{"group": "crowd"}]))
    crowd = tuple(Person(email=f"p{n}@acme.example", roles=("crowd",)) for n in range(41))
    desk.directory = Directory((*desk.people, *crowd))
    desk.offer(discount_percent=Decimal(15))
    assert desk.order.approval.requests[0].seats == ()
    refused(desk.word("approve", ANN), "WrongGroup", desk, desk.deal.orders)
    desk.decide(by="p7@acme.example", groups=("crowd",))
    assert done(desk)
