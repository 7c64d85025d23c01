"""The clock of the outside parties: in a sandbox it moves with ours, and says when the outside has something to say next."""

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx

from api.errors import Refusal

SLOWEST = 60.0  # seconds: one move may deliver many webhooks


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideClock:
    """Where one account's outside stands; `next_at` None: nothing is in store. `delivered`: webhooks of this move."""

    now: datetime | None
    next_at: datetime | None
    delivered: int = 0


class Outside:
    """Speaks to the control of the sandbox parties at `url`. Their account is the legal entity's id."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._client = httpx.AsyncClient(base_url=f"{parts.scheme}://{parts.netloc}", timeout=SLOWEST, trust_env=False)

    async def clock(self, account: str) -> OutsideClock:
        """Where the account's clock stands. Raises a 503 refusal where the outside does not answer."""
        return _read(await self._ask("GET", account))

    async def move(self, account: str, to: datetime) -> OutsideClock:
        """Move it, with all that is in store up to then; webhooks are delivered before this returns."""
        return _read(await self._ask("POST", account, to))

    async def _ask(self, method: str, account: str, to: datetime | None = None) -> dict[str, object]:
        try:
            if to is None:
                response = await self._client.request(method, "/control/clock", params={"account": account})
            else:
                body = {"account": account, "to": to.isoformat()}
                response = await self._client.request(method, "/control/clock", json=body)
        except httpx.HTTPError as error:
            raise _silent() from error
        if response.status_code != httpx.codes.OK:
            raise _silent()
        found: dict[str, object] = response.json()
        return found

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _silent() -> Refusal:
    return Refusal(
        503,
        "OutsideSilent",
        "the sandbox's outside parties do not answer",
        hint="start them, or ask again in a moment",
        headers={"Retry-After": "2"},
    )


def _read(body: dict[str, object]) -> OutsideClock:
    said = body.get("delivered")
    return OutsideClock(
        now=_at(body.get("now")), next_at=_at(body.get("next_at")), delivered=said if isinstance(said, int) else 0
    )


def _at(text: object) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if isinstance(text, str) and text else None
