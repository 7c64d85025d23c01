"""The system's own Chromium, driven over its debugging pipe; nothing is downloaded. Where there is none, these tests are skipped."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright, expect

from embedded.temporal import TemporalServer
from tests.api.house import House, house

CHROMIUM = os.environ.get("Q2C_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
expect.set_options(timeout=30_000)  # a page that a busy machine takes long to answer is no fault of the page


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One browser for the session; a test opens pages of its own."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium, or name one with Q2C_CHROMIUM")
    async with async_playwright() as playwright:
        expect.set_options(timeout=30_000)  # ms, as for everything else that Playwright waits for
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield started
        await started.close()


@pytest.fixture(scope="module")
async def home(
    module_database_url: str, temporal_server: TemporalServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """A house for the tests of one file; its signers never sign."""
    async with house(module_database_url, temporal_server.address, tmp_path_factory.mktemp("house")) as made:
        yield made


@pytest.fixture(scope="module")
async def account(home: House) -> str:
    made = await home.furnish()
    await home.control("behaviour", {"party": "signature", "account": "trial", "email": "*", "action": "ignore"})
    return made
