"""All parties in one server: rooms do not know each other, the clock calls back into each for what is due."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from fastapi import FastAPI

from sandbox import bank, card, control, inbox, payments, provisioner, signature, slack
from sandbox.clock import Clock
from sandbox.faults import Faults, parse_rates
from sandbox.hooks import Hooks
from sandbox.mail import serve_mail
from sandbox.store import Store
from sandbox.world import World


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line sets."""

    data: str
    host: str
    smtp_port: int
    hooks: str
    stripe_secret: str
    signature_secret: str
    bank_secret: str
    seed: int
    faults: str


def build_world(options: Options) -> World:
    store = Store(options.data, options.seed)
    faults = Faults(seed=options.seed, rates=parse_rates(options.faults))
    secrets = {"card": options.stripe_secret, "signature": options.signature_secret, "bank": options.bank_secret}
    hooks = Hooks(store, faults, options.hooks, secrets)
    world = World(store=store, clock=Clock(store, hooks), hooks=hooks, faults=faults)
    world.clock.performer("card.settle", partial(payments.settle_debit, world))
    world.clock.performer("signature.close", partial(signature.close_envelope, world))
    world.clock.performer("bank.book", partial(bank.book_transfers, world))
    return world


def build_app(options: Options) -> FastAPI:
    """The server; everything it needs is opened and closed with it."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        world = build_world(options)
        app.state.world = world
        post = await serve_mail(world, options.host, options.smtp_port)
        background = asyncio.create_task(_keep_running(world))
        yield
        background.cancel()
        post.close()
        await world.hooks.close()
        world.store.close()

    app = FastAPI(title="Outside parties (sandbox)", lifespan=life)
    for room in (card, signature, provisioner, bank, slack, control, inbox):
        app.include_router(room.router)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    app.get("/", include_in_schema=False)(inbox.to_inbox)
    return app


async def _keep_running(world: World) -> None:
    while True:
        try:
            await world.clock.run()
        except Exception:  # noqa: BLE001 - one bad effect must not stop the clocks of all accounts
            traceback.print_exc()
            await asyncio.sleep(1)
