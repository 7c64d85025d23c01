"""A database that is away for longer than a gateway step may try: nothing is given up for it."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.whole import whole

AWAY = 22.0  # seconds; a gateway step tries five times within about twelve


@pytest.mark.fault
@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_step_at_a_gateway_waits_for_our_own_books(folder: Path) -> None:
    async with whole(folder / "data") as system:
        await system.furnish()
        await system.control("behaviour", account="acme", party="signature", email="*", action="sign", after_hours=0)
        await system.control("faults", faults="", slow_seconds=3.0, account="acme", script=["slow"])
        account = await system.account("acme", "patient")
        deal = await system.open("patient", account)
        await system.post(f"/v1/deals/{deal}/submit", {"version": 1})
        await asyncio.sleep(1.0)  # the order form is at the signature provider, whose answer takes three seconds
        await asyncio.to_thread(system.system.kill, "postgres")
        await asyncio.sleep(AWAY)
        await asyncio.to_thread(system.system.start, "postgres")
        until = time.monotonic() + 120.0  # the longer it was away, the longer a step waits before it tries again
        page = await system.deal(deal)
        while page["waits_for"] != "next period" and not page["parked"] and time.monotonic() < until:
            await asyncio.sleep(0.2)
            page = await system.deal(deal)
        assert (page["stage"], page["waits_for"], page["parked"]) == ("active", "next period", "")
        assert len(await system.log("acme", "envelope.sent")) == 1
        assert len(await system.log("acme", "charge.captured")) == 1
