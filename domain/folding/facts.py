"""Facts from outside are folded, never refused: what fits nothing is unexpected, what is known already changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain import dunning
from domain.message import CashFact, Fact, PaymentFact, SignatureFact, Verdict
from domain.order import Order, OrderStage
from domain.payment import ChargeStatus
from domain.state import Deal


def folded(deal: Deal, fact: Fact | None, now: datetime) -> tuple[Deal, Verdict]:
    """The deal after a fact, and whether it said something new. None: a fact that nobody can read."""
    match fact:
        case SignatureFact():
            return _signature(deal, fact, now)
        case PaymentFact():
            return _payment(deal, fact, now)
        case CashFact():
            known = deal.collection(fact.invoice_id) is not None
            if fact.settled:
                deal = deal.settled(fact.invoice_id, now)
            return deal, Verdict.ACCEPTED if known or fact.settled else Verdict.NOTHING_NEW
        case _:
            return deal, Verdict.UNEXPECTED


def _signature(deal: Deal, fact: SignatureFact, now: datetime) -> tuple[Deal, Verdict]:
    order = next((o for o in deal.orders if o.envelope_id and o.envelope_id == fact.envelope_id), None)
    if order is None:
        return deal, Verdict.NOTHING_NEW if fact.event in ("voided", "expired") else Verdict.UNEXPECTED
    if fact.event == "signed":
        return _signed(deal, order, fact, now)
    if order.stage is not OrderStage.OUT_FOR_SIGNATURE:
        return deal, Verdict.NOTHING_NEW
    stage = OrderStage.DECLINED if fact.event == "declined" else OrderStage.EXPIRED
    return deal.with_order(order.moved(stage, now, reason=fact.reason)), Verdict.ACCEPTED


def _signed(deal: Deal, order: Order, fact: SignatureFact, now: datetime) -> tuple[Deal, Verdict]:
    """A signature counts if it was given in time, even where its message came after the quote had expired."""
    if order.stage not in (OrderStage.OUT_FOR_SIGNATURE, OrderStage.EXPIRED):
        return deal, Verdict.NOTHING_NEW if order.signed_at else Verdict.UNEXPECTED
    if order.expires_at is not None and fact.happened_at > order.expires_at:
        return deal, Verdict.UNEXPECTED
    if fact.sha256 != order.document_sha256:
        reason = f"the signed document's hash {fact.sha256[:12]} is not the one sent, {order.document_sha256[:12]}"
        return deal.with_order(replace(order, parked=reason)), Verdict.UNEXPECTED
    signed = replace(order.moved(OrderStage.SIGNED, now), signed_at=fact.happened_at)
    return deal.without_void(fact.envelope_id).with_order(signed), Verdict.ACCEPTED


def _payment(deal: Deal, fact: PaymentFact, now: datetime) -> tuple[Deal, Verdict]:
    collection = deal.collection(fact.invoice_id)
    if fact.status == ChargeStatus.CAPTURED and fact.settled:
        verdict = Verdict.NOTHING_NEW if collection is None else Verdict.ACCEPTED
        return deal.settled(fact.invoice_id, now), verdict
    if collection is None:
        unexpected = fact.status == ChargeStatus.CAPTURED
        return deal, Verdict.UNEXPECTED if unexpected else Verdict.NOTHING_NEW
    in_flight = collection.status and fact.key == dunning.charge_key(deal.id, collection)
    if not in_flight or fact.status not in (ChargeStatus.CAPTURED, ChargeStatus.DECLINED):
        return deal, Verdict.NOTHING_NEW  # it speaks of an attempt whose end we have folded already
    folded = dunning.charged(
        collection, status=fact.status, decline=fact.decline, ladder=fact.ladder, step_at=now, now=now
    )
    return deal.with_collection(folded), Verdict.ACCEPTED
