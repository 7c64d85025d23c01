"""Approvals as they stand for people: requests, votes, comments, one-click links, notices, and the entries of the evidence."""
# ruff: noqa: RUF012 (a column's default is a value, never changed in place)

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import ARRAY, CheckConstraint, ColumnElement, Index, Text, UniqueConstraint, cast, func
from sqlmodel import Field, col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.account import LANGUAGES
from models.base import DOCUMENT, Json, Recorded, Row, Serial, Texts, not_negative, one_of
from models.leaving import GIVEN_UP, WAITING, Leaving, settled_once

STATUSES = (
    "asked",
    "approved",
    "rejected",
    "changes_asked",
    "carried",
    "lapsed",
    "superseded",
    "withdrawn",
    "expired",
)
VERBS = ("approve", "reject", "changes", "delegate", "abstain")
CHANNELS = ("mail", "slack")
NOTICES = ("ask", "remind", "escalate", "mention", "decided", "changes", "lapsed")

Documents = Annotated[list[dict[str, Any]], Field(sa_type=DOCUMENT)]


class ApprovalRequestRow(Row, table=True):
    """One group asked at one level. `seats`: who was asked by name ({member, holder, via, rung, given}). `people` and `roles`:
    whom the group, and the rungs it climbed, mean for this deal. `anyone`: they are too many to be asked by name, so all of
    them may decide; without a policy (as the first releases asked) every member of `group_name` and of `escalated_to`.
    `round`: asked anew under the same version.

    `carried_ref`, `carried_version`: the decision on an earlier version that this one stands on.
    """

    __tablename__ = "approval_requests"
    __table_args__ = (
        UniqueConstraint(
            "deal_id", "order_number", "version", "round", "level", "group_name", name="approval_requests_once"
        ),
        one_of("status", STATUSES),
        not_negative("quorum", "rung", "round"),
        CheckConstraint(
            "status NOT IN ('approved', 'rejected', 'changes_asked') OR (decided_by <> '' AND decided_at IS NOT NULL)",
            name="a_decision_has_a_person",
        ),
        CheckConstraint(
            "(status = 'carried') <= (carried_ref <> '' AND carried_version IS NOT NULL)", name="what_it_stands_on"
        ),
        Index("approval_requests_waiting_ix", "group_name", "asked_at", postgresql_where="status = 'asked'"),
        Index(
            "approval_requests_seats_ix",
            "seats",
            postgresql_using="gin",
            postgresql_ops={"seats": "jsonb_path_ops"},
            postgresql_where="status = 'asked'",
        ),
    )

    id: str = Field(primary_key=True)
    deal_id: str = Field(foreign_key="deals.id")
    order_number: int
    version: int
    level: int
    group_name: str
    reason: str
    asked_at: datetime
    remind_at: datetime | None = None
    escalate_at: datetime | None = None
    status: str = "asked"
    decided_by: str = ""
    decided_at: datetime | None = None
    comment: str = ""
    escalated_to: str = ""
    seats: Documents = []
    people: Texts = []
    roles: Texts = []
    anyone: bool = False
    quorum: int = 1
    rung: int = 0
    round: int = 0
    policy: str = ""
    rules: Texts = []
    carried_ref: str = ""
    carried_version: int | None = None
    recorded_at: Recorded = None


class ApprovalVoteRow(Row, table=True):
    """What one person said about one request: one row per request that a decision answered. Immutable.

    `ref` is the id of the message; `members` whose voices were used, `hands` through whom they came; `facts` all facts of
    the version as they stood before the person, as text.
    """

    __tablename__ = "approval_votes"
    __table_args__ = (
        UniqueConstraint("deal_id", "ref", "request_id"),
        one_of("verb", VERBS),
        CheckConstraint("by <> ''", name="a_person"),
    )

    id: str = Field(primary_key=True)
    ref: str
    request_id: str = Field(foreign_key="approval_requests.id", index=True)
    deal_id: str = Field(foreign_key="deals.id")
    order_number: int
    version: int
    content_hash: str
    level: int
    group_name: str
    by: str
    members: Texts = []
    hands: Texts = []
    verb: str
    to_: str = ""
    at: datetime
    channel: str
    comment: str = ""
    mentions: Texts = []
    policy: str = ""
    facts: Json = {}
    recorded_at: Recorded = None


class ApprovalCommentRow(Row, table=True):
    """A comment on a version, by the id of its message. It decides nothing. Immutable."""

    __tablename__ = "approval_comments"

    id: str = Field(primary_key=True)
    deal_id: str = Field(foreign_key="deals.id", index=True)
    order_number: int
    version: int
    by: str
    at: datetime
    text: str
    mentions: Texts = []
    channel: str
    recorded_at: Recorded = None


class DecisionLinkRow(Row, table=True):
    """A one-click link for one person about one content; its token is never stored, it is signed anew from the id.

    `verb` '' means any. `used_ref` is the id of the message that it was spent on.
    """

    __tablename__ = "decision_links"
    __table_args__ = (CheckConstraint("(used_at IS NULL) = (used_ref = '')", name="spent_on_a_decision"),)

    id: str = Field(primary_key=True)
    person: str
    deal_id: str = Field(foreign_key="deals.id", index=True)
    order_number: int
    version: int
    content_hash: str
    verb: str = ""
    expires_at: datetime
    created_at: datetime
    used_at: datetime | None = None
    used_ref: str = ""
    recorded_at: Recorded = None


class LinkMessageRow(Row, table=True):
    """What a person said by a one-click link, kept before the deal is told of it; the relay tells what a crash left untold.

    `ref` is the id of the message; `verb` what it says; `error` why the deal refused it. Immutable but for those two:
    `told_at` and `error` are set once, together, when the deal answered.
    """

    __tablename__ = "link_messages"
    __table_args__ = (
        CheckConstraint("error = '' OR told_at IS NOT NULL", name="refused_when_told"),
        Index("link_messages_untold_ix", "created_at", postgresql_where="told_at IS NULL"),
    )

    ref: str = Field(primary_key=True)
    link_id: str = Field(foreign_key="decision_links.id", index=True)
    deal_id: str = Field(foreign_key="deals.id")
    verb: str
    message: Json
    created_at: datetime
    told_at: datetime | None = None
    error: str = ""
    recorded_at: Recorded = None


class NoticeRow(Leaving, table=True):
    """What a person is to be told by one channel; put into words and sent by the relay. It holds no token.

    `payload`: order_number, version, link_id ('' none), asks ({group, level, reason, members}), others (who else is asked),
    until, by, verb, text. `overtaken`: it was given up because nobody waits any more for what it asks.
    """

    __tablename__ = "notices"
    __table_args__ = (
        one_of("channel", CHANNELS),
        one_of("kind", NOTICES),
        one_of("language", LANGUAGES),
        *settled_once(),
        CheckConstraint("refused_at IS NOT NULL OR NOT overtaken", name="overtaken_is_given_up"),
        Index("notices_waiting_ix", "channel", "at", "key", postgresql_where=WAITING),
        Index("notices_refused_ix", "at", "key", postgresql_where=f"{GIVEN_UP} AND NOT overtaken"),
        Index("notices_deal_ix", "deal_id"),
    )

    key: str = Field(primary_key=True)
    deal_id: str = Field(foreign_key="deals.id")
    person: str
    channel: str
    kind: str
    language: str = "en"
    payload: Json
    overtaken: bool = False
    recorded_at: Recorded = None


class ApprovalEntryRow(Row, table=True):
    """One entry of a deal's evidence (`domain/approving/evidence.py: Entry`, as JSON), written by the step it tells. Immutable."""

    __tablename__ = "approval_entries"

    id: Serial = None
    deal_id: str = Field(foreign_key="deals.id", index=True)
    turn: int
    at: datetime
    kind: str
    content: Json
    recorded_at: Recorded = None


async def waiting(session: AsyncSession, groups: Sequence[str], person: str = "") -> Sequence[ApprovalRequestRow]:
    """What waits for this person (by name), or for these groups where nobody is asked by name; the longest waiting first."""
    table = ApprovalRequestRow
    in_group = col(table.group_name).in_(groups) | col(table.escalated_to).in_(groups)
    member = _shares(table.roles, groups) | _shares(table.people, [person.lower()])
    anyone = ((col(table.policy) == "") & in_group) | (col(table.anyone) & member)
    by_name = col(table.seats).op("@>", is_comparison=True)([{"holder": person.lower()}])
    vote = ApprovalVoteRow
    answered = select(vote.id).where(
        col(vote.request_id) == col(table.id),
        func.lower(col(vote.by)) == person.lower(),
        col(vote.verb).in_(("approve", "abstain")),
    )
    query = (
        select(table)
        .where(col(table.status) == "asked", or_(by_name, anyone & ~answered.exists()) if person else anyone)
        .order_by(col(table.asked_at), col(table.id))
    )
    return (await session.exec(query)).all()


def _shares(column: Any, some: Sequence[str]) -> ColumnElement[bool]:
    return col(column).op("&&", is_comparison=True)(cast(list(some), ARRAY(Text)))


async def of_deal(session: AsyncSession, deal_id: str) -> Sequence[ApprovalRequestRow]:
    """Every request of the deal, in the order of orders, versions, rounds and levels."""
    table = ApprovalRequestRow
    order = (col(table.order_number), col(table.version), col(table.round), col(table.level), col(table.group_name))
    return (await session.exec(select(table).where(col(table.deal_id) == deal_id).order_by(*order))).all()


async def last_word(session: AsyncSession, link_id: str) -> LinkMessageRow | None:
    """What was said last by a one-click link."""
    table = LinkMessageRow
    mine = select(table).where(col(table.link_id) == link_id).order_by(col(table.created_at).desc()).limit(1)
    return (await session.exec(mine)).first()


async def open_requests(
    session: AsyncSession, deal_id: str, order_number: int, version: int
) -> dict[tuple[int, str], ApprovalRequestRow]:
    """The requests of one version that wait, by level and group."""
    table = ApprovalRequestRow
    mine = (col(table.deal_id) == deal_id, col(table.order_number) == order_number, col(table.version) == version)
    found = (await session.exec(select(table).where(*mine, col(table.status) == "asked"))).all()
    return {(row.level, row.group_name): row for row in found}


async def entries(session: AsyncSession, deal_id: str) -> Sequence[ApprovalEntryRow]:
    """Every entry of the deal's evidence, as it was written."""
    table = ApprovalEntryRow
    query = select(table).where(col(table.deal_id) == deal_id).order_by(col(table.turn), col(table.id))
    return (await session.exec(query)).all()


def as_seats(seats: Iterable[Any]) -> list[dict[str, Any]]:
    """Seats as they are kept."""
    return [
        {"member": s.member, "holder": s.holder, "via": list(s.via), "rung": s.rung, "given": s.given} for s in seats
    ]
