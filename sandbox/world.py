"""What every room of the sandbox shares: the store, the clocks, the webhooks and the faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import Request

from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.hooks import Hooks
from sandbox.log import record
from sandbox.store import Store


@dataclass(frozen=True, kw_only=True)
class World:
    store: Store
    clock: Clock
    hooks: Hooks
    faults: Faults

    def log(self, account: str, party: str, kind: str, *, at: int | None = None, **data: Any) -> None:
        """Record one effect at the account's now (or at the instant it was due)."""
        record(self.store, account, party, kind, self.clock.now(account) if at is None else at, **data)


def world_of(request: Request) -> World:
    found: World = request.app.state.world
    return found
