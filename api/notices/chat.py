"""A notice as Slack's blocks: plain text with its three special characters escaped, every part within Slack's own limits."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from typing import Any

from api.notices.render import Text

# what Slack takes, in UTF-16 units of the escaped text, as its clients count
HEADER, SECTION, BUTTON, FALLBACK = 150, 3000, 75, 4000
_QUOTED = {
    "en": "\N{LEFT DOUBLE QUOTATION MARK}{}\N{RIGHT DOUBLE QUOTATION MARK}",
    "fr": "«\N{NARROW NO-BREAK SPACE}{}\N{NARROW NO-BREAK SPACE}»",
}


def post(text: Text) -> tuple[str, tuple[dict[str, Any], ...]]:
    """The fallback text and the blocks of a post."""
    link = f"\n<{text.link}|{fitting(text.button, BUTTON)}>" if text.link else ""
    fallback = fitting(f"{text.subject}\n{text.lead}", FALLBACK - _size(link)) + link
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _plain(text.subject, HEADER)}]
    parts = [text.lead, *([_QUOTED[text.language].format(text.said)] if text.said else []), *_sections(text.fact_lines)]
    blocks += [{"type": "section", "text": _plain(part, SECTION)} for part in parts if part]
    if text.link:
        button = {"type": "button", "action_id": "open", "style": "primary", "text": _plain(text.button, BUTTON)}
        blocks.append({"type": "actions", "elements": [{**button, "url": text.link}]})
    if small := [part for part in (text.sandbox, text.foot) if part]:
        blocks.append({"type": "context", "elements": [_plain(part, SECTION) for part in small]})
    return fallback, tuple(blocks)


def _sections(lines: Iterable[str]) -> Iterator[str]:
    """The lines in as few sections as hold them."""
    held = ""
    for line in lines:
        more = f"{held}\n{line}" if held else line
        if held and _size(more) > SECTION:
            yield held
            held = line
        else:
            held = more
    yield held


def fitting(text: str, longest: int) -> str:
    """The text escaped as Slack asks, cut where it would not fit; an escaped character is never cut apart.

    >>> fitting("R&D <x>", 20), fitting("R&D <x>", 8)
    ('R&amp;D &lt;x&gt;', 'R&amp;D…')
    """
    if _size(text) <= longest:
        return html.escape(text, quote=False)
    kept, room = "", longest - 1
    for each in text:
        room -= _size(each)
        if room < 0:
            break
        kept += each
    return html.escape(kept.rstrip(), quote=False) + "…"


def _size(text: str) -> int:
    return len(html.escape(text, quote=False).encode("utf-16-le", "surrogatepass")) // 2


def _plain(text: str, longest: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": fitting(text, longest), "emoji": False}
