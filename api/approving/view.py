"""What the approve page shows, every text ready: what is asked and why, the money, what differs, who said what, the clock."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from api.approving.counter import discounts
from api.approving.read import Case, Opened
from api.approving.words import field, moment, reasons, value
from domain.approval import Request
from domain.approving.machine import seats_of
from domain.need import ALL, MANAGER, NEXT_LEVEL, SALES
from domain.quote_diff import ADDED, REMOVED, FieldChange, LineChange, MoneyChange, OfferChange, diff
from gateways.words import Words
from models.access import PersonRow

Row = dict[str, Any]


class Names:
    """People by their address as others know them."""

    def __init__(self, people: Mapping[str, PersonRow]) -> None:
        self._people = people

    def __call__(self, email: str) -> str:
        person = self._people.get(email)
        return person.name if person is not None and person.name else email

    def several(self, emails: tuple[str, ...] | list[str]) -> str:
        return ", ".join(self(each) for each in emails)


def asks(found: Opened, words: Words, names: Names) -> list[Row]:
    """The requests that this person may answer, or of a mere reader, all that wait."""
    waiting = found.approval.waiting
    own = [each for each in waiting if _holds(found, each)]
    return [_ask(found, each, words, names) for each in own or waiting]


def _holds(found: Opened, request: Request) -> bool:
    if not request.named:
        return bool(set(found.person.groups) & set(request.groups))
    return bool(seats_of(request, found.person.email, found.approval.barred))


def _ask(found: Opened, request: Request, words: Words, names: Names) -> Row:
    need = request.need
    others = [
        seat.member
        for seat in seats_of(request, found.person.email, found.approval.barred)
        if seat.member and seat.member != found.person.email
    ]
    return {
        "title": words("level_group", group=need.group, level=str(need.level)),
        "quorum": _quorum(need.quorum, words),
        "voices": words("voice_of", who=names.several(others)) if others else "",
        "reasons": reasons(words, need.reason),
        "policy": need.policy,
        "rules": ", ".join(need.rules),
        "facts": [(field(words, name), value(words, name, said)) for name, _, said in need.facts],
        "until": words("until", at=moment(words, request.escalate_at, zone_of(found))) if request.escalate_at else "",
        "then": _then(request, words),
    }


def _quorum(quorum: int, words: Words) -> str:
    if quorum == ALL:
        return words("quorum_all")
    return words("quorum_any") if quorum == 1 else words("quorum_n", n=str(quorum))


def _then(request: Request, words: Words) -> str:
    if request.escalate_at is None or request.rung >= len(request.need.rungs):
        return words("then_nothing")
    to = request.need.rungs[request.rung].to
    key = {MANAGER: "then_manager", NEXT_LEVEL: "then_next_level", SALES: "then_sales"}.get(to)
    return words(key) if key else words("then_group", group=to)


def zone_of(found: Opened) -> str:
    """The reader's own clock."""
    return found.person.zone or "UTC"


# --- the money -------------------------------------------------------------------------------------------------------


def money(case: Case, words: Words, names: Names) -> list[tuple[str, str, str]]:
    """Name, value and kind of the figures that matter; of several offers, the worst of each."""
    version, facts = case.version, case.offers.facts
    margin = facts.margin_percent
    return [
        (words("acv"), f"{words.amount(version.acv_minor, version.currency)} {version.currency}", ""),
        (words("tcv"), f"{words.amount(version.total_minor, version.currency)} {version.currency}", ""),
        (words("discount"), words.percent(facts.discount_percent.normalize() + Decimal(0)), ""),
        (words("margin"), words("margin_unknown") if margin is None else words.percent(margin), "margin"),
        (words("customer"), case.account.name, ""),
        (words("owner"), names(case.deal.owner), ""),
    ]


def below_floor(case: Case) -> str:
    """The lines that are sold below their floor."""
    found = [
        line.description
        for _, quote in case.offers.offers
        for line in quote.lines
        if any(each.below_floor for each in line.stretches(quote.terms.periods))
    ]
    return ", ".join(dict.fromkeys(found))


# --- what differs ----------------------------------------------------------------------------------------------------


def changed(case: Case, words: Words) -> Row:
    """What differs from the last version that was approved, as rows."""
    before, version = case.before, case.version
    if before is None:
        return {"title": words("differences"), "said": words("nothing_before"), "rows": []}
    number = str(before.version)
    rows = [row for offer in diff(before.content, version.content) for row in _offer(offer, words)]
    if not rows:
        return {"title": words("differences"), "said": words("nothing_changed", n=number), "rows": []}
    same = before.order_number == version.order_number
    order = str(before.order_number)
    title = words("changed", n=number) if same else words("changed_order", order=order, n=number)
    return {"title": title, "said": "", "rows": rows}


def _offer(change: OfferChange, words: Words) -> list[Row]:
    named = f"{change.name}: " if change.name else ""
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
        f"{field(words, each.name)} {value(words, each.name, each.before)} → {value(words, each.name, each.after)}"
        for each in change.fields
    ]
    figures = change.net if change.net.delta_minor else change.over_term
    return _money(
        named + change.description, " · ".join(part for part in (detail, *said) if part), figures, currency, words
    )


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
                "where": words("level_group", group=each.group_name, level=str(each.level)),
            }
            for each in case.votes
        ],
        "carried": [
            f"{words('level_group', group=each.need.group, level=str(each.need.level))}: "
            f"{words('carried_from', n=str(each.carried.version))} ({names.several([v.by for v in each.carried.votes])})"
            for each in approval.requests
            if each.carried is not None
        ],
        "waiting": [
            f"{words('level_group', group=each.need.group, level=str(each.need.level))}: "
            f"{names.several(each.who) if each.named else ', '.join(each.who)}"
            for each in approval.waiting
        ],
        "later": [
            words("level_group", group=each.need.group, level=str(each.need.level))
            for each in approval.requests
            if not each.approved and each.asked_at is None
        ],
        "remarks": [
            {"by": names(each.by), "at": moment(words, each.at, zone), "text": each.text} for each in case.comments
        ],
    }


def _whom(by: str, members: list[str] | tuple[str, ...], words: Words, names: Names) -> str:
    others = [each for each in members if each and each != by]
    return words("for_whom", who=names.several(others)) if others else ""


def proposals(found: Opened, words: Words, kept: Mapping[str, str]) -> list[Row]:
    """The fields of a counter-proposal, as they are in the draft, or as they were filled in."""
    if found.draft is None:
        return []
    descriptions = {line.product: line.description for _, quote in found.offers.offers for line in quote.lines}
    rows = []
    for each in discounts(found.draft.content):
        product = each.what.partition(" (")[0]
        what = each.what.replace(product, descriptions.get(product, product), 1) if product else words("counter_all")
        label = f"{each.offer}: {what}" if each.offer else what
        rows.append({"name": each.name, "label": label, "value": kept.get(each.name, each.now)})
    return rows
