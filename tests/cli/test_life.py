"""A newcomer's first hour in a terminal: own data in, a deal from quote to cash on a virtual clock, and a clean audit."""

import json
import re
from pathlib import Path

from cli.home import remembered
from embedded.system import System
from tests.cli.conftest import Q2c, draft


def test_up_shows_the_first_key_once_and_remembers_it(system: System, first_up: str, q2c: Q2c) -> None:
    secret = remembered(system.folder).api_key
    assert f"The first admin key, shown once: {secret}" in first_up
    assert f"{system.api_url}/docs" in first_up
    assert (system.folder / "cli.json").stat().st_mode & 0o777 == 0o600
    again = q2c("up", "--no-ui").out
    assert "q2c_" not in again
    assert remembered(system.folder).api_key == secret
    listed = q2c("key", "list").out
    assert secret not in listed
    assert secret[:12] in listed
    assert q2c("status").out.count(" up ") == 5


def test_a_deal_from_quote_to_cash(q2c: Q2c, sandbox: str, tmp_path: Path) -> None:
    name = "Globex 20 seats"
    forecast = q2c(
        "deal",
        "forecast",
        str(draft(tmp_path, name, discount="15")),
        "--price-book",
        _book(tmp_path),
        "--on",
        "2027-01-01",
    ).out
    assert "2027-01-01 09:00  bill      invoice for 2027-01-01 to 2027-01-31  212.50 EUR" in forecast
    assert forecast.endswith("invoiced in all: 2,550.00 EUR\n")

    opened = q2c("deal", "open", str(draft(tmp_path, name, discount="15"))).out
    deal = re.findall(r"d_[a-z2-7]{26}", opened)[0]
    assert "waits for  submission by admin@q2c.local" in opened
    dana = q2c(
        "key", "create", "--person", "dana@acme.example", "--role", "deal_desk", "--groups", "deal_desk"
    ).out.strip()
    submitted = q2c("deal", "submit", deal).out
    assert re.search(r"waits for  approval by .*dana@acme\.example", submitted)
    assert deal in q2c("deal", "list", "--stage", "approval").out
    assert deal not in q2c("deal", "list", "--stage", "active").out

    own = q2c("deal", "approve", deal, fails=1)
    assert own.err.startswith("Refused: nobody decides on a deal they own or a version they priced (OwnDeal)\n")
    q2c("deal", "approve", name, "--reason", "strategic", key=dana)
    assert "trial is at 2027-03-15 00:00 (Europe/Berlin)" in q2c("clock", "advance", sandbox, "--to", "2027-03-15").out

    traced = q2c("deal", "trace", deal).out
    assert re.search(r"approved  dana@acme\.example for deal_desk, level 1, .* UTC, entry 2\n", traced)
    assert re.search(r"signed    contract C-\w+, order form sha256 [0-9a-f]{64}\n", traced)
    assert re.search(r"invoice   ACME-000001 of .*: 212\.50 EUR and tax 40\.38 EUR = 252\.88 EUR\n", traced)
    assert traced.endswith("sums to zero\n")

    page = q2c("deal", "show", deal).out
    assert re.search(
        r"deal_desk approved by dana@acme\.example, .*: strategic\n +discount of 15 % is over 10 %\n", page
    )
    assert (
        "  ACME-000001  2027-01-02  2027-02-01  2027-01-02  2027-01-02  212.50  40.38  252.88  252.88  paid\n" in page
    )
    assert page.count("  252.88 EUR  received  card pi_") == 3
    assert "next       bill on 2027-04-02 00:00 (in 17 d 23 h)" in page
    assert "\x1b" not in page
    story = q2c("deal", "timeline", deal).out
    assert story.index("Version 1 priced") < story.index("Service begins: 2027-01-02") < story.index("Paid: 252.88 EUR")
    bills = [line for line in q2c("deal", "forecast", deal).out.splitlines() if "  bill " in line]
    assert len(bills) == 9

    audited = json.loads(q2c("audit", "--json", fails=None).out)  # another test breaks a deal of its own
    assert [check["check"] for check in audited["checks"] if deal in json.dumps(check["breaches"])] == []
    assert len(audited["checks"]) == 40
    assert "waits for  next period" in q2c("deal", "cancel", deal, "--reason", "sold").out
    q2c("clock", "advance", sandbox, "--to", "2027-05-01")
    assert deal in q2c("deal", "list", "--stage", "ended").out


def _book(folder: Path) -> str:
    from tests.cli.conftest import BOOK  # noqa: PLC0415

    (folder / "book.yaml").write_text(BOOK, encoding="utf-8")
    return str(folder / "book.yaml")
