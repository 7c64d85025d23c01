"""Levels in order, groups of a level in parallel, patience by the hour, and who may not decide."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain import approval
from domain.approval import NOTHING_ASKED, Approval, NothingToDecide, OwnDeal, SupersededVersion, WrongGroup
from domain.errors import DomainError
from domain.message import Decide
from domain.outcome import Need
from domain.step import StepKind

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
DESK = Need(level=1, group="desk", reason="18 %", remind_after_hours=24, escalate_after_hours=48, escalate_to="heads")
FINANCE = replace(DESK, group="finance", escalate_after_hours=0)
CFO = replace(DESK, level=2, group="cfo", remind_after_hours=0, escalate_to="")
ALL = Approval.of([CFO, FINANCE, DESK])
ASKED = ALL.asked(1, NOW)


def steps(asked: Approval) -> list[tuple[str, int, datetime]]:
    found = approval.steps(asked, subject="order-1", version=3, since=NOW)
    return [(step.kind.value, step.number, step.at) for step in found]


def test_requests_stand_by_level_and_group() -> None:
    assert [request.need for request in ALL.requests] == [DESK, FINANCE, CFO]
    assert (ALL.level, ALL.granted, ALL.waiting) == (1, False, ())


def test_the_lowest_level_is_asked_first() -> None:
    assert steps(ALL) == [("ask", 301, NOW)]


def test_what_waits_is_reminded_and_escalated_where_the_policy_says_so() -> None:
    assert steps(ASKED) == [
        ("remind", 300, NOW + timedelta(hours=24)),
        ("escalate", 300, NOW + timedelta(hours=48)),
        ("remind", 301, NOW + timedelta(hours=24)),
    ]


def test_a_reminder_and_an_escalation_come_once() -> None:
    assert steps(ASKED.marked(0, reminded=True).marked(0, escalated=True)) == [
        ("remind", 301, NOW + timedelta(hours=24)),
    ]
    assert ASKED.marked(9, reminded=True) == ASKED


def test_asking_again_does_not_move_the_patience() -> None:
    assert ASKED.asked(1, NOW + timedelta(days=1)) == ASKED


def test_a_level_is_granted_by_all_its_groups_then_the_next_is_asked() -> None:
    half = ASKED.approved_by(["desk"])
    assert (half.level, half.granted) == (1, False)
    assert steps(half) == [("remind", 301, NOW + timedelta(hours=24))]
    full = half.approved_by(["finance", "cfo"])
    assert (full.level, full.granted) == (2, False), "the second level was not asked yet: nobody could grant it"
    assert steps(full) == [("ask", 302, NOW)]
    done = full.asked(2, NOW).approved_by(["cfo"])
    assert (done.level, done.granted, steps(done)) == (0, True, [])


def test_nothing_needed_is_granted() -> None:
    assert (NOTHING_ASKED.granted, NOTHING_ASKED.level, steps(NOTHING_ASKED)) == (True, 0, [])


def test_whom_it_was_escalated_to_may_decide_too() -> None:
    assert ASKED.approved_by(["heads"]) == ASKED
    escalated = ASKED.marked(0, escalated=True)
    assert escalated.requests[0].groups == ("desk", "heads")
    assert [r.approved for r in escalated.approved_by(["heads"]).requests] == [True, False, False]


@pytest.mark.parametrize(
    ("changed", "asked", "by", "error"),
    [
        ({"version": 2}, ASKED, "desk@x", SupersededVersion),
        ({"content_hash": "other"}, ASKED, "desk@x", SupersededVersion),
        ({}, ASKED, "owner@x", OwnDeal),
        ({}, ALL, "desk@x", NothingToDecide),
        ({}, NOTHING_ASKED, "desk@x", NothingToDecide),
        ({"groups": ("cfo",)}, ASKED, "desk@x", WrongGroup),
        ({"groups": ()}, ASKED, "desk@x", WrongGroup),
    ],
)
def test_a_decision_is_refused(changed: dict[str, object], asked: Approval, by: str, error: type[DomainError]) -> None:
    decide = replace(
        Decide(version=3, content_hash="h", approve=True, reason="ok", groups=("desk",)),
        **changed,  # type: ignore[arg-type]  # each field by its name
    )
    with pytest.raises(error):
        approval.check(decide, approval=asked, by=by, owner="owner@x", version=3, content_hash="h")


def test_a_decision_of_a_group_that_is_asked_is_taken() -> None:
    decide = Decide(version=3, content_hash="h", approve=True, reason="ok", groups=("finance",))
    approval.check(decide, approval=ASKED, by="f@x", owner="owner@x", version=3, content_hash="h")


def test_a_group_of_a_later_level_learns_who_is_asked_now() -> None:
    decide = Decide(version=3, content_hash="h", approve=True, reason="ok", groups=("cfo",))
    with pytest.raises(WrongGroup) as caught:
        approval.check(decide, approval=ASKED, by="c@x", owner="owner@x", version=3, content_hash="h")
    assert caught.value.facts == {"level": 1, "asked": ("desk", "finance")}


def test_only_what_was_asked_has_steps_of_patience() -> None:
    assert ALL.requests[0].pending_steps("order-1", 300) == ()
    assert ASKED.approved_by(["desk"]).requests[0].pending_steps("order-1", 300) == ()
    kinds = [step.kind for step in ASKED.requests[0].pending_steps("order-1", 300)]
    assert kinds == [StepKind.REMIND, StepKind.ESCALATE]
