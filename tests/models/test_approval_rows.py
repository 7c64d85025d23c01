"""What approvals may not be: unsigned, changed afterwards, or about nobody."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import SQLModel, delete, update

from models import approval, directory
from models.access import PersonRow
from models.approval import ApprovalRequestRow, ApprovalVoteRow, DecisionLinkRow, LinkMessageRow, NoticeRow
from models.database import Database
from models.directory import AbsenceRow, CalendarRow
from models.write import write
from tests.models.rows import AT, a_row, open_deals

ASKED: dict[str, Any] = {
    "id": "r1", "deal_id": "d_real", "order_number": 1, "version": 1, "level": 1, "group_name": "desk", "reason": "x",
    "asked_at": AT,
}  # fmt: skip
VOTE: dict[str, Any] = {
    "id": "v1", "ref": "m1", "request_id": "r1", "deal_id": "d_real", "order_number": 1, "version": 1,
    "content_hash": "h", "level": 1, "group_name": "desk", "by": "ann@x", "verb": "approve", "at": AT, "channel": "api",
}  # fmt: skip
ABSENCE: dict[str, Any] = {
    "id": "a1", "person": "ann@x", "delegate_to": "bob@x", "since": AT, "until": AT + timedelta(days=3),
    "created_by": "ann@x", "created_at": AT,
}  # fmt: skip
LINK: dict[str, Any] = {
    "id": "l1", "person": "ann@x", "deal_id": "d_real", "order_number": 1, "version": 1, "content_hash": "h",
    "expires_at": AT, "created_at": AT,
}  # fmt: skip
NOTICE: dict[str, Any] = {
    "key": "k", "deal_id": "d_real", "person": "ann@x", "channel": "mail", "kind": "ask", "payload": {}, "at": AT,
}  # fmt: skip

WORD: dict[str, Any] = {
    "ref": "m1", "link_id": "l1", "deal_id": "d_real", "verb": "approve", "message": {"id": "m1"}, "created_at": AT,
}  # fmt: skip


def refused() -> Iterator[tuple[SQLModel, str]]:
    yield a_row(ApprovalRequestRow, ASKED | {"id": "r2"}), "approval_requests_once"
    yield (
        a_row(ApprovalRequestRow, ASKED | {"id": "r2", "level": 2, "status": "changes_asked"}),
        "a_decision_has_a_person",
    )
    yield a_row(ApprovalRequestRow, ASKED | {"id": "r2", "level": 2, "status": "carried"}), "what_it_stands_on"
    yield a_row(ApprovalRequestRow, ASKED | {"id": "r2", "level": 2, "quorum": -1}), "not_negative"
    yield a_row(ApprovalVoteRow, VOTE | {"verb": "nod"}), "approval_votes_verb"
    yield a_row(ApprovalVoteRow, VOTE | {"by": ""}), "approval_votes_a_person"
    yield a_row(ApprovalVoteRow, VOTE | {"request_id": "r9"}), "approval_votes_request_id_fk"
    yield a_row(AbsenceRow, ABSENCE | {"until": AT}), "absences_dates"
    yield a_row(AbsenceRow, ABSENCE | {"delegate_to": "ANN@x"}), "absences_another_person"
    yield a_row(AbsenceRow, ABSENCE | {"delegate_to": "", "away": False}), "absences_says_something"
    yield (
        a_row(CalendarRow, {"country": "Germany", "version": 1, "content": {}, "created_by": "a", "created_at": AT}),
        "calendars_country",
    )
    yield a_row(DecisionLinkRow, LINK | {"used_at": AT}), "decision_links_spent"
    yield a_row(LinkMessageRow, WORD | {"error": "OwnDeal"}), "link_messages_refused_when_told"
    yield a_row(NoticeRow, NOTICE | {"kind": "gossip"}), "notices_kind"
    yield a_row(NoticeRow, NOTICE | {"channel": "pigeon"}), "notices_channel"
    yield a_row(NoticeRow, NOTICE | {"sent_at": AT, "refused_at": AT}), "notices_sent_or_refused"
    yield a_row(PersonRow, {"email": "x@x", "name": "X", "groups": [], "language": "xx"}), "people_language"


@pytest.mark.parametrize(("row", "rule"), list(refused()), ids=lambda each: each if isinstance(each, str) else "")
async def test_the_database_refuses(database: Database, row: SQLModel, rule: str) -> None:
    await open_deals(database)
    async with database.transaction() as session:
        session.add(a_row(ApprovalRequestRow, ASKED))
    with pytest.raises(IntegrityError, match=rule):
        async with database.transaction() as session:
            session.add(row)


async def test_what_was_said_stays_said(database: Database) -> None:
    await open_deals(database)
    async with database.transaction() as session:
        session.add(a_row(ApprovalRequestRow, ASKED))
        await session.flush()
        session.add(a_row(ApprovalVoteRow, VOTE))
        session.add(a_row(DecisionLinkRow, LINK))
        session.add(a_row(AbsenceRow, ABSENCE))
        await session.flush()
        session.add(a_row(LinkMessageRow, WORD))
    for statement in (
        update(ApprovalVoteRow).values(verb="reject"),
        delete(ApprovalVoteRow),
        update(DecisionLinkRow).values(person="eve@x"),
        update(LinkMessageRow).values(message={"id": "m1", "by": "eve@x"}),
        update(AbsenceRow).values(delegate_to="eve@x"),
    ):
        with pytest.raises(DBAPIError, match="written once"):
            async with database.transaction() as session:
                await session.execute(statement)
    async with database.transaction() as session:
        await session.execute(update(DecisionLinkRow).values(used_at=AT, used_ref="m1"))
        await session.execute(update(AbsenceRow).values(revoked_at=AT))
        await session.execute(update(LinkMessageRow).values(told_at=AT, error="OwnDeal"))
    async with database.session() as session:
        assert await directory.absences(session) == []
    for again in (
        update(AbsenceRow).values(revoked_at=AT + timedelta(days=1)),
        update(LinkMessageRow).values(told_at=AT + timedelta(days=1)),
    ):
        with pytest.raises(DBAPIError, match="stays so"):
            async with database.transaction() as session:
                await session.execute(again)


CROWD = {"policy": "p/1", "anyone": True}


async def test_what_waits_for_a_person_is_found_by_name(database: Database) -> None:
    await open_deals(database)
    seat = {"member": "ann@x", "holder": "bob@x", "via": [], "rung": 0, "given": False}
    rows = [
        a_row(ApprovalRequestRow, ASKED | {"seats": [seat], "policy": "p/1", "roles": ["desk"]}),
        a_row(ApprovalRequestRow, ASKED | {"id": "r2", "version": 2}),
        a_row(ApprovalRequestRow, ASKED | {"id": "r3", "version": 3, "seats": [seat], "status": "superseded"}),
        a_row(
            ApprovalRequestRow, ASKED | {"id": "r4", "version": 4} | CROWD | {"roles": ["desk_eu"], "people": ["cem@x"]}
        ),
    ]
    async with database.transaction() as session:
        await write(session, rows)
    async with database.session() as session:
        named = {
            who: [r.id for r in await approval.waiting(session, [group], who)]
            for who, group in (("Bob@x", "desk"), ("ann@x", "desk"), ("dan@x", "desk_eu"), ("Cem@x", "none"))
        }
        assert named == {"Bob@x": ["r1", "r2"], "ann@x": ["r2"], "dan@x": ["r4"], "Cem@x": ["r4"]}
        assert list(await approval.open_requests(session, "d_real", 1, 1)) == [(1, "desk")]


async def test_the_latest_calendar_of_a_country_counts(database: Database) -> None:
    rows = [
        CalendarRow(country=country, version=version, content={"n": version}, created_by="a", created_at=AT)
        for country, version in (("DE", 1), ("DE", 2), ("*", 1))
    ]
    async with database.transaction() as session:
        await write(session, rows)
    async with database.session() as session:
        found = {row.country: row.version for row in await directory.calendars(session)}
    assert found == {"DE": 2, "*": 1}
