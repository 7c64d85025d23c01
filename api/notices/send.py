"""Notices leave as the steps wrote them, each by its own channel, at least once; a sandbox's reaches only the sandbox's servers.

At least once: a notice is marked as sent after its channel took it, so one whose answer was lost, or whose relay died in
between, is sent again under the same Message-ID or mark. Refused for good, it is settled at once, with the reason.
"""

from collections.abc import Sequence

from sqlalchemy import text
from sqlmodel import col, select

from api.mail import SandboxMailBlocked
from api.notices.chat import post
from api.notices.read import LinkUrl, Notice, read
from api.notices.render import NothingToTell, Text, render
from api.store import sql
from gateways.ports import Chat, ChatPost, GatewayBusy, GatewayRefused, Mail, Mailer
from models.approval import NoticeRow
from models.database import Database

MAIL, SLACK = "mail", "slack"
CHANNELS = (MAIL, SLACK)
LONGEST_ERROR = 500
# no deal, no link, no template; no channel; not for sandboxes: another try ends the same way
DEFINITE = (GatewayRefused, NothingToTell, SandboxMailBlocked)

LONGEST_PAUSE = 900.0  # seconds between two tries of one notice
MOST_ATTEMPTS = 100  # with those pauses, a day: who could not be told in a day is told otherwise, or listed

# A virtual deal's notice is dated by its step, a real one's by the wall.
_DATE = "CASE WHEN (SELECT virtual FROM deals WHERE id = deal_id) THEN at ELSE now() END"
_SENT = text(f"""
    UPDATE notices SET error = '', sent_at = {_DATE}, attempts = attempts + 1, next_at = NULL
    WHERE key = :key AND sent_at IS NULL
""")  # noqa: S608 - a constant of this file
# After 1, 2, 4 … 900 seconds, or when the channel says; refused for good, or after the last attempt, not again.
_FAILED = text(f"""
    UPDATE notices SET error = :error, attempts = attempts + 1,
           next_at = now() + make_interval(secs => greatest(:after, least(:longest, power(2, least(attempts, 20))))),
           refused_at = CASE WHEN :definite OR attempts + 1 >= :most THEN {_DATE} END
     WHERE key = :key AND sent_at IS NULL AND refused_at IS NULL
    RETURNING refused_at IS NOT NULL
""")  # noqa: S608 - a constant of this file
# What chat did not take goes by mail, unless that person was mailed this notice anyway: its key says so.
_MAILED_INSTEAD = text("""
    INSERT INTO notices (key, deal_id, person, channel, kind, language, payload, at, error, attempts)
    SELECT left(key, -length(channel)) || 'mail', deal_id, person, 'mail', kind, language, payload, at, '', 0
      FROM notices WHERE key = :key AND channel <> 'mail'
    ON CONFLICT (key) DO NOTHING
""")
_DUE = text("(next_at IS NULL OR next_at <= now())")


class Notifier:
    """Sends what the steps wrote. `sandbox_host`: where the sandbox's parties are; `for_sandboxes`: the mail server is one."""

    def __init__(
        self,
        database: Database,
        mailer: Mailer,
        chat: Chat,
        link_url: LinkUrl,
        *,
        for_sandboxes: bool,
        sandbox_host: str,
    ) -> None:
        self.database, self.mailer, self.chat, self.link_url = database, mailer, chat, link_url
        self.for_sandboxes, self.sandbox_host = for_sandboxes, sandbox_host

    async def waiting(self, channel: str, limit: int) -> Sequence[NoticeRow]:
        """Notices of a channel whose time has come, those that never failed first, then the oldest."""
        order = (col(NoticeRow.error) != "", col(NoticeRow.at), col(NoticeRow.key))
        open_ = (col(NoticeRow.sent_at).is_(None), col(NoticeRow.refused_at).is_(None), _DUE)
        query = select(NoticeRow).where(col(NoticeRow.channel) == channel, *open_)
        async with self.database.session() as session:
            return (await session.exec(query.order_by(*order).limit(limit))).all()

    async def send(self, row: NoticeRow) -> None:
        """Send one; a second delivery has the same Message-ID, or the same mark. Raises what the gateway raises, after
        noting on the row when it is tried again, or that it was refused for good.
        """
        try:
            async with self.database.session() as session:
                notice = await read(session, row, self.link_url)
            await self._deliver(row, notice, render(notice.told))
        except Exception as error:
            await self._failed(row, error)
            raise
        async with self.database.transaction() as session:
            await sql(session, _SENT, {"key": row.key})

    async def _failed(self, row: NoticeRow, error: Exception) -> None:
        """A notice that nobody will take is settled here and now, with its reason; where it was for chat, mail takes over."""
        noted = {
            "key": row.key,
            "error": str(error)[:LONGEST_ERROR] or type(error).__name__,
            "definite": isinstance(error, DEFINITE),
            "after": error.after_seconds if isinstance(error, GatewayBusy) else 0.0,
            "longest": LONGEST_PAUSE,
            "most": MOST_ATTEMPTS,
        }
        async with self.database.transaction() as session:
            settled = (await session.execute(_FAILED, noted)).scalar_one_or_none()
            if settled:
                await sql(session, _MAILED_INSTEAD, {"key": row.key})

    async def _deliver(self, row: NoticeRow, notice: Notice, said: Text) -> None:
        if row.channel == SLACK:
            if not notice.slack:
                raise GatewayRefused(f"slack: {row.person} has no channel")
            if notice.virtual and self.chat.reaches(notice.slack) not in ("", self.sandbox_host):
                raise SandboxMailBlocked("a sandbox's notices go to the sandbox's channels only")
            fallback, blocks = post(said)
            await self.chat.post(ChatPost(key=row.key, channel=notice.slack, text=fallback, blocks=blocks))
            return
        if notice.virtual and not self.for_sandboxes:
            raise SandboxMailBlocked("a sandbox's mail goes to the sandbox's mail server only")
        mail = Mail(
            key=row.key,
            to=row.person,
            subject=said.subject,
            body=said.mail(),
            html=said.html(),
            reply_to=notice.reply_to,
            sent_at=row.at,
        )
        await self.mailer.send(mail)
