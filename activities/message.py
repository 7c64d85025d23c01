"""Taking in one message: a command is judged, a fact is booked; both are written down before anything else happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import update as sql_update
from sqlmodel import SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities import customer, decision
from activities.facts import booked
from activities.fence import Books, Effect, Told
from domain.approving.case import APPROVE, CHANGES
from domain.approving.machine import COMMENT
from domain.errors import DomainError
from domain.ids import charge_key
from domain.judge import judge
from domain.message import (
    Answer,
    ApplyPolicy,
    Ask,
    Cancel,
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
from domain.order import OrderStage
from domain.outcome import Charged, Failed, Outcome, Taken
from domain.payment import ChargeStatus
from domain.state import Deal
from domain.step import StepKind
from models.deal import TimelineRow
from models.invoice import InvoiceRow
from models.outbox import InboxRow, OutboxRow
from models.payment import PaymentAttemptRow
from models.quote import QuoteVersionRow
from models.write import Update, write
from workflows import stubs
from workflows.stubs import GiveUp, Note, Perform, Performed


class MessageActivities(stubs.MessageActivities):
    def __init__(self, books: Books) -> None:
        self.books = books

    @activity.defn
    async def take(self, command: Perform) -> Performed:
        """Judge one message against the books as they are now, and write down what it said and what became of it."""
        return await self.books.perform(command, lambda session: _take(session, command))

    @activity.defn
    async def give_up(self, command: GiveUp) -> Performed:
        """Record that a step failed for good. A charge is never failed: its outcome is unknown until it is known."""
        perform, reason = command.perform, command.reason
        return await self.books.perform(perform, lambda session: _give_up(session, perform, reason))

    @activity.defn
    async def note(self, command: Note) -> None:
        """One more line in the timeline."""
        row = TimelineRow(
            deal_id=command.deal_id, turn=command.turn, at=command.at, kind="note", actor="temporal", text=command.text
        )
        async with self.books.database.transaction() as session:
            await write(session, [row])


async def _take(session: AsyncSession, command: Perform) -> Effect:
    deal = command.deal
    message = next((m for m in deal.inbox if m.id == command.step.subject), None)
    if message is None:
        reason = f"the message {command.step.subject} is not in the inbox"
        return Effect(outcome=Failed(reason=reason), told=[Told(text=reason)])
    if isinstance(message.body, FactCame):
        return await _take_fact(session, command, message, message.body.inbox_id)
    moved, answer = judge(deal, message, None, command.now)
    if answer.verdict is Verdict.ACCEPTED and isinstance(message.body, Respond):
        answer = _refused(answer, await customer.refusal(session, command, message.body))
    outcome = Taken(message=message, answer=answer)
    if answer.verdict is Verdict.REFUSED:
        line = f"Refused: {_said(message)}: {answer.reason}"
        return Effect(outcome=outcome, told=[_told(message, line)])
    rows, updates = await _consequences(session, command, message, moved)
    more_rows, more_updates, heard = await customer.heard(session, command, message)
    return Effect(
        outcome=outcome,
        rows=[*rows, *more_rows],
        updates=[*updates, *more_updates],
        acv_minor=_chosen_acv(message, moved),
        told=[_told(message, heard or _sentence(_said(message)))],
    )


def _chosen_acv(message: Message, moved: Deal) -> int | None:
    """What lists show of a deal whose customer has picked one of several offers."""
    if not isinstance(message.body, Respond):
        return None
    return next((order.terms.acv_minor for order in moved.orders if order.chosen and order.terms), None)


def _refused(answer: Answer, error: DomainError | None) -> Answer:
    """The deal itself would take it, but the books stand against it."""
    if error is None:
        return answer
    return replace(answer, verdict=Verdict.REFUSED, error=error.type, reason=str(error))


def _sentence(words: str) -> str:
    """With a capital at its beginning; names and codes inside keep theirs (`capitalize` would make usd of USD)."""
    return words[:1].upper() + words[1:]


def _told(message: Message, line: str) -> Told:
    return Told(text=line, actor=message.by, cause=message.channel, data={"message": message.id})


async def _take_fact(session: AsyncSession, command: Perform, message: Message, inbox_id: str) -> Effect:
    inbox = await session.get(InboxRow, inbox_id)
    fact: Fact | None = None
    rows: list[SQLModel] = []
    updates: list[Update] = []
    line = f"The fact {inbox_id} is not in the inbox"
    if inbox is not None:
        fact, rows, updates, line = await booked(session, command, inbox)
    moved, answer = judge(command.deal, message, fact, command.now)
    if answer.verdict is Verdict.ACCEPTED:
        more_rows, more_updates = await _consequences(session, command, message, moved)
        rows, updates = [*rows, *more_rows], [*updates, *more_updates]
    if inbox is not None:
        status = "taken" if answer.verdict is Verdict.ACCEPTED else answer.verdict.value
        values: dict[str, Any] = {"status": status, "taken_turn": command.deal.turn}
        updates.append(Update(InboxRow, values, {"id": inbox_id}))
    if answer.verdict is Verdict.UNEXPECTED:
        line = f"Unexpected: {line}"
    return Effect(
        outcome=Taken(message=message, answer=answer, fact=fact),
        rows=rows,
        updates=updates,
        told=[Told(text=line, actor=inbox.provider if inbox else "outside", cause=f"fact {inbox_id}")],
    )


_DECIDED = {
    "approve": "version {version} approved",
    "reject": "version {version} rejected",
    "changes": "changes to version {version} asked for",
    "delegate": "version {version} handed on to {to}",
    "abstain": "an abstention from version {version}",
    "comment": "a comment on version {version}",
}


def _decided(body: Decide) -> str:
    said = _DECIDED.get(body.what, "an unknown word about version {version}")
    return said.format(version=body.version, to=body.to)


# what a command said, in words
_WORDS: dict[type, Callable[[Any], str]] = {
    Revise: lambda body: f"a new draft {body.draft_id}",
    Submit: lambda body: f"version {body.version} submitted",
    Decide: lambda body: f"{_decided(body)}: {body.reason}",
    Reseat: lambda body: f"who is asked about version {body.version} looked up anew: {body.reason}",
    ApplyPolicy: lambda body: f"another policy applied to version {body.version}: {body.reason}",
    Withdraw: lambda body: f"the order withdrawn: {body.reason}",
    Cancel: lambda body: f"the deal cancelled: {body.reason}",
    Retry: lambda body: f"retry of {body.subject or 'everything parked'}",
    Respond: lambda body: f"the customer's answer to version {body.version}: {body.answer}",
    Ask: lambda body: f"question {body.question_id}",
    Reply: lambda body: f"an answer to question {body.question_id}",
    Reach: lambda body: f"milestone {body.milestone} is reached",
    Reprice: lambda body: f"price migration {body.migration_id} asked for",
    TakeUp: lambda body: f"rules {body.rules} taken up",
    FactCame: lambda body: f"fact {body.inbox_id}",
}


def _said(message: Message) -> str:
    return _WORDS[type(message.body)](message.body)


# what an order's stage means for the status of its version
_STATUS: dict[OrderStage, str] = {
    OrderStage.APPROVED: "approved",
    OrderStage.ACCEPTED: "accepted",
    OrderStage.IN_APPROVAL: "in_approval",
    OrderStage.REJECTED: "rejected",
    OrderStage.CHANGES_ASKED: "changes_asked",
    OrderStage.DECLINED: "declined",
    OrderStage.EXPIRED: "expired",
    OrderStage.WITHDRAWN: "withdrawn",
    OrderStage.SIGNED: "signed",
    OrderStage.DRAFT: "superseded",
}


def _wanted_otherwise(message: Message) -> str:
    """A version that an approver wants otherwise says so, also where their counter-proposal is a new draft already."""
    body = message.body
    return "changes_asked" if isinstance(body, Decide) and body.what == CHANGES else ""


async def _consequences(
    session: AsyncSession, command: Perform, message: Message, moved: Deal
) -> tuple[list[SQLModel], list[Update]]:
    """What a folded message changes in the rows that lists show: versions and approval requests."""
    deal = command.deal
    rows: list[SQLModel] = []
    updates: list[Update] = []
    for order in deal.orders:
        after = moved.order(order.subject)
        stage = after.stage if after is not None else OrderStage.WITHDRAWN
        if order.version_id and stage is not order.stage and stage in _STATUS:
            values = {"status": _wanted_otherwise(message) or _STATUS[stage]}
            if after is not None and after.chosen and not order.chosen:
                values["alternative"] = after.chosen
            updates.append(Update(QuoteVersionRow, values, {"id": order.version_id}))
    approvals = await decision.changed(session, command, message, moved)
    rows, updates = [*rows, *approvals.rows], [*updates, *approvals.updates]
    body = message.body
    if isinstance(body, Cancel) and deal.collections and not moved.collections:
        await _give_up_invoices(session, deal)
    if isinstance(body, Decide) and body.what != COMMENT:
        rows.append(
            OutboxRow(
                key=f"{command.step.key(deal.id)}/quote.decided",
                topic="quote.decided",
                deal_id=deal.id,
                at=command.now,
                payload={
                    "deal": deal.id,
                    "version": body.version,
                    "approved": body.what == APPROVE,
                    "verb": body.what,
                    "by": message.by,
                },
            )
        )
    return rows, updates


async def _give_up_invoices(session: AsyncSession, deal: Deal) -> None:
    """A contract that is over was cancelled again: what it is still owed is no longer collected."""
    mine = [col(InvoiceRow.deal_id) == deal.id, col(InvoiceRow.status) == "open"]
    await session.execute(sql_update(InvoiceRow).where(*mine).values(status="uncollectible"))


async def _give_up(session: AsyncSession, command: Perform, reason: str) -> Effect:
    kind, deal, step = command.step.kind, command.deal, command.step
    if kind not in (StepKind.CHARGE, StepKind.RESOLVE):
        outcome: Outcome = Failed(reason=reason)
        return Effect(outcome=outcome, told=[Told(text=f"{kind} failed for good: {reason}", data={"reason": reason})])
    attempt = step.number if kind is StepKind.CHARGE else step.number // 100
    key = charge_key(deal.id, step.subject, attempt)
    known = await session.get(PaymentAttemptRow, key)
    updates = [Update(PaymentAttemptRow, {"status": "unknown"}, {"key": key})] if known is not None else []
    outcome = Charged(status=ChargeStatus.UNKNOWN.value, code="no_answer")
    told = Told(text=f"Unknown outcome: charge {attempt} of {step.subject} ({reason}); it will be asked about")
    return Effect(outcome=outcome, updates=updates, told=[told])
