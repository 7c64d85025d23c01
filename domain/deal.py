"""A deal from state to state: `opened`, `accept` (a message comes), `after` (a step was performed). Pure; the heart."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain import contract as contracts
from domain.agenda import agenda
from domain.fold import folded, subject_of
from domain.message import Message
from domain.order import BACK_WITH_SALES
from domain.outcome import Outcome
from domain.state import Clock, Deal
from domain.step import Step, StepKind

BURST = 400  # more steps than this at one instant is a loop, not a life

__all__ = ["Deal", "accept", "advanced", "after", "opened"]


def opened(  # noqa: PLR0913  (what a deal is born with: nine names beat a bag)
    *,
    deal_id: str,
    name: str,
    entity_id: str,
    account_id: str,
    owner: str,
    currency: str,
    zone: str,
    virtual: bool,
    now: datetime,
) -> Deal:
    """A deal at its very beginning: it waits for its first draft."""
    return Deal(
        id=deal_id,
        name=name,
        entity_id=entity_id,
        account_id=account_id,
        owner=owner,
        currency=currency,
        zone=zone,
        clock=Clock(virtual=virtual, now=now, target=now),
        opened_at=now,
        since=now,
    )


def accept(deal: Deal, message: Message, now: datetime) -> Deal:
    """Put a message in the inbox; one that was accepted before changes nothing. Its step is `take`."""
    if deal.knows(message.id):
        return deal
    return replace(deal, inbox=(*deal.inbox, replace(message, at=message.at or now)))


def advanced(deal: Deal, to: datetime) -> Deal:
    """The virtual clock may run to `to`; two callers: the later one. On a real clock nothing changes, ever."""
    if not deal.clock.virtual:
        return deal
    return replace(deal, clock=replace(deal.clock, target=max(deal.clock.target, to)))


def after(deal: Deal, step: Step, outcome: Outcome, now: datetime) -> Deal:
    """The deal after a step was performed at `now`. Total: what happened is always folded, on whatever state.

    A step that is still on the agenda afterwards parks its subject, and so does a burst at one instant.
    """
    burst = 0 if now != deal.clock.now else deal.burst + (step.kind is not StepKind.TAKE)  # messages are no loop
    deal = replace(deal, turn=deal.turn + 1, clock=deal.clock.seen(now), burst=burst)
    deal = folded(deal, step, outcome, now)
    again = {(s.kind, s.subject, s.number) for s in agenda(deal)}
    if (step.kind, step.subject, step.number) in again:
        deal = deal.parked(subject_of(deal, step), f"{step.kind} is still due after it was performed")
    if burst > BURST:
        deal = deal.parked(subject_of(deal, step), f"more than {BURST} steps at one instant")
    return _ended(deal)


def _ended(deal: Deal) -> Deal:
    """A deal is over when its contract is, its access is gone, and no money, envelope or order is waited for."""
    running = deal.contract
    if deal.closed or running is None or running.stage != contracts.ENDED or running.access != running.access_wanted:
        return deal
    if deal.collections or deal.voids or any(o.stage not in BACK_WITH_SALES for o in deal.orders):
        return deal
    reason = running.cancel_reason or "the term ended"
    return replace(deal, closed=reason, orders=(), stuck=(), since=deal.clock.now)
