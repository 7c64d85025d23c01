"""What the tests of share pages share: a quote shown to its customer by a link, and a customer who fills in its forms."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from sqlalchemy import text

from tests.api.house import DRAFT, House
from tests.inbox import outcome

READER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}
LINES = [{"product": "team", "quantity": 20}]
ALTERNATIVES = [
    {"name": "good", "lines": LINES},
    {"name": "better", "recommended": True, "lines": [{"product": "team", "quantity": 40, "discount_percent": "10"}]},
    {"name": "best", "lines": [{"product": "team", "quantity": 100}], "term_months": 24},
]
_TABLES = text(
    "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY 1"
)

# a deal that was approved or accepted goes on at the gateways after its command was answered
_DUE = (
    "SELECT count(*) FROM deals d JOIN legal_entities e ON e.id = d.entity_id"
    " WHERE d.parked = '' AND d.next_at <= coalesce(e.clock_at, now())"
)


@dataclass(kw_only=True)
class Shown:
    """A deal whose version the customer has before them."""

    house: House
    deal_id: str
    version_id: str
    share_id: str
    path: str  # /q/{token}

    async def get(self, path: str = "", *, headers: dict[str, str] | None = None, **params: str) -> httpx.Response:
        return await self.house.client.get(self.path + path, params=params or None, headers=headers or READER)

    async def nonce(self, action: str) -> str:
        """The one that the page's form carries."""
        page = (await self.get()).text
        found = re.search(
            rf'action="{re.escape(self.path)}/{action}">\s*<input type="hidden" name="nonce" value="([^"]+)"', page
        )
        assert found is not None, f"no form to {action}"
        return found[1]

    async def send(self, action: str, nonce: str = "", **form: str) -> httpx.Response:
        """Fill in a form and send it; not following the redirect."""
        said = {"nonce": nonce or await self.nonce(action), **form}
        return await sent(self.house, f"{self.path}/{action}", said)

    async def accept(self, nonce: str = "", **form: str) -> httpx.Response:
        return await self.send("accept", nonce, **{"name": "Gina Globex", "agree": "yes", **form})

    async def status(self) -> str:
        return str(await one(self.house, "SELECT status FROM quote_versions WHERE id = :id", id=self.version_id))

    async def timeline(self) -> list[tuple[str, str]]:
        """Who and what, in order."""
        found = await rows(
            self.house, "SELECT actor, text FROM timeline WHERE deal_id = :id ORDER BY id", id=self.deal_id
        )
        return [(actor, said) for actor, said in found]


async def sent(house: House, path: str, form: dict[str, str]) -> httpx.Response:
    """A form that is sent, and sent again for as long as the page says that the deal is still at it."""
    while outcome(answer := await house.client.post(path, data=form, headers=READER)) in {"heard", "busy"}:
        await asyncio.sleep(0.05)
    return answer


async def rows(house: House, query: str, **values: Any) -> list[Any]:
    async with house.database.session() as session:
        return [tuple(row) for row in (await session.execute(text(query), values)).all()]


async def one(house: House, query: str, **values: Any) -> Any:
    ((value,),) = await rows(house, query, **values)
    return value


async def books(house: House) -> dict[str, str]:
    """A hash of every table, once no deal has anything left to do: two equal looks mean that nothing was written between."""
    await until(house, _DUE, 0)
    names = [name for (name,) in await rows(house, str(_TABLES))]
    each = (
        f"SELECT '{name}', coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {name} t"  # noqa: S608
        for name in names
    )
    return dict(await rows(house, " UNION ALL ".join(each)))


async def until(house: House, query: str, expected: Any, **values: Any) -> None:
    """Wait until the books say so; the test's own time-out ends a wait in vain."""
    while (found := await rows(house, query, **values)) != [(expected,)]:
        assert found or expected is not None
        await asyncio.sleep(0.02)


async def shown(house: House, account_id: str, **changes: Any) -> Shown:
    """A deal that was opened, submitted and presented; its link as the seller reads it from the API."""
    draft = {name: value for name, value in DRAFT.items() if not (name == "lines" and "alternatives" in changes)}
    said = {"name": "Globex: 20 seats", "account_id": account_id, "draft": {**draft, "delivery": "link", **changes}}
    opened = await house.as_["sales"].post("/v1/deals", said)
    assert opened.status_code == 201, opened.text
    deal_id = opened.json()["id"]
    await house.submit(deal_id)
    await until(house, "SELECT status FROM quote_versions WHERE deal_id = :id", "presented", id=deal_id)
    shares = (await house.as_["finance"].get(f"/v1/deals/{deal_id}/shares")).json()
    (link,) = shares["links"]
    return Shown(
        house=house,
        deal_id=deal_id,
        version_id=link["version_id"],
        share_id=link["id"],
        path=urlsplit(link["url"]).path,
    )
