"""Composition root of the API: settings become the database, the Temporal client and the gateways; routers; error handler; relay."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from temporalio.client import Client

from api import account, entity, errors, health, key, person, policy, price_book, sandbox
from api.outside import Outside
from models.database import Database
from settings import Settings, load

DESCRIPTION = """
Quote to cash: every deal is one durable workflow, and every cent is provable.

* Send `Authorization: Bearer q2c_…`; a key is one person in one role.
* Every POST under `/v1` needs an `Idempotency-Key`: the same key and body give the same answer.
* Errors are `application/problem+json` with a stable `type`, what was wrong, `where`, and a `hint` how to mend it.
* `202` means: accepted, not settled yet; ask again under the same key, or look where `Location` says.
"""

ROUTERS = (entity, sandbox, account, person, key, price_book, policy, health)


def create_app(settings: Settings, *, relay: bool = True) -> FastAPI:
    """The API over these settings. It starts whether or not its servers answer yet; `/health` says so."""
    _log_as_json()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.database = database = Database(settings.database_url.get_secret_value(), application_name="q2c-api")
        app.state.outside = outside = Outside(settings.bank_url)
        app.state.temporal = await connected(settings)
        try:
            yield
        finally:
            await outside.close()
            await database.dispose()

    app = FastAPIOffline(title="Quote to cash", version="0.1.0", description=DESCRIPTION, lifespan=lifespan)
    app.state.settings = settings
    errors.install(app)
    for module in ROUTERS:
        app.include_router(module.router)
    return app


def _log_as_json() -> None:
    """One line per event; a traceback as text, without the values of variables: they may be secrets."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        cache_logger_on_first_use=False,
    )


async def connected(settings: Settings) -> Client:
    """A client of Temporal that connects at its first call."""
    key_ = settings.temporal_api_key
    return await Client.connect(
        settings.temporal_address,
        namespace=settings.temporal_namespace,
        tls=settings.uses_tls,
        api_key=key_.get_secret_value() if key_ else None,
        lazy=True,
    )


def from_environment() -> FastAPI:
    """The factory that uvicorn calls: `uvicorn api.app:from_environment --factory`."""
    return create_app(load())
