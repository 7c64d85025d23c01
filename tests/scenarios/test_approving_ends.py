"""An approval that ends undecided says so in its evidence; people who come and go meanwhile are seen when they do."""

from datetime import UTC, datetime

from sqlalchemy import text

from domain.message import Cancel, Withdraw
from domain.step import StepKind
from sandbox.process import SandboxProcess
from tests.scenarios.desk import ADA, ANN, BOB, CLEO, FAY, MAX, SALES, VERA, desk


async def test_what_ended_it_who_and_why(database_url: str, outside: SandboxProcess) -> None:
    async with desk(database_url, outside) as d:
        # 2027-03-25: version 1 is revised while the desk thinks, version 2 withdrawn
        await d.offered("15")
        await d.offered("14")
        await d.say(Withdraw(reason="they bought elsewhere"), SALES)
        # version 3 is answered by nobody until it expires, version 4 is given up with its deal
        await d.offered("13", valid_days=1)
        await d.until("2027-03-27T09:00")
        await d.offered("12")
        await d.say(Cancel(reason="a duplicate"), ADA)
        ends = (
            "SELECT version, kind, content ->> 'by', content ->> 'reason', content ->> 'to', content ->> 'channel'"
            " FROM (SELECT *, (content ->> 'version')::int AS version FROM approval_entries) e WHERE kind <> 'asked' ORDER BY id"
        )
        both = f"{ANN}, {BOB}"
        draft = await d.place.one("SELECT id FROM quote_drafts ORDER BY created_at, id OFFSET 1 LIMIT 1")
        assert await d.place.rows(ends) == [
            (1, "superseded", SALES, f"a new draft: {draft}", both, "api"),
            (2, "withdrawn", SALES, "they bought elsewhere", both, "api"),
            (3, "expired", "q2c", "the quote's validity ended", both, ""),
            (4, "cancelled", ADA, "a duplicate", both, "api"),
        ]
        rows = await d.place.rows("SELECT version, status FROM approval_requests ORDER BY version")
        assert rows == [(1, "superseded"), (2, "withdrawn"), (3, "expired"), (4, "withdrawn")]


async def test_people_come_and_go_while_a_version_waits(database_url: str, outside: SandboxProcess) -> None:
    async with desk(database_url, outside) as d:
        # 2027-03-25: Bob is away from 12:00 for a day and Cleo stands in for him; Ann leaves the house that evening
        await d.away(BOB, CLEO, "2027-03-25T12:00", "2027-03-26T12:00")
        async with d.place.database.transaction() as session:
            gone = {"at": datetime(2027, 3, 25, 18, tzinfo=UTC), "email": ANN}
            await session.execute(text("UPDATE people SET left_at = :at WHERE email = :email"), gone)
        await d.offered("15")
        dates = await d.place.rows("SELECT remind_at, escalate_at FROM approval_requests")
        assert await d.waits_for() == f"{ANN}, {BOB}"
        for at, who in (("25T12:00", f"{ANN}, {CLEO}"), ("25T18:00", CLEO), ("26T12:00", BOB)):
            await d.until(f"2027-03-{at}")
            assert await d.waits_for() == who
        assert await d.place.rows("SELECT remind_at, escalate_at FROM approval_requests") == dates
        assert await d.notices() == [
            ("03-25 09:00", "ask", ANN), ("03-25 09:00", "ask", BOB), ("03-25 12:00", "ask", CLEO),
            ("03-26 12:00", "ask", BOB),
        ]  # fmt: skip
        assert await d.entries() == [
            ("asked", "q2c", f"{ANN}, {BOB}"), ("reseated", "q2c", f"{ANN}, {CLEO}"), ("reseated", "q2c", CLEO),
            ("reseated", "q2c", BOB),
        ]  # fmt: skip
        assert [kind for kind in d.hand.kinds() if kind is StepKind.LOOK] == [StepKind.LOOK] * 3

        # he hands it on to Max, who is away by then: Vera stands in for him, and nobody has to be told
        await d.away(MAX, VERA, "2027-03-26", "2027-04-20")
        await d.says(BOB, "delegate", to=MAX)
        assert await d.waits_for() == VERA
        assert await d.refused(FAY, "approve") == "WrongGroup"
        await d.says(VERA, "approve")
        assert await d.status(1) == "out_for_signature"
        hands = await d.place.one("SELECT hands FROM approval_votes WHERE by = :by AND verb = 'approve'", by=VERA)
        assert hands == [BOB, MAX, VERA]
