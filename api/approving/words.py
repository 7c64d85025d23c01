"""The words of the approve page: those of all pages, with its own; reasons of the policy and facts as people read them."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from zoneinfo import ZoneInfo

from api.pages import FOLDER, page_words
from gateways.words import Words, words_of

_LIMIT = re.compile(r"(?P<name>.+?) of (?P<value>.+?) (?P<how>is over|is below) (?P<limit>.+)")


@cache
def approve_words(language: str) -> Words:
    """The words in a language that we speak."""
    return Words(language, {**page_words(language).texts, **words_of(language, FOLDER / "approve_words").texts})


def reasons(words: Words, said: str) -> list[str]:
    """Why somebody is asked, sentence by sentence; what the policy says in words that we do not know stays as it is.

    >>> reasons(approve_words("fr"), "discount of 15 % is over 10 %; region EMEA")
    ['remise de 15 %, plus que 10 %', 'region EMEA']
    """
    return [_reason(words, each) for each in said.split("; ")]


def _reason(words: Words, said: str) -> str:
    if words.has(f"sentence_{said}"):
        return words(f"sentence_{said}")
    found = _LIMIT.fullmatch(said)
    if found is None or not words.has(f"term_{found['name']}"):
        return said
    key = f"reason_{found['how'].replace(' ', '_')}"
    return words(key, name=words(f"term_{found['name']}"), value=found["value"], limit=found["limit"])


def field(words: Words, name: str) -> str:
    """A fact's or a field's name."""
    return words(f"field_{name}") if words.has(f"field_{name}") else name.replace("_", " ")


def value(words: Words, name: str, said: str) -> str:
    """A fact's value as it is written in a need or a difference.

    >>> [value(approve_words("en"), name, said) for name, said in (("discount_percent", "15"), ("products", "|a|b"), ("ramp", ""))]
    ['15 %', 'a, b', 'none']
    """
    if not said:
        return words("none")
    if said in ("yes", "no"):
        return words(said)
    if said.startswith("|"):
        return ", ".join(part for part in said.split("|") if part) or words("none")
    if name.endswith("_percent"):
        try:
            return words.percent(Decimal(said))
        except InvalidOperation:
            return said
    figure, _, currency = said.partition(" ")
    if re.fullmatch(r"[A-Z]{3}", currency) and re.fullmatch(r"-?[0-9]+", figure):
        return f"{words.amount(int(figure), currency)} {currency}"
    return said


def moment(words: Words, at: datetime, zone: str) -> str:
    """An instant on somebody's clock, with the zone where it is not obvious."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{words.long_date(local.date())}, {local:%H:%M} ({local.tzname()})"
