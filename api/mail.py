"""Mails leave as they were written by a step, with the paper they name; a sandbox's mail reaches only the sandbox's mail server.

A step writes `{{share:<id>}}` for a share link: its token is signed here, at the moment of sending, and kept nowhere.
"""

import re
from contextlib import suppress

from api.document import invoice_document, order_form_document, quote_document
from api.errors import Refusal
from api.lanes import Lane
from api.leaving import Ledger, NothingToTell, SandboxMailBlocked
from api.shares.token import Links
from gateways.ports import Mail, Mailer
from models.database import Database
from models.deal import DealRow
from models.outbox import MailRow
from models.share import ShareLinkRow

LANE = "mails"
MAILS = Ledger(MailRow, told="r.subject || ', to ' || r.to_")
_SHARE = re.compile(r"\{\{share:([a-z0-9_]{1,100})\}\}")


class Post:
    """Sends what the steps wrote. `for_sandboxes`: the mail server is the sandbox's own."""

    def __init__(self, database: Database, mailer: Mailer, links: Links, *, for_sandboxes: bool) -> None:
        self.database, self.mailer, self.links, self.for_sandboxes = database, mailer, links, for_sandboxes

    @property
    def lane(self) -> Lane:
        return Lane(name=LANE, waiting=lambda limit: MAILS.waiting(self.database, limit), send=self.send)

    async def send(self, row: MailRow) -> None:
        """Send one; a second delivery has the same Message-ID. Raises what the gateway raises, after noting it on the row."""
        await MAILS.leave(self.database, row.key, lambda: self._deliver(row))

    async def _deliver(self, row: MailRow) -> None:
        async with self.database.session() as session:
            deal = await session.get(DealRow, row.deal_id) if row.deal_id else None
        if deal is not None and deal.virtual and not self.for_sandboxes:
            raise SandboxMailBlocked("a sandbox's mail goes to the sandbox's mail server only")
        attachments = await self._attachments(row)
        body = await self._linked(row.body)
        mail = Mail(key=row.key, to=row.to_, subject=row.subject, body=body, sent_at=row.at, attachments=attachments)
        await self.mailer.send(mail)

    async def _linked(self, body: str) -> str:
        """The body with the addresses of its share links; what they show is rendered and kept by now."""
        for share_id in dict.fromkeys(_SHARE.findall(body)):
            async with self.database.session() as session:
                link = await session.get(ShareLinkRow, share_id)
            if link is None:
                raise NothingToTell(f"there is no share link {share_id}")
            with suppress(Refusal):  # a version that was replaced or withdrawn since: its page says so
                await quote_document(self.database, link.version_id)
            body = body.replace(f"{{{{share:{share_id}}}}}", self.links.url(link.id, link.content_hash))
        return body

    async def _attachments(self, row: MailRow) -> tuple[tuple[str, bytes], ...]:
        kind, _, id_ = row.attachment.partition(":")
        if kind == "invoice":
            invoice, document = await invoice_document(self.database, id_)
            return ((f"{invoice.number}.pdf", document.bytes),)
        if kind == "order_form":
            version, document = await order_form_document(self.database, id_)
            return ((f"order-form-{version.order_number}-{version.version}.pdf", document.bytes),)
        return ()
