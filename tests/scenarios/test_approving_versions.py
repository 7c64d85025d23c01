"""A revision that needs half the approvals again; a counter-proposal; a policy that changes in mid-flight."""

from copy import deepcopy

from domain.message import Submit
from domain.step import StepKind
from sandbox.process import SandboxProcess
from tests.scenarios.desk import ADA, ANN, BOB, CLEO, FAY, MATRIX, SALES, VERA, desk, line


async def test_a_revision_needs_half_the_approvals_again(database_url: str, outside: SandboxProcess) -> None:
    async with desk(database_url, outside) as d:
        # 2027-03-25: the desk and the treasury approve 15 % off and 60 days
        await d.offered("15", net_days=60)
        await d.says(ANN, "approve", "fine")
        await d.says(FAY, "approve", "they pay")
        assert await d.status(1) == "out_for_signature"

        # 2027-04-06: more discount, fewer days: the treasury's word stands, the desk is asked again
        await d.until("2027-04-06T08:00")
        await d.offered("20", net_days=45)
        assert await d.requests(2) == [(1, "desk", "asked", f"{ANN} {BOB}"), (2, "treasury", "carried", "")]
        ref = await d.place.one("SELECT ref FROM approval_votes WHERE by = :by", by=FAY)
        carried = "SELECT carried_ref, carried_version, decided_by FROM approval_requests WHERE status = 'carried'"
        assert await d.place.rows(carried) == [(ref, 1, FAY)]
        assert StepKind.SEND in d.hand.kinds()
        assert await d.status(2) == "in_approval"
        await d.says(BOB, "approve", "once more")
        assert await d.status(2) == "out_for_signature"

        # 2027-05-10: the same days, a little less discount; the treasury's thirty days are over, the desk's are not
        await d.until("2027-05-04T08:00")
        await d.offered("18", net_days=45)
        assert await d.requests(3) == [(1, "desk", "carried", ""), (2, "treasury", "asked", FAY)]
        assert await d.place.rows("SELECT version, carried_version FROM approval_requests WHERE status = 'carried'") == [
            (2, 1), (3, 2)
        ]  # fmt: skip
        await d.says(FAY, "approve", "again")
        assert await d.status(3) == "out_for_signature"
        entries = [kind for kind, _, _ in await d.entries()]
        assert entries == [
            "asked",
            "approve",
            "asked",
            "approve",
            "carried",
            "asked",
            "approve",
            "carried",
            "asked",
            "approve",
        ]


async def test_a_counter_proposal_becomes_a_draft(database_url: str, outside: SandboxProcess) -> None:
    async with desk(database_url, outside) as d:
        # 2027-03-25: Ann wants twelve percent instead of twenty, and says so with a draft
        await d.offered("20")
        await d.until("2027-03-25T10:00")
        draft_id, draft_hash = await d.draft(ANN, lines=line("12"))
        await d.says(
            ANN,
            "changes",
            f"twelve, @{CLEO}?",
            draft_id=draft_id,
            draft_hash=draft_hash,
            mentions=(CLEO, "x@y.example"),
        )
        assert await d.requests(1) == [(1, "desk", "changes_asked", f"{ANN} {BOB}")]
        assert (d.order.version, d.order.stage.value, d.order.drafted_by) == (2, "priced", ANN)
        assert (await d.status(1), await d.status(2)) == ("superseded", "priced")
        told = await d.notices()
        assert told[2:] == [("03-25 10:00", "changes", SALES), ("03-25 10:00", "mention", CLEO)]
        assert await d.place.rows("SELECT verb FROM decision_links WHERE person = :p", p=CLEO) == [("comment",)]

        # sales submits it; Ann priced it, so she is not asked and has no voice
        await d.hand.say(submit(2))
        assert await d.requests(2) == [(1, "desk", "asked", BOB)]
        assert await d.refused(ANN, "approve") == "OwnDeal"

        # Cleo, who was mentioned, has a word about it, which decides nothing
        await d.says(CLEO, "comment", "twelve is fine")
        assert await d.place.rows("SELECT by, text, version FROM approval_comments") == [(CLEO, "twelve is fine", 2)]
        await d.says(BOB, "approve", "as Ann proposed")
        assert await d.status(2) == "out_for_signature"
        assert await d.votes() == [
            (1, "desk", "changes", ANN, [ANN]),
            (2, "desk", "approve", BOB, [BOB]),
        ]


def submit(version: int) -> Submit:
    return Submit(version=version)


async def test_a_policy_changes_in_mid_flight(database_url: str, outside: SandboxProcess) -> None:
    async with desk(database_url, outside) as d:
        # 2027-03-25: the desk is asked, as version 2 of the policy says; Ann is about to answer
        await d.offered("15", net_days=60)
        stricter = deepcopy(MATRIX)
        stricter["rules"][0]["require"] = [{"level": 1, "group": "desk"}, {"level": 1, "group": "heads"}]

        # 2027-03-30: version 3 asks the heads as well; what is in flight stays as it was
        await d.until("2027-03-30T06:00")
        matrix = await d.policy(stricter, 3)
        assert await d.requests(1) == [(1, "desk", "asked", f"{ANN} {BOB}")]
        assert [r.need.policy for r in d.order.approval.requests] == ["standard/2", "standard/2"]

        # the same day an admin says so: the desk's question is the same and stays, the heads are asked as well
        await d.apply(matrix, "the board wants it")
        assert await d.requests(1) == [(1, "desk", "asked", f"{ANN} {BOB}"), (1, "heads", "asked", VERA)]
        assert await d.place.rows("SELECT group_name, policy FROM approval_requests ORDER BY 1") == [
            ("desk", "standard/3"), ("heads", "standard/3")
        ]  # fmt: skip
        await d.says(ANN, "approve", "fine")
        assert [status for _, _, status, _ in await d.requests(1)] == ["approved", "asked"]
        await d.says(VERA, "approve", "fine by me")
        await d.says(FAY, "approve", "they pay")
        assert await d.status(1) == "out_for_signature"
        assert ("policy", ADA, "") in await d.entries()


async def test_nobody_decides_and_it_goes_back_to_sales(database_url: str, outside: SandboxProcess) -> None:
    matrix = deepcopy(MATRIX)
    matrix["rules"][0]["escalate"] = [
        {"after": "2 business_days", "to": "manager"},
        {"after": "1 business_days", "to": "sales"},
    ]
    async with desk(database_url, outside, matrix=matrix) as d:
        # 2027-03-25, and nobody says a word: Max on Wednesday after Easter, back to Sam on Thursday
        await d.offered("15")
        await d.until("2027-04-01T08:00")
        assert await d.status(1) == "expired"
        assert [status for _, _, status, _ in await d.requests(1)] == ["lapsed"]
        assert (await d.notices())[-1] == ("04-01 08:00", "lapsed", SALES)
        assert await d.waits_for() == SALES
        assert await d.refused(ANN, "approve") == "NothingToDecide"
