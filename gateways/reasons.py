"""Why somebody is asked, in the reader's language: the sentences of the policy, kept in English, are written anew at the edge."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

from domain.approving.sentence import (
    ALWAYS,
    AMONG,
    BETWEEN,
    NO,
    NO_LIMIT,
    NONE_OF,
    UNKNOWN,
    UNKNOWN_FLAG,
    YES,
    Sentence,
    read,
)
from domain.money import to_minor
from gateways.words import DEFAULT, Words, words_of

FOLDER = Path(__file__).with_name("templates") / "reason_words"
SPACE = "\N{NO-BREAK SPACE}"
ANY_MEMBER = "any member"  # of a group too large to be asked by name
# what the system itself says of an approval, beside the policy: name of the text, how it is written
_SAID = {
    "lapsed": re.compile(r"nobody decided in time: (?P<group>.+) at level (?P<level>[0-9]+)"),
    "nobody_left": re.compile(r"nobody is left to decide for (?P<group>.+) at level (?P<level>[0-9]+)"),
    "no_rule": re.compile(r"no rule of the policy holds"),
    "any_of": re.compile(r"any of (?P<n>[0-9]+) members of (?P<group>\S+)"),
    "new_in": re.compile(r"(?P<who>\S+) is new in (?P<groups>.+)"),
    "new": re.compile(r"(?P<who>\S+) is new"),
    "left": re.compile(r"(?P<who>\S+) left"),
    "other_groups": re.compile(r"(?P<who>\S+) is in other groups"),
    "other_manager": re.compile(r"(?P<who>\S+) has another manager"),
    "away": re.compile(r"(?P<who>\S+) is away"),
    "back": re.compile(r"(?P<who>\S+) is back"),
    "may": re.compile(r"(?P<who>\S+) may decide"),
    "stands_in": re.compile(r"(?P<who>\S+) stands in"),
}


def reasons(language: str, said: str) -> list[str]:
    r"""Why, sentence by sentence; what is no sentence of a policy stays as it is.

    >>> reasons("fr", "discount of 15 % is over 10 %; region EMEA; a friend of the house") == [
    ...     "remise de 15\u202f%, au-dessus de 10\u202f%", "région EMEA", "a friend of the house"]
    True
    >>> reasons("en", "discount of 15 % is over 10 %; region EMEA")
    ['discount of 15 % is over 10 %', 'region EMEA']
    """
    parts = said.split(BETWEEN)
    if language == DEFAULT:
        return parts
    words = words_of(language, FOLDER)
    return [part if (found := read(part)) is None else _told(words, found) for part in parts]


def system_words(language: str, said: str) -> str:
    """What the system says of itself where people give a reason (`nobody decided in time …`, `ann@x left`), and whom it
    means by `any member`; a person's own words stay as they are.

    >>> system_words("fr", "ann@x is away"), system_words("fr", "he left us")
    ('ann@x est absent(e)', 'he left us')
    """
    if language == DEFAULT:
        return said
    words = words_of(language, FOLDER)
    if said == ANY_MEMBER:
        return words("any_member")
    for name, pattern in _SAID.items():
        if found := pattern.fullmatch(said):
            return words(f"said_{name}", **found.groupdict())
    return said


def _told(words: Words, found: Sentence) -> str:
    if found.kind == ALWAYS:
        return words("always")
    if found.kind in (YES, NO, UNKNOWN_FLAG):
        sentence = words(f"{found.fact}_{NO if found.kind == NO else YES}")
        return words(UNKNOWN_FLAG, sentence=sentence) if found.kind == UNKNOWN_FLAG else sentence
    name = words(f"name_{found.fact}")
    if found.kind == UNKNOWN:
        return words(UNKNOWN, name=name)
    if found.kind == NO_LIMIT:
        return words(NO_LIMIT, name=name, currency=found.unit)
    if found.kind in (AMONG, NONE_OF):
        listed = words(f"list_{found.fact}") if words.has(f"list_{found.fact}") else name
        each = (words(f"value_{word}") if words.has(f"value_{word}") else word for word in found.words)
        return words(found.kind, name=listed, words=", ".join(each))
    value, limit = (_figure(words, each, found.unit) for each in (found.value, found.limit))
    return words(found.kind, name=name, value=value, limit=limit)


def _figure(words: Words, value: Decimal, unit: str) -> str:
    if unit == "%":
        return words.percent(value)
    if unit and words.has(unit):
        return words.count(unit, int(value)) if value == int(value) else words.number(value)
    if unit:
        return f"{words.amount(to_minor(value, unit), unit)}{SPACE}{unit}"
    return words.number(value)
