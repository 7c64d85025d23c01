"""Whom a step tells of an approval: one notice per person and channel, each with a one-click link of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import SQLModel

from domain.approval import Approval, Request
from domain.approving.case import APPROVE
from domain.ids import derived
from domain.need import Seat
from domain.order import Order
from models.approval import DecisionLinkRow, NoticeRow
from models.directory import Contact
from workflows.stubs import Perform

MAIL, SLACK = "mail", "slack"
LINK_DAYS = 30  # where a version does not say how long it is valid


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One step that tells people about a version. `contacts` by e-mail in lower case."""

    command: Perform
    order: Order
    contacts: Mapping[str, Contact]

    def asking(self, kind: str, people: Mapping[str, Iterable[Request]]) -> list[SQLModel]:
        """Each of these people is told what they may decide, with whom, and until when."""
        rows: list[SQLModel] = []
        for person, requests in people.items():
            mine = list(requests)
            others = {seat.holder for request in mine for seat in request.seats} - {person}
            until = min((r.escalate_at for r in mine if r.escalate_at), default=self.order.expires_at)
            said = {
                "asks": [_ask(request, person) for request in mine],
                "others": sorted(others),
                "until": until.isoformat() if until else None,
            }
            rows += self.to(person, kind, Said(payload=said, verb_of_link=""))
        return rows

    def to(self, person: str, kind: str, said: Said) -> list[SQLModel]:
        """The notices of one person; nothing for who is not known."""
        contact = self.contacts.get(person.lower())
        if contact is None:
            return []
        key, order, now = self.command.step.key(self.command.deal.id), self.order, self.command.now
        rows: list[SQLModel] = []
        link_id = ""
        if said.verb_of_link is not None:
            link_id = derived("dl", key, kind, contact.email)
            rows.append(self._link(link_id, contact.email, said.verb_of_link, now))
        payload = {"order_number": order.number, "version": order.version, "link_id": link_id, **said.payload}
        for channel in (MAIL, SLACK) if contact.slack else (MAIL,):
            row = NoticeRow(
                key=f"{key}/{kind}/{contact.email}/{channel}",
                deal_id=self.command.deal.id,
                person=contact.email,
                channel=channel,
                kind=kind,
                language=contact.language,
                payload=payload,
                at=now,
            )
            rows.append(row)
        return rows

    def _link(self, link_id: str, person: str, verb: str, now: datetime) -> DecisionLinkRow:
        return DecisionLinkRow(
            id=link_id,
            person=person,
            deal_id=self.command.deal.id,
            order_number=self.order.number,
            version=self.order.version,
            content_hash=self.order.content_hash,
            verb=verb,
            expires_at=self.order.expires_at or now + timedelta(days=LINK_DAYS),
            created_at=now,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a notice says beside its version. `verb_of_link`: '' a link for any decision, None no link."""

    payload: Mapping[str, Any] = field(default_factory=dict)
    verb_of_link: str | None = None


def holders(requests: Iterable[Request]) -> dict[str, list[Request]]:
    """Who has to move, by name, each with the requests in which they hold a voice that was not used."""
    found: dict[str, list[Request]] = {}
    for request in requests:
        for holder in dict.fromkeys(seat.holder for seat in request.silent):
            found.setdefault(holder, []).append(request)
    return found


def named(request: Request) -> str:
    """Who has to move, in a line."""
    return ", ".join(dict.fromkeys(seat.holder for seat in request.silent))


def added(before: Approval, after: Approval) -> list[Request]:
    """What waits, with those seats only that were not there before: who is new is told. Who was one of a crowd that is
    small enough to be named now was told then.
    """
    known = {(r.need.level, r.need.group): r for r in before.requests}
    return [
        replace(r, seats=tuple(s for s in r.seats if not _knew(known.get((r.need.level, r.need.group)), s)))
        for r in after.waiting
        if r.looked_up
    ]


def _knew(request: Request | None, seat: Seat) -> bool:
    if request is None:
        return False
    own = seat.holder == (seat.member or seat.holder) and not seat.via
    return seat in request.seats or (own and seat.rung in {crowd.rung for crowd in request.crowds})


def granted(telling: Telling, approval: Approval) -> list[SQLModel]:
    """The owner hears of a version that nobody's word approved just now, but who is left to decide: they had spoken before."""
    votes = [vote for request in approval.requests for vote in request.votes if vote.said == APPROVE]
    by = max(votes, key=lambda vote: vote.at).by if votes else ""
    payload = {"by": by, "verb": APPROVE, "text": ""}
    return telling.to(telling.command.deal.owner, "decided", Said(payload=payload))


def moved(before: Approval, after: Approval) -> list[Request]:
    """What stands otherwise since people were looked up anew: other seats, a group as a whole, or granted by that."""
    pairs = zip(before.requests, after.requests, strict=True)
    return [now for was, now in pairs if _who(now) != _who(was)]


def _who(request: Request) -> tuple[object, ...]:
    return (request.seats, request.approved, tuple(replace(crowd, size=0) for crowd in request.crowds))


def _ask(request: Request, person: str) -> dict[str, Any]:
    need = request.need
    members = [seat.member for seat in request.seats if seat.holder == person and seat.member not in ("", person)]
    return {"group": need.group, "level": need.level, "reason": need.reason, "members": members}
