"""What the steps of an order do to its deal: priced, approved, shown, sent, booked, provisioned, in service."""

# ruff: noqa: ARG001  (all folds have one shape; not each needs all of it)

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from domain import contract as contracts
from domain import order as orders
from domain.approving import machine
from domain.contract import Contract
from domain.entitlement import Provisioning
from domain.order import Order, OrderStage
from domain.outcome import (
    Activated,
    Asked,
    Booked,
    Failed,
    Outcome,
    Presented,
    Priced,
    PriceRefused,
    Sent,
)
from domain.state import Deal
from domain.step import Step, StepKind

_SENDABLE = (OrderStage.APPROVED, OrderStage.ACCEPTED)

Fold = Callable[[Deal, Step, Outcome, datetime], Deal]


def _on_order(deal: Deal, step: Step, change: Callable[[Order], Order]) -> Deal:
    order = deal.order(step.subject)
    return deal if order is None else deal.with_order(change(order))


def _price(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
    if isinstance(outcome, Priced):
        return _on_order(deal, step, lambda o: o.priced(outcome, now) if o.drafts == step.number else o)
    if isinstance(outcome, PriceRefused):
        return _on_order(deal, step, lambda o: o.moved(OrderStage.REFUSED, now, reason=outcome.reason))
    return deal


def _approval(change: machine.Change) -> Fold:
    def fold(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
        asks = outcome.asks if isinstance(outcome, Asked) else None
        return _on_order(deal, step, lambda o: o.with_approval(change(o.approval, step.number, now, asks), now))

    return fold


def _look(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
    asks = outcome.asks if isinstance(outcome, Asked) else None

    def change(order: Order) -> Order:
        after = order.with_approval(machine.looked(order.approval, now, asks), now)
        return replace(after, looks=max(order.looks, step.number))

    return _on_order(deal, step, change)


def _escalate(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
    order = deal.order(step.subject)
    if order is not None and (why := machine.lapsing(order.approval, step.number)):
        return deal.with_order(order.moved(OrderStage.EXPIRED, now, reason=why))
    return _approval(machine.escalated)(deal, step, outcome, now)


def _expire(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
    order = deal.order(step.subject)
    if order is None or order.stage not in orders.OPEN:
        return deal
    if order.envelope_id:
        deal = replace(deal, voids=(*deal.voids, (order.number, order.envelope_id)))
    # the envelope stays on the order: a signature given in time whose message was late still finds it
    return deal.with_order(order.moved(OrderStage.EXPIRED, now, reason="the quote expired"))


def _void(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
    return deal.without_void(step.subject)


def _present(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
    order = deal.order(step.subject)
    if not isinstance(outcome, Presented) or order is None or order.version != step.number:
        return deal
    if order.stage is not OrderStage.APPROVED:
        return deal
    return deal.with_order(replace(order.moved(OrderStage.PRESENTED, now), share_id=outcome.share_id))


def _send(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
    if not isinstance(outcome, Sent):
        return deal
    order = deal.order(step.subject)
    if order is None or order.version != step.number or order.stage not in _SENDABLE:
        return replace(deal, voids=(*deal.voids, (order.number if order else 0, outcome.envelope_id)))
    return deal.with_order(
        replace(
            order.moved(OrderStage.OUT_FOR_SIGNATURE, now),
            envelope_id=outcome.envelope_id,
            document_sha256=outcome.document_sha256,
        )
    )


def _book(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
    order = deal.order(step.subject)
    if not isinstance(outcome, Booked) or order is None or order.terms is None:
        return deal
    terms = order.terms
    if deal.contract is not None and deal.contract.stage != contracts.ACTIVE:
        return deal  # booked before, or over
    if deal.contract is not None:
        renewed = deal.contract.renewed(terms=terms, order_number=order.number)
        return replace(deal.without_order(order), contract=renewed)
    contract = Contract(
        id=outcome.contract_id,
        subject="contract-1",
        zone=deal.zone,
        method=terms.method,
        net_days=terms.net_days,
        auto_renew=terms.auto_renew,
        notice_days=terms.notice_days,
        since=now,
    )
    booked = replace(order.moved(OrderStage.PROVISIONING, now), provisioning=Provisioning(names=outcome.provisioning))
    return replace(deal.with_order(booked), contract=contract)


def _provision(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
    order = deal.order(step.subject)
    if order is None or order.provisioning is None:
        return deal
    if not isinstance(outcome, Failed):
        return deal.with_order(replace(order, provisioning=order.provisioning.advanced()))
    back = order.provisioning.turned_back(outcome.reason)
    parked = _failure(back) if back.undone else ""
    return deal.with_order(replace(order, provisioning=back, parked=parked))


def _failure(provisioning: Provisioning) -> str:
    return f"provisioning failed and was rolled back: {provisioning.failed}"


def _compensate(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
    order = deal.order(step.subject)
    if order is None or order.provisioning is None:
        return deal
    back = order.provisioning.compensated()
    order = replace(order, provisioning=back)
    if back.undone and back.abandoned:
        return deal.abandoned(order, now)
    return deal.with_order(replace(order, parked=_failure(back)) if back.undone else order)


def _activate(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
    order = deal.order(step.subject)
    if not isinstance(outcome, Activated) or order is None or order.terms is None:
        return deal
    terms, anchor = order.terms, outcome.anchor
    deal = deal.without_order(order)
    return deal.with_contract(lambda c: c.activated(terms=terms, order_number=order.number, anchor=anchor, at=now))


ORDER_STEPS: dict[StepKind, Fold] = {
    StepKind.PRICE: _price,
    StepKind.ASK: _approval(machine.asked),
    StepKind.LOOK: _look,
    StepKind.REMIND: _approval(machine.reminded),
    StepKind.ESCALATE: _escalate,
    StepKind.EXPIRE: _expire,
    StepKind.VOID: _void,
    StepKind.PRESENT: _present,
    StepKind.SEND: _send,
    StepKind.BOOK: _book,
    StepKind.PROVISION: _provision,
    StepKind.COMPENSATE: _compensate,
    StepKind.ACTIVATE: _activate,
}
