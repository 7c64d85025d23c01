"""What the approve page shows, every text ready: what is asked and why, the money, what differs, who said what, the clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.approving.counter import discounts
from api.approving.limits import facts_of, limits, matrices
from api.approving.read import Case, Opened
from api.approving.story import besides, follows
from api.approving.words import field, moment, reasons, value
from domain.approval import Request
from domain.approving import machine
from domain.approving.machine import seats_of
from domain.approving.policy import Matrix, called
from domain.need import ALL, Need
from domain.quote_diff import ADDED, REMOVED, FieldChange, LineChange, MoneyChange, OfferChange, diff
from gateways.quote_view import shown
from gateways.words import Words
from models.access import PersonRow
from models.database import Database

Row = dict[str, Any]


class Names:
    """People by their address as others know them; groups and rules as the policies that ask call them in a language."""

    def __init__(self, people: Mapping[str, PersonRow], matrices: Mapping[str, Matrix], language: str) -> None:
        self._people, self._matrices, self._language = people, matrices, language
        self.group = called(matrices.values(), language)

    def __call__(self, email: str) -> str:
        person = self._people.get(email)
        return person.name if person is not None and person.name else email

    def several(self, emails: tuple[str, ...] | list[str]) -> str:
        return ", ".join(self(each) for each in emails)

    def rules(self, need: Need) -> str:
        matrix = self._matrices.get(need.policy)
        return ", ".join(matrix.rule_called(each, self._language) if matrix else each for each in need.rules)


@dataclass(frozen=True, slots=True)
class Around:
    """What only other tables know: the policies that asked, and whom the next rung of each request would ask besides."""

    matrices: Mapping[str, Matrix]
    besides: Mapping[int, tuple[str, ...]]


async def around(database: Database, case: Case, *, asked: bool) -> Around:
    """What is looked up; who comes next only for a page that asks somebody."""
    labels = frozenset(each.need.policy for each in case.approval.requests if each.need.policy)
    return Around(await matrices(database, labels), await besides(database, case) if asked else {})


def asks(found: Opened, around: Around, words: Words, names: Names) -> list[Row]:
    """The requests that this person may answer, or of a mere reader, all that wait."""
    approval = found.approval
    waiting = [(index, each) for index, each in enumerate(approval.requests) if each in approval.waiting]
    own = [(index, each) for index, each in waiting if index in _own(found)]
    return [_ask(found, around, index, each, words, names) for index, each in own or waiting]


def _own(found: Opened) -> tuple[int, ...]:
    """The requests, by their place, that this person may answer: by a seat, or as one of a group asked as a whole."""
    return machine.mine(found.approval, found.person.email, found.person.groups)


def _ask(found: Opened, around: Around, index: int, request: Request, words: Words, names: Names) -> Row:
    need = request.need
    others = [
        seat.member
        for seat in seats_of(request, found.person.email, found.approval.barred)
        if seat.member and seat.member != found.person.email
    ]
    next_ones = names.several(around.besides.get(index, ()))
    return {
        "id": f"ask-{index}",
        "title": where(words, names, need.group, need.level),
        "quorum": _quorum(need.quorum, words),
        "voices": words("voice_of", who=names.several(others)) if others else "",
        "reasons": reasons(words, need.reason),
        "policy": need.policy,
        "rules": names.rules(need),
        "limits": limits(need, around.matrices.get(need.policy), facts_of(found), words),
        "follows": follows(request, next_ones, words, zone_of(found), group=names.group),
    }


def where(words: Words, names: Names, group: str, level: int) -> str:
    """A group at its level."""
    return words("level_group", group=names.group(group), level=str(level))


def _quorum(quorum: int, words: Words) -> str:
    if quorum == ALL:
        return words("quorum_all")
    return words("quorum_any") if quorum == 1 else words("quorum_n", n=str(quorum))


def zone_of(found: Opened) -> str:
    """The reader's own clock."""
    return found.person.zone or "UTC"


def lead(found: Opened, words: Words, names: Names, *, asked: bool) -> str:
    """The question in a sentence; to who only reads, what this is."""
    key = "lead_asked" if asked else "lead_read"
    return words(key, owner=names(found.deal.owner), account=found.account.name)


def answer_by(found: Opened, words: Words) -> str:
    """Until when this person's answer is awaited, if it is."""
    dates = [
        each.escalate_at
        for each in (found.approval.requests[index] for index in _own(found))
        if each.escalate_at is not None and each.need.rungs[each.rung :]
    ]
    return words("answer_by", at=moment(words, min(dates), zone_of(found))) if dates else ""


# --- what differs ----------------------------------------------------------------------------------------------------


def changed(case: Case, words: Words) -> Row:
    """What differs from the last version that was approved, as rows."""
    before, version = case.before, case.version
    if before is None:
        return {"title": words("differences"), "said": words("nothing_before"), "rows": []}
    number = str(before.version)
    rows = [row for offer in diff(before.content, version.content) for row in _offer(offer, words)]
    if not rows:
        said = words("nothing_changed" if case.before_whole else "nothing_changed_partly", n=number)
        return {"title": words("differences"), "said": said, "rows": []}
    if before.order_number != version.order_number:
        title = words("changed_order", order=str(before.order_number), n=number)
    else:
        title = words("changed" if case.before_whole else "changed_partly", n=number)
    return {"title": title, "said": "", "rows": rows, "amounts": words("amounts_in", currency=version.currency)}


def _offer(change: OfferChange, words: Words) -> list[Row]:
    named = f"{change.name}{words('colon')} " if change.name else ""
    sums = (("per_period", change.per_period), ("acv", change.acv), ("tcv", change.tcv))
    rows = [_money(named + words(key), "", each, change.currency, words) for key, each in sums if each.delta_minor]
    rows += [_field(named, each, words) for each in change.terms]
    return rows + [_line(named, each, change.currency, words) for each in change.lines]


def _money(what: str, detail: str, change: MoneyChange, currency: str, words: Words) -> Row:
    delta = words.amount(change.delta_minor, currency)
    return {
        "what": what,
        "detail": detail,
        "before": words.amount(change.before_minor, currency),
        "after": words.amount(change.after_minor, currency),
        "change": f"+{delta}" if change.delta_minor > 0 else delta,
    }


def _field(named: str, change: FieldChange, words: Words) -> Row:
    before, after = (value(words, change.name, said) for said in (change.before, change.after))
    return {"what": named + field(words, change.name), "detail": "", "before": before, "after": after, "change": ""}


def _line(named: str, change: LineChange, currency: str, words: Words) -> Row:
    detail = words(change.what) if change.what in (ADDED, REMOVED) else ""
    said = [
        f"{_inside(field(words, each.name))} {value(words, each.name, each.before)} → {value(words, each.name, each.after)}"
        for each in change.fields
    ]
    figures = change.net if change.net.delta_minor else change.over_term
    return _money(
        named + change.names.get(words.language, change.description),
        " · ".join(part for part in (detail, *said) if part),
        figures,
        currency,
        words,
    )


def _inside(name: str) -> str:
    """A field's name within a sentence; what is an abbreviation stays one."""
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]


# --- who said what ---------------------------------------------------------------------------------------------------


def so_far(case: Case, words: Words, names: Names, zone: str) -> Row:
    """Votes, decisions that stand, who is asked still and who comes after."""
    approval = case.approval
    return {
        "votes": [
            {
                "by": names(each.by),
                "said": words(f"vote_{each.verb}") if words.has(f"vote_{each.verb}") else each.verb,
                "whom": _whom(each.by, each.members, words, names),
                "reason": each.comment,
                "at": moment(words, each.at, zone),
                "where": where(words, names, each.group_name, each.level),
            }
            for each in case.votes
        ],
        "carried": [
            f"{where(words, names, each.need.group, each.need.level)}{words('colon')} "
            f"{words('carried_from', n=str(each.carried.version))} ({names.several([v.by for v in each.carried.votes])})"
            for each in approval.requests
            if each.carried is not None
        ],
        "waiting": [_waits(each, words, names) for each in approval.waiting],
        "later": [
            f"{where(words, names, each.need.group, each.need.level)} ({_quorum(each.need.quorum, words)})"
            for each in approval.requests
            if not each.approved and each.asked_at is None
        ],
        "remarks": [
            {"by": names(each.by), "at": moment(words, each.at, zone), "text": each.text} for each in case.comments
        ],
    }


def _waits(request: Request, words: Words, names: Names) -> str:
    """Who is asked, how many of them it takes, and how many have said yes."""
    said = [_quorum(request.need.quorum, words)]
    said += [words("have_approved", n=str(len(request.voices)))] if request.voices else []
    groups = {crowd.group for crowd in request.crowds} or set(() if request.named else request.groups)
    who = ", ".join(names.group(each) if each in groups else names(each) for each in request.who)
    return f"{where(words, names, request.need.group, request.need.level)} ({'; '.join(said)}){words('colon')} {who}"


def _whom(by: str, members: list[str] | tuple[str, ...], words: Words, names: Names) -> str:
    others = [each for each in members if each and each != by]
    return words("for_whom", who=names.several(others)) if others else ""


def proposals(found: Opened, words: Words, kept: Mapping[str, str]) -> list[Row]:
    """The fields of a counter-proposal, as they are in the draft, or as they were filled in."""
    if found.draft is None:
        return []
    descriptions = {
        line.product: line.called(words.language) for _, quote in found.offers.offers for line in quote.lines
    }
    rows = []
    for each in discounts(found.draft.content):
        product = each.what.partition(" (")[0]
        what = each.what.replace(product, descriptions.get(product, product), 1) if product else words("counter_all")
        label = f"{shown(each.offer)}{words('colon')} {what}" if each.offer else what
        rows.append({"name": each.name, "label": label, "value": kept.get(each.name, each.now)})
    return rows
