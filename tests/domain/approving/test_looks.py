"""When who sits is looked up again, request by request; and who may of a group that was not asked by name."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from domain import order as orders
from domain.approving import machine
from domain.approving.case import Approval
from domain.approving.machine import WrongGroup
from domain.need import Ask, Rung, Seat
from domain.step import StepKind
from tests.domain.approving.desk import ANN, BOB, DANA, EVE, GIL, MAX, VERA
from tests.domain.approving.offers import a_rule, offered
from tests.domain.approving.recorded import LATER, NEED, NOW, said, seats, unnamed

SOON, LATE = LATER + timedelta(hours=1), LATER + timedelta(days=9)


def two(first: datetime | None, second: datetime | None) -> Approval:
    """Two groups of a level, each with the instant at which it is looked at again."""
    asks = [Ask(index=0, seats=seats(ANN), look_again_at=first), Ask(index=1, seats=seats(EVE), look_again_at=second)]
    return Approval.of([NEED, replace(NEED, group="legal"), replace(NEED, level=2, group="cfo")]).asked(1, NOW, asks)


@pytest.mark.parametrize(
    ("first", "second", "found"), [(None, None, None), (SOON, None, SOON), (None, LATE, LATE), (LATE, SOON, SOON)]
)
def test_the_first_of_what_waits_is_looked_at(
    first: datetime | None, second: datetime | None, found: datetime | None
) -> None:
    approval = two(first, second)
    assert approval.look_again_at == found
    steps = machine.look(approval, subject="order-1", number=3)
    assert [(step.kind, step.number, step.at) for step in steps] == ([(StepKind.LOOK, 3, found)] if found else [])
    above = approval.with_request(2, lambda r: replace(r, asked_at=NOW, named=True, look_again_at=NOW))
    assert above.look_again_at == found, "it does not wait yet"
    assert said(approval, ANN).look_again_at == second, "what is granted is looked at no more"


def test_a_look_is_over_also_for_whom_nobody_was_looked_up() -> None:
    after = machine.looked(two(SOON, SOON), SOON, (Ask(index=0, seats=seats(BOB), look_again_at=LATE),))
    assert [(r.who, r.look_again_at) for r in after.requests[:2]] == [((BOB,), LATE), ((EVE,), None)]
    assert machine.looked(two(SOON, SOON), SOON, None).look_again_at is None


@pytest.mark.parametrize(
    ("before", "besides", "found"), [(SOON, LATE, SOON), (LATE, SOON, SOON), (SOON, None, SOON), (None, SOON, SOON)]
)
def test_whom_it_escalates_to_are_looked_at_besides(
    before: datetime | None, besides: datetime | None, found: datetime | None
) -> None:
    need = replace(NEED, rungs=(Rung(after="1 days", to="heads"),))
    asked = Approval.of([need]).asked(1, NOW, [Ask(index=0, seats=seats(ANN), look_again_at=before)])
    after = machine.escalated(asked, 100, LATER, (Ask(index=0, seats=seats(MAX), look_again_at=besides),))
    assert (after.requests[0].who, after.look_again_at) == ((ANN, MAX), found)


def test_what_is_parked_by_a_failure_is_not_looked_at() -> None:
    order = offered(a_rule()).order
    order = replace(order, approval=order.approval.with_request(0, lambda r: replace(r, look_again_at=SOON)))
    assert StepKind.LOOK in {step.kind for step in orders.steps(order)}
    assert orders.steps(replace(order, parked="broken")) == ()


def test_of_a_group_that_the_policy_lists_those_listed_may() -> None:
    listed = unnamed(people=(ANN,), roles=("finance_de",))
    assert said(listed, ANN, groups=()).granted
    assert said(listed, GIL, groups=("finance_de",)).granted
    for groups in (("desk",), ("heads",), ()):
        with pytest.raises(WrongGroup):
            said(listed, GIL, groups=groups)


def test_whom_a_large_group_escalates_to_may_besides_its_members() -> None:
    need = replace(NEED, rungs=(Rung(after="1 days", to="board"),), quorum=2)
    asked = Approval.of([need]).asked(1, NOW, [Ask(index=0, anyone=True)])
    board = Ask(index=0, seats=(Seat(member="", holder=VERA, rung=1),))
    climbed = machine.escalated(asked, 100, LATER, (board,))
    once = said(climbed, VERA, groups=())
    with pytest.raises(WrongGroup):
        said(climbed, DANA, groups=())
    assert (once.granted, said(once, GIL).granted) == (False, True)
