"""A webhook is sent until it is answered 2xx; on purpose, by seed, it may come twice, late or out of order."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
from standardwebhooks import Webhook

from sandbox.faults import Faults
from sandbox.instants import HOUR, SECOND, wall
from sandbox.store import Data, Store, dumps

ROUND = 3  # tries within one call of the clock
GIVE_UP = 60  # tries in all; with a pause of at most a minute this is most of an hour
SIDE_BY_SIDE = 16


class Hooks:
    """Writes events in the transaction that causes them and delivers them afterwards."""

    def __init__(self, store: Store, faults: Faults, base: str, secrets: dict[str, str]) -> None:
        self._store, self._faults, self._base = store, faults, base.rstrip("/")
        self._secrets = secrets
        self._client = httpx.AsyncClient(
            timeout=10, trust_env=False, limits=httpx.Limits(max_connections=64, max_keepalive_connections=SIDE_BY_SIDE)
        )
        self._gate = asyncio.Semaphore(SIDE_BY_SIDE)
        self._sending: dict[int, asyncio.Task[bool]] = {}
        self.wake: Callable[[], None] = lambda: None

    def set_base(self, url: str) -> None:
        self._base = url.rstrip("/")

    def emit(self, account: str, party: str, kind: str, at: int, body: Data, *, deliver: bool = True) -> None:
        """Keep one event, and what is to be delivered of it, in the caller's transaction. `body["id"]` names it."""
        self._store.run(
            "INSERT INTO events (id, account, party, kind, at, body) VALUES (?, ?, ?, ?, ?, ?)",
            body["id"], account, party, kind, at, dumps(body),
        )  # fmt: skip
        if not deliver or not self._url(account, party):
            return
        self._plan(account, body["id"], at, copy=0)
        if self._faults.on_hook("hook_dup", body["id"]):
            self._plan(account, body["id"], at, copy=1)
        self.wake()

    def _plan(self, account: str, event: str, at: int, *, copy: int) -> None:
        """One delivery: late by hours of the account's clock on a virtual one, by fractions of a second on the wall."""
        row = self._store.one("SELECT clock FROM accounts WHERE id = ?", account)
        virtual = row is not None and row["clock"] is not None
        delay = 0
        if self._faults.on_hook("hook_late", f"{event}/{copy}"):
            delay = (12 * HOUR) if virtual else 2 * SECOND
        elif self._faults.on_hook("hook_shuffle", f"{event}/{copy}"):
            delay = HOUR if virtual else SECOND // 2
        due = at + int(delay * self._faults.chance("delay", event, copy)) + (1 if copy else 0)
        self._store.run(
            "INSERT INTO deliveries (event, account, due, not_before) VALUES (?, ?, ?, 0)", event, account, due
        )

    def _url(self, account: str, party: str) -> str:
        row = self._store.one("SELECT hooks FROM accounts WHERE id = ?", account)
        base = (row["hooks"] if row else None) or self._base
        return f"{base}/webhooks/{'stripe' if party == 'card' else party}" if base else ""

    def next_due(self, account: str, after: int) -> int | None:
        """When the next webhook that was never tried is due, later than `after`."""
        row = self._store.one(
            "SELECT min(due) AS due FROM deliveries WHERE account = ? AND due > ? AND state = 'pending' AND tries = 0",
            account, after,
        )  # fmt: skip
        return int(row["due"]) if row and row["due"] is not None else None

    async def deliver_up_to(self, account: str, instant: int, skip: set[int]) -> tuple[int, list[str]]:
        """Deliver what is due, a few tries each; returns (delivered, events not answered). `skip` grows by those."""
        rows = self._store.all(
            "SELECT d.id, d.event FROM deliveries d WHERE account = ? AND due <= ? AND state = 'pending' ORDER BY due, id",
            account, instant,
        )  # fmt: skip
        fresh = [row for row in rows if row["id"] not in skip]
        if self._faults.rates.get("hook_shuffle"):
            fresh.sort(key=lambda row: self._faults.chance("order", row["event"]))
        results = await asyncio.gather(*(self._send(row["id"], tries=ROUND) for row in fresh))
        failed = [row for row, ok in zip(fresh, results, strict=True) if not ok]
        skip.update(row["id"] for row in failed)
        return sum(results), [row["event"] for row in failed]

    def pump(self, busy: Callable[[str], bool]) -> None:
        """Start whatever is due now, on every account's own clock, one try each; not where a clock is being moved."""
        rows = self._store.all(
            "SELECT d.id, d.account FROM accounts a CROSS JOIN deliveries d ON d.account = a.id AND d.state = 'pending'"
            " AND d.due <= coalesce(a.clock, ?) WHERE d.not_before <= ? ORDER BY d.due, d.id",
            wall(), wall(),
        )  # fmt: skip
        for row in rows:
            if row["id"] not in self._sending and not busy(row["account"]):
                self._start(row["id"], tries=1)

    def _start(self, delivery: int, *, tries: int) -> asyncio.Task[bool]:
        task = asyncio.create_task(self._try(delivery, tries))
        self._sending[delivery] = task
        task.add_done_callback(lambda _: self._sending.pop(delivery, None))
        return task

    async def _send(self, delivery: int, *, tries: int) -> bool:
        """Deliver, or wait for the delivery under way and go on from its result."""
        under_way = self._sending.get(delivery)
        if under_way is not None and await asyncio.shield(under_way):
            return True
        return await self._start(delivery, tries=tries)

    async def _try(self, delivery: int, tries: int) -> bool:
        async with self._gate:
            for number in range(tries):
                if number:
                    await asyncio.sleep(0.05 * 4**number)
                if await self._once(delivery):
                    return True
        return False

    async def _once(self, delivery: int) -> bool:
        row = self._store.one(
            "SELECT d.tries, d.account, e.id, e.party, e.body FROM deliveries d JOIN events e ON e.id = d.event"
            " WHERE d.id = ? AND d.state = 'pending'",
            delivery,
        )  # fmt: skip
        if row is None:
            return True
        answer = await self._post(self._url(row["account"], row["party"]), row["party"], row["id"], row["body"])
        tries, ok = row["tries"] + 1, answer.isdigit() and 200 <= int(answer) < 300
        state = "delivered" if ok else "undelivered" if tries >= GIVE_UP else "pending"
        pause = min(60 * SECOND, int(0.2 * 1.7**tries * SECOND))
        self._store.run(
            "UPDATE deliveries SET tries = ?, state = ?, answer = ?, not_before = ? WHERE id = ?",
            tries, state, answer, wall() + pause, delivery,
        )  # fmt: skip
        return ok

    async def _post(self, url: str, party: str, event: str, body: str) -> str:
        headers = {"content-type": "application/json", **self._signed(party, event, body)}
        try:
            return str((await self._client.post(url, content=body.encode(), headers=headers)).status_code)
        except httpx.HTTPError as trouble:
            return type(trouble).__name__

    def _signed(self, party: str, event: str, body: str) -> dict[str, str]:
        """Signed anew at each try, by the wall clock: receivers refuse what is older than 300 seconds."""
        stamp, secret = int(time.time()), self._secrets[party]
        if party == "card":
            mac = hmac.new(secret.encode(), f"{stamp}.{body}".encode(), hashlib.sha256).hexdigest()
            return {"stripe-signature": f"t={stamp},v1={mac}"}
        signature = Webhook(secret).sign(event, datetime.fromtimestamp(stamp, tz=UTC), body)
        return {"webhook-id": event, "webhook-timestamp": str(stamp), "webhook-signature": signature}

    async def close(self) -> None:
        for task in list(self._sending.values()):
            task.cancel()
        await self._client.aclose()
