"""An amount is an integer of minor units of one ISO 4217 currency; it is rounded here only, half up, and split without losing a cent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import (
    ROUND_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
    localcontext,
)
from fractions import Fraction
from functools import total_ordering
from math import lcm

from domain.errors import Invalid

# ISO 4217, list one: what has a minor unit. Precious metals, test codes and units of account have none and bill nothing.
# ANG (to 2025) and BGN (to 2025) stay: contracts and invoices in them live on.
_EXPONENTS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF "
    "CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR "
    "ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR "
    "MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN "
    "SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
EXPONENTS: dict[str, int] = {code: digits for digits, codes in _EXPONENTS.items() for code in codes.split()}

LARGEST_MINOR = 2**63 - 1  # BIGINT
_NEAR = (Decimal(0), Decimal("0.25"), Decimal("0.5"), Decimal("0.75"))

# 200 digits, and an error rather than a rounding
EXACT = Context(prec=200, rounding=ROUND_HALF_UP, traps=[InvalidOperation, DivisionByZero, Overflow, Inexact])


@dataclass(kw_only=True, eq=False)
class UnknownCurrency(Invalid):
    """A code that ISO 4217 does not list with a minor unit."""

    code: str
    hint: str = "use an ISO 4217 code in capitals, such as EUR"


@dataclass(kw_only=True, eq=False)
class CurrencyMismatch(Invalid):
    """Two currencies met; amounts are never converted on the way."""

    left: str
    right: str
    hint: str = "use one currency"


@dataclass(kw_only=True, eq=False)
class AmountOutOfRange(Invalid):
    """An amount that no invoice can hold (more than 2**63 - 1 minor units)."""

    minor: int
    hint: str = "check the quantity and the price"


@dataclass(kw_only=True, eq=False)
class NothingToSpreadOver(Invalid):
    """An amount to be split over no parts, or over weights that cancel out."""

    minor: int


@contextmanager
def exact() -> Iterator[None]:
    """Decimal arithmetic of 200 digits that raises rather than rounds: only `round_half_up` rounds money."""
    with localcontext(EXACT):
        yield


def exponent(code: str) -> int:
    """The number of decimals of a currency. Raises UnknownCurrency.

    >>> exponent("JPY"), exponent("EUR"), exponent("BHD"), exponent("CLF")
    (0, 2, 3, 4)
    """
    try:
        return EXPONENTS[code]
    except (KeyError, TypeError):
        raise UnknownCurrency(code=str(code)) from None


def round_half_up(value: Decimal) -> int:
    """The nearest integer; a half goes away from zero.

    >>> round_half_up(Decimal("2.5")), round_half_up(Decimal("-2.5")), round_half_up(Decimal("2.4999"))
    (3, -3, 2)
    """
    return int(value.to_integral_value(rounding=ROUND_HALF_UP))


ROUNDINGS = {"half_up": ROUND_HALF_UP, "half_even": ROUND_HALF_EVEN, "up": ROUND_UP, "down": ROUND_DOWN}


def round_to(value: Decimal, divisor: Decimal, decimals: int, rounding: str) -> Decimal:
    """`value / divisor` to a number of decimals by a named rounding (`up` and `down`: from and towards zero), exactly once.

    >>> round_to(Decimal(121), Decimal(100), 0, "up"), round_to(Decimal(5), Decimal(2), 0, "half_even")
    (Decimal('2'), Decimal('2'))
    >>> round_to(Decimal(1), Decimal(3), 4, "half_up")
    Decimal('0.3333')
    """
    scaled = Fraction(value) / Fraction(divisor) * 10**decimals
    below = scaled.numerator // scaled.denominator
    rest = scaled - below
    # a quarter and three quarters stand for all that lies before and behind the half
    near = EXACT.add(Decimal(below), _NEAR[(rest > 0) + (2 * rest >= 1) + (2 * rest > 1)])
    return near.to_integral_value(rounding=ROUNDINGS[rounding]).scaleb(-decimals, context=EXACT)


def minor_units(major: Decimal, currency: str) -> Decimal:
    """Major units as minor units, not rounded. Raises UnknownCurrency.

    >>> minor_units(Decimal("0.000002"), "USD")
    Decimal('0.0002')
    """
    return major.scaleb(exponent(currency), context=EXACT)


def to_minor(major: Decimal, currency: str) -> int:
    """Major units as whole minor units, half up. Raises UnknownCurrency.

    >>> to_minor(Decimal("12.345"), "EUR"), to_minor(Decimal("12.5"), "JPY")
    (1235, 13)
    """
    return round_half_up(minor_units(major, currency))


def from_minor(minor: int, currency: str) -> Decimal:
    """Minor units as exact major units with the currency's decimals. Raises UnknownCurrency.

    >>> from_minor(123450, "EUR")
    Decimal('1234.50')
    """
    return Decimal(minor).scaleb(-exponent(currency), context=EXACT)


def spread(minor: int, weights: Sequence[int | Decimal]) -> tuple[int, ...]:
    """Split by weight so that the parts sum to the whole: largest remainder, a tie to the earlier part.

    Weights that are all zero count as equal. A part of weight zero beside others gets nothing. The split of a negative
    amount mirrors that of the positive one. Raises NothingToSpreadOver for no weights, or weights that cancel out.

    >>> spread(100, [1, 1, 1]), spread(-100, [1, 1, 1]), spread(5, [0, 0])
    ((34, 33, 33), (-34, -33, -33), (3, 2))
    """
    if minor < 0:
        return tuple(-part for part in spread(-minor, weights))
    exact_weights = _whole(weights)
    if not any(exact_weights):
        exact_weights = [1] * len(exact_weights)
    whole = sum(exact_weights)
    if not whole:
        if not minor:
            return (0,) * len(exact_weights)
        raise NothingToSpreadOver(minor=minor)
    parts = [minor * weight // whole for weight in exact_weights]
    remainders = [minor * weight % whole for weight in exact_weights]  # of the sign of the whole
    by_remainder = sorted(range(len(parts)), key=[abs(each) for each in remainders].__getitem__, reverse=True)
    for i in by_remainder[: minor - sum(parts)]:  # stable, also in reverse: a tie keeps the order
        parts[i] += 1
    return tuple(parts)


def _whole(weights: Sequence[int | Decimal]) -> list[int]:
    """The weights as whole numbers in the same proportions."""
    if all(type(weight) is int for weight in weights):
        return [int(weight) for weight in weights]
    fractions = [Fraction(weight) for weight in weights]
    scale = lcm(*(each.denominator for each in fractions))
    return [each.numerator * (scale // each.denominator) for each in fractions]


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """`minor` units of `currency`. Adding or comparing another currency raises CurrencyMismatch.

    >>> Money(1000, "EUR") + Money(250, "EUR")
    Money(minor=1250, currency='EUR')
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"minor units are an int, not {type(self.minor).__name__}")
        exponent(self.currency)
        if abs(self.minor) > LARGEST_MINOR:
            raise AmountOutOfRange(minor=self.minor)

    @classmethod
    def of(cls, major: Decimal, currency: str) -> Money:
        """From major units, half up.

        >>> Money.of(Decimal("0.005"), "USD")
        Money(minor=1, currency='USD')
        """
        return cls(to_minor(major, currency), currency)

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other).minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other).minor

    def __bool__(self) -> bool:
        return self.minor != 0

    def __str__(self) -> str:
        return text(self)

    def times(self, rate: Decimal) -> Money:
        """This amount times a rate, rounded once, half up.

        >>> Money(1999, "EUR").times(Decimal("0.19"))
        Money(minor=380, currency='EUR')
        """
        return Money(round_half_up(EXACT.multiply(Decimal(self.minor), rate)), self.currency)

    def allocate(self, weights: Sequence[int | Decimal]) -> tuple[Money, ...]:
        """Split by weight; the parts sum to the whole (see `spread`).

        >>> [part.minor for part in Money(1001, "EUR").allocate([1, 1])]
        [501, 500]
        """
        return tuple(Money(part, self.currency) for part in spread(self.minor, weights))

    def _same(self, other: Money) -> Money:
        if not isinstance(other, Money):
            raise TypeError(f"an amount meets an amount, not {type(other).__name__}")
        if other.currency != self.currency:
            raise CurrencyMismatch(left=self.currency, right=other.currency)
        return other


def text(money: Money) -> str:
    """An amount as plain text, thousands grouped.

    >>> text(Money(-123450, "EUR")), text(Money(1234567, "JPY"))
    ('-1,234.50 EUR', '1,234,567 JPY')
    """
    return f"{from_minor(money.minor, money.currency):,f} {money.currency}"
