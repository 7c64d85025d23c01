"""What waiting comes to: reminders and rungs over Easter, people who leave, a policy that changes, the first release's form."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from domain.approving.people import Directory, Person
from domain.approving.policy import Matrix
from domain.message import Reseat, Retry, Verdict
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
    GIL,
    MAX,
    VERA,
)
from tests.domain.approving.offers import LADDER, a_desk, a_rule, done, offered, quorum, refused
from tests.domain.lives import OWNER

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


def test_nobody_left_and_no_rung_but_sales_goes_back_at_once_and_says_why() -> None:
    desk = offered(a_rule(require=[{"group": "legal"}], escalate=[{"after": "2 days", "to": "sales"}]))
    desk.leave(EVE)
    desk.reseat(EVE)
    assert (desk.order.stage, desk.order.reason) == (
        OrderStage.EXPIRED,
        "nobody is left to decide for legal at level 1",
    )


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


def test_the_state_stays_small_whoever_is_asked() -> None:
    """Nine levels of forty people each, all of whom must approve: the deal carries them by name, level by level."""
    levels = range(1, 10)
    crowd = [Person(email=f"somebody.with.a.long.name.{n}@subsidiary.example", roles=("crowd",)) for n in range(40)]
    need = [{"level": level, "group": f"crowd_{level}", "quorum": "all"} for level in levels]
    groups = {f"crowd_{level}": [{"roles": ["crowd"]}] for level in levels}
    desk = a_desk(a_rule(require=need), groups=groups)
    desk.directory = Directory((*desk.people, *crowd))
    desk.offer(discount_percent=Decimal(15))
    sizes = []
    for _ in levels:
        for person in desk.waits_for:
            desk.word("approve", person)
        sizes.append(len(json.dumps(asdict(desk.order), default=str)))
    assert done(desk)
    desk.offer(discount_percent=Decimal(16))
    sizes.append(len(json.dumps(asdict(desk.order), default=str)))
    assert max(sizes) < 180_000, sizes
    desk.offer(discount_percent=Decimal(14))
    assert done(desk)
