"""All that a deal will do next, in order: a pure function of its state. Who asks what comes next, asks this."""

from __future__ import annotations

from datetime import datetime

from domain import contract, dunning, order
from domain.message import FactCame
from domain.state import Deal
from domain.step import BOOK_STEPS, Step, StepKind

BEGUN = frozenset({StepKind.PRICE, StepKind.ASK})  # what a command begins and the next one builds upon


def agenda(deal: Deal) -> tuple[Step, ...]:
    """Every step the deal would do if nothing more came, sorted by date, rank and subject.

    Of each noun only the next step is listed: what follows depends on how it ends (`forecast.py` plays on).
    """
    steps = [Step(kind=StepKind.TAKE, subject=m.id, number=0, at=m.at or deal.clock.now) for m in deal.inbox]
    if not deal.closed:
        for one in deal.orders:
            steps.extend(order.steps(one))
        if deal.contract is not None:
            end_held = any(one.holds_end for one in deal.orders)
            steps.extend(contract.steps(deal.contract, end_held=end_held, alone=deal.parks_alone))
        for collection in deal.collections:
            steps.extend(
                dunning.steps(collection, last_charge_at=deal.last_charge_at, last_message_at=deal.last_message_at)
            )
    steps.extend(
        Step(kind=StepKind.VOID, subject=envelope, number=number, at=deal.clock.now) for number, envelope in deal.voids
    )
    return tuple(sorted(steps, key=lambda step: step.order))


def next_due(deal: Deal, now: datetime) -> Step | None:
    """The step to perform at `now`, if any is due.

    Facts are taken in first of all: a payment that came must be known before the next charge. A command comes after
    the book steps that were due before it and after what the commands before it began in our books (a submit right
    behind its revise finds the draft priced), and before any step that goes outside.
    """
    steps = agenda(deal)
    facts = {m.id for m in deal.inbox if isinstance(m.body, FactCame)}
    takes = [step for step in steps if step.kind is StepKind.TAKE]
    for step in takes:
        if step.subject in facts:
            return step
    if takes:
        command = takes[0]
        before = min(command.at, now)
        books = [s for s in steps if (s.kind in BOOK_STEPS and s.at <= before) or (s.kind in BEGUN and s.at <= now)]
        return books[0] if books else command
    due = [step for step in steps if step.at <= now]
    return due[0] if due else None


def next_at(deal: Deal) -> datetime | None:
    """When the next step is due; None when the deal only waits for others."""
    return min((step.at for step in agenda(deal)), default=None)
