"""What Temporal's own UI shows of a deal: typed search attributes, upserted only when they change, and the story in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

from domain.standing import Standing
from domain.state import Deal
from domain.step import StepKind

STAGE = SearchAttributeKey.for_keyword("Stage")
WAITING_FOR = SearchAttributeKey.for_keyword("WaitingFor")
ACCOUNT = SearchAttributeKey.for_keyword("Account")
OWNER = SearchAttributeKey.for_keyword("Owner")
CURRENCY = SearchAttributeKey.for_keyword("Currency")
ACV = SearchAttributeKey.for_int("Acv")
VIRTUAL = SearchAttributeKey.for_bool("Virtual")

UNKNOWN = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What of a deal is searchable and moves. Never the next date: it changes with every period."""

    stage: str
    waits_for: str
    acv_minor: int  # UNKNOWN where no order of this run tells it; the attribute then stays as it is

    @classmethod
    def of(cls, deal: Deal, place: Standing, before: Shown | None) -> Shown:
        acv = max((order.terms.acv_minor for order in deal.orders if order.terms), default=UNKNOWN)
        if acv == UNKNOWN and before is not None:
            acv = before.acv_minor
        return cls(stage=place.stage, waits_for=place.waits_for, acv_minor=acv)

    def updates(self, deal: Deal, before: Shown | None) -> list[SearchAttributeUpdate[Any]]:
        """The attributes to upsert: all of them in a run's first showing, afterwards those that moved."""
        found: list[SearchAttributeUpdate[Any]] = [STAGE.value_set(self.stage), WAITING_FOR.value_set(self.waits_for)]
        if before is None:
            found += [
                ACCOUNT.value_set(deal.account_id),
                OWNER.value_set(deal.owner),
                CURRENCY.value_set(deal.currency),
                VIRTUAL.value_set(deal.clock.virtual),
            ]
        if self.acv_minor != UNKNOWN and (before is None or self.acv_minor != before.acv_minor):
            found.append(ACV.value_set(self.acv_minor))
        return found


def details(deal: Deal, place: Standing) -> str:
    """Where the deal stands, what it waits for and what comes next, in Markdown."""
    lines = [f"**{deal.name}**: {place.stage}, waits for {place.waits_for} ({place.who or 'nobody'})"]
    if place.next_at is not None and place.next_kind != StepKind.TAKE:
        lines.append(f"Next: {place.next_kind} on {place.next_at:%Y-%m-%d %H:%M} UTC")
    if place.parked:
        lines.append(f"Parked: {place.parked}")
    return "\n\n".join(lines)
