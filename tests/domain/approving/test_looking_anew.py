"""Who decides is looked up anew at the very instant at which somebody is away, is back, hands over or leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from domain.approving import asking
from domain.approving.asking import MOST_SEATS, World
from domain.approving.calendar import Calendars
from domain.approving.case import Approval
from domain.approving.people import Directory, Person
from domain.need import ALL, Ask, Need, Seat
from domain.order import OrderStage
from domain.step import StepKind
from tests.domain.approving.desk import ANN, BOB, CEM, DANA, EVE, FAY, GIL, MAX, VERA, Desk
from tests.domain.approving.offers import a_desk, a_rule, done
from tests.domain.lives import OWNER

LEGAL = a_rule(require=[{"group": "legal"}], remind_after="20 days", escalate=[{"after": "30 days", "to": "heads"}])


def offered(rule: dict[str, Any], *, before: Callable[[Desk], object] = lambda _: None) -> Desk:
    """15 % off on Monday 1 March at 9:00 UTC, `before` which people made their plans."""
    desk = a_desk(rule)
    before(desk)
    desk.offer(discount_percent=Decimal(15))
    return desk


def looks(desk: Desk) -> list[str]:
    return [f"{p.now:%m-%d %H:%M}" for p in desk.played if p.step.kind is StepKind.LOOK]


def leaves(desk: Desk, person: str, at: datetime) -> None:
    people = (replace(p, left_at=at) if p.email == person else p for p in desk.people)
    desk.directory = replace(desk.directory, people=tuple(people))


def test_an_absence_moves_the_seat_when_it_begins_and_back_when_it_ends() -> None:
    desk = offered(LEGAL, before=lambda d: d.away(EVE, GIL, since=datetime(2027, 3, 3, 6, tzinfo=UTC), days=2))
    dates = (desk.order.approval.requests[0].remind_at, desk.order.approval.requests[0].escalate_at)
    assert desk.waits_for == (EVE,)
    desk.play(datetime(2027, 3, 3, 5, 59, tzinfo=UTC))
    assert desk.waits_for == (EVE,)
    desk.play(datetime(2027, 3, 3, 6, tzinfo=UTC))
    assert desk.waits_for == (GIL,)
    desk.play(datetime(2027, 3, 6, tzinfo=UTC))
    assert (desk.waits_for, looks(desk)) == ((EVE,), ["03-03 06:00", "03-05 06:00"])
    assert (desk.order.approval.requests[0].remind_at, desk.order.approval.requests[0].escalate_at) == dates
    assert desk.order.approval.look_again_at is None


def test_who_leaves_later_is_asked_until_then() -> None:
    desk = offered(
        a_rule(escalate=[{"after": "30 days", "to": "heads"}]),
        before=lambda d: leaves(d, ANN, d.now + timedelta(days=1)),
    )
    assert list(desk.waits_for) == [ANN, BOB, CEM]
    desk.play(desk.now + timedelta(days=1))
    assert desk.waits_for == (BOB, CEM)


def test_a_deputy_who_goes_away_is_stood_in_for() -> None:
    def before(desk: Desk) -> None:
        desk.away(EVE, GIL, days=9)
        desk.away(GIL, FAY, since=desk.now + timedelta(days=1), days=3)

    desk = offered(LEGAL, before=before)
    assert desk.waits_for == (GIL,)
    desk.play(desk.now + timedelta(days=1))
    assert desk.waits_for == (FAY,)
    desk.play(desk.now + timedelta(days=10))
    assert (desk.waits_for, len(looks(desk))) == ((EVE,), 3)


def test_what_was_handed_on_goes_to_who_stands_in_then_back_to_its_member() -> None:
    desk = offered(LEGAL)
    desk.word("delegate", EVE, to=GIL)
    assert desk.waits_for == (GIL,)
    desk.away(GIL, FAY, days=5, since=desk.now + timedelta(days=1))
    desk.reseat("nobody@acme.example")  # as the system says when an absence is saved
    desk.play(desk.now + timedelta(days=1))
    assert desk.waits_for == (FAY,)
    assert desk.order.approval.requests[0].seats == (Seat(member=EVE, holder=FAY, via=(GIL,), given=True),)
    leaves(desk, FAY, desk.now)
    desk.reseat(FAY)
    assert desk.waits_for == (EVE,)


def test_a_voice_handed_to_somebody_who_is_away_goes_on_at_once() -> None:
    desk = offered(LEGAL, before=lambda d: d.away(GIL, FAY, days=3))
    desk.word("delegate", EVE, to=GIL)
    assert desk.waits_for == (FAY,)
    desk.word("approve", FAY)
    assert done(desk)


def test_nobody_is_left_only_until_somebody_is_back() -> None:
    desk = offered(
        {name: said for name, said in LEGAL.items() if name != "escalate"}, before=lambda d: d.away(EVE, "", days=2)
    )
    assert desk.order.parked == "nobody is left to decide for legal at level 1"
    desk.play(desk.now + timedelta(days=2))
    assert (desk.order.parked, desk.waits_for) == ("", (EVE,))
    desk.word("approve", EVE)
    assert done(desk)


def test_a_manager_who_is_away_is_passed_over() -> None:
    rule = a_rule(require=[{"group": "desk"}], escalate=[{"after": "2 days", "to": "manager"}])
    desk = offered(rule, before=lambda d: d.away(MAX, "", days=30))
    desk.play(desk.now + timedelta(days=3))
    assert desk.waits_for == (ANN, BOB, CEM, VERA)


def test_what_was_asked_before_there_were_looks_is_not_looked_up() -> None:
    need = Need(
        level=1, group="desk", reason="", remind_after_hours=1, escalate_after_hours=1, escalate_to="", policy="p/1"
    )
    asked = Approval.of([need]).asked(
        1, datetime(2027, 3, 1, tzinfo=UTC), [Ask(index=0, seats=(Seat(member=ANN, holder=ANN),))]
    )
    assert asked.look_again_at is None


def test_nothing_is_looked_up_for_a_version_that_is_over() -> None:
    desk = offered(LEGAL, before=lambda d: d.away(EVE, GIL, since=d.now + timedelta(days=1), days=2))
    desk.word("reject", EVE)
    desk.play(desk.now + timedelta(days=9))
    assert (desk.order.stage, looks(desk)) == (OrderStage.REJECTED, [])


def test_all_of_a_group_that_grows_past_what_can_be_named_stay_all() -> None:
    """Nobody new is asked, one voice is not enough because of it, and who was asked is still looked up."""
    now = datetime(2027, 3, 1, 9, tzinfo=UTC)
    need = Need(
        level=1, group="desk", reason="", remind_after_hours=1, escalate_after_hours=1, escalate_to="", policy="p/1",
        quorum=ALL, roles=("desk",), remind_after="1 days",
    )  # fmt: skip

    def world(people: int, gone: int = 0) -> World:
        some = tuple(Person(email=f"p{n:03}@x", roles=("desk",)) for n in range(gone, people))
        return World(directory=Directory(some), calendars=Calendars(), at=now, barred=())

    asked = Approval.of([need])
    asked = asked.asked(1, now, asking.ask_level(asked, 1, world(MOST_SEATS)))
    (same,) = asking.ask_anew(asked, world(MOST_SEATS + 5))
    assert same.seats == asked.requests[0].seats
    (fewer,) = asking.ask_anew(asked, world(MOST_SEATS + 5, gone=2))
    assert fewer.seats == asked.requests[0].seats[2:]
    assert len(asking.ask_anew(asked, world(MOST_SEATS - 1))[0].seats) == MOST_SEATS - 1


def test_the_owner_stays_out_of_what_is_handed_on() -> None:
    desk = offered(LEGAL, before=lambda d: d.away(GIL, OWNER, days=3))
    desk.word("delegate", EVE, to=GIL)
    assert desk.waits_for == (EVE,)
    assert all(OWNER not in seat.hands for seat in desk.order.approval.requests[0].seats)


def test_other_groups_are_not_concerned() -> None:
    desk = offered(LEGAL, before=lambda d: d.away(DANA, GIL, since=d.now + timedelta(days=1), days=2))
    assert (desk.waits_for, desk.order.approval.look_again_at) == ((EVE,), None)


def test_a_new_manager_is_asked_where_managers_were_and_the_one_of_before_is_not() -> None:
    """Dates stay; what the one of before has said for them stays said."""
    desk = offered(a_rule(require=[{"group": "legal"}], escalate=[{"after": "1 days", "to": "manager"}]))
    desk.becomes(EVE, manager=MAX)  # before the rung: it asks the manager of then
    desk.play(desk.now + timedelta(days=1))
    assert [*desk.waits_for] == [EVE, MAX]
    dates = desk.order.approval.requests[0].escalate_at
    desk.becomes(EVE, manager=GIL)
    desk.reseat(EVE)
    assert ([*desk.waits_for], desk.order.approval.requests[0].escalate_at) == ([EVE, GIL], dates)
    desk.becomes(EVE, manager=EVE)  # their own: nobody is above them
    desk.reseat(EVE)
    assert [*desk.waits_for] == [EVE]
    desk.becomes(EVE, manager=OWNER)  # whose own manager it is then
    desk.reseat(EVE)
    assert [*desk.waits_for] == [EVE, MAX]
    desk.word("approve", MAX)
    assert done(desk)
