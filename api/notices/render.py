"""The text of a notice, once for mail and chat: a subject, a lead, its facts with their names and one button; no text of others becomes markup."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.leaving import NothingToTell
from gateways.document_data import ACCENT
from gateways.words import LANGUAGES

FOLDER = Path(__file__).parent
KINDS = ("ask", "remind", "escalate", "mention", "decided", "lapsed", "changes")
LONGEST_LINE, LONGEST_TEXT, MOST_ASKS = 300, 1500, 10
_BREAKS = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+")
_BETWEEN = "::"  # in a template, between the name of a fact and the fact
_COLON = {"en": ":", "fr": "\N{NO-BREAK SPACE}:"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One thing that a person is asked: which group at which level, and why."""

    group: str
    level: int
    reasons: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """All that a template may say, amounts and dates as the language writes them; what is empty is left out."""

    kind: str
    language: str
    deal: str
    account: str
    owner: str
    version: int
    owner_email: str = ""
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
    link_by_mail: bool = (
        False  # others read this as well: the link, which decides in the reader's name, is in their mail
    )
    reader: str = ""  # whom it is for, where others read it as well
    sandbox: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A notice in words, without any channel's form."""

    language: str
    subject: str
    lead: str
    facts: tuple[tuple[str, str], ...]  # name and what there is to say
    button: str
    foot: str
    sandbox: str = ""  # that nothing of it is real
    said: str = ""
    link: str = ""

    @property
    def fact_lines(self) -> tuple[str, ...]:
        """The facts as lines, punctuated as the language does."""
        return tuple(f"{name}{_COLON[self.language]} {value}" for name, value in self.facts)

    def mail(self) -> str:
        """The body of a mail, for who reads plain text."""
        sandbox = [self.sandbox, ""] if self.sandbox else []
        said = [*(f"> {line}" for line in self.said.splitlines()), ""] if self.said else []
        link = [self.button, self.link, ""] if self.link else []
        foot = [self.foot] if self.foot else []
        return "\n".join([*sandbox, self.lead, "", *said, *self.fact_lines, "", *link, *foot]) + "\n"

    def html(self) -> str:
        """The body of a mail, for everybody else: whatever people wrote is escaped."""
        return _pages().get_template("mail.html").render(t=self, accent=ACCENT)


def render(told: Told) -> Text:
    """The notice in its language. Raises NothingToTell for a kind or a language that has no template."""
    if told.kind not in KINDS or told.language not in LANGUAGES:
        raise NothingToTell(f"there is no template for {told.kind!r} in {told.language!r}")
    frame, own = (_environment().get_template(f"{told.language}/{name}.txt") for name in ("frame", told.kind))
    blocks, context = {**frame.blocks, **own.blocks}, own.new_context({"n": told})

    def block(name: str) -> list[str]:
        written = "".join(blocks[name](context))
        return [line.strip() for line in written.splitlines() if line.strip()]

    facts = (line.partition(_BETWEEN) for line in block("facts"))
    return Text(
        language=told.language,
        subject=_cut(" ".join(block("subject")), LONGEST_LINE),
        lead=" ".join(block("lead")),
        facts=tuple((name.strip(), value.strip()) for name, _, value in facts),
        button=" ".join(block("button")),
        foot=" ".join(block("foot")),
        sandbox=" ".join(block("sandbox")),
        said=_said(told.text),
        link=told.link,
    )


@cache
def _pages() -> Environment:
    return Environment(loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined)


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
