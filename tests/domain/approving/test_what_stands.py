"""One decision as it stands, put beside one need of a later version: what it answers, and what it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.approving.case import Approval, Request, Stand, Vote
from domain.approving.condition import written
from domain.approving.reapproval import applied, begun, carries, harvest, worse
from domain.need import ALL, ANY_WAY, Ask, Need, Rung
from tests.domain.approving.desk import ANN, BOB, CEM, DANA, EVE, GIL
from tests.domain.approving.recorded import LATER, NEED, NOW, named, said, seats, unnamed

DESK_NEED = replace(
    NEED,
    policy="p/1",
    roles=("desk",),
    facts=(("discount_percent", "up", "15"),),
    remind_after="1 days",
    stands_days=30,
)


def a_stand(need: Need, *votes: Vote) -> Stand:
    """What is harvested of a version that these votes granted."""
    granted = Approval.of([need]).asked(1, NOW).with_request(0, lambda r: replace(r, approved=True, votes=votes))
    (stand,) = harvest((), granted, version=1, content_hash="h")
    return stand


def a_vote(by: str, *hands: str, said: str = "approve", at: datetime = NOW) -> Vote:
    return Vote(by=by, said=said, at=at, ref=f"m-{by}", members=(by,), hands=hands or (by,))


@pytest.mark.parametrize(
    "changed",
    [{"quorum": 2}, {"quorum": ALL}, {"roles": ("heads",)}, {"people": (BOB,)}, {"level": 2}, {"group": "legal"}],
)
def test_another_question_is_asked(changed: dict[str, Any]) -> None:
    stand = a_stand(DESK_NEED, a_vote(ANN))
    assert carries(DESK_NEED, stand, barred=(), content_hash="h", at=NOW)
    assert not carries(replace(DESK_NEED, **changed), stand, barred=(), content_hash="h", at=NOW)


@pytest.mark.parametrize(
    ("quorum", "barred", "carried"),
    [
        (1, (), True),
        (1, (ANN,), True),  # Bob's voice is enough
        (1, (GIL,), True),
        (1, (ANN, GIL), False),
        (2, (), True),
        (2, (GIL,), False),
        (ALL, (), True),
        (ALL, (ANN,), False),  # where all must, none may be missing
        (ALL, (GIL,), False),
    ],
)
def test_a_voice_that_may_not_speak_today_is_not_counted(quorum: int, barred: tuple[str, ...], carried: bool) -> None:
    need = replace(DESK_NEED, quorum=quorum)
    stand = a_stand(need, a_vote(ANN), a_vote(BOB, BOB, GIL.upper(), BOB))
    for content_hash in ("h", "another"):
        assert carries(need, stand, barred=barred, content_hash=content_hash, at=NOW) is carried


@pytest.mark.parametrize(
    ("then", "now", "carried"),
    [({"segment": ""}, {"segment": ""}, True), ({"segment": ""}, {"segment": "public"}, False), ({}, {}, False)],
)
def test_to_be_in_no_segment_is_known_and_stays_so(then: dict[str, str], now: dict[str, str], carried: bool) -> None:
    one, two = (replace(DESK_NEED, facts=(("segment", ANY_WAY, written(sheet, "segment")),)) for sheet in (then, now))
    assert carries(two, a_stand(one, a_vote(ANN)), barred=(), content_hash="another", at=NOW) is carried


def test_two_votes_of_one_person_are_one_voice_and_none_is_none() -> None:
    stand = a_stand(replace(DESK_NEED, quorum=2), a_vote(ANN), a_vote(ANN, BOB, ANN))
    assert not carries(replace(DESK_NEED, quorum=2), stand, barred=(), content_hash="h", at=NOW)
    for quorum in (1, ALL):
        of_none = replace(stand, quorum=quorum, votes=())
        assert not carries(replace(DESK_NEED, quorum=quorum), of_none, barred=(), content_hash="h", at=NOW)


@pytest.mark.parametrize(
    ("now", "then", "up", "down"),
    [
        ("15", "15", False, False),
        ("15.00", "15", False, False),
        ("15", "20", False, True),
        ("", "", True, True),  # nobody knew, and nobody knows: that is no reason to leave it be
        ("", "5", True, True),
        ("5", "", True, True),
        ("5 EUR", "5 USD", True, True),
        ("5 EUR", "6 EUR", False, True),
        ("yes", "no", True, False),
        ("|a", "|a|b", False, True),
        ("|a|b", "|a|b", False, False),
        ("|", "|a", False, True),
        ("EMEA", "AMER", True, True),
    ],
)
def test_which_way_a_fact_is_worse(now: str, then: str, up: bool, down: bool) -> None:
    assert (worse(now, then, "up"), worse(now, then, "down")) == (up, down)
    assert worse(now, then, "any") is (now != then or not now)


# --- what is kept of a version -----------------------------------------------------------------------------------------

POLICY = {"policy": "p/1", "facts": DESK_NEED.facts}


def kept(approval: Approval, *before: Stand) -> list[tuple[str, int, list[str]]]:
    found = harvest(before, approval, version=2, content_hash="h2")
    return [(stand.group, stand.version, [vote.by for vote in stand.votes]) for stand in found]


@pytest.mark.parametrize("quorum", [2, ALL])
def test_half_of_a_decision_is_none(quorum: int) -> None:
    half = said(named(*seats(ANN, BOB), quorum=quorum, **POLICY), ANN)
    assert kept(half) == []
    assert kept(said(half, BOB)) == [("desk", 2, [ANN, BOB])]
    earlier = a_stand(DESK_NEED, a_vote(CEM))
    assert kept(half, earlier) == [("desk", 1, [CEM])], "what stood before still does"
    assert kept(said(half, BOB), earlier) == [("desk", 2, [ANN, BOB])], "the latest decision"


@pytest.mark.parametrize("verb", ["reject", "changes"])
def test_who_refuses_takes_back_what_their_group_said_before(verb: str) -> None:
    asked = named(*seats(ANN, BOB), quorum=2, **POLICY)
    refused = said(asked, BOB, verb=verb)
    legal = replace(a_stand(DESK_NEED, a_vote(EVE)), group="legal")
    assert kept(refused, a_stand(DESK_NEED, a_vote(CEM)), legal) == [("legal", 1, [EVE])]


def test_an_abstention_is_no_part_of_a_decision() -> None:
    desk = named(*seats(ANN, BOB, CEM), quorum=2, **POLICY)
    asked = said(said(said(desk, ANN, verb="abstain"), BOB), CEM)
    assert kept(asked) == [("desk", 2, [BOB, CEM])]


def test_what_no_policy_asked_and_what_nobody_said_does_not_stand() -> None:
    assert kept(said(unnamed(), ANN)) == [], "a need of the first releases: nobody knows what it looks at"
    assert kept(unnamed(**POLICY).approved_by(["desk"])) == [], "as a forecast assumes it"


def test_a_decision_is_as_old_as_its_last_voice() -> None:
    stand = a_stand(DESK_NEED, a_vote(ANN), a_vote(BOB, at=LATER))
    assert stand.granted_at == LATER
    ends = LATER + timedelta(days=30)
    for at, carried in ((ends - timedelta(microseconds=1), True), (ends, False)):
        assert carries(DESK_NEED, stand, barred=(), content_hash="another", at=at) is carried


def test_of_several_that_stand_the_one_that_answers_is_taken() -> None:
    desk, legal = a_stand(DESK_NEED, a_vote(ANN)), replace(a_stand(DESK_NEED, a_vote(EVE)), group="legal")
    needs = [DESK_NEED, replace(DESK_NEED, group="legal")]
    found = begun(needs, stands=[desk, legal], barred=(DANA.upper(),), content_hash="another", at=NOW)
    assert ([r.carried for r in found.requests], found.barred, found.granted) == ([desk, legal], (DANA,), True)
    mine = begun(needs, stands=[desk, legal], barred=(ANN.upper(),), content_hash="h", at=NOW)
    assert [r.carried for r in mine.requests] == [None, legal]


# --- a policy applied in flight ------------------------------------------------------------------------------------------

RUNGS = (Rung(after="2 days", to="manager"),)


def in_flight(**changed: Any) -> Approval:
    """Ann has approved; Bob is still asked."""
    need = replace(DESK_NEED, quorum=2, rungs=RUNGS, **changed)
    asked = Approval.of([need], barred=(DANA,)).asked(1, NOW, [Ask(index=0, seats=seats(ANN, BOB), remind_at=LATER)])
    return said(asked, ANN)


def under(approval: Approval, *needs: Need, at: datetime = LATER) -> tuple[Request, ...]:
    found = applied(approval, needs, version=1, content_hash="h", at=at)
    assert (found.round, found.barred) == (approval.round + 1, approval.barred)
    return found.requests


def test_the_same_question_keeps_its_answers_under_another_policy() -> None:
    was = in_flight().requests[0]
    (now,) = under(in_flight(), replace(was.need, policy="p/2", reason="another"))
    assert now == replace(was, need=now.need)
    assert (now.need.policy, now.need.reason) == ("p/2", "another")


@pytest.mark.parametrize(
    "changed",
    [
        {"level": 2},
        {"group": "legal"},
        {"quorum": 3},
        {"people": (GIL,)},
        {"roles": ("heads",)},
        {"rungs": ()},
        {"remind_after": "2 days"},
    ],
)
def test_another_question_is_asked_from_its_beginning(changed: dict[str, Any]) -> None:
    (now,) = under(in_flight(), replace(in_flight().requests[0].need, **changed))
    assert now == Request(need=now.need)


def test_what_was_granted_stands_under_a_policy_that_is_no_stricter_and_what_was_carried_too() -> None:
    granted = said(in_flight(), BOB)
    need = granted.requests[0].need
    (same,) = under(granted, need)
    assert same == granted.requests[0]
    (milder,) = under(granted, replace(need, quorum=1, rungs=()))
    assert milder.carried is not None
    assert (milder.approved, milder.carried.version, milder.carried.content_hash) == (True, 1, "h")
    (stricter,) = under(granted, replace(need, quorum=3))
    assert (stricter.approved, stricter.carried) == (False, None)
    stand = replace(a_stand(replace(need, quorum=2), a_vote(ANN), a_vote(CEM)), content_hash="h0")
    carried = begun([need], stands=[stand], barred=(), content_hash="another", at=NOW)
    assert [r.carried for r in under(carried, need)] == [stand]
    assert [r.carried for r in under(carried, replace(need, quorum=3))] == [None]
    late = NOW + timedelta(days=30)
    assert [r.carried for r in under(carried, need, at=late)] == [None], "judged anew, by the day"
