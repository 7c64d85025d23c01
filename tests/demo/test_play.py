"""The demo as a user runs it: a small book is played on real servers, ends by itself, and leaves nothing behind, however it ends."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from demo.book import FOLDER
from domain.approving.evidence import verify

Q2C = [sys.executable, "-c", "import sys, cli; sys.exit(cli.main(sys.argv[1:]))"]
MakeBook = Callable[..., Path]


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Where the demo makes its folder; PostgreSQL's own user can pass through."""
    folder = Path(tempfile.mkdtemp(prefix="q2c-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def make_book(tmp_path: Path) -> MakeBook:
    """The demo's own files with only these accounts' deals; `changes` are columns of all of deals.csv."""

    def make(*accounts: str, **changes: str) -> Path:
        folder = tmp_path / "book"
        shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        for name, changed in (("deals.csv", changes), ("quotes.csv", {})):
            with (FOLDER / name).open(encoding="utf-8", newline="") as read:
                table = csv.DictReader(read)
                rows = [row for row in table if row["account"] in accounts]
            with (folder / name).open("w", encoding="utf-8", newline="") as written:
                writer = csv.DictWriter(written, fieldnames=list(table.fieldnames or ()))
                writer.writeheader()
                writer.writerows([{**row, **changed} for row in rows])
        return folder

    return make


def environment(temporary: Path) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("Q2C_")}
    return {**ours, "TMPDIR": str(temporary)}


def left_running(temporary: Path) -> list[str]:
    """The command lines of all processes that name the folder (empty where there is no /proc)."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(temporary) in command:
            found.append(command)
    return found


def timeline(output: str, deal: str) -> list[str]:
    """The lines of one deal's timeline, without their indentation."""
    lines = output.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"{deal}  "))
    end = next(i for i in range(start, len(lines)) if lines[i].startswith("  → "))
    return [line.strip() for line in lines[start + 1 : end + 1]]


@pytest.mark.slow
@pytest.mark.timeout(480)
def test_a_small_book_is_played_and_nothing_is_left(temporary: Path, make_book: MakeBook) -> None:
    folder = make_book("yarrow", "umbra", "jourdan")
    done = subprocess.run(
        [*Q2C, "demo", "--folder", str(folder)], env=environment(temporary), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(temporary.iterdir()) == []
    assert left_running(temporary) == []

    card = timeline(done.stdout, "Yarrow Capital hosting")
    asked = next(i for i, line in enumerate(card) if line.startswith("Retry of inv_"))
    assert card[asked - 5 : asked] == [
        "Invoice US-000002 for 2026-01-20 to 2026-04-19: 6,349.59 USD, due 2026-01-20",
        "Declined: charge 1 of 6,349.59 USD for invoice US-000002 (authentication_required, action_required)",
        "Reminder 1 to ap@yarrow.example: invoice US-000002 is due today, 6,349.59 USD open",
        "2026-01-21  Reminder 2 to ap@yarrow.example: invoice US-000002 is overdue by 1 days, 6,349.59 USD open",
        "2026-01-23  Reminder 3 to ap@yarrow.example: invoice US-000002 is overdue by 3 days, 6,349.59 USD open",
    ]
    assert card[asked + 1 :] == [
        "Paid: 6,349.59 USD for invoice US-000002, charge 2",
        "2026-04-20  3 invoices until 2026-10-20, US-000004 … US-000008: 6,349.59 USD each, paid",
        "2026-12-21  Renewal offered from 2027-01-20: 6,065.28 USD per period; it renews by silence",
        "2027-01-20  Renewed by silence: term 2, 2027-01-20 to 2028-01-20",
        "Invoice US-000010 for 2027-01-20 to 2027-04-19: 6,603.57 USD, due 2027-01-20; paid",
        "→ active, waits for next period",
    ]
    revised = timeline(done.stdout, "Umbra Security testing")
    assert "Version 1 rejected: too deep without a longer term (Dana Okafor)" in revised
    assert "2026-01-15  Version 2 approved: agreed: discount of 15 % is over 10 % (Dana Okafor)" in revised
    given_up = timeline(done.stdout, "Imprimerie Jourdan office")
    assert given_up[-5:] == [
        "Undone: entitlements",
        "Undone: tenant",
        "2026-01-20  The deal cancelled: users cannot be provided (Omar Haddad)",
        "The contract ends: users cannot be provided",
        "→ ended, waits for nothing",
    ]
    assert "Nothing was posted in the books of Halyard Cloud SAS." in done.stdout
    assert done.stdout.count("sums to zero") == 1
    assert done.stdout.count("  the same\n") == 2
    assert "Every deal came to what its customers' behaviour had in store." in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(480)
def test_quotes_are_approved_shown_asked_about_declined_chosen_and_billed_as_previewed(
    temporary: Path, make_book: MakeBook, tmp_path: Path
) -> None:
    folder = make_book("asahi", "aurore", "silverline", "gables", "kelp", "abbaye", "marlow", "nordhafen")
    command = [*Q2C, "demo", "--folder", str(folder), "--keep", str(tmp_path / "kept")]
    done = subprocess.run(command, env=environment(temporary), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(temporary.iterdir()) == []
    evidence = json.loads((tmp_path / "kept" / "marlow-approval.json").read_bytes())
    assert verify(evidence) == ()
    assert evidence["sha256"] in done.stdout
    assert (tmp_path / "kept" / "marlow-approval.pdf").read_bytes().startswith(b"%PDF-")

    returned = timeline(done.stdout, "Silverline Logistics cloud")
    declined = returned.index(
        "2026-01-23  ap@silverline.example declined version 1: the warehouse is larger than we need"
    )
    assert returned[declined + 5] == "2026-01-24  Walter Quinn accepted version 2"
    asked = timeline(done.stdout, "Gables Insurance hosting")
    assert asked[4:7] == [
        "asks about version 1: Does the price hold if we add seats in summer?",
        ("answered vendors@gables.example: Yes: added seats have the same price until the term ends. (Alice Warren)"),
        "2026-01-24  Joan Whitfield accepted version 1",
    ]
    chosen = timeline(done.stdout, "Aurore Cosmétiques, three offers")
    assert "2026-01-16  Mathilde Roy accepted version 1 (better)" in chosen
    assert timeline(done.stdout, "Pacific Kelp Farms archive")[-1] == "→ quote, waits for revision"
    moved = timeline(done.stdout, "Asahi Craft business apps")
    assert any("84,000 JPY per period becomes 100,800 JPY from 2026-06-21" in line for line in moved)
    project = timeline(done.stdout, "Abbaye Textiles project")
    assert "2026-03-16  Milestone design is reached (Julien Moreau)" in project

    said = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "Fri 2026-01-16 16:00 v2 Nils Bergman is reminded" in said
    late = "nobody of deal_desk answered (Mon 2026-01-19 is a holiday in US): Victor Lang may decide as well"
    assert f"Tue 2026-01-20 16:00 v2 {late}" in said
    assert any(
        "Henrik Aalto approves for Carla Mendes, who is away (as is the deputy, Paula Stein)" in line for line in said
    )
    assert any(line.endswith("finance stands from version 1") for line in said)
    assert "Pacific Kelp Farms archive never the quote expired" in said
    assert any(line.endswith("better (21,939.30 EUR), best (100,497.81 EUR)") for line in said)
    assert sum(line.endswith("the same, line by line") for line in said) == 5
    assert any(line.startswith("Asahi Craft KK 84,000 JPY 100,800 JPY 16,800 JPY") for line in said)
    assert "Every deal came to what its customers' behaviour had in store." in done.stdout
    assert "audit: clean" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_demo_that_is_stopped_leaves_nothing(temporary: Path, make_book: MakeBook, number: signal.Signals) -> None:
    command = [*Q2C, "demo", "--folder", str(make_book("ashdown"))]
    running = subprocess.Popen(
        command, env=environment(temporary), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert running.stdout is not None
    for line in running.stdout:
        if "worker" in line:
            break
    time.sleep(0.5)
    running.send_signal(number)
    said = running.communicate()[0]
    assert running.returncode == 1
    assert said.rstrip().endswith("Stopped.")
    assert list(temporary.iterdir()) == []
    assert left_running(temporary) == []


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_demo_that_stays_up_shows_a_quote_that_waits_for_its_customer(temporary: Path, make_book: MakeBook) -> None:
    running = subprocess.Popen(
        [*Q2C, "demo", "--serve", "--folder", str(make_book("aurore"))],
        env=environment(temporary),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert running.stdout is not None
    said = []
    for line in running.stdout:
        said.append(line)
        if line.startswith("  from a terminal"):
            break
    (link,) = [line.split()[-1] for line in said if line.startswith("  a customer's page")]
    page = httpx.get(link, trust_env=False, timeout=30)
    document = httpx.get(f"{link}/quote.pdf", trust_env=False, timeout=30)
    running.send_signal(signal.SIGINT)
    running.communicate()
    assert running.returncode == 0, "".join(said)
    assert page.status_code == 200
    assert "Aurore Cosmétiques, three offers (yours to answer)" in page.text
    assert 'id="accept-form"' in page.text
    assert document.content.startswith(b"%PDF-")
    assert list(temporary.iterdir()) == []
    assert left_running(temporary) == []


def test_a_malformed_book_is_refused_before_anything_starts(temporary: Path, make_book: MakeBook) -> None:
    folder = make_book("ashdown", term_months="twelve")
    done = subprocess.run(
        [*Q2C, "demo", "--folder", str(folder)], env=environment(temporary), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "deals.csv:2:" in done.stdout
    assert "term_months" in done.stdout
    assert "up in" not in done.stdout
    assert list(temporary.iterdir()) == []
