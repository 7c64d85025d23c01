"""The driver of a sandbox's clock hops from date to date: the deals due that day side by side, then the outside, until all is recorded.

A real entity's clock can never be moved. The clock is moved first and the day's work done after it, so a crash between
the two leaves deals that are due: the next call does them before it hops on.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from fastapi import APIRouter, Request, Response
from pydantic import Field
from sqlalchemy import text

from api.caller import Ops
from api.clock_lock import held
from api.door import Door, door_of
from api.entity import entity_of
from api.errors import Refusal
from api.idempotency import OnceKey, WriteRoute
from api.outside import Outside
from api.relay import Relay
from api.schema import At, Id, Out, Schema
from api.store import Db, sql
from models import deal as deals
from models.database import Database

router = APIRouter(prefix="/v1/sandboxes", tags=["sandboxes"], route_class=WriteRoute)

SIDE_BY_SIDE = 16
LONGEST = 20.0  # seconds of one request; the caller comes back for the rest
ROUNDS = 100  # of one date: more is a sandbox that never comes to rest
GLANCE, LONGEST_GLANCE = 0.01, 0.08

_MOVE = text("UPDATE legal_entities SET clock_at = :at WHERE id = :id AND clock_at < :at")
_UNTAKEN = text("""
    SELECT count(*) FROM inbox i LEFT JOIN deals d ON d.id = i.deal_id
    WHERE i.status IN ('new', 'signalled') AND (d.entity_id = :id OR i.payload ->> 'entity_id' = :id)
""")


class AdvanceIn(Schema):
    to: At = Field(examples=["2028-01-01T00:00:00Z"])


class AdvanceOut(Out):
    now: At
    reached: bool = Field(description="false (202): ask again under the same key until it is true")
    hops: int


@router.post(
    "/{sandbox_id}/clock/advance", responses={202: {"model": AdvanceOut, "description": "on the way: ask again"}}
)
async def advance_clock(
    sandbox_id: Id, said: AdvanceIn, request: Request, response: Response, _caller: Ops, _once: OnceKey, database: Db
) -> AdvanceOut:
    """Move a sandbox's clock, with all that falls due on the way, ours and the outside's. One call takes at most 20 seconds."""
    entity = await entity_of(database, sandbox_id)
    if entity.clock_at is None:
        raise Refusal(
            403,
            "RealClock",
            "a real entity's clock can never be moved",
            where="sandbox_id",
            hint="copy it into a sandbox first",
        )
    if said.to < entity.clock_at:
        raise Refusal(
            409,
            "ClockBackwards",
            "a clock never goes backwards",
            where="to",
            hint=f"it is {entity.clock_at.isoformat()} there",
        )
    relay: Relay = request.app.state.relay
    async with held(database, sandbox_id):
        outside: Outside = request.app.state.outside
        drive = Drive(database, door_of(request), outside, sandbox_id, deadline=monotonic() + LONGEST)
        with relay.aside():
            reached, hops = await drive.to(said.to)
    now = (await entity_of(database, sandbox_id)).clock_at
    if not reached:
        response.status_code = 202
    return AdvanceOut(now=now or said.to, reached=reached, hops=hops)


@dataclass(slots=True)
class Drive:
    """One movement of one sandbox's clock, until a date or a deadline."""

    database: Database
    door: Door
    outside: Outside
    sandbox_id: str
    deadline: float
    ours_next: datetime | None = None
    outside_next: datetime | None = None

    async def to(self, target: datetime) -> tuple[bool, int]:
        """Hop until `target` (True) or until the time of this request is used up (False); and the number of hops."""
        entity = await entity_of(self.database, self.sandbox_id)
        now, hops = entity.clock_at or target, 0
        if not await self._settle(now):  # what a crash left due
            return False, hops
        while now < target:
            if monotonic() > self.deadline:
                return False, hops
            upcoming = min((at for at in (self.ours_next, self.outside_next) if at is not None), default=target)
            now = min(max(upcoming, now), target)
            await self._move(now)
            hops += 1
            if not await self._settle(now):
                return False, hops
        return True, hops

    async def _move(self, now: datetime) -> None:
        async with self.database.transaction() as session:
            await sql(session, _MOVE, {"id": self.sandbox_id, "at": now})

    async def _settle(self, now: datetime) -> bool:
        """Do all that is due up to `now`, on both sides, until neither has more. False: the time is used up."""
        silent = await self._outside(now)  # first: what the deals ask of it then is dated by this day
        for _ in range(ROUNDS):
            ran = await self._deals(now)
            if ran is None:
                return False
            if ran or not silent:  # else nobody can have asked anything of it
                await self._outside(now)
            silent = False
            if not await self._all_taken():
                return False
            if all(at is None or at > now for at in (self.ours_next, self.outside_next)):
                return True
        raise Refusal(
            503,
            "SandboxRestless",
            f"something is due again and again at {now.isoformat()}",
            hint="look at the deals of the sandbox that are due, and at the outside's undelivered webhooks",
            headers={"Retry-After": "5"},
        )

    async def _outside(self, now: datetime) -> bool:
        """Bring the outside to `now`. True: it had nothing to say."""
        moved = await self.outside.move(self.sandbox_id, now)
        self.outside_next = moved.next_at
        return moved.delivered == 0

    async def _deals(self, now: datetime) -> int | None:
        """Let every deal that is due do its work, side by side; how many there were. None: the time is used up."""
        async with self.database.session() as session:
            due = [row.id for row in await deals.due(session, self.sandbox_id, now)]
        gate = asyncio.Semaphore(SIDE_BY_SIDE)

        async def one(deal_id: str) -> bool:
            async with gate:
                while not await self.door.advance(deal_id, now):
                    if monotonic() > self.deadline:
                        return False
            return True

        done = await asyncio.gather(*(one(deal_id) for deal_id in due))
        return len(due) if all(done) else None

    async def _all_taken(self) -> bool:
        """Wait until every fact that the outside brought is recorded; then see when the deals have something to do next."""
        pause = GLANCE
        while True:
            async with self.database.session() as session:
                waiting = (await sql(session, _UNTAKEN, {"id": self.sandbox_id})).scalar_one()
                self.ours_next = await deals.next_due(session, self.sandbox_id)
            if not waiting:
                return True
            if monotonic() > self.deadline:
                return False
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_GLANCE)
