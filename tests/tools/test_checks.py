"""Each house check finds the breach it is for, names its line, and passes what is allowed."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(tool: str, folder: Path) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / tool], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout.splitlines()


def write(folder: Path, file: str, text: str) -> None:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "text", "line"),
    [
        ("domain/tax.py", "RATE = 0.2\n", "domain/tax.py:1: no float literal (0.2): write Decimal or minor units"),
        (
            "domain/tax.py",
            "def tax(total_minor: int) -> int:\n    return total_minor // 5\n",
            "domain/tax.py:2: no division of an amount: Money.allocate loses no cent, Rate.of rounds by name",
        ),
        (
            "activities/invoice.py",
            "x = round(3)\n",
            "activities/invoice.py:1: no round(): it rounds half to even; domain/money.py rounds once, half up, by name",
        ),
        (
            "workflows/deal.py",
            "import datetime\n\nnow = datetime.datetime.now(tz=datetime.UTC)\n",
            "workflows/deal.py:3: no datetime.now(): the date comes from the step, as an argument",
        ),
        (
            "domain/rate.py",
            "def rate(x: float) -> None: ...\n",
            "domain/rate.py:1: no float in an annotation: money is Money, a share is Rate or Decimal",
        ),
    ],
)
def test_money_that_could_lose_a_cent_is_named_by_line(tmp_path: Path, file: str, text: str, line: str) -> None:
    write(tmp_path, file, text)
    assert run("check_money.py", tmp_path) == (1, [line])


def test_integers_decimals_and_the_one_rounding_place_pass(tmp_path: Path) -> None:
    write(tmp_path, "domain/money.py", "def half(amount: int) -> int:\n    return amount // 2\n")
    write(tmp_path, "domain/calendar.py", "def years(months: int) -> int:\n    return months // 12\n")
    write(tmp_path, "workflows/policies.py", "BACKOFF = 2.0\n")
    assert run("check_money.py", tmp_path) == (0, [])


def test_a_file_of_301_lines_is_warned_about_and_one_of_501_fails(tmp_path: Path) -> None:
    write(tmp_path, "domain/long.py", "x = 1\n" * 301)
    assert run("check_size.py", tmp_path) == (
        0,
        ["domain/long.py:301: 301 lines, more than 300 (a warning)"],
    )
    write(tmp_path, "domain/long.py", "x = 1\n" * 501)
    assert run("check_size.py", tmp_path) == (1, ["domain/long.py:501: 501 lines, more than 500: split it by noun"])


def test_a_function_of_61_lines_fails_and_its_docstring_is_not_counted(tmp_path: Path) -> None:
    write(tmp_path, "domain/long.py", 'def f() -> None:\n    """One.\n\n    Two.\n    """\n' + "    x = 1\n" * 59)
    assert run("check_size.py", tmp_path) == (0, [])
    write(tmp_path, "domain/long.py", "\n\ndef f() -> None:\n" + "    x = 1\n" * 60)
    assert run("check_size.py", tmp_path) == (1, ["domain/long.py:3: f has 61 lines, more than 60"])
