"""An API as its own process that dies (as by SIGKILL) at the door to the deals: `before` the deal is told, or `after` it took it.

It dies when so many decisions have come that far. python -m tests.api.dying_api before 3
"""

from __future__ import annotations

import asyncio
import os
import sys

from api.app import create_app
from api.door import Door
from domain.message import Answer, Message
from settings import load
from tests.serving import serving


class DyingDoor(Door):
    """Counts who comes; the last one takes the process with it, and with that all who wait here."""

    when = "before"
    left = 1

    async def command(self, deal_id: str, message: Message) -> Answer | None:
        if self.when == "after":
            await Door.command(self, deal_id, message)
        DyingDoor.left -= 1
        if not DyingDoor.left:
            os._exit(9)
        await asyncio.Event().wait()
        raise AssertionError


async def main(when: str, count: int) -> None:
    settings = load()
    app = create_app(settings, relay=False)
    async with serving(app, settings.api_port):
        door: Door = app.state.door
        DyingDoor.when, DyingDoor.left = when, count
        app.state.door = DyingDoor(door.client, door.task_queue, door.database)
        print("up", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
