"""What waits for an approver: what they were asked by name, and what waits for the groups they are in; the longest first."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from sqlmodel import col, select

from api.amount import AmountOut, amount
from api.approving.world import groups_of
from api.caller import Anyone, Role
from api.order_page import discount_of
from api.schema import At, Figure, Out
from api.store import Db
from models import approval as approvals
from models.approval import ApprovalRequestRow
from models.deal import DealRow
from models.entity import LegalEntityRow
from models.quote import QuoteVersionRow

router = APIRouter(prefix="/v1/approvals", tags=["approvals"])


class SeatOut(Out):
    """A voice: whose it is ('' all who are silent), who holds it, through whose hands it came."""

    member: str
    holder: str
    via: list[str]


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
        found.append(_out(row, deal, version, caller.person, clocks.get(deal.entity_id) or now))
    return found


def _out(row: ApprovalRequestRow, deal: DealRow, version: QuoteVersionRow, person: str, now: datetime) -> WaitingOut:
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
        seats=[SeatOut(member=s["member"], holder=s["holder"], via=s["via"]) for s in row.seats],
        total=amount(version.total_minor, version.currency),
        acv=amount(version.acv_minor, version.currency),
        discount_percent=discount_of(version),
        own=deal.owner == person,
        now=now,
    )
