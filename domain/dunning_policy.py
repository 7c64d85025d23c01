"""When a failed card is charged again, when a reminder goes out, when service stops: data in days, with the house's defaults.

As a document (every field may be left out; these are the defaults):

    name: standard
    card:                                      # days after the first decline
      retry_after_days: [1, 3, 5, 7]
      message_after_days: [0, 1, 3, 5, 7]      # a message goes after the charge of the same day, so only if it failed
      suspend_after_days: 8
      cancel_after_days: 30
    transfer:                                  # days after the due date
      reminder_days: [-3, 0, 7, 15, 30]
      suspend_after_days: 45
      cancel_after_days: 60
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from domain.document import Reader
from domain.errors import InvalidDocument, Problem

CHARGE, MESSAGE, SUSPEND, CANCEL = "charge", "message", "suspend", "cancel"
LONGEST = 3650

Rungs = tuple[tuple[str, int], ...]


class DunningPolicyInvalid(InvalidDocument):
    """A dunning policy with problems, each with its path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DunningPolicy:
    """Days after the first decline (card), or after the due date (transfer; negative is before)."""

    name: str = "standard"
    card_retry_after_days: tuple[int, ...] = (1, 3, 5, 7)
    card_message_after_days: tuple[int, ...] = (0, 1, 3, 5, 7)
    card_suspend_after_days: int = 8
    card_cancel_after_days: int = 30
    transfer_reminder_days: tuple[int, ...] = (-3, 0, 7, 15, 30)
    transfer_suspend_after_days: int = 45
    transfer_cancel_after_days: int = 60

    @classmethod
    def parse(cls, mapping: Mapping[str, object]) -> DunningPolicy:
        """Read a policy; raises DunningPolicyInvalid with every problem in it.

        >>> DunningPolicy.parse({"name": "strict", "card": {"retry_after_days": [2]}}).card_retry_after_days
        (2,)
        """
        problems: list[Problem] = []
        reader = Reader(mapping, problems)
        name = reader.text("name", "standard")
        card = reader.section("card", required=False)
        transfer = reader.section("transfer", required=False)
        reader.end()
        retries = _days(card, "retry_after_days", cls().card_retry_after_days, minimum=1)
        policy = cls(
            name=name,
            card_retry_after_days=retries,
            card_message_after_days=_days(card, "message_after_days", tuple(sorted({0, *retries})), minimum=0),
            card_suspend_after_days=_day(card, "suspend_after_days", max(8, *(day + 1 for day in (0, *retries)))),
            card_cancel_after_days=_day(card, "cancel_after_days", 30),
            transfer_reminder_days=_days(transfer, "reminder_days", cls().transfer_reminder_days, minimum=-90),
            transfer_suspend_after_days=_day(transfer, "suspend_after_days", 45),
            transfer_cancel_after_days=_day(transfer, "cancel_after_days", 60),
        )
        _check_order(card, "retry_after_days", policy.card_retry_after_days, policy.card_suspend_after_days)
        _check_final(card, policy.card_suspend_after_days, policy.card_cancel_after_days)
        _check_final(transfer, policy.transfer_suspend_after_days, policy.transfer_cancel_after_days)
        card.end()
        transfer.end()
        if problems:
            raise DunningPolicyInvalid(problems=tuple(problems))
        return policy

    @classmethod
    def kept(cls, content: Mapping[str, object] | None) -> DunningPolicy:
        """The policy that is kept, or the house's where none is. Raises what `parse` raises."""
        return cls.parse(content) if content else cls()

    def card_rungs(self) -> Rungs:
        """What follows a first decline, in order: (charge | message | suspend | cancel, days after it).

        >>> DunningPolicy().card_rungs()[:3]
        (('message', 0), ('charge', 1), ('message', 1))
        """
        return _in_order(
            *((CHARGE, day) for day in self.card_retry_after_days),
            *((MESSAGE, day) for day in self.card_message_after_days),
            (SUSPEND, self.card_suspend_after_days),
            (CANCEL, self.card_cancel_after_days),
        )

    def transfer_rungs(self) -> Rungs:
        """What accompanies an invoice on terms, in order: (message | suspend | cancel, days after its due date).

        >>> DunningPolicy().transfer_rungs()[-2:]
        (('suspend', 45), ('cancel', 60))
        """
        return _in_order(
            *((MESSAGE, day) for day in self.transfer_reminder_days),
            (SUSPEND, self.transfer_suspend_after_days),
            (CANCEL, self.transfer_cancel_after_days),
        )


def _in_order(*rungs: tuple[str, int]) -> Rungs:
    order = (CHARGE, MESSAGE, SUSPEND, CANCEL)
    return tuple(sorted(rungs, key=lambda rung: (rung[1], order.index(rung[0]))))


def _days(reader: Reader, name: str, default: tuple[int, ...], *, minimum: int) -> tuple[int, ...]:
    days = reader.wholes(name, default, minimum=minimum, maximum=LONGEST)
    if any(later <= earlier for earlier, later in pairwise(days)):
        reader.problem(name, "must rise from day to day")
    return days


def _day(reader: Reader, name: str, default: int) -> int:
    return reader.whole(name, default, minimum=1, maximum=LONGEST)


def _check_order(reader: Reader, name: str, days: tuple[int, ...], suspend: int) -> None:
    if days and days[-1] >= suspend:
        reader.problem("suspend_after_days", f"must be after the last of {name}, day {days[-1]}")


def _check_final(reader: Reader, suspend: int, cancel: int) -> None:
    if cancel <= suspend:
        reader.problem("cancel_after_days", f"must be after the suspension, day {suspend}")
