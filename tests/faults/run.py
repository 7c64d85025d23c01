"""`python -m tests.faults.run --deals 50 --rounds 3`: the same campaign as the test, as long as one likes."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from cli.audit_run import audited, settings_from
from tests.faults.campaign import FAULTS, REAL_ENTITY, SANDBOXES, Campaign, campaign
from tests.faults.checks import breaches, settle
from tests.faults.desk_checks import desk_breaches
from tests.whole import whole


async def play(
    folder: Path,
    *,
    deals: int,
    rounds: int,
    seed: int,
    faults: str = FAULTS,
    keep: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[Campaign, list[str]]:
    """One campaign from nothing to rest; the campaign and every breach that was found."""
    async with whole(folder, sandbox_options=("--seed", str(seed), "--faults", faults), keep=keep) as system:
        played = campaign(system, deals=deals, seed=seed, say=say)
        await played.run(rounds)
        await settle(system, (REAL_ENTITY, *SANDBOXES))
        say("settled")
        await system.control("faults", faults="")  # an audit asks each thing once, and wants an answer
        found = await breaches(system, played.deals) + await desk_breaches(system, played.desk)
        for check in await audited(settings_from(system.system.environment())):
            found += [f"audit: {check.name}: {breach}" for breach in check.breaches]
        return played, found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.run", description=__doc__)
    parser.add_argument("--deals", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=1, help="of killing the worker, the API, PostgreSQL and Temporal")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--faults", default=FAULTS, help="of the outside parties, all the time")
    parser.add_argument("--keep", default="", help="a folder to leave everything in, still running, to be looked at")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="q2c-faults-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        played, found = asyncio.run(
            play(
                Path(given.keep or f"{folder}/data"), deals=given.deals, rounds=given.rounds, seed=given.seed,
                faults=given.faults, keep=bool(given.keep), say=print,
            )
        )  # fmt: skip
    for breach in found:
        print("BREACH", breach)
    print(f"{len(played.deals)} deals, kills {dict(played.kills)}, {len(found)} breaches")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
