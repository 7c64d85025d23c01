"""The text of a notice, once for mail and chat: a subject, a lead, its facts line by line and one button; no text of others becomes markup."""

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateways.words import LANGUAGES

FOLDER = Path(__file__).parent
KINDS = ("ask", "remind", "escalate", "mention", "decided", "lapsed", "changes")
LONGEST_LINE, LONGEST_TEXT, MOST_ASKS = 300, 1500, 10
_BREAKS = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+")
_HEADER, _SECTION = 150, 3000  # what Slack takes


class NothingToTell(LookupError):
    """What the notice is about, its link or its template is not there: no other try finds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One thing that a person is asked: which group at which level, and why."""

    group: str
    level: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """All that a template may say, amounts and dates as the language writes them; what is empty is left out."""

    kind: str
    language: str
    deal: str
    account: str
    owner: str
    version: int
    total: str = ""
    list: str = ""
    discount: str = ""
    acv: str = ""
    term: str = ""
    asks: Sequence[Wanted] = ()
    members: Sequence[str] = ()  # for whom the person stands in
    others: Sequence[str] = ()
    until: str = ""
    by: str = ""
    verb: str = ""
    text: str = ""  # what somebody said; it may have several lines
    link: str = ""
    sandbox: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A notice in words, without any channel's form."""

    subject: str
    lead: str
    facts: tuple[str, ...]
    button: str
    foot: str
    said: str = ""
    link: str = ""

    def mail(self) -> str:
        """The body of a mail."""
        said = [*(f"> {line}" for line in self.said.splitlines()), ""] if self.said else []
        link = [self.button, self.link, ""] if self.link else []
        return "\n".join([self.lead, "", *said, *self.facts, "", *link, *([self.foot] if self.foot else [])]) + "\n"

    def post(self) -> tuple[str, tuple[dict[str, Any], ...]]:
        """The fallback text and the blocks of a post, all of it plain text."""
        link = f"\n<{self.link}|{html.escape(self.button, quote=False)}>" if self.link else ""
        text = html.escape(f"{self.subject}\n{self.lead}", quote=False) + link
        blocks: list[dict[str, Any]] = [
            {"type": "header", "text": _plain(_cut(self.subject, _HEADER))},
            *(
                {"type": "section", "text": _plain(_cut(part, _SECTION))}
                for part in (self.lead, self.said, "\n".join(self.facts))
                if part
            ),
        ]
        if self.link:
            button = {
                "type": "button",
                "action_id": "open",
                "style": "primary",
                "text": _plain(self.button),
                "url": self.link,
            }
            blocks.append({"type": "actions", "elements": [button]})
        if self.foot:
            blocks.append({"type": "context", "elements": [_plain(self.foot)]})
        return text, tuple(blocks)


def render(told: Told) -> Text:
    """The notice in its language. Raises NothingToTell for a kind or a language that has no template."""
    if told.kind not in KINDS or told.language not in LANGUAGES:
        raise NothingToTell(f"there is no template for {told.kind!r} in {told.language!r}")
    frame, own = (_environment().get_template(f"{told.language}/{name}.txt") for name in ("frame", told.kind))
    blocks, context = {**frame.blocks, **own.blocks}, own.new_context({"n": told})

    def block(name: str) -> list[str]:
        written = "".join(blocks[name](context))
        return [line.strip() for line in written.splitlines() if line.strip()]

    return Text(
        subject=_cut(" ".join(block("subject")), LONGEST_LINE),
        lead=" ".join(block("lead")),
        facts=tuple(block("facts")),
        button=" ".join(block("button")),
        foot=" ".join(block("foot")),
        said=_said(told.text),
        link=told.link,
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=False,  # noqa: S701 - plain text: what a channel must not take as markup, it escapes itself
        undefined=StrictUndefined,
        finalize=_line,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _line(value: object) -> object:
    """Whatever is put in stays on its line: nobody's name of a deal begins another line, or a header of a mail."""
    return _cut(_BREAKS.sub(" ", value), LONGEST_LINE) if isinstance(value, str) else value


def _said(text: str) -> str:
    lines: Iterable[str] = (_BREAKS.sub(" ", line).rstrip() for line in text.strip().splitlines())
    return _cut("\n".join(lines), LONGEST_TEXT)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}
