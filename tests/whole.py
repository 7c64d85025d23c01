"""The whole system as its users see it: real processes in a folder, spoken to over HTTP alone, by callers who ask again until they are answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from api.caller import hash_of
from embedded.system import System

PATIENCE = 150.0  # seconds; a key whose API was killed is free again after 60
SALES, DESK = "sales@acme.example", "desk@acme.example"
BOOK: dict[str, Any] = {
    "name": "acme",
    "currency": "EUR",
    "valid_from": "2020-01-01",
    "products": [
        {
            "id": "team",
            "name": "Acme Team",
            "unit": "seat",
            "provisioning": ["tenant", "entitlements", "users"],
            "charges": [{"id": "monthly", "model": "per_unit", "per": "month", "unit_price": "12.50"}],
        }
    ],
}
POLICY: dict[str, Any] = {
    "name": "standard",
    "rules": [
        {
            "when": {"discount_percent_over": "10"},
            "require": [{"level": 1, "group": "deal_desk"}],
            "remind_after_hours": 24,
            "escalate_after_hours": 48,
            "escalate_to": "sales_lead",
        }
    ],
}

PEOPLE: tuple[dict[str, Any], ...] = ({"email": DESK, "name": "Dana Desk", "groups": ["deal_desk", "sales_lead"]},)


class Refused(Exception):
    """A definite no: asking again under the same key gives the same answer."""

    def __init__(self, path: str, response: httpx.Response) -> None:
        super().__init__(f"{path}: {response.status_code} {response.text[:500]}")
        self.status, self.body = response.status_code, response


@dataclass(kw_only=True)
class Whole:
    """A running system and its first people."""

    system: System
    api: httpx.AsyncClient
    outside: httpx.AsyncClient

    async def post(
        self, path: str, body: Any = None, *, key: str = "", by: str = "sales", patience: float = PATIENCE
    ) -> dict[str, Any]:
        """Say it until it is settled, always under one Idempotency-Key. Raises Refused, or TimeoutError after `patience`."""
        headers = {"Authorization": f"Bearer q2c_{by}", "Idempotency-Key": key or str(uuid4())}
        answer: dict[str, Any] = await self._until(
            "POST", path, patience, json={} if body is None else body, headers=headers
        )
        return answer

    async def get(self, path: str, **params: Any) -> Any:
        """Read it, however often it takes."""
        return await self._until("GET", path, PATIENCE, params=params, headers={"Authorization": "Bearer q2c_sales"})

    async def _until(self, method: str, path: str, patience: float, **request: Any) -> Any:
        until = time.monotonic() + patience
        last = ""
        while time.monotonic() < until:
            try:
                response = await self.api.request(method, path, **request)
            except httpx.TransportError as error:
                last = type(error).__name__
                await asyncio.sleep(0.2)
                continue
            if response.is_success and response.status_code != httpx.codes.ACCEPTED:
                return response.json()
            if response.status_code < 500 and not response.is_success and "retry-after" not in response.headers:
                raise Refused(path, response)
            last = f"{response.status_code} {response.text[:300]}"
            await asyncio.sleep(0.05 if response.is_success else 0.3)
        raise TimeoutError(f"{path} was not answered in {patience:.0f} s; last: {last}")

    async def control(self, path: str, **body: Any) -> Any:
        """Tell the outside how to behave."""
        answer = await self.outside.post(f"/control/{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    async def log(self, account: str, *kinds: str) -> list[dict[str, Any]]:
        """What the outside did, in its own order."""
        answer = await self.outside.get("/control/log", params={"account": account})
        answer.raise_for_status()
        return [entry for entry in answer.json()["entries"] if not kinds or entry["kind"] in kinds]

    async def deal(self, deal_id: str) -> dict[str, Any]:
        page: dict[str, Any] = await self.get(f"/v1/deals/{deal_id}")
        return page

    async def furnish(
        self,
        *,
        entity: str = "acme",
        sandboxes: Mapping[str, str] | None = None,
        policy: Mapping[str, Any] = POLICY,
        people: Sequence[Mapping[str, Any]] = PEOPLE,
    ) -> None:
        """An entity, its sandboxes (id → now), a price book, an approval policy, and the people whom it asks."""
        said = {
            "id": entity,
            "name": "Acme GmbH",
            "country": "DE",
            "currency": "EUR",
            "zone": "Europe/Berlin",
            "invoice_prefix": "ACME",
            "bank_account": "DE02120300000000202051",
            "tax_rates": [{"valid_from": "2020-01-01", "rate": "0.19", "name": "VAT"}],
        }
        await self.post("/v1/entities", said, key=f"entity-{entity}")
        await self.post("/v1/price-books", BOOK, key="book")
        await self.post("/v1/policies/approval", policy, key="policy")
        for person in people:
            await self.post("/v1/people", person, key=f"person-{person['email']}")
        for id_, starts_at in (sandboxes or {}).items():
            await self.post(
                f"/v1/entities/{entity}/sandbox", {"id": id_, "name": id_, "starts_at": starts_at}, key=f"sandbox-{id_}"
            )

    async def account(self, entity: str, name: str, *, method: str = "card", token: str = "pm_card_visa") -> str:  # noqa: S107
        """An account of `entity` with the email `name@x.example`; its id."""
        said = {
            "entity_id": entity,
            "name": name,
            "email": f"{name}@x.example",
            "country": "DE",
            "currency": "EUR",
            "zone": "Europe/Berlin",
            "method": method,
            **({"method_token": token} if method == "card" else {}),
        }
        return str((await self.post("/v1/accounts", said, key=f"account-{name}"))["id"])

    async def open(self, name: str, account_id: str, **terms: Any) -> str:
        """A deal of one line, priced; its id."""
        draft = {
            "price_book": "acme",
            "currency": "EUR",
            "term_months": 12,
            "interval_months": 1,
            "start": "provisioning",
            "method": "card",
            "signer": {"name": name, "email": f"{name}@x.example"},
            "lines": [{"product": "team", "quantity": 20}],
            **terms,
        }
        said = {"name": name, "account_id": account_id, "draft": draft}
        page = await self.post("/v1/deals", said, key=f"open-{name}")
        while not page["orders"] or not page["orders"][0]["version"]:
            await asyncio.sleep(0.1)
            page = await self.deal(page["id"])
        return str(page["id"])

    async def advance(self, sandbox: str, to: str) -> None:
        """Move a sandbox's clock until it is there."""
        await self.post(f"/v1/sandboxes/{sandbox}/clock/advance", {"to": to}, key=f"{sandbox}-to-{to}")


async def make_keys(database_url: str) -> None:
    """q2c_sales (an admin, who owns the deals) and q2c_desk; whom approvals are asked of by name is in `people` (`furnish`)."""
    connection = await asyncpg.connect(database_url)
    try:
        for name, person, role, groups in (
            ("sales", SALES, "admin", []),
            ("desk", DESK, "deal_desk", ["deal_desk", "sales_lead"]),
        ):
            await connection.execute(
                "INSERT INTO api_keys (id, key_hash, prefix, person, role, groups, created_at)"
                " VALUES ($1, $2, $3, $4, $5, $6, now()) ON CONFLICT DO NOTHING",
                f"key_{name}", hash_of(f"q2c_{name}"), f"q2c_{name}"[:8], person, role, groups,
            )  # fmt: skip
    finally:
        await connection.close()


@asynccontextmanager
async def whole(
    folder: Path,
    *,
    sandbox_options: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    ui: bool = False,
    keep: bool = False,
) -> AsyncIterator[Whole]:
    """Everything up in `folder`, on free ports; stopped and removed at the end, unless it is to be looked at (`keep`)."""
    system = System(folder, ui=ui, sandbox_options=sandbox_options, environment=environment)
    try:
        await asyncio.to_thread(system.up)
        await make_keys(system.database_url)
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=50)
        async with (
            httpx.AsyncClient(base_url=system.api_url, timeout=30, trust_env=False, limits=limits) as api,
            httpx.AsyncClient(base_url=system.sandbox_url, timeout=60, trust_env=False) as outside,
        ):
            yield Whole(system=system, api=api, outside=outside)
    finally:
        if not keep:
            await asyncio.to_thread(system.destroy)
