"""An order from draft to signed paper: what it does next in each of its stages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain import order as orders
from domain.entitlement import Provisioning
from domain.order import Order, OrderStage
from domain.outcome import Priced
from tests.domain.lives import NEED, START, TERMS, days

PRICED = Priced(
    version=2, version_id="qv_2", content_hash="h2", expires_at=START + days(30), terms=TERMS, needs=(NEED,)
)
DRAFT = orders.opened(number=1, draft_id="dr_1", draft_hash="h", by="sales@x", at=START)
ORDER = DRAFT.priced(PRICED, START)


def steps(order: Order) -> list[tuple[str, int]]:
    return [(step.kind.value, step.number) for step in orders.steps(order)]


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        (OrderStage.DRAFT, [("price", 1)]),
        (OrderStage.PRICED, [("expire", 2)]),
        (OrderStage.APPROVED, [("expire", 2), ("send", 2)]),
        (OrderStage.OUT_FOR_SIGNATURE, [("expire", 2)]),
        (OrderStage.NOTICED, [("book", 2)]),
        (OrderStage.SIGNED, [("book", 2)]),
        (OrderStage.PROVISIONING, []),  # not booked yet: nothing is known to provision
        (OrderStage.REFUSED, []),
        (OrderStage.REJECTED, []),
        (OrderStage.DECLINED, []),
        (OrderStage.EXPIRED, []),
        (OrderStage.WITHDRAWN, []),
    ],
)
def test_each_stage_has_its_steps(stage: OrderStage, expected: list[tuple[str, int]]) -> None:
    order = ORDER.moved(stage, START)
    assert steps(order) == expected
    assert steps(replace(order, parked="no")) == []


def test_in_approval_it_asks_and_may_expire() -> None:
    assert steps(ORDER.submitted(START)) == [("expire", 2), ("ask", 201)]


def test_who_priced_the_same_before_has_no_voice_either() -> None:
    again = ORDER.revised(draft_id="dr_2", draft_hash="h", by="desk@x", at=START)
    unpriced = again.revised(draft_id="dr_3", draft_hash="h", by="lead@x", at=START)
    for order in (again, unpriced):
        assert sorted(order.priced(PRICED, START).submitted(START, owner="owner@x").approval.barred) == sorted(
            {"owner@x", order.drafted_by, "sales@x"}
        )
    other = again.priced(replace(PRICED, content_hash="h3"), START)
    assert other.submitted(START, owner="owner@x").approval.barred == ("owner@x", "desk@x")


def test_without_a_need_it_is_approved_as_it_stands() -> None:
    assert replace(ORDER, needs=()).submitted(START).stage == "approved"


def test_provisioning_goes_on_to_activation() -> None:
    order = replace(ORDER.moved(OrderStage.PROVISIONING, START), provisioning=Provisioning(names=("tenant",)))
    assert steps(order) == [("provision", 0)]
    assert steps(replace(order, provisioning=Provisioning(names=("tenant",), done=1))) == [("activate", 2)]
    assert steps(replace(order, provisioning=Provisioning(names=("tenant",), done=1, failed="no"))) == [
        ("compensate", 0)
    ]


def test_a_revision_takes_back_what_was_asked_approved_sent_or_parked() -> None:
    sent = replace(
        ORDER.submitted(START).moved(OrderStage.OUT_FOR_SIGNATURE, START),
        envelope_id="env",
        document_sha256="sha",
        parked="no",
    )
    revised = sent.revised(draft_id="dr_2", draft_hash="h2", by="other@x", at=START + days(1))
    assert revised == replace(
        DRAFT,
        since=START + days(1),
        draft_id="dr_2",
        draft_hash="h2",
        drafted_by="other@x",
        drafts=2,
        version=2,
        version_id="qv_2",
        content_hash="h2",
        expires_at=START + days(30),
        terms=TERMS,
        needs=(NEED,),
        authors=(("h2", "sales@x"),),
    )
    assert steps(revised) == [("price", 2)]


def test_the_last_level_approves_the_order_and_a_new_level_is_asked_from_now() -> None:
    cfo = replace(NEED, group="cfo", level=2)
    both = replace(ORDER, needs=(NEED, cfo)).submitted(START)
    asked = replace(both, approval=both.approval.asked(1, START))
    first = asked.granted(("desk",), START + days(1))
    assert (first.stage, first.since) == ("in_approval", START + days(1))
    assert asked.granted(("nobody",), START + days(1)) == asked
    last = replace(first, approval=first.approval.asked(2, START)).granted(("cfo",), START + days(2))
    assert (last.stage, last.since) == ("approved", START + days(2))


def test_a_renewal_by_silence_is_booked_when_the_term_ends_another_goes_out_for_signature() -> None:
    silent = orders.renewal(number=2, priced=replace(PRICED, terms=replace(TERMS, auto_renew=True)), at=START)
    assert (silent.stage, silent.subject, silent.holds_end) == ("noticed", "order-2", True)
    assert [(s.kind.value, s.at) for s in orders.steps(silent)] == [("book", START + days(30))]
    asked = orders.renewal(number=2, priced=PRICED, at=START)
    assert (asked.stage, asked.holds_end) == ("in_approval", False)
    assert orders.renewal(number=2, priced=replace(PRICED, needs=()), at=START).stage == "approved"


def test_the_end_of_the_term_waits_for_a_renewal_that_is_signed_or_parked_only() -> None:
    renewal = orders.renewal(number=2, priced=replace(PRICED, needs=()), at=START)
    assert renewal.moved(OrderStage.SIGNED, START).holds_end
    assert replace(renewal, parked="no").holds_end
    assert not ORDER.moved(OrderStage.SIGNED, START).holds_end


def test_brought_back_what_was_rolled_back_begins_a_new_round() -> None:
    parked = replace(ORDER, parked="no", provisioning=Provisioning(names=("a",), failed="down"))
    assert parked.retried(START).provisioning == Provisioning(names=("a",), round=1)
    going_back = replace(parked, provisioning=Provisioning(names=("a",), done=1, failed="down"))
    assert going_back.retried(START) == replace(going_back, parked="")
