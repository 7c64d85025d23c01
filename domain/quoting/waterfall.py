"""What several lines share is taken from them in one order, each part spread by largest remainder over what is left of them.

The order: group discounts, the header's discount, coupons as they were given, the partner's margin. Charges of a billing
period are one pool in each stretch; charges paid once are another. A percentage takes from both, an amount or a target
from what recurs, or from what is paid once where nothing recurs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from domain.discount import Discount, DiscountTooLarge, TargetAboveList, taken
from domain.money import spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Taker:
    """Something that takes a discount from several lines, into one part of their waterfall.

    `lines`: their indexes; `until`: the first billing period without it; `gentle`: takes what is left rather than refuse;
    `stated`: counts as a discount that people gave. `where` is its path in the draft.
    """

    part: str
    discount: Discount
    lines: frozenset[int]
    where: str
    until: int | None = None
    gentle: bool = False
    stated: bool = False
    in_period: bool = True  # what its amount or target is taken from: the charges of a period, or those paid once


@dataclass(slots=True)
class Fall:
    """One line on its way down: what is left of it, what was taken, and the shares taken from it, as stated."""

    left: int
    taken: dict[str, int] = field(default_factory=dict)
    shares: tuple[Fraction, ...] = ()
    percents: tuple[Fraction, ...] = ()


class Waterfall:
    """The takers of one offer, with the ratio that a target turned out to be in the first billing period."""

    def __init__(self, takers: Sequence[Taker], currency: str) -> None:
        self.takers = takers
        self.currency = currency
        self._ratios: dict[int, Fraction] = {}

    def over(self, nets: dict[int, int], *, from_period: int, in_period: bool) -> dict[int, Fall]:
        """The lines of one pool (their nets by index), after all takers. Raises DiscountTooLarge, TargetAboveList."""
        falls = {index: Fall(left=net) for index, net in nets.items()}
        for number, taker in enumerate(self.takers):
            ended = in_period and taker.until is not None and from_period >= taker.until
            by_percent = bool(taker.discount.percent)
            if ended or not (by_percent or taker.in_period == in_period):
                continue
            members = [index for index in falls if index in taker.lines]
            if members:
                self._take(number, taker, [falls[index] for index in members])
        return falls

    def _take(self, number: int, taker: Taker, falls: Sequence[Fall]) -> None:
        nets = [fall.left for fall in falls]
        whole = sum(nets)
        off, ratio = self._off(number, taker, whole)
        for fall, part in zip(falls, spread(off, nets), strict=True):
            fall.left -= part
            fall.taken[taker.part] = fall.taken.get(taker.part, 0) + part
            if taker.stated:
                fall.shares = (*fall.shares, ratio)
            if taker.discount.percent:
                fall.percents = (*fall.percents, ratio)

    def _off(self, number: int, taker: Taker, whole: int) -> tuple[int, Fraction]:
        """What is taken from the whole, rounded once, and its share as stated: a target's is that of its first period."""
        if number in self._ratios:
            ratio = self._ratios[number]
            return half_up(ratio * whole), ratio
        try:
            off, ratio = taken(whole, taker.discount, currency=self.currency)
        except DiscountTooLarge as error:
            if taker.gentle:
                return whole, Fraction(1)
            error.where = f"{taker.where}discount_amount"
            raise
        except TargetAboveList as error:
            error.where = f"{taker.where}target_amount"
            raise
        if taker.discount.target is not None:
            self._ratios[number] = ratio
        return off, ratio


def half_up(value: Fraction) -> int:
    """The nearest integer of what is not negative; a half goes up.

    >>> half_up(Fraction(5, 2)), half_up(Fraction(249, 100))
    (3, 2)
    """
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)
