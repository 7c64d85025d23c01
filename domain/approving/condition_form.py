"""How a condition is written in a document: one field per fact and kind of limit, with any, all and not around them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from domain.approving.condition import (
    AMOUNTS,
    EVERY_CURRENCY,
    FLAGS,
    LISTS,
    NUMBERS,
    WORDS,
    All,
    Any,
    Node,
    Not,
    Test,
)
from domain.document import Reader
from domain.money import EXPONENTS

LARGEST = 10**12  # of an amount in major units
WORD = r"[^|\n]{1,100}"  # `|` parts the items of a list where facts are kept as text
NAMED = {f"{name.removesuffix('s') if name in LISTS else name}_in": name for name in (*LISTS, *WORDS)}  # product_in, …


def read(reader: Reader) -> Node:
    """A condition from its fields; what stands beside each other must all hold. Problems go to the reader."""
    parts: list[Node] = [*_numbers(reader), *_amounts(reader), *_words(reader)]
    for name in ("any", "all"):
        if reader.has(name):
            inner = tuple(read(each) for each in reader.sections(name))
            parts.append(Any(inner) if name == "any" else All(inner))
    if reader.has("not"):
        parts.append(Not(read(reader.section("not"))))
    reader.end()
    return All(tuple(parts))


def _numbers(reader: Reader) -> Iterable[Node]:
    for fact, (_, _, least, most) in NUMBERS.items():
        for kind in ("over", "below"):
            if reader.has(name := f"{fact}_{kind}"):
                yield Test(fact, kind, ((EVERY_CURRENCY, _limit(reader, name, least, most)),))


def _limit(reader: Reader, name: str, least: int, most: int) -> Decimal:
    if name.startswith("clauses_"):  # so many whole ones
        return Decimal(reader.whole(name, minimum=least, maximum=most))
    return reader.decimal(name, minimum=least, maximum=most)


def _amounts(reader: Reader) -> Iterable[Node]:
    for fact in AMOUNTS:
        for kind in ("over", "below"):
            if not reader.has(name := f"{fact}_{kind}"):
                continue
            if not reader.is_mapping(name):
                yield Test(fact, kind, ((EVERY_CURRENCY, reader.decimal(name, minimum=0, maximum=LARGEST)),))
                continue
            table = reader.section(name)
            for code in table.names():
                if code != EVERY_CURRENCY and code not in EXPONENTS:
                    table.problem(code, f"{code!r} is not an ISO 4217 currency with a minor unit")
            limits = ((code, table.decimal(code, minimum=0, maximum=LARGEST)) for code in table.names())
            yield Test(fact, kind, tuple(limits))


def _words(reader: Reader) -> Iterable[Node]:
    for fact in FLAGS:
        if reader.has(fact):
            yield Test(fact, "is", flag=reader.flag(fact, default=True))
    for name, fact in NAMED.items():
        if reader.has(name):
            words = reader.texts(name, pattern=WORD, shape="a word")
            if not words:
                reader.problem(name, "is empty")
            yield Test(fact, "in", words=words)
