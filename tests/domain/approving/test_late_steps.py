"""A step whose order has moved on meanwhile: it approves, shows, sends and ends nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.approval import NOTHING_ASKED
from domain.folding.order_steps import ORDER_STEPS
from domain.order import OPEN, OrderStage
from domain.outcome import Asked, Done, Outcome, Presented, Sent
from domain.state import Deal
from domain.step import Step, StepKind
from tests.domain.approving.desk import ANN
from tests.domain.approving.offers import offered
from tests.domain.approving.recorded import LATER

STAGES = tuple(OrderStage)


def performed(deal: Deal, kind: StepKind, outcome: Outcome, *, number: int = 1) -> Deal:
    return ORDER_STEPS[kind](deal, Step(kind=kind, subject="order-1", number=number, at=LATER), outcome, LATER)


def a_deal(stage: OrderStage, **changed: Any) -> Deal:
    """Version 1 of a first draft, approved by Ann, in this stage."""
    desk = offered()
    desk.word("approve", ANN)
    assert (desk.order.version, desk.order.drafts) == (1, 1)
    return replace(desk.deal.with_order(replace(desk.order, stage=stage, **changed)), voids=())


@pytest.mark.parametrize("kind", [StepKind.ASK, StepKind.LOOK, StepKind.REMIND, StepKind.ESCALATE])
@pytest.mark.parametrize("stage", [stage for stage in OrderStage if stage is not OrderStage.IN_APPROVAL])
def test_a_step_of_an_approval_that_is_over_approves_nothing(kind: StepKind, stage: OrderStage) -> None:
    """As where it was performed while the version was revised: what nobody is asked about any more is granted by nobody."""
    desk = offered()
    step = Step(kind=kind, subject="order-1", number=101, at=LATER)
    for approval in (NOTHING_ASKED, desk.order.approval, desk.order.approval.approved_by(["desk"])):
        deal = desk.deal.with_order(replace(desk.order, stage=stage, approval=approval))
        after = ORDER_STEPS[kind](deal, step, Asked(asks=()), LATER).orders[0]
        assert after.stage is stage
        assert (after.parked, after.since) == ("", desk.order.since)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("number", [1, 2])
def test_only_the_approved_version_goes_out(stage: OrderStage, number: int) -> None:
    deal = a_deal(stage)
    after = performed(deal, StepKind.SEND, Sent(envelope_id="env", document_sha256="sha"), number=number)
    if number == 1 and stage in (OrderStage.APPROVED, OrderStage.ACCEPTED):
        assert (after.orders[0].stage, after.orders[0].envelope_id, after.voids) == ("out_for_signature", "env", ())
    else:
        assert after.orders == deal.orders
        assert after.voids == ((1, "env"),), "what went out all the same is called back"
    shown = performed(deal, StepKind.PRESENT, Presented(share_id="link"), number=number)
    if number == 1 and stage is OrderStage.APPROVED:
        assert (shown.orders[0].stage, shown.orders[0].share_id) == ("presented", "link")
    else:
        assert shown == deal


@pytest.mark.parametrize("stage", STAGES)
def test_only_what_is_open_expires_and_its_order_form_is_called_back(stage: OrderStage) -> None:
    for envelope, voids in (("", ()), ("env", ((1, "env"),))):
        deal = a_deal(stage, envelope_id=envelope)
        after = performed(deal, StepKind.EXPIRE, Done())
        if stage in OPEN:
            assert (after.orders[0].stage, after.voids) == (OrderStage.EXPIRED, voids)
        else:
            assert after == deal


@pytest.mark.parametrize(("number", "taken"), [(1, True), (2, False)])
def test_the_price_of_an_earlier_draft_is_not_that_of_this_one(number: int, taken: bool) -> None:
    priced = offered()._priced(2, LATER, ())
    after = performed(a_deal(OrderStage.DRAFT), StepKind.PRICE, priced, number=number).orders[0]
    assert ((after.stage, after.version) == (OrderStage.PRICED, 2)) is taken
