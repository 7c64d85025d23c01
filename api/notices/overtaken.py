"""An ask that came to nothing while it waited to be sent (after an outage, say) is not sent: nobody is told to do what is done.

A sandbox's asks are all sent: there an outage is as long as its clock says, and a clock that jumps is none.
"""

from typing import Any

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from api.leaving import DATE
from api.store import sql
from models.approval import NoticeRow
from models.database import Database

ASKS = ("ask", "remind", "escalate")

# Is it answered, withdrawn, replaced or moved to somebody else? A seat is spoken for by its holder's vote; a group that
# is too large for seats is asked as long as it waits, but for who voted.
_DONE = text("""
    SELECT NOT d.virtual AND NOT EXISTS (
        SELECT FROM approval_requests r
         WHERE r.deal_id = d.id AND r.order_number = :order AND r.version = :version AND r.status = 'asked'
           AND r.group_name = ANY(CAST(:groups AS text[]))
           AND (r.anyone OR EXISTS (SELECT FROM jsonb_array_elements(r.seats) s WHERE s ->> 'holder' = lower(:person)))
           AND NOT EXISTS (
               SELECT FROM approval_votes v WHERE v.request_id = r.id AND v.by = lower(:person) AND v.verb <> 'delegate'
                  AND (r.anyone OR NOT EXISTS (
                      SELECT FROM jsonb_array_elements(r.seats) s
                       WHERE s ->> 'holder' = lower(:person) AND s ->> 'member' <> ALL (v.members)))))
      FROM deals d WHERE d.id = :deal
""")
# Does a later one wait as well, that asks for all of it?
_SAID_LATER = text("""
    SELECT EXISTS (
        SELECT FROM notices n JOIN deals d ON d.id = n.deal_id
         WHERE n.deal_id = :deal AND n.person = :person AND n.channel = :channel AND n.kind = ANY(CAST(:kinds AS text[]))
           AND n.sent_at IS NULL AND n.refused_at IS NULL AND (n.at, n.key) > (:at, :key) AND NOT d.virtual
           AND n.payload @> jsonb_build_object('order_number', CAST(:order AS int), 'version', CAST(:version AS int))
           AND ARRAY(SELECT each ->> 'group' FROM jsonb_array_elements(n.payload -> 'asks') each) @> CAST(:groups AS text[]))
""")
_SETTLED = text(f"""
    UPDATE notices SET overtaken = true, error = :why, refused_at = {DATE}, next_at = NULL
     WHERE key = :key AND sent_at IS NULL AND refused_at IS NULL
""")  # noqa: S608 - made of constants


async def overtaken(database: Database, row: NoticeRow) -> bool:
    """Settle an ask that nobody waits for any more, with the reason. False: it is to be sent."""
    if row.kind not in ASKS:
        return False
    async with database.session() as session:
        why = await _why(session, row)
    if why:
        async with database.transaction() as session:
            await sql(session, _SETTLED, {"key": row.key, "why": why})
    return bool(why)


async def _why(session: AsyncSession, row: NoticeRow) -> str:
    said: dict[str, Any] = row.payload
    about = {
        "deal": row.deal_id,
        "person": row.person,
        "order": int(said.get("order_number") or 0),
        "version": int(said.get("version") or 0),
        "groups": [str(each.get("group", "")) for each in said.get("asks") or ()],
    }
    if (await session.execute(_DONE, about)).scalar_one_or_none():
        return "nobody waits for this answer any more"
    later = {**about, "channel": row.channel, "kinds": list(ASKS), "at": row.at, "key": row.key}
    return "a later notice says it as well" if (await session.execute(_SAID_LATER, later)).scalar_one() else ""
