"""`q2c policy check` and `try`: without a server; every finding with file, line and column."""

import json
import re
from pathlib import Path

import pytest
import yaml

from cli import main
from tests.quotes import SUITE_BOOK

DOCS = Path(__file__).parents[2] / "docs"
POLICY = """name: standard
rules:
  - name: steep
    when: {discount_percent_over: "10"}
    require: [{level: 1, group: deal_desk}]
    remind_after: 1 business_days
    escalate:
      - {after: 2 business_days, to: manager}
  - name: never
    when: {discount_percent_over: "30", discount_percent_below: "20"}
    require:
      - {level: 1, group: deal_desk}
      - {level: 2, group: finance}
"""
PEOPLE = """people:
  - {email: dana@acme.example, name: Dana Desk, role: deal_desk, groups: [deal_desk], manager: vera@acme.example, country: DE}
  - {email: vera@acme.example, name: Vera Vice, role: deal_desk, groups: [lead], country: DE}
"""
QUOTE = """price_book: book.yaml
currency: EUR
term_months: 24
signer: {name: Gina Globex, email: gina@globex.example}
lines:
  - {product: seats, quantity: 20, discount_percent: "15"}
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files of somebody who has no system."""
    monkeypatch.setenv("Q2C_DATA", str(tmp_path / "none"))
    for name in ("Q2C_API_URL", "Q2C_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name, said in (("policy.yaml", POLICY), ("people.yaml", PEOPLE), ("quote.yaml", QUOTE)):
        (tmp_path / name).write_text(said, encoding="utf-8")
    (tmp_path / "book.yaml").write_text(yaml.safe_dump(SUITE_BOOK), encoding="utf-8")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *said: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(["policy", *said])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_what_can_never_hold_is_told_at_its_place(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "check", str(files / "policy.yaml"))

    assert (code, err) == (1, "")
    first, last, hint = out.splitlines()
    assert first == f"{files}/policy.yaml:10:5: error: rules[1].when: never can never hold (unreachable)"
    assert last == "standard: 2 rules; 1 error, 0 warnings"
    assert hint == "(who is in the groups is looked up with --people FILE or --live)"


def test_with_people_a_group_with_nobody_in_it_is_found(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    people = str(files / "people.yaml")
    code, out, _ = run(capsys, "check", str(files / "policy.yaml"), "--people", people, "--on", "2027-03-05", "--json")

    found = {(each["kind"], each["path"], each["line"], each["column"]) for each in json.loads(out)["findings"]}
    assert code == 1
    assert ("nobody", "rules[1].require[1]", 13, 9) in found


def test_a_sound_policy_ends_well(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sound = POLICY.partition("  - name: never")[0]
    (files / "policy.yaml").write_text(sound, encoding="utf-8")

    assert run(capsys, "check", str(files / "policy.yaml"), "--people", str(files / "people.yaml")) == (
        0,
        "standard: 1 rule; nothing found\n",
        "",
    )


def test_a_malformed_policy_is_told_with_line_and_column(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "policy.yaml").write_text(POLICY.replace("1 business_days", "soon"), encoding="utf-8")

    code, out, err = run(capsys, "check", str(files / "policy.yaml"))

    assert (code, out) == (1, "")
    assert f"{files}/policy.yaml:6:19: rules[0].remind_after: expected a patience such as 24 hours" in err.replace(
        "\n", " "
    )


def test_a_policy_is_tried_on_a_quote_without_a_server(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = ("--quote", str(files / "quote.yaml"), "--people", str(files / "people.yaml"), "--on", "2027-03-05")
    code, out, err = run(capsys, "try", str(files / "policy.yaml"), *said)

    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "policy standard",
        "  + steep: discount of 15 % is over 10 %",
        "  - never: discount of 15 % is not over 30 %",
        "level 1: any one of deal_desk (discount of 15 % is over 10 %)",
        "  asked: dana@acme.example",
        "  reminded 2027-03-08 12:00 UTC",
        "  2027-03-09 12:00 UTC without an answer: vera@acme.example besides (manager)",
    ]


def test_the_owner_is_not_asked_and_the_trial_says_why(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = ("--quote", str(files / "quote.yaml"), "--people", str(files / "people.yaml"), "--on", "2027-03-05")
    _, out, _ = run(capsys, "try", str(files / "policy.yaml"), *said, "--owner", "dana@acme.example")

    assert "  asked: nobody" in out
    assert "  not asked: dana@acme.example may not decide about this deal" in out


def test_a_policy_is_tried_on_one_thing(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "try", str(files / "policy.yaml"))

    assert (code, out) == (1, "")
    assert err.startswith("Refused: a policy is tried on one deal or one quote")


def test_the_page_about_approvals_is_true(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (DOCS / "approvals.md").read_text(encoding="utf-8")
    for name, said in re.findall(r"^```yaml\n(?=# (\S+))(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE):
        (tmp_path / name).write_text(said, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cloud.yaml").write_text(_file("price-books.md", "cloud.yaml"), encoding="utf-8")
    steep = _file("quotes.md", "deal.yaml") + 'discount_percent: "12"\n'  # as the page says
    (tmp_path / "deal.yaml").write_text(steep, encoding="utf-8")
    shown = re.findall(r"^```console\n\$ q2c policy (.*?)\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)

    assert len(shown) == 2
    for command, printed in shown:
        assert run(capsys, *command.split()) == (0, printed, "")
    assert run(capsys, *shown[1][0].split(), "--calendars", "calendars.yaml")[0] == 0


def _file(page: str, name: str) -> str:
    """A file that a page of docs/ shows whole."""
    text = (DOCS / page).read_text(encoding="utf-8")
    (found,) = re.findall(rf"^```yaml\n(# {re.escape(name)}\n.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    return str(found)
