"""What a one-click link opens: the person it is for, the version, its approval as it stands; and why it opens no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.approving.token import DecisionLinks
from api.shares.read import Paper, paper
from api.shares.token import TokenAltered
from domain.approval import Approval
from domain.approving.machine import COMMENT, VERBS, mine
from domain.ids import derived
from domain.order import Order, OrderStage
from domain.state import Deal
from models import approval as approvals
from models import quote as quotes
from models.access import PersonRow
from models.approval import ApprovalCommentRow, ApprovalRequestRow, ApprovalVoteRow, DecisionLinkRow, LinkMessageRow
from models.database import Database
from models.quote import QuoteDraftRow, QuoteVersionRow
from workflows.converter import from_json

GRANTED = frozenset({"approved", "carried"})
BOUND = frozenset({"signed", "booked", "provisioning", "done"})


class Closed(Exception):
    """The link opens nothing (more): `name` is the page that says why, `status` its status."""

    def __init__(self, status: int, name: str) -> None:
        super().__init__(name)
        self.status, self.name = status, name


@dataclass(frozen=True, slots=True, kw_only=True)
class Case(Paper):
    """One version before its approvers: what was asked, said and commented, and the version that was approved before it."""

    state: Deal
    requests: Sequence[ApprovalRequestRow]
    votes: Sequence[ApprovalVoteRow]
    comments: Sequence[ApprovalCommentRow]
    before: QuoteVersionRow | None
    before_whole: bool  # all who were asked about it agreed, or it was signed; otherwise only some decided on it
    draft: QuoteDraftRow | None

    @property
    def order(self) -> Order | None:
        return next((each for each in self.state.orders if each.number == self.version.order_number), None)

    @property
    def is_current(self) -> bool:
        """Is this version the one that its order is about?"""
        order = self.order
        return (
            order is not None
            and order.version == self.version.version
            and order.content_hash == self.version.content_hash
            and order.stage is not OrderStage.DRAFT
        )

    @property
    def is_waiting(self) -> bool:
        return self.is_current and self.order is not None and self.order.stage is OrderStage.IN_APPROVAL

    @property
    def approval(self) -> Approval:
        """As the deal carries it; of a version that it is no longer about, nothing."""
        return self.order.approval if self.order is not None and self.is_current else Approval(requests=())

    def standing(self, person: str, groups: Sequence[str], verb: str = "") -> None:
        """May this person decide this version now? Raises Closed."""
        if not self.is_current:
            raise Closed(410, "superseded")
        if not self.is_waiting:
            raise Closed(410, "over")
        if verb == COMMENT:
            return
        if person.lower() in self.approval.barred:
            raise Closed(403, "own")
        if not mine(self.approval, person, groups):
            voted = any(v.by == person.lower() for r in self.approval.waiting for v in r.votes)
            raise Closed(410 if voted else 403, "answered" if voted else "not_yours")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(Case):
    """A version as a one-click link shows it."""

    link: DecisionLinkRow
    person: PersonRow
    last: LinkMessageRow | None  # what was said by the link last

    @property
    def is_spent(self) -> bool:
        return self.link.used_at is not None

    @property
    def question(self) -> str:
        """What this person is asked now, in short: a form decides what its page showed, and not what is asked since."""
        approval = self.approval
        indexes = mine(approval, self.person.email, tuple(self.person.groups))
        needs = [approval.requests[index].need for index in indexes]
        return derived("ask", approval.round, *(part for n in needs for part in (n.level, n.group, n.policy, n.reason)))

    @property
    def verbs(self) -> tuple[str, ...]:
        """What may be said by this link."""
        return (self.link.verb,) if self.link.verb else VERBS

    @property
    def expires_at(self) -> datetime:
        return min(self.link.expires_at, self.version.expires_at)

    def outcome(self, said: str) -> str:
        """What the page says: `said` is what it was told after the form; what became of it since counts more."""
        last = self.last
        if last is not None and last.told_at is None:
            return "heard"
        if last is not None and said == "heard":
            return f"refused_{last.error}" if last.error else last.verb
        return said

    def check(self) -> None:
        """May the link still be opened to decide? Raises Closed."""
        if self.now >= self.expires_at:
            raise Closed(410, "expired")
        if self.person.left_at is not None and self.now >= self.person.left_at:
            raise Closed(403, "not_yours")
        if not self.is_spent:
            self.standing(self.person.email, tuple(self.person.groups), self.link.verb)


async def opened(database: Database, links: DecisionLinks, token: str) -> Opened:
    """What the token opens, whether or not it may still be shown. Raises TokenAltered."""
    link_id, content_hash = links.read(token)
    async with database.session() as session:
        link = await session.get(DecisionLinkRow, link_id)
        if link is None or link.content_hash != content_hash:
            raise TokenAltered
        person = await session.get(PersonRow, link.person)
        version = await quotes.version(session, link.deal_id, link.order_number, link.version)
        last = await approvals.last_word(session, link_id)
    if person is None or version is None or version.content_hash != content_hash:
        raise TokenAltered
    found = await case_of(database, version.id)
    if found is None:
        raise TokenAltered
    return Opened(
        **{name: getattr(found, name) for name in (*Paper.__dataclass_fields__, *Case.__dataclass_fields__)},
        link=link,
        person=person,
        last=last,
    )


async def case_of(database: Database, version_id: str) -> Case | None:
    """A version with its approval; None: there is no such version."""
    around = await paper(database, version_id)
    if around is None:
        return None
    version = around.version
    async with database.session() as session:
        requests = await approvals.of_deal(session, version.deal_id)
        votes = await _votes(session, version)
        comments = await _comments(session, version)
        earlier = await quotes.versions(session, version.deal_id)
        draft = await session.get(QuoteDraftRow, version.draft_id) if version.draft_id else None
    state = from_json(Deal, around.deal.state)
    before, whole = _before(version, earlier, requests, state)
    return Case(
        version=version,
        deal=around.deal,
        entity=around.entity,
        account=around.account,
        state=state,
        requests=[each for each in requests if _is_of(each, version)],
        votes=votes,
        comments=comments,
        before=before,
        before_whole=whole,
        draft=draft,
    )


def _is_of(row: ApprovalRequestRow, version: QuoteVersionRow) -> bool:
    return (row.order_number, row.version) == (version.order_number, version.version)


def _before(
    version: QuoteVersionRow,
    earlier: Sequence[QuoteVersionRow],
    requests: Sequence[ApprovalRequestRow],
    state: Deal,
) -> tuple[QuoteVersionRow | None, bool]:
    """The last version before this one that was approved by people, or that an order before it was signed on (True); where
    there is none, the last on which a decision stands (False).
    """
    order = next((each for each in state.orders if each.number == version.order_number), None)
    stood = {stand.version for stand in order.stands} if order is not None else set()
    approved = partly = None
    for row in earlier:
        if (row.order_number, row.version) >= (version.order_number, version.version):
            break
        asked = [each.status for each in requests if _is_of(each, row)]
        if row.status in BOUND or (asked and all(status in GRANTED for status in asked)):
            approved = row
        elif row.order_number == version.order_number and row.version in stood:
            partly = row
    return approved or partly, approved is not None


async def _votes(session: AsyncSession, version: QuoteVersionRow) -> Sequence[ApprovalVoteRow]:
    table = ApprovalVoteRow
    query = select(table).where(
        col(table.deal_id) == version.deal_id,
        col(table.order_number) == version.order_number,
        col(table.version) == version.version,
    )
    return (await session.exec(query.order_by(col(table.at), col(table.id)))).all()


async def _comments(session: AsyncSession, version: QuoteVersionRow) -> Sequence[ApprovalCommentRow]:
    table = ApprovalCommentRow
    query = select(table).where(col(table.deal_id) == version.deal_id, col(table.version) == version.version)
    return (await session.exec(query.order_by(col(table.at), col(table.id)))).all()
