"""Approval policies in a terminal: checked without a server, and tried on a deal or on a quote's file before anybody is asked."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from cli import show
from cli.client import api_of
from cli.deal_id import found
from cli.draft_file import asked, day, document, in_file
from cli.home import FOLDER, Folder
from cli.policy_live import apply, list_, show_
from cli.preview_quote import price_book_of
from cli.trouble import Trouble
from demo.load import load_people
from demo.positions import Document, FileProblem, load_yaml
from domain.approving.asking import TooManyToAskAll, World
from domain.approving.calendar import Calendars
from domain.approving.check import ERROR, Finding, check
from domain.approving.condition import sheets
from domain.approving.people import Directory, Person
from domain.approving.policy import Matrix
from domain.approving.tryout import tried
from domain.preview.offers import previewed
from domain.quote_draft import Draft

app = typer.Typer(
    help="Approval policies: check one, try one on a deal, read and apply those in force.", no_args_is_help=True
)
_LIVE: dict[str, Callable[..., None]] = {"list": list_, "show": show_, "apply": apply}
for _name, _command in _LIVE.items():
    app.command(_name)(_command)

File = Annotated[Path, typer.Argument(help="The policy: YAML or JSON.")]
PeopleFile = Annotated[Path | None, typer.Option("--people", help="The people's file: who is in which group.")]
CalendarsFile = Annotated[
    Path | None, typer.Option("--calendars", help="Working days by country; Monday to Friday unless said.")
]
Live = Annotated[bool, typer.Option("--live", help="With the people that the running system knows.")]
Json = Annotated[bool, typer.Option("--json", help="Everything, for machines.")]
At = Annotated[str, typer.Option("--on", help="As of that day; today unless said.")]


@app.command("check")
def check_(
    file: File,
    people: PeopleFile = None,
    live: Live = False,
    on: At = "",
    as_json: Json = False,
    folder: Folder = FOLDER,
) -> None:
    """Is the policy sound? Rules that cannot hold, rules that add nothing, gaps; with people: groups with nobody in them."""
    read = document(file)
    matrix = read.read(Matrix.parse)
    if live:
        findings = _checked_live(read, folder)
    else:
        findings = check(matrix, _directory(people) if people else None, _moment(on))
    places = [read.problem(each.path, each.message) for each in findings]
    if as_json:
        rows = [_row(each, place) for each, place in zip(findings, places, strict=True)]
        print(json.dumps({"policy": matrix.name, "findings": rows}, ensure_ascii=False))
    else:
        _print(matrix, findings, places, alone=not (live or people))
    if any(each.severity == ERROR for each in findings):
        raise typer.Exit(1)


def _checked_live(read: Document, folder: Path) -> tuple[Finding, ...]:
    said = api_of(folder).post("/v1/approval-policies/check", dict(read.mapping))
    return tuple(Finding(each["severity"], each["kind"], each["path"], each["message"]) for each in said["findings"])


def _row(finding: Finding, place: FileProblem) -> dict[str, Any]:
    return {
        "severity": finding.severity,
        "kind": finding.kind,
        "path": finding.path,
        "message": finding.message,
        "file": place.file,
        "line": place.line,
        "column": place.column,
    }


def _print(matrix: Matrix, findings: tuple[Finding, ...], places: list[FileProblem], *, alone: bool) -> None:
    out = show.console()
    for finding, place in zip(findings, places, strict=True):
        style = "red" if finding.severity == ERROR else "yellow"
        at = f"{place.file}:{place.line}:{place.column}: "
        said = (
            Text(at)
            + Text(finding.severity, style=style)
            + Text(f": {finding.path}: {finding.message} ({finding.kind})")
        )
        out.print(said, soft_wrap=True)
    errors = sum(each.severity == ERROR for each in findings)
    counted = f"{_count(errors, 'error')}, {_count(len(findings) - errors, 'warning')}" if findings else "nothing found"
    out.print(f"{matrix.name}: {_count(len(matrix.rules), 'rule')}; {counted}", style=show.DIM)
    if alone:
        out.print("(who is in the groups is looked up with --people FILE or --live)", style=show.DIM)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


@app.command("try")
def try_(  # noqa: PLR0913  (options)
    file: File,
    deal: Annotated[str, typer.Option("--deal", help="A deal of the running system: its id, or its name.")] = "",
    quote: Annotated[Path | None, typer.Option("--quote", help="A quote's file, priced here without a server.")] = None,
    price_book: Annotated[
        Path | None, typer.Option(help="The price book's file, where the quote's file names none.")
    ] = None,
    people: PeopleFile = None,
    calendars: CalendarsFile = None,
    on: At = "",
    segment: Annotated[str, typer.Option(help="The account's segment.")] = "",
    entity: Annotated[str, typer.Option(help="The legal entity that sells.")] = "",
    owner: Annotated[str, typer.Option(help="Who owns the deal: they have no voice in it.")] = "",
    as_json: Json = False,
    folder: Folder = FOLDER,
) -> None:
    """What the policy would ask of a deal or a quote, of whom, until when, and why. Nobody is asked, nothing is stored."""
    read = document(file)
    matrix = read.read(Matrix.parse)
    if bool(deal) == bool(quote):
        raise Trouble("a policy is tried on one deal or one quote", where="--deal, --quote", mend="name one of the two")
    if quote is None:
        api = api_of(folder)
        said = api.post("/v1/approval-policies/try", {"policy": dict(read.mapping), "deal_id": found(api, deal)})
    else:
        said = _tried_here(matrix, quote, price_book, people, calendars, on, segment, entity, owner)
    if as_json:
        print(json.dumps(said, ensure_ascii=False))
        return
    out = show.console()
    for line in said["lines"]:
        out.print(Text(line, style=_style(line)), soft_wrap=True)


def _tried_here(  # noqa: PLR0913  (as many as there are options)
    matrix: Matrix,
    file: Path,
    price_book: Path | None,
    people: Path | None,
    calendars: Path | None,
    on: str,
    segment: str,
    entity: str,
    owner: str,
) -> dict[str, Any]:
    said = asked(file, whole=False)
    book = price_book_of(said, price_book)
    at = _moment(on)
    with in_file(said):
        draft = Draft.parse({"price_book": book.name, **said.draft})
        priced = previewed(draft, book, on=at.date(), segment=segment, entity=entity).offers
    world = World(
        directory=_directory(people) if people else Directory(),
        calendars=load_yaml(calendars).read(Calendars.parse) if calendars else Calendars(),
        at=at,
        barred=(owner.lower(),) if owner else (),
    )
    try:
        facts, *apart = sheets(priced.facts, priced.apart, entity=entity)
        result = tried(matrix, facts, world, offers=apart)
    except TooManyToAskAll as refusal:
        raise Trouble(refusal.text, where=str(file), mend=refusal.hint, type_=refusal.type) from None
    lines = list(result.lines)
    if not people:
        lines.append("(without --people nobody is known: only groups are told)")
    elif not entity and any(each.entities for _, named in matrix.groups for each in named):
        lines.append("(without --entity, groups that differ by entity have only who is in them for all)")
    return {"policy": result.policy, "lines": lines}


def _directory(path: Path) -> Directory:
    """The people of a file, their groups as roles. Raises FileProblems."""
    return Directory(
        tuple(
            Person(email=each.email.lower(), roles=each.groups, manager=each.manager, country=each.country)
            for each in load_people(path)
        )
    )


def _moment(on: str) -> datetime:
    found_on = day(on, "--on")
    return datetime.combine(found_on, time(12), tzinfo=UTC) if found_on else datetime.now(tz=UTC)


def _style(line: str) -> str:
    if line.startswith("  + "):
        return "yellow"
    return show.DIM if line.startswith("  - ") else show.BOLD if not line.startswith(" ") else ""
