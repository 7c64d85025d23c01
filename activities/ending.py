"""What ends an approval that nobody decided: its evidence says what it was, who said so and why, and its rows are closed."""

from __future__ import annotations

from typing import Any

from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.evidence import Witness
from domain.message import Body, Cancel, Message, Revise, Withdraw
from domain.order import Order, OrderStage
from models.approval import ApprovalRequestRow, open_requests
from models.write import Update
from workflows.stubs import Perform

EXPIRED, WITHDRAWN, CANCELLED, SUPERSEDED = "expired", "withdrawn", "cancelled", "superseded"


def kind_of(body: Body) -> str:
    """How a message ends an approval under way; '' where it is no end, or one that people decided."""
    match body:
        case Withdraw():
            return WITHDRAWN
        case Cancel():
            return CANCELLED
        case Revise():
            return SUPERSEDED
        case _:
            return ""


def closed(kind: str) -> dict[str, Any]:
    """How a request stands that nobody has to answer any more."""
    return {"status": WITHDRAWN if kind == CANCELLED else kind or SUPERSEDED}


def said(command: Perform, order: Order, message: Message) -> list[SQLModel]:
    """The entry of a message that ended it."""
    body, kind = message.body, kind_of(message.body)
    if not kind:
        return []
    reason = f"a new draft: {body.draft_id}" if isinstance(body, Revise) else getattr(body, "reason", "")
    return [_entry(command, order, kind, reason, by=message.by, ref=message.id, channel=message.channel)]


async def ended(
    session: AsyncSession, command: Perform, order: Order, kind: str, reason: str
) -> tuple[list[SQLModel], list[Update]]:
    """A step ended it: the entry, and its open requests are closed. Nothing where no approval is under way."""
    if order.stage is not OrderStage.IN_APPROVAL:
        return [], []
    waiting = await open_requests(session, command.deal.id, order.number, order.version)
    updates = [Update(ApprovalRequestRow, closed(kind), {"id": row.id}) for row in waiting.values()]
    return [_entry(command, order, kind, reason)], updates


def _entry(command: Perform, order: Order, kind: str, reason: str, **more: Any) -> SQLModel:
    """`to`: who had been asked and had not answered."""
    asked = dict.fromkeys(who for request in order.approval.waiting for who in request.who)
    witness = Witness(command=command, order=order)
    return witness.row(witness.entry(kind, reason=reason, to=", ".join(asked), **more))
