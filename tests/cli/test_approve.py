"""`q2c approve` and `q2c deal evidence`, against one whole system: what waits, deciding in other ways, and what is kept of it."""

import json
import re
from pathlib import Path

from domain.approving.evidence import verify
from domain.document import content_hash
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
    assert re.search(r"deal_desk, level 1: .*; asked under a minute ago", listed)
    assert "discount of 15 % is over 10 %" in listed
    (waits,) = [each for each in json.loads(q2c("approve", "--json", key=desk).out) if each["deal_id"] == deal]
    assert (waits["quorum"], waits["discount_percent"], waits["said"]) == (1, "15", [])
    assert not any(seat["answered"] for seat in waits["seats"])
    misspelt = q2c("approve", "Desk at wrok", key=desk, fails=1)
    assert "mend   did you mean 'Desk at work'?" in misspelt.err
    assert "policy" in q2c("policy", "try", _policy(tmp_path), "--deal", deal).out
    refused = q2c("approve", deal, "--reject", key=desk, fails=1)
    assert refused.err.startswith("Refused: to reject needs a reason\n")
    both = q2c("approve", deal, "--reject", "--abstain", key=desk, fails=1)
    assert "one decision at a time" in both.err

    q2c("approve", deal, "--comment", "--reason", "is the reference signed?", key=desk)
    stranger = q2c("key", "create", "--person", "carla@acme.example", "--role", "finance").out.strip()
    told = q2c("approve", deal, "--reason", "fine", key=stranger, fails=1).err
    assert told.startswith("Refused: you are not among those who are asked now (asked: ")
    assert "mend   `q2c approve list` is what waits for you" in told
    q2c("approve", deal, "--changes", "--reason", "ten at most", key=desk)
    assert json.loads(q2c("deal", "show", deal, "--json").out)["orders"][0]["stage"] == "changes_asked"

    made = json.loads(q2c("deal", "evidence", deal).out)
    assert verify(made) == ()
    # a sandbox's clock stands still meanwhile: what was said at one instant stands in the order of its steps
    assert [each["kind"] for each in made["entries"]] == ["asked", "comment", "changes"]
    paper = tmp_path / "evidence.pdf"
    told = q2c("deal", "evidence", deal, "--pdf", str(paper)).out
    assert told == f"3 entries; sha256 {made['sha256']}\n"
    assert paper.read_bytes().startswith(b"%PDF")
    nowhere = q2c("deal", "evidence", deal, "--pdf", str(tmp_path / "none" / "evidence.pdf"), fails=1)
    assert nowhere.err.startswith("Refused: No such file or directory\n")

    exported = tmp_path / "evidence.json"
    q2c("deal", "evidence", deal, "--json", str(exported))
    checked = q2c("deal", "evidence", "--verify", str(exported)).out
    assert checked == f"3 entries, as they were exported; sha256 {made['sha256']}\n"
    known = q2c("deal", "evidence", deal, "--verify", str(exported)).out
    assert known == f"3 entries, as they were exported; sha256 {made['sha256']}; exported by this system\n"
    cut = {"form": made["form"], "deal": made["deal"], "entries": made["entries"][:2]}
    short = tmp_path / "cut.json"
    short.write_text(json.dumps({**cut, "sha256": content_hash(cut)}), encoding="utf-8")
    assert q2c("deal", "evidence", "--verify", str(short)).out.startswith("2 entries, as they were exported")
    never = q2c("deal", "evidence", deal, "--verify", str(short), fails=1)
    assert "was never exported like this: entries may have been cut off" in never.err
    exported.write_text(exported.read_text("utf-8").replace("ten at most", "ten at least"), encoding="utf-8")
    altered = q2c("deal", "evidence", "--verify", str(exported), fails=1)
    assert "entry 3 is not what was written" in altered.err
    assert "entry 2" not in altered.err


def test_policies_in_force_are_read_and_applied(q2c: Q2c, sandbox: str, tmp_path: Path) -> None:
    assert sandbox
    listed = q2c("policy", "list").out
    assert re.search(r"^standard/[0-9]+ +[0-9]+ .*in force$", listed, flags=re.MULTILINE)
    kept = tmp_path / "kept.yaml"
    kept.write_text(q2c("policy", "show").out, encoding="utf-8")
    assert q2c("policy", "check", str(kept)).out.startswith("standard: ")
    assert "there is no policy 'standard/99'" in q2c("policy", "show", "standard/99", fails=1).err

    sales = q2c("key", "create", "--person", "sam@acme.example", "--role", "sales").out.strip()
    opened = q2c("deal", "open", str(draft(tmp_path, "Judged again", discount="15")), key=sales).out
    deal = re.findall(r"d_[a-z2-7]{26}", opened)[0]
    q2c("deal", "submit", deal, key=sales)
    assert "approval by" in q2c("policy", "apply", deal, "--reason", "the rules were read again").out
    kinds = [each["text"] for each in json.loads(q2c("deal", "timeline", deal, "--json").out)]
    assert any("the rules were read again" in each for each in kinds)


def test_somebody_is_away_and_back(q2c: Q2c, tmp_path: Path) -> None:
    people = tmp_path / "people.yaml"
    known = "{{email: {0}@acme.example, name: {0}, role: deal_desk, groups: [], manager: '', country: DE}}"
    people.write_text(f"people: [{known.format('ann')}, {known.format('max')}]", encoding="utf-8")
    q2c("import", str(people))
    said = ("--person", "ann@acme.example", "--since", "2027-03-22", "--until", "2027-03-29")

    added = q2c("absence", "add", *said, "--to", "max@acme.example").out
    assert re.search(
        r"ann@acme.example +2027-03-22 00:00 +2027-03-29 00:00 +max@acme.example decides$", added, re.MULTILINE
    )
    (kept,) = json.loads(q2c("absence", "list", "--person", "max@acme.example", "--json").out)
    assert "back since" in q2c("absence", "revoke", kept["id"]).out
    assert q2c("absence", "list", "--person", "max@acme.example").out == "nobody is away\n"
    assert "'soon' is no day" in q2c("absence", "add", "--since", "soon", "--until", "2027-03-29", fails=1).err


def _policy(folder: Path) -> str:
    path = folder / "policy.yaml"
    path.write_text("name: standard\nrules:\n  - {require: [{group: deal_desk}]}\n", encoding="utf-8")
    return str(path)
