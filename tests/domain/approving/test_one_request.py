"""One request by itself: whose voice counts, how often, and what a recorded approval lets nobody do, whoever recorded it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.approving import machine
from domain.approving.case import Approval
from domain.approving.machine import AlreadyDecided, DelegationRefused, WrongGroup
from domain.message import Decide, Verdict
from domain.need import ALL, Ask, Need, Rung, Seat
from domain.step import StepKind
from tests.domain.approving.desk import ANN, BOB, CEM, DANA, EVE, GIL, MAX, VERA
from tests.domain.approving.offers import a_rule, done, offered, quorum, refused
from tests.domain.lives import OWNER

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
NEED = Need(level=1, group="desk", reason="", remind_after_hours=24, escalate_after_hours=48, escalate_to="heads")
YES = Decide(version=1, content_hash="h", approve=True, reason="so", groups=("desk",))


def seats(*holders: str, **of: Any) -> tuple[Seat, ...]:
    return tuple(Seat(**{"member": holder, "holder": holder, **of}) for holder in holders)


def unnamed(**changed: Any) -> Approval:
    """Asked as the first release asked: any member of the group."""
    return Approval.of([replace(NEED, **changed)]).asked(1, NOW)


def named(*holders: Seat, **changed: Any) -> Approval:
    return Approval.of([replace(NEED, **changed)]).asked(1, NOW, [Ask(index=0, seats=holders)])


def said(approval: Approval, by: str, *, ref: str = "m", **changed: Any) -> Approval:
    """Checked and decided, as the fold does it."""
    decide = replace(YES, **changed)
    machine.check(decide, approval=approval, by=by, owner=OWNER, version=1, content_hash="h")
    return machine.decided(approval, decide, by=by, at=NOW, ref=ref)


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


# --- steps and seats touch their own request alone --------------------------------------------------------------------

LADDER = (Rung(after="1 days", to="heads"), Rung(after="1 days", to="board"))
TWO = Approval.of([replace(NEED, rungs=LADDER), replace(NEED, group="legal", rungs=LADDER)]).asked(
    1, NOW, [Ask(index=0, seats=seats(ANN)), Ask(index=1, seats=seats(EVE))]
)
NEWS = (Ask(index=0, seats=seats(BOB), escalate_at=LATER), Ask(index=1, seats=seats(DANA), escalate_at=LATER))


def test_a_reminder_looks_up_its_own_request_alone() -> None:
    after = machine.reminded(TWO, 301, LATER, NEWS)
    assert [(r.who, r.reminded) for r in after.requests] == [((ANN,), False), ((DANA,), True)]


def test_an_escalation_asks_for_its_own_request_alone() -> None:
    after = machine.escalated(TWO, 301, LATER, NEWS)
    assert [(r.who, r.rung) for r in after.requests] == [((ANN,), 0), ((EVE, DANA), 1)]
    nobody = machine.escalated(TWO, 301, LATER, None)
    assert [r.rung for r in nobody.requests] == [0, 1], "a rung is climbed, whoever it brings in"


def test_only_what_waits_by_name_is_seated_anew() -> None:
    low = Approval.of([NEED, replace(NEED, group="legal"), replace(NEED, level=2, group="cfo")])
    asked = low.asked(1, NOW, [Ask(index=0, seats=seats(ANN)), Ask(index=1, anyone=True)])
    news = [Ask(index=index, seats=seats(BOB)) for index in range(4)]
    after = machine.reseated(asked, "", LATER, news)
    assert [(r.named, r.seats) for r in after.requests] == [(True, seats(BOB)), (False, ()), (False, ())]
    granted = said(asked, ANN)
    assert machine.reseated(granted, "", LATER, news) == granted, "what is granted has no seats any more"
    above = asked.with_request(2, lambda r: replace(r, asked_at=NOW, named=True, seats=seats(DANA)))
    assert machine.reseated(above, "", LATER, news).requests[2] == above.requests[2], "it does not wait yet"


def test_a_voice_that_went_through_the_hands_of_who_leaves_falls_back() -> None:
    handed = said(said(named(*seats(ANN)), ANN, verb="delegate", to=GIL), GIL, verb="delegate", to=BOB)
    after = machine.reseated(handed, GIL, LATER, [Ask(index=0, seats=seats(ANN))])
    assert after.requests[0].seats == seats(ANN)


def test_who_has_answered_is_not_asked_again_by_a_deputy() -> None:
    desk = offered(quorum("all"))
    desk.word("approve", ANN)
    desk.away(ANN, GIL, days=9)
    desk.reseat("")
    assert desk.waits_for == (BOB, CEM)


def test_where_all_who_are_silent_leave_what_was_said_is_enough() -> None:
    desk = offered(quorum("all"))
    desk.word("approve", ANN)
    for person in (BOB, CEM):
        assert not done(desk)
        desk.leave(person)
        desk.reseat(person)
    assert done(desk)


def test_who_leaves_is_known_by_any_letters() -> None:
    handed = said(named(*seats(ANN)), ANN, verb="delegate", to=GIL)
    news = [Ask(index=0, seats=seats(ANN))]
    assert machine.reseated(handed, "", LATER, news).requests[0].who == (GIL,)
    assert machine.reseated(handed, GIL.upper(), LATER, news).requests[0].who == (ANN,)


def test_a_level_that_waits_for_a_lower_one_is_not_reminded() -> None:
    """As where a policy that is applied asks anew below what was asked already."""
    both = Approval.of([NEED, replace(NEED, level=2, group="cfo")]).asked(1, NOW).asked(2, NOW)
    found = machine.steps(both, subject="order-1", version=3, since=NOW)
    assert [(step.kind, step.number) for step in found] == [(StepKind.REMIND, 300), (StepKind.ESCALATE, 300)]


def test_steps_of_a_later_round_and_rung_have_keys_of_their_own() -> None:
    seen: set[tuple[StepKind, int]] = set()
    for number in range(3):
        for rung in range(2):
            asked = tuple(replace(request, rung=rung, escalate_at=LATER) for request in TWO.requests)
            again = replace(TWO, round=number, requests=asked)
            keys = {(s.kind, s.number) for s in machine.steps(again, subject="order-1", version=9999, since=NOW)}
            assert keys
            assert not keys & seen
            seen |= keys
