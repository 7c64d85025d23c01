"""A document (price book, draft, policy) is read field by field, and every problem in it is named by its path, not only the first.

Scalars may come typed (JSON) or as text (YAML and CSV loaders give text, so that a price never passes through a float).
A float is refused: `0.1` has already lost what was written.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final

from domain.errors import Problem
from domain.money import EXACT, EXPONENTS

_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?")
_PLAIN = re.compile(r"[0-9]{1,9}(\.[0-9]{1,12})?")
_LONGEST = 500  # characters of a text
_NUL = "holds a NUL character, which no text may"
_PLAIN_LIMIT = 10**9
_NOTHING = frozenset({"", "null", "~"})
_TRUE = frozenset({"true", "yes"})
_FALSE = frozenset({"false", "no"})
_DECIMALS: Final = 12  # NUMERIC(24,12), NUMERIC(28,12)


def decimal_text(value: Decimal) -> str:
    """A decimal in its one canonical form: no exponent, no trailing zeros.

    >>> decimal_text(Decimal("10.50")), decimal_text(Decimal("1E+2")), decimal_text(Decimal("-0.0"))
    ('10.5', '100', '0')
    """
    if not value:
        return "0"
    plain = str(value)
    if "E" in plain:
        return format(value.normalize(EXACT), "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def plain_number(value: object) -> Decimal | None:
    """A number as nearly all are written, digits and at most 12 decimals, below a thousand million; None for any other.

    >>> plain_number("12.50"), plain_number(3), plain_number("-1"), plain_number("1e3")
    (Decimal('12.50'), Decimal('3'), None, None)
    """
    if type(value) is str:
        return _plain_text(value)
    return Decimal(value) if type(value) is int and 0 <= value < _PLAIN_LIMIT else None


@lru_cache(maxsize=4096)  # prices and bounds come again and again
def _plain_text(value: str) -> Decimal | None:
    return Decimal(value) if _PLAIN.fullmatch(value) else None


def canonical(mapping: Mapping[str, object]) -> str:
    """JSON with sorted keys and no spaces. Decimals must be strings already; a float raises TypeError.

    >>> canonical({"b": 1, "a": "0.10"})
    '{"a":"0.10","b":1}'
    """
    _refuse_floats(mapping)
    return json.dumps(mapping, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def content_hash(mapping: Mapping[str, object]) -> str:
    """SHA-256 (hex) of the canonical JSON: the same under any order of keys.

    >>> content_hash({"a": 1, "b": 2}) == content_hash({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(canonical(mapping).encode()).hexdigest()


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise TypeError(f"a float ({value}) never enters a hashed document")
    if isinstance(value, Mapping):
        for item in value.values():
            _refuse_floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_floats(item)


class Reader:
    """One mapping of a document at `path`. A field that is wrong adds a problem and reads as a harmless stand-in."""

    def __init__(self, value: object, problems: list[Problem], path: str = "") -> None:
        self.path = path
        self.problems = problems
        self._read: set[str] = set()
        self._mapping: Mapping[str, object] = {}
        if isinstance(value, Mapping):
            self._mapping = {str(name): item for name, item in value.items()}
        else:
            problems.append(Problem(path, f"expected fields by name, found {_what(value)}"))

    def at(self, name: str) -> str:
        """The path of a field of this mapping."""
        return f"{self.path}.{name}" if self.path else name

    def problem(self, name: str, message: str) -> None:
        """Add a problem with a field ('' for the mapping itself)."""
        self.problems.append(Problem(self.at(name) if name else self.path, message))

    def has(self, name: str) -> bool:
        """Whether a field is there and says something (None and empty text say nothing)."""
        self._read.add(name)
        value = self._mapping.get(name)
        return value is not None and not _is_nothing(value)

    def text(self, name: str, default: str | None = None, *, pattern: str = "", shape: str = "") -> str:
        """Text, at most 500 characters, matching `pattern` where given (`shape` tells it in words).

        Where text is required, `null` is text: there are people of that name.
        """
        plain = self._mapping.get(name)
        if type(plain) is str and plain.isidentifier() and plain.lower() != "null":  # quickly what most text is
            self._read.add(name)
            if len(plain) < _LONGEST and (not pattern or re.fullmatch(pattern, plain)):
                return plain
        required = default is None
        value = self._mapping.get(name) if required and self._says_null(name) else self._field(name, required=required)
        if value is None:
            return default or ""
        if isinstance(value, float | Mapping | list | tuple):
            self.problem(name, f"expected text, found {_what(value)}")
            return default or ""
        said = str(value).strip()
        if len(said) > _LONGEST:
            self.problem(name, "is longer than 500 characters")
        elif "\x00" in said:
            self.problem(name, _NUL)
        elif pattern and not re.fullmatch(pattern, said):
            self.problem(name, f"expected {shape}, found {said!r}")
        return said

    def choice(self, name: str, choices: Sequence[str], default: str | None = None) -> str:
        """One of the words in `choices`."""
        said = self.text(name, default).lower()
        if said not in choices and (said or default is not None):
            self.problem(name, f"expected one of {', '.join(choices)}, found {said!r}")
        return said if said in choices else choices[0]

    def decimal(
        self, name: str, default: Decimal | None = None, *, minimum: Decimal | int, maximum: Decimal | int
    ) -> Decimal:
        """An exact number of at most 12 decimals inside `[minimum, maximum]`."""
        plain = plain_number(self._mapping.get(name))
        if plain is not None and minimum <= plain <= maximum:
            self._read.add(name)
            return plain
        if (value := self._field(name, required=default is None)) is None:
            return default if default is not None else Decimal(minimum)
        number = self._number(name, value)
        if number is None:
            return Decimal(minimum)
        if _decimals(number) > _DECIMALS and _decimals(number.normalize(EXACT)) > _DECIMALS:
            self.problem(name, f"has more than {_DECIMALS} decimals: {value}")
        elif not minimum <= number <= maximum:
            self.problem(name, f"expected {minimum} to {maximum}, found {decimal_text(number)}")
        return number

    def whole(self, name: str, default: int | None = None, *, minimum: int, maximum: int) -> int:
        """A whole number inside `[minimum, maximum]`."""
        stand_in = Decimal(default) if default is not None else None
        before = len(self.problems)
        number = self.decimal(name, stand_in, minimum=minimum, maximum=maximum)
        if number != int(number) and len(self.problems) == before:
            self.problem(name, f"expected a whole number, found {number}")
        return int(number)

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false; as text also yes or no."""
        if (value := self._field(name, required=False)) is None:
            return default
        said = str(value).strip().lower()
        if said not in _TRUE | _FALSE:
            self.problem(name, f"expected true or false, found {_what(value)}")
        return said in _TRUE

    def on(self, name: str) -> date:
        """A date as in 2026-01-31."""
        value = self._field(name, required=True)
        if isinstance(value, date):
            return date(value.year, value.month, value.day)
        if value is not None:
            try:
                return date.fromisoformat(str(value).strip())
            except ValueError:
                self.problem(name, f"expected a date as in 2026-01-31, found {value!r}")
        return date.min

    def currency(self, name: str) -> str:
        """An ISO 4217 code with a minor unit."""
        code = self.text(name)
        if code and code not in EXPONENTS:
            self.problem(name, f"{code!r} is not an ISO 4217 currency with a minor unit")
        return code if code in EXPONENTS else "EUR"

    def section(self, name: str, *, required: bool = True) -> Reader:
        """A nested mapping; an optional one that is absent reads as empty."""
        value = self._field(name, required=required)
        return Reader({} if value is None else value, self.problems, self.at(name))

    def sections(self, name: str, *, required: bool = True) -> list[Reader]:
        """A list of mappings, with at least one item where required."""
        items = self._list(name, required=required)
        return [Reader(item, self.problems, f"{self.at(name)}[{i}]") for i, item in enumerate(items)]

    def items(self, name: str) -> Sequence[object]:
        """The items of a list as they stand, with at least one."""
        return self._list(name, required=True)

    def texts(self, name: str, default: Sequence[str] = (), *, pattern: str, shape: str) -> tuple[str, ...]:
        """A list of words."""
        if not self.has(name):
            return tuple(default)
        items = [str(item) for item in self._list(name, required=False)]
        for i, item in enumerate(items):
            if "\x00" in item:
                self.problem(f"{name}[{i}]", _NUL)
            elif not re.fullmatch(pattern, item):
                self.problem(f"{name}[{i}]", f"expected {shape}, found {item!r}")
        return tuple(items)

    def wholes(self, name: str, default: Sequence[int], *, minimum: int, maximum: int) -> tuple[int, ...]:
        """A list of whole numbers inside `[minimum, maximum]`."""
        if not self.has(name):
            return tuple(default)
        items = {f"{name}[{i}]": item for i, item in enumerate(self._list(name, required=False))}
        inner = Reader(items, self.problems, self.path)
        return tuple(inner.whole(item, minimum=minimum, maximum=maximum) for item in items)

    def names(self) -> tuple[str, ...]:
        """The names of all fields of this mapping, in their order."""
        return tuple(self._mapping)

    def is_mapping(self, name: str) -> bool:
        """Whether a field holds a mapping."""
        return isinstance(self._mapping.get(name), Mapping)

    def is_list(self, name: str) -> bool:
        """Whether a field holds a list."""
        return isinstance(self._mapping.get(name), list | tuple)

    def end(self) -> None:
        """Every field must have been read: a misspelt one is a problem, not a silent default."""
        for name in self._mapping:
            if name not in self._read:
                self.problem(name, f"unknown field; known here: {', '.join(sorted(self._read))}")

    def _field(self, name: str, *, required: bool) -> object:
        self._read.add(name)
        value = self._mapping.get(name)
        if not _is_nothing(value):
            return value
        if required:
            self.problem(name, "is missing")
        return None

    def _says_null(self, name: str) -> bool:
        self._read.add(name)
        return isinstance(value := self._mapping.get(name), str) and bool(value.strip()) and _is_nothing(value)

    def _list(self, name: str, *, required: bool) -> Sequence[object]:
        value = self._field(name, required=required)
        if value is None:
            return ()
        if isinstance(value, list | tuple):
            if required and not value:
                self.problem(name, "is empty")
            return value
        self.problem(name, f"expected a list, found {_what(value)}")
        return ()

    def _number(self, name: str, value: object) -> Decimal | None:
        if isinstance(value, Decimal) and value.is_finite():
            value = format(value, "f")
        if isinstance(value, str | int) and not isinstance(value, bool) and _NUMBER.fullmatch(str(value).strip()):
            return Decimal(str(value).strip())
        if isinstance(value, float):
            self.problem(name, 'a number with a fraction must be text, such as "0.10": a float is not exact')
        else:
            self.problem(name, f"expected a number, found {_what(value)}")
        return None


def _decimals(number: Decimal) -> int:
    return -int(number.as_tuple().exponent)


def _is_nothing(value: object) -> bool:
    return value is None or (isinstance(value, str) and value.strip().lower() in _NOTHING)


def _what(value: object) -> str:
    if isinstance(value, Mapping):
        return "fields by name"
    if isinstance(value, list | tuple):
        return "a list"
    return repr(value)
