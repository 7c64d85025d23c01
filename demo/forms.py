"""The forms of a page, as whoever reads it fills them in: where each one goes, and the fields that it carries already."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

CARRIED = ("hidden", "text")


@dataclass(slots=True)
class Form:
    """A form of a page: its address, and its hidden fields and fields of text with what stands in them."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


def forms_of(html: str) -> list[Form]:
    """All forms of a page, in order."""
    reader = _Forms()
    reader.feed(html)
    return reader.found


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(said.get("action", "")))
        elif tag == "input" and said.get("type") in CARRIED and self.found:
            self.found[-1].fields[said.get("name", "")] = said.get("value", "")
