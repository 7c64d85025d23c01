"""A revised version asks again only for facts that got worse than what was approved; what stands is carried over.

What is compared with is always the decision that people made, never a version it was carried over to: so a carried
decision cannot drift. It is not carried where the question changed (another group, other people, a larger quorum, a fact
that it did not look at), where it is older than the policy allows, or where a hand in it now owns or priced the version.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

from domain.approving.case import APPROVE, CHANGES, REJECT, Approval, Request, Stand
from domain.need import ALL, ANY_WAY, UP, Need


def begun(
    needs: Iterable[Need], *, stands: Iterable[Stand], barred: Iterable[str], content_hash: str, at: datetime
) -> Approval:
    """The approval of a version as it is submitted: what stands is granted already, with its reference."""
    approval = Approval.of(needs, barred=barred)
    known = tuple(stands)
    return replace(
        approval,
        requests=tuple(_begun(r, known, approval.barred, content_hash, at) for r in approval.requests),
    )


def _begun(
    request: Request, stands: tuple[Stand, ...], barred: Collection[str], content_hash: str, at: datetime
) -> Request:
    for stand in stands:
        if carries(request.need, stand, barred=barred, content_hash=content_hash, at=at):
            return replace(request, approved=True, carried=stand)
    return request


def carries(need: Need, stand: Stand, *, barred: Collection[str], content_hash: str, at: datetime) -> bool:
    """Does this decision answer this need of another version?

    A content that was approved stays approved; otherwise every fact that the need looks at must have been looked at then
    and be no worse now.
    """
    if (need.level, need.group, need.people, need.roles) != (stand.level, stand.group, stand.people, stand.roles):
        return False
    if not _enough(need, stand, barred):
        return False
    if content_hash == stand.content_hash:
        return True
    if not need.facts or at >= stand.granted_at + timedelta(days=need.stands_days):
        return False
    then = {name: value for name, _, value in stand.facts}
    return all(name in then and not worse(value, then[name], sense) for name, sense, value in need.facts)


def _enough(need: Need, stand: Stand, barred: Collection[str]) -> bool:
    """The quorum of today, by voices in which nobody has a hand who owns or priced the version of today."""
    clean = [vote for vote in stand.votes if not {hand.lower() for hand in vote.hands} & set(barred)]
    if need.quorum == ALL:
        return stand.quorum == ALL and bool(clean) and len(clean) == len(stand.votes)
    return len({vote.by for vote in clean}) >= need.quorum


def worse(now: str, then: str, sense: str) -> bool:
    """Is a fact worse than it was? What cannot be compared is, and so is what nobody knows.

    >>> worse("20", "15", "up"), worse("20", "15", "down"), worse("1200 EUR", "1200 USD", "up"), worse("", "5", "up")
    (True, False, True, True)
    >>> worse("|a", "|a|b", "up"), worse("|c", "|a|b", "up"), worse("no", "yes", "up"), worse("EMEA", "AMER", "any")
    (False, True, False, True)
    """
    if now == then and now:
        return False
    if sense == ANY_WAY or not now or not then:
        return True
    more, less = (now, then) if sense == UP else (then, now)
    if more.startswith("|") and less.startswith("|"):
        return not set(more.split("|")) <= set(less.split("|"))
    if {more, less} == {"yes", "no"}:
        return more == "yes"
    (one, unit), (other, other_unit) = _number(more), _number(less)
    if one is None or other is None or unit != other_unit:
        return True
    return one > other


def _number(said: str) -> tuple[Decimal | None, str]:
    figure, _, unit = said.partition(" ")
    try:
        return Decimal(figure), unit
    except InvalidOperation:
        return None, unit


def harvest(stands: Iterable[Stand], approval: Approval, *, version: int, content_hash: str) -> tuple[Stand, ...]:
    """What stands after a version: the decisions before it, with what was granted now; who refused takes theirs back.

    A group has one stand per level, its latest decision by people. A decision that was itself carried over stays as it was.
    """
    found = {(stand.level, stand.group): stand for stand in stands}
    for request in approval.requests:
        key = (request.need.level, request.need.group)
        if any(vote.said in (REJECT, CHANGES) for vote in request.votes):
            found.pop(key, None)
        elif request.approved and request.carried is None and request.need.policy and request.voices:
            found[key] = _stand(request, version, content_hash)
    return tuple(found[key] for key in sorted(found))


def _stand(request: Request, version: int, content_hash: str) -> Stand:
    need = request.need
    votes = tuple(vote for vote in request.votes if vote.said == APPROVE)
    return Stand(
        level=need.level,
        group=need.group,
        quorum=need.quorum,
        people=need.people,
        roles=need.roles,
        facts=need.facts,
        policy=need.policy,
        version=version,
        content_hash=content_hash,
        granted_at=max(vote.at for vote in votes),
        votes=votes,
    )


def applied(approval: Approval, needs: Iterable[Need], *, version: int, content_hash: str, at: datetime) -> Approval:
    """Another policy is applied to a version in flight: the same question keeps its answers, a new one is asked.

    What people granted on this very version stands where the question is no stricter; levels still run in order.
    """
    stands = harvest((), approval, version=version, content_hash=content_hash)
    carried = [r.carried for r in approval.requests if r.carried is not None]
    anew = begun(needs, stands=(*stands, *carried), barred=approval.barred, content_hash=content_hash, at=at)
    present = {_question(request.need): request for request in approval.requests}
    kept = []
    for request in anew.requests:
        before = present.get(_question(request.need))
        same = before is not None and before.carried is None and (before.approved or not request.approved)
        kept.append(replace(before, need=request.need) if before is not None and same else request)
    return replace(anew, requests=tuple(kept), round=approval.round + 1)


def _question(need: Need) -> tuple[object, ...]:
    return (need.level, need.group, need.quorum, need.people, need.roles, need.rungs, need.remind_after)
