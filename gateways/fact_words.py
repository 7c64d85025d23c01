"""Facts and fields of a version as people read them, in their language: what a fact is called, and its value as it is kept in text."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path

from gateways.words import Words, words_of

FOLDER = Path(__file__).with_name("templates") / "fact_words"
_COUNTED = frozenset({"quantity"})
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HASH = re.compile(r" #[0-9a-f]{32}$")  # of a clause that is kept by its beginning


@cache
def fact_words(language: str) -> Words:
    """The words of facts, in a language that we speak."""
    return words_of(language, FOLDER)


def field(words: Words, name: str) -> str:
    """A fact's or a field's name. `words` hold those of `fact_words`."""
    return words(f"field_{name}") if words.has(f"field_{name}") else name.replace("_", " ")


def value(words: Words, name: str, said: str) -> str:
    r"""A fact's value as it is written in a need, in evidence or in a difference.

    >>> said = (("discount_percent", "15"), ("products", "|a|b"), ("ramp", ""), ("ramp", "no"), ("method", "card"))
    >>> [value(fact_words("en"), *each) for each in said]
    ['15\xa0%', 'a, b', 'none', 'no', 'card']
    >>> [value(fact_words("fr"), *each) for each in (("acv", "120050 EUR"), ("start", "2027-03-01"), ("ramp", "no"))]
    ['1\u202f200,50 EUR', '1er mars 2027', 'non']
    """
    if not said:
        return words("none")
    if said in ("yes", "no"):
        return words(said)
    if words.has(f"value_{name}_{said}"):
        return words(f"value_{name}_{said}")
    if said.startswith("|"):
        return ", ".join(_HASH.sub("", part) for part in said.split("|") if part) or words("none")
    if _DAY.fullmatch(said):
        return words.long_date(date.fromisoformat(said))
    return _figure(words, name, said)


def _figure(words: Words, name: str, said: str) -> str:
    percent = name.endswith("_percent")
    if percent or name in _COUNTED or name.endswith(("_months", "_days")):
        try:
            return words.percent(Decimal(said)) if percent else words.number(Decimal(said))
        except InvalidOperation:
            return said
    figure, _, currency = said.partition(" ")
    if re.fullmatch(r"[A-Z]{3}", currency) and re.fullmatch(r"-?[0-9]+", figure):
        return f"{words.amount(int(figure), currency)} {currency}"
    return said
