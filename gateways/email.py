"""Mail over SMTP: the Message-ID is made of our key, so a second delivery of the same mail is recognisable."""

from __future__ import annotations

import hashlib
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

import aiosmtplib

from gateways.ports import GatewayRefused, GatewayUnavailable, Mail

TIMEOUT_SECONDS = 10
PERMANENT = 500  # RFC 5321: answers from here on are final
# what a server says of us, whatever the mail: its greeting, our name, our password, our sender's address
_US = (
    aiosmtplib.SMTPConnectResponseError,
    aiosmtplib.SMTPHeloError,
    aiosmtplib.SMTPAuthenticationError,
    aiosmtplib.SMTPSenderRefused,
)


def message_id(key: str, sender: str) -> str:
    """`<hash of the key@the sender's domain>`: a key may hold characters that a Message-ID may not."""
    domain = parseaddr(sender)[1].partition("@")[2] or "localhost"
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{domain}>"


class SmtpMailer:
    """The Mailer port."""

    def __init__(self, *, host: str, port: int, sender: str) -> None:
        self._host, self._port, self._sender = host, port, sender

    async def send(self, mail: Mail) -> None:
        """Raises GatewayRefused where this mail is refused for good (5xx to its recipient or its text), GatewayUnavailable
        for 4xx answers, lost connections, and a server that refuses us altogether: that is mended there, not in the mail.
        """
        try:
            await aiosmtplib.send(
                self._message(mail), hostname=self._host, port=self._port, timeout=TIMEOUT_SECONDS, start_tls=None
            )
        except aiosmtplib.SMTPRecipientsRefused as refused:
            said = "mail: " + "; ".join(f"{one.code} {one.message}" for one in refused.recipients)
            if all(one.code >= PERMANENT for one in refused.recipients):
                raise GatewayRefused(said) from refused
            raise GatewayUnavailable(said) from refused
        except aiosmtplib.SMTPNotSupported as lacking:  # an address that this server cannot write to
            raise GatewayRefused(f"mail: {lacking}") from lacking
        except _US as answered:
            raise GatewayUnavailable(f"mail: {answered.code} {answered.message}") from answered
        except aiosmtplib.SMTPResponseException as answered:
            if answered.code >= PERMANENT:
                raise GatewayRefused(f"mail: {answered.code} {answered.message}") from answered
            raise GatewayUnavailable(f"mail: {answered.code} {answered.message}") from answered
        except (aiosmtplib.SMTPException, OSError) as lost:
            raise GatewayUnavailable(f"mail: {lost}") from lost

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = mail.to
        message["Subject"] = mail.subject
        message["Date"] = format_datetime(mail.sent_at)
        message["Message-ID"] = message_id(mail.key, self._sender)
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers it
        if mail.reply_to:
            message["Reply-To"] = mail.reply_to
        message.set_content(mail.body)
        if mail.html:
            message.add_alternative(mail.html, subtype="html")
        for name, content in mail.attachments:
            message.add_attachment(content, maintype="application", subtype="pdf", filename=name)
        return message
