"""The post: an SMTP server that keeps every mail with its attachments, for all accounts together."""

from __future__ import annotations

import asyncio
import hashlib
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.behaviour import behaviour
from sandbox.instants import iso, wall
from sandbox.store import Data, Store, dumps, loads
from sandbox.world import World

PARTY = "mail"  # its name in the log and for faults; it has one book for all accounts


class Postbox:
    """aiosmtpd's handler: one accepted DATA is one row per recipient."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """`answer` of a recipient's behaviour is what their mailbox says; else it takes everything."""
        found = behaviour(self._world.store, PARTY, PARTY, address)
        if found is not None and (answer := str(found[1]["answer"])):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        raw = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        message = message_from_bytes(raw, policy=policy.default)
        message_id = str(message.get("Message-ID", ""))
        fault = self._world.faults.on_request(PARTY, message_id)
        if fault == "error":
            return "451 4.3.0 The sandbox fails on purpose"
        if fault == "slow":
            await asyncio.sleep(self._world.faults.slow_seconds)
        with self._world.store.transaction():
            for recipient in envelope.rcpt_tos:
                self._keep(envelope.mail_from or "", recipient, message_id, message, raw)
        return "451 4.4.2 The answer is lost on purpose" if fault == "lost" else "250 Kept"

    def _keep(self, sender: str, recipient: str, message_id: str, message: EmailMessage, raw: bytes) -> None:
        part = message.get_body(("plain", "html"))
        attachments = []
        for attached in message.iter_attachments():
            content = attached.get_payload(decode=True)
            content = content if isinstance(content, bytes) else b""
            digest = hashlib.sha256(content).hexdigest()
            attachments.append({"name": attached.get_filename() or "", "size": len(content), "sha256": digest})
        subject = str(message.get("Subject", ""))
        ref = self._world.store.run(
            "INSERT INTO mails (message_id, sender, recipient, subject, body, received_at, attachments, raw)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            message_id, sender, recipient, subject, part.get_content() if part else "", wall(), dumps(attachments), raw,
        )  # fmt: skip
        self._world.log(PARTY, PARTY, "mail.kept", subject=str(ref), message_id=message_id, to=recipient, title=subject)


def kept(store: Store, to: str = "", *, last: int | None = None) -> list[Data]:
    """All mails to one recipient (or to everybody), or the `last` of them; oldest first."""
    query = "SELECT * FROM mails WHERE ? = '' OR recipient = ? ORDER BY id DESC LIMIT ?"
    return [_summary(row) for row in reversed(store.all(query, to, to, -1 if last is None else last))]


def whole(store: Store, mail: int) -> Data | None:
    """One mail with its HTML part and its headers, by their names in lower case."""
    row = store.one("SELECT * FROM mails WHERE id = ?", mail)
    if row is None:
        return None
    message = message_from_bytes(row["raw"], policy=policy.default)
    part = message.get_body(("html",))
    headers = {name.lower(): str(value) for name, value in message.items()}
    return {**_summary(row), "html": part.get_content() if part else "", "headers": headers}


def _summary(row: Any) -> Data:
    return {
        "id": row["id"],
        "message_id": row["message_id"],
        "from": row["sender"],
        "to": row["recipient"],
        "subject": row["subject"],
        "body": row["body"],
        "received_at": iso(row["received_at"]),
        "attachments": loads(row["attachments"]),
    }


def attachment(store: Store, mail: int, number: int) -> bytes | None:
    """The bytes of one attachment, counted from 0."""
    row = store.one("SELECT raw FROM mails WHERE id = ?", mail)
    if row is None:
        return None
    attached = list(message_from_bytes(row["raw"], policy=policy.default).iter_attachments())
    if number >= len(attached):
        return None
    content: Any = attached[number].get_payload(decode=True)
    return bytes(content)


async def serve_mail(world: World, host: str, port: int) -> asyncio.Server:
    """Listen for SMTP in the running loop, so that the store has one user only."""
    loop = asyncio.get_running_loop()
    protocol = partial(
        SMTP, Postbox(world), hostname="sandbox", enable_SMTPUTF8=True, data_size_limit=64 * 2**20, loop=loop
    )
    return await loop.create_server(protocol, host, port)
