"""A ramp is stretches of whole billing periods; where any line or offer changes, all lines are priced anew, and equal neighbours joined."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from domain.quoting.draft_line import DraftLine, Stretch
from domain.quoting.priced import PricedSegment


def stretches(line: DraftLine, interval_months: int) -> tuple[tuple[int, Stretch], ...]:
    """The stretches of a line with the billing period at which each begins; a plain line is one stretch."""
    if not line.ramp:
        return ((0, Stretch(months=0, quantity=line.quantity, discount=line.discount)),)
    found = []
    begins = 0
    for stretch in line.ramp:
        found.append((begins, stretch))
        begins += stretch.months // interval_months
    return tuple(found)


def cut(periods: int, at: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """The term cut at the periods where something changes, half-open.

    >>> cut(36, [12, 24, 12, 0, 48])
    ((0, 12), (12, 24), (24, 36))
    """
    bounds = sorted({0, periods, *(each for each in at if 0 < each < periods)})
    return tuple(pairwise(bounds))


def joined(segments: Sequence[PricedSegment]) -> tuple[PricedSegment, ...]:
    """Neighbours that say the same are one."""
    found: list[PricedSegment] = []
    for segment in segments:
        last = found[-1] if found else None
        # what differs mostly differs in its net: the whole is compared only where that does not
        if (
            last
            and last.net_minor == segment.net_minor
            and replace(segment, from_period=last.from_period) == replace(last, to_period=segment.to_period)
        ):
            found[-1] = replace(last, to_period=segment.to_period)
        else:
            found.append(segment)
    return tuple(found)
