"""One small world inside a test: fresh books, the outside as a process, and (where asked for) the API on a port and a worker.

`furnished` fills a database with one real entity and its sandbox copy, a price book, policies, people and their keys.
`world` puts the API and a worker over it, so that webhooks reach us over real HTTP; the sandbox's clock is moved through
the API, as people do.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import socket
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text
from temporalio.client import Client, Interceptor, WorkflowHandle

import worker
from api.app import create_app
from api.caller import hash_of
from domain.document import content_hash
from domain.ids import deal_workflow_id
from domain.state import Deal
from gateways.parties import Addresses, Parties, PartiesFor
from models.access import ApiKeyRow, PersonRow
from models.account import AccountRow
from models.database import Database
from models.entity import LegalEntityRow, TaxRateRow
from models.policy import ApprovalPolicyRow, DunningPolicyRow
from models.price_book import PriceBookRow
from sandbox.process import SandboxProcess
from settings import Settings
from workflows.converter import data_converter, from_json

_numbers = itertools.count(1)

START = datetime(2027, 1, 1, 9, tzinfo=UTC)
ZONE = "Europe/Berlin"
MADE_AT = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE: dict[str, tuple[str, str, tuple[str, ...]]] = {  # who: address, role, groups
    "sales": ("sam@acme.example", "sales", ()),
    "desk": ("dana@acme.example", "deal_desk", ("sales_manager",)),
    "vp": ("vera@acme.example", "deal_desk", ("vp_sales",)),
    "cfo": ("carl@acme.example", "deal_desk", ("finance",)),
    "finance": ("fin@acme.example", "finance", ()),
    "ops": ("ole@acme.example", "ops", ()),
    "admin": ("ada@acme.example", "admin", ()),
}
BOOK: dict[str, Any] = {
    "name": "acme",
    "currency": "EUR",
    "valid_from": "2020-01-01",
    "products": [
        {
            "id": "team",
            "name": "Acme Team",
            "unit": "seat",
            "charges": [{"id": "monthly", "model": "per_unit", "per": "month", "unit_price": "12.50"}],
        },
        {
            "id": "calls",
            "name": "Acme Calls",
            "unit": "call",
            "provisioning": [],
            "charges": [
                {
                    "id": "monthly",
                    "model": "graduated",
                    "per": "month",
                    "tiers": [{"up_to": 1000, "unit_price": "0.010", "flat_fee": "5"}, {"unit_price": "0.002"}],
                }
            ],
        },
    ],
}
APPROVAL: dict[str, Any] = {
    "name": "standard",
    "rules": [
        {
            "when": {"discount_percent_over": "10"},
            "require": [{"level": 1, "group": "sales_manager"}],
            "remind_after_hours": 24,
            "escalate_after_hours": 48,
            "escalate_to": "vp_sales",
        },
        {"when": {"discount_percent_over": "25"}, "require": [{"level": 2, "group": "finance"}]},
    ],
}
DUNNING: dict[str, Any] = {"name": "standard"}  # the house's defaults, which the tests spell out
SIGNER = "gina@globex.example"
DRAFT: dict[str, Any] = {
    "price_book": "acme",
    "currency": "EUR",
    "term_months": 12,
    "interval_months": 1,
    "start": "provisioning",
    "method": "card",
    "signer": {"name": "Gina Globex", "email": SIGNER},
    "lines": [{"product": "team", "quantity": 20}],
}
# what differs between two looks at the books means that something was written
_TABLES = text(
    "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    " AND tablename NOT IN ('alembic_version', 'idempotency_keys') ORDER BY tablename"
)


@dataclass(kw_only=True)
class Place:
    """The books and the outside of one test. `entity` is the sandbox copy, and the name of its account outside."""

    database: Database
    outside: SandboxProcess
    entity: str
    real: str
    http: httpx.AsyncClient  # the outside
    keys: dict[str, str] = field(default_factory=dict)

    # --- the books ---

    async def rows(self, query: str, **parameters: Any) -> list[Any]:
        """Read the books: rows as tuples."""
        async with self.database.session() as session:
            return [tuple(row) for row in (await session.execute(text(query), parameters)).all()]

    async def one(self, query: str, **parameters: Any) -> Any:
        """The one value of the one row."""
        ((value,),) = await self.rows(query, **parameters)
        return value

    async def look(self) -> dict[str, tuple[int, str]]:
        """Every table's count and hash: two equal looks mean that nothing was written between them."""
        names = [name for (name,) in await self.rows(str(_TABLES))]
        each = (
            f"SELECT '{name}' AS t, count(*) AS n, coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') AS h"  # noqa: S608
            f" FROM {name} t"
            for name in names
        )
        return {name: (count, digest) for name, count, digest in await self.rows(" UNION ALL ".join(each))}

    async def balances(self, entity: str = "", *, on: date | None = None) -> dict[str, int]:
        """The trial balance in minor units, accounts at zero left out; it sums to zero or the test fails."""
        found = await self.rows(
            "SELECT l.account, sum(l.amount_minor)::bigint FROM journal_lines l JOIN journal_entries e ON e.id = l.entry_id"
            " WHERE e.entity_id = :entity AND e.on_date <= :on GROUP BY 1 HAVING sum(l.amount_minor) <> 0 ORDER BY 1",
            entity=entity or self.entity,
            on=on or date(9999, 1, 1),
        )
        balances = dict(found)
        assert sum(balances.values()) == 0
        return balances

    async def add(self, rows: Iterable[Any]) -> None:
        """Write rows that people, not deals, write."""
        async with self.database.transaction() as session:
            for row in rows:
                session.add(row)
                await session.flush()

    async def account(self, *, entity: str = "", **differs: Any) -> str:
        """A customer's account in the sandbox copy; its id."""
        made: dict[str, Any] = {
            "id": f"acc_{secrets.token_hex(6)}",
            "entity_id": entity or self.entity,
            "name": "Globex S.p.A.",
            "email": "ap@globex.example",
            "country": "DE",
            "currency": "EUR",
            "zone": ZONE,
            "method": "card",
            "method_token": "pm_card_visa",
            "created_at": MADE_AT,
        } | differs
        await self.add([AccountRow(**made)])
        return str(made["id"])

    # --- the outside ---

    async def control(self, path: str, *, account: str = "", **body: Any) -> Any:
        """Tell the outside something about the account (the sandbox copy unless said)."""
        answer = await self.http.post(f"/control/{path}", json={"account": account or self.entity, **body})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def behave(self, party: str, *, account: str = "", **how: Any) -> None:
        """How a person or party outside acts from now on."""
        await self.control("behaviour", account=account, party=party, **how)

    async def effects(self, *kinds: str, account: str = "") -> list[dict[str, Any]]:
        """What the outside says that happened there, in order; the details of each beside its other facts."""
        answer = await self.http.get("/control/log", params={"account": account or self.entity})
        found = [{**each, **each["data"]} for each in answer.json()["entries"]]
        return [each for each in found if not kinds or each["kind"] in kinds]

    async def transfer(self, amount_minor: int, *, on: str, reference: str = "", payer: str = "Globex S.p.A.") -> None:
        """A customer orders a transfer to the sandbox copy's bank account."""
        to = await self.one("SELECT bank_account FROM legal_entities WHERE id = :id", id=self.entity)
        order = {"amount_minor": amount_minor, "currency": "EUR", "on": on, "reference": reference, "payer": payer}
        answer = await self.http.post("/bank/transfers", json={"account": self.entity, "to_account": to, **order})
        assert answer.status_code == 200, answer.text

    def addresses(self) -> Addresses:
        return Addresses(
            stripe_url=f"{self.outside.url}/stripe",
            signature_url=f"{self.outside.url}/signature",
            provisioner_url=f"{self.outside.url}/provisioner",
            smtp_host="127.0.0.1",
            smtp_port=self.outside.smtp_port,
            mail_from="Billing <billing@acme.example>",
        )

    def parties(self, made: PartiesFor) -> Parties:
        return made.entity(self.entity, virtual=True)


@asynccontextmanager
async def furnished(
    database_url: str, outside: SandboxProcess, *, starts_at: datetime = START, dunning: dict[str, Any] | None = None
) -> AsyncIterator[Place]:
    """Books with a real entity and its sandbox copy at `starts_at`, whose account outside has the same clock."""
    name = f"{secrets.token_hex(4)}{next(_numbers)}"
    database = Database(database_url, application_name="q2c-test")
    client = httpx.AsyncClient(base_url=outside.url, trust_env=False, timeout=60)
    place = Place(database=database, outside=outside, entity=f"trial-{name}", real=f"acme-{name}", http=client)
    try:
        await place.add(_furniture(place, starts_at, DUNNING if dunning is None else dunning))
        await place.control("clock", to=starts_at.isoformat())
        yield place
    finally:
        await client.aclose()
        await database.dispose()


def _furniture(place: Place, starts_at: datetime, dunning: dict[str, Any]) -> list[Any]:
    entity: dict[str, Any] = {
        "name": "Acme GmbH",
        "country": "DE",
        "currency": "EUR",
        "zone": ZONE,
        "invoice_prefix": "ACME",
        "address": "Unter den Linden 1\n10117 Berlin",
        "tax_number": "DE123456789",
    }
    rows: list[Any] = [
        LegalEntityRow(id=place.real, bank_account="DE02120300000000202051", **entity),
        LegalEntityRow(
            id=place.entity,
            bank_account=f"SB{place.entity[-8:].upper()}",
            virtual=True,
            sandbox_of=place.real,
            clock_at=starts_at,
            **entity,
        ),
    ]
    rows += [
        TaxRateRow(entity_id=each, valid_from=date(2020, 1, 1), rate=Decimal("0.19"), name="VAT")
        for each in (place.real, place.entity)
    ]
    rows.append(
        PriceBookRow(
            id="pb_acme_1",
            name="acme",
            version=1,
            currency="EUR",
            valid_from=date(2020, 1, 1),
            content=BOOK,
            content_hash=content_hash(BOOK),
        )
    )
    rows.append(ApprovalPolicyRow(id="ap_1", name="standard", version=1, content=APPROVAL))
    rows.append(DunningPolicyRow(id="dp_1", name="standard", version=1, content=dunning))
    for who, (address, role, groups) in PEOPLE.items():
        secret = place.keys[who] = f"q2c_{secrets.token_hex(16)}"
        rows.append(PersonRow(email=address, name=who.title(), groups=list(groups)))
        rows.append(
            ApiKeyRow(
                id=f"key_{who}",
                key_hash=hash_of(secret),
                prefix=secret[:8],
                person=address,
                role=role,
                groups=list(groups),
                created_at=MADE_AT,
            )
        )
    return rows


@dataclass(kw_only=True)
class World(Place):
    """A place with the API on a port and a worker in this process."""

    settings: Settings
    app: FastAPI
    api: httpx.AsyncClient
    temporal: Client
    workers: AsyncExitStack = field(default_factory=AsyncExitStack)
    worker_database: Database | None = None

    # --- the worker ---

    async def work(self, *interceptors: Interceptor) -> None:
        """Start a worker with its own pool and parties, as in its own process. One at a time."""
        database = Database(self.settings.database_url.get_secret_value(), application_name="q2c-worker")
        parties = PartiesFor(worker.addresses(self.settings))
        client = self.temporal
        if interceptors:
            client = await Client.connect(
                self.settings.temporal_address, data_converter=data_converter, interceptors=interceptors
            )
        self.workers.push_async_callback(database.dispose)
        self.workers.push_async_callback(parties.close)
        await self.workers.enter_async_context(worker.make_worker(client, database, parties, self.settings.task_queue))
        self.worker_database = database

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
        """A write under a fresh key, unless one is given."""
        said = {"Authorization": f"Bearer {self.keys[by]}", "Idempotency-Key": key or secrets.token_hex(12)}
        return await self.api.post(path, json={} if body is None else body, headers=said)

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
        return str(answer.json()["id"])

    async def sold(self, account_id: str, **changes: Any) -> str:
        """A deal opened and submitted; the customer signs a day later unless told otherwise."""
        deal_id = await self.open(account_id, **changes)
        await self.say(deal_id, "submit", {"version": 1})
        await self.settled(deal_id, "signature")
        return deal_id

    async def advance(self, to: str) -> None:
        """Move the sandbox's clock to a date (its midnight in UTC) or an instant, with all that falls due on the way."""
        until = f"{to}T00:00:00Z" if len(to) == len("2027-01-01") else to
        key = secrets.token_hex(12)
        while True:
            moved = await self.post(f"/v1/sandboxes/{self.entity}/clock/advance", {"to": until}, by="ops", key=key)
            assert moved.status_code in {200, 202}, moved.text
            if moved.status_code == 200:
                return

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
        port = _free_port()
        settings = Settings(
            database_url=SecretStr(database_url),
            temporal_address=temporal_address,
            task_queue=f"world-{place.entity}",
            stripe_url=f"{outside.url}/stripe",
            stripe_webhook_secret=SecretStr(outside.stripe_secret),
            signature_url=f"{outside.url}/signature",
            signature_secret=SecretStr(outside.signature_secret),
            provisioner_url=f"{outside.url}/provisioner",
            bank_url=f"{outside.url}/bank",
            bank_secret=SecretStr(outside.bank_secret),
            smtp_port=outside.smtp_port,
        )
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
        async with api, _serving(app, port):
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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def _serving(app: FastAPI, port: int) -> AsyncIterator[None]:
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", lifespan="on", ws="none")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        if task.done():
            task.result()
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await task
