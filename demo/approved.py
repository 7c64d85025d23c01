"""What is printed of approvals: every deal that needed one, the story of the most telling one, and its evidence, kept on disk."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table
from rich.text import Text

from demo.client import Caller, Json
from demo.course import SAID, Act
from demo.furnish import House
from demo.quoted import table
from demo.story import CaseStory, Story
from domain.approving.calendar import Calendars
from domain.approving.evidence import verify
from domain.approving.needing import stricter
from domain.need import ALL

SAYS = {"approve": "approves", "reject": "rejects", "changes": "asks for changes", "abstain": "abstains"}
FROM = {"mail": "by the link in the mail", "chat": "by the link in Slack", "api": "through the API"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The evidence of one deal as it is on disk now. `wrong`: what is not as it should be, in words."""

    case: CaseStory
    document: Path
    paper: Path
    sha256: str
    wrong: tuple[str, ...]


async def keep(house: House, story: Story, folder: Path) -> list[Kept]:
    """Export the evidence that the book says, write it into `folder`, and check what was written. Raises Refused."""
    cases = [case for case in story.cases if case.course is not None and case.course.kept_as]
    return [await _kept(house.admin, case, folder) for case in cases]


async def _kept(admin: Caller, case: CaseStory, folder: Path) -> Kept:
    name = case.course.kept_as if case.course is not None else ""
    path = f"/v1/deals/{case.page['id']}/evidence"
    document, paper = folder / f"{name}.json", folder / f"{name}.pdf"
    exported, printed = await admin.file(path), await admin.file(f"{path}.pdf")
    made = await asyncio.to_thread(_written, {document: exported.content, paper: printed.content})
    wrong = [f"{document.name}: {problem}" for problem in verify(made)]
    if printed.headers["x-evidence-sha256"] != made["sha256"]:
        wrong.append(f"{paper.name} is of another evidence than {document.name}")
    return Kept(case=case, document=document, paper=paper, sha256=str(made["sha256"]), wrong=tuple(wrong))


def _written(files: Mapping[Path, bytes]) -> Json:
    """Write them, and read the first one back."""
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return json.loads(next(iter(files)).read_bytes())


def approvals(console: Console, house: House, story: Story, kept: Sequence[Kept]) -> None:
    """All of it; nothing where nobody was asked."""
    cases = [case for case in story.cases if case.entries]
    if not cases:
        return
    _table(console, house, cases)
    for each in kept:
        _told(console, house, each.case)
        _files(console, each)


# --- every deal ---


def _table(console: Console, house: House, cases: Sequence[CaseStory]) -> None:
    made = table(
        "Approvals: who was asked, and what came of it",
        "deal",
        "asked, level by level",
        right=("decisions", "took"),
        last=("on the way",),
    )
    for case in cases:
        said = [entry for entry in case.entries if entry["kind"] in SAID]
        made.add_row(case.deal.name, _levels(case.entries), str(len(said)), _took(case.entries), _notes(house, case))
    console.print(made)
    console.print()
    whole = sum(not verify(case.evidence) for case in cases)
    entries = sum(len(case.entries) for case in cases)
    text = f"The evidence of {whole} of {len(cases)} deals is an unbroken chain of hashes, {entries} entries in all.\n"
    console.print(text, style="green" if whole == len(cases) else "bold red", highlight=False)


def _levels(entries: Sequence[Json]) -> str:
    """`deal_desk → finance + legal`: every group that was asked of any version, or stood from an earlier one."""
    found = {(entry["level"], entry["group"]) for entry in entries if entry["kind"] in ("asked", "carried")}
    levels = groupby(sorted(found), key=lambda each: each[0])
    return " → ".join(" + ".join(group for _, group in each) for _, each in levels)


def _took(entries: Sequence[Json]) -> str:
    """From the first question to the last answer."""
    first, last = (datetime.fromisoformat(entries[i]["at"]) for i in (0, -1))
    hours = round((last - first).total_seconds() / 3600)
    return f"{hours} h" if hours < 48 else f"{hours // 24} days"  # noqa: PLR2004 — hours are read up to two days


def _notes(house: House, case: CaseStory) -> str:
    """What was not a plain yes."""
    notes = []
    for entry in case.entries:
        who = _name(house, entry["by"])
        match entry["kind"]:
            case "reject" | "changes" | "abstain":
                notes.append(f"{who} {SAYS[entry['kind']]}")
            case "escalated":
                notes.append(f"escalated to {_names(house, entry.get('to', ''))}")
            case "carried":
                notes.append(f"{entry['group']} stands from version {entry['stands_on_version']}")
            case "approve" if _stands_in(entry) and not _was_escalated(case, entry):
                notes.append(f"{who} for {_name(house, entry['voices'][0])}")
    return "\n".join(dict.fromkeys(notes))


def _stands_in(entry: Json) -> bool:
    voices = [voice for voice in entry.get("voices", ()) if voice]
    return bool(voices) and entry["by"] not in voices


def _was_escalated(case: CaseStory, entry: Json) -> bool:
    """Did this person decide since nobody else had?"""
    asked = [each for each in case.entries if each["kind"] == "escalated" and each["version"] == entry["version"]]
    return any(entry["by"] in each.get("to", "").split(", ") for each in asked)


# --- the most telling one ---


def _told(console: Console, house: House, case: CaseStory) -> None:
    zone = house.book.entities[case.deal.entity].zone
    console.print(f"One approval, as its evidence tells it: {case.deal.name} ({zone})", style="bold", highlight=False)
    made = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for _ in range(3):
        made.add_column(no_wrap=True)
    made.add_column()
    acts = iter(case.course.acts if case.course is not None else ())
    before = ""
    for entry in case.entries:
        at = datetime.fromisoformat(entry["at"]).astimezone(ZoneInfo(zone))
        day = f"  {at:%a %Y-%m-%d}"
        line = _line(house, case, entry, next(acts, None))
        made.add_row("" if day == before else day, f"{at:%H:%M}", f"v{entry['version']}", Text(line))
        before = day
    console.print(made)


def _line(house: House, case: CaseStory, entry: Mapping[str, Json], act: Act | None) -> str:
    group, to = entry.get("group", ""), _names(house, entry.get("to", ""))
    match kind := entry["kind"]:
        case "asked":
            return f"asked, level {entry['level']}: {_quorum(house, entry)} of {group} ({to}), because {entry['why']}"
        case "reminded":
            return f"{to} is reminded"
        case "escalated":
            return f"nobody of {group} answered{_holidays(house, case, entry)}: {to} may decide as well"
        case "carried":
            return f"{group}: what {to} decided on version {entry['stands_on_version']} stands"
    how = FROM.get(act.source if act is not None else "", entry.get("channel", ""))
    said = (
        f"{_name(house, entry['by'])} {SAYS.get(kind, kind)}{_instead(house, case, entry)}, {how}: “{entry['reason']}”"
    )
    return said + (f" Proposes {act.proposes} % on everything instead." if act is not None and act.proposes else "")


def _holidays(house: House, case: CaseStory, late: Json) -> str:
    """The holidays that whoever was asked had since then, so that nobody wonders at the date."""
    asked = next(e for e in case.entries if e["kind"] == "asked" and _about(e) == _about(late))
    first, last = (datetime.fromisoformat(entry["at"]).date() for entry in (asked, late))
    people = [house.book.people[each] for each in asked["to"].split(", ") if each in house.book.people]
    calendars = house.book.calendars or Calendars()
    days = {day: person.country for person in people for day in calendars.of(person.country).holidays}
    found = [f"{day:%a %Y-%m-%d} is a holiday in {days[day]}" for day in sorted(days) if first <= day <= last]
    return f" ({', '.join(found)})" if found else ""


def _about(entry: Json) -> tuple[int, int, str]:
    return (entry["version"], entry["level"], entry["group"])


def _quorum(house: House, entry: Mapping[str, Json]) -> str:
    """How many must approve: what the strictest of the rules says that asked."""
    rules = [rule for rule in house.book.approval.rules if rule.name in entry["rules"]]
    asked = (int(entry["level"]), str(entry["group"]))
    quorums = [each.quorum for rule in rules for each in rule.require if (each.level, each.group) == asked]
    quorum = reduce(stricter, quorums, 1)
    return {ALL: "all", 1: "any"}.get(quorum, str(quorum))


def _instead(house: House, case: CaseStory, entry: Mapping[str, Json]) -> str:
    """For whom, and through whose hands."""
    if not _stands_in(entry):
        return ""
    for_whom = f" for {_name(house, entry['voices'][0])}"
    if _was_escalated(case, entry):
        return for_whom
    between = [_name(house, hand) for hand in entry.get("hands", ()) if hand not in (*entry["voices"], entry["by"])]
    return f"{for_whom}, who is away" + (f" (as is the deputy, {' and '.join(between)})" if between else "")


def _name(house: House, email: str) -> str:
    return house.book.people[email].name if email in house.book.people else email


def _names(house: House, emails: str) -> str:
    return ", ".join(_name(house, each) for each in emails.split(", "))


def _files(console: Console, kept: Kept) -> None:
    count = len(kept.case.entries)
    lines: list[tuple[str, str]] = [
        (shown(kept.document), f"{count} entries, each with the hash of the one before it"),
        (shown(kept.paper), "the same on paper"),
        ("its SHA-256", f"{kept.sha256}, on the paper as well"),
        ("read back", "; ".join(kept.wrong) or "every hash is right, from the first entry to the last"),
    ]
    width = max(len(name) for name, _ in lines)
    told = ["", "  Its evidence is kept:", *(f"  {name:{width}}  {text}" for name, text in lines), ""]
    console.print("\n".join(told), highlight=False, markup=False, soft_wrap=True)


def shown(path: Path) -> str:
    """The path from here, where it is within."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
