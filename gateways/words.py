"""How a language writes: its words, plurals, numbers, amounts and dates, spelled here so that no machine's locale enters a document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

from domain.money import from_minor

LANGUAGES = ("en", "fr")
DEFAULT = "en"
FOLDER = Path(__file__).with_name("templates") / "words"
MINUS = "\N{MINUS SIGN}"
_NARROW = "\N{NARROW NO-BREAK SPACE}"

_GROUPS = {"en": ",", "fr": _NARROW}  # CLDR 47
_POINTS = {"en": ".", "fr": ","}
_PERCENT = {"en": "\N{NO-BREAK SPACE}%", "fr": f"{_NARROW}%"}
_MONTHS = {
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    "fr": [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
}
_SHORT_MONTHS = {
    "en": [month[:3] for month in _MONTHS["en"]],
    "fr": ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."],
}


@dataclass(frozen=True, slots=True)
class Words:
    """One language: `words("valid_until", on=...)` is a text of its file, the methods write figures and dates."""

    language: str
    texts: Mapping[str, str | Mapping[str, str]]

    def __call__(self, key: str, **values: str) -> str:
        """The text under `key`, with its places filled. Raises KeyError for a text that the language lacks."""
        text = self.texts[key]
        if not isinstance(text, str):
            raise KeyError(f"{key} has a singular and a plural: say how many")
        return text.format(**values) if values else text

    def has(self, key: str) -> bool:
        """Whether the language has a text under `key`."""
        return key in self.texts

    def count(self, key: str, number: int, **values: str) -> str:
        """The text under `key` for so many: `{n}` is the number.

        >>> words_of("en").count("months", 1), words_of("fr").count("months", 24)
        ('1 month', '24 mois')
        """
        forms = self.texts[key]
        if isinstance(forms, str):
            raise KeyError(f"{key} has no singular and plural")
        single = number == 1 or (self.language == "fr" and number == 0)
        return forms["one" if single else "other"].format(n=self.number(Decimal(number)), **values)

    def number(self, value: Decimal) -> str:
        """A quantity, rate or percentage, grouped, without trailing zeros.

        >>> words_of("en").number(Decimal("1200.500")), words_of("fr").number(Decimal("-0.25"))
        ('1,200.5', '−0,25')
        """
        plain = f"{value:,f}"
        return self._written(plain.rstrip("0").rstrip(".") if "." in plain else plain)

    def amount(self, minor: int, currency: str) -> str:
        """Minor units as grouped major units, without the code. Raises UnknownCurrency.

        >>> words_of("en").amount(123450, "EUR"), words_of("en").amount(-1234567, "JPY")
        ('1,234.50', '−1,234,567')
        >>> words_of("fr").amount(123450, "EUR") == "1\N{NARROW NO-BREAK SPACE}234,50"
        True
        """
        return self._written(f"{from_minor(minor, currency):,f}")

    def price(self, value: Decimal, currency: str) -> str:
        """A unit price in major units: at least the currency's decimals, more where it has them.

        >>> words_of("en").price(Decimal("12.5"), "EUR"), words_of("en").price(Decimal("0.000002"), "EUR")
        ('12.50', '0.000002')
        """
        least = -int(from_minor(0, currency).as_tuple().exponent)
        whole, _, decimals = f"{value:,f}".partition(".")
        kept = decimals.rstrip("0").ljust(least, "0")
        return self._written(f"{whole}.{kept}" if kept else whole)

    def percent(self, points: Decimal) -> str:
        """Percentage points: 10 is ten percent."""
        return self.number(points) + _PERCENT[self.language]

    def long_date(self, on: date) -> str:
        """A date in words.

        >>> words_of("en").long_date(date(2026, 3, 1)), words_of("fr").long_date(date(2026, 3, 1))
        ('1 March 2026', '1er mars 2026')
        """
        return f"{self._day(on)} {_MONTHS[self.language][on.month - 1]} {on.year}"

    def short_date(self, on: date) -> str:
        """A date with its month shortened.

        >>> words_of("en").short_date(date(2026, 3, 1)), words_of("fr").short_date(date(2026, 2, 3))
        ('1 Mar 2026', '3 févr. 2026')
        """
        return f"{self._day(on)} {_SHORT_MONTHS[self.language][on.month - 1]} {on.year}"

    def _day(self, on: date) -> str:
        return "1er" if self.language == "fr" and on.day == 1 else str(on.day)

    def _written(self, plain: str) -> str:
        """Python's `1,234.5` as the language has it; two passes, or a comma would be taken for the other one."""
        grouped = plain.replace(",", "\0").replace(".", _POINTS[self.language]).replace("\0", _GROUPS[self.language])
        return grouped.replace("-", MINUS)


def language_of(said: str) -> str:
    """The language to write in for what was asked: `fr-CH` is French, what we do not speak is English.

    >>> language_of("fr-CH"), language_of("de"), language_of("")
    ('fr', 'en', 'en')
    """
    first = said.strip().lower()[:2]
    return first if first in LANGUAGES else DEFAULT


@cache
def words_of(language: str, folder: Path = FOLDER) -> Words:
    """The words of a language that `language_of` gave."""
    return Words(language, json.loads((folder / f"{language}.json").read_text(encoding="utf-8")))
