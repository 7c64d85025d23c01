"""The words of the approve page: those of all pages and of facts, with its own; reasons of the policy as people read them."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from api.pages import FOLDER, page_words
from gateways import reasons as in_words
from gateways.fact_words import fact_words, field, value
from gateways.words import Words, words_of

__all__ = ["approve_words", "field", "moment", "reasons", "value"]


@cache
def approve_words(language: str) -> Words:
    """The words in a language that we speak."""
    own = words_of(language, FOLDER / "approve_words").texts
    return Words(language, {**page_words(language).texts, **fact_words(language).texts, **own})


def reasons(words: Words, said: str) -> list[str]:
    """Why somebody is asked, sentence by sentence; what the policy says in words that we do not know stays as it is.

    >>> reasons(approve_words("fr"), "discount of 15 % is over 10 %; a friend of the house")
    ['remise de 15\u202f%, au-dessus de 10\u202f%', 'a friend of the house']
    """
    return in_words.reasons(words.language, said)


def moment(words: Words, at: datetime, zone: str) -> str:
    """An instant on somebody's clock, with the zone where it is not obvious."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{words.long_date(local.date())}, {local:%H:%M} ({local.tzname()})"
