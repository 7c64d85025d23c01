"""A customer at a share link in a world: reads the page, fills in its forms."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.inbox import outcome
from tests.world import World

BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}


@dataclass(kw_only=True)
class Reader:
    """Whoever has the deal's last link."""

    world: World
    path: str  # /q/{token}

    @classmethod
    async def of(cls, world: World, deal_id: str) -> Reader:
        """The link as the seller sees it; to the customer it comes by mail."""
        shares = await world.ask(f"/v1/deals/{deal_id}/shares")
        return cls(world=world, path=urlsplit(shares["links"][-1]["url"]).path)

    async def page(self) -> tuple[int, str]:
        """The page as it is now: its status and its HTML."""
        answer = await self.world.api.get(self.path, headers=BROWSER)
        return answer.status_code, answer.text

    async def form(self, action: str) -> str:
        """The nonce of a form that is on the page now."""
        _, page = await self.page()
        found = re.search(rf'/{action}">\s*<input type="hidden" name="nonce" value="([^"]+)"', page)
        assert found is not None, f"no form to {action}"
        return found[1]

    async def send(self, action: str, nonce: str = "", **form: str) -> str:
        """Send a form; what the page says then."""
        said = {"nonce": nonce or await self.form(action), **form}
        while True:  # as often as the page says that the deal is still at it
            answer = await self.world.api.post(f"{self.path}/{action}", data=said, headers=BROWSER)
            assert answer.status_code == 303, answer.text
            if (word := outcome(answer)) not in {"heard", "busy"}:
                return word
            await asyncio.sleep(0.05)

    async def accept(self, nonce: str = "", **form: str) -> str:
        return await self.send("accept", nonce, **{"name": "Gina Globex", "agree": "yes", **form})
