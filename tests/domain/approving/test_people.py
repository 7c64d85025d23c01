"""Whose voice is in whose hands: absences, deputies of deputies, delegations with dates, circles, managers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.approving import asking
from domain.approving.asking import MOST_SEATS, TooManyToAskAll, World
from domain.approving.calendar import Calendars, Patience
from domain.approving.people import MOST_HANDS, Delegation, Directory, Person, circles, seating
from domain.need import ALL, Need, Rung, Seat
from tests.domain.approving.desk import CALENDARS

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
NAMES = tuple(f"{letter}@x" for letter in "abcdefgh")
A, B, C, D, E, F, G, H = NAMES


def out(
    person: str, to: str = "", *, away: bool = True, since: int = 0, until: int = 9, groups: tuple[str, ...] = ()
) -> Delegation:
    return Delegation(
        person=person,
        to=to,
        since=NOW + timedelta(days=since),
        until=NOW + timedelta(days=until),
        away=away,
        groups=groups,
    )


def a_directory(*delegations: Delegation, left: tuple[str, ...] = ()) -> Directory:
    return Directory(tuple(Person(email=n, left_at=NOW if n in left else None) for n in NAMES), delegations)


@pytest.mark.parametrize(
    ("delegations", "left", "barred", "seats", "left_out"),
    [
        ((), (), (), [(A, (), A)], ()),
        ((), (A,), (), [], (f"{A} has left",)),
        ((), (), (A,), [], (f"{A} may not decide about this deal",)),
        ((out(A),), (), (), [], (f"{A} is away without a deputy",)),
        ((out(A, B),), (), (), [(A, (), B)], ()),
        ((out(A, B, away=False),), (), (), [(A, (), A), (A, (), B)], ()),
        ((out(A, B), out(B, C)), (), (), [(A, (B,), C)], ()),
        ((out(A, B), out(B, C), out(C, D)), (), (), [(A, (B, C), D)], ()),
        ((out(A, B, since=1),), (), (), [(A, (), A)], ()),
        ((out(A, B, since=-9, until=0),), (), (), [(A, (), A)], ()),
        ((out(A, B, groups=("desk",)),), (), (), [(A, (), B)], ()),
        ((out(A, B, groups=("legal",)),), (), (), [(A, (), A)], ()),
        ((out(A, B), out(A, C)), (), (), [(A, (), C), (A, (), B)], ()),
        ((out(A, B),), (B,), (), [], (f"{A} is away, and {B} has left",)),
        ((out(A, "z@x"),), (), (), [], (f"{A} is away, and z@x is not known",)),
        ((out(A, B),), (), (B,), [], (f"{A} is away, and {B} may not decide about this deal",)),
        ((out(A, B), out(B, C)), (), (B,), [], (f"{A} is away, and {B} may not decide about this deal",)),
        ((out(A, B, away=False),), (), (B,), [(A, (), A)], ()),
        ((out(A, B), out(B, A)), (), (), [], (f"{A} is away, and {B} is away, and so the voice would come back to {A}",)),
    ],
)  # fmt: skip
def test_who_sits_for_a_member(
    delegations: tuple[Delegation, ...],
    left: tuple[str, ...],
    barred: tuple[str, ...],
    seats: list[tuple[str, tuple[str, ...], str]],
    left_out: tuple[str, ...],
) -> None:
    found = seating(a_directory(*delegations, left=left), [A], group="desk", at=NOW, barred=barred)
    assert sorted((s.member, s.via, s.holder) for s in found.seats) == sorted(seats)
    assert found.left_out == left_out


def test_a_voice_goes_through_five_hands_at_most() -> None:
    chain = [out(one, other) for one, other in pairwise(NAMES)]
    assert seating(a_directory(*chain[:4]), [A], group="", at=NOW, barred=()).seats[0].hands == NAMES[:MOST_HANDS]
    assert seating(a_directory(*chain[:5]), [A], group="", at=NOW, barred=()).seats == ()


def test_letters_of_an_address_make_no_other_person() -> None:
    people = (Person(email=A, manager=D.upper()), *(Person(email=name) for name in NAMES[1:]))
    directory = Directory(people, (out(A.upper(), B.title()), out(B.title(), C.upper())))
    assert directory.person(A.upper()) == people[0]
    assert directory.named((A.upper(), A), ()) == (A,)
    assert directory.manager_of(A.upper()) == D
    assert seating(directory, [A.upper(), A], group="", at=NOW, barred=()).seats == (
        Seat(member=A, holder=C, via=(B,)),
    )
    for barred in (A, B, C):
        assert seating(directory, [A], group="", at=NOW, barred=(barred.title(),)).seats == ()


some_delegations = st.lists(
    st.builds(
        out,
        st.sampled_from(NAMES),
        st.sampled_from((*NAMES, "")),
        away=st.booleans(),
        since=st.integers(-3, 2),
        until=st.integers(1, 5),
    ),
    max_size=12,
)


@settings(deadline=None)
@given(some_delegations, st.sets(st.sampled_from(NAMES), max_size=3), st.sets(st.sampled_from(NAMES), max_size=2))
def test_no_voice_passes_through_who_may_not(delegations: list[Delegation], barred: set[str], left: set[str]) -> None:
    directory = a_directory(*delegations, left=tuple(left))
    found = seating(directory, NAMES, group="desk", at=NOW, barred=barred)
    for seat in found.seats:
        assert not set(seat.hands) & barred
        assert not set(seat.hands) & left
        assert len(set(seat.hands)) == len(seat.hands) <= MOST_HANDS
        for one, other in pairwise(seat.hands):
            assert any((d.person, d.to) == (one, other) and d.holds(NOW, "desk") for d in delegations)
        assert not any(d.person == seat.holder and d.away and d.holds(NOW, "desk") for d in delegations)
    for name in set(NAMES) - barred - left:
        told = any(why.startswith(name) for why in found.left_out)
        assert told != any(seat.member == name for seat in found.seats), "seated, or told why not"


@pytest.mark.parametrize(
    ("delegations", "found"),
    [
        ((), ()),
        ((out(A, B), out(B, C)), ()),
        ((out(A, B), out(B, A)), ((A, B),)),
        ((out(C, A), out(A, B), out(B, C), out(D, A)), ((A, B, C),)),
        ((out(A, B, until=3), out(B, A, since=3)), ()),
        ((out(A, B, until=3), out(B, A, since=2)), ((A, B),)),
        ((out(A, B, away=False), out(B, A)), ()),
        ((out(A, B), out(B, A, away=False)), ()),
        ((out(A, B, groups=("desk",)), out(B, A, groups=("desk",))), ((A, B),)),
        ((out(A.upper(), B), out(B, A.upper())), ((A, B),)),
    ],
)
def test_deputies_in_a_circle(delegations: tuple[Delegation, ...], found: tuple[tuple[str, ...], ...]) -> None:
    assert circles(a_directory(*delegations)) == found


# --- asking --------------------------------------------------------------------------------------------------------


def a_need(**changed: object) -> Need:
    base = Need(
        level=1,
        group="desk",
        reason="",
        remind_after_hours=24,
        escalate_after_hours=72,
        escalate_to="",
        people=(A, B, C),
        remind_after="1 business_days",
        rungs=(Rung(after="2 business_days", to="manager"),),
    )
    return Need(**{**{name: getattr(base, name) for name in Need.__dataclass_fields__}, **changed})


def a_world(*people: Person, barred: tuple[str, ...] = (), at: datetime = NOW) -> World:
    return World(directory=Directory(people), calendars=CALENDARS, at=at, barred=barred)


MAUNDY = datetime(2027, 3, 25, 9, tzinfo=UTC)
EASTER = (Person(email=A, country="DE"), Person(email=B, country="AE"), Person(email=C, country="US"))


@pytest.mark.parametrize(
    ("quorum", "due"),
    [
        (1, "2027-03-26T09:00:00+00:00"),  # Dubai works on Good Friday
        (2, "2027-03-26T13:00:00+00:00"),  # so does New York, from its opening on
        (3, "2027-03-30T08:00:00+00:00"),  # Berlin comes back on Tuesday
        (ALL, "2027-03-30T08:00:00+00:00"),
        (9, "2027-03-30T08:00:00+00:00"),
    ],
)
def test_the_date_is_that_by_which_enough_have_had_their_patience(quorum: int, due: str) -> None:
    world = a_world(*EASTER, at=MAUNDY)
    assert asking.due(Patience(1, "business_days"), [A, B, C], quorum, world).isoformat() == due


def test_a_reminder_behind_the_first_rung_is_left_out() -> None:
    need = a_need(remind_after="3 business_days")
    ask = asking.asked(need, 0, a_world(*EASTER))
    assert (ask.remind_at, ask.escalate_at is not None) == (None, True)


def test_a_crowd_is_not_named_and_cannot_be_asked_whole() -> None:
    crowd = [Person(email=f"p{n}@x", roles=("crowd",)) for n in range(MOST_SEATS + 1)]
    need = a_need(people=(), roles=("crowd",))
    ask = asking.asked(need, 0, a_world(*crowd))
    assert (ask.anyone, ask.seats) == (True, ())
    with pytest.raises(TooManyToAskAll):
        asking.asked(a_need(people=(), roles=("crowd",), quorum=ALL), 0, a_world(*crowd))


@pytest.mark.parametrize(
    ("managers", "barred", "holders"),
    [
        ({A: D, B: D, C: E}, (), [(A, D), (B, D), (C, E)]),
        ({A: B, B: C, C: ""}, (), [(A, B), (B, C)]),
        ({A: D, D: E}, (D,), [(A, E)]),  # the manager owns the deal: theirs is asked
        ({A: D, B: D, C: D}, (A,), [(B, D), (C, D)]),  # the owner is no member here, and nobody stands in for them
        ({A: B, B: A}, (B,), []),
    ],
)
def test_managers(managers: dict[str, str], barred: tuple[str, ...], holders: list[tuple[str, str]]) -> None:
    world = a_world(*(Person(email=n, manager=managers.get(n, "")) for n in NAMES), barred=barred)
    need = a_need()
    first = asking.asked(need, 0, world)
    ask = asking.escalated([need], 0, first.seats, 1, world)
    assert [(seat.member, seat.holder) for seat in ask.seats] == holders
    assert {seat.rung for seat in ask.seats} <= {1}


def test_the_next_level_is_the_next_one_that_is_asked() -> None:
    low = a_need(rungs=(Rung(after="1 days", to="next_level"),), people=(A,))
    needs = [low, a_need(level=3, people=(B, C)), a_need(level=4, people=(D,))]
    ask = asking.escalated(needs, 0, (), 1, a_world(*(Person(email=n) for n in NAMES)))
    assert ask.seats == (Seat(member="", holder=B, rung=1), Seat(member="", holder=C, rung=1))
    assert asking.escalated(needs[2:], 0, (), 1, a_world(Person(email=D))).seats == ()


def test_calendars_of_nobody_are_plain() -> None:
    world = World(directory=Directory(), calendars=Calendars(), at=NOW, barred=())
    assert asking.due(Patience(1, "business_days"), [], 1, world) == NOW + timedelta(days=1)
