"""What leaves us goes in lanes, one for each channel: one that is slow or closed holds up no other, and no round of the relay."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import structlog

from gateways.ports import GatewayUnavailable

log = structlog.get_logger(__name__)

LONGEST_BACKOFF = 60.0
ROUND_WAITS = 0.5  # seconds that a round waits for a lane: one that is slow goes on beside the next rounds
LAST_WORDS = 5.0  # seconds in which what is being sent may end when the process does: cut short, it would be sent twice
BATCH = 100


@dataclass(slots=True)
class Backoff:
    """When a thing that failed is tried again: after 1, 2, 4 … 60 seconds."""

    _tries: dict[str, tuple[int, float]] = field(default_factory=dict)

    def due(self, key: str) -> bool:
        return key not in self._tries or self._tries[key][1] <= monotonic()

    def failed(self, key: str, *, least: float = 0.0) -> None:
        """`least`: the seconds that it asks to be left alone for."""
        count = self._tries[key][0] + 1 if key in self._tries else 1
        self._tries[key] = (count, monotonic() + max(least, min(LONGEST_BACKOFF, 2.0 ** (count - 1))))

    def done(self, key: str) -> None:
        self._tries.pop(key, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One channel: what waits for it, and how one of these is sent. A row says itself what became of it."""

    name: str
    waiting: Callable[[int], Awaitable[Sequence[Any]]]
    send: Callable[[Any], Awaitable[None]]


class Lanes:
    """All channels, each at its own pace and in its own order."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self.lanes = {lane.name: lane for lane in lanes}
        self.backoff = Backoff()
        self.last_words = LAST_WORDS
        self.under_way: dict[str, asyncio.Task[bool]] = {}
        self._closing = False

    async def round(self, *, without: str = "") -> bool:
        """Have every lane that stands go, but one. True: one of them had a full batch, so there is probably more."""
        for name, lane in self.lanes.items():
            if name not in self.under_way and name != without:
                self.under_way[name] = asyncio.create_task(self._go(lane))
        if not self.under_way:
            return False
        await asyncio.wait(self.under_way.values(), timeout=ROUND_WAITS)
        ended = {name: task for name, task in self.under_way.items() if task.done()}
        self.under_way = {name: task for name, task in self.under_way.items() if name not in ended}
        return any(await asyncio.gather(*ended.values()))

    async def stop(self) -> None:
        """Let what is being sent end, within reason; nothing more is begun."""
        self._closing = True
        try:
            if tasks := list(self.under_way.values()):
                await asyncio.wait(tasks, timeout=self.last_words)
        finally:
            for task in self.under_way.values():
                task.cancel()
            await asyncio.gather(*self.under_way.values(), return_exceptions=True)
            self.under_way, self._closing = {}, False

    async def _go(self, lane: Lane) -> bool:
        if not self.backoff.due(lane.name):
            return False
        rows = await lane.waiting(BATCH)
        sent = False
        for row in rows:
            if self._closing:
                return False
            sent = await self._one(lane, row) or sent
            if not self.backoff.due(lane.name):
                break
        return len(rows) == BATCH and sent

    async def _one(self, lane: Lane, row: Any) -> bool:
        """Send one; where it fails, its row says so, and when it is tried again. True: it was sent."""
        try:
            await lane.send(row)
        except Exception as error:  # noqa: BLE001 - one that fails must not hold the others up
            if isinstance(error, GatewayUnavailable):
                self.backoff.failed(lane.name, least=getattr(error, "after_seconds", 0.0))
            log.warning("not delivered", what=lane.name, key=row.key, error=str(error), kind=type(error).__name__)
            return False
        self.backoff.done(lane.name)
        return True
