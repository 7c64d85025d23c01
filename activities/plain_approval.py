"""Asking as the first releases did: a group, any of its members, plain hours; for needs that no matrix stated."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import text as sql
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.fence import Effect, Told, at_utc
from activities.reference import order_of
from domain.approval import Request
from domain.ids import derived
from domain.order import Order
from domain.outcome import Done
from models.approval import ApprovalRequestRow
from models.outbox import MailRow, OutboxRow
from models.quote import QuoteVersionRow
from models.write import Update
from workflows.stubs import Perform

_MEMBERS = sql("SELECT email FROM people WHERE :group = ANY(groups) ORDER BY email")


def is_plain(requests: Iterable[Request]) -> bool:
    """Were they priced before policies were matrices? Then nobody is asked by name."""
    return any(not request.need.policy for request in requests)


def _request_id(command: Perform, order: Order, request: Request) -> str:
    return derived("apr", command.deal.id, order.number, order.version, request.need.level, request.need.group)


async def ask(session: AsyncSession, command: Perform) -> Effect:
    """Every group of the level is asked, all of its members by mail."""
    order, deal, now = order_of(command), command.deal, command.now
    level = command.step.number % 100
    asked = [r for r in order.approval.requests if r.need.level == level and r.asked_at is None]
    rows: list[SQLModel] = []
    told = []
    for request in asked:
        need = request.need
        rows.append(
            ApprovalRequestRow(
                id=_request_id(command, order, request),
                deal_id=deal.id,
                order_number=order.number,
                version=order.version,
                level=level,
                group_name=need.group,
                reason=need.reason,
                asked_at=now,
                remind_at=now + timedelta(hours=need.remind_after_hours),
                escalate_at=now + timedelta(hours=need.escalate_after_hours) if need.escalate_to else None,
            )
        )
        rows.extend(await _mails(session, command, need.group, "asks for your approval", need.reason))
        told.append(Told(text=f"{need.group} is asked to approve version {order.version}", cause=need.reason))
    rows.append(
        OutboxRow(
            key=command.step.key(deal.id),
            topic="approval.asked",
            deal_id=deal.id,
            at=now,
            payload={"deal": deal.id, "version": order.version, "groups": [r.need.group for r in asked]},
        )
    )
    updates = [Update(QuoteVersionRow, {"status": "in_approval"}, {"id": order.version_id})]
    return Effect(outcome=Done(), rows=rows, updates=updates, told=told)


async def nudge(session: AsyncSession, command: Perform, *, escalate: bool) -> Effect:
    """The group is reminded, or the group above it may decide as well."""
    order = order_of(command)
    request = order.approval.requests[command.step.number % 100]
    need = request.need
    asked_at = request.asked_at or command.now
    if not escalate:
        rows = await _mails(session, command, need.group, "still waits for your approval", need.reason)
        line = f"{need.group} is reminded: version {order.version} waits since {at_utc(asked_at)}"
        return Effect(outcome=Done(), rows=rows, told=[Told(text=line)])
    rows = await _mails(
        session, command, need.escalate_to, f"was escalated to you by {need.group}'s silence", need.reason
    )
    line = f"Escalated to {need.escalate_to}: {need.group} has not answered since {at_utc(asked_at)}"
    updates = [
        Update(ApprovalRequestRow, {"escalated_to": need.escalate_to}, {"id": _request_id(command, order, request)})
    ]
    return Effect(outcome=Done(), rows=rows, updates=updates, told=[Told(text=line)])


async def _mails(session: AsyncSession, command: Perform, group: str, what: str, reason: str) -> list[SQLModel]:
    deal = command.deal
    members = (await session.execute(_MEMBERS, {"group": group})).scalars().all()
    return [
        MailRow(
            key=f"{command.step.key(deal.id)}/{group}/{email}",
            deal_id=deal.id,
            to_=email,
            subject=f"{deal.name} {what}",
            body=f"{deal.name} ({deal.id}) of {deal.owner} {what}.\n\nWhy: {reason}\n\n"
            f"Decide by POST /v1/deals/{deal.id}/decide, or `q2c deal approve {deal.id}`.\n",
            at=command.now,
        )
        for email in members
    ]
