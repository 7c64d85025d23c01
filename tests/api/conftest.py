"""The API in this process over a fresh PostgreSQL, spoken to through ASGI; keys for each role."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from api.app import create_app
from api.caller import hash_of
from models.access import ApiKeyRow
from models.database import Database
from sandbox.process import SandboxProcess
from settings import Settings
from tests.api.office import Office, an_office
from tests.serving import settings_over, unsettled

if TYPE_CHECKING:
    from embedded.temporal import TemporalServer
    from tests.api.house import House

PEOPLE = {
    "sales": ("sam@acme.example", []),
    "deal_desk": ("dana@acme.example", ["sales_manager"]),
    "finance": ("fin@acme.example", []),
    "ops": ("ole@acme.example", []),
    "admin": ("ada@acme.example", []),
}


class Caller:
    """One person in one role. `post` sends a fresh Idempotency-Key unless told another; who is `patient` asks again
    under it, as every caller should, for as long as the answer says so: a deal on a slow machine may take its time.
    """

    def __init__(self, client: httpx.AsyncClient, secret: str, *, patient: bool = False) -> None:
        self.client, self.secret, self.patient = client, secret, patient

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self.client.get(path, params=params or None, headers={"Authorization": f"Bearer {self.secret}"})

    async def post(
        self,
        path: str,
        json: Any = None,
        *,
        key: str | None = "fresh",
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        said = {"Authorization": f"Bearer {self.secret}", **(headers or {})}
        if key is not None:
            said["Idempotency-Key"] = str(uuid4()) if key == "fresh" else key
        body: dict[str, Any] = {"json": {} if json is None else json} if content is None else {"content": content}
        answer = await self.client.post(path, headers=said, **body)
        while self.patient and key is not None and unsettled(answer):
            await asyncio.sleep(0.05)
            answer = await self.client.post(path, headers=said, **body)
        return answer


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(
        database_url=SecretStr(database_url),
        temporal_address="127.0.0.1:1",
        bank_url="http://127.0.0.1:1/bank",
        signature_secret=SecretStr("whsec_c2lnbmF0dXJlLXNlY3JldC1vZi10ZXN0cw=="),
        bank_secret=SecretStr("whsec_YmFuay1zZWNyZXQtb2YtdGVzdHMtMTIzNDU2"),
        stripe_webhook_secret=SecretStr("whsec_stripe_secret_of_tests"),
    )


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    app = create_app(settings, relay=False)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
def database(app: FastAPI) -> Database:
    found: Database = app.state.database
    return found


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        yield client


async def make_keys(database: Database) -> dict[str, str]:
    """One key per role; returns the secrets."""
    secrets = {role: f"q2c_{role}" for role in PEOPLE}
    async with database.transaction() as session:
        for role, (person, groups) in PEOPLE.items():
            secret = secrets[role]
            row = ApiKeyRow(
                id=f"key_{role}",
                key_hash=hash_of(secret),
                prefix=secret[:8],
                person=person,
                role=role,
                groups=groups,
                created_at=datetime(2026, 1, 1, tzinfo=UTC),
            )
            session.add(row)
    return secrets


@pytest.fixture
async def as_(database: Database, client: httpx.AsyncClient) -> dict[str, Caller]:
    """A caller by role: `as_["sales"].post(...)`."""
    return {role: Caller(client, secret) for role, secret in (await make_keys(database)).items()}


ENTITY = {
    "id": "acme-de",
    "name": "Acme GmbH",
    "country": "DE",
    "currency": "EUR",
    "zone": "Europe/Berlin",
    "invoice_prefix": "ACME-DE",
    "bank_account": "DE02120300000000202051",
    "address": "Unter den Linden 1\n10117 Berlin",
    "tax_number": "DE123456789",
    "tax_rates": [{"valid_from": "2020-01-01", "rate": "0.19", "name": "VAT"}],
}
ACCOUNT = {
    "entity_id": "acme-de",
    "name": "Globex S.p.A.",
    "email": "ap@globex.example",
    "country": "IT",
    "currency": "EUR",
    "zone": "Europe/Rome",
    "method": "card",
    "method_token": "pm_card_visa",
}


@pytest.fixture(scope="module")
async def home(
    module_database_url: str, temporal_server: "TemporalServer", tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator["House"]:
    """One house for all tests of a file: the API served, a worker, the outside parties."""
    from tests.api.house import house  # noqa: PLC0415  (it imports from here)

    async with house(module_database_url, temporal_server.address, tmp_path_factory.mktemp("house")) as made:
        yield made


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """The outside parties alone, for all tests of a file."""
    process = SandboxProcess(data=tmp_path_factory.mktemp("outside") / "outside.db")
    process.start()
    yield process
    process.stop()


@pytest.fixture
async def office(outside: SandboxProcess, database_url: str) -> AsyncIterator[Office]:
    """What leaves us, without the deals' workflows: rows as the steps write them, sent to the outside parties."""
    async with an_office(settings_over(outside, database_url, "127.0.0.1:1", "nobody"), outside) as made:
        yield made


@pytest.fixture(scope="module")
async def account(home: "House") -> str:
    """An account of a house with approvers, in which nobody signs: what was approved stays as it is."""
    from tests.api.approving import people  # noqa: PLC0415

    made = await home.furnish()
    await people(home)
    await home.control("behaviour", {"party": "signature", "account": "trial", "email": "*", "action": "ignore"})
    return made
