"""One outside for all tests of this folder; each test has its own account there, and its own database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.process import SandboxProcess


@pytest.fixture(scope="session")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    folder: Path = tmp_path_factory.mktemp("outside")
    server = SandboxProcess(data=folder / "sandbox.db")
    server.start()
    yield server
    server.stop()
