"""What a version needs before it may go out: groups at levels, who sits for them, and what follows their silence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

MANAGER, NEXT_LEVEL, SALES = "manager", "next_level", "sales"  # where a rung may lead, beside a group
ALL = 0  # a quorum: everybody asked
UP, DOWN, ANY_WAY = "up", "down", "any"  # which change of a fact makes it worse


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """What happens where nobody answers `after` (such as `2 business_days`): who is asked besides, or `sales`: it goes back.

    `to` is a group, `manager` or `next_level`; of a group, `people` and `roles` say who that is for this deal.
    """

    after: str
    to: str
    people: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One approval that a version needs: a group at a level, with its patience.

    All from `quorum` on comes from a matrix (domain/approving/policy.py) and stays as it was when the version was priced:
    how many must approve (0: all), which policy said so, who may (people by e-mail, roles), which facts it looks at (name,
    which way is worse, value), what follows silence, and for how many days a decision may be carried over.
    """

    level: int
    group: str
    reason: str
    remind_after_hours: int
    escalate_after_hours: int
    escalate_to: str
    quorum: int = 1
    policy: str = ""
    rules: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    facts: tuple[tuple[str, str, str], ...] = ()
    remind_after: str = ""
    rungs: tuple[Rung, ...] = ()
    stands_days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One voice of a request: whose it is, who holds it now, through whose hands it came, and since which rung.

    A seat without `member` speaks for all who have not answered: it came by an escalation to a group or a level.
    `given`: the holder before handed it on for this request, which looking people up anew does not undo.
    """

    member: str
    holder: str
    via: tuple[str, ...] = ()
    rung: int = 0
    given: bool = False

    @property
    def hands(self) -> tuple[str, ...]:
        """Everybody whose power this is or through whom it came, the holder last."""
        return tuple(dict.fromkeys(hand for hand in (self.member, *self.via, self.holder) if hand))


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """A group too large to be asked by name: any of its `people`, or of those in its `roles`, may decide.

    `rung`: by which escalation it came (0: it was asked first). `size`: how many of them were here when it was looked up.
    """

    group: str
    rung: int
    size: int
    people: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Who is asked by request `index`, and until when. `anyone`: all of a group too large to name (any member may).

    `crowds`: the groups too large to name, that one and those of its rungs; `seats` are then of who stands in from outside.
    `look_again_at`: the next instant known now at which somebody concerned is away, is back, hands over or leaves. `gone`:
    who was handed a voice for this request and is not there any more.
    """

    index: int
    seats: tuple[Seat, ...] = ()
    anyone: bool = False
    remind_at: datetime | None = None
    escalate_at: datetime | None = None
    look_again_at: datetime | None = None
    gone: tuple[str, ...] = ()
    crowds: tuple[Crowd, ...] = ()
