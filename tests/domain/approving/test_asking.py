"""Asking, rung by rung: whom each leads to, with whose voice, by which date, and what is not asked again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.approving import asking
from domain.approving.asking import MOST_SEATS, World
from domain.approving.calendar import Calendars, Patience
from domain.approving.case import Approval
from domain.approving.people import Delegation, Directory, Person, passed_on
from domain.need import ALL, MANAGER, SALES, Ask, Need, Rung, Seat
from tests.domain.approving.recorded import LATER, NOW

A, B, C, D, E, F, G, H = (f"{letter}@x" for letter in "abcdefgh")
MANAGERS = {A: D, B: D, C: E, D: G, E: G}
PEOPLE = tuple(Person(email=name, manager=MANAGERS.get(name, "")) for name in (A, B, C, D, E, F, G, H))
RUNGS = (
    Rung(after="1 days", to=MANAGER),
    Rung(after="2 days", to="board", people=(F,)),
    Rung(after="4 days", to=MANAGER),
    Rung(after="8 days", to=SALES),
)
NEED = Need(
    level=1,
    group="desk",
    reason="",
    remind_after_hours=24,
    escalate_after_hours=72,
    escalate_to="",
    people=(A,),
    remind_after="12 hours",
    rungs=RUNGS,
)


def world(*delegations: Delegation, barred: tuple[str, ...] = (), at: datetime = NOW) -> World:
    return World(directory=Directory(PEOPLE, delegations), calendars=Calendars(), at=at, barred=barred)


def away(person: str, to: str) -> Delegation:
    return Delegation(person=person, to=to, since=NOW, until=NOW + timedelta(days=9))


def seat(member: str, holder: str, rung: int, *via: str) -> Seat:
    return Seat(member=member, holder=holder, rung=rung, via=via)


OWN = seat(A, A, 0)
RUNG_1, RUNG_2, RUNG_3 = seat(A, D, 1), seat("", F, 2), seat(A, G, 3)


def climbed(seats: tuple[Seat, ...], rung: int, need: Need = NEED) -> Approval:
    asked = Approval.of([need]).asked(1, NOW, [Ask(index=0, seats=seats)])
    return asked.with_request(0, lambda request: replace(request, rung=rung))


@pytest.mark.parametrize(
    ("present", "rung", "besides", "days"),
    [
        ((OWN,), 0, (RUNG_1,), 2),
        ((OWN, RUNG_1), 1, (RUNG_2,), 4),
        ((OWN, RUNG_1, RUNG_2), 2, (RUNG_3,), 8),  # the manager was asked: theirs in turn
        ((OWN, RUNG_1, RUNG_2, RUNG_3), 3, (), None),  # sales: nobody is asked besides
    ],
)
def test_each_rung_leads_where_it_says(
    present: tuple[Seat, ...], rung: int, besides: tuple[Seat, ...], days: int | None
) -> None:
    approval = climbed(present, rung)
    (ask,) = asking.ask_rung(approval, 0, world())
    due = None if days is None else NOW + timedelta(days=days)
    assert (ask.index, ask.seats, ask.escalate_at) == (0, besides, due)
    assert ask.remind_at == NOW + timedelta(hours=12)
    (again,) = asking.ask_anew(approval, world())
    assert again.seats == present, "the same, looked up anew"
    assert (again.remind_at, again.escalate_at) == (None, None), "which moves no date"


def test_behind_the_last_rung_nobody_is_asked() -> None:
    assert asking.ask_rung(climbed((OWN,), 4), 0, world()) == ()


def test_first_dates_are_those_of_the_first_rung() -> None:
    ask = asking.asked(NEED, 0, world())
    assert (ask.remind_at, ask.escalate_at) == (NOW + timedelta(hours=12), NOW + timedelta(days=1))
    together = asking.asked(replace(NEED, remind_after="1 days"), 0, world())
    assert (together.remind_at, together.escalate_at) == (None, NOW + timedelta(days=1)), "no reminder beside a rung"


def test_a_manager_is_asked_for_each_member_also_where_they_sit_for_another() -> None:
    need = replace(NEED, people=(A, B, C))
    first = asking.escalated([need], 0, (seat(B, D, 1),), 1, world())
    assert first.seats == (seat(A, D, 1), seat(B, G, 1), seat(C, E, 1))


@pytest.mark.parametrize(
    ("barred", "found"),
    [
        ((), ((seat(A, H, 1, D),), (seat("", H, 2, F),))),
        ((D,), ((seat(A, G, 1),), (seat("", H, 2, F),))),
        ((F,), ((seat(A, H, 1, D),), ())),
        ((H,), ((seat(A, G, 1),), ())),  # their deputy may not: it is the next manager's
        ((A,), ((), (seat("", H, 2, F),))),  # no member any more
    ],
)
def test_who_stands_in_on_a_rung_and_who_may_not(
    barred: tuple[str, ...], found: tuple[tuple[Seat, ...], tuple[Seat, ...]]
) -> None:
    here = world(away(D, H), away(F, H), barred=barred)
    assert tuple(asking.escalated([NEED], 0, (OWN,), rung, here).seats for rung in (1, 2)) == found


def test_only_what_was_not_asked_is_asked_and_only_what_waits_by_name_is_looked_up() -> None:
    needs = [replace(NEED, group=group) for group in ("a", "b", "c", "d")] + [replace(NEED, level=2)]
    approval = Approval.of(needs).with_request(0, lambda r: replace(r, approved=True))
    approval = approval.with_request(1, lambda r: replace(r, asked_at=NOW))
    assert [ask.index for ask in asking.ask_level(approval, 1, world())] == [2, 3]
    assert [ask.index for ask in asking.ask_level(approval, 2, world())] == [4]
    asked = approval.asked(1, NOW, [Ask(index=2, seats=(OWN,)), Ask(index=3, seats=(OWN,))])
    assert [ask.index for ask in asking.ask_anew(asked, world())] == [2, 3], "the other one was asked without names"
    assert [ask.index for ask in asking.ask_anew(asked, world(), index=3)] == [3]
    assert asking.ask_anew(asked, world(), index=1) == ()


@pytest.mark.parametrize("more", [0, 1])
def test_a_group_is_named_as_long_as_it_is_not_too_large(more: int) -> None:
    crowd = tuple(Person(email=f"p{n:02}@x", roles=("crowd",), country="DE") for n in range(MOST_SEATS + more))
    need = replace(
        NEED, people=(), roles=("crowd",), rungs=(Rung(after="1 business_days", to="crowd", roles=("crowd",)),)
    )
    calendars = Calendars.parse({"DE": {"zone": "Europe/Berlin", "holidays": ["2027-03-02"]}})
    here = World(directory=Directory(crowd), calendars=calendars, at=NOW, barred=())
    ask = asking.asked(need, 0, here)
    assert (ask.anyone, len(ask.seats)) == ((False, MOST_SEATS) if not more else (True, 0))
    assert ask.escalate_at == datetime(2027, 3, 3, 9, tzinfo=UTC), "by the days of those who are asked, named or not"
    again = asking.anew([need], 0, 0, here)
    assert (again.anyone, len(again.seats)) == (ask.anyone, len(ask.seats))
    rung = asking.escalated([need], 0, (), 1, here)
    assert (len(rung.seats), [(crowd.rung, crowd.size) for crowd in rung.crowds]) == (
        (MOST_SEATS, []) if not more else (0, [(1, MOST_SEATS + 1)])
    )


def test_one_person_with_two_seats_has_their_patience_once() -> None:
    here = Directory((Person(email=A, country="DE"), Person(email=B, country="US")))
    calendars = Calendars.parse({"DE": {"zone": "UTC"}, "US": {"zone": "UTC", "holidays": ["2027-03-02"]}})
    at = World(directory=here, calendars=calendars, at=NOW, barred=())
    day = Patience(1, "business_days")
    assert asking.due(day, [A, A, B], 2, at) == LATER + timedelta(days=1)
    assert asking.due(day, [A, A, B], 1, at) == LATER
    assert asking.due(day, [A.upper(), B], 1, at) == LATER


@pytest.mark.parametrize(
    ("quorum", "due"),
    [(1, "2027-12-31T10:00"), (2, "2027-12-31T14:00"), (3, "2028-01-03T10:00"), (ALL, "2028-01-03T10:00")],
)
def test_at_the_years_end_each_has_the_days_of_their_country(quorum: int, due: str) -> None:
    """Asked on a Thursday: India works on the 31st, New York from its opening on, Berlin not before Monday."""
    calendars = Calendars.parse(
        {"DE": {"zone": "Europe/Berlin", "holidays": ["2027-12-31"]}, "US": {"zone": "America/New_York"}, "IN": {"zone": "Asia/Kolkata"}}
    )  # fmt: skip
    people = (Person(email=A, country="DE"), Person(email=B, country="US"), Person(email=C, country="IN"))
    thursday = datetime(2027, 12, 30, 10, tzinfo=UTC)
    at = World(directory=Directory(people), calendars=calendars, at=thursday, barred=())
    found = asking.due(Patience(1, "business_days"), [A, B, C], quorum, at)
    assert found == datetime.fromisoformat(f"{due}+00:00")


def test_a_rung_is_looked_at_when_one_of_its_people_goes_away() -> None:
    later = Delegation(person=D, to=H, since=LATER, until=LATER + timedelta(days=5))
    assert asking.escalated([NEED], 0, (OWN,), 1, world(later)).look_again_at == LATER
    (again,) = asking.ask_anew(climbed((OWN, RUNG_1), 1), world(later))
    assert (again.seats, again.look_again_at) == ((OWN, RUNG_1), LATER)
    (gone,) = asking.ask_anew(climbed((OWN, RUNG_1), 1), world(later, at=LATER))
    assert (gone.seats, gone.look_again_at) == ((OWN, seat(A, H, 1, D)), later.until)


def test_a_voice_that_was_handed_on_stays_with_who_is_here_also_where_another_may_stand_in() -> None:
    handed = replace(seat(A, G, 0), given=True)
    for away_, holders in ((False, (G,)), (True, (H,))):
        stands = Delegation(person=G, to=H, since=NOW, until=LATER, away=away_)
        found = passed_on(Directory(PEOPLE, (stands,)), handed, group="desk", at=NOW, barred=())
        assert tuple(each.holder for each in found.seats) == holders
        assert found.changes_at == LATER
    nobody = passed_on(Directory(PEOPLE, (away(G, H),)), handed, group="desk", at=NOW, barred=(H,))
    assert nobody.seats == ()
