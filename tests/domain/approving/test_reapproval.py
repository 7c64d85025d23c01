"""A revised version asks again only for what got worse; what stands is carried over, and never means more than was said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.approving.case import Stand, Vote
from domain.approving.needing import needs
from domain.approving.policy import Matrix
from domain.approving.reapproval import begun, harvest, worse
from domain.need import Need
from domain.order import OrderStage
from tests.domain.approving.desk import ANN, BOB, CEM, DANA, EVE, Desk, facts
from tests.domain.approving.desk_watch import DeskWatch
from tests.domain.lives import OWNER

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
MATRIX = Matrix.parse(
    {
        "name": "standard",
        "stands_days": 30,
        "rules": [
            {"when": {"discount_percent_over": 10}, "require": [{"group": "desk"}]},
            {"when": {"margin_percent_below": 30}, "require": [{"level": 2, "group": "finance"}]},
            {"when": {"net_days_over": 45}, "require": [{"group": "legal"}]},
            {"when": {"acv_over": {"EUR": 90000}}, "require": [{"level": 3, "group": "board"}]},
            {"when": {"region_in": ["APAC"]}, "require": [{"group": "legal"}]},
        ],
    },
    version=1,
)


V1: dict[str, Any] = {"discount_percent": Decimal(15), "margin_percent": Decimal(20), "net_days": 60}


def approved(**changed: Any) -> Desk:
    """Version 1: 15 % off, a margin of 20 %, 60 days; approved by Ann (desk), Eve (legal), Dana (finance)."""
    desk = Desk(MATRIX)
    DeskWatch(desk)
    desk.offer(**{**V1, **changed})
    for person in (ANN, EVE, DANA):
        desk.word("approve", person)
    assert desk.order.stage is OrderStage.OUT_FOR_SIGNATURE
    return desk


def revised(desk: Desk, **changed: Any) -> list[str]:
    """The groups asked again by the next version."""
    desk.offer(**{**V1, **changed})
    return [r.need.group for r in desk.order.approval.requests if not r.approved]


@pytest.mark.parametrize(
    ("changed", "asked"),
    [
        ({}, []),
        ({"discount_percent": Decimal(12)}, []),
        ({"discount_percent": Decimal("15.01")}, ["desk"]),
        ({"margin_percent": Decimal("19.99")}, ["finance"]),
        ({"margin_percent": Decimal(29)}, []),
        ({"margin_percent": None}, []),  # no cost, no margin, and so no rule about it
        ({"net_days": 61}, ["legal"]),
        ({"net_days": 50}, []),
        ({"net_days": 30}, []),
        ({"discount_percent": Decimal(40), "margin_percent": Decimal(5)}, ["desk", "finance"]),
        ({"discount_percent": Decimal(11), "margin_percent": Decimal(10)}, ["finance"]),
        ({"region": "APAC"}, ["legal"]),  # another question to legal, which they did not look at
        ({"acv_minor": 90_000_01}, ["board"]),
    ],
)
def test_only_what_got_worse_is_asked_again(changed: dict[str, Any], asked: list[str]) -> None:
    assert revised(approved(), **changed) == asked


def test_what_stands_says_on_which_decision() -> None:
    desk = approved()
    said = {vote.by: vote.ref for r in desk.order.approval.requests for vote in r.votes}
    revised(desk, discount_percent=Decimal(14))
    carried = [r.carried for r in desk.order.approval.requests]
    assert [(c.group, c.version, c.policy, c.votes[0].by, c.votes[0].ref) for c in carried if c] == [
        ("desk", 1, "standard/1", ANN, said[ANN]),
        ("legal", 1, "standard/1", EVE, said[EVE]),
        ("finance", 1, "standard/1", DANA, said[DANA]),
    ]


def test_a_decision_does_not_drift_with_what_it_was_carried_over_to() -> None:
    desk = approved()
    assert revised(desk, discount_percent=Decimal(11)) == []
    assert revised(desk, discount_percent=Decimal(15)) == [], "that is what Ann approved"
    assert revised(desk, discount_percent=Decimal(16)) == ["desk"]


def test_who_asks_for_changes_takes_back_what_they_said_before() -> None:
    desk = approved()
    assert revised(desk, discount_percent=Decimal(20)) == ["desk"]
    desk.word("changes", BOB)
    assert revised(desk) == ["desk"], "the desk has refused since; finance and legal still stand"


def test_a_decision_grows_old() -> None:
    desk = approved()
    desk.play(desk.now + timedelta(days=30))
    assert revised(desk, discount_percent=Decimal(14)) == ["desk", "legal", "finance"]


def test_the_same_content_stays_approved_however_old() -> None:
    desk = approved()
    desk.play(desk.now + timedelta(days=90))
    assert revised(desk) == []


def test_a_decision_of_one_who_prices_the_next_version_does_not_stand() -> None:
    desk = approved()
    desk.offer(by=ANN, discount_percent=Decimal(14), margin_percent=Decimal(20), net_days=60)
    assert [r.need.group for r in desk.order.approval.requests if not r.approved] == ["desk"]
    assert desk.waits_for == (BOB, CEM)


def test_a_decision_through_the_hands_of_one_who_prices_the_next_version_does_not_stand() -> None:
    desk = Desk(MATRIX)
    desk.offer(discount_percent=Decimal(15))
    desk.word("delegate", ANN, to=EVE)
    desk.word("approve", EVE)
    desk.offer(by=ANN, discount_percent=Decimal(14))
    assert [r.approved for r in desk.order.approval.requests] == [False]


def test_what_was_always_required_is_asked_each_time() -> None:
    matrix = Matrix.parse({"name": "p", "stands_days": 99, "rules": [{"require": [{"group": "desk"}]}]}, version=1)
    desk = Desk(matrix)
    desk.offer(net_days=30)
    desk.word("approve", ANN)
    desk.offer(net_days=31)
    assert [r.approved for r in desk.order.approval.requests] == [False]


def test_a_policy_may_carry_nothing_over() -> None:
    desk = approved()
    desk.matrix = replace(MATRIX, stands_days=0)
    assert revised(desk, discount_percent=Decimal(14)) == ["desk", "legal", "finance"]


# --- any facts -----------------------------------------------------------------------------------------------------

figures = st.decimals(-100, 100, places=2).map(lambda d: format(d, "f"))
senses = st.sampled_from(("up", "down", "any"))
values = st.one_of(
    figures,
    st.integers(0, 999).map(lambda n: f"{n} EUR"),
    st.sampled_from(("", "yes", "no", "EMEA", "5 USD", "|", "|a", "|a|b", "|b|c")),
)


@settings(deadline=None)
@given(values, values, values, senses)
def test_no_worse_twice_is_no_worse(one: str, two: str, three: str, sense: str) -> None:
    if not worse(one, two, sense) and not worse(two, three, sense):
        assert not worse(one, three, sense)


@settings(deadline=None)
@given(values, values)
def test_different_facts_are_worse_one_way_at_least(one: str, other: str) -> None:
    if one != other and not (_figure(one) and _figure(other) and Decimal(one) == Decimal(other)):
        assert worse(one, other, "up") or worse(other, one, "up")
        assert worse(one, other, "any")


def _figure(said: str) -> bool:
    return said.replace("-", "").replace(".", "").isdigit()


some_facts = st.fixed_dictionaries(
    {
        "discount_percent": st.sampled_from([Decimal(n) for n in (5, 12, 15, 22)]),
        "margin_percent": st.sampled_from([None, *(Decimal(n) for n in (10, 20, 29, 50))]),
        "net_days": st.sampled_from((30, 50, 60)),
        "acv_minor": st.sampled_from((1_000_00, 90_001_00, 95_000_00)),
        "region": st.sampled_from(("EMEA", "APAC")),
    }
)


@settings(deadline=None)
@given(st.lists(some_facts, min_size=2, max_size=6), st.booleans())
def test_carrying_over_never_widens(versions: list[dict[str, Any]], hurried: bool) -> None:
    """Whatever versions come: a request is granted by people about this version, or about one that was as bad in all that
    the request looks at. `hurried`: half of the requests of a version are never answered.
    """
    stands: tuple[Stand, ...] = ()
    decided: dict[str, dict[str, Any]] = {}  # decision → the facts that the person really saw
    for number, changed in enumerate(versions, start=1):
        of = facts(**changed)
        content_hash = repr(sorted(changed.items()))
        asked = begun(needs(MATRIX, of), stands=stands, barred=(OWNER,), content_hash=content_hash, at=NOW)
        for index, request in enumerate(asked.requests):
            if request.carried is not None:
                (vote,) = request.carried.votes
                assert _as_bad(request.need, decided[vote.ref], of)
            elif not hurried or index % 2:
                ref = f"v{number}/{index}"
                decided[ref] = of
                vote = Vote(by=f"{request.need.group}@x", said="approve", at=NOW, ref=ref, hands=("x",))
                asked = asked.with_request(index, lambda r, v=vote: replace(r, approved=True, votes=(v,)))  # type: ignore[misc]
        stands = harvest(stands, asked, version=number, content_hash=content_hash)


def _as_bad(need: Need, then: dict[str, Any], now: dict[str, Any]) -> bool:
    if then == now:
        return True
    checks = {
        "desk": then["discount_percent"] >= now["discount_percent"],
        "finance": None not in (then["margin_percent"], now["margin_percent"])
        and then["margin_percent"] <= now["margin_percent"],
        "legal": (now["net_days"] <= 45 or then["net_days"] >= now["net_days"])
        and (now["region"] != "APAC" or then["region"] == "APAC"),
        "board": then["acv_minor"] >= now["acv_minor"],
    }
    return bool(checks[need.group])
