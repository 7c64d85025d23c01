"""Commands about an approval that was recorded by an earlier release, is over, or is not what the sender believes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.approval import NothingToDecide, OwnDeal, SupersededVersion
from domain.errors import DomainError
from domain.folding.decision import Told, folded
from domain.message import ApplyPolicy, Decide, Reseat, Retry, Verdict
from domain.order import Order, OrderStage, renewal
from domain.step import StepKind
from tests.domain.approving.desk import ADMIN, ANN, BOB, CEM, DANA, GIL, Desk, facts
from tests.domain.approving.offers import a_desk, a_rule, offered, refused
from tests.domain.approving.recorded import LATER
from tests.domain.lives import OWNER


def told(by: str) -> Told:
    return Told(by, OWNER, LATER, "m1")


def recorded(desk: Desk) -> Order:
    """As a release kept it that did not yet write down who has no voice."""
    return replace(desk.order, approval=replace(desk.order.approval, barred=()))


def word(order: Order, verb: str, **changed: str) -> Decide:
    hash_ = order.content_hash
    return Decide(version=order.version, content_hash=hash_, approve=False, reason="so", verb=verb, **changed)  # type: ignore[arg-type]


def reseat(version: int = 1) -> Reseat:
    return Reseat(version=version, person="", asks=(), reason="")


def policy(order: Order, **changed: object) -> ApplyPolicy:
    body = ApplyPolicy(version=order.version, content_hash=order.content_hash, needs=order.needs, reason="")
    return replace(body, **changed)  # type: ignore[arg-type]  # each field by its name


@pytest.mark.parametrize("by", [OWNER, OWNER.upper(), DANA, DANA.title()])
def test_who_owns_or_priced_it_has_no_word_also_where_that_was_not_recorded(by: str) -> None:
    order = recorded(offered(by=DANA))
    for body in (word(order, "approve"), word(order, "reject"), reseat(), policy(order)):
        with pytest.raises(OwnDeal):
            folded(order, body, told(by))
    with pytest.raises(DomainError) as refusal:
        folded(order, word(order, "delegate", to=by), told(ANN))
    assert refusal.value.type == "DelegationRefused"


def test_a_comment_leaves_no_trace_on_the_order() -> None:
    order = recorded(offered())
    assert folded(order, word(order, "comment"), told(OWNER)) is order


@pytest.mark.parametrize("verb", ["reject", "changes", "approve"])
def test_what_is_over_is_over_for_everybody(verb: str) -> None:
    desk = offered(by=GIL)
    desk.word(verb, ANN)
    order = desk.order
    for by, error in ((BOB, NothingToDecide), (ADMIN, NothingToDecide), (OWNER, OwnDeal), (GIL, OwnDeal)):
        with pytest.raises(error):
            folded(order, word(order, "approve"), told(by))
    for body in (reseat(), policy(order)):
        with pytest.raises(NothingToDecide):
            folded(order, body, told(ADMIN))


def test_an_admin_must_know_the_version_and_what_is_in_it() -> None:
    order = offered().order
    for body in (reseat(2), policy(order, version=2), policy(order, content_hash="other")):
        with pytest.raises(SupersededVersion):
            folded(order, body, told(ADMIN))


def test_what_was_said_is_kept_with_the_version_that_it_ended() -> None:
    for verb, stage in (("reject", OrderStage.REJECTED), ("changes", OrderStage.CHANGES_ASKED)):
        desk = offered()
        desk.word(verb, ANN)
        assert [(vote.by, vote.said) for vote in desk.order.approval.requests[0].votes] == [(ANN, verb)]
        assert (desk.order.stage, desk.order.reason) == (stage, "so")


def test_a_counter_proposal_takes_back_what_its_group_said_before() -> None:
    desk = offered(a_rule(require=[{"group": "desk"}, {"level": 2, "group": "finance"}]))
    for person in (ANN, DANA):
        desk.word("approve", person)
    desk.offer(discount_percent=15, net_days=90)
    assert [s.group for s in desk.order.stands] == ["desk", "finance"]
    desk.offer(discount_percent=facts()["discount_percent"])
    desk.offer(discount_percent=20)
    desk.word("changes", BOB, draft=facts(discount_percent=12))
    assert (desk.order.drafted_by, [s.group for s in desk.order.stands]) == (BOB, ["finance"])
    desk.submit()
    assert desk.waits_for == (ANN, CEM), "and who proposed it has no voice about it"


def test_a_policy_that_is_applied_is_the_orders_from_then_on() -> None:
    order = offered().order
    (need,) = order.needs
    after = folded(order, policy(order, needs=(replace(need, policy="standard/2", quorum=2),)), told(ADMIN))
    assert ([n.policy for n in after.needs], after.approval.requests[0].need) == (["standard/2"], after.needs[0])
    assert folded(order, policy(order, needs=()), told(ADMIN)).stage is OrderStage.APPROVED


def test_a_stranger_is_refused_with_the_deal_unchanged() -> None:
    desk = offered()
    refused(desk.word("changes", DANA), "WrongGroup", desk, desk.deal.orders)


def test_the_owner_does_not_sit_where_another_priced_it_whoever_looked_people_up() -> None:
    desk = a_desk(a_rule())
    desk.careless = True
    desk.offer(by=GIL, discount_percent=15)
    assert (desk.order.approval.barred, desk.waits_for) == ((OWNER, GIL), (ANN, BOB, CEM))


def test_what_is_parked_by_a_failure_waits_for_a_retry_and_keeps_its_round() -> None:
    desk = offered(a_rule(require=[{"group": "desk", "quorum": 2}]))
    desk.outside.failing.add(StepKind.REMIND)
    desk.play(datetime(2027, 3, 3, 8, tzinfo=UTC))
    assert desk.order.parked == "broken"
    desk.word("approve", ANN)
    assert desk.order.parked == "broken", "a vote mends nothing"
    assert desk.say(Retry()).verdict is Verdict.ACCEPTED
    assert (desk.order.parked, desk.order.approval.round, desk.kinds()[-1]) == ("", 0, "remind")
    assert desk.waits_for == (BOB, CEM)


def test_a_renewal_that_nobody_drafted_is_asked_about_as_any_other() -> None:
    desk = offered()
    priced = desk._priced(1, LATER, desk.order.needs)
    order = renewal(number=2, priced=priced, at=LATER, owner=OWNER)
    assert (order.stage, order.approval.barred) == (OrderStage.IN_APPROVAL, (OWNER,))
