"""Where a deal stands: its stage, what it waits for, who has to move, since when, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain import contract as contracts
from domain.agenda import agenda
from domain.contract import Contract
from domain.order import Order, OrderStage
from domain.payment import ChargeStatus
from domain.state import Deal
from domain.step import Step, StepKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """`stage`: quote, approval, signature, provisioning, active, suspended, ended. `waits_for` is a short stable code."""

    stage: str
    waits_for: str
    who: str
    since: datetime
    next_kind: str
    next_at: datetime | None
    parked: str


CUSTOMER = "the customer"
NEXT_PERIOD = "next period"

_ORDER_WAITS: dict[OrderStage, tuple[str, str]] = {
    OrderStage.DRAFT: ("quote", "pricing"),
    OrderStage.PRICED: ("quote", "submission"),
    OrderStage.REFUSED: ("quote", "revision"),
    OrderStage.REJECTED: ("quote", "revision"),
    OrderStage.CHANGES_ASKED: ("quote", "revision"),
    OrderStage.DECLINED: ("quote", "revision"),
    OrderStage.EXPIRED: ("quote", "revision"),
    OrderStage.WITHDRAWN: ("quote", "revision"),
    OrderStage.IN_APPROVAL: ("approval", "approval"),
    OrderStage.APPROVED: ("signature", "sending"),
    OrderStage.PRESENTED: ("signature", "customer"),
    OrderStage.ACCEPTED: ("signature", "sending"),
    OrderStage.OUT_FOR_SIGNATURE: ("signature", "signature"),
    OrderStage.NOTICED: ("active", "end of term"),
    OrderStage.SIGNED: ("provisioning", "booking"),
    OrderStage.PROVISIONING: ("provisioning", "provisioning"),
}


def standing(deal: Deal) -> Standing:
    """One line about the whole deal, as lists show it."""
    stage, waits_for, who, since = _place(deal)
    upcoming = [step for step in agenda(deal) if step.kind is not StepKind.TAKE]
    following = upcoming[0] if upcoming else None
    if waits_for == NEXT_PERIOD and any(_overdue(step, deal) for step in upcoming if step.kind is StepKind.BILL):
        waits_for = "billing"
    parked = "; ".join(f"{subject}: {reason}" for subject, reason in deal.parkings)
    if parked:
        waits_for, who = "operator", "ops"
    return Standing(
        stage=stage,
        waits_for=waits_for,
        who=who,
        since=since,
        next_kind=following.kind.value if following else "",
        next_at=following.at if following else None,
        parked=parked,
    )


def _place(deal: Deal) -> tuple[str, str, str, datetime]:
    if deal.closed:
        return "ended", "nothing", "", deal.since
    running = deal.contract
    if running is not None and running.stage != contracts.BOOKED:
        return _running(deal, running)
    if running is not None and not deal.orders:
        return "provisioning", "closing", "q2c", running.since or deal.since
    if not deal.orders:
        return "quote", "draft", deal.owner, deal.since
    order = deal.orders[0]
    stage, waits_for = _ORDER_WAITS[order.stage]
    if order.stage is OrderStage.PRESENTED and order.questions:
        return stage, "reply", deal.owner, order.since
    return stage, waits_for, _who(deal, order), order.since


def _who(deal: Deal, order: Order) -> str:
    match order.stage:
        case OrderStage.IN_APPROVAL:
            return ", ".join(sorted({who for r in order.approval.waiting for who in r.who})) or "q2c"
        case OrderStage.PRESENTED | OrderStage.OUT_FOR_SIGNATURE:
            return CUSTOMER
        case OrderStage.PROVISIONING:
            return "provisioner"
        case OrderStage.DRAFT | OrderStage.APPROVED | OrderStage.ACCEPTED | OrderStage.SIGNED | OrderStage.NOTICED:
            return "q2c"
        case _:
            return deal.owner


def _running(deal: Deal, running: Contract) -> tuple[str, str, str, datetime]:
    since = running.since or deal.since
    stage = "suspended" if running.access_wanted == contracts.SUSPENDED else "active"
    if running.stage == contracts.ENDED:
        return "ended", "payment" if deal.collections else "closing", CUSTOMER, since
    for collection in deal.collections:
        if collection.decline or collection.messages:
            return stage, "payment", CUSTOMER, collection.issued_at
    for order in deal.orders:
        if order.stage in (OrderStage.PRESENTED, OrderStage.OUT_FOR_SIGNATURE, OrderStage.IN_APPROVAL):
            return stage, "renewal " + _ORDER_WAITS[order.stage][1], _who(deal, order), order.since
    for collection in deal.collections:
        if collection.status in (ChargeStatus.PENDING, ChargeStatus.UNKNOWN):
            return stage, "payment", "payment gateway", collection.issued_at
        return stage, "payment", CUSTOMER, collection.issued_at
    return stage, NEXT_PERIOD, "q2c", since


def _overdue(step: Step, deal: Deal) -> bool:
    """Its day has come already: an activation today begins a period that is not billed yet."""
    return step.at <= deal.clock.now
