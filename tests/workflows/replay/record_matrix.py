"""Records the history of a deal before a whole matrix on the real servers (see README.md); run by its path, never with the tests."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

import pytest

from sandbox.process import SandboxProcess
from tests.scenarios.inboxes import House
from tests.scenarios.test_approving_people import BOB, CLEO, DANA, FAY, MAX, POLICY, VERA, away, house
from tests.workflows.replay.record import keep

__all__ = ["house"]


@pytest.fixture(scope="session")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    server = SandboxProcess(data=tmp_path_factory.mktemp("outside") / "sandbox.db")
    server.start()
    yield server
    server.stop()


async def test_record_a_matrix(house: House) -> None:
    """Two levels: a comment, a deputy from a date on, reminded, escalated, handed on, another policy, approved, carried over."""
    deal = await house.offered("Matrix", "15", net_days=60)
    await away(house, BOB, CLEO, "2027-03-30", "2027-04-05")
    assert await house.says(DANA, "Matrix", "comment", reason="who knows them?") == "comment"
    await house.until("2027-03-31T09:00")
    assert await house.says(DANA, "Matrix", "delegate", to=VERA) == "delegate"
    assert await house.says(MAX, "Matrix", "abstain") == "abstain"
    assert await house.says(VERA, "Matrix", "approve") == "approve"
    wider = deepcopy(POLICY)
    wider["rules"][1]["require"] = [{"level": 2, "group": "treasury"}, {"level": 2, "group": "heads"}]
    assert (await house.w.post("/v1/policies/approval", wider, by="admin")).status_code == 201
    await house.w.say(deal, "apply-policy", {"version": 1, "reason": "the board wants it"}, by="admin")
    await house.post()
    assert await house.says(FAY, "Matrix", "approve") == "approve"
    assert await house.says(VERA, "Matrix", "approve") == "approve"
    await house.w.settled(deal, "signature")
    draft = await house.w.one("SELECT content FROM quote_drafts WHERE deal_id = :id", id=deal)
    lines = [{"product": "team", "quantity": 20, "discount_percent": "18"}]
    await house.w.say(deal, "revise", {"draft": {**draft, "lines": lines, "net_days": 45}})
    await house.w.say(deal, "submit", {"version": 2})
    await house.post()
    assert [each[2] for each in await house.asked(deal, 2)] == ["asked", "carried", "carried"]
    assert await house.says(DANA, "Matrix", "approve", version=2) == "approve"
    await house.w.settled(deal, "signature")
    await keep(house.w.temporal, house.w.handle(deal).id, "deal-matrix")
