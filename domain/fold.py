"""What each kind of performed step does to a deal, whatever it came to: one small fold per kind."""

# ruff: noqa: ARG001, ARG005  (all folds have one shape; not each needs all of it)

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from domain import contract as contracts
from domain import dunning, renewal
from domain import order as orders
from domain.approval import Approval
from domain.billing_schedule import split_subject
from domain.calendar import local_date
from domain.contract import Contract
from domain.entitlement import Provisioning
from domain.judge import abandoned, judge
from domain.message import Answer, FactCame, Verdict
from domain.order import Order, OrderStage
from domain.outcome import (
    Activated,
    Billed,
    Booked,
    Charged,
    Failed,
    Noticed,
    Outcome,
    Presented,
    Priced,
    PriceRefused,
    Sent,
    Taken,
)
from domain.state import Deal
from domain.step import Step, StepKind

_SENDABLE = (OrderStage.APPROVED, OrderStage.ACCEPTED)

Fold = Callable[[Deal, Step, Outcome, datetime], Deal]


def folded(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
    """The deal with what this step came to; total: what does not fit the state changes nothing."""
    if isinstance(outcome, Failed):
        return _failed(deal, step, outcome, now)
    return _FOLDS[step.kind](deal, step, outcome, now)


def subject_of(step: Step) -> str:
    """What is parked when this step cannot be done."""
    match step.kind:
        case StepKind.BILL | StepKind.MILESTONE:
            return split_subject(step.subject)[0]
        case StepKind.ACCESS | StepKind.NOTICE:
            return f"{step.subject}-{step.kind}"  # `Contract.parking`: billing goes on
        case _:
            return step.subject


def _failed(deal: Deal, step: Step, outcome: Failed, now: datetime) -> Deal:
    """Provisioning goes back; a message is answered, not read again; an envelope waits; a contract that cannot move to
    new prices keeps its own; all else parks its subject.
    """
    match step.kind:
        case StepKind.PROVISION:
            return _provision(deal, step, outcome, now)
        case StepKind.TAKE:
            return _untaken(deal, step, outcome.reason)
        case StepKind.VOID:
            return deal.void_failed(step.subject, outcome.reason)
        case StepKind.REPRICE:
            return _reprice(deal, step, outcome, now)
        case _:
            return deal.parked(subject_of(step), outcome.reason)


def _untaken(deal: Deal, step: Step, reason: str) -> Deal:
    """A message that could not be taken in does not stand in the way of the next: a fact is shown as unexpected."""
    fact = any(m.id == step.subject and isinstance(m.body, FactCame) for m in deal.inbox)
    verdict = Verdict.UNEXPECTED if fact else Verdict.REFUSED
    return deal.answered(Answer(message_id=step.subject, verdict=verdict, error="NotTaken", reason=reason))


def _take(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
    if not isinstance(outcome, Taken):
        return _untaken(deal, step, f"its outcome was {outcome.kind}")
    if deal.answer(outcome.message.id) is not None:
        return replace(deal, inbox=tuple(m for m in deal.inbox if m.id != outcome.message.id))
    judged, _ = judge(deal, outcome.message, outcome.fact, now)
    if outcome.answer.verdict is Verdict.REFUSED:
        return deal.answered(outcome.answer)
    return judged


def _on_order(deal: Deal, step: Step, change: Callable[[Order], Order]) -> Deal:
    order = deal.order(step.subject)
    return deal if order is None else deal.with_order(change(order))


def _price(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
    if isinstance(outcome, Priced):
        return _on_order(deal, step, lambda o: o.priced(outcome, now) if o.drafts == step.number else o)
    if isinstance(outcome, PriceRefused):
        return _on_order(deal, step, lambda o: o.moved(OrderStage.REFUSED, now, reason=outcome.reason))
    return deal


def _approval(change: Callable[[Approval, Step, datetime], Approval]) -> Fold:
    def fold(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
        del outcome
        return _on_order(deal, step, lambda o: replace(o, approval=change(o.approval, step, now)))

    return fold


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
        return abandoned(deal.with_order(order), order, now)
    return deal.with_order(replace(order, parked=_failure(back)) if back.undone else order)


def _activate(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
    order = deal.order(step.subject)
    if not isinstance(outcome, Activated) or order is None or order.terms is None:
        return deal
    terms, anchor = order.terms, outcome.anchor
    deal = deal.without_order(order)
    return deal.with_contract(lambda c: c.activated(terms=terms, order_number=order.number, anchor=anchor, at=now))


def _end(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
    for order in deal.orders:
        deal = deal.voiding(order)
    return replace(deal.with_contract(lambda c: c.ended(now, "the term ended")), orders=())


def _bill(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
    if not isinstance(outcome, Billed):
        return deal
    _, term = split_subject(step.subject)
    if step.kind is StepKind.MILESTONE:
        deal = deal.with_contract(lambda c: c.milestone_billed(term, step.number))
    else:
        deal = deal.with_contract(lambda c: c.billed(term, step.number))
    if outcome.settled or deal.collection(outcome.invoice_id) is not None:
        return deal
    collection = dunning.opened(
        invoice_id=outcome.invoice_id,
        invoice_number=outcome.invoice_number,
        method=outcome.method,
        issued_at=now,
        ladder=outcome.ladder,
    )
    return replace(deal, collections=(*deal.collections, collection))


def _reprice(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
    return deal.with_contract(lambda c: c.migrated() if c.migrations == step.number else c)


def _notice(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
    deal = deal.with_contract(lambda c: replace(c, noticed=max(c.noticed, step.number)))
    running = deal.contract
    if not isinstance(outcome, Noticed) or running is None or running.stage != contracts.ACTIVE:
        return deal
    order = orders.renewal(number=outcome.order_number, priced=outcome.priced, at=now)
    if renewal.missed(step.at, running_since=running.since, now=now):
        order = replace(order, parked=f"the notice of renewal was due on {local_date(step.at, deal.zone)}")
    return replace(deal, orders=(*deal.orders, order), next_order=max(deal.next_order, outcome.order_number + 1))


def _charge(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
    collection = deal.collection(step.subject)
    if step.kind is StepKind.CHARGE:
        deal = replace(deal, last_charge_at=now)
    if not isinstance(outcome, Charged) or collection is None:
        return deal
    if outcome.settled:
        return deal.settled(step.subject, now)
    folded = dunning.charged(
        collection,
        status=outcome.status,
        decline=outcome.decline,
        ladder=outcome.ladder,
        step_at=step.at,
        now=now,
    )
    return deal.with_collection(folded)


def _climb(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
    collection = deal.collection(step.subject)
    if collection is None or dunning.next_kind(collection) is not step.kind:
        return deal
    if step.kind is StepKind.MESSAGE:
        deal = replace(deal, last_message_at=now)
    deal = deal.with_collection(dunning.climbed(collection, step_at=step.at, now=now))
    if step.kind is StepKind.SUSPEND:
        return deal.with_contract(lambda c: c.wanting(contracts.SUSPENDED, now))
    return deal


def _cancel(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
    """The last rung: the contract ends now, its open invoices are given up, its open renewal is taken back."""
    for order in deal.orders:
        deal = deal.voiding(order)
    deal = deal.with_contract(lambda c: c.ended(now, "not paid"))
    return replace(deal, collections=(), orders=())


def _access(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
    return deal.with_contract(lambda c: c.accessed())


_FOLDS: dict[StepKind, Fold] = {
    StepKind.TAKE: _take,
    StepKind.PRICE: _price,
    StepKind.ASK: _approval(lambda a, step, now: a.asked(step.number % 100, now)),
    StepKind.REMIND: _approval(lambda a, step, now: a.marked(step.number % 100, reminded=True)),
    StepKind.ESCALATE: _approval(lambda a, step, now: a.marked(step.number % 100, escalated=True)),
    StepKind.EXPIRE: _expire,
    StepKind.VOID: _void,
    StepKind.PRESENT: _present,
    StepKind.SEND: _send,
    StepKind.BOOK: _book,
    StepKind.PROVISION: _provision,
    StepKind.COMPENSATE: _compensate,
    StepKind.ACTIVATE: _activate,
    StepKind.END: _end,
    StepKind.REPRICE: _reprice,
    StepKind.BILL: _bill,
    StepKind.MILESTONE: _bill,
    StepKind.NOTICE: _notice,
    StepKind.CHARGE: _charge,
    StepKind.RESOLVE: _charge,
    StepKind.MESSAGE: _climb,
    StepKind.SUSPEND: _climb,
    StepKind.CANCEL: _cancel,
    StepKind.ACCESS: _access,
}
