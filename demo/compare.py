"""What sales saw before the deal was asked for, beside what was invoiced in the end: invoice by invoice, line by line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from demo.client import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One invoice of the first term, as previewed and as made; net amounts in minor units, lines where they were read."""

    invoice: Json
    previewed: Json  # None: nothing of it was previewed

    @property
    def net(self) -> tuple[int, int]:
        """Previewed, invoiced."""
        return (self.previewed["net"]["minor"] if self.previewed else 0, self.invoice["net"]["minor"])

    @property
    def lines(self) -> tuple[list[tuple[str, str, int]], list[tuple[str, str, int]]]:
        """Previewed, invoiced: description, quantity and amount of each line."""
        return (_lines(self.previewed), _lines(self.invoice))

    @property
    def equal(self) -> bool:
        """The same money, line by line where both have lines."""
        before, after = self.lines
        return self.net[0] == self.net[1] and (not before or not after or before == after)


def offer_of(preview: Json, chosen: str) -> Json:
    """The offer that was picked; the only one where there is no choice."""
    return next((offer for offer in preview["offers"] if offer["name"] == chosen), preview["offers"][0])


def pairs(preview: Json, chosen: str, invoices: Sequence[Json], *, moved_on: date | None = None) -> list[Pair]:
    """The invoices of the first term beside the preview, in their order; from `moved_on` on they have other prices."""
    offer = offer_of(preview, chosen)
    reached = {each["milestone"]: each for each in offer["milestones"]}
    first = [
        i for i in invoices if i["term"] == 1 and not (moved_on and date.fromisoformat(i["issued_on"]) >= moved_on)
    ]
    by_date = sorted((i for i in first if not i["occasion"]), key=lambda invoice: invoice["period_no"])
    planned = [*offer["invoices"], *[None] * len(by_date)]
    found = [Pair(invoice=made, previewed=plan) for made, plan in zip(by_date, planned, strict=False)]
    return found + [Pair(invoice=i, previewed=reached.get(i["occasion"])) for i in first if i["occasion"]]


def _lines(invoice: Mapping[str, Json] | None) -> list[tuple[str, str, int]]:
    lines = (invoice or {}).get("lines", [])
    return [(line["description"], str(line["quantity"]), line["amount"]["minor"]) for line in lines]
