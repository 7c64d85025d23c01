"""The course of one deal's approval, as `approvals.yaml` has it: what approvers do, and all that its evidence must tell in the end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from demo.client import Json
from demo.load import WORD, without_problems
from demo.positions import load_yaml
from demo.records import EMAIL
from domain.document import Reader
from domain.errors import Problem

BY_ITSELF = ("asked", "reminded", "escalated", "carried")  # of a group
SAID = ("approve", "reject", "changes", "abstain", "delegate", "comment")  # by a person
SOURCES = {
    "mail": "link",
    "chat": "link",
    "api": "api",
}  # where a decision comes from, and the channel that evidence tells
HOURS = r"[1-9][0-9]{0,2}h"
PERCENT = r"[0-9]{1,2}(\.[0-9]{1,4})?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One entry of the evidence. `who`: a group, where q2c does it by itself, otherwise a person's e-mail.

    `voice`: whose voice the person uses ('' their own); `proposes`: the discount on everything of a counter-proposal;
    `to`: who it is handed on to.
    """

    version: int
    what: str
    who: str
    source: str = ""
    after_hours: int = 0
    says: str = ""
    proposes: str = ""
    voice: str = ""
    to: str = ""

    @property
    def by_a_person(self) -> bool:
        return self.what in SAID

    @property
    def told(self) -> tuple[object, ...]:
        """The act as an entry of the evidence has it."""
        if not self.by_a_person:
            return (self.version, self.what, self.who)
        return (self.version, self.what, self.who, SOURCES[self.source], self.says, self.voice or self.who)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """All of it, in order. `kept_as`: the evidence is written to disk under that name, '' it is not."""

    account: str
    acts: tuple[Act, ...]
    kept_as: str = ""

    @property
    def counters(self) -> tuple[str, ...]:
        """The discounts of the counter-proposals, in order."""
        return tuple(act.proposes for act in self.acts if act.proposes)


def entry_told(entry: Mapping[str, Json]) -> tuple[object, ...]:
    """An entry of the evidence in the same words as `Act.told`."""
    if entry["kind"] not in SAID:
        return (entry["version"], entry["kind"], entry.get("group", ""))
    voice = (entry.get("voices") or [entry["by"]])[0]
    return (entry["version"], entry["kind"], entry["by"], entry["channel"], entry.get("reason", ""), voice)


def load_courses(path: Path) -> tuple[Course, ...]:
    """The courses of a file; none where there is no such file. Raises FileProblems."""

    def parse(mapping: Mapping[str, object]) -> tuple[Course, ...]:
        problems: list[Problem] = []
        reader = Reader(mapping, problems)
        courses = tuple(_course(each) for each in reader.sections("courses"))
        reader.end()
        return without_problems(courses, problems)

    return load_yaml(path).read(parse) if path.exists() else ()


def _course(reader: Reader) -> Course:
    course = Course(
        account=reader.text("account", pattern=WORD, shape="lower-case letters, digits, _ and -"),
        acts=tuple(_act(each) for each in reader.sections("course")),
        kept_as=reader.text("kept_as", "", pattern=WORD, shape="a name of a file, without its ending"),
    )
    reader.end()
    return course


def _act(reader: Reader) -> Act:
    named = [what for what in (*BY_ITSELF, *SAID) if reader.has(what)]
    if len(named) != 1:
        reader.problem("", f"says one of {', '.join((*BY_ITSELF, *SAID))}, found {' and '.join(named) or 'none'}")
        return Act(version=1, what="asked", who="")
    (what,) = named
    version = reader.whole("version", minimum=1, maximum=99)
    if what in BY_ITSELF:
        act = Act(version=version, what=what, who=reader.text(what, pattern=WORD, shape="a group in lower case"))
    else:
        act = _decision(reader, version, what)
    reader.end()
    return act


def _decision(reader: Reader, version: int, what: str) -> Act:
    act = Act(
        version=version,
        what=what,
        who=_email(reader, what),
        source=reader.choice("from", tuple(SOURCES)),
        after_hours=int(re.sub(r"\D", "", reader.text("after", pattern=HOURS, shape="hours such as 4h")) or 0),
        says=reader.text("says"),
        proposes=reader.text("proposes", "", pattern=f"({PERCENT})?", shape="a percentage such as 3 or 12.5"),
        voice=_email(reader, "for", ""),
        to=_email(reader, "to", ""),
    )
    if act.proposes and (what != "changes" or act.source == "api"):
        reader.problem("proposes", "goes with changes that are asked for on a page, by mail or chat")
    if (what == "delegate") != bool(act.to):
        reader.problem("to", "says to whom it is handed on, and only that")
    return act


def _email(reader: Reader, name: str, default: str | None = None) -> str:
    return reader.text(name, default, pattern=f"({EMAIL})?", shape="a mail address")
