"""Asking people by name, reminding them, escalating: rows for the approvers' lists, notices with one-click links, evidence.

Needs that no matrix stated (versions priced by the first releases) are asked as they were: a group, any of its members.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities import plain_approval
from activities.evidence import Witness
from activities.fence import Books, Effect, Told, at_utc
from activities.notice import Said, Telling, added, granted, holders, moved, named
from activities.reference import order_of
from activities.version import status
from domain.approval import Approval, Request
from domain.approving import asking, machine
from domain.approving.asking import TooManyToAskAll, World
from domain.ids import derived
from domain.order import Order
from domain.outcome import Asked, Done, Failed
from models import directory
from models.approval import ApprovalRequestRow, as_seats, open_requests
from models.directory import Around
from models.outbox import OutboxRow
from models.write import Update
from workflows import stubs
from workflows.stubs import Perform, Performed


class ApprovalActivities(stubs.ApprovalActivities):
    def __init__(self, books: Books) -> None:
        self.books = books

    @activity.defn
    async def ask_for_approval(self, command: Perform) -> Performed:
        """Ask every group of the level, at once."""
        return await self.books.perform(command, lambda session: _ask(session, command))

    @activity.defn
    async def remind_approvers(self, command: Perform) -> Performed:
        """The group has not answered in the time that the policy gives."""
        return await self.books.perform(command, lambda session: _remind(session, command))

    @activity.defn
    async def look_up_approvers(self, command: Perform) -> Performed:
        """Somebody concerned is away, is back, hands over or has left from now on: who decides is looked up anew."""
        return await self.books.perform(command, lambda session: _look(session, command))

    @activity.defn
    async def escalate_approval(self, command: Perform) -> Performed:
        """The group's patience is over: whoever the next rung names may decide as well, or the version goes back."""
        return await self.books.perform(command, lambda session: _escalate(session, command))


def request_id(command: Perform, order: Order, request: Request) -> str:
    """The row of a request; one asked anew under the same version has another."""
    again = (order.approval.round,) if order.approval.round else ()
    return derived("apr", command.deal.id, order.number, order.version, request.need.level, request.need.group, *again)


def values_of(request: Request, approval: Approval) -> dict[str, Any]:
    """What of a waiting request its row shows."""
    climbed = request.need.rungs[request.rung - 1].to if request.rung and request.need.rungs else ""
    whom = asking.meant(approval, request)
    return {
        "seats": as_seats(request.seats),
        "people": list(whom.people),
        "roles": list(whom.roles),
        "anyone": bool(request.crowds) or not request.named,
        "rung": request.rung,
        "remind_at": request.remind_at,
        "escalate_at": request.escalate_at,
        "escalated_to": climbed,
        "quorum": request.need.quorum,
        "policy": request.need.policy,
        "rules": list(request.need.rules),
    }


def granted_values(request: Request) -> dict[str, Any]:
    """What the row of a granted request shows: the last of those who approved."""
    last = next(vote for vote in reversed(request.votes) if vote.by in request.voices)
    return {"status": "approved", "decided_by": last.by, "decided_at": last.at}


def row_of(command: Perform, order: Order, request: Request, after: Approval) -> ApprovalRequestRow:
    """The row of a request that is asked now."""
    row = ApprovalRequestRow(
        id=request_id(command, order, request),
        deal_id=command.deal.id,
        order_number=order.number,
        version=order.version,
        level=request.need.level,
        group_name=request.need.group,
        reason=request.need.reason,
        asked_at=command.now,
        round=order.approval.round,
        **values_of(request, after),
    )
    return ApprovalRequestRow(**(row.model_dump() | granted_values(request))) if request.approved else row


async def around(session: AsyncSession, command: Perform, approval: Approval) -> tuple[Around, World]:
    """Everybody whom the approval concerns: how they are told, and what the domain looks at when it asks."""
    found = await directory.around(session, command.now, asking.concerned_by(approval))
    world = World(directory=found.directory, calendars=found.calendars, at=command.now, barred=approval.barred)
    return found, world


async def _ask(session: AsyncSession, command: Perform) -> Effect:
    order, deal, now = order_of(command), command.deal, command.now
    level = command.step.number % 100
    indexes = [
        index
        for index, r in enumerate(order.approval.requests)
        if r.need.level == level and r.asked_at is None and not r.approved
    ]
    if plain_approval.is_plain(order.approval.requests[index] for index in indexes):
        return await plain_approval.ask(session, command)
    found, world = await around(session, command, order.approval)
    try:
        asks = asking.ask_level(order.approval, level, world)
    except TooManyToAskAll as error:
        return Effect(outcome=Failed(reason=str(error)), told=[Told(text=str(error))])
    after = machine.asked(order.approval, command.step.number, now, asks)
    asked = [after.requests[index] for index in indexes]
    witness, told = Witness(command=command, order=order), []
    rows: list[SQLModel] = []
    for request in asked:
        names = _names(request, world)
        rows += [
            row_of(command, order, request, after),
            witness.of("asked", request, to=names, voices=_members(request)),
        ]
        whom = f"{request.need.group} ({names or 'nobody is there'})"
        told.append(Told(text=f"{whom} is asked to approve version {order.version}", cause=request.need.reason))
        told += [Told(text=f"Not asked: {why}") for why in asking.seated(request.need, world).left_out]
    rows += Telling(command=command, order=order, contacts=found.contacts).asking("ask", _people(asked, world))
    rows += await _granted(session, command, order, after)
    rows.append(
        OutboxRow(
            key=command.step.key(deal.id),
            topic="approval.asked",
            deal_id=deal.id,
            at=now,
            payload={"deal": deal.id, "version": order.version, "groups": [r.need.group for r in asked]},
        )
    )
    updates = [status(order.version_id, "approved" if after.granted else "in_approval")]
    return Effect(outcome=Asked(asks=asks), rows=rows, updates=updates, told=told)


def _members(request: Request) -> tuple[str, ...]:
    return tuple(dict.fromkeys(seat.member for seat in request.seats if seat.member))


def _names(request: Request, world: World) -> str:
    """Who may decide, by name; of a group too large for that, how many they are."""
    crowds = () if request.approved else asking.crowds(request, world)
    found = [f"any of {crowd.size} members of {crowd.group}" for crowd in crowds]
    return ", ".join([*found, *([named(request)] if request.silent else [])])


def _people(requests: Sequence[Request], world: World) -> dict[str, list[Request]]:
    """Who is told: whoever may decide and has not, by name or as one of a group too large to be asked by name."""
    people: dict[str, list[Request]] = {}
    for request in requests:
        for person in asking.reached(request, world):
            people.setdefault(person, []).append(request)
    return people


async def _remind(session: AsyncSession, command: Perform) -> Effect:
    order = order_of(command)
    index = command.step.number % 100
    if plain_approval.is_plain(order.approval.requests[index : index + 1]):
        return await plain_approval.nudge(session, command, escalate=False)
    found, world = await around(session, command, order.approval)
    asks = asking.ask_anew(order.approval, world, index=index)
    after = machine.reminded(order.approval, command.step.number, command.now, asks)
    request = after.requests[index]
    rows, told = _moves(command, order, after, world)
    if not request.approved:
        names = _names(request, world)
        rows.append(Witness(command=command, order=order).of("reminded", request, to=names))
        telling = Telling(command=command, order=order, contacts=found.contacts)
        rows += telling.asking("remind", _people([request], world))
        line = f"{names} reminded for {request.need.group}: version {order.version} waits since {_since(request)}"
        told = [*told, Told(text=line)]
    rows += await _granted(session, command, order, after)
    updates = await _updated(session, command, order, after, [request])
    return Effect(outcome=Asked(asks=asks), rows=rows, updates=updates, told=told)


async def _look(session: AsyncSession, command: Perform) -> Effect:
    """Dates stay as they were told; where nobody's seat moved, nothing is said."""
    order = order_of(command)
    found, world = await around(session, command, order.approval)
    asks = asking.ask_anew(order.approval, world)
    after = machine.looked(order.approval, command.now, asks)
    rows, told = _moves(command, order, after, world)
    new = holders(added(order.approval, after))
    rows += Telling(command=command, order=order, contacts=found.contacts).asking("ask", new)
    rows += await _granted(session, command, order, after)
    updates = await _updated(session, command, order, after, moved(order.approval, after))
    return Effect(outcome=Asked(asks=asks), rows=rows, updates=updates, told=told)


def _moves(command: Perform, order: Order, after: Approval, world: World) -> tuple[list[SQLModel], list[Told]]:
    """What people who moved have changed: an entry and a line for each request."""
    rows: list[SQLModel] = []
    told = []
    for request in moved(order.approval, after):
        names = _names(request, world)
        entry = {"to": names, "reason": "absences, delegations, and who left"}
        rows.append(Witness(command=command, order=order).of("reseated", request, **entry))
        line = f"{names or 'Nobody'} may decide for {request.need.group} from now on"
        if request.approved:
            line = f"{request.need.group} has approved: all who are left have said so"
        told.append(Told(text=line))
    return rows, told


async def _granted(session: AsyncSession, command: Perform, order: Order, after: Approval) -> list[SQLModel]:
    """The owner hears that a version is approved, also where nobody spoke just now."""
    if not after.granted:
        return []
    contacts = await directory.contacts(session, [command.deal.owner])
    return granted(Telling(command=command, order=order, contacts=contacts), after)


def _since(request: Request) -> str:
    return at_utc(request.asked_at) if request.asked_at else "just now"


async def _updated(
    session: AsyncSession, command: Perform, order: Order, after: Approval, changed: Sequence[Request]
) -> list[Update]:
    """The rows of the requests that this step moved, and of the version where that was all it waited for."""
    if not changed:
        return []
    waiting = await open_requests(session, command.deal.id, order.number, order.version)
    found = [(waiting.get((request.need.level, request.need.group)), request) for request in changed]
    updates = [
        Update(ApprovalRequestRow, values_of(r, after) | (granted_values(r) if r.approved else {}), {"id": row.id})
        for row, r in found
        if row is not None
    ]
    return [*updates, status(order.version_id, "approved")] if after.granted else updates


async def _escalate(session: AsyncSession, command: Perform) -> Effect:
    order = order_of(command)
    index = command.step.number % 100
    if why := machine.lapsing(order.approval, command.step.number):
        return await _lapse(session, command, order, why)
    before = order.approval.requests[index]
    if plain_approval.is_plain([before]):
        return await plain_approval.nudge(session, command, escalate=True)
    found, world = await around(session, command, order.approval)
    asks = asking.ask_rung(order.approval, index, world)
    after = machine.escalated(order.approval, command.step.number, command.now, asks)
    request = after.requests[index]
    new = replace(
        request,
        named=True,
        seats=tuple(seat for seat in request.seats if seat not in before.seats),
        crowds=tuple(crowd for crowd in request.crowds if crowd.rung == request.rung),
    )
    to = before.need.rungs[before.rung].to
    names = _names(new, world)
    line = (
        f"Escalated to {to} ({names or 'nobody is there'}): {before.need.group} has not answered since {_since(before)}"
    )
    rows: list[SQLModel] = [Witness(command=command, order=order).of("escalated", request, to=names)]
    telling = Telling(command=command, order=order, contacts=found.contacts)
    rows += telling.asking("escalate", _people([new], world))
    updates = await _updated(session, command, order, after, [request])
    return Effect(outcome=Asked(asks=asks), rows=rows, updates=updates, told=[Told(text=line)])


async def _lapse(session: AsyncSession, command: Perform, order: Order, why: str) -> Effect:
    """The last rung gives the version back to sales: it is expired, and who was asked needs not answer any more."""
    waiting = await open_requests(session, command.deal.id, order.number, order.version)
    updates = [Update(ApprovalRequestRow, {"status": "lapsed"}, {"id": row.id}) for row in waiting.values()]
    contacts = await directory.contacts(session, [command.deal.owner])
    request = order.approval.requests[command.step.number % 100]
    rows: list[SQLModel] = [Witness(command=command, order=order).of("expired", request, reason=why)]
    telling = Telling(command=command, order=order, contacts=contacts)
    rows += telling.to(command.deal.owner, "lapsed", Said(payload={"text": why}))
    told = Told(text=f"Version {order.version} goes back to sales: {why}")
    return Effect(outcome=Done(), rows=rows, updates=[*updates, status(order.version_id, "expired")], told=[told])
