"""What leaves us, mails and notices, is settled alike: sent, tried again ever later, or given up with the reason that was told.

At least once: a row is marked as sent after its channel took it, so one whose answer was lost, or whose relay died in
between, is sent again under the same Message-ID or mark.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy import TextClause, text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.store import sql
from gateways.ports import GatewayBusy, GatewayRefused
from models.database import Database
from models.leaving import WAITING, Leaving

LONGEST_ERROR = 500
LONGEST_PAUSE = 900.0  # seconds between two tries of one row
MOST_ATTEMPTS = 100  # with those pauses, a day: what could not be told in a day is told otherwise, or listed
UNDELIVERED, AGAIN = "undelivered", "sent_again"  # kinds of lines in the deal's timeline

T = TypeVar("T", bound=Leaving)


class NothingToTell(LookupError):
    """What it is about (its deal, its link, its template) is not there: no other try finds it."""


class SandboxMailBlocked(Exception):
    """The server is not the sandbox's: a play must not write to real people."""


DEFINITE = (GatewayRefused, NothingToTell, SandboxMailBlocked)  # another try ends the same way

# A virtual deal's row is dated by its step, a real one's by the wall.
DATE = "CASE WHEN (SELECT virtual FROM deals WHERE id = deal_id) THEN at ELSE now() END"
_DUE = text("(next_at IS NULL OR next_at <= now())")


class Ledger(Generic[T]):
    """One table of what leaves. As SQL: `told`, what a row `r` is, in words for the deal's timeline, and `listed`, whether
    its refusal is told there; `instead`: what is done where the row of `:key` was refused, in the same transaction.
    """

    def __init__(self, table: type[T], *, told: str, listed: str = "true", instead: TextClause | None = None) -> None:
        self._table, self._instead = table, instead
        name = str(table.__tablename__)
        self._sent = text(f"""
            UPDATE {name} SET error = '', sent_at = {DATE}, attempts = attempts + 1, next_at = NULL
             WHERE key = :key AND {WAITING}
        """)  # noqa: S608 - made of constants, as are the next ones
        # After 1, 2, 4 … 900 seconds, or when the channel says; refused for good, or after the last attempt, not again.
        self._failed = text(f"""
            UPDATE {name} SET error = :error, attempts = attempts + 1,
                   next_at = now() + make_interval(secs => greatest(:after, least(:longest, power(2, least(attempts, 20))))),
                   refused_at = CASE WHEN :definite OR attempts + 1 >= :most THEN {DATE} END
             WHERE key = :key AND {WAITING}
            RETURNING refused_at IS NOT NULL
        """)  # noqa: S608
        self._reopened = text(f"""
            UPDATE {name} SET refused_at = NULL, attempts = 0, next_at = NULL
             WHERE key = :key AND refused_at IS NOT NULL RETURNING key
        """)  # noqa: S608
        line = f"""
            INSERT INTO timeline (deal_id, turn, at, kind, actor, cause, text, subject_kind, subject_id)
            SELECT r.deal_id, d.turn, {DATE}, :kind, :actor, :cause, {told} || :ending, '', r.key
              FROM {name} r JOIN deals d ON d.id = r.deal_id WHERE r.key = :key
        """  # noqa: S608
        self._line, self._undelivered = text(line), text(f"{line} AND {listed}")

    async def waiting(self, database: Database, limit: int, *which: Any) -> Sequence[T]:
        """Rows whose time has come, those that never failed first, then the oldest."""
        table = self._table
        key = col(table.key)  # type: ignore[attr-defined] # every such table has one
        query = select(table).where(text(WAITING), _DUE, *which)
        async with database.session() as session:
            return (await session.exec(query.order_by(col(table.error) != "", col(table.at), key).limit(limit))).all()

    async def leave(self, database: Database, key: str, send: Callable[[], Awaitable[None]]) -> None:
        """Send a row and mark it. Raises what sending raises, after noting when it is tried again, or that it never is."""
        try:
            await send()
        except Exception as error:
            await self._trouble(database, key, error)
            raise
        async with database.transaction() as session:
            await sql(session, self._sent, {"key": key})

    async def _trouble(self, database: Database, key: str, error: Exception) -> None:
        said = str(error)[:LONGEST_ERROR] or type(error).__name__
        noted = {
            "key": key,
            "error": said,
            "definite": isinstance(error, DEFINITE),
            "after": error.after_seconds if isinstance(error, GatewayBusy) else 0.0,
            "longest": LONGEST_PAUSE,
            "most": MOST_ATTEMPTS,
        }
        async with database.transaction() as session:
            if not (await session.execute(self._failed, noted)).scalar_one_or_none():
                return
            words = {"kind": UNDELIVERED, "actor": "q2c", "cause": said, "ending": " could not be delivered"}
            await sql(session, self._undelivered, {"key": key, **words})
            if self._instead is not None:
                await sql(session, self._instead, {"key": key})

    async def again(self, session: AsyncSession, key: str, *, by: str) -> bool:
        """What was given up waits again, as if it were new. False: it was not given up, or is not here."""
        if (await session.execute(self._reopened, {"key": key})).scalar_one_or_none() is None:
            return False
        words = {"kind": AGAIN, "actor": by, "cause": "", "ending": " is sent again"}
        await sql(session, self._line, {"key": key, **words})
        return True
