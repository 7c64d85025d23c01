"""Steps and new seats touch their own request alone; a group too large to name has the dates it was told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.approving import machine
from domain.approving.case import Approval
from domain.approving.machine import AlreadyDecided
from domain.need import Ask, Rung
from domain.step import StepKind
from tests.domain.approving.desk import ANN, BOB, CEM, DANA, EVE, GIL
from tests.domain.approving.offers import done, offered, quorum
from tests.domain.approving.recorded import LATER, NEED, NOW, named, said, seats

# --- a group too large to name ----------------------------------------------------------------------------------------


def test_the_dates_of_a_large_group_are_those_it_was_told() -> None:
    need = replace(NEED, rungs=(Rung(after="9 days", to="board"),))
    ask = Ask(index=0, anyone=True, remind_at=LATER, escalate_at=LATER + timedelta(days=8))
    found = machine.steps(Approval.of([need]).asked(1, NOW, [ask]), subject="order-1", version=1, since=NOW)
    assert [(step.kind, step.at) for step in found] == [
        (StepKind.REMIND, ask.remind_at),
        (StepKind.ESCALATE, ask.escalate_at),
    ]


def test_a_group_that_has_grown_is_open_to_its_members() -> None:
    once = said(named(*seats(ANN, BOB), quorum=2), ANN)
    grown = machine.reseated(once, "", LATER, [Ask(index=0, anyone=True)])
    assert (grown.granted, grown.requests[0].who) == (False, ("desk",))
    with pytest.raises(AlreadyDecided):
        said(grown, ANN)
    assert said(grown, GIL).granted


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
    assert granted.requests[0].seats == (), "the state stays small"
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
