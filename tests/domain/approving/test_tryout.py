"""What a matrix would ask and why, as `q2c policy try` shows it; and that a deal is then asked exactly that."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.approving.asking import World
from domain.approving.calendar import Calendars
from domain.approving.people import Directory, Person
from domain.approving.policy import Matrix
from domain.approving.tryout import Before, tried
from domain.message import Revise
from tests.domain.approving.desk import ANN, BOB, DANA, EVE, MAX, VERA, Desk, facts
from tests.domain.lives import OWNER

MATRIX = Matrix.parse(
    {
        "name": "standard",
        "auto_approve": [{"tcv_below": {"EUR": 1}}],
        "rules": [
            {
                "name": "steep",
                "when": {"discount_percent_over": 10},
                "require": [{"group": "desk", "quorum": 2}, {"level": 2, "group": "finance"}],
                "remind_after": "4 business_hours",
                "escalate": [{"after": "2 business_days", "to": "manager"}, {"after": "9 days", "to": "sales"}],
            },
            {"name": "slow", "when": {"net_days_over": 45}, "require": [{"group": "legal"}]},
        ],
    },
    version=7,
)


def test_who_would_be_asked_and_why() -> None:
    desk = Desk(MATRIX)
    desk.away(ANN, DANA, days=3)
    desk.offer(discount_percent=Decimal(15))
    order = desk.order
    found = tried(MATRIX, facts(discount_percent=Decimal(15)), desk.world(order, desk.now))
    assert found.lines == (
        "policy standard/7",
        "  + steep: discount of 15 % is over 10 %",
        "  - slow: net payment of 30 days is not over 45 days",
        "level 1: 2 of desk (discount of 15 % is over 10 %)",
        "  asked: dana@acme.example for ann@acme.example, bob@acme.example, cem@acme.example",
        "  not asked: sales@acme.example may not decide about this deal",
        "  reminded 2027-03-01 13:00 UTC",
        "  2027-03-03 09:00 UTC without an answer: max@acme.example, vera@acme.example besides (manager)",
        "  2027-03-12 09:00 UTC without a decision: back to sales, expired",
        "level 2: any one of finance (discount of 15 % is over 10 %)",
        "  asked: cem@acme.example, dana@acme.example",
        "  reminded 2027-03-01 13:00 UTC",
        "  2027-03-03 09:00 UTC without an answer: vera@acme.example besides (manager)",
        "  2027-03-12 09:00 UTC without a decision: back to sales, expired",
    )
    assert [s.holder for s in found.requests[0].ask.seats] == [s.holder for s in order.approval.requests[0].seats]
    assert found.requests[0].need == order.needs[0]


def test_nobody_would_be_asked() -> None:
    desk = Desk(MATRIX)
    desk.offer()
    world = desk.world(desk.order, desk.now)
    assert tried(MATRIX, facts(), world).lines[-1] == "approved at once: no rule holds"
    cheap = tried(MATRIX, facts(discount_percent=Decimal(99), tcv_minor=99), world)
    assert cheap.lines[-1] == "approved at once: TCV of 0.99 EUR is below 1.00 EUR"
    assert (cheap.requests, cheap.rules[0].holds) == ((), True)
    assert BOB in [
        s.holder for r in tried(MATRIX, facts(discount_percent=Decimal(11)), world).requests for s in r.ask.seats
    ]


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ({"margin_percent_below": 30}, "  - thin: margin is not known"),
        ({"margin_percent_below": 30, "net_days_over": 45}, "  - thin: net payment of 30 days is not over 45 days"),
        ({"net_days_over": 5}, "  + thin: net payment of 30 days is over 5 days"),
        ({"not": {"margin_percent_over": 30}}, "  + thin: margin is not known"),
        (None, "  + thin: always"),
    ],
)
def test_why_a_rule_holds_or_does_not_is_always_said(when: dict[str, Any] | None, said: str) -> None:
    desk = Desk(MATRIX)
    desk.offer()
    matrix = Matrix.parse({"name": "p", "rules": [{"name": "thin", "when": when, "require": [{"group": "desk"}]}]})
    assert tried(matrix, facts(margin_percent=None), desk.world(desk.order, desk.now)).lines[1] == said


def test_rungs_are_tried_one_behind_the_other() -> None:
    """Each counted from the one before, and nobody asked twice for the same member; who owns it is passed over."""
    up = [{"after": "1 days", "to": "manager"}] * 2
    rules = [{"require": [{"group": "legal"}], "remind_after": "9 days", "escalate": up}]
    matrix = Matrix.parse({"name": "p", "rules": rules})
    people = (Person(email=EVE, roles=("legal",), manager=MAX), Person(email=MAX, manager=VERA), Person(email=VERA))
    at = datetime(2027, 3, 1, 9, tzinfo=UTC)
    world = World(directory=Directory(people), calendars=Calendars(), at=at, barred=())
    assert tried(matrix, facts(), world).lines[3:] == (
        f"  asked: {EVE}",
        f"  2027-03-02 09:00 UTC without an answer: {MAX} besides (manager)",
        f"  2027-03-03 09:00 UTC without an answer: {VERA} besides (manager)",
    )
    assert tried(matrix, facts(), replace(world, barred=(MAX,))).lines[4:] == (
        f"  2027-03-02 09:00 UTC without an answer: {VERA} besides (manager)",
        "  2027-03-03 09:00 UTC without an answer: nobody besides (manager)",
    )


STANDING = Matrix.parse(
    {
        "name": "standard",
        "stands_days": 9,
        "auto_approve": [{"discount_percent_below": 2}],
        "rules": [
            {"when": {"discount_percent_over": 10}, "require": [{"group": "desk"}, {"level": 2, "group": "finance"}]},
            {"when": {"net_days_over": 45}, "require": [{"group": "legal"}, {"group": "desk", "quorum": 2}]},
            {"when": {"margin_percent_below": 20}, "require": [{"level": 2, "group": "finance"}]},
        ],
    },
    version=3,
)
OFFERS = st.fixed_dictionaries(
    {
        "discount_percent": st.sampled_from([Decimal(each) for each in (0, 5, 15, 20)]),
        "net_days": st.sampled_from([30, 60, 90]),
        "margin_percent": st.sampled_from([None, Decimal(15), Decimal(50)]),
    }
)
ANSWERS = st.lists(st.sampled_from(("approve", "approve", "approve", "abstain", "reject", "")), max_size=6)


@given(
    st.lists(st.tuples(OFFERS, st.sampled_from((OWNER, ANN, DANA)), ANSWERS, st.integers(0, 6)), min_size=2, max_size=5)
)
@settings(max_examples=60)
def test_what_is_tried_is_what_submitting_asks(life: list[tuple[dict[str, Any], str, list[str], int]]) -> None:
    """Whatever was approved, refused or priced by whom before: who is asked, and what stands on which decision."""
    desk = Desk(STANDING)
    for number, (said, by, answers, days) in enumerate(life):
        of = desk.drafts[f"tried-{number}"] = facts(**said)
        desk.say(Revise(draft_id=f"tried-{number}", draft_hash="h"), by=by)
        before = Before(stands=desk.order.stands, content_hash=desk.order.content_hash)
        world = replace(desk.world(desk.order, desk.now), barred=(OWNER, *desk.order.priced_by))
        found = tried(STANDING, of, world, before=before)

        desk.submit()

        asked = desk.order.approval.requests
        assert [each.need for each in found.requests] == [each.need for each in asked]
        assert [each.carried for each in found.requests] == [each.carried for each in asked]
        for one, other in zip(found.requests, asked, strict=True):
            if other.asked_at is not None:
                assert one.ask.seats == other.seats
                assert (one.ask.remind_at, one.ask.escalate_at) == (other.remind_at, other.escalate_at)
            else:
                assert other.carried is not None or other.need.level > desk.order.approval.level
        for answer in answers:
            if answer and (waiting := desk.waits_for):
                desk.word(answer, waiting[0])
        desk.now += timedelta(days=days)
