"""Dunning policies: the house's defaults, and data that makes sense in time."""

from __future__ import annotations

from typing import Any

import pytest

from domain.dunning_policy import DunningPolicy, DunningPolicyInvalid
from domain.errors import Problem


def test_the_defaults_are_the_houses() -> None:
    assert DunningPolicy.parse({}) == DunningPolicy()
    assert DunningPolicy().card_rungs() == (
        ("message", 0),
        ("charge", 1),
        ("message", 1),
        ("charge", 3),
        ("message", 3),
        ("charge", 5),
        ("message", 5),
        ("charge", 7),
        ("message", 7),
        ("suspend", 8),
        ("cancel", 30),
    )
    assert DunningPolicy().transfer_rungs() == (
        ("message", -3),
        ("message", 0),
        ("message", 7),
        ("message", 15),
        ("message", 30),
        ("suspend", 45),
        ("cancel", 60),
    )


def test_a_policy_is_data() -> None:
    policy = DunningPolicy.parse(
        {
            "name": "patient",
            "card": {"retry_after_days": [2, 10], "message_after_days": ["2"], "cancel_after_days": 90},
            "transfer": {"reminder_days": [-7, 14], "suspend_after_days": 20, "cancel_after_days": 21},
        }
    )
    assert policy == DunningPolicy(
        name="patient",
        card_retry_after_days=(2, 10),
        card_message_after_days=(2,),
        card_suspend_after_days=11,
        card_cancel_after_days=90,
        transfer_reminder_days=(-7, 14),
        transfer_suspend_after_days=20,
        transfer_cancel_after_days=21,
    )


def test_no_retry_at_all_is_a_policy() -> None:
    policy = DunningPolicy.parse({"card": {"retry_after_days": []}})
    assert policy.card_rungs() == (("message", 0), ("suspend", 8), ("cancel", 30))


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        ({"card": {"retry_after_days": [3, 1]}}, Problem("card.retry_after_days", "must rise from day to day")),
        ({"card": {"retry_after_days": [0]}}, Problem("card.retry_after_days[0]", "expected 1 to 3650, found 0")),
        ({"card": {"retry_after_days": "1,3"}}, Problem("card.retry_after_days", "expected a list, found '1,3'")),
        (
            {"card": {"suspend_after_days": 7}},
            Problem("card.suspend_after_days", "must be after the last of retry_after_days, day 7"),
        ),
        (
            {"card": {"suspend_after_days": 30}},
            Problem("card.cancel_after_days", "must be after the suspension, day 30"),
        ),
        (
            {"transfer": {"cancel_after_days": 45}},
            Problem("transfer.cancel_after_days", "must be after the suspension, day 45"),
        ),
        (
            {"transfer": {"reminder_days": [-91]}},
            Problem("transfer.reminder_days[0]", "expected -90 to 3650, found -91"),
        ),
        (
            {"transfer": {"reminders": [1]}},
            Problem(
                "transfer.reminders", "unknown field; known here: cancel_after_days, reminder_days, suspend_after_days"
            ),
        ),
        ({"cards": {}}, Problem("cards", "unknown field; known here: card, name, transfer")),
    ],
)
def test_a_policy_is_refused_by_field(mapping: dict[str, Any], problem: Problem) -> None:
    with pytest.raises(DunningPolicyInvalid) as refusal:
        DunningPolicy.parse(mapping)
    assert refusal.value.problems == (problem,)
