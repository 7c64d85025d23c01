"""Two levels over a holiday with an escalation; a delegate of a delegate; an approver who leaves."""

from datetime import UTC, datetime

from sqlalchemy import text

from domain.step import StepKind
from sandbox.process import SandboxProcess
from tests.scenarios.desk import ANN, BOB, CLEO, FAY, MAX, SALES, VERA, desk


async def test_two_levels_over_easter_with_an_escalation(database_url: str, outside: SandboxProcess) -> None:
    async with desk(database_url, outside) as d:
        # 2027-03-25, Thursday before Easter: 15 % off and 60 days to pay: the desk, then the treasury
        await d.offered("15", net_days=60)
        assert await d.requests(1) == [(1, "desk", "asked", f"{ANN} {BOB}")]
        assert await d.waits_for() == f"{ANN}, {BOB}"
        assert await d.notices() == [("03-25 09:00", "ask", ANN), ("03-25 09:00", "ask", BOB)]
        assert await d.place.rows("SELECT person, verb, used_ref FROM decision_links ORDER BY person") == [
            (ANN, "", ""), (BOB, "", "")
        ]  # fmt: skip

        # 2027-03-30, Tuesday after Easter: one working day is over, over Good Friday, the weekend and Easter Monday
        await d.until("2027-03-30T07:00")
        assert len(await d.notices()) == 2
        await d.until("2027-03-30T08:00")  # 10:00 in Berlin, in summer time by now
        assert (await d.notices())[2:] == [("03-30 08:00", "remind", ANN), ("03-30 08:00", "remind", BOB)]

        # 2027-03-31: two working days are over: their manager may decide as well, for both of them
        await d.until("2027-03-31T08:00")
        assert (await d.notices())[4:] == [("03-31 08:00", "escalate", MAX)]
        assert await d.requests(1) == [(1, "desk", "asked", f"{ANN} {BOB} {MAX}")]
        assert await d.refused(FAY, "approve") == "WrongGroup"  # levels run in order
        assert await d.refused(SALES, "approve") == "OwnDeal"
        await d.until("2027-03-31T09:00")
        await d.says(MAX, "approve", "a lighthouse")
        assert (await d.votes()) == [(1, "desk", "approve", MAX, [ANN, BOB])]
        assert await d.requests(1) == [(1, "desk", "approved", ""), (2, "treasury", "asked", FAY)]
        assert (await d.notices())[5:] == [("03-31 09:00", "ask", FAY)]

        # 2027-04-01: the treasury approves; only then it goes out for signature
        await d.until("2027-04-01T08:00")
        assert StepKind.SEND not in d.hand.kinds()
        await d.says(FAY, "approve", "they pay")
        assert await d.status(1) == "out_for_signature"
        assert (await d.notices())[6:] == [("04-01 08:00", "decided", SALES)]
        assert [kind for kind, _, _ in await d.entries()] == [
            "asked", "reminded", "escalated", "approve", "asked", "approve"
        ]  # fmt: skip
        seen = await d.place.one("SELECT facts FROM approval_votes WHERE by = :by", by=FAY)
        assert (seen["discount_percent"], seen["net_days"]) == ("15", "60")


async def test_the_delegate_of_a_delegate_decides(database_url: str, outside: SandboxProcess) -> None:
    async with desk(database_url, outside) as d:
        # 2027-03-25: Ann is away and Cleo stands in; Cleo is away and Max stands in; Bob is away without a deputy
        await d.away(ANN, CLEO, "2027-03-20", "2027-04-10")
        await d.away(CLEO, MAX, "2027-03-24", "2027-04-02")
        await d.away(BOB, "", "2027-03-25", "2027-04-05")
        await d.offered("15")
        assert await d.requests(1) == [(1, "desk", "asked", MAX)]
        seats = await d.place.one("SELECT seats FROM approval_requests")
        assert seats == [{"member": ANN, "holder": MAX, "via": [CLEO], "rung": 0, "given": False}]
        told = await d.place.rows("SELECT text FROM timeline WHERE text LIKE 'Not asked%'")
        assert told == [(f"Not asked: {BOB} is away without a deputy",)]

        # the same day: Max hands it on to Vera; never to Sam, who owns the deal
        assert await d.refused(MAX, "delegate", to=SALES) == "DelegationRefused"
        await d.says(MAX, "delegate", "you know them", to=VERA)
        assert await d.requests(1) == [(1, "desk", "asked", VERA)]
        assert await d.waits_for() == VERA
        assert await d.refused(MAX, "approve") == "WrongGroup"
        await d.says(VERA, "approve", "as Max says")
        hands = await d.place.rows("SELECT verb, by, to_, members, hands FROM approval_votes ORDER BY verb DESC")
        assert hands == [
            ("delegate", MAX, VERA, [ANN], [ANN, CLEO, MAX]),
            ("approve", VERA, "", [ANN], [ANN, CLEO, MAX, VERA]),
        ]
        assert await d.status(1) == "out_for_signature"


async def test_an_approver_leaves(database_url: str, outside: SandboxProcess) -> None:
    async with desk(database_url, outside) as d:
        # 2027-03-25: the treasury alone is asked
        await d.offered("5", net_days=60)
        assert await d.requests(1) == [(2, "treasury", "asked", FAY)]

        # 2027-03-30: Fay leaves the house; nobody else is in her group, so her manager is asked at once
        await d.until("2027-03-30T09:00")
        async with d.place.database.transaction() as session:
            gone = {"at": datetime(2027, 3, 30, 8, tzinfo=UTC), "email": FAY}
            await session.execute(text("UPDATE people SET left_at = :at WHERE email = :email"), gone)
        await d.reseat(FAY, "she left")
        assert await d.requests(1) == [(2, "treasury", "asked", VERA)]
        assert await d.waits_for() == VERA
        assert await d.refused(FAY, "approve") == "WrongGroup"
        await d.says(VERA, "approve", "in her place")
        assert await d.status(1) == "out_for_signature"
        assert [kind for kind, _, _ in await d.entries()][:2] == ["asked", "reseated"]
