"""The desk through the whole of it: API, worker, Temporal, the sandbox's clock, people who decide by the links in their inbox.

Each date says what every person is told and what the page shows them; at the end the evidence is read entry by entry.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from embedded.temporal import TemporalServer
from models import audit_approvals
from sandbox.process import SandboxProcess
from tests.inbox import Inbox
from tests.place import PEOPLE
from tests.scenarios.desk import GERMANY, MATRIX
from tests.scenarios.inboxes import House
from tests.world import world

THURSDAY = datetime(2027, 3, 25, 9, tzinfo=UTC)  # 10:00 in Berlin, before Easter
SAM, DANA, VERA, ADA = (PEOPLE[who][0] for who in ("sales", "desk", "vp", "admin"))
BOB, CLEO, FAY, MAX, LEA = (f"{name}@acme.example" for name in ("bob", "cleo", "fay", "max", "lea"))
STAFF: tuple[tuple[str, tuple[str, ...], str], ...] = (  # who, groups, manager
    (DANA, ("desk",), MAX),
    (BOB, ("desk",), MAX),
    (CLEO, (), MAX),
    (FAY, ("treasury",), VERA),
    (LEA, ("legal",), MAX),
    (MAX, (), VERA),
    (VERA, ("heads",), ""),
)
LONG = {"name": "a long term", "when": {"term_months_over": 24}, "require": [{"level": 1, "group": "legal"}]}
POLICY: dict[str, Any] = {**MATRIX, "rules": [*MATRIX["rules"], LONG]}


@pytest.fixture
async def house(database_url: str, temporal_server: TemporalServer, outside: SandboxProcess) -> AsyncIterator[House]:
    async with world(database_url, temporal_server.address, outside, starts_at=THURSDAY) as w:
        for email, groups, manager in STAFF:
            said = {"email": email, "name": email[:4].strip("@").title(), "groups": groups, "country": "DE"}
            assert (await w.post("/v1/people", {**said, "manager": manager or None}, by="admin")).status_code == 201
        assert (await w.post("/v1/calendars", {"DE": GERMANY}, by="admin")).status_code == 201
        assert (await w.post("/v1/policies/approval", POLICY, by="admin")).status_code == 201
        await w.behave("signature", email="*", action="ignore")
        inbox = Inbox(api=w.api, outside=w.http)
        before = {who: len(await inbox.texts(who)) for who in (SAM, *(email for email, _, _ in STAFF))}
        account = await w.account(method="transfer", method_token="")
        yield House(w=w, inbox=inbox, account=account, before=before)
        async with w.database.session() as session:
            assert [breach for check in audit_approvals.CHECKS for breach in await check(session)] == []


async def away(house: House, person: str, to: str, since: str, until: str) -> None:
    said = {"person": person, "delegate_to": to, "since": f"{since}T00:00:00Z", "until": f"{until}T00:00:00Z"}
    assert (await house.w.post("/v1/absences", said, by="admin")).status_code == 201


async def test_easter_deputies_and_a_leaver(house: House) -> None:
    # 2027-03-25, Thursday before Easter: one deal for two levels; one whose only approver is away, and her deputy as well
    await away(house, LEA, CLEO, "2027-03-20", "2027-04-10")
    await away(house, CLEO, MAX, "2027-03-24", "2027-04-02")
    easter = await house.offered("Easter", "15", net_days=60)
    handed = await house.offered("Handed", "0", term_months=36)
    assert await house.asked(easter) == [(1, "desk", "asked", "bob dana")]
    assert await house.asked(handed) == [(1, "legal", "asked", "max")]
    assert [await house.told(each) for each in (DANA, BOB, FAY, LEA, CLEO)] == [
        ["Your approval: Easter"], ["Your approval: Easter"], [], [], []
    ]  # fmt: skip
    assert await house.told(MAX) == ["Your approval: Handed"]
    page = await house.page(await house.link(DANA, "Easter"))
    for words in ("200 ", "discount of 15 % is over 10 %", "Nobody has decided yet."):
        assert words in page
    assert "you speak for Lea" in await house.page(await house.link(MAX, "Handed"))

    # the same day: Max hands it on, not to Sam who owns it, but to Vera, who decides; his own link is used
    assert await house.says(MAX, "Handed", "delegate", to=SAM) == "refused_DelegationRefused"
    assert await house.says(MAX, "Handed", "delegate", to=VERA, reason="you know them") == "delegate"
    await house.seated()  # the absences are told once more, and change nothing about what was handed on since
    assert await house.asked(handed) == [(1, "legal", "asked", "vera")]
    assert "This link was used" in await house.page(await house.link(MAX, "Handed"))
    assert await house.says(VERA, "Handed", "approve", reason="as Max says") == "approve"
    await house.w.settled(handed, "signature")
    assert await house.status(handed) == "out_for_signature"

    # 2027-03-30, Tuesday after Easter, 10:00 in Berlin, summer time: one working day is over
    await house.until("2027-03-30T07:59")
    assert await house.told(DANA) == ["Your approval: Easter"]
    await house.until("2027-03-30T08:00")
    assert [len(await house.told(each)) for each in (DANA, BOB, MAX, FAY)] == [2, 2, 1, 0]

    # 2027-03-31: two working days are over: their manager may decide for both, and does, by the link in his inbox
    await house.until("2027-03-31T08:00")
    assert await house.asked(easter) == [(1, "desk", "asked", "bob dana max")]
    assert len(await house.told(MAX)) == 2

    # half an hour later Bob has another manager, who is asked in turn; Max still is, for Dana
    await house.until("2027-03-31T08:30")
    bob = {"email": BOB, "name": "Bob", "groups": ["desk"], "country": "DE", "manager": VERA}
    assert (await house.w.post("/v1/people", bob, by="admin")).status_code == 201
    await house.post()
    assert await house.asked(easter) == [(1, "desk", "asked", "bob dana max vera")]
    assert [await house.told(each) for each in (VERA, MAX)] == [
        ["Your approval: Handed", "Your approval: Easter"],
        ["Your approval: Handed", "Escalated to you: Easter"],
    ]
    await house.until("2027-03-31T09:00")
    assert await house.says(MAX, "Easter", "approve", reason="a lighthouse") == "approve"
    assert await house.asked(easter) == [(1, "desk", "approved", ""), (2, "treasury", "asked", "fay")]
    assert (await house.page(await house.link(DANA, "Easter"))).startswith("403 ")
    assert await house.told(FAY) == ["Your approval: Easter"]
    assert "a lighthouse" in await house.page(await house.link(FAY, "Easter"))  # she sees who said what before her

    # 2027-04-01: the treasury asks, Dana answers by the link of the mention, and the treasury approves
    await house.until("2027-04-01T08:00")
    assert await house.says(FAY, "Easter", "comment", reason="do they pay, @dana?") == "comment"
    assert await house.says(DANA, "Easter", "comment", reason="always have") == "comment"
    assert await house.status(easter) == "in_approval"
    assert await house.says(FAY, "Easter", "approve", reason="they pay") == "approve"
    await house.w.settled(easter, "signature")
    assert await house.status(easter) == "out_for_signature"
    leaver = await house.offered("Leaver", "5", net_days=60)
    assert await house.asked(leaver) == [(2, "treasury", "asked", "fay")]

    # 2027-04-02: Fay leaves; nobody else is in her group, so her manager is asked at once, and Fay's link is nobody's
    await house.until("2027-04-02T08:00")
    gone = {"email": FAY, "name": "Fay", "groups": ["treasury"], "manager": VERA, "country": "DE"}
    said = await house.w.post("/v1/people", {**gone, "left_at": "2027-04-02T08:00:00Z"}, by="admin")
    assert said.status_code == 201, said.text
    await house.seated()
    await house.post()
    assert await house.asked(leaver) == [(2, "treasury", "asked", "vera")]
    assert (await house.page(await house.link(FAY, "Leaver"))).startswith("403 ")
    assert await house.says(VERA, "Leaver", "approve", reason="in her place") == "approve"
    await house.w.settled(leaver, "signature")

    # what stands before an auditor
    assert await house.evidence(easter) == [
        ("03-25T09:00", "asked", "q2c", "bob, dana", "", "", ""),
        ("03-30T08:00", "reminded", "q2c", "bob, dana", "", "", ""),
        ("03-31T08:00", "escalated", "q2c", "max", "", "", ""),
        ("03-31T08:30", "reseated", "q2c", "bob, dana, vera, max", "", "system", "bob has another manager"),
        ("03-31T09:00", "approve", "max", "desk", "dana max", "link", "a lighthouse"),
        ("03-31T09:00", "asked", "q2c", "fay", "", "", ""),
        ("04-01T08:00", "comment", "fay", "", "", "link", "do they pay, @dana?"),
        ("04-01T08:00", "comment", "dana", "", "", "link", "always have"),
        ("04-01T08:00", "approve", "fay", "treasury", "fay", "link", "they pay"),
    ]
    assert await house.evidence(handed) == [
        ("03-25T09:00", "asked", "q2c", "max", "", "", ""),
        ("03-25T09:00", "delegate", "max", "vera", "lea cleo max", "link", "you know them"),
        ("03-25T09:00", "approve", "vera", "legal", "lea cleo max vera", "link", "as Max says"),
    ]
    assert await house.evidence(leaver) == [
        ("04-01T08:00", "asked", "q2c", "fay", "", "", ""),
        ("04-02T08:00", "reseated", "q2c", "treasury", "", "system", "fay left"),
        ("04-02T08:00", "escalated", "q2c", "vera", "", "", ""),
        ("04-02T08:00", "approve", "vera", "treasury", "fay vera", "link", "in her place"),
    ]


async def test_revisions_a_counter_proposal_and_a_newer_policy(house: House) -> None:
    # 2027-03-25: three deals before the desk; one of them before the treasury as well, and both approve it
    half = await house.offered("Half", "15", net_days=60)
    counter = await house.offered("Counter", "20")
    flight = await house.offered("Flight", "15")
    assert await house.says(DANA, "Half", "approve") == "approve"
    assert await house.says(FAY, "Half", "approve") == "approve"
    await house.w.settled(half, "signature")

    # the same day: Dana wants twelve percent, and proposes it; the proposal is hers, so only Bob is asked about it
    wish = await house.says(DANA, "Counter", "changes", reason="twelve, at most", d0="", d1="12")
    assert wish == "changes"
    await house.w.until("SELECT max(version) FROM quote_versions WHERE deal_id = :id", 2, id=counter)
    assert (await house.told(SAM))[-1] == "Dana asks for changes: Counter"
    await house.w.say(counter, "submit", {"version": 2})
    await house.post()
    assert await house.asked(counter, 2) == [(1, "desk", "asked", "bob")]
    assert (await house.page(await house.link(BOB, "Counter"))).startswith("410 ")  # the version of before
    assert "20 %" in await house.page(await house.link(BOB, "Counter", 2))  # what differs from it
    assert await house.says(BOB, "Counter", "approve", version=2) == "approve"

    # 2027-03-30: the policy asks the heads as well from now on; what is in flight stays, until an admin says so
    await house.until("2027-03-30T06:00")
    stricter = deepcopy(POLICY)
    stricter["rules"][0]["require"] = [{"level": 1, "group": "desk"}, {"level": 1, "group": "heads"}]
    assert (await house.w.post("/v1/policies/approval", stricter, by="admin")).status_code == 201
    assert await house.asked(flight) == [(1, "desk", "asked", "bob dana")]
    assert await house.told(VERA) == []
    await house.w.say(flight, "apply-policy", {"version": 1, "reason": "the board wants it"}, by="admin")
    await house.post()
    assert await house.asked(flight) == [(1, "desk", "asked", "bob dana"), (1, "heads", "asked", "vera")]
    assert await house.told(VERA) == ["Your approval: Flight"]
    assert await house.says(DANA, "Flight", "approve") == "approve"
    assert await house.status(flight) == "in_approval"
    assert await house.says(VERA, "Flight", "approve") == "approve"
    await house.w.settled(flight, "signature")

    # 2027-04-06: more discount, fewer days: the treasury's word stands, the desk is asked again, and now the heads
    await house.until("2027-04-06T08:00")
    draft = await house.w.one("SELECT content FROM quote_drafts WHERE deal_id = :id", id=half)
    lines = [{"product": "team", "quantity": 20, "discount_percent": "20"}]
    await house.w.say(half, "revise", {"draft": {**draft, "lines": lines, "net_days": 45}})
    await house.w.say(half, "submit", {"version": 2})
    await house.post()
    assert await house.asked(half, 2) == [
        (1, "desk", "asked", "bob dana"), (1, "heads", "asked", "vera"), (2, "treasury", "carried", "")
    ]  # fmt: skip
    assert await house.told(FAY) == ["Your approval: Half"]  # once, and not again
    assert await house.says(BOB, "Half", "approve", version=2) == "approve"
    assert await house.says(VERA, "Half", "approve", version=2) == "approve"
    await house.w.settled(half, "signature")

    # what stands before an auditor
    assert await house.evidence(half) == [
        ("03-25T09:00", "asked", "q2c", "bob, dana", "", "", ""),
        ("03-25T09:00", "approve", "dana", "desk", "dana", "link", "so be it"),
        ("03-25T09:00", "asked", "q2c", "fay", "", "", ""),
        ("03-25T09:00", "approve", "fay", "treasury", "fay", "link", "so be it"),
        ("04-06T08:00", "carried", "q2c", "fay", "", "", ""),
        ("04-06T08:00", "asked", "q2c", "bob, dana", "", "", ""),
        ("04-06T08:00", "asked", "q2c", "vera", "", "", ""),
        ("04-06T08:00", "approve", "bob", "desk", "bob", "link", "so be it"),
        ("04-06T08:00", "approve", "vera", "heads", "vera", "link", "so be it"),
    ]
    assert await house.evidence(counter) == [
        ("03-25T09:00", "asked", "q2c", "bob, dana", "", "", ""),
        ("03-25T09:00", "changes", "dana", "desk", "dana", "link", "twelve, at most"),
        ("03-25T09:00", "asked", "q2c", "bob", "", "", ""),
        ("03-25T09:00", "approve", "bob", "desk", "bob", "link", "so be it"),
    ]
    assert await house.evidence(flight) == [
        ("03-25T09:00", "asked", "q2c", "bob, dana", "", "", ""),
        ("03-30T06:00", "policy", "ada", "", "", "api", "the board wants it"),
        ("03-30T06:00", "asked", "q2c", "vera", "", "", ""),
        ("03-30T06:00", "approve", "dana", "desk", "dana", "link", "so be it"),
        ("03-30T06:00", "approve", "vera", "heads", "vera", "link", "so be it"),
    ]
