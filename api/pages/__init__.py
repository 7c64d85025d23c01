"""The pages that people outside open: set by Jinja, one stylesheet (light and dark), no script; nothing of them may be framed, indexed or kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateways.words import Words, words_of

FOLDER = Path(__file__).parent
POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
}
READABLE = 5.0  # contrast of the accent on a sheet: what is left on a tinted one is WCAG 2.2 AA, 4.5
WHITE, NIGHT = (255, 255, 255), (26, 32, 42)  # a sheet by day, and by night: --sheet of style.css

_environment = Environment(
    loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def form_of(body: bytes, most_fields: int) -> dict[str, str]:
    """The fields of a form; none where there are more than any form of ours has: without its nonce nothing comes of it."""
    try:
        return dict(parse_qsl(body.decode(errors="replace"), max_num_fields=most_fields))
    except ValueError:
        return {}


def page_words(language: str) -> Words:
    """The words of the pages in a language that we speak."""
    return words_of(language, FOLDER / "words")


def page(template: str, *, accent: str, words: Words, status: int = 200, values: Mapping[str, Any]) -> HTMLResponse:
    """One page, with the headers that all of them have."""
    body = _environment.get_template(template).render(
        **values, w=words, language=words.language, stylesheet=f"/q/look/{_version()}/{readable(accent)[1:]}.css"
    )
    return HTMLResponse(body, status_code=status, headers=HEADERS)


def stylesheet(accent: str) -> Response:
    """The stylesheet in one accent, by day and by night; its address changes with its content, so it may be kept for good."""
    kept = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    style = _style().replace("ACCENT_NIGHT", by_night(accent)).replace("ACCENT", accent)
    return Response(style, media_type="text/css; charset=utf-8", headers=kept)


@cache
def _style() -> str:
    return (FOLDER / "style.css").read_text(encoding="utf-8")


@cache
def _version() -> str:
    return hashlib.sha256(_style().encode()).hexdigest()[:12]


@cache
def readable(accent: str) -> str:
    """The accent, darkened until it can be read on white (and white on it).

    >>> readable("#17456b"), readable("#ffcc00")
    ('#17456b', '#856900')
    """
    channels = _channels(accent)
    while contrast(channels, WHITE) < READABLE:
        channels = [channel * 24 // 25 for channel in channels]
    return _written(channels)


@cache
def by_night(accent: str) -> str:
    """The accent, lightened until it can be read on a dark sheet (and the sheet's colour on it).

    >>> by_night("#17456b"), by_night("#856900")
    ('#7b96ac', '#a69142')
    """
    channels = _channels(accent)
    while contrast(channels, NIGHT) < READABLE:
        channels = [255 - (255 - channel) * 24 // 25 for channel in channels]
    return _written(channels)


def contrast(one: Sequence[int], other: Sequence[int]) -> float:
    """How well one colour is read on another: 1 not at all, 21 black on white (WCAG 2.2)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _channels(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def _written(channels: Sequence[int]) -> str:
    return "#" + "".join(f"{channel:02x}" for channel in channels)


def _luminance(channels: Sequence[int]) -> float:
    shares = [channel / 255 for channel in channels]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]  # noqa: PLR2004
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
