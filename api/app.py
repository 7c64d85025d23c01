"""Composition root of the API: settings become the database, the Temporal client and the gateways; routers; error handler; relay."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from urllib.parse import urlsplit

import structlog
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from temporalio.client import Client

from api import (
    account,
    approval,
    clock,
    contract,
    coupon,
    deal,
    deal_command,
    entity,
    errors,
    forecast,
    health,
    invoice,
    journal,
    key,
    payment,
    person,
    policy,
    price_book,
    price_migration,
    sandbox,
    timeline,
    webhook,
)
from api.access_log import keep_tokens_out
from api.approving import absence, calendar, evidence
from api.approving import page as decision_page
from api.approving import policy as policy_trial
from api.approving.token import decide_url
from api.door import Door
from api.mail import Post
from api.notices import told
from api.notices.send import Notifier
from api.outside import Outside
from api.quotes import compare, of_deal, preview, version
from api.relay import Relay
from api.shares import link, page
from api.shares.token import Links
from gateways.email import SmtpMailer
from gateways.slack import SlackHooks
from models.database import Database
from settings import Settings, load
from workflows.converter import data_converter

DESCRIPTION = """
Quote to cash: every deal is one durable workflow, and every cent is provable.

* Send `Authorization: Bearer q2c_…`; a key is one person in one role.
* Every POST under `/v1` that changes something needs an `Idempotency-Key`: the same key and body give the same answer.
* Errors are `application/problem+json` with a stable `type`, what was wrong, `where`, and a `hint` how to mend it.
* `202` means: accepted, not settled yet; ask again under the same key, or look where `Location` says.
"""

ROUTERS = (
    deal,
    deal_command,
    of_deal,
    timeline,
    forecast,
    approval,
    absence,
    calendar,
    evidence,
    told,
    preview,
    compare,
    version,
    link,
    contract,
    invoice,
    payment,
    journal,
    account,
    price_book,
    price_migration,
    coupon,
    policy,
    entity,
    sandbox,
    clock,
    person,
    key,
    webhook,
    page,
    decision_page,
    health,
)


def create_app(settings: Settings, *, relay: bool = True) -> FastAPI:
    """The API over these settings. It starts whether or not its servers answer yet; `/health` says so."""
    _log_as_json()
    keep_tokens_out()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.database = database = Database(settings.database_url.get_secret_value(), application_name="q2c-api")
        app.state.outside = outside = Outside(settings.bank_url)
        app.state.temporal = client = await connected(settings)
        app.state.door = door = Door(client, settings.task_queue, database)
        app.state.links = links = Links(settings.link_secrets, settings.public_url)
        post = Post(database, _mailer(settings), links, for_sandboxes=_host(settings.bank_url) == settings.smtp_host)
        chat = SlackHooks(settings.slack_url.get_secret_value(), of_channel=settings.slack_hook_of)
        app.state.relay = Relay(database, door, post, _notifier(settings, database, chat))
        running = asyncio.create_task(app.state.relay.run()) if relay else None
        try:
            yield
        finally:
            if running is not None:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
            await outside.close()
            await chat.close()
            await database.dispose()

    app = FastAPIOffline(
        title="Quote to cash",
        version="0.1.0",
        description=DESCRIPTION,
        lifespan=lifespan,
        responses={"4XX": errors.DESCRIBED, 422: errors.DESCRIBED},
    )
    app.state.settings = settings
    errors.install(app)
    for module in ROUTERS:
        app.include_router(module.router)
    for router in (policy_trial.reads, policy_trial.writes):
        app.include_router(router)
    return app


def _notifier(settings: Settings, database: Database, chat: SlackHooks) -> Notifier:
    """Notices leave by the same mail server as mails do, and by the webhooks of chat."""
    sandbox = _host(settings.bank_url)
    return Notifier(
        database,
        _mailer(settings),
        chat,
        partial(decide_url, settings),
        for_sandboxes=sandbox == settings.smtp_host,
        sandbox_host=sandbox,
    )


def _mailer(settings: Settings) -> SmtpMailer:
    return SmtpMailer(host=settings.smtp_host, port=settings.smtp_port, sender=settings.mail_from)


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


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
        data_converter=data_converter,
        lazy=True,
    )


def from_environment() -> FastAPI:
    """The factory that uvicorn calls: `uvicorn api.app:from_environment --factory`."""
    return create_app(load())
