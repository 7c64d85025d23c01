"""Offers before a desk: a discount of 15 %, submitted on Monday 1 March 2027, under rules that a test may vary."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from domain.approving.policy import Matrix
from domain.message import Answer, Verdict
from domain.order import OrderStage
from tests.domain.approving.desk import (
    Desk,
)
from tests.domain.approving.desk_watch import DeskWatch
from tests.domain.lives import OWNER

LADDER = [{"after": "2 business_days", "to": "manager"}, {"after": "1 business_days", "to": "board"}]


def a_rule(**changed: Any) -> dict[str, Any]:
    rule = {
        "when": {"discount_percent_over": "10"},
        "require": [{"group": "desk"}],
        "remind_after": "1 business_days",
        "escalate": LADDER,
    }
    return {**rule, **changed}


def a_desk(*rules: dict[str, Any], **more: Any) -> Desk:
    desk = Desk(Matrix.parse({"name": "standard", "stands_days": 30, "rules": list(rules), **more}, version=1))
    DeskWatch(desk)
    return desk


def offered(*rules: dict[str, Any], by: str = OWNER, **more: Any) -> Desk:
    """A discount of 15 %, submitted on Monday 1 March at 9:00 UTC."""
    desk = a_desk(*(rules or (a_rule(),)), **more)
    desk.offer(by=by, discount_percent=Decimal(15))
    assert desk.order.stage is OrderStage.IN_APPROVAL
    return desk


def quorum(said: object) -> dict[str, Any]:
    return a_rule(require=[{"group": "desk", "quorum": said}])


def refused(answer: Answer, error: str, desk: Desk, before: object) -> None:
    assert (answer.verdict, answer.error) == (Verdict.REFUSED, error)
    assert desk.deal.orders == before


def done(desk: Desk) -> bool:
    return desk.order.stage in (OrderStage.APPROVED, OrderStage.OUT_FOR_SIGNATURE)
