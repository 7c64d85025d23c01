"""What a message does to a deal: commands are judged (and may be refused), facts are folded (and never refused)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from domain import approval, contract, dunning
from domain import order as orders
from domain.calendar import local_date
from domain.errors import Conflict, DomainError
from domain.folding import decision, facts
from domain.message import (
    Answer,
    ApplyPolicy,
    Ask,
    Cancel,
    Command,
    Decide,
    Fact,
    FactCame,
    Message,
    Reach,
    Reply,
    Reprice,
    Reseat,
    Respond,
    Retry,
    Revise,
    Submit,
    TakeUp,
    Verdict,
    Withdraw,
)
from domain.order import OPEN, REVISABLE, Order, OrderNotOpen, OrderStage
from domain.state import RULES, Deal


@dataclass(kw_only=True, eq=False)
class DealClosed(Conflict):
    """The deal is over: facts are still booked, commands are not."""

    closed: str
    hint: str = "open a new deal"


@dataclass(kw_only=True, eq=False)
class NothingToRetry(Conflict):
    """Nothing is parked, and no collection is open."""

    subject: str
    hint: str = "only what is parked, or an open collection, can be retried"


@dataclass(kw_only=True, eq=False)
class NotInService(Conflict):
    """No contract is in service."""

    command: str
    hint: str = "wait until service begins; a contract that ended stays as it is"


@dataclass(kw_only=True, eq=False)
class UnknownRules(Conflict):
    """A rule set that this release does not know."""

    rules: int
    known: int = RULES
    hint: str = "deploy the release that knows these rules first"


def judge(deal: Deal, message: Message, fact: Fact | None, now: datetime) -> tuple[Deal, Answer]:
    """The deal after this message, and the answer to it. A refusal changes nothing but the list of answers."""
    try:
        changed, verdict = _folded(deal, message, fact, now)
        answer = Answer(message_id=message.id, verdict=verdict)
    except DomainError as error:
        changed = deal
        answer = Answer(message_id=message.id, verdict=Verdict.REFUSED, error=error.type, reason=str(error))
    return changed.answered(answer), answer


def _folded(deal: Deal, message: Message, fact: Fact | None, now: datetime) -> tuple[Deal, Verdict]:
    if isinstance(message.body, FactCame):
        return facts.folded(deal, fact, now)
    if deal.closed:
        raise DealClosed(closed=deal.closed)
    return _commanded(deal, message.body, message.by, now, ref=message.id), Verdict.ACCEPTED


# --- commands ------------------------------------------------------------------------------------------------------


def _commanded(deal: Deal, body: Command, by: str, now: datetime, *, ref: str) -> Deal:
    match body:
        case Revise():
            deal = _revise(deal, body, by, now)
        case Submit():
            deal = _submit(deal, body, now)
        case Decide() | Reseat() | ApplyPolicy():
            order = next((o for o in deal.orders if o.stage is OrderStage.IN_APPROVAL), None)
            order = order or _open_order(deal, "decide", REVISABLE)
            deal = deal.with_order(decision.folded(order, body, decision.Told(by, deal.owner, now, ref)))
        case Withdraw():
            deal = _withdraw(deal, body, now)
        case Cancel():
            deal = _cancel(deal, body, now)
        case Retry():
            deal = _retry(deal, body, now)
        case TakeUp():
            deal = _take_up(deal, body)
        case Respond() | Ask() | Reply():
            deal = _with_customer(deal, body, now)
        case Reach() | Reprice():
            deal = _in_service(deal, body, now)
    return deal


def _with_customer(deal: Deal, body: Respond | Ask | Reply, now: datetime) -> Deal:
    """What is said of the open order's version; an answer finds the order by its question."""
    if isinstance(body, Reply):
        order = next((o for o in deal.orders if body.question_id in o.questions), None)
        if order is None:
            raise orders.UnknownQuestion(question=body.question_id, where="question_id")
        return deal.with_order(order.replied(body.question_id))
    order = _open_order(deal, body.kind, REVISABLE)
    if isinstance(body, Ask):
        return deal.with_order(order.asked(body))
    return deal.with_order(order.responded(body, now))


def _in_service(deal: Deal, body: Reach | Reprice, now: datetime) -> Deal:
    if deal.contract is None or deal.contract.stage != contract.ACTIVE:
        raise NotInService(command=body.kind)
    match body:
        case Reach():
            return deal.with_contract(lambda c: c.reached(body.milestone, now))
        case Reprice():
            return deal.with_contract(lambda c: c.migrating(body.migration_id, now))


def _take_up(deal: Deal, body: TakeUp) -> Deal:
    if not deal.rules <= body.rules <= RULES:
        raise UnknownRules(rules=body.rules, where="rules")
    return replace(deal, rules=body.rules)


def _open_order(deal: Deal, command: str, allowed: frozenset[OrderStage]) -> Order:
    """The one order that is before its signature, in one of the allowed stages."""
    order = next((o for o in deal.orders if o.stage in REVISABLE), None)
    if order is None or order.stage not in allowed:
        stage = order.stage.value if order else (deal.orders[0].stage.value if deal.orders else "none")
        raise OrderNotOpen(stage=stage, command=command)
    return order


def _revise(deal: Deal, body: Revise, by: str, now: datetime) -> Deal:
    if not deal.orders and deal.contract is None:
        order = orders.opened(number=deal.next_order, draft_id=body.draft_id, draft_hash=body.draft_hash, by=by, at=now)
        return replace(deal, orders=(order,), next_order=deal.next_order + 1)
    order = _open_order(deal, "revise", REVISABLE)
    deal = deal.voiding(order)
    current = deal.order(order.subject) or order
    return deal.with_order(current.revised(draft_id=body.draft_id, draft_hash=body.draft_hash, by=by, at=now))


def _submit(deal: Deal, body: Submit, now: datetime) -> Deal:
    order = _open_order(deal, "submit", frozenset({OrderStage.PRICED}))
    if body.version != order.version:
        raise approval.SupersededVersion(decided=body.version, current=order.version, where="version")
    return deal.with_order(order.submitted(now, owner=deal.owner))


def _withdraw(deal: Deal, body: Withdraw, now: datetime) -> Deal:
    order = _open_order(deal, "withdraw", OPEN | {OrderStage.DRAFT})
    deal = deal.voiding(order)
    current = deal.order(order.subject) or order
    return deal.with_order(current.moved(OrderStage.WITHDRAWN, now, reason=body.reason))


def _cancel(deal: Deal, body: Cancel, now: datetime) -> Deal:
    """Before service: undo and end. During service: run to the end of the paid period. After: give up what is open."""
    deal = deal.voiding_again()
    for order in deal.orders:
        deal = deal.voiding(order)
    running = deal.contract
    if running is None:
        return replace(deal, orders=(), closed=f"cancelled: {body.reason}", since=now)
    if running.stage == contract.ACTIVE:
        return _run_out(deal, running, body.reason)
    if running.stage == contract.ENDED:
        return replace(deal, orders=(), collections=(), contract=running.brought_back())
    begun = next(((o, o.provisioning) for o in deal.orders if o.provisioning is not None), None)
    if begun is None:  # everything is undone, only its end is left
        ended = replace(running.brought_back(), cancel_on=local_date(now, deal.zone))
        return replace(deal, orders=(), contract=ended)
    back = replace(begun[1], abandoned=True)
    order = replace(begun[0], provisioning=back, parked="", since=now, reason=body.reason)
    return deal.abandoned(order, now) if back.undone else deal.with_order(order)


def _run_out(deal: Deal, running: contract.Contract, reason: str) -> Deal:
    """A contract in service ends with what is invoiced; a renewal that is signed already is still booked."""
    kept = tuple(o for o in deal.orders if o.stage is OrderStage.SIGNED and not o.parked)
    end = contract.end_of_paid_period(running)
    if running.cancel_on is not None:
        end = min(end, running.cancel_on)
    ending = replace(running.brought_back(), cancel_on=end, cancel_reason=reason)
    return replace(deal, orders=kept, contract=ending)


def _retry(deal: Deal, body: Retry, now: datetime) -> Deal:
    before, subject = deal, body.subject
    deal = deal.voiding_again(subject)
    for order in deal.orders:
        if order.parked and subject in ("", order.subject):
            deal = deal.with_order(order.retried(now))
    for parked, _ in deal.contract.parkings if deal.contract is not None else ():
        if subject in ("", parked):
            deal = deal.parked(parked, "")
    again = [c for c in deal.collections if subject == c.invoice_id or (not subject and (c.parked or c.decline))]
    for collection in again:
        deal = deal.with_collection(dunning.retried(collection, now=now))
    if deal == before and not again:
        raise NothingToRetry(subject=subject, where="subject")
    return replace(deal, last_charge_at=None if again else deal.last_charge_at, burst=0)
