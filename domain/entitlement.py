"""Provisioning: steps forward, one by one; when one fails for good, back again in reverse order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from domain.step import Step, StepKind

ROUND = 100  # operation numbers of round r begin at r * ROUND: a retry after a compensation is new work, not a repeat


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioning:
    """`done` steps of `names` stand. `failed` tells why the way back was taken; then `done` counts down to 0."""

    names: tuple[str, ...]
    done: int = 0
    round: int = 0
    failed: str = ""
    abandoned: bool = False  # going back because the deal was cancelled

    @property
    def complete(self) -> bool:
        return not self.failed and not self.abandoned and self.done == len(self.names)

    @property
    def undone(self) -> bool:
        """The way back is at its end."""
        return bool(self.failed or self.abandoned) and self.done == 0

    def name(self, number: int) -> str:
        """The name of the step with operation number `number`."""
        return self.names[number % ROUND]

    def advanced(self) -> Provisioning:
        return replace(self, done=min(self.done + 1, len(self.names)))

    def turned_back(self, reason: str) -> Provisioning:
        return replace(self, failed=reason)

    def compensated(self) -> Provisioning:
        return replace(self, done=max(self.done - 1, 0))

    def again(self) -> Provisioning:
        """A new round from the first step, once everything was undone."""
        return replace(self, done=0, failed="", abandoned=False, round=self.round + 1)


def steps(provisioning: Provisioning, *, subject: str, at: datetime) -> tuple[Step, ...]:
    """The one next step: provision `done`, or compensate the last one that stands."""
    base = provisioning.round * ROUND
    if provisioning.failed or provisioning.abandoned:
        if provisioning.done == 0:
            return ()
        return (Step(kind=StepKind.COMPENSATE, subject=subject, number=base + provisioning.done - 1, at=at),)
    if provisioning.done < len(provisioning.names):
        return (Step(kind=StepKind.PROVISION, subject=subject, number=base + provisioning.done, at=at),)
    return ()
