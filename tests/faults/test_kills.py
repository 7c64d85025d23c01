"""Fifty deals while the worker, the API, PostgreSQL and Temporal are killed in turn: everything settles, nothing is missing, nothing happens twice."""

from pathlib import Path

import pytest

from tests.faults.campaign import VICTIMS
from tests.faults.run import play


@pytest.mark.fault
@pytest.mark.slow
@pytest.mark.timeout(720)
async def test_whoever_is_killed_every_deal_is_where_it_belongs_and_every_cent_is_there_once(folder: Path) -> None:
    played, found = await play(folder / "data", deals=50, rounds=1, seed=1)
    assert found == []
    assert dict(played.kills) == dict.fromkeys(VICTIMS, 1)
    assert all(waiting > 0 for waiting in played.under_way.values())  # each was killed while deals were under way
    assert len({deal.id for deal in played.deals}) == 50
