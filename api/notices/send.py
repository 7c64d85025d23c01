"""Notices leave as the steps wrote them, each by its own channel; a sandbox's notice reaches only the sandbox's own servers."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlmodel import col, select

from api.mail import SandboxMailBlocked
from api.notices.read import LinkUrl, Notice, read
from api.notices.render import Text, render
from api.store import sql
from gateways.ports import Chat, ChatPost, GatewayRefused, Mail, Mailer
from models.approval import NoticeRow
from models.database import Database

MAIL, SLACK = "mail", "slack"
CHANNELS = (MAIL, SLACK)
LONGEST_ERROR = 500

# A virtual deal's notice is dated by its step, a real one's by the wall.
_SENT = text("""
    UPDATE notices SET error = '', sent_at = CASE WHEN :virtual THEN at ELSE now() END
    WHERE key = :key AND sent_at IS NULL
""")
_FAILED = text("UPDATE notices SET error = :error WHERE key = :key AND sent_at IS NULL")


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
        """Unsent notices of a channel, those that never failed first, then the oldest."""
        order = (col(NoticeRow.error) != "", col(NoticeRow.at), col(NoticeRow.key))
        query = select(NoticeRow).where(col(NoticeRow.sent_at).is_(None), col(NoticeRow.channel) == channel)
        async with self.database.session() as session:
            return (await session.exec(query.order_by(*order).limit(limit))).all()

    async def send(self, row: NoticeRow) -> None:
        """Send one; a second delivery has the same Message-ID, or the same mark. Raises what the gateway raises, after noting it on the row."""
        try:
            async with self.database.session() as session:
                notice = await read(session, row, self.link_url)
            await self._deliver(row, notice, render(notice.told))
        except Exception as error:
            async with self.database.transaction() as session:
                await sql(session, _FAILED, {"key": row.key, "error": str(error)[:LONGEST_ERROR]})
            raise
        async with self.database.transaction() as session:
            await sql(session, _SENT, {"key": row.key, "virtual": notice.virtual})

    async def _deliver(self, row: NoticeRow, notice: Notice, said: Text) -> None:
        if row.channel == SLACK:
            if not notice.slack:
                raise GatewayRefused(f"slack: {row.person} has no channel")
            if notice.virtual and self.chat.reaches(notice.slack) not in ("", self.sandbox_host):
                raise SandboxMailBlocked("a sandbox's notices go to the sandbox's channels only")
            fallback, blocks = said.post()
            await self.chat.post(ChatPost(key=row.key, channel=notice.slack, text=fallback, blocks=blocks))
            return
        if notice.virtual and not self.for_sandboxes:
            raise SandboxMailBlocked("a sandbox's mail goes to the sandbox's mail server only")
        mail = Mail(key=row.key, to=row.person, subject=said.subject, body=said.mail(), sent_at=row.at)
        await self.mailer.send(mail)
