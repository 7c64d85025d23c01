"""Fifty deals with fates that put every kind of step under way: who signs, who pays, what fails, and where each ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.faults.desk import DORA, FAY, FLO, FRED, KEN, Word
from tests.whole import DESK


@dataclass(frozen=True, kw_only=True)
class Fate:
    """One kind of deal. `outside` are behaviours by party; `ends` is the stage it must be in at the end.

    `pays`: "card"; "transfer": its payer orders each invoice's amount for its due date; "never".
    `words`: what the desk says by one-click links, round after round, all of one round at once.
    `gives_up`: it parks for good, and an operator cancels it. `renews`: how many terms it has at least at the end.
    """

    name: str
    terms: dict[str, Any] = field(default_factory=dict)
    token: str = "pm_card_visa"
    outside: dict[str, dict[str, Any]] = field(default_factory=dict)
    pays: str = "card"
    ends: str = "active"
    approve: bool = False
    reject_first: bool = False
    words: tuple[tuple[Word, ...], ...] = ()
    revise_after_decline: bool = False
    gives_up: bool = False
    retry_charge: bool = False
    submits: bool = True
    renews: int = 1


def _card(*script: str) -> dict[str, dict[str, Any]]:
    return {"card": {"script": list(script)}}


TRANSFER = {"method": "transfer", "net_days": 14}
GONE = {"provisioner": {"fail_step": "users", "times": -1, "for_good": True}}
SHAKY = {"provisioner": {"fail_step": "entitlements", "times": 2}}

STEEP = {"discount_percent": "25"}
LEVELS = ((Word(who=DORA),), (Word(who=FAY), Word(who=FRED)))
HANDED_ON = ((Word(who=DESK, verb="delegate", form={"to": KEN}),), (Word(who=KEN),))
COUNTERED = (
    (Word(who=DESK, verb="changes", form={"d0": "22", "d1": ""}),),
    (Word(who=DORA, version=2),),
    (Word(who=FRED, version=2), Word(who=FLO, version=2)),
)

# On the wall's clock, up to active with the first invoice paid; by how many of twenty.
REAL: tuple[tuple[Fate, int], ...] = (
    (Fate(name="plain"), 4),
    (Fate(name="approved", terms={"discount_percent": "15"}, approve=True), 2),
    (Fate(name="two-levels", terms=STEEP, words=LEVELS), 2),
    (Fate(name="handed-on", terms={"discount_percent": "15"}, words=HANDED_ON), 2),
    (Fate(name="countered", terms=STEEP, words=COUNTERED), 1),
    (Fate(name="declined-once", outside=_card("insufficient_funds", "succeed"), retry_charge=True), 3),
    (Fate(name="shaky", outside=SHAKY), 2),
    (Fate(name="gone", outside=GONE, ends="ended", gives_up=True), 2),
    (Fate(name="by-transfer", terms=TRANSFER, pays="never"), 2),  # a bank books at noon: too late for a test
)

# In sandboxes, over the months; by how many of thirty.
VIRTUAL: tuple[tuple[Fate, int], ...] = (
    (Fate(name="monthly"), 5),
    (Fate(name="two-levels-later", terms=STEEP, words=LEVELS), 1),
    (Fate(name="countered-later", terms=STEEP, words=COUNTERED), 1),
    (Fate(name="quarterly", terms={"interval_months": 3}), 2),
    (Fate(name="recovers", outside=_card("succeed", "insufficient_funds", "insufficient_funds", "succeed")), 3),
    (Fate(name="broke", outside=_card("succeed", "insufficient_funds"), pays="never", ends="ended"), 2),
    (Fate(name="transfers", terms=TRANSFER, pays="transfer"), 3),
    (Fate(name="debit", token="pm_sepaDebit"), 2),
    (
        Fate(name="renewed", terms={"term_months": 2, "auto_renew": True, "notice_days": 10, "uplift_percent": "5"}, renews=2),
        3,
    ),
    (Fate(name="not-renewed", terms={"term_months": 2, "notice_days": 10}, ends="ended"), 2),
    (Fate(name="rejected", terms={"discount_percent": "30"}, approve=True, reject_first=True), 1),
    (Fate(name="silent-desk", terms={"discount_percent": "12"}, ends="quote"), 1),
    (Fate(name="declines", outside={"signature": {"action": "decline", "after_hours": 5, "reason": "no"}},
          revise_after_decline=True), 1),
    (Fate(name="never-signed", outside={"signature": {"action": "ignore"}}, terms={"valid_days": 10}, ends="quote"), 1),
    (Fate(name="shaky-later", outside=SHAKY), 1),
    (Fate(name="gone-later", outside=GONE, ends="ended", gives_up=True), 1),
)  # fmt: skip


def spread(kinds: tuple[tuple[Fate, int], ...], count: int) -> list[Fate]:
    """`count` fates in the proportions of the list, at least one of each while there is room."""
    whole = sum(weight for _, weight in kinds)
    found = [fate for fate, weight in kinds for _ in range(max(1, round(weight * count / whole)))]
    while len(found) < count:
        found.append(kinds[0][0])
    while len(found) > count:
        most = max(found, key=found.count)
        found.remove(most)
    return found
