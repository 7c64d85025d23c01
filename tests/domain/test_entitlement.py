"""Provisioning goes forward one by one, and back in reverse order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from domain import entitlement
from domain.entitlement import Provisioning

NOW = datetime(2027, 3, 1, tzinfo=UTC)
NEW = Provisioning(names=("tenant", "users", "keys"))


def steps(provisioning: Provisioning) -> list[tuple[str, int, str]]:
    found = entitlement.steps(provisioning, subject="order-1", at=NOW)
    return [(step.kind.value, step.number, provisioning.name(step.number)) for step in found]


def test_one_step_after_the_other_until_it_is_complete() -> None:
    seen, at = [], NEW
    while found := steps(at):
        seen += found
        at = at.advanced()
    assert seen == [("provision", 0, "tenant"), ("provision", 1, "users"), ("provision", 2, "keys")]
    assert at.complete
    assert at.advanced() == at


def test_nothing_to_provision_is_complete() -> None:
    assert Provisioning(names=()).complete
    assert steps(Provisioning(names=())) == []


def test_the_way_back_is_in_reverse_order_and_then_at_its_end() -> None:
    at = NEW.advanced().advanced().turned_back("no licence")
    assert (at.complete, at.undone) == (False, False)
    seen = []
    while found := steps(at):
        seen += found
        at = at.compensated()
    assert seen == [("compensate", 1, "users"), ("compensate", 0, "tenant")]
    assert (at.undone, at.failed) == (True, "no licence")
    assert at.compensated() == at


def test_a_first_step_that_fails_leaves_nothing_to_undo() -> None:
    assert NEW.turned_back("down").undone
    assert not NEW.undone


def test_a_new_round_is_new_work_under_new_numbers() -> None:
    again = NEW.advanced().turned_back("down").compensated().again()
    assert again == Provisioning(names=NEW.names, round=1)
    assert steps(again) == [("provision", 100, "tenant")]
    assert steps(again.advanced().turned_back("again")) == [("compensate", 100, "tenant")]


def test_what_is_complete_is_still_undone_when_the_deal_is_given_up() -> None:
    complete = NEW.advanced().advanced().advanced()
    back = replace(complete, abandoned=True)
    assert (back.complete, steps(back)) == (False, [("compensate", 2, "keys")])
