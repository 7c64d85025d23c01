from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from sandbox.process import SandboxProcess
from tests.outside import Account, Receiver, account_at


@pytest.fixture(scope="session")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """One server for the whole session; every test has an account of its own."""
    process = SandboxProcess(data=tmp_path_factory.mktemp("outside") / "outside.db")
    process.start()
    yield process
    process.stop()


@pytest.fixture(scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver().running() as running:
        yield running


@pytest.fixture
async def account(outside: SandboxProcess, receiver: Receiver) -> AsyncIterator[Account]:
    async with account_at(outside, receiver) as opened:
        yield opened
