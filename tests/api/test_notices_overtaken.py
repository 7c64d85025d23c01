"""After an outage nobody is told to do what is done: asks that were answered, withdrawn or given to others meanwhile are not sent."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from models.access import PersonRow
from tests.api.office import Office


async def kinds(office: Office, person: PersonRow) -> list[str]:
    """What became of each of their notices."""
    return [f"{each.kind} {each.status}" for each in await office.told(person)]


@pytest.mark.parametrize("status", ["approved", "withdrawn", "superseded", "expired", "rejected"])
async def test_who_is_not_waited_for_any_more_is_not_asked(office: Office, status: str) -> None:
    late, waited_for = await office.person(), await office.person()
    for person in (late, waited_for):
        for kind in ("ask", "mention"):
            await office.tell(person, "mail", "slack", kind=kind)
    decided: dict[str, Any] = {"decided_by": "x@acme.example", "decided_at": late.recorded_at}
    await office.sets(late, status=status, **(decided if status in ("approved", "rejected") else {}))
    for person in (late, waited_for):
        await office.until_sent(person)
    assert await kinds(office, late) == ["ask overtaken", "ask overtaken", "mention sent", "mention sent"]
    assert {each.error for each in await office.told(late, status="overtaken")} == {
        "nobody waits for this answer any more"
    }
    assert await office.told(late, status="refused") == []  # nobody has to mend anything
    assert await office.story((await office.told(late))[0].key) == []
    assert await kinds(office, waited_for) == ["ask sent", "ask sent", "mention sent", "mention sent"]
    assert [len(await office.mails(person)) for person in (late, waited_for)] == [1, 2]


async def test_a_seat_that_moved_or_was_spoken_for_asks_nobody_and_one_that_came_asks_again(office: Office) -> None:
    moved, said, handed, second, crowd = [await office.person() for _ in range(5)]
    for person in (moved, said, handed, second):
        await office.tell(person, "mail")
    await office.tell(crowd, "mail", asks=[{"group": "everybody", "level": 1, "reason": "", "members": []}])
    seat = {"member": moved.email, "holder": "vera@acme.example", "via": [], "rung": 0, "given": False}
    await office.sets(moved, seats=[seat])
    await office.votes(said, "approve", said.email)
    await office.votes(handed, "delegate", handed.email)  # and it came back to them
    theirs = [{**seat, "member": member, "holder": second.email} for member in (second.email, "vera@acme.example")]
    await office.sets(second, seats=theirs)
    await office.votes(second, "approve", second.email)  # vera's seat came to them afterwards
    await office.sets(crowd, "everybody", seats=[], anyone=True)
    for person in (moved, said, handed, second, crowd):
        await office.until_sent(person)
    found = [await kinds(office, person) for person in (moved, said, handed, second, crowd)]
    assert found == [["ask overtaken"], ["ask overtaken"], ["ask sent"], ["ask sent"], ["ask sent"]]


async def test_one_mail_tells_all_that_an_outage_held_up_about_a_version(office: Office) -> None:
    person = await office.person(language="en")
    for kind in ("ask", "remind"):
        await office.tell(person, "mail", kind=kind)
    legal = [{"group": "legal", "level": 1, "reason": "", "members": []}]
    await office.tell(person, "mail", kind="escalate", asks=legal)
    async with (
        office.database.transaction() as session
    ):  # written one after the other; the last asks for something else
        later = "UPDATE notices SET at = at + make_interval(days => :days) WHERE person = :person AND kind = :kind"
        for days, kind in ((1, "remind"), (2, "escalate")):
            await session.execute(text(later), {"days": days, "person": person.email, "kind": kind})
    await office.until_sent(person)
    assert await kinds(office, person) == ["ask overtaken", "remind sent", "escalate sent"]
    assert [mail["subject"].partition(":")[0] for mail in await office.mails(person)] == [
        "Still waiting for you",
        "Escalated to you",
    ]


async def test_a_sandbox_s_clock_that_jumps_is_no_outage(office: Office) -> None:
    person = await office.person()
    for kind in ("ask", "remind"):
        await office.tell(person, "mail", kind=kind, deal="d_sandbox")
    async with office.database.transaction() as session:
        await session.execute(text("UPDATE approval_requests SET status = 'withdrawn' WHERE deal_id = 'd_sandbox'"))
    await office.until_sent(person)
    assert await kinds(office, person) == ["ask sent", "remind sent"]
