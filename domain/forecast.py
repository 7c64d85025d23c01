"""A deal played forward without a server: all sign, all pay; the dated steps of its whole term in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from domain import contract as contracts
from domain import dunning
from domain.agenda import agenda
from domain.billing_schedule import Term, split_subject
from domain.calendar import Period, local_date, local_midnight
from domain.contract import anchored_on
from domain.deal import after
from domain.order import OrderStage
from domain.outcome import Activated, Billed, Booked, Charged, Done, Noticed, Outcome, Presented, Priced, Sent, Terms
from domain.state import Deal
from domain.step import Step, StepKind

MOST_STEPS = 2_000
PERSONAL = frozenset(
    {StepKind.EXPIRE, StepKind.LOOK, StepKind.REMIND, StepKind.ESCALATE}
)  # they come only if a person does not act


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastStep:
    """One dated step. For a bill, `period` is the service period and `term` and `number` (from 0) say which one; `of` is
    that term as it stood then, of which `periods` are billed.
    """

    at: datetime
    kind: str
    subject: str
    number: int
    text: str
    period: Period | None = None
    term: int = 0
    of: Term | None = None
    periods: int = 0


def forecast(deal: Deal, *, until: date | None = None) -> tuple[ForecastStep, ...]:
    """The steps of the deal, as it stands, up to `until` (default: the end of the running or coming term).

    Assumed: whoever is asked approves, the customer takes the recommended alternative, signs at once and pays when charged
    or when due. An order that was not priced yet has no forecast beyond its pricing.
    """
    found: list[ForecastStep] = []
    whole_term = False
    deal = _debts_paid(deal)
    for _ in range(MOST_STEPS):
        deal = _people_act(deal)
        if until is None and deal.contract is not None and deal.contract.terms:
            until, whole_term = deal.contract.last.ends_on, True
        end = local_midnight(until, deal.zone) if until is not None else None
        upcoming = [
            (step, max(step.at, deal.clock.now))
            for step in agenda(deal)
            if step.kind not in PERSONAL and not _beyond(step, deal.clock.now, end, whole_term=whole_term)
        ]
        if not upcoming or deal.closed or upcoming[0][0].kind in (StepKind.PRICE, StepKind.TAKE):
            break
        step, now = upcoming[0]
        found.append(_told(deal, step, now))
        deal = after(deal, step, _assumed(deal, step, now), now)
    return tuple(found)


def _beyond(step: Step, now: datetime, end: datetime | None, *, whole_term: bool) -> bool:
    """A term is half-open: what it ends with still belongs to it, the next term's first invoice does not."""
    if end is None:
        return False
    at = max(step.at, now)
    return at > end or (whole_term and at == end and step.kind is StepKind.BILL and step.number == 0)


def _debts_paid(deal: Deal) -> Deal:
    """Invoices that no charge will come for are paid by their account: assumed now, so no reminder follows."""
    for collection in deal.collections:
        charges = collection.status or any(name == dunning.CHARGE for name, _ in collection.rungs)
        if not charges and not collection.parked:
            deal = deal.settled(collection.invoice_id, deal.clock.now)
    return deal


def _people_act(deal: Deal) -> Deal:
    """Submit, approve and sign whatever waits for a person."""
    for order in deal.orders:
        now = deal.clock.now
        match order.stage:
            case OrderStage.PRICED:
                deal = deal.with_order(order.submitted(now))
            case OrderStage.IN_APPROVAL if order.approval.waiting:
                groups = tuple(request.need.group for request in order.approval.waiting)
                deal = deal.with_order(order.granted(groups, now))
            case OrderStage.PRESENTED:
                recommended = order.terms.recommended if order.terms is not None else ""
                deal = deal.with_order(order.accepted(recommended, now))
            case OrderStage.OUT_FOR_SIGNATURE:
                deal = deal.with_order(replace(order.moved(OrderStage.SIGNED, now), signed_at=now))
            case _:
                pass
    return deal


def _told(deal: Deal, step: Step, now: datetime) -> ForecastStep:
    period, term, running, periods = None, 0, None, 0
    text = _TEXT[step.kind]
    if step.kind is StepKind.BILL and deal.contract is not None:
        _, term = split_subject(step.subject)
        running = next(t for t in deal.contract.terms if t.number == term)
        period = running.billed_period(step.number, deal.contract.cancel_on)
        periods = running.periods_before(deal.contract.cancel_on)
        text = f"invoice for {period}" if step.number < running.periods else f"what {period} still owes"
    return ForecastStep(
        at=now,
        kind=step.kind.value,
        subject=step.subject,
        number=step.number,
        text=text,
        period=period,
        term=term,
        of=running,
        periods=periods,
    )


_TEXT: dict[StepKind, str] = {
    StepKind.TAKE: "take in a message",
    StepKind.PRICE: "price the draft",
    StepKind.ASK: "ask for approval",
    StepKind.REMIND: "remind the approvers",
    StepKind.ESCALATE: "escalate the approval",
    StepKind.EXPIRE: "the quote expires",
    StepKind.VOID: "take the envelope back",
    StepKind.PRESENT: "show the quote to the customer",
    StepKind.SEND: "send the order form for signature",
    StepKind.BOOK: "book the contract",
    StepKind.PROVISION: "provision",
    StepKind.COMPENSATE: "undo a provisioning step",
    StepKind.ACTIVATE: "service begins",
    StepKind.END: "the contract ends",
    StepKind.REPRICE: "move to new prices",
    StepKind.BILL: "invoice the next period",
    StepKind.MILESTONE: "invoice the milestone",
    StepKind.NOTICE: "offer the renewal",
    StepKind.CHARGE: "charge the payment method",
    StepKind.RESOLVE: "find out what became of a charge",
    StepKind.MESSAGE: "remind of an open invoice",
    StepKind.SUSPEND: "suspend access",
    StepKind.CANCEL: "cancel for non-payment",
    StepKind.ACCESS: "change access",
}


def _assumed(deal: Deal, step: Step, now: datetime) -> Outcome:
    match step.kind:
        case StepKind.PRESENT:
            return Presented(share_id="forecast")
        case StepKind.SEND:
            return Sent(envelope_id="forecast", document_sha256="")
        case StepKind.BOOK:
            return Booked(contract_id="forecast", provisioning=())
        case StepKind.ACTIVATE:
            return Activated(anchor=_anchor(deal, step, now))
        case StepKind.BILL | StepKind.MILESTONE:
            return _billed(deal, step, now)
        case StepKind.CHARGE | StepKind.RESOLVE:
            return Charged(status="captured", settled=True)
        case StepKind.NOTICE:
            return _noticed(deal)
        case _:
            return Done()


def _anchor(deal: Deal, step: Step, now: datetime) -> date:
    order = deal.order(step.subject)
    if order is None or order.terms is None:
        return local_date(now, deal.zone)
    return anchored_on(order.terms.start, signed_at=order.signed_at, zone=deal.zone, now=now)


def _billed(deal: Deal, step: Step, now: datetime) -> Billed:
    method = deal.contract.method if deal.contract else "card"
    net_days = deal.contract.net_days if deal.contract else 0
    due = local_date(now, deal.zone) + timedelta(days=net_days)
    # an invoice on terms is paid when it is due: in a forecast that leaves nothing to collect
    return Billed(
        invoice_id=f"{step.subject}/{step.number}",
        invoice_number="",
        due_on=due,
        method=method,
        settled=method != "card",
        ladder=(),
    )


def _noticed(deal: Deal) -> Outcome:
    running = deal.contract
    if running is None or running.stage != contracts.ACTIVE:
        return Done()
    end = local_midnight(running.last.ends_on, deal.zone)
    last = running.last
    terms = Terms(
        currency=deal.currency,
        acv_minor=0,
        term_months=last.months,
        interval_months=last.interval_months,
        start="signature",
        method=running.method,
        net_days=running.net_days,
        auto_renew=running.auto_renew,
        notice_days=running.notice_days,
        arrears=last.arrears,
        delivery=running.delivery,
    )
    priced = Priced(version=1, version_id="", content_hash="", expires_at=end, terms=terms, needs=())
    return Noticed(order_number=deal.next_order, priced=priced)
