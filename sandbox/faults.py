"""Trouble is drawn from the seed, the key and the number of the try, so that a run can be repeated exactly."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field

NAMES = ("lost", "error", "slow", "late", "hook_dup", "hook_late", "hook_shuffle")


@dataclass
class Faults:
    """`rates` are probabilities in 0..1; `script` holds what the next requests of an account meet, in order."""

    seed: int = 0
    rates: dict[str, float] = field(default_factory=dict)
    slow_seconds: float = 0.5
    script: dict[str, list[str]] = field(default_factory=dict)
    _tries: Counter[str] = field(default_factory=Counter)

    def chance(self, *parts: object) -> float:
        """A number in [0, 1) that depends on nothing but the seed and the parts."""
        digest = hashlib.sha256("/".join(str(part) for part in (self.seed, *parts)).encode()).digest()
        return int.from_bytes(digest[:7], "big") / 2**56

    def on_request(self, account: str, key: str) -> str:
        """What this try of a request meets: "", "error" (not done), "lost" (done, the answer is gone), "slow" (done later) or "late" (answered later)."""
        planned = self.script.get(account)
        if planned:
            met = planned.pop(0)
            return "" if met == "ok" else met
        if not self.rates:
            return ""
        name = f"{account}/{key}"
        self._tries[name] += 1
        drawn = self.chance(name, self._tries[name])
        for fault in ("lost", "error", "slow", "late"):
            drawn -= self.rates.get(fault, 0.0)
            if drawn < 0:
                return fault
        return ""

    def on_hook(self, fault: str, event_id: str) -> bool:
        rate = self.rates.get(fault, 0.0)
        return rate > 0 and self.chance(fault, event_id) < rate


def parse_rates(text: str) -> dict[str, float]:
    """Read `lost=0.02,error=0.01`. Raises ValueError for an unknown name or a rate outside 0..1."""
    rates: dict[str, float] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, value = part.partition("=")
        if name not in NAMES:
            raise ValueError(f"unknown fault {name!r}; known: {', '.join(NAMES)}")
        rate = float(value)
        if not 0 <= rate <= 1:
            raise ValueError(f"the rate of {name} must lie in 0..1, not {value}")
        rates[name] = rate
    return rates
