"""`q2c people`: who works here, in which groups, under whom, and where; `q2c import people.yaml` says so."""

from typing import Annotated, Any

import typer
from rich.text import Text

from cli import show
from cli.client import api_of
from cli.home import FOLDER, Folder


def people(
    group: Annotated[str, typer.Option("--group", help="The members of one group.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="What the API says, for machines.")] = False,
    folder: Folder = FOLDER,
) -> None:
    """Who may be asked to approve: groups, manager, country and zone of everybody, by mail address."""
    found = list(api_of(folder).pages("/v1/people", group=group or None))
    if as_json:
        show.as_json(found)
        return
    if not found:
        show.console().print(f"nobody is in {group}" if group else "nobody is known  → q2c import people.yaml")
        return
    made = show.table("person", "name", "groups", "manager", "country", "zone", "", whole=("person",))
    show.put(show.console(), show.rows(made, [_line(each) for each in found]))


def _line(each: dict[str, Any]) -> list[str | Text]:
    left = Text(f"left {show.instant(each['left_at'])} UTC", style="red") if each["left_at"] else ""
    groups = ", ".join(each["groups"])
    return [each["email"], each["name"], groups, each["manager"] or "", each["country"], each["zone"], left]
