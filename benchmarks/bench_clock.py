"""Three years of monthly billing of one deal on the virtual clock, gateway included.

python -m benchmarks.bench_clock [--runs 5]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks import cpu, table
from tests.whole import whole

MONTHS = 36


async def run(runs: int, folder: Path) -> None:
    took: list[float] = []
    parts: dict[str, float] = {}
    async with whole(folder / "data") as system:
        await system.furnish(sandboxes={f"sandbox-{n}": "2026-01-05T09:00:00Z" for n in range(runs)})
        for number in range(runs):
            sandbox = f"sandbox-{number}"
            account = await system.account(sandbox, f"account-{number}")
            deal = await system.open(f"deal-{number}", account, term_months=MONTHS)
            await system.post(f"/v1/deals/{deal}/submit", {"version": 1})
            await system.advance(sandbox, "2026-01-05T10:00:00Z")  # sent for signature; all else is in the three years
            before, began = cpu.spent(system.system), time.monotonic()
            await system.advance(sandbox, "2029-01-05T00:00:00Z")
            took.append(time.monotonic() - began)
            parts = cpu.between(before, cpu.spent(system.system), MONTHS)
            invoices = (await system.get("/v1/invoices", deal=deal, limit=100))["items"]
            paid = [invoice for invoice in invoices if invoice["status"] == "paid"]
            if len(paid) != MONTHS:
                raise RuntimeError(f"{len(paid)} of {MONTHS} invoices are paid")
            print(f"run {number + 1}: {took[-1]:.2f} s", flush=True)
    rows = [
        (
            "36 periods, invoiced and paid",
            f"{statistics.median(took):.2f} s",
            f"{min(took):.2f} s",
            f"{max(took):.2f} s",
        )
    ]
    notes = ["", f"CPU ms per period: {sum(parts.values()):.0f} ({cpu.told(parts)})", "aim: under 3 s"]
    table.show(f"Three years on the virtual clock, {runs} runs", ("what", "median", "best", "worst"), rows, notes)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_clock", description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="q2c-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        asyncio.run(run(given.runs, Path(folder)))


if __name__ == "__main__":
    main()
