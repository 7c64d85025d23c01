"""What a crash left behind is delivered: drafts, facts, mails, notices, events. One relay at a time, by an advisory lock; each thing backs off alone."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from time import monotonic

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col, select

from api.approving.told import deliver
from api.approving.world import reseat_for_sure
from api.deal import deliver_draft
from api.door import Door
from api.inbox import tell
from api.lanes import BATCH, Backoff, Lanes
from api.mail import LANE as MAILS
from api.mail import Post
from api.notices.send import Notifier
from api.store import sql
from models import outbox
from models.approval import LinkMessageRow
from models.database import Database
from models.directory import SeatChangeRow
from models.outbox import InboxRow
from models.quote import QuoteDraftRow

log = structlog.get_logger(__name__)

PAUSE = 1.0  # seconds between two rounds
STANDBY = 5.0  # seconds between two looks at a lock that another process holds
LONGEST_ASIDE = 30.0  # seconds that mails wait for a clock that moves and moves
AT_ONCE = 8  # deals that are told something at the same time: each may take as long as the door's patience

_TAKE = text("SELECT pg_try_advisory_lock(hashtextextended('q2c/relay', 4))")
_GIVE = text("SELECT pg_advisory_unlock(hashtextextended('q2c/relay', 4))")
_ALIVE = text("SELECT 1")
_DELIVERED = text("UPDATE outbox SET delivered_at = now() WHERE id = ANY(:ids) AND delivered_at IS NULL")
_LATE_DRAFT = text("quote_drafts.created_at < now() - interval '3 seconds'")
_LATE_WORD = text("link_messages.created_at < now() - interval '3 seconds'")
_LATE_CHANGE = text("seat_changes.recorded_at < now() - interval '3 seconds'")
_LATE_FACT = text(
    "(inbox.status = 'new' AND inbox.recorded_at < now() - interval '2 seconds')"
    " OR (inbox.status = 'signalled' AND inbox.recorded_at < now() - interval '30 seconds')"
)


async def _give_back(connection: AsyncConnection) -> None:
    """The lock goes with its connection where it cannot be given back; a cancellation under way is not lost over that."""
    try:
        await connection.execute(_GIVE)
    except Exception:  # noqa: BLE001 - whatever ails the connection, it is not used again
        await connection.invalidate()


class Relay:
    """The background task of the API process."""

    def __init__(self, database: Database, door: Door, post: Post, notifier: Notifier) -> None:
        self.database, self.door = database, door
        self.backoff = Backoff()
        self.lanes = Lanes((post.lane, *notifier.lanes))
        self._moving = 0
        self._mails_at = monotonic()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """While a sandbox's clock moves in this process, mails wait: the move is waited for, and their papers take its CPU.

        Notices have no paper: they leave as the clock moves.
        """
        self._moving += 1
        try:
            yield
        finally:
            self._moving -= 1

    async def run(self) -> None:
        """Until cancelled: hold the lock, deliver what waits, pause. A lost database is waited for."""
        while True:
            try:
                await self._hold()
            except Exception as error:  # noqa: BLE001 - the relay outlives every failure; it is logged
                log.warning("relay interrupted", error=str(error), kind=type(error).__name__)
            await asyncio.sleep(STANDBY)

    async def _hold(self) -> None:
        async with self.database.engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            if not (await connection.execute(_TAKE)).scalar_one():
                return
            try:
                while True:
                    await connection.execute(_ALIVE)  # the lock is as alive as its connection
                    if not await self.once():
                        await asyncio.sleep(PAUSE)
            finally:
                await self.lanes.stop()
                await _give_back(connection)

    async def once(self) -> bool:
        """One round over all that waits. True: there was a full batch of something, so there is probably more."""
        first = [await part() for part in (self._drafts, self._said, self._seats, self._facts)]
        full = [await part() for part in (self._sending, self._events)]
        return any(first + full)

    async def _sending(self) -> bool:
        """Notices and mails; no mails while a clock moves, unless it moves for long."""
        if self._moving and monotonic() - self._mails_at < LONGEST_ASIDE:
            return await self.lanes.round(without=MAILS)
        self._mails_at = monotonic()
        return await self.lanes.round()

    async def _each(self, key: str, what: str, work: Callable[[], Awaitable[None]]) -> bool:
        """Do one thing; where it fails, say so and come back to it later. True: it was done."""
        if not self.backoff.due(key):
            return False
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - one thing that fails must not hold the others up
            self.backoff.failed(key)
            log.warning("not delivered", what=what, key=key, error=str(error), kind=type(error).__name__)
            return False
        self.backoff.done(key)
        return True

    async def _side_by_side(self, what: str, things: Sequence[tuple[str, str, Callable[[], Awaitable[None]]]]) -> None:
        """Things by deal and key. A deal that does not answer holds up only what is its own, which keeps its order."""
        by_deal: dict[str, list[tuple[str, Callable[[], Awaitable[None]]]]] = {}
        for deal_id, key, work in things:
            by_deal.setdefault(deal_id, []).append((key, work))
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(mine: list[tuple[str, Callable[[], Awaitable[None]]]]) -> None:
            async with gate:
                for key, work in mine:
                    await self._each(key, what, work)

        await asyncio.gather(*(one(mine) for mine in by_deal.values()))

    async def _drafts(self) -> bool:
        query = select(QuoteDraftRow).where(col(QuoteDraftRow.delivered_at).is_(None), _LATE_DRAFT)
        async with self.database.session() as session:
            rows = (await session.exec(query.order_by(col(QuoteDraftRow.created_at)).limit(BATCH))).all()
        await self._side_by_side("draft", [(row.deal_id, row.id, partial(self._draft, row)) for row in rows])
        return False

    async def _draft(self, row: QuoteDraftRow) -> None:
        answer = await deliver_draft(self.database, self.door, row)
        log.info("draft delivered late", draft_id=row.id, deal_id=row.deal_id, verdict=answer.verdict if answer else "")

    async def _said(self) -> bool:
        """What people said by one-click links, where a crash came before the deal was told."""
        table = LinkMessageRow
        query = select(table).where(col(table.told_at).is_(None), _LATE_WORD).order_by(col(table.created_at))
        async with self.database.session() as session:
            rows = (await session.exec(query.limit(BATCH))).all()
        await self._side_by_side("decision", [(row.deal_id, row.ref, partial(self._word, row)) for row in rows])
        return False

    async def _word(self, row: LinkMessageRow) -> None:
        answer = await deliver(self.database, self.door, row)
        log.info("decision told late", deal_id=row.deal_id, ref=row.ref, verdict=answer.verdict if answer else "")

    async def _seats(self) -> bool:
        """Who decides, where somebody is away, is back, left, or is in other groups: also what was just being asked then."""
        query = select(SeatChangeRow).where(col(SeatChangeRow.told_at).is_(None), _LATE_CHANGE)
        async with self.database.session() as session:
            rows = (await session.exec(query.order_by(col(SeatChangeRow.recorded_at)).limit(BATCH))).all()
        for row in rows:
            await self._each(f"seats/{row.id}", "seats", partial(reseat_for_sure, self.database, self.door, row))
        return False

    async def _facts(self) -> bool:
        async with self.database.session() as session:
            query = (
                select(InboxRow).where(_LATE_FACT).order_by(col(InboxRow.received_at), col(InboxRow.id)).limit(BATCH)
            )
            rows = (await session.exec(query)).all()
        told = [(row.deal_id or row.id, row.id, partial(tell, self.database, self.door, row)) for row in rows]
        await self._side_by_side("fact", told)
        return False

    async def _events(self) -> bool:
        """Nobody subscribes yet: an event is delivered by being written to the log, in its order, at least once."""
        async with self.database.session() as session:
            rows = await outbox.undelivered(session, BATCH)
        for row in rows:
            log.info("event", key=row.key, topic=row.topic, deal_id=row.deal_id, at=row.at.isoformat())
        if rows:
            async with self.database.transaction() as session:
                await sql(session, _DELIVERED, {"ids": [row.id for row in rows]})
        return len(rows) == BATCH
