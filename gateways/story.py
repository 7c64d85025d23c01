"""The story of a deal up to its signature, in the reader's language: lines of the timeline are kept in English and told anew."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

from domain.money import to_minor
from gateways.reasons import SPACE, system_words
from gateways.words import DEFAULT, Words, words_of

FOLDER = Path(__file__).with_name("templates") / "story_words"
_PLACE = re.compile(r"\\\{(\w+)\\\}")
_AMOUNT = re.compile(r"(-?[0-9][0-9,]*(?:\.[0-9]+)?) ([A-Z]{3}) per period, (-?[0-9.]+) % off list")


def told(language: str, said: str) -> str | None:
    r"""A line of the timeline; None where it is no line that this knows: it stays English.

    >>> told("fr", "Version 1 priced: 1,200.00 EUR per period, 17.5 % off list; needs desk") == (
    ...     "Version 1 chiffrée\xa0: 1\u202f200,00\xa0EUR par période, 17,5\u202f% sous le tarif\u202f; accord nécessaire de desk")
    True
    >>> told("fr", "Not asked: ann@x is away without a deputy"), told("fr", "something else")
    ('Non sollicité\xa0: ann@x est absent(e) sans suppléance', None)
    """
    if language == DEFAULT:
        return said
    for pattern, line in _lines(language):
        if found := pattern.fullmatch(said):
            return line.format(**{name: _value(language, name, text) for name, text in found.groupdict().items()})
    return None


@cache
def _lines(language: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """How each line is written, and how it is told."""
    lines: Mapping[str, str] = json.loads((FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    return tuple((_pattern(english), line) for english, line in lines.items())


def _pattern(english: str) -> re.Pattern[str]:
    """Numbers are numbers, one name has no blank; what people say and lists of names may be anything."""
    kinds = {"n": "[0-9]+", "draft": r"\S+", "group": r"\S+", "to": r"\S+"}
    return re.compile(
        _PLACE.sub(lambda place: f"(?P<{place[1]}>{kinds.get(place[1], '.+?')})", re.escape(english)), re.DOTALL
    )


def _value(language: str, name: str, said: str) -> str:
    words = words_of(language)
    if name == "at":
        return _instant(words, said)
    if name == "priced":
        return _AMOUNT.sub(lambda found: _priced(words, found), said)
    if name == "why":
        return told(language, said) or system_words(language, said)
    return system_words(language, said) if name == "who" else said


def _instant(words: Words, said: str) -> str:
    try:
        at = datetime.strptime(said, "%Y-%m-%d %H:%M UTC")  # noqa: DTZ007 - it says its zone, and keeps it
    except ValueError:
        return said
    return f"{words.long_date(at.date())}, {at:%H:%M} (UTC)"


def _priced(words: Words, found: re.Match[str]) -> str:
    currency = found[2]
    amount = words.amount(to_minor(Decimal(found[1].replace(",", "")), currency), currency)
    return words("per_period_off_list", amount=f"{amount}{SPACE}{currency}", percent=words.percent(Decimal(found[3])))
