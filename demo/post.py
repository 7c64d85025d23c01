"""People look into their letter boxes until what they wait for is there; meanwhile no clock is moved, since the post goes out between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from demo.client import Refused

ROUND = 0.1  # seconds between two looks into a letter box
ROUNDS = 600  # then something is wrong


class Post:
    """Shared by all sandboxes: they have one post."""

    def __init__(self) -> None:
        self._waiting = 0
        self._free = asyncio.Event()
        self._free.set()

    async def quiet(self) -> None:
        """Wait until nobody waits for the post."""
        await self._free.wait()

    async def wait(self, look: Callable[[], Awaitable[str]], *, who: str, what: str) -> str:
        """What `look` finds, once it finds something. Raises Refused where nothing comes."""
        self._waiting += 1
        self._free.clear()
        try:
            for _ in range(ROUNDS):
                if found := await look():
                    return found
                await asyncio.sleep(ROUND)
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._free.set()
        raise Refused(f"{who} waits for {what}", 0, {"detail": "nothing came"})
