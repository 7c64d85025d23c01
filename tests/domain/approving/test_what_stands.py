"""One decision as it stands, put beside one need of a later version: what it answers, and what it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.approving.case import Approval, Stand, Vote
from domain.approving.needing import needs
from domain.approving.reapproval import carries, harvest, worse
from domain.need import ALL, Need
from tests.domain.approving.desk import ANN, BOB, GIL, facts
from tests.domain.approving.test_reapproval import MATRIX, NOW


def a_stand(need: Need, *votes: Vote) -> Stand:
    """What is harvested of a version that these votes granted."""
    granted = Approval.of([need]).asked(1, NOW).with_request(0, lambda r: replace(r, approved=True, votes=votes))
    (stand,) = harvest((), granted, version=1, content_hash="h")
    return stand


def a_vote(by: str, *hands: str, said: str = "approve", at: datetime = NOW) -> Vote:
    return Vote(by=by, said=said, at=at, ref=f"m-{by}", members=(by,), hands=hands or (by,))


DESK_NEED = needs(MATRIX, facts(discount_percent=Decimal(15)))[0]


@pytest.mark.parametrize(
    "changed",
    [{"quorum": 2}, {"quorum": ALL}, {"roles": ("heads",)}, {"people": (BOB,)}, {"level": 2}, {"group": "legal"}],
)
def test_another_question_is_asked(changed: dict[str, Any]) -> None:
    stand = a_stand(DESK_NEED, a_vote(ANN))
    assert carries(DESK_NEED, stand, barred=(), content_hash="h", at=NOW)
    assert not carries(replace(DESK_NEED, **changed), stand, barred=(), content_hash="h", at=NOW)


@pytest.mark.parametrize(
    ("quorum", "barred", "carried"),
    [
        (1, (), True),
        (1, (ANN,), True),  # Bob's voice is enough
        (1, (GIL,), True),
        (1, (ANN, GIL), False),
        (2, (), True),
        (2, (GIL,), False),
        (ALL, (), True),
        (ALL, (ANN,), False),  # where all must, none may be missing
        (ALL, (GIL,), False),
    ],
)
def test_a_voice_that_may_not_speak_today_is_not_counted(quorum: int, barred: tuple[str, ...], carried: bool) -> None:
    need = replace(DESK_NEED, quorum=quorum)
    stand = a_stand(need, a_vote(ANN), a_vote(BOB, BOB, GIL.upper(), BOB))
    for content_hash in ("h", "another"):
        assert carries(need, stand, barred=barred, content_hash=content_hash, at=NOW) is carried


def test_two_votes_of_one_person_are_one_voice_and_none_is_none() -> None:
    stand = a_stand(replace(DESK_NEED, quorum=2), a_vote(ANN), a_vote(ANN, BOB, ANN))
    assert not carries(replace(DESK_NEED, quorum=2), stand, barred=(), content_hash="h", at=NOW)
    for quorum in (1, ALL):
        of_none = replace(stand, quorum=quorum, votes=())
        assert not carries(replace(DESK_NEED, quorum=quorum), of_none, barred=(), content_hash="h", at=NOW)


@pytest.mark.parametrize(
    ("now", "then", "up", "down"),
    [
        ("15", "15", False, False),
        ("15.00", "15", False, False),
        ("15", "20", False, True),
        ("", "", True, True),  # nobody knew, and nobody knows: that is no reason to leave it be
        ("", "5", True, True),
        ("5", "", True, True),
        ("5 EUR", "5 USD", True, True),
        ("5 EUR", "6 EUR", False, True),
        ("yes", "no", True, False),
        ("|a", "|a|b", False, True),
        ("|a|b", "|a|b", False, False),
        ("|", "|a", False, True),
        ("EMEA", "AMER", True, True),
    ],
)
def test_which_way_a_fact_is_worse(now: str, then: str, up: bool, down: bool) -> None:
    assert (worse(now, then, "up"), worse(now, then, "down")) == (up, down)
    assert worse(now, then, "any") is (now != then or not now)
