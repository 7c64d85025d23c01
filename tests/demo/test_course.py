"""The course of an approval is read from its file with line and column, and an entry of evidence is told in the same words."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from demo.away import Absence, load_absences
from demo.book import FOLDER, load_book
from demo.course import Act, entry_told, load_courses
from demo.forms import forms_of
from demo.positions import FileProblems

WHO = "dana@halyard.example"


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def course(tmp_path: Path, *acts: str) -> Path:
    lines = "".join(f"      - {{{act}}}\n" for act in acts)
    return written(tmp_path / "a.yaml", f"courses:\n  - account: marlow\n    course:\n{lines}")


def said(refused: pytest.ExceptionInfo[FileProblems], folder: Path) -> list[str]:
    return [str(problem).removeprefix(f"{folder}/") for problem in refused.value.problems]


def test_a_course_reads_as_what_people_do_and_what_q2c_does(tmp_path: Path) -> None:
    changes = f'version: 1, changes: {WHO}, from: chat, after: 4h, proposes: "3", says: Too deep.'
    handed = f"version: 2, approve: {WHO}, from: api, after: 12h, for: carla@halyard.example, says: Fine."

    (read,) = load_courses(course(tmp_path, "version: 1, asked: deal_desk", changes, handed))

    assert read.acts == (
        Act(version=1, what="asked", who="deal_desk"),
        Act(version=1, what="changes", who=WHO, source="chat", after_hours=4, says="Too deep.", proposes="3"),
        Act(
            version=2,
            what="approve",
            who=WHO,
            source="api",
            after_hours=12,
            says="Fine.",
            voice="carla@halyard.example",
        ),
    )
    assert (read.counters, [act.by_a_person for act in read.acts]) == (("3",), [False, True, True])


@pytest.mark.parametrize(
    ("act", "told"),
    [
        ("version: 1", "a.yaml:4:9: courses[0].course[0]: says one of asked, reminded, escalated, carried, "),
        ("version: 1, asked: desk, carried: desk", "found asked and carried"),
        ("version: 0, asked: desk", "a.yaml:4:19: courses[0].course[0].version: expected 1 to 99, found 0"),
        (f"version: 1, approve: {WHO}, from: fax, after: 4h, says: x", "expected one of mail, chat, api, found 'fax'"),
        (f"version: 1, approve: {WHO}, from: api, after: soon, says: x", "expected hours such as 4h, found 'soon'"),
        (f"version: 1, approve: {WHO}, from: api, after: 4h", "courses[0].course[0].says: is missing"),
        (f"version: 1, approve: {WHO}, from: mail, after: 4h, says: x, proposes: 3", "goes with changes"),
        (f"version: 1, delegate: {WHO}, from: api, after: 4h, says: x", "says to whom it is handed on"),
        ("version: 1, asked: desk, from: api", "from: unknown field"),
    ],
)
def test_a_course_that_cannot_be_played_is_told_with_line_and_column(tmp_path: Path, act: str, told: str) -> None:
    with pytest.raises(FileProblems) as refused:
        load_courses(course(tmp_path, act))

    assert any(told in problem for problem in said(refused, tmp_path))


def test_an_entry_of_evidence_is_told_as_the_course_tells_it() -> None:
    entry: dict[str, Any] = {
        "version": 2,
        "kind": "approve",
        "by": "henrik@halyard.example",
        "channel": "link",
        "reason": "Fine.",
        "voices": ["carla@halyard.example"],
    }
    act = Act(
        version=2,
        what="approve",
        who="henrik@halyard.example",
        source="mail",
        after_hours=1,
        says="Fine.",
        voice="carla@halyard.example",
    )

    assert entry_told(entry) == act.told
    assert entry_told(entry | {"channel": "api"}) != act.told
    assert entry_told(entry | {"voices": []}) != act.told
    assert entry_told({"version": 1, "kind": "asked", "group": "legal", "by": "q2c"}) == (1, "asked", "legal")


def test_an_absence_begins_and_ends_at_the_persons_midnight(tmp_path: Path) -> None:
    text = "absences:\n  - {person: a@x, since: 2026-01-19, until: 2026-01-31, deputy: b@x}\n"

    (absence,) = load_absences(written(tmp_path / "w.yaml", text))

    assert absence == Absence(person="a@x", since=date(2026, 1, 19), until=date(2026, 1, 31), deputy="b@x")
    assert [at.isoformat() for at in absence.between("Asia/Tokyo")] == [
        "2026-01-19T00:00:00+09:00",
        "2026-01-31T00:00:00+09:00",
    ]


def test_an_absence_that_ends_before_it_begins_is_told(tmp_path: Path) -> None:
    text = "absences:\n  - {person: a@x, since: 2026-01-19, until: 2026-01-19}\n"

    with pytest.raises(FileProblems) as refused:
        load_absences(written(tmp_path / "w.yaml", text))

    assert said(refused, tmp_path) == ["w.yaml:2:45: absences[0].until: is not after since"]


def test_strangers_and_desks_without_a_course_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "book"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    absences = folder / "absences.yaml"
    absences.write_text(absences.read_text("utf-8").replace("henrik@", "nobody@"), "utf-8")
    courses = folder / "approvals.yaml"
    courses.write_text(courses.read_text("utf-8").replace("account: nordhafen", "account: kestrel"), "utf-8")

    with pytest.raises(FileProblems) as refused:
        load_book(folder)

    assert [(Path(problem.file).name, problem.where, problem.message) for problem in refused.value.problems] == [
        ("absences.yaml", "", "'nobody@halyard.example' is not in people.yaml"),
        ("deals.csv", "desk", "'by name' goes with a course in approvals.yaml, and each course with it"),
        ("quotes.csv", "desk", "'by name' goes with a course in approvals.yaml, and each course with it"),
    ]


def test_a_form_carries_its_hidden_fields_and_what_stands_in_its_fields_of_text() -> None:
    page = """<form action="/a/1"><input type="hidden" name="verb" value="approve"></form>
      <form action="/a/2"><input type="hidden" name="verb" value="changes"><input type="text" name="d0" value="8">
      <input type="checkbox" name="agree" value="yes"><textarea name="reason"></textarea></form>"""

    assert [(form.action, form.fields) for form in forms_of(page)] == [
        ("/a/1", {"verb": "approve"}),
        ("/a/2", {"verb": "changes", "d0": "8"}),
    ]
