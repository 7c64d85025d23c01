"""A whole house for one test: API on a port, worker in this process, the outside as its own process, all over one fresh database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI

from api.app import create_app
from embedded.loopback import free_port
from models.database import Database
from sandbox.process import SandboxProcess
from settings import Settings
from tests.api.conftest import ACCOUNT, ENTITY, Caller, make_keys
from tests.serving import serving, settings_over, working

BOOK: dict[str, Any] = {
    "name": "acme-2026",
    "currency": "EUR",
    "valid_from": "2026-01-01",
    "products": [
        {
            "id": "team",
            "name": "Acme Team",
            "unit": "seat",
            "charges": [{"id": "monthly", "model": "per_unit", "per": "month", "unit_price": "12.50"}],
        }
    ],
}
POLICY: dict[str, Any] = {
    "name": "standard",
    "rules": [{"when": {"discount_percent_over": "10"}, "require": [{"level": 1, "group": "sales_manager"}]}],
}
DRAFT: dict[str, Any] = {
    "price_book": "acme-2026",
    "currency": "EUR",
    "term_months": 12,
    "interval_months": 1,
    "start": "provisioning",
    "method": "card",
    "signer": {"name": "Gina Globex", "email": "gina@globex.example"},
    "lines": [{"product": "team", "quantity": 20}],
}
STARTS_AT = "2027-01-01T09:00:00+00:00"


@dataclass(kw_only=True)
class House:
    """What a test of the whole needs: callers by role, the database, the outside's log."""

    app: FastAPI
    settings: Settings
    database: Database
    outside: SandboxProcess
    client: httpx.AsyncClient
    as_: dict[str, Caller]

    async def furnish(self, *, sandbox: str | None = "trial", method: str = "card") -> str:
        """An entity (with a sandbox), a price book, a policy, an account; returns the account's id."""
        admin = self.as_["admin"]
        for path, body in (("/v1/entities", ENTITY), ("/v1/price-books", BOOK), ("/v1/policies/approval", POLICY)):
            made = await admin.post(path, body)
            assert made.status_code == 201, made.text
        dana = {"email": "dana@acme.example", "name": "Dana Desk", "groups": ["sales_manager"]}
        assert (await admin.post("/v1/people", dana)).status_code == 201
        entity = "acme-de"
        if sandbox is not None:
            said = {"id": sandbox, "name": "Trial", "starts_at": STARTS_AT}
            made = await admin.post("/v1/entities/acme-de/sandbox", said)
            assert made.status_code == 201, made.text
            entity = sandbox
        account = await admin.post("/v1/accounts", {**ACCOUNT, "entity_id": entity, "method": method})
        assert account.status_code == 201, account.text
        return str(account.json()["id"])

    async def open(self, account_id: str, **changes: Any) -> dict[str, Any]:
        """A deal opened by sales; its page."""
        said = {"name": "Globex: 20 seats", "account_id": account_id, "draft": {**DRAFT, **changes}}
        opened = await self.as_["sales"].post("/v1/deals", said)
        assert opened.status_code == 201, opened.text
        page: dict[str, Any] = opened.json()
        while page["waits_for"] in {"draft", "pricing"}:  # an answer waits for the price for some seconds only
            await asyncio.sleep(0.05)
            page = await self.deal(page["id"])
        return page

    async def submit(self, deal_id: str, version: int = 1) -> dict[str, Any]:
        """Submit a version; the deal's page."""
        heard = await self.as_["sales"].post(f"/v1/deals/{deal_id}/submit", {"version": version})
        assert heard.status_code == 200, heard.text
        page: dict[str, Any] = heard.json()
        return page

    async def advance(self, to: str, sandbox: str = "trial") -> dict[str, Any]:
        """Move the clock until it is there."""
        moved = await self.as_["ops"].post(f"/v1/sandboxes/{sandbox}/clock/advance", {"to": to})
        assert moved.status_code == 200, moved.text
        found: dict[str, Any] = moved.json()
        return found

    async def deal(self, deal_id: str) -> dict[str, Any]:
        shown = await self.as_["finance"].get(f"/v1/deals/{deal_id}")
        assert shown.status_code == 200, shown.text
        page: dict[str, Any] = shown.json()
        return page

    async def control(self, path: str, body: dict[str, Any]) -> None:
        """Tell the outside how to behave."""
        async with httpx.AsyncClient(base_url=self.outside.url, trust_env=False) as client:
            answer = await client.post(f"/control/{path}", json=body)
        assert answer.status_code == 200, answer.text


@asynccontextmanager
async def house(
    database_url: str, temporal_address: str, folder: Path, *, relay: bool = False, work: bool = True
) -> AsyncIterator[House]:
    """Everything up; `work` False: nobody polls, so nothing that needs a worker is answered."""
    port = free_port()
    outside = SandboxProcess(data=folder / "sandbox.db", hooks=f"http://127.0.0.1:{port}")
    await asyncio.to_thread(outside.start)
    settings = settings_over(outside, database_url, temporal_address, f"api-{uuid4()}", port=port)
    app = create_app(settings, relay=relay)
    try:
        async with serving(app, port), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            keys = await make_keys(app.state.database)
            callers = {role: Caller(client, secret, patient=work) for role, secret in keys.items()}
            made = House(
                app=app, settings=settings, database=app.state.database, outside=outside, client=client, as_=callers
            )
            if not work:
                yield made
                return
            async with working(settings):
                yield made
    finally:
        await asyncio.to_thread(outside.stop)
