"""What a message does to an approval in the books: rows of requests and votes, comments, evidence, and who is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text as sql
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from activities import ending
from activities.approval import granted_values, request_id, values_of
from activities.evidence import Witness
from activities.notice import Said, Telling, added, granted, holders, moved, named
from activities.plain_approval import is_plain
from domain.approval import Approval, Request
from domain.approving import machine
from domain.approving.case import APPROVE, CHANGES, REJECT, Stand
from domain.approving.machine import COMMENT, DELEGATE
from domain.ids import derived
from domain.message import ApplyPolicy, Decide, Message, Reseat, Submit
from domain.order import Order, OrderStage
from domain.state import Deal
from models import directory
from models.approval import ApprovalCommentRow, ApprovalRequestRow, ApprovalVoteRow, open_requests
from models.write import Update
from workflows.stubs import Perform

_SHEET = sql("SELECT sheet FROM quote_versions WHERE id = :id")
_ON = frozenset({OrderStage.IN_APPROVAL, OrderStage.APPROVED})
_CLOSED = {REJECT: "rejected", CHANGES: "changes_asked"}


@dataclass(kw_only=True)
class Changed:
    """What is to be written."""

    rows: list[SQLModel] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)


async def changed(session: AsyncSession, command: Perform, message: Message, moved: Deal) -> Changed:
    """Everything of approvals that an accepted message changes."""
    found = Changed()
    for order in command.deal.orders:
        after = moved.order(order.subject)
        if order.stage is OrderStage.IN_APPROVAL:
            await _on_order(session, command, message, order, after, found)
        elif isinstance(message.body, Submit) and after is not None and order.stage is OrderStage.PRICED:
            await _carried(session, command, after, after.approval.requests, found)
    if isinstance(message.body, Decide) and message.body.what == COMMENT:
        await _commented(session, command, message, message.body, found)
    return found


async def _on_order(
    session: AsyncSession, command: Perform, message: Message, order: Order, after: Order | None, found: Changed
) -> None:
    if after is not None and (after.stage, after.approval) == (order.stage, order.approval):
        return
    rows = await open_requests(session, command.deal.id, order.number, order.version)
    body = message.body
    said: dict[str, dict[str, Any]] = {}
    if isinstance(body, Decide) and body.what != COMMENT:
        said = await _voted(session, command, message, body, order, rows, found)
    lives = after is not None and after.stage in _ON
    present = after.approval if lives and after is not None else None
    for key, row in rows.items():
        values = (_row_values(present, key) if lives else ending.closed(ending.kind_of(body))) | said.get(row.id, {})
        found.updates.append(Update(ApprovalRequestRow, values, {"id": row.id}))
    if after is None or not lives:
        found.rows += ending.said(command, order, message)
        await _told_of_the_end(session, command, message, order, after, found)
        return
    if after.stage is OrderStage.APPROVED:
        await _told_of_the_end(session, command, message, order, after, found)
    if isinstance(body, Reseat | ApplyPolicy):
        await _looked_up_anew(session, command, message, order, after, found)
    elif isinstance(body, Decide):
        await _told_of_seats(session, command, message, order, after, found)


def _row_values(approval: Approval | None, key: tuple[int, str]) -> dict[str, Any]:
    """How a request that waited stands now; one that is asked anew, or not at all any more, is superseded."""
    requests = approval.requests if approval is not None else ()
    request = next((r for r in requests if (r.need.level, r.need.group) == key), None)
    if request is None or request.asked_at is None or request.carried is not None:
        return {"status": "superseded"}
    shown = {} if approval is None or is_plain([request]) else values_of(request, approval)
    return shown | (granted_values(request) if request.approved else {"status": "asked"})


async def _voted(
    session: AsyncSession,
    command: Perform,
    message: Message,
    body: Decide,
    order: Order,
    rows: dict[tuple[int, str], ApprovalRequestRow],
    found: Changed,
) -> dict[str, dict[str, Any]]:
    """A vote row and an entry for each request that was answered; the values of those that it closed, by row."""
    barred = order.approval.barring(command.deal.owner, *order.priced_by)
    sheet = await sheet_of(session, order)
    witness, by = Witness(command=command, order=order), message.by.lower()
    closed: dict[str, dict[str, Any]] = {}
    for index in machine.mine(barred, by, body.groups, body.group):
        request = barred.requests[index]
        row = rows.get((request.need.level, request.need.group))
        if row is None:
            continue
        members, hands = machine.voice(request, by, body.groups, barred.barred)
        vote = ApprovalVoteRow(
            id=derived("apv", command.deal.id, message.id, row.id),
            ref=message.id,
            request_id=row.id,
            deal_id=command.deal.id,
            order_number=order.number,
            version=order.version,
            content_hash=order.content_hash,
            level=request.need.level,
            group_name=request.need.group,
            by=message.by,
            members=list(members),
            hands=list(hands),
            verb=body.what,
            to_=body.to if body.what == DELEGATE else "",
            at=command.now,
            channel=message.channel,
            comment=body.reason,
            mentions=list(body.mentions),
            policy=request.need.policy,
            facts=sheet,
        )
        found.rows.append(vote)
        found.rows.append(
            witness.of(
                body.what,
                request,
                **_said(message, body, sheet),
                voices=members,
                hands=hands,
                to=vote.to_,
            )
        )
        if body.what in _CLOSED:
            decided = {"decided_by": message.by, "decided_at": command.now, "comment": body.reason}
            closed[row.id] = {"status": _CLOSED[body.what], **decided}
        elif body.what == APPROVE:
            closed[row.id] = {"comment": body.reason}
    _mentioned(command, order, body, message, await directory.contacts(session, body.mentions), found)
    return closed


def _said(message: Message, body: Decide, sheet: dict[str, str]) -> dict[str, Any]:
    return {
        "by": message.by,
        "ref": message.id,
        "channel": message.channel,
        "reason": body.reason,
        "mentions": body.mentions,
        "seen": tuple(sorted(sheet.items())),
    }


async def sheet_of(session: AsyncSession, order: Order) -> dict[str, str]:
    """All facts of the order's version, as they were before whoever decides."""
    return dict((await session.execute(_SHEET, {"id": order.version_id})).scalar() or {})


def _mentioned(
    command: Perform,
    order: Order,
    body: Decide,
    message: Message,
    contacts: dict[str, directory.Contact],
    found: Changed,
) -> None:
    telling = Telling(command=command, order=order, contacts=contacts)
    payload = {"by": message.by, "verb": body.what, "text": body.reason}
    for person in contacts:
        found.rows += telling.to(person, "mention", Said(payload=payload, verb_of_link=COMMENT))


async def _commented(session: AsyncSession, command: Perform, message: Message, body: Decide, found: Changed) -> None:
    order = next(
        (o for o in command.deal.orders if o.version == body.version and o.content_hash == body.content_hash), None
    )
    if order is None:
        return
    found.rows.append(
        ApprovalCommentRow(
            id=derived("apc", command.deal.id, message.id),
            deal_id=command.deal.id,
            order_number=order.number,
            version=order.version,
            by=message.by,
            at=command.now,
            text=body.reason,
            mentions=list(body.mentions),
            channel=message.channel,
        )
    )
    witness = Witness(command=command, order=order)
    entry = witness.entry(COMMENT, **(_said(message, body, {})))
    found.rows.append(witness.row(entry))
    _mentioned(command, order, body, message, await directory.contacts(session, body.mentions), found)


async def _carried(
    session: AsyncSession, command: Perform, order: Order, requests: tuple[Request, ...], found: Changed
) -> None:
    """Requests that stand on a decision about an earlier version: their rows, with the reference, and their evidence."""
    standing: list[tuple[Request, Stand]] = [(r, r.carried) for r in requests if r.carried is not None]
    sheet = await sheet_of(session, order) if standing else {}
    witness = Witness(command=command, order=order)
    for request, stand in standing:
        refs = " ".join(dict.fromkeys(vote.ref for vote in stand.votes if vote.ref))
        by = ", ".join(dict.fromkeys(vote.by for vote in stand.votes))
        found.rows.append(
            ApprovalRequestRow(
                id=request_id(command, order, request),
                deal_id=command.deal.id,
                order_number=order.number,
                version=order.version,
                level=request.need.level,
                group_name=request.need.group,
                reason=request.need.reason,
                asked_at=command.now,
                status="carried",
                decided_by=by,
                decided_at=stand.granted_at,
                quorum=request.need.quorum,
                round=order.approval.round,
                policy=request.need.policy,
                rules=list(request.need.rules),
                carried_ref=refs,
                carried_version=stand.version,
            )
        )
        seen = tuple(sorted(sheet.items()))
        found.rows.append(
            witness.of("carried", request, seen=seen, to=by, stands_on=refs, stands_on_version=stand.version)
        )


async def _looked_up_anew(
    session: AsyncSession, command: Perform, message: Message, order: Order, after: Order, found: Changed
) -> None:
    """Other seats, or another policy: what changed stands in the evidence, who is new is told."""
    body = message.body
    witness = Witness(command=command, order=after)
    said = {"by": message.by, "ref": message.id, "channel": message.channel}
    if isinstance(body, Reseat):
        said |= {"reason": body.reason}
        changed = moved(order.approval, after.approval)
        found.rows += [witness.of("reseated", request, **said, to=named(request)) for request in changed]
        await _told_of_seats(session, command, message, order, after, found)
    elif isinstance(body, ApplyPolicy):
        policies = ", ".join(dict.fromkeys(need.policy for need in body.needs))
        found.rows.append(witness.row(witness.entry("policy", **said, reason=body.reason, policy=policies)))
        before = {(r.need.level, r.need.group, r.need.policy) for r in order.approval.requests if r.carried}
        anew = tuple(
            r
            for r in after.approval.requests
            if r.carried and (r.need.level, r.need.group, r.need.policy) not in before
        )
        await _carried(session, command, after, anew, found)


async def _told_of_seats(
    session: AsyncSession, command: Perform, message: Message, order: Order, after: Order, found: Changed
) -> None:
    """Who holds a voice now that they did not hold before is asked: by a delegation, or since people changed."""
    people = holders(added(order.approval, after.approval))
    people.pop(message.by.lower(), None)
    contacts = await directory.contacts(session, list(people))
    found.rows += Telling(command=command, order=after, contacts=contacts).asking("ask", people)


async def _told_of_the_end(
    session: AsyncSession, command: Perform, message: Message, order: Order, after: Order | None, found: Changed
) -> None:
    """The owner hears what became of the version, by whom and why."""
    body, owner = message.body, command.deal.owner
    if message.by.lower() == owner.lower() or not isinstance(body, Decide | Reseat | ApplyPolicy):
        return
    contacts = await directory.contacts(session, [owner])
    if not isinstance(body, Decide):
        if after is not None and after.stage is OrderStage.APPROVED:
            found.rows += granted(Telling(command=command, order=order, contacts=contacts), after.approval)
        return
    kind = "changes" if body.what == CHANGES else "decided"
    payload = {"by": message.by, "verb": REJECT if body.what == REJECT else body.what, "text": body.reason}
    telling = Telling(command=command, order=order, contacts=contacts)
    found.rows += telling.to(owner, kind, Said(payload=payload))
