"""Approvals at their edges: large groups, nobody left, abstentions, and versions that were priced before policies were matrices."""

from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from domain.message import Retry, Submit
from domain.need import Need
from models import approval
from models.access import PersonRow
from sandbox.process import SandboxProcess
from tests.scenarios.desk import ANN, BOB, CLEO, FAY, MATRIX, MAX, SALES, THURSDAY, VERA, Desk, desk, line


def quorum(said: str) -> dict[str, Any]:
    """The desk alone, with a quorum, and nobody above it."""
    matrix = deepcopy(MATRIX)
    matrix["rules"] = [{**matrix["rules"][0], "require": [{"group": "desk", "quorum": said}]}]
    del matrix["rules"][0]["escalate"]
    return matrix


async def crowd(d: Desk) -> None:
    await d.place.add(
        [PersonRow(email=f"p{n:02}@desk.example", name="P", groups=["desk"], country="DE") for n in range(40)]
    )


async def test_any_member_of_a_crowd_decides(database_url: str, outside: SandboxProcess) -> None:
    async with desk(database_url, outside, matrix=quorum("any")) as d:
        await crowd(d)
        await d.offered("15")
        assert await d.requests(1) == [(1, "desk", "asked", "")]
        assert await d.waits_for() == "desk"
        assert len(await d.notices()) == 42
        await d.says("p07@desk.example", "approve", groups=("desk",))
        assert await d.status(1) == "out_for_signature"
        assert await d.votes() == [(1, "desk", "approve", "p07@desk.example", [])]


async def test_a_crowd_that_is_silent_is_reminded_and_escalates(database_url: str, outside: SandboxProcess) -> None:
    """The group means a role of another name; its members' managers may decide besides, and nobody who left."""
    matrix = quorum("any")
    matrix["rules"][0] |= {
        "require": [{"group": "floor"}],
        "remind_after": "1 business_days",
        "escalate": [{"after": "2 business_days", "to": "manager"}],
    }
    matrix["groups"] = {"floor": [{"roles": ["desk"]}, {"people": [CLEO]}]}
    async with desk(database_url, outside, matrix=matrix) as d:
        await crowd(d)
        async with d.place.database.transaction() as session:
            await session.execute(text("UPDATE people SET left_at = '2027-01-01' WHERE email = 'p00@desk.example'"))
        await d.offered("15")
        links = await d.place.rows("SELECT person FROM decision_links")
        assert len(links) == 42
        assert ("p00@desk.example",) not in links
        await d.until("2027-03-31T08:00")  # two working days of theirs, in Berlin, over Easter
        notices = (await d.notices())[42:]
        assert [kind for _, kind, _ in notices] == ["remind"] * 42 + ["escalate"]
        assert notices[-1] == ("03-31 08:00", "escalate", MAX)
        assert await d.entries() == [
            ("asked", "q2c", "any of 42 members of floor"), ("reminded", "q2c", "any of 42 members of floor"),
            ("escalated", "q2c", MAX),
        ]  # fmt: skip
        async with d.place.database.session() as session:
            waiting = {
                who: len(await approval.waiting(session, groups, who))
                for who, groups in ((MAX, ()), (CLEO, ()), (ANN, ("desk",)), (FAY, ("treasury",)))
            }
        assert waiting == {MAX: 1, CLEO: 1, ANN: 1, FAY: 0}
        assert await d.refused(FAY, "approve", groups=("floor", "treasury")) == "WrongGroup"
        assert await d.refused(SALES, "approve", groups=("desk",)) == "OwnDeal"
        await d.says("p01@desk.example", "abstain", groups=("desk",))
        assert await d.refused("p01@desk.example", "approve", groups=("desk",)) == "AlreadyDecided"
        async with d.place.database.session() as session:
            left = [len(await approval.waiting(session, ["desk"], f"{who}@desk.example")) for who in ("P01", "p02")]
        assert left == [0, 1], "what one has answered waits for them no more"
        await d.says(MAX, "approve")
        assert await d.status(1) == "out_for_signature"
        approved = await d.place.rows("SELECT by, members, hands FROM approval_votes WHERE verb = 'approve'")
        assert approved == [(MAX, [""], [MAX])], "one seat, for all who are silent"


async def test_an_escalation_to_a_crowd_reaches_all_of_it(database_url: str, outside: SandboxProcess) -> None:
    """Each member who is here is told, and who stands in for one who is not; any of them decides for all who are silent."""
    matrix = quorum("all")
    matrix["rules"][0]["escalate"] = [{"after": "1 days", "to": "floor"}]
    async with desk(database_url, outside, matrix=matrix) as d:
        floor = [f"f{n:02}@desk.example" for n in range(42)]
        await d.place.add([PersonRow(email=email, name="F", groups=["floor"], country="DE") for email in floor])
        await d.away(floor[0], FAY, "2027-03-26", "2027-03-28")
        await d.offered("15")
        await d.until("2027-03-26T09:00")
        told = [(kind, person) for _, kind, person in await d.notices()]
        assert sorted(told[2:]) == [("escalate", each) for each in sorted([*floor[1:], FAY])]
        assert await d.requests(1) == [(1, "desk", "asked", f"{ANN} {BOB} {FAY}")]
        assert (await d.entries())[-1] == ("escalated", "q2c", f"any of 41 members of floor, {FAY}")
        assert await d.refused(CLEO, "approve", groups=("sales",)) == "WrongGroup"
        async with d.place.database.session() as session:
            waiting = [
                len(await approval.waiting(session, groups, who)) for who, groups in (("f07@x", ("floor",)), (FAY, ()))
            ]
        assert waiting == [1, 1]
        await d.until("2027-03-28T00:00")
        assert await d.requests(1) == [(1, "desk", "asked", f"{ANN} {BOB}")]
        assert (await d.entries())[-1] == ("reseated", "q2c", f"any of 42 members of floor, {ANN}, {BOB}")
        assert len(await d.notices()) == len(told), "nobody is told twice"
        await d.says(floor[41], "approve", groups=("floor",))
        assert await d.status(1) == "out_for_signature"
        assert await d.votes() == [(1, "desk", "approve", floor[41], [""])]


async def leaves(d: Desk, person: str, at: datetime) -> None:
    """Nobody says so to the deal."""
    async with d.place.database.transaction() as session:
        (await session.get_one(PersonRow, person)).left_at = at


@pytest.mark.parametrize("by", ["a look", "a reminder", "a reseat"])
async def test_the_owner_hears_of_a_version_that_who_is_left_had_approved(
    database_url: str, outside: SandboxProcess, by: str
) -> None:
    """Of all, one has approved and the other leaves: nobody says anything then, and it is approved."""
    async with desk(database_url, outside, matrix=quorum("all")) as d:
        if by == "a look":
            await leaves(d, BOB, THURSDAY + timedelta(days=1))
        await d.offered("15")
        await d.says(ANN, "approve", "yes")
        if by != "a look":
            await leaves(d, BOB, THURSDAY + timedelta(hours=3))
        await d.until("2027-03-25T13:00")
        if by == "a reseat":
            await d.reseat(BOB, "Bob left")
        assert (await d.status(1) == "out_for_signature") is (by == "a reseat")
        await d.until("2027-03-31T08:00")
        assert await d.status(1) == "out_for_signature"
        assert [(kind, who) for _, kind, who in await d.notices()] == [("ask", ANN), ("ask", BOB), ("decided", SALES)]
        payload = await d.place.one("SELECT payload FROM notices WHERE kind = 'decided' AND channel = 'mail'")
        assert (payload["by"], payload["verb"]) == (ANN, "approve")
        assert [(kind, to) for kind, _, to in await d.entries()][2:] == [("reseated", "")]
        lines = await d.place.rows("SELECT text FROM timeline WHERE text LIKE '%has approved%'")
        assert lines == ([] if by == "a reseat" else [("desk has approved: all who are left have said so",)])
        request = await d.place.rows("SELECT status, decided_by, seats FROM approval_requests")
        assert request == [("approved", ANN, [])]


async def test_all_of_a_crowd_cannot_be_asked(database_url: str, outside: SandboxProcess) -> None:
    async with desk(database_url, outside, matrix=quorum("all")) as d:
        await crowd(d)
        await d.offered("15")
        assert await d.requests(1) == []
        assert await d.waits_for() == "ops"
        assert "desk" in await d.place.one("SELECT parked FROM deals")


async def test_all_who_do_not_abstain_approve(database_url: str, outside: SandboxProcess) -> None:
    async with desk(database_url, outside, matrix=quorum("all")) as d:
        await d.offered("15")
        await d.says(ANN, "approve", "yes")
        assert await d.requests(1) == [(1, "desk", "asked", f"{ANN} {BOB}")]
        assert await d.waits_for() == BOB
        assert await d.refused(ANN, "approve") == "AlreadyDecided"
        await d.says(BOB, "abstain", "a friend of mine")
        assert await d.status(1) == "out_for_signature"
        decided = "SELECT status, decided_by, comment FROM approval_requests"
        assert await d.place.rows(decided) == [("approved", ANN, "yes")]


async def test_nobody_is_left_and_a_retry_asks_anew(database_url: str, outside: SandboxProcess) -> None:
    async with desk(database_url, outside, matrix=quorum("any")) as d:
        await d.offered("15")
        await d.says(ANN, "abstain", "not me")
        await d.says(BOB, "abstain", "nor me")
        assert await d.waits_for() == "ops"
        await d.place.add([PersonRow(email="new@desk.example", name="N", groups=["desk"])])
        await d.say(Retry(), "ole@acme.example")
        assert [(status, who) for _, _, status, who in await d.requests(1)] == [
            ("superseded", f"{ANN} {BOB}"),
            ("asked", f"{ANN} {BOB} new@desk.example"),
        ]
        await d.says("new@desk.example", "approve", "I am new")
        assert await d.status(1) == "out_for_signature"


async def test_a_version_of_before_is_asked_as_before(database_url: str, outside: SandboxProcess) -> None:
    """A group, any of its members by mail, plain hours, one escalation to a group: rules that deals in flight began with."""
    async with desk(database_url, outside) as d:
        await d.hand.revise(lines=line("15"))
        plain = Need(
            level=1, group="desk", reason="15 %", remind_after_hours=24, escalate_after_hours=48, escalate_to="heads"
        )
        d.hand.deal = d.hand.deal.with_order(replace(d.order, needs=(plain,)))
        await d.say(Submit(version=1), SALES)
        assert await d.requests(1) == [(1, "desk", "asked", "")]
        await d.until("2027-03-27T10:00")
        assert await d.notices() == []
        mails = await d.place.rows("SELECT to_char(at, 'MM-DD'), to_ FROM mails ORDER BY at, to_")
        assert mails == [("03-25", ANN), ("03-25", BOB), ("03-26", ANN), ("03-26", BOB), ("03-27", VERA)]
        assert await d.refused(MAX, "approve") == "WrongGroup"
        await d.says(VERA, "approve", "late", groups=("heads",))
        assert await d.status(1) == "out_for_signature"
        assert await d.place.rows("SELECT status, decided_by, escalated_to FROM approval_requests") == [
            ("approved", VERA, "heads")
        ]  # fmt: skip
