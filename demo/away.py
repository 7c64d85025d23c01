"""Who is away and who decides meanwhile, as `absences.yaml` has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from demo.load import without_problems
from demo.positions import load_yaml
from demo.records import EMAIL
from domain.document import Reader
from domain.errors import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """`person` is away from `since` until the day before `until`; `deputy` decides meanwhile ('' nobody)."""

    person: str
    since: date
    until: date
    deputy: str = ""

    def between(self, zone: str) -> tuple[datetime, datetime]:
        """The first instant, and the first one after it."""
        first, back = (datetime.combine(on, time(), ZoneInfo(zone)) for on in (self.since, self.until))
        return first, back


def load_absences(path: Path) -> tuple[Absence, ...]:
    """The absences of a file; none where there is no such file. Raises FileProblems."""

    def parse(mapping: Mapping[str, object]) -> tuple[Absence, ...]:
        problems: list[Problem] = []
        reader = Reader(mapping, problems)
        found = tuple(_absence(each) for each in reader.sections("absences"))
        reader.end()
        return without_problems(found, problems)

    return load_yaml(path).read(parse) if path.exists() else ()


def _absence(reader: Reader) -> Absence:
    absence = Absence(
        person=reader.text("person", pattern=EMAIL, shape="a mail address"),
        since=reader.on("since"),
        until=reader.on("until"),
        deputy=reader.text("deputy", "", pattern=f"({EMAIL})?", shape="a mail address"),
    )
    if absence.since >= absence.until:
        reader.problem("until", "is not after since")
    reader.end()
    return absence
