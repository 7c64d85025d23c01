"""`make demo`: a whole system comes up, a book of deals is played from quote to cash, what happened is printed, all is gone.

Nothing is left behind, however it ends. With `serve` the system stays up until Ctrl-C.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from time import monotonic
from typing import Any

from rich.console import Console

from demo.approved import keep
from demo.approver import link_to
from demo.book import FOLDER, Book, load_book
from demo.client import Refused, World
from demo.expect import mismatches
from demo.furnish import House, furnish
from demo.life import Life
from demo.positions import FileProblems
from demo.post import Post
from demo.progress import Progress
from demo.report import further, report
from demo.story import Story, read
from demo.visitor import new_link
from domain.calendar import add_months
from embedded.processes import ServerFailedError
from embedded.system import Migrate, System

MONTHS = 15  # from the first deal's day: every twelve-month term meets its renewal
WIDE = 132
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PERSON = "admin@halyard.example"
STAYS = Path("build/demo")  # the evidence of an approval is all that stays when the demo is over

AdminKey = Callable[[str], Awaitable[str | None]]  # database url -> the secret of a first admin key
Audit = Callable[[System, Console], bool]  # True: clean


@dataclass(frozen=True, slots=True, kw_only=True)
class Roots:
    """What only a composition root can give: the schema in-process, a first key, the audit of the whole, a place for what stays."""

    admin_key: AdminKey
    migrate: Migrate | None = None
    audit: Audit | None = None
    stays: Path = STAYS


def main(*, serve: bool, folder: Path | None, roots: Roots, months: int = MONTHS) -> None:
    """Play the book of `folder` (default: the demo's own) for `months` months. Raises SystemExit(1) where it went wrong.

    The system's own data is in a temporary folder that is removed in the end.
    """
    console = _console()
    try:
        book = load_book(folder or FOLDER)
    except FileProblems as problems:
        console.print(f"The book cannot be played:\n{problems}", style="red", markup=False)
        raise SystemExit(1) from problems
    home = Path(tempfile.mkdtemp(prefix="q2c-demo-"))
    home.chmod(0o711)  # PostgreSQL's own user must pass through
    system: System | None = None
    with _stoppable():
        try:
            system = System(home, migrate=roots.migrate, durable=False, ui=serve, say=_teller(console))
            good = asyncio.run(_run(system, book, folder or FOLDER, roots, console, months=months, serve=serve))
        except (Refused, ServerFailedError) as trouble:
            console.print(f"\nThe demo stopped: {trouble}", style="red", markup=False)
            good = False
        except KeyboardInterrupt:
            console.print("\nStopped.")
            good = serve
        finally:
            _gone(system, home)
    if not good:
        raise SystemExit(1)


def _console() -> Console:
    """A terminal's own width; a file gets room enough for the tables."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDE)


def _teller(console: Console) -> Callable[[str], None]:
    return lambda line: console.print(f"  {line}", style="dim", markup=False, highlight=False)


def _gone(system: System | None, home: Path) -> None:
    """Everything is stopped and removed; a second Ctrl-C does not interrupt it."""
    if threading.current_thread() is threading.main_thread():
        for number in ENDING:
            signal.signal(number, signal.SIG_IGN)
    if system is not None:
        system.destroy()
    shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _stoppable() -> Iterator[None]:
    """SIGTERM, or a terminal that is closed, ends the demo as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in ENDING}
    # a shell starts what it puts into the background with Ctrl-C ignored, and then SIGTERM must end us all the same
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _run(
    system: System, book: Book, folder: Path, roots: Roots, console: Console, *, months: int, serve: bool
) -> bool:
    began = monotonic()
    await asyncio.to_thread(system.up)
    key = await roots.admin_key(system.database_url)
    if key is None:
        raise ServerFailedError("the fresh system has an admin key already: is its database an outside one?")
    up = monotonic()
    world = World(system.api_url, system.sandbox_url)
    try:
        house = await furnish(world, world.as_(key), book, folder)
        ends, lives = await _play(house, console, months)
        played = monotonic()
        story = await read(house, ends, lives)
        kept = await keep(house, story, roots.stays.resolve())
        wrong = [*mismatches(story), *(problem for each in kept for problem in each.wrong)]
        report(console, house, story, kept, wrong)
        console.print()
        clean = await asyncio.to_thread(roots.audit, system, console) if roots.audit else True
        further(console, house, story, kept)
        _times(console, up - began, played - up, monotonic() - played, story)
        if serve:
            links = {"a customer's page": await _open_quote(house, lives)}
            links["an approver's page"] = await _open_approval(house, lives)
            await _serve(system, key, console, links)
        return not wrong and clean
    finally:
        await world.close()


async def _play(house: House, console: Console, months: int) -> tuple[datetime, list[Life]]:
    """Both sandboxes side by side, to one common end."""
    starts = min(sandbox.starts_at for sandbox in house.sandboxes)
    ends = datetime.combine(add_months(starts.date(), months), time(9), UTC)
    with Progress(console, house, starts, ends) as shown:
        post = Post()
        lives = [
            Life(house=house, sandbox=sandbox, ends_at=ends, told=shown.told, post=post) for sandbox in house.sandboxes
        ]
        await _together([life.play() for life in lives])
    return ends, lives


async def _together(lives: list[Coroutine[Any, Any, None]]) -> None:
    """Side by side; the first trouble stops the others and is raised as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for life in lives:
                group.create_task(life)
    except* Refused as troubles:
        raise troubles.exceptions[0] from None


def _times(console: Console, up: float, play: float, told: float, story: Story) -> None:
    text = f"servers up in {up:.0f} s, played in {play:.0f} s, told in {told:.0f} s"
    steps = sum(len(each.timeline) for each in story.cases)
    console.print(f"\n{text}: {len(story.cases)} deals, {steps} facts", style="dim", highlight=False)


async def _open_quote(house: House, lives: list[Life]) -> str:
    """The link to a quote that waits for its customer, for whoever looks around afterwards; '' where the book has none."""
    life, case = next(
        ((life, case) for life in lives for case in life.cases if case.id and "alternatives" in case.deal.terms),
        (None, None),
    )
    if life is None or case is None:
        return ""
    await life.office.show_again(case)
    return await new_link(life.post, case, house)


async def _open_approval(house: House, lives: list[Life]) -> str:
    """The link to an approval that waits, as it is in the approver's mail; '' where nobody of the book acts by name."""
    life, case = next(
        ((life, case) for life in lives for case in life.cases if case.id and case.course and case.course.kept_as),
        (None, None),
    )
    if life is None or case is None:
        return ""
    name = await life.office.show_again(case)
    waiting = await house.admin.get("/v1/approvals")
    seats = next(request["seats"] for request in waiting if request["deal_name"] == name)
    return await link_to(house.world, life.post, house.book.people[seats[0]["holder"]], name)


async def _serve(system: System, key: str, console: Console, links: Mapping[str, str]) -> None:
    """Everything stays up until Ctrl-C."""
    console.print("\nIt stays up until Ctrl-C:", style="bold")
    lines = {
        "API, with its docs": f"{system.api_url}/docs",
        "Temporal": f"http://127.0.0.1:{system.ports['temporal_ui']}",
        "outside parties": f"{system.sandbox_url}/docs",
        **links,
        "admin key": key,
        "from a terminal": f"Q2C_API_URL={system.api_url} Q2C_API_KEY={key} q2c deal list",
    }
    for name, value in lines.items():
        if value:
            console.print(f"  {name:20} {value}", soft_wrap=True, highlight=False, markup=False)
    await asyncio.Event().wait()
