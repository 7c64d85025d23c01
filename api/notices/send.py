"""Notices leave as the steps wrote them, each by its own channel; a sandbox's reaches only the sandbox's servers."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from sqlalchemy import text
from sqlmodel import col

from api.lanes import Lane
from api.leaving import Ledger, SandboxMailBlocked
from api.notices.chat import post
from api.notices.overtaken import overtaken
from api.notices.read import LinkUrl, Notice, read
from api.notices.render import Text, render
from gateways.ports import Chat, ChatPost, GatewayRefused, Mail, Mailer
from models.approval import NoticeRow
from models.database import Database

MAIL, SLACK = "mail", "slack"
CHANNELS = (MAIL, SLACK)
# What chat did not take goes by mail, unless that person was mailed this notice anyway: its key says so.
_MAILED_INSTEAD = text("""
    INSERT INTO notices (key, deal_id, person, channel, kind, language, payload, at, error, attempts, overtaken)
    SELECT left(key, -length(channel)) || 'mail', deal_id, person, 'mail', kind, language, payload, at, '', 0, false
      FROM notices WHERE key = :key AND channel <> 'mail'
    ON CONFLICT (key) DO NOTHING
""")
NOTICES = Ledger(
    NoticeRow,
    told="'notice (' || r.kind || ') to ' || r.person",
    listed="r.channel = 'mail'",
    instead=_MAILED_INSTEAD,
)


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

    @property
    def lanes(self) -> Sequence[Lane]:
        return [
            Lane(name=f"notices/{channel}", waiting=partial(self._waiting, channel), send=self.send)
            for channel in CHANNELS
        ]

    async def _waiting(self, channel: str, limit: int) -> Sequence[NoticeRow]:
        return await NOTICES.waiting(self.database, limit, col(NoticeRow.channel) == channel)

    async def send(self, row: NoticeRow) -> None:
        """Send one, if anybody still waits for it; a second delivery has the same Message-ID, or the same mark.

        Raises what the gateway raises, after noting on the row when it is tried again, or that it was refused for good.
        """
        await NOTICES.leave(self.database, row.key, lambda: self._told(row))

    async def _told(self, row: NoticeRow) -> None:
        if await overtaken(self.database, row):
            return
        async with self.database.session() as session:
            notice = await read(session, row, self.link_url)
        told = notice.told
        if row.channel == SLACK and not (notice.is_theirs and self.chat.is_personal(notice.slack)):
            told = replace(told, link="", link_by_mail=bool(told.link), reader=notice.reader)
        await self._deliver(row, notice, render(told))

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
