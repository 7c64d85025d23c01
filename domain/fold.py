"""What each kind of performed step does to a deal, whatever it came to: one small fold per kind."""

# ruff: noqa: ARG001  (all folds have one shape; not each needs all of it)

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain import contract as contracts
from domain import dunning, renewal
from domain import order as orders
from domain.billing_schedule import split_subject
from domain.calendar import local_date
from domain.folding.order_steps import ORDER_STEPS, Fold
from domain.judge import judge
from domain.message import Answer, FactCame, Verdict
from domain.outcome import (
    Billed,
    Charged,
    Failed,
    Noticed,
    Outcome,
    Taken,
)
from domain.state import Deal
from domain.step import Step, StepKind


def folded(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
    """The deal with what this step came to; total: what does not fit the state changes nothing."""
    if isinstance(outcome, Failed):
        return _failed(deal, step, outcome, now)
    return _FOLDS[step.kind](deal, step, outcome, now)


def subject_of(deal: Deal, step: Step) -> str:
    """What is parked when this step cannot be done."""
    match step.kind:
        case StepKind.BILL | StepKind.MILESTONE:
            return split_subject(step.subject)[0]
        case StepKind.ACCESS | StepKind.NOTICE if deal.parks_alone:
            return f"{step.subject}-{step.kind}"  # `Contract.parking`: billing goes on
        case _:
            return step.subject


def _failed(deal: Deal, step: Step, outcome: Failed, now: datetime) -> Deal:
    """Provisioning goes back; a message is answered, not read again; an envelope waits; a contract that cannot move to
    new prices keeps its own; all else parks its subject.
    """
    match step.kind:
        case StepKind.PROVISION:
            return ORDER_STEPS[step.kind](deal, step, outcome, now)
        case StepKind.TAKE:
            return _untaken(deal, step, outcome.reason)
        case StepKind.VOID:
            return deal.void_failed(step.subject, outcome.reason)
        case StepKind.REPRICE:
            return _reprice(deal, step, outcome, now)
        case _:
            return deal.parked(subject_of(deal, step), outcome.reason)


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


def _end(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
    for order in deal.orders:
        deal = deal.voiding(order)
    return replace(deal.with_contract(lambda c: c.ended(now, "the term ended", alone=deal.parks_alone)), orders=())


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
    order = orders.renewal(number=outcome.order_number, priced=outcome.priced, at=now, owner=deal.owner)
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
    deal = deal.with_contract(lambda c: c.ended(now, "not paid", alone=deal.parks_alone))
    return replace(deal, collections=(), orders=())


def _access(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
    return deal.with_contract(lambda c: c.accessed())


_FOLDS: dict[StepKind, Fold] = {
    StepKind.TAKE: _take,
    **ORDER_STEPS,
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
