"""Groups of hundreds: nobody who may decide is refused, nobody else may, and the deal's state stays small."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.approving import asking, machine
from domain.approving.asking import World
from domain.approving.calendar import Calendars
from domain.approving.case import Approval, Vote
from domain.approving.people import Delegation, Directory, Person
from domain.approving.tryout import tried
from domain.message import Decide
from domain.need import ALL, Ask, Crowd, Need, Rung, Seat
from domain.step import StepKind
from tests.domain.approving.desk import ANN, BOB, CEM, DANA, EVE, GIL, MAX, VERA, Desk
from tests.domain.approving.offers import a_desk, a_rule, done, refused
from tests.domain.lives import OWNER

MONDAY = datetime(2027, 3, 1, 9, tzinfo=UTC)
FLOOR = tuple(
    Person(email=f"p{n:03}@floor.example", roles=("floor",), manager=f"m{n % 60:02}@floor.example") for n in range(500)
)
MANAGERS = tuple(Person(email=f"m{n:02}@floor.example", manager=VERA) for n in range(60))
LATE = [{"after": "40 days", "to": "sales"}]
ONE, TWO, THREE = (person.email for person in FLOOR[:3])


def before_the_floor(*, quorum: object = "any", escalate: list[dict[str, str]] | None = None, **more: Any) -> Desk:
    """A rule that asks five hundred people, not offered yet."""
    rule = a_rule(require=[{"group": "floor", "quorum": quorum}], escalate=escalate or LATE, remind_after="20 days")
    desk = a_desk(rule, **more)
    desk.directory = Directory((*desk.people, *FLOOR, *MANAGERS))
    return desk


def offered(desk: Desk, *, by: str = OWNER) -> Desk:
    desk.offer(by=by, discount_percent=Decimal(15))
    return desk


def size(desk: Desk) -> int:
    return len(json.dumps(asdict(desk.deal), default=str))


def holders(desk: Desk) -> list[str]:
    return sorted(seat.holder for request in desk.order.approval.waiting for seat in request.seats)


# --- who may ---------------------------------------------------------------------------------------------------------


def test_any_of_five_hundred_may_decide_and_nobody_else() -> None:
    desk = offered(before_the_floor())
    assert (desk.waits_for, size(desk) < 5_000) == (("floor",), True)
    assert [(c.rung, c.size, c.roles) for c in desk.order.approval.requests[0].crowds] == [(0, 500, ("floor",))]
    refused(desk.word("approve", ANN), "WrongGroup", desk, desk.deal.orders)
    assert desk.may_decide == tuple(person.email for person in FLOOR)
    desk.word("approve", FLOOR[-1].email)
    assert done(desk)


def test_the_owner_and_who_priced_it_are_of_no_crowd() -> None:
    desk = before_the_floor()
    desk.becomes(OWNER, roles=("floor",))
    offered(desk, by=ONE)
    assert not {OWNER, ONE} & set(desk.may_decide)
    for person in (OWNER, ONE):
        refused(desk.word("approve", person), "OwnDeal", desk, desk.deal.orders)


def test_two_of_five_hundred_are_two_people() -> None:
    desk = offered(before_the_floor(quorum=2))
    desk.word("approve", ONE)
    refused(desk.word("approve", ONE), "AlreadyDecided", desk, desk.deal.orders)
    assert ONE not in desk.may_decide
    desk.word("approve", TWO)
    assert done(desk)


def test_who_stands_in_from_outside_may_decide_as_long_as_the_other_is_away() -> None:
    desk = before_the_floor(quorum=2)
    desk.away(ONE, GIL, days=3, since=MONDAY + timedelta(days=1))
    desk.away(GIL, EVE, days=1, since=MONDAY + timedelta(days=2))
    desk.away(TWO, THREE, days=30)  # inside: Three may anyway
    offered(desk)
    seen = []
    for day in range(6):
        desk.play(MONDAY + timedelta(days=day))
        seen.append(holders(desk))
    assert seen == [[], [GIL], [EVE], [GIL], [], []]
    assert [f"{p.now:%d}" for p in desk.played if p.step.kind is StepKind.LOOK] == ["02", "03", "04", "05"]
    refused(desk.word("approve", GIL), "WrongGroup", desk, desk.deal.orders)


def test_a_deputy_has_the_voice_and_its_hands_and_may_hand_it_on() -> None:
    desk = before_the_floor(quorum=2)
    desk.away(ONE, GIL, days=3)
    offered(desk)
    refused(desk.word("delegate", TWO, to=EVE), "DelegationRefused", desk, desk.deal.orders)
    desk.word("delegate", GIL, to=EVE)
    assert holders(desk) == [EVE]
    desk.word("approve", EVE)
    (vote,) = desk.order.approval.requests[0].votes
    assert (vote.members, vote.hands) == ((ONE,), (ONE, GIL, EVE))
    desk.word("approve", TWO)
    assert done(desk)


def test_nobody_stands_in_for_the_owner_nor_twice_for_who_has_spoken() -> None:
    desk = before_the_floor(quorum=2)
    desk.becomes(OWNER, roles=("floor",))
    desk.away(OWNER, GIL, days=30)
    desk.away(THREE, OWNER, days=30)
    desk.away(ONE, EVE, days=30, since=MONDAY + timedelta(days=1))
    offered(desk)
    assert holders(desk) == []
    desk.word("approve", ONE)
    desk.play(MONDAY + timedelta(days=2))
    assert holders(desk) == [], "One is away now, and has said it all"
    for person in (GIL, EVE):
        refused(desk.word("approve", person), "WrongGroup", desk, desk.deal.orders)


# --- rungs -----------------------------------------------------------------------------------------------------------


def test_all_their_managers_are_asked_one_seat_each_and_theirs_in_turn() -> None:
    day = {"after": "1 days", "to": "manager"}
    desk = before_the_floor(escalate=[day, day])
    desk.leave(MANAGERS[0].email)  # Vera is theirs
    offered(desk)
    desk.play(MONDAY + timedelta(days=1))
    assert holders(desk) == sorted([VERA, *(person.email for person in MANAGERS[1:])])
    assert {seat.member for seat in desk.order.approval.requests[0].seats} == {""}
    desk.play(MONDAY + timedelta(days=2))
    assert holders(desk).count(VERA) == 1
    desk.word("approve", MANAGERS[59].email)
    assert done(desk)


def test_an_escalation_to_five_hundred_reaches_all_of_them() -> None:
    desk = a_desk(a_rule(escalate=[{"after": "1 days", "to": "floor"}]))
    desk.directory = Directory((*desk.people, *FLOOR))
    desk.away(ONE, GIL, days=30)
    offered(desk)
    refused(desk.word("approve", FLOOR[499].email), "WrongGroup", desk, desk.deal.orders)
    desk.play(MONDAY + timedelta(days=1))
    assert set(desk.waits_for) == {ANN, BOB, CEM, "floor", GIL}
    assert set(desk.may_decide) == {ANN, BOB, CEM, GIL, *(p.email for p in FLOOR[1:])}
    desk.word("approve", FLOOR[499].email)
    assert done(desk)
    (vote,) = desk.order.approval.requests[0].votes
    assert (vote.members, vote.hands) == (("",), (FLOOR[499].email,))


def test_one_of_a_crowd_speaks_for_all_who_are_silent_of_all() -> None:
    rule = a_rule(require=[{"group": "desk", "quorum": "all"}], escalate=[{"after": "1 days", "to": "floor"}])
    for word, granted in (("abstain", False), ("approve", True)):
        desk = a_desk(rule)
        desk.directory = Directory((*desk.people, *FLOOR))
        offered(desk)
        desk.word("approve", ANN)
        desk.play(MONDAY + timedelta(days=1))
        assert not done(desk)
        desk.word(word, TWO)
        assert done(desk) is granted


def test_the_next_level_is_asked_as_it_would_be_named_or_not() -> None:
    """One group of it by name, with who stands in for that group alone; the other as a group."""
    low = a_rule(escalate=[{"after": "1 days", "to": "next_level"}])
    desk = a_desk(low, a_rule(require=[{"level": 2, "group": "finance"}, {"level": 2, "group": "floor"}]))
    desk.directory = Directory((*desk.people, *FLOOR))
    desk.away(DANA, GIL, days=30)
    own = replace(desk.directory.delegations[0], groups=("finance",))
    desk.directory = replace(desk.directory, delegations=(own,))
    offered(desk)
    desk.play(MONDAY + timedelta(days=1))
    request = desk.order.approval.requests[0]
    assert [(seat.holder, seat.via) for seat in request.seats if seat.rung == 1] == [(CEM, ()), (GIL, (DANA,))]
    assert [(crowd.group, crowd.rung) for crowd in request.crowds] == [("floor", 1)]
    desk.word("approve", TWO)
    assert desk.order.approval.level == 2


# --- sizes -----------------------------------------------------------------------------------------------------------


def a_need(**changed: Any) -> Need:
    given: dict[str, Any] = {
        "level": 1, "group": "floor", "reason": "", "remind_after_hours": 1, "escalate_after_hours": 1,
        "escalate_to": "", "policy": "p/1", "roles": ("floor",), "remind_after": "1 days",
    }  # fmt: skip
    return Need(**(given | changed))


def world(*people: Person, delegations: tuple[Delegation, ...] = (), barred: tuple[str, ...] = ()) -> World:
    return World(directory=Directory(people, delegations), calendars=Calendars(), at=MONDAY, barred=barred)


def test_the_state_stays_small_with_crowds_side_by_side_and_on_every_rung() -> None:
    ladder = [{"after": "1 days", "to": to} for to in ("manager", "floor", "manager", "next_level")]
    rules = [a_rule(require=[{"group": f"floor_{n}"}], escalate=ladder) for n in range(4)]
    groups = {name: [{"roles": ["floor"]}] for name in (*(f"floor_{n}" for n in range(4)), "floor")}
    desk = a_desk(*rules, a_rule(require=[{"level": 2, "group": "floor"}]), groups=groups)
    desk.directory = Directory((*desk.people, *FLOOR, *MANAGERS))
    offered(desk)
    sizes = [size(desk)]
    for day in range(1, 6):
        desk.play(MONDAY + timedelta(days=day))
        sizes.append(size(desk))
    assert {r.rung for r in desk.order.approval.waiting} == {4}
    assert max(sizes) < 60_000, sizes


def test_a_crowd_that_is_too_few_for_its_quorum_is_nobody() -> None:
    many = a_need(quorum=60, rungs=(Rung(after="9 days", to="board"),))
    few = world(*FLOOR[:45])
    asked = Approval.of([many]).asked(1, MONDAY, [asking.asked(many, 0, few)])
    assert asked.requests[0].hopeless
    assert asked.requests[0].escalate_at == MONDAY, "its next rung is due at once"
    assert not Approval.of([many]).asked(1, MONDAY, [asking.asked(many, 0, world(*FLOOR[:60]))]).requests[0].hopeless


def test_a_crowd_of_which_too_many_abstained_is_nobody() -> None:
    need = a_need(quorum=2)
    asked = Approval.of([need]).asked(1, MONDAY, [asking.asked(need, 0, world(*FLOOR[:41]))])
    request = asked.requests[0]
    for person in FLOOR[:39]:
        request = request.voted(Vote(by=person.email, said="abstain", at=MONDAY, hands=(person.email,)))
    assert not request.hopeless
    assert request.voted(Vote(by=FLOOR[39].email, said="abstain", at=MONDAY)).hopeless


@pytest.mark.parametrize(("before", "after"), [(45, 30), (30, 45)])
def test_a_group_that_shrinks_or_grows_past_forty_is_asked_as_it_is_now(before: int, after: int) -> None:
    need = a_need(quorum=2)
    asked = Approval.of([need]).asked(1, MONDAY, [asking.asked(need, 0, world(*FLOOR[:before]))])
    yes = Decide(version=1, content_hash="h", approve=True, reason="", groups=("floor",))
    once = machine.decided(asked, yes, by=ONE, at=MONDAY, ref="m")
    moved = machine.reseated(once, "", MONDAY, asking.ask_anew(once, world(*FLOOR[:after])))
    request = moved.requests[0]
    assert (request.named, len(request.crowds)) == ((True, 0) if after < before else (False, 1))
    assert ONE not in {seat.member for seat in request.silent}
    assert not machine.mine(moved, ONE, ("floor",)), "who has spoken has no second voice"
    assert machine.mine(moved, TWO, ("floor",))
    assert machine.decided(moved, yes, by=TWO, at=MONDAY, ref="n").granted


def test_how_many_a_crowd_has_is_no_news() -> None:
    need = a_need()
    asked = Approval.of([need]).asked(1, MONDAY, [asking.asked(need, 0, world(*FLOOR[:45]))])
    more = machine.reseated(asked, "", MONDAY, asking.ask_anew(asked, world(*FLOOR[:46])))
    assert (more == asked, machine.stirs(asked, more)) == (False, False)
    away = Delegation(person=ONE, to=GIL, since=MONDAY, until=MONDAY + timedelta(days=1))
    moved = machine.reseated(
        asked, "", MONDAY, asking.ask_anew(asked, world(*FLOOR[:45], Person(email=GIL), delegations=(away,)))
    )
    assert machine.stirs(asked, moved)
    gone = replace(asked, requests=(replace(asked.requests[0], crowds=()),))
    assert machine.stirs(asked, gone)


def test_a_crowd_asked_before_crowds_were_kept_stays_as_it_was() -> None:
    need = a_need(rungs=(Rung(after="1 days", to="board"),))
    old = Approval.of([need]).asked(1, MONDAY, [Ask(index=0, anyone=True)])
    assert asking.ask_anew(old, world(*FLOOR)) == ()
    assert [crowd.size for crowd in asking.crowds(old.requests[0], world(*FLOOR))] == [500]
    assert len(asking.reached(old.requests[0], world(*FLOOR, barred=(ONE,)))) == 499
    assert machine.reseated(old, "", MONDAY, [Ask(index=0, seats=(Seat(member="", holder=ANN),))]) == old


def test_all_of_a_crowd_cannot_be_asked_but_all_of_few_may_escalate_to_one() -> None:
    with pytest.raises(asking.TooManyToAskAll):
        asking.asked(a_need(quorum=ALL), 0, world(*FLOOR))
    grown = a_need(quorum=ALL, rungs=(Rung(after="1 days", to="manager"),))
    present = tuple(Seat(member=p.email, holder=p.email) for p in FLOOR[:2])
    rung = asking.escalated([grown], 0, present, 1, world(*FLOOR, *MANAGERS, Person(email=VERA)))
    assert [(seat.member, seat.holder) for seat in rung.seats] == [(p.email, p.manager) for p in FLOOR[:2]]


def test_whom_a_request_means_grows_with_the_rungs_it_climbs() -> None:
    need = a_need(rungs=(Rung(after="1 days", to="board", people=(MAX,), roles=("board",)), Rung(after="1 days", to="next_level")))  # fmt: skip
    approval = Approval.of([need, a_need(level=2, group="finance", roles=("finance",))])
    found = [asking.meant(approval, replace(approval.requests[0], rung=rung)) for rung in range(3)]
    assert [(each.people, each.roles) for each in found] == [
        ((), ("floor",)),
        ((MAX,), ("floor", "board")),
        ((MAX,), ("floor", "board", "finance")),
    ]


def test_a_crowd_is_gone_when_its_request_is_granted() -> None:
    crowd = Crowd(group="floor", rung=0, size=45, roles=("floor",))
    asked = Approval.of([a_need()]).asked(1, MONDAY, [Ask(index=0, anyone=True, crowds=(crowd,))])
    granted = asked.requests[0].granted()
    assert (granted.crowds, asking.reached(granted, world(*FLOOR))) == ((), ())


def test_a_policy_tried_says_how_many_are_asked() -> None:
    """And who stands in from outside, on each rung."""
    away = Delegation(person=ONE, to=GIL, since=MONDAY - timedelta(days=1), until=MONDAY + timedelta(days=90))
    escalate = [{"after": "1 days", "to": "floor"}, {"after": "1 days", "to": "manager"}]
    matrix = a_desk(a_rule(require=[{"group": "floor"}], escalate=escalate)).matrix
    people = (*FLOOR[:60], *MANAGERS[:2], Person(email=VERA), Person(email=GIL))
    lines = tried(matrix, {"discount_percent": 15}, world(*people, delegations=(away,))).lines
    assert [line.strip() for line in lines][3:] == [
        f"asked: any of 59 members of floor, {GIL} for {ONE}",
        f"2027-03-02 09:00 UTC without an answer: any of 59 members of floor, {GIL} besides (floor)",
        f"2027-03-03 09:00 UTC without an answer: {MANAGERS[0].email}, {MANAGERS[1].email} besides (manager)",
    ]
