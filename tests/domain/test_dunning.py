"""One invoice on its way to being paid: retries, lateness, unknown outcomes, and what each decline means."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from domain import dunning
from domain.dunning import Collection, Ladder, charged, climbed, opened, retried, terms_ladder
from domain.dunning_policy import DunningPolicy
from domain.step import StepKind

NOW = datetime(2027, 3, 1, 8, tzinfo=UTC)
DAY = timedelta(days=1)
POLICY = DunningPolicy()
LADDER = dunning.card_ladder(POLICY.card_rungs(), failed_at=NOW)
NEW = opened(invoice_id="inv_1", invoice_number="A-1", method="card", issued_at=NOW, ladder=())


def steps(
    collection: Collection, *, charge: datetime | None = None, message: datetime | None = None
) -> list[tuple[str, int, datetime]]:
    found = dunning.steps(collection, last_charge_at=charge, last_message_at=message)
    return [(step.kind.value, step.number, step.at) for step in found]


def refused(
    collection: Collection,
    decline: str = "soft",
    *,
    at: datetime = NOW,
    late: timedelta = timedelta(0),
    ladder: Ladder = (),
) -> Collection:
    return charged(collection, status="declined", decline=decline, ladder=ladder, step_at=at, now=at + late)


FAILED = refused(NEW, ladder=LADDER)


def test_a_card_is_charged_at_once_an_invoice_on_terms_begins_with_its_reminders() -> None:
    assert steps(NEW) == [("charge", 1, NOW)]
    ladder = terms_ladder(POLICY.transfer_rungs(), due_on=date(2027, 3, 15), zone="UTC", issued_at=NOW)
    terms = opened(invoice_id="inv_1", invoice_number="A-1", method="transfer", issued_at=NOW, ladder=ladder)
    assert steps(terms) == [("message", 1, datetime(2027, 3, 12, tzinfo=UTC))]
    assert not terms.overdue


def test_a_soft_decline_is_followed_by_the_whole_ladder() -> None:
    at, seen = FAILED, []
    while found := steps(at):
        kind, number, when = found[0]
        seen.append((kind, number, (when - NOW).days))
        at = refused(at, at=when) if kind == "charge" else climbed(at, step_at=when, now=when)
    assert seen == [
        ("message", 1, 0),
        ("charge", 2, 1),
        ("message", 2, 1),
        ("charge", 3, 3),
        ("message", 3, 3),
        ("charge", 4, 5),
        ("message", 4, 5),
        ("charge", 5, 7),
        ("message", 5, 7),
        ("suspend", 10, 8),
        ("cancel", 11, 30),
    ]
    assert (at.attempts, at.messages, at.suspends, at.overdue) == (5, 5, True, True)


@pytest.mark.parametrize("decline", ["hard", "fraud", "action_required"])
def test_a_hard_decline_stops_the_charges_but_not_the_deadline(decline: str) -> None:
    at = refused(NEW, decline, ladder=LADDER)
    assert [name for name, _ in at.rungs] == ["message"] * 5 + ["suspend", "cancel"]


def test_a_parked_collection_does_nothing_and_one_without_rungs_waits() -> None:
    assert steps(replace(FAILED, parked="no gateway")) == []
    assert steps(replace(FAILED, rungs=())) == []
    assert dunning.next_kind(replace(FAILED, rungs=())) is None
    assert dunning.next_kind(FAILED) is StepKind.MESSAGE


def test_one_charge_and_one_message_a_day() -> None:
    assert steps(NEW, charge=NOW - timedelta(hours=1)) == [("charge", 1, NOW + timedelta(hours=23))]
    assert steps(FAILED, message=NOW - timedelta(hours=1)) == [("message", 1, NOW + timedelta(hours=23))]
    assert steps(FAILED, message=NOW - 2 * DAY) == [("message", 1, NOW)]


def test_lateness_moves_all_that_follows() -> None:
    late = climbed(FAILED, step_at=NOW, now=NOW + 5 * DAY)
    assert [(name, (at - NOW).days) for name, at in late.rungs[:3]] == [("charge", 6), ("message", 6), ("charge", 8)]
    again = refused(late, at=NOW + 6 * DAY, late=2 * DAY)
    assert [(name, (at - NOW).days) for name, at in again.rungs[:2]] == [("message", 8), ("charge", 10)]
    assert climbed(FAILED, step_at=NOW, now=NOW + timedelta(hours=1)).rungs == LADDER[1:]


def test_messages_that_one_message_overtakes_are_dropped() -> None:
    three = replace(
        FAILED, rungs=(("message", NOW), ("message", NOW + DAY), ("message", NOW + 3 * DAY), ("suspend", NOW + 9 * DAY))
    )
    at = climbed(three, step_at=NOW, now=NOW + 2 * DAY)
    assert (at.messages, at.rungs) == (1, (("message", NOW + 5 * DAY), ("suspend", NOW + 11 * DAY)))
    assert climbed(replace(FAILED, rungs=()), step_at=NOW, now=NOW) == replace(FAILED, rungs=())


def unknown(collection: Collection, at: datetime = NOW, status: str = "unknown") -> Collection:
    return charged(collection, status=status, decline="", ladder=(), step_at=at, now=at)


def test_a_lost_answer_is_asked_for_and_never_charged_anew() -> None:
    at, seen = unknown(NEW), []
    while found := steps(at):
        assert found[0][0] == "resolve"
        seen.append((found[0][1], found[0][2] - at.asked_at) if at.asked_at else None)
        assert at.attempt == 1
        at = unknown(at, found[0][2])
    hours = timedelta(hours=1)
    assert seen == [(100, hours / 6), (101, hours), (102, 6 * hours), (103, 24 * hours), (104, 72 * hours)]
    assert at.parked == "nobody knows what became of the charge"


def test_what_is_pending_is_asked_about_after_a_month_and_never_under_a_number_used_before() -> None:
    pending = unknown(unknown(NEW), status="pending")
    assert steps(pending) == [("resolve", 101, NOW + timedelta(days=30))]


def test_a_late_refusal_opens_the_ladder_and_the_next_attempt() -> None:
    at = refused(unknown(NEW), ladder=LADDER)
    assert (at.status, at.asked, at.asked_at, at.attempt, at.rungs) == ("", 0, None, 2, LADDER)
    without = refused(NEW)
    assert (without.rungs, steps(without)) == ((), [])


def test_a_charge_that_left_something_open_waits() -> None:
    at = charged(NEW, status="captured", decline="", ladder=(), step_at=NOW, now=NOW)
    assert (at.status, at.attempt, steps(at)) == ("", 2, [])


def test_the_key_of_a_charge_is_that_of_its_step() -> None:
    due = replace(FAILED, rungs=(("charge", NOW),))
    step = dunning.steps(due, last_charge_at=None, last_message_at=None)[0]
    assert dunning.charge_key("d_1", FAILED) == step.key("d_1") == "d_1/charge/inv_1/2"


def test_an_operator_charges_again_now_and_the_ladder_goes_on() -> None:
    at = retried(replace(FAILED, parked="no gateway"), now=NOW)
    assert (at.parked, at.rungs) == ("", (("charge", NOW), *LADDER))
    assert retried(at, now=NOW) == at, "one charge, however often it is asked for"
    later = replace(FAILED, rungs=(("charge", NOW + DAY),))
    assert retried(later, now=NOW).rungs == (("charge", NOW), ("charge", NOW + DAY))


def test_an_operator_cannot_double_a_charge_in_flight() -> None:
    flying = unknown(NEW)
    assert retried(flying, now=NOW + DAY) == flying
    lost = replace(flying, parked="nobody knows", asked=5)
    assert steps(retried(lost, now=NOW + 9 * DAY)) == [("resolve", 105, NOW + 9 * DAY)]


def test_a_transfer_is_only_brought_back() -> None:
    parked = replace(FAILED, method="transfer", parked="x")
    assert retried(parked, now=NOW) == replace(parked, parked="")
