"""`q2c approve` and `q2c deal evidence`, against one whole system: what waits, deciding in other ways, and what is kept of it."""

import json
import re
from pathlib import Path

from domain.approving.evidence import verify
from tests.cli.conftest import Q2c, draft


def test_what_waits_is_listed_decided_and_proved(q2c: Q2c, sandbox: str, tmp_path: Path) -> None:
    assert sandbox
    opened = q2c("deal", "open", str(draft(tmp_path, "Desk at work", discount="15"))).out
    deal = re.findall(r"d_[a-z2-7]{26}", opened)[0]
    said = ("key", "create", "--person", "desk@acme.example", "--role", "deal_desk", "--groups", "deal_desk")
    desk = q2c(*said).out.strip()
    q2c("deal", "submit", deal)

    listed = q2c("approve", "list", key=desk).out
    assert deal in listed
    assert "discount of 15 % is over 10 %" in listed
    assert "policy" in q2c("policy", "try", _policy(tmp_path), "--deal", deal).out
    refused = q2c("approve", deal, "--reject", key=desk, fails=1)
    assert refused.err.startswith("Refused: to reject needs a reason\n")
    both = q2c("approve", deal, "--reject", "--abstain", key=desk, fails=1)
    assert "one decision at a time" in both.err

    q2c("approve", deal, "--comment", "--reason", "is the reference signed?", key=desk)
    q2c("approve", deal, "--changes", "--reason", "ten at most", key=desk)

    made = json.loads(q2c("deal", "evidence", deal).out)
    assert verify(made) == ()
    # a sandbox's clock stands still meanwhile: what was said at one instant stands in the order of its steps
    assert [each["kind"] for each in made["entries"]] == ["asked", "comment", "changes"]
    paper = tmp_path / "evidence.pdf"
    told = q2c("deal", "evidence", deal, "--pdf", str(paper)).out
    assert told == f"3 entries; sha256 {made['sha256']}\n"
    assert paper.read_bytes().startswith(b"%PDF")

    exported = tmp_path / "evidence.json"
    q2c("deal", "evidence", deal, "--json", str(exported))
    checked = q2c("deal", "evidence", "--verify", str(exported)).out
    assert checked == f"3 entries, as they were exported; sha256 {made['sha256']}\n"
    exported.write_text(exported.read_text("utf-8").replace("ten at most", "ten at least"), encoding="utf-8")
    altered = q2c("deal", "evidence", "--verify", str(exported), fails=1)
    assert "entry 3 is not what was written" in altered.err
    assert "entry 2" not in altered.err


def _policy(folder: Path) -> str:
    path = folder / "policy.yaml"
    path.write_text("name: standard\nrules:\n  - {require: [{group: deal_desk}]}\n", encoding="utf-8")
    return str(path)
