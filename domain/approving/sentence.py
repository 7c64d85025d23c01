"""The sentences that conditions say, read back: what is written once in English is told in any language, also years later.

Histories, requests and evidence keep why somebody was asked as text (`domain/approving/condition.py` writes it). This is
its inverse; what it does not know (a person's own words, a sentence of another release) is no sentence and stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache

from domain.approving.condition import AMOUNTS, FLAGS, LISTS, NUMBERS, WORDS

OVER, NOT_OVER, BELOW, NOT_BELOW = "over", "not_over", "below", "not_below"
UNKNOWN, UNKNOWN_FLAG, NO_LIMIT, YES, NO, AMONG, NONE_OF = (
    "unknown", "unknown_flag", "no_limit", "yes", "no", "among", "none_of",
)  # fmt: skip
ALWAYS = "always"
KINDS = (OVER, NOT_OVER, BELOW, NOT_BELOW, UNKNOWN, UNKNOWN_FLAG, NO_LIMIT, YES, NO, AMONG, NONE_OF, ALWAYS)
BETWEEN = "; "  # stands between the sentences of one need

_HOW = {"is over": OVER, "is not over": NOT_OVER, "is below": BELOW, "is not below": NOT_BELOW}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One sentence of a condition. `unit` is %, months, days, a currency (amounts in major units) or nothing."""

    kind: str
    fact: str = ""
    value: Decimal = Decimal(0)
    limit: Decimal = Decimal(0)
    unit: str = ""
    words: tuple[str, ...] = ()


def read(said: str) -> Sentence | None:
    """The sentence, or None where a condition never says that.

    >>> read("discount of 12.5 % is over 10 %")
    Sentence(kind='over', fact='discount_percent', value=Decimal('12.5'), limit=Decimal('10'), unit='%', words=())
    >>> read("ACV of 120,000.00 EUR is not below 100,000.00 EUR").unit, read("region EMEA, APAC").words
    ('EUR', ('EMEA', 'APAC'))
    >>> read("a friend of the house") is None
    True
    """
    if said == "always required":
        return Sentence(kind=ALWAYS)
    for fact, (yes, no) in FLAGS.items():
        if said in (yes, no):
            return Sentence(kind=YES if said == yes else NO, fact=fact)
        if said == f"whether {yes} is not known":
            return Sentence(kind=UNKNOWN_FLAG, fact=fact)
    return _limited(said) or _unknown(said) or _named(said)


def _limited(said: str) -> Sentence | None:
    found = _pattern().fullmatch(said)
    if found is None or found["unit"] != found["limit_unit"]:
        return None
    fact, unit = _measured()[found["name"]], found["unit"] or ""
    if (unit != NUMBERS[fact][1]) if fact in NUMBERS else not re.fullmatch("[A-Z]{3}", unit):
        return None
    try:
        value, limit = (Decimal(found[name].replace(",", "")) for name in ("value", "limit"))
    except InvalidOperation:
        return None
    return Sentence(kind=_HOW[found["how"]], fact=fact, value=value, limit=limit, unit=unit)


@cache
def _pattern() -> re.Pattern[str]:
    names = "|".join(re.escape(name) for name in _measured())
    figure = r"-?[0-9][0-9,]*(?:\.[0-9]+)?"
    how = "|".join(_HOW)
    return re.compile(
        rf"(?P<name>{names}) of (?P<value>{figure})(?: (?P<unit>\S+))? (?P<how>{how}) "
        rf"(?P<limit>{figure})(?: (?P<limit_unit>\S+))?"
    )


@cache
def _measured() -> Mapping[str, str]:
    """The facts that have a limit, by what they are called."""
    return {**{name: fact for fact, (name, *_) in NUMBERS.items()}, **{name: fact for fact, name in AMOUNTS.items()}}


def _unknown(said: str) -> Sentence | None:
    names = {**{name: fact for fact, name in {**WORDS, **LISTS}.items()}, **_measured()}
    if said.endswith(" is not known") and (fact := names.get(said.removesuffix(" is not known"))):
        return Sentence(kind=UNKNOWN, fact=fact)
    found = re.fullmatch(r"no limit of (?P<name>.+) is set for (?P<currency>[A-Z]{3})", said)
    if found and found["name"] in AMOUNTS.values():
        return Sentence(kind=NO_LIMIT, fact=_measured()[found["name"]], unit=found["currency"])
    return None


def _named(said: str) -> Sentence | None:
    """A list of words: its items are kept as they stand between commas."""
    for fact, name in {**WORDS, **LISTS}.items():
        for kind, start in ((NONE_OF, f"{name} is none of "), (AMONG, f"{name} ")):
            if said.startswith(start) and (rest := said.removeprefix(start)):
                return Sentence(kind=kind, fact=fact, words=tuple(rest.split(", ")))
    return None
