"""One small world inside a test: a furnished place, and over it the API on a port and a worker.

Webhooks reach us over real HTTP; the sandbox's clock is moved through the API, as people do.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
from fastapi import FastAPI
from temporalio.client import Client, Interceptor, WorkflowHandle

from api.app import create_app
from domain.ids import deal_workflow_id
from domain.state import Deal
from embedded.loopback import free_port
from sandbox.process import SandboxProcess
from settings import Settings
from tests.place import DRAFT, START, ZONE, Place, furnished
from tests.serving import serving, settings_over, unsettled, working
from workflows.converter import data_converter, from_json


@dataclass(kw_only=True)
class World(Place):
    """A place with the API on a port and a worker in this process."""

    settings: Settings
    app: FastAPI
    api: httpx.AsyncClient
    temporal: Client
    workers: AsyncExitStack = field(default_factory=AsyncExitStack)

    # --- the worker ---

    async def work(self, *interceptors: Interceptor) -> None:
        """Start a worker with its own pool and parties, as in its own process. One at a time."""
        client = self.temporal
        if interceptors:
            client = await Client.connect(
                self.settings.temporal_address, data_converter=data_converter, interceptors=interceptors
            )
        await self.workers.enter_async_context(working(self.settings, client))

    async def rest(self) -> None:
        """Stop the worker: what it does now it finishes."""
        await self.workers.aclose()
        self.workers = AsyncExitStack()

    def handle(self, deal_id: str) -> WorkflowHandle[Any, Any]:
        return self.temporal.get_workflow_handle(deal_workflow_id(deal_id))

    async def state(self, deal_id: str) -> Deal:
        """The deal as its workflow has it."""
        found: Deal = await self.handle(deal_id).query("state", result_type=Deal)
        return found

    async def stored(self, deal_id: str) -> Deal:
        """The deal as the books have it."""
        return from_json(Deal, await self.one("SELECT state FROM deals WHERE id = :id", id=deal_id))

    async def until(self, query: str, expected: Any, **parameters: Any) -> None:
        """Wait until the books say so; the test's own time-out ends a wait in vain."""
        while await self.one(query, **parameters) != expected:
            await asyncio.sleep(0.02)

    async def settled(self, deal_id: str, waits_for: str) -> None:
        """Wait until the deal waits for that: steps at a gateway go on after a command was answered."""
        await self.until("SELECT waits_for FROM deals WHERE id = :id", waits_for, id=deal_id)

    # --- the API ---

    async def ask(self, path: str, *, by: str = "admin", **params: Any) -> Any:
        answer = await self.api.get(path, params=params, headers={"Authorization": f"Bearer {self.keys[by]}"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any = None, *, by: str, key: str = "") -> httpx.Response:
        """A write under a fresh key, unless one is given; said again under it for as long as it is not settled."""
        said = {"Authorization": f"Bearer {self.keys[by]}", "Idempotency-Key": key or secrets.token_hex(12)}
        while unsettled(answer := await self.api.post(path, json={} if body is None else body, headers=said)):
            await asyncio.sleep(0.05)
        return answer

    async def say(self, deal_id: str, command: str, body: Any = None, *, by: str = "sales", status: int = 200) -> Any:
        """A command through the API; its answer's body."""
        answer = await self.post(f"/v1/deals/{deal_id}/{command}", body, by=by)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def open(self, account_id: str, *, name: str = "Globex: Acme Team", **changes: Any) -> str:
        """A deal opened by sales; its id."""
        said = {"name": name, "account_id": account_id, "draft": {**DRAFT, **changes}}
        answer = await self.post("/v1/deals", said, by="sales")
        assert answer.status_code == 201, answer.text
        deal_id = str(answer.json()["id"])
        await self.until("SELECT waits_for IN ('draft', 'pricing') FROM deals WHERE id = :id", False, id=deal_id)
        return deal_id

    async def sold(self, account_id: str, **changes: Any) -> str:
        """A deal opened and submitted; the customer signs a day later unless told otherwise."""
        deal_id = await self.open(account_id, **changes)
        await self.say(deal_id, "submit", {"version": 1})
        await self.settled(deal_id, "signature")
        return deal_id

    async def advance(self, to: str) -> None:
        """Move the sandbox's clock to a date (its midnight in UTC) or an instant, with all that falls due on the way."""
        until = f"{to}T00:00:00Z" if len(to) == len("2027-01-01") else to
        moved = await self.post(f"/v1/sandboxes/{self.entity}/clock/advance", {"to": until}, by="ops")
        assert moved.status_code == 200, moved.text

    async def page(self, deal_id: str) -> dict[str, Any]:
        found: dict[str, Any] = await self.ask(f"/v1/deals/{deal_id}")
        return found

    async def standing(self, deal_id: str) -> tuple[str, str]:
        """Stage, and what it waits for."""
        ((stage, waits_for),) = await self.rows("SELECT stage, waits_for FROM deals WHERE id = :id", id=deal_id)
        return stage, waits_for

    async def invoices(self, deal_id: str) -> list[tuple[Any, ...]]:
        """Number, issued, due, period, total and status of each invoice, in the order of their numbers."""
        return await self.rows(
            "SELECT number, issued_on::text, due_on::text, period_start::text, period_end::text, total_minor, status"
            " FROM invoices WHERE deal_id = :id ORDER BY sequence",
            id=deal_id,
        )

    async def lines(self, deal_id: str) -> list[tuple[Any, ...]]:
        """Every invoice line: number, line, description, quantity, net amount, period."""
        return await self.rows(
            "SELECT i.number, l.line_no, l.description, trim_scale(l.quantity)::text, l.amount_minor,"
            " l.period_start::text, l.period_end::text FROM invoice_lines l JOIN invoices i ON i.id = l.invoice_id"
            " WHERE i.deal_id = :id ORDER BY i.sequence, l.line_no",
            id=deal_id,
        )

    async def mails(self, deal_id: str) -> list[tuple[str, str, str]]:
        """Date (of the account's zone), address and subject of each mail, in order."""
        return await self.rows(
            "SELECT (at AT TIME ZONE :zone)::date::text, to_, subject FROM mails WHERE deal_id = :id ORDER BY at, key",
            id=deal_id,
            zone=ZONE,
        )

    async def steps(self, deal_id: str, *kinds: str) -> list[tuple[str, str, int]]:
        """Instant (of the account's zone), kind and number of each step that was taken, messages left out."""
        found = await self.rows(
            "SELECT to_char(performed_at AT TIME ZONE :zone, 'YYYY-MM-DD HH24:MI'), kind, number FROM deal_steps"
            " WHERE deal_id = :id AND kind <> 'take' ORDER BY turn",
            id=deal_id,
            zone=ZONE,
        )
        return [step for step in found if not kinds or step[1] in kinds]


@asynccontextmanager
async def world(
    database_url: str,
    temporal_address: str,
    outside: SandboxProcess,
    *,
    starts_at: datetime = START,
    relay: bool = False,
    work: bool = True,
    interceptors: Sequence[Interceptor] = (),
    dunning: dict[str, Any] | None = None,
) -> AsyncIterator[World]:
    """Everything up: the API on a port (to which the outside sends its webhooks) and a worker on a queue of its own."""
    async with furnished(database_url, outside, starts_at=starts_at, dunning=dunning) as place:
        port = free_port()
        settings = settings_over(outside, database_url, temporal_address, f"world-{place.entity}", port=port)
        for entity in (place.entity, place.real):
            await place.control("hooks", account=entity, url=f"http://127.0.0.1:{port}")
        app = create_app(settings, relay=relay)
        temporal = await Client.connect(temporal_address, data_converter=data_converter)
        api = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60)
        made = World(
            **{name: getattr(place, name) for name in ("database", "outside", "entity", "real", "http", "keys")},
            settings=settings,
            app=app,
            api=api,
            temporal=temporal,
        )
        async with api, serving(app, port):
            try:
                if work:
                    await made.work(*interceptors)
                yield made
            finally:
                await _let_go(made)
                await made.rest()


async def _let_go(made: World) -> None:
    """A deal that lives on would hold up the worker's end, and the server's, with its next test."""
    for (deal_id,) in await made.rows("SELECT id FROM deals"):
        try:
            await made.handle(deal_id).terminate("the test is over", rpc_timeout=timedelta(seconds=5))
        except Exception:  # noqa: BLE001, S112 - it is over already
            continue
