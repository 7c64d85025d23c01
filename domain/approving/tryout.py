"""What a matrix would ask of one version and why: every rule with its verdict, every request with who, until when, and who not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.approving import reapproval
from domain.approving.asking import World, asked, escalated, seated
from domain.approving.case import Stand
from domain.approving.condition import Sheet, reasons
from domain.approving.needing import needs
from domain.approving.policy import Matrix
from domain.need import ALL, SALES, Ask, Need


@dataclass(frozen=True, slots=True)
class TriedRule:
    """One rule: whether it holds, and why it does or does not."""

    name: str
    holds: bool
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TriedRequest:
    """One request as it would be put now. `rungs`: whom silence would bring in, each as if nobody had answered before.
    `carried`: the decision on an earlier version that answers it; then nobody is asked.
    """

    need: Need
    ask: Ask
    left_out: tuple[str, ...]
    rungs: tuple[Ask, ...]
    carried: Stand | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What was decided before this version: the stands of its order; and what the version says."""

    stands: tuple[Stand, ...] = ()
    content_hash: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """`auto`: why nobody is asked whatever the rules say; None where they have the word."""

    policy: str
    auto: tuple[str, ...] | None
    rules: tuple[TriedRule, ...]
    requests: tuple[TriedRequest, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """The same for a terminal."""
        found = [f"policy {self.policy.removesuffix('/0')}"]  # a file that was never imported has no version
        for rule in self.rules:
            mark = "+" if rule.holds else "-"
            found += [f"  {mark} {rule.name}: {'; '.join(rule.why) or 'always'}"]
        if self.auto is not None:
            return (*found, f"approved at once: {'; '.join(self.auto)}")
        if not self.requests:
            return (*found, "approved at once: no rule holds")
        for request in self.requests:
            found.extend(_lines(request))
        return tuple(found)


NOTHING = Before()


def tried(
    matrix: Matrix, facts: Sheet, world: World, *, offers: Sequence[Sheet] = (), before: Before = NOTHING
) -> Tried:
    """Try a matrix on the facts of a version, at a moment, with the people of then. Raises TooManyToAskAll. Of a version
    with alternatives, `offers` are the facts of each alone; what stands of `before` is not asked again.

    >>> from datetime import UTC, datetime
    >>> from domain.approving.calendar import Calendars
    >>> from domain.approving.people import Directory, Person
    >>> matrix = Matrix.parse({"name": "p", "rules": [{"name": "steep", "when": {"discount_percent_over": 10},
    ...     "require": [{"group": "desk"}], "remind_after": "1 business_days",
    ...     "escalate": [{"after": "2 business_days", "to": "manager"}]}]}, version=2)
    >>> people = Directory((Person(email="ann@x", roles=("desk",), manager="max@x"), Person(email="max@x"),
    ...     Person(email="own@x", roles=("desk",))))
    >>> world = World(directory=people, calendars=Calendars(), at=datetime(2027, 3, 5, 10, tzinfo=UTC), barred=("own@x",))
    >>> for line in tried(matrix, {"discount_percent": 15}, world).lines:
    ...     print(line)
    policy p/2
      + steep: discount of 15 % is over 10 %
    level 1: any one of desk (discount of 15 % is over 10 %)
      asked: ann@x
      not asked: own@x may not decide about this deal
      reminded 2027-03-08 10:00 UTC
      2027-03-09 10:00 UTC without an answer: max@x besides (manager)
    """
    rules = []
    sheets = (facts, *offers)
    for rule in matrix.rules:
        why = next((why for each in sheets if (why := reasons(rule.when, each)) is not None), None)
        against = reasons(rule.when, facts, want=False, unknown=False) or reasons(rule.when, facts, want=False)
        rules.append(TriedRule(rule.name, why is not None, why if why is not None else against or ()))
    needed = needs(matrix, *sheets)
    begun = reapproval.begun(
        needed, stands=before.stands, barred=world.barred, content_hash=before.content_hash, at=world.at
    )
    requests = tuple(_request(needed, index, world, each.carried) for index, each in enumerate(begun.requests))
    auto = [matrix.approves(each) for each in sheets]
    return Tried(matrix.label, None if None in auto else auto[0], tuple(rules), requests)


def _request(needed: tuple[Need, ...], index: int, world: World, carried: Stand | None) -> TriedRequest:
    need = needed[index]
    if carried is not None:
        return TriedRequest(need, Ask(index=index), (), (), carried)
    first = ask = asked(need, index, world)
    rungs: list[Ask] = []
    seats = list(first.seats)
    for rung in range(1, len(need.rungs) + 1):
        later = replace(world, at=ask.escalate_at or world.at)
        ask = escalated(needed, index, seats, rung, later)
        rungs.append(ask)
        seats.extend(ask.seats)
    return TriedRequest(need, first, seated(need, world).left_out, tuple(rungs))


def quorum_text(quorum: int, group: str) -> str:
    """How many of a group must approve, in words.

    >>> quorum_text(1, "desk"), quorum_text(2, "desk"), quorum_text(ALL, "desk")
    ('any one of desk', '2 of desk', 'all of desk')
    """
    return f"all of {group}" if quorum == ALL else f"any one of {group}" if quorum == 1 else f"{quorum} of {group}"


def _lines(request: TriedRequest) -> list[str]:
    need, ask = request.need, request.ask
    found = [f"level {need.level}: {quorum_text(need.quorum, need.group)} ({need.reason})"]
    if (stand := request.carried) is not None:
        by = ", ".join(dict.fromkeys(vote.by for vote in stand.votes))
        return [*found, f"  stands: {by} approved version {stand.version} on {stand.granted_at:%Y-%m-%d}"]
    who = ", ".join([*_crowds(ask), *(_seat_text(seat.member, seat.holder) for seat in ask.seats)])
    found.append(f"  asked: {who or 'nobody'}")
    found.extend(f"  not asked: {why}" for why in request.left_out)
    if ask.remind_at is not None:
        found.append(f"  reminded {ask.remind_at:%Y-%m-%d %H:%M} UTC")
    before = ask
    for rung, after in zip(need.rungs, request.rungs, strict=True):
        if before.escalate_at is None:
            break
        when = f"{before.escalate_at:%Y-%m-%d %H:%M} UTC"
        if rung.to == SALES:
            found.append(f"  {when} without a decision: back to sales, expired")
        else:
            holders = ", ".join([*_crowds(after), *dict.fromkeys(seat.holder for seat in after.seats)]) or "nobody"
            found.append(f"  {when} without an answer: {holders} besides ({rung.to})")
        before = after
    return found


def _crowds(ask: Ask) -> list[str]:
    return [f"any of {crowd.size} members of {crowd.group}" for crowd in ask.crowds]


def _seat_text(member: str, holder: str) -> str:
    return member if member == holder else f"{holder} for {member}"
