"""What approvers and admins say about the version in question: a decision, other seats, another policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from domain import approval as approvals
from domain.approving import machine, reapproval
from domain.approving.case import CHANGES, REJECT
from domain.message import ApplyPolicy, Decide, Reseat
from domain.order import Order, OrderStage


class Told(NamedTuple):
    """Who said it, who owns the deal, when, and the id of the message (the reference of a decision)."""

    by: str
    owner: str
    at: datetime
    ref: str


def folded(order: Order, body: Decide | Reseat | ApplyPolicy, told: Told) -> Order:
    """The order after it. Raises what `domain/approval.py` says stands against it."""
    given = order
    order = replace(order, approval=order.approval.barring(told.owner, *order.priced_by))
    match body:
        case Decide():
            after = _decided(order, body, told)
            return given if body.what == machine.COMMENT else after
        case Reseat():
            _check(order, body.version, told)
            asks = machine.reseated(order.approval, body.person, told.at, body.asks)
            return order.with_approval(asks, told.at)
        case ApplyPolicy():
            return _applied(order, body, told)


def _decided(order: Order, body: Decide, told: Told) -> Order:
    asked = order.stage is OrderStage.IN_APPROVAL
    approvals.check(
        body,
        # what was rejected or expired stays so
        approval=order.approval if asked else approvals.NOTHING_ASKED.barring(*order.approval.barred),
        by=told.by,
        owner=told.owner,
        version=order.version,
        content_hash=order.content_hash,
    )
    if body.what == machine.COMMENT:
        return order
    after = machine.decided(order.approval, body, by=told.by, at=told.at, ref=told.ref)
    if body.what == REJECT:
        return replace(order, approval=after).moved(OrderStage.REJECTED, told.at, reason=body.reason)
    if body.what == CHANGES:
        return _changes(replace(order, approval=after), body, told)
    return order.with_approval(after, told.at)


def _changes(order: Order, body: Decide, told: Told) -> Order:
    """With a counter-proposal the order has a new draft, priced by the approver: they have no voice about it."""
    if not body.draft_id:
        return order.moved(OrderStage.CHANGES_ASKED, told.at, reason=body.reason)
    return order.revised(draft_id=body.draft_id, draft_hash=body.draft_hash, by=told.by, at=told.at)


def _check(order: Order, version: int, told: Told) -> None:
    """An open approval of this version, and not by one who has no voice in it."""
    if version != order.version:
        raise approvals.SupersededVersion(decided=version, current=order.version, where="version")
    if told.by.lower() in order.approval.barred:
        raise approvals.OwnDeal(person=told.by, where="by")
    if order.stage is not OrderStage.IN_APPROVAL:
        raise approvals.NothingToDecide(where="version")


def _applied(order: Order, body: ApplyPolicy, told: Told) -> Order:
    _check(order, body.version, told)
    if body.content_hash != order.content_hash:
        raise approvals.SupersededVersion(decided=body.version, current=order.version, where="content_hash")
    anew = reapproval.applied(
        order.approval, body.needs, version=order.version, content_hash=order.content_hash, at=told.at
    )
    return replace(order, needs=body.needs).with_approval(anew, told.at)
