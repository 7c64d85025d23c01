"""Chat over Slack-compatible incoming webhooks: one JSON message per post; an address is a secret and is never told in an error."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import quote, urlsplit

import httpx

from gateways.http import PASSING
from gateways.ports import ChatPost, GatewayBusy, GatewayRefused, GatewayUnavailable

TIMEOUT_SECONDS = 5
LONGEST_REASON = 100
LONGEST_PAUSE = 3600.0  # seconds: a Retry-After that says more is a mistake, and asking again tells
_NAME = re.compile(r"@?[\w-][\w.-]{0,79}")
PERSON = "@"  # begins the name of a direct message, which one person reads; any other channel is read by others too
PLACE = "{channel}"  # where the channel's name goes in an address that has one for each channel


def http_client() -> httpx.AsyncClient:
    """Connections of one process and event loop; no redirect is followed: a webhook has none."""
    return httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False, follow_redirects=False)


def mark_of(key: str) -> str:
    """The `block_id` of a post's first block, made of our key: a second delivery has the same one."""
    return f"q2c-{hashlib.sha256(key.encode()).hexdigest()[:40]}"


class SlackHooks:
    """The Chat port.

    `url` is the webhook for every channel that has none of its own in `of_channel`: with `{channel}` in it, or one for
    a whole workspace, which reads the channel from the message (as Mattermost, Rocket.Chat and older Slack hooks do).
    """

    def __init__(
        self, url: str, *, of_channel: Mapping[str, str] | None = None, client: httpx.AsyncClient | None = None
    ) -> None:
        self._url = url
        self._of_channel = {plain(name): own for name, own in (of_channel or {}).items()}
        self._client = client or http_client()

    def reaches(self, channel: str) -> str:
        """The host that a post to this channel would go to; empty: there is no webhook for it."""
        try:
            return urlsplit(self._address(channel)).hostname or ""
        except ValueError:
            return ""

    def is_personal(self, channel: str) -> bool:
        """A direct message (`@dana`) by a webhook for it alone. One for a whole workspace is not trusted to keep to the
        channel that a message names: Slack's own do not.
        """
        name = plain(channel)
        return name.startswith(PERSON) and (name in self._of_channel or PLACE in self._url)

    async def post(self, message: ChatPost) -> None:
        """Raises GatewayUnavailable where it may have arrived or another try may help (GatewayBusy: when), GatewayRefused otherwise."""
        address = self._address(message.channel)
        if not self.reaches(message.channel):
            raise GatewayRefused(f"slack: no webhook for channel {plain(message.channel)!r}")
        first, *others = message.blocks
        name = plain(message.channel)
        body = {
            "channel": name if name.startswith(PERSON) else f"#{name}",
            "text": message.text,
            "blocks": [{**first, "block_id": mark_of(message.key)}, *others],
            "unfurl_links": False,
        }
        try:
            response = await self._client.post(address, json=body, headers={"idempotency-key": mark_of(message.key)})
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            raise GatewayRefused("slack: the webhook's address is none") from None
        except httpx.HTTPError as lost:
            raise GatewayUnavailable(f"slack: {type(lost).__name__}") from lost
        _read(response)

    def _address(self, channel: str) -> str:
        name = plain(channel)
        if not _NAME.fullmatch(name):
            return ""
        return self._of_channel.get(name) or self._url.replace(PLACE, quote(name, safe=""))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _read(response: httpx.Response) -> None:
    status = response.status_code
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in PASSING:
        after = retry_after(response.headers.get("retry-after", ""), datetime.now(tz=UTC))
        if after:
            raise GatewayBusy(f"slack: status {status}, come back in {after:.0f} s", after_seconds=after)
        raise GatewayUnavailable(f"slack: status {status}")
    if status != HTTPStatus.OK:
        raise GatewayRefused(f"slack: {status} {response.text[:LONGEST_REASON]}")


def retry_after(said: str, now: datetime) -> float:
    """The seconds that a `Retry-After` asks for, an hour at most; 0: it asks for none that we understand.

    >>> now = datetime(2027, 3, 1, 9, 0, 0, tzinfo=UTC)
    >>> [retry_after(said, now) for said in ("30", "Mon, 01 Mar 2027 09:00:05 GMT", "99999", "-3", "soon", "")]
    [30.0, 5.0, 3600.0, 0.0, 0.0, 0.0]
    """
    said = said.strip()
    try:
        seconds = float(said) if said.isdecimal() else (parsedate_to_datetime(said) - now).total_seconds()
    except (ValueError, TypeError):  # TypeError: a date without a zone
        return 0.0
    return min(LONGEST_PAUSE, max(0.0, seconds))


def plain(channel: str) -> str:
    """A channel's name as addresses have it; a person's keeps its sign.

    >>> plain("#Deal-Desk "), plain("@Dana")
    ('deal-desk', '@dana')
    """
    return channel.strip().removeprefix("#").lower()
