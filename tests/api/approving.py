"""What the tests of one-click links share: a version that waits for approval, its people, a link, and somebody who fills in forms."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from api.approving.token import DecisionLinks
from models.approval import DecisionLinkRow
from tests.api.house import House
from tests.api.sharing import READER, one, sent, until

PEOPLE: list[dict[str, Any]] = [
    {"email": "dana@acme.example", "name": "Dana Desk", "groups": ["sales_manager"], "manager": "vera@acme.example"},
    {"email": "denis@acme.example", "name": "Denis Fabre", "groups": ["sales_manager"], "language": "fr"},
    {"email": "vera@acme.example", "name": "Vera Vice", "groups": ["vp"]},
    {"email": "sam@acme.example", "name": "Sam Sales", "groups": ["sales", "sales_manager"]},
    {"email": "olga@acme.example", "name": "Olga Outside", "groups": []},
]
DISCOUNTED = [{"product": "team", "quantity": 20, "discount_percent": "20"}]


@dataclass(kw_only=True)
class Asked:
    """A deal whose version waits for approval, and one person's link to it."""

    house: House
    deal_id: str
    person: str
    link_id: str
    path: str  # /a/{token}

    async def get(self, *, headers: dict[str, str] | None = None, **params: str) -> httpx.Response:
        return await self.house.client.get(self.path, params=params or None, headers=headers or READER)

    async def nonce(self, verb: str) -> str:
        """The one that the page's form for this verb carries."""
        page = (await self.get()).text
        found = re.search(rf'name="verb" value="{verb}"><input type="hidden" name="nonce" value="([^"]+)"', page)
        assert found is not None, f"no form to {verb}"
        return found[1]

    async def send(self, verb: str, nonce: str = "", **form: str) -> httpx.Response:
        """Fill in a form and send it; not following the redirect."""
        said = {"verb": verb, "nonce": nonce or await self.nonce(verb), **form}
        return await sent(self.house, self.path, said)

    async def status(self, version: int = 1) -> str:
        query = "SELECT status FROM quote_versions WHERE deal_id = :id AND version = :version"
        return str(await one(self.house, query, id=self.deal_id, version=version))

    async def spent_on(self) -> str:
        return str(await one(self.house, "SELECT used_ref FROM decision_links WHERE id = :id", id=self.link_id))

    async def for_(self, person: str, **changes: Any) -> Asked:
        """Another person's link to the same version."""
        return await linked(self.house, self.deal_id, person, **changes)


async def people(house: House) -> None:
    """Those who are asked, and some who are not."""
    for each in PEOPLE:
        made = await house.as_["admin"].post("/v1/people", each)
        assert made.status_code == 201, made.text


async def asked(house: House, account_id: str, person: str = "dana@acme.example", **changes: Any) -> Asked:
    """A deal that waits for its sales managers, and the link of one of them."""
    deal = await house.open(account_id, lines=DISCOUNTED, **changes)
    await house.submit(deal["id"])
    await until(house, "SELECT count(*) FROM approval_requests WHERE deal_id = :id", 1, id=deal["id"])
    return await linked(house, deal["id"], person)


async def linked(
    house: House,
    deal_id: str,
    person: str,
    *,
    version: int = 1,
    verb: str = "",
    expires_in: timedelta = timedelta(days=20),
    content_hash: str = "",
) -> Asked:
    """A link as a notice brings it."""
    query = "SELECT content_hash FROM quote_versions WHERE deal_id = :id AND version = :version"
    hash_ = content_hash or await one(house, query, id=deal_id, version=version)
    clock = "SELECT e.clock_at FROM deals d JOIN legal_entities e ON e.id = d.entity_id WHERE d.id = :id"
    now = await one(house, clock, id=deal_id) or datetime.now(tz=UTC)
    row = DecisionLinkRow(
        id=f"dl_{uuid4().hex[:26]}",
        person=person,
        deal_id=deal_id,
        order_number=1,
        version=version,
        content_hash=hash_,
        verb=verb,
        expires_at=now + expires_in,
        created_at=now,
    )
    link_id = row.id
    async with house.database.transaction() as session:
        session.add(row)
    links = DecisionLinks(house.settings.link_secrets, house.settings.public_url)
    path = urlsplit(links.url(link_id, hash_)).path
    return Asked(house=house, deal_id=deal_id, person=person, link_id=link_id, path=path)
