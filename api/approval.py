"""What waits for an approver: what they were asked by name, and what waits for the groups they are in; the longest first."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.amount import AmountOut, amount
from api.approving.world import groups_of
from api.caller import Anyone, Role
from api.order_page import discount_of
from api.schema import At, Figure, Out
from api.store import Db
from models import approval as approvals
from models.approval import ApprovalRequestRow, ApprovalVoteRow
from models.deal import DealRow
from models.entity import LegalEntityRow
from models.quote import QuoteVersionRow

router = APIRouter(prefix="/v1/approvals", tags=["approvals"])


class SeatOut(Out):
    """A voice: whose it is ('' all who are silent), who holds it, through whose hands it came."""

    member: str
    holder: str
    via: list[str]
    answered: bool = Field(description="its holder answered: it is not waited for")


class VoteOut(Out):
    """What somebody said about the request so far."""

    by: str
    verb: str = Field(examples=["approve", "abstain"])
    at: At
    reason: str


class WaitingOut(Out):
    """One request, with all that `decide` asks for."""

    id: str
    deal_id: str
    deal_name: str
    owner: str
    order_number: int
    version: int
    content_hash: str
    level: int
    group: str
    reason: str = Field(examples=["discount of 15 % is over 10 %"])
    asked_at: At
    remind_at: At | None
    escalate_at: At | None
    escalated_to: str
    quorum: int = Field(description="how many must approve; 0: all")
    policy: str = Field(examples=["standard/3"])
    rules: list[str]
    seats: list[SeatOut] = Field(description="who was asked by name; none: any member of the group may decide")
    said: list[VoteOut] = Field(description="the answers so far; the request waits for the others")
    total: AmountOut
    acv: AmountOut
    discount_percent: Figure
    own: bool = Field(description="the caller's own deal: somebody else has to decide")
    now: At = Field(description="on the deal's own clock: a sandbox's, or the wall's")


@router.get("")
async def list_approvals(caller: Anyone, database: Db, mine: Annotated[bool, Query()] = False) -> list[WaitingOut]:
    """What waits for the caller, by name or by group; for an admin, all that waits, unless `mine`."""
    groups = await groups_of(database, caller)
    async with database.session() as session:
        if caller.role is Role.ADMIN and not mine:
            query = select(ApprovalRequestRow).where(col(ApprovalRequestRow.status) == "asked")
            order = (col(ApprovalRequestRow.asked_at), col(ApprovalRequestRow.id))
            rows = (await session.exec(query.order_by(*order))).all()
        else:
            rows = await approvals.waiting(session, groups, caller.person)
        votes = await _votes(session, [row.id for row in rows])
        if caller.role is not Role.ADMIN or mine:
            rows = [row for row in rows if waits_for(row, votes.get(row.id, []), caller.person.lower())]
        ids = {row.deal_id for row in rows}
        deals = {d.id: d for d in (await session.exec(select(DealRow).where(col(DealRow.id).in_(ids)))).all()}
        query_versions = select(QuoteVersionRow).where(col(QuoteVersionRow.deal_id).in_(ids))
        versions = {(v.deal_id, v.order_number, v.version): v for v in (await session.exec(query_versions)).all()}
        sandboxes = select(LegalEntityRow.id, LegalEntityRow.clock_at).where(col(LegalEntityRow.clock_at).is_not(None))
        clocks = dict((await session.exec(sandboxes)).all())
    now = datetime.now(tz=UTC)
    found = []
    for row in rows:
        deal, version = deals[row.deal_id], versions[row.deal_id, row.order_number, row.version]
        at = clocks.get(deal.entity_id) or now
        found.append(_out(row, deal, version, votes.get(row.id, []), caller.person, at))
    return found


async def _votes(session: AsyncSession, requests: Sequence[str]) -> dict[str, list[ApprovalVoteRow]]:
    """What was said of each request, in its order."""
    table = ApprovalVoteRow
    said = (col(table.request_id).in_(requests), col(table.verb).in_(("approve", "abstain")))
    query = select(table).where(*said).order_by(col(table.at), col(table.id))
    found: dict[str, list[ApprovalVoteRow]] = {}
    for vote in (await session.exec(query)).all():
        found.setdefault(vote.request_id, []).append(vote)
    return found


def waits_for(row: ApprovalRequestRow, votes: Sequence[ApprovalVoteRow], person: str) -> bool:
    """Has the person a voice left? Who answered with all that they hold has none."""
    held = [seat for seat in row.seats if seat["holder"] == person]
    return not held or any(not answered(seat, votes) for seat in held)


def answered(seat: Mapping[str, Any], votes: Sequence[ApprovalVoteRow]) -> bool:
    """Has its holder answered for this member?"""
    return any(vote.by.lower() == seat["holder"] and seat["member"] in vote.members for vote in votes)


def _out(
    row: ApprovalRequestRow,
    deal: DealRow,
    version: QuoteVersionRow,
    votes: Sequence[ApprovalVoteRow],
    person: str,
    now: datetime,
) -> WaitingOut:
    return WaitingOut(
        id=row.id,
        deal_id=deal.id,
        deal_name=deal.name,
        owner=deal.owner,
        order_number=row.order_number,
        version=row.version,
        content_hash=version.content_hash,
        level=row.level,
        group=row.group_name,
        reason=row.reason,
        asked_at=row.asked_at,
        remind_at=row.remind_at,
        escalate_at=row.escalate_at,
        escalated_to=row.escalated_to,
        quorum=row.quorum,
        policy=row.policy,
        rules=list(row.rules),
        seats=[
            SeatOut(member=s["member"], holder=s["holder"], via=s["via"], answered=answered(s, votes))
            for s in row.seats
        ],
        said=[VoteOut(by=each.by, verb=each.verb, at=each.at, reason=each.comment) for each in votes],
        total=amount(version.total_minor, version.currency),
        acv=amount(version.acv_minor, version.currency),
        discount_percent=discount_of(version),
        own=deal.owner == person,
        now=now,
    )
