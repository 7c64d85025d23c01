"""Each account has one clock: the wall's, or a virtual one that is moved forward and performs what falls due."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.hooks import Hooks
from sandbox.instants import wall
from sandbox.store import Data, Store, dumps, loads

Perform = Callable[[str, int, Data], None]  # account, the instant on its clock, what was put in store


class ClockRefused(Exception):
    """A clock never goes backwards."""


@dataclass(kw_only=True)
class Advanced:
    """What one move of a clock came to."""

    now: int
    performed: int = 0
    delivered: int = 0
    undelivered: list[str] = field(default_factory=list)
    next_at: int | None = None


class Clock:
    """The clocks of all accounts and the agenda of what the outside will do."""

    def __init__(self, store: Store, hooks: Hooks) -> None:
        self._store, self._hooks = store, hooks
        self._performers: dict[str, Perform] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._virtual: dict[str, int | None] = {row["id"]: row["clock"] for row in store.all("SELECT * FROM accounts")}

    def performer(self, kind: str, perform: Perform) -> None:
        self._performers[kind] = perform

    def know(self, account: str) -> None:
        """Open the account on its first request; it lives on the wall clock until it is given a virtual one."""
        if account not in self._virtual:
            self._store.run("INSERT OR IGNORE INTO accounts (id) VALUES (?)", account)
            self._virtual[account] = None

    def now(self, account: str) -> int:
        virtual = self._virtual.get(account)
        return wall() if virtual is None else virtual

    def is_virtual(self, account: str) -> bool:
        return self._virtual.get(account) is not None

    def later(self, account: str, at: int, kind: str, data: Data) -> None:
        """Put something in store, in the caller's transaction."""
        self._store.run("INSERT INTO due (account, at, kind, data) VALUES (?, ?, ?, ?)", account, at, kind, dumps(data))
        self._hooks.wake()

    def next_at(self, account: str) -> int | None:
        """The next instant at which this account's outside does or says something, if any is known."""
        row = self._store.one("SELECT min(at) AS at FROM due WHERE account = ? AND done = 0", account)
        instants = [row["at"] if row else None, self._hooks.next_due(account, self.now(account))]
        return min((int(at) for at in instants if at is not None), default=None)

    async def advance(self, account: str, to: int) -> Advanced:
        """Move the virtual clock to `to`, performing and delivering in order of time on the way.

        Raises ClockRefused where `to` lies before the clock's now; the first call makes the clock.
        """
        self.know(account)
        async with self._locks[account]:
            virtual = self._virtual[account]
            if virtual is not None and to < virtual:
                raise ClockRefused("a clock never goes backwards")
            if virtual is None:
                self._set(account, to if (first := self.next_at(account)) is None else min(to, first))
            moved = Advanced(now=to)
            given_up: set[int] = set()
            while True:
                following = self.next_at(account)
                stop = to if following is None else min(to, max(following, self.now(account)))
                await self._reach(account, stop, moved, given_up)
                following = self.next_at(account)
                if stop == to and (following is None or following > to):
                    break
            moved.next_at = self.next_at(account)
            return moved

    async def _reach(self, account: str, instant: int, moved: Advanced, given_up: set[int]) -> None:
        self._set(account, instant)
        moved.performed += self._perform(account, instant)
        delivered, failed = await self._hooks.deliver_up_to(account, instant, given_up)
        moved.delivered += delivered
        moved.undelivered += failed

    def _set(self, account: str, instant: int) -> None:
        self._store.run("UPDATE accounts SET clock = ? WHERE id = ?", instant, account)
        self._virtual[account] = instant

    def _perform(self, account: str, instant: int) -> int:
        """Perform all that is due, one transaction each: a crash between two loses neither."""
        count = 0
        while True:
            row = self._store.one(
                "SELECT * FROM due WHERE account = ? AND at <= ? AND done = 0 ORDER BY at, id LIMIT 1", account, instant
            )
            if row is None:
                return count
            with self._store.transaction():
                self._store.run("UPDATE due SET done = 1 WHERE id = ?", row["id"])
                # A wall clock may have slept over the instant; what happens still happens at its own.
                self._performers[row["kind"]](account, row["at"], loads(row["data"]))
            count += 1

    def busy(self, account: str) -> bool:
        """Whether somebody is moving this account's clock just now."""
        return account in self._locks and self._locks[account].locked()

    def pump(self) -> None:
        """Perform what is due on every account that nobody is moving just now."""
        rows = self._store.all(
            "SELECT DISTINCT a.id FROM accounts a CROSS JOIN due d ON d.account = a.id AND d.done = 0"
            " AND d.at <= coalesce(a.clock, ?)",
            wall(),
        )
        for row in rows:
            if not self.busy(row["id"]):
                self._perform(row["id"], self.now(row["id"]))

    async def run(self) -> None:
        """The background task: at once when something new is in store, else a few times a second."""
        woken = asyncio.Event()
        self._hooks.wake = woken.set
        while True:
            self.pump()
            self._hooks.pump(self.busy)
            try:
                await asyncio.wait_for(woken.wait(), timeout=0.1)
            except TimeoutError:
                continue
            woken.clear()
