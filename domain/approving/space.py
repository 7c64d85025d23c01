"""The facts a policy can tell apart, cell by cell: between two limits nothing it says can change, so one point speaks for all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import combinations, pairwise, product
from math import prod

from domain.approving.condition import (
    AMOUNTS,
    EVERY_CURRENCY,
    FLAGS,
    LISTS,
    NUMBERS,
    Node,
    Sheet,
    Test,
    Value,
    tests,
)
from domain.money import EXPONENTS, to_minor

MOST_CELLS = 20_000
MOST_WORDS = 10
FRACTIONS = frozenset({"discount_percent", "margin_percent"})  # the other numbers are whole
MAYBE_UNKNOWN = frozenset({"margin_percent"})  # where no cost is known; all else is known of every version
OTHER = "(other)"


def cells(nodes: Iterable[Node]) -> Iterator[Sheet] | None:
    """A version of every kind that these conditions can tell apart; None where there are too many to look at.

    >>> over = Test("discount_percent", "over", ((EVERY_CURRENCY, Decimal(10)),))
    >>> [str(sheet["discount_percent"]) for sheet in cells([over])]
    ['0', '5', '10', '55', '100']
    """
    found = [test for node in nodes for test in tests(node)]
    worlds = [_axes(found, currency) for currency in _currencies(found)]
    if sum(prod(len(points) for points in axes.values()) for axes in worlds) > MOST_CELLS:
        return None
    return (dict(zip(axes, row, strict=True)) for axes in worlds for row in product(*axes.values()))


def points(found: Sequence[Test], fact: str, currency: str) -> tuple[Value, ...]:
    """The values of one fact that are worth a look, in order."""
    own = [test for test in found if test.fact == fact]
    if fact in AMOUNTS:
        tables = [dict(test.limits) for test in own]
        limits = {table.get(currency, table.get(EVERY_CURRENCY)) for table in tables}
        minors = {to_minor(limit, currency) for limit in limits if limit is not None}
        return tuple(sorted({0, *(minor + step for minor in minors for step in (-1, 0, 1) if minor + step >= 0)}))
    if fact in FLAGS:
        return (False, True)
    counts = {test.limits[0][1] for test in own if test.limits}
    if fact in LISTS and any(test.words for test in own):
        return _lists(own, sorted(counts))
    if fact in NUMBERS:
        return _numbers(fact, counts)
    return (*_representatives(own), OTHER)


def _representatives(own: Sequence[Test]) -> tuple[str, ...]:
    """One word of each kind: words that the same tests name are told apart by none of them."""
    kinds: dict[tuple[bool, ...], str] = {}
    for word in dict.fromkeys(word for test in own for word in test.words):
        kinds.setdefault(tuple(word in test.words for test in own), word)
    return tuple(kinds.values())


def _lists(own: Sequence[Test], counts: Sequence[Decimal]) -> tuple[Value, ...]:
    """Every set of words, alone and filled up to each limit of how many there may be, and one more."""
    words = _representatives(own)
    if len(words) > MOST_WORDS:
        return (OTHER,) * (MOST_CELLS + 1)
    sets = [each for size in range(len(words) + 1) for each in combinations(words, size)]
    found = dict.fromkeys(sets)
    for count in counts:
        for each, more in product(sets, (0, 1)):
            found[(*each, *(f"{OTHER} {n}" for n in range(int(count) + more - len(each))))] = None
    return tuple(found)


def _numbers(fact: str, limits: set[Decimal]) -> tuple[Value, ...]:
    _, _, least, most = NUMBERS[fact]
    bounds = sorted({Decimal(least), *limits, Decimal(most)})
    if fact in FRACTIONS:
        between = {(one + other) / 2 for one, other in pairwise(bounds)}
    else:
        between = {bound + step for bound in bounds for step in (-1, 1)}
    unknown = (None,) if fact in MAYBE_UNKNOWN else ()
    return (*unknown, *sorted(value for value in {*bounds, *between} if least <= value <= most))


def _axes(found: Sequence[Test], currency: str) -> dict[str, tuple[Value, ...]]:
    facts = dict.fromkeys(test.fact for test in found if test.fact != "currency")
    axes = {f"{fact}_minor" if fact in AMOUNTS else fact: points(found, fact, currency) for fact in facts}
    return {**axes, "currency": (currency,)}


def _currencies(found: Sequence[Test]) -> tuple[str, ...]:
    """Every currency that is named, and one that is not."""
    named = {code for test in found for code, _ in test.limits if code != EVERY_CURRENCY and test.fact in AMOUNTS}
    named |= {word for test in found if test.fact == "currency" for word in test.words if word in EXPONENTS}
    other = next(code for code in ("EUR", *sorted(EXPONENTS)) if code not in named)
    return (*sorted(named), other)
