"""Every refusal of the rules is a DomainError: a stable type (its class name), one kind, where, how to mend, typed facts.

Each error is declared in the file of the rule that raises it; the tree, with the kind of each branch:

    DomainError
    ├── Invalid (kind invalid: the thing said is wrong in itself)
    │   ├── InvalidDocument (carries every problem with its path)
    │   │   ├── PriceBookInvalid      price_book.py
    │   │   ├── UsageInvalid          usage.py
    │   │   ├── DraftInvalid          quote_draft.py
    │   │   ├── ConfigurationBroken   configuration.py
    │   │   ├── CouponInvalid         coupon.py
    │   │   ├── MatrixInvalid         approving/policy.py
    │   │   ├── CalendarsInvalid      approving/calendar.py
    │   │   └── DunningPolicyInvalid  dunning_policy.py
    │   ├── UnknownCurrency, CurrencyMismatch, AmountOutOfRange, NothingToSpreadOver    money.py
    │   ├── DateOutOfRange, UnknownZone, NaiveInstant, PeriodEmpty                      calendar.py
    │   ├── QuantityNegative, QuantityAbsurd, QuantityOutOfBounds, MonthsDoNotFit       pricing.py
    │   ├── QuantityBeyondTiers, PeakBeyondTiers, NoPriceForProperties, PropertyMissing rating/
    │   ├── PeriodMissing         usage.py
    │   ├── DiscountNegative, DiscountTooLarge, DiscountTwice, TargetAboveList          discount.py
    │   ├── LineDoesNotFit        quoting/asked.py
    │   ├── UnknownAlternative    quoting/alternative.py
    │   ├── UnknownCoupon         coupon.py
    │   ├── UnknownProduct, UnknownCharge                                               price_book.py
    │   ├── QuoteCurrencyMismatch, QuoteBookMismatch, UpliftOutOfRange                  quote.py
    │   ├── MigrationCurrencyMismatch, MigrationChangesBilling                          price_migration.py
    │   ├── TaxRateOutOfRange     tax.py
    │   ├── UnknownVerb           approving/machine.py
    │   ├── NeverOpen             approving/calendar.py
    │   ├── InvoiceEmpty          invoice.py
    │   └── EntryUnbalanced, EntryEmpty, ReceiptNotPositive                             ledger.py
    ├── Conflict (kind conflict: right in itself, but not now)
    │   ├── CouponOutOfDate, CouponDoesNotFit, CouponUsedUp, CouponForFirstOrder        coupon.py
    │   ├── PriceBookNotYetValid, PriceBookOutOfDate, PriceBookNotForAccount            quote.py
    │   ├── SupersededVersion, NothingToDecide, AlreadyDecided                          approving/machine.py
    │   └── TooManyToAskAll       approving/asking.py
    ├── NotFound (kind not_found)
    └── Forbidden (kind forbidden: right, but not by this person)
        └── OwnDeal, WrongGroup, DelegationRefused                                      approving/machine.py
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar


class Kind(StrEnum):
    """What a caller can do about a refusal; the API turns each into one HTTP status."""

    INVALID = "invalid"
    CONFLICT = "conflict"
    NOT_FOUND = "not_found"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a document: `path` as in `products[2].charges[0].tiers[1].up_to`, `message` in plain words."""

    path: str
    message: str


@dataclass(kw_only=True, eq=False)
class DomainError(Exception):
    """A refusal: `where` is a path or field ('' = the whole), `hint` says how to mend it; other fields are its facts.

    >>> @dataclass(kw_only=True, eq=False)
    ... class QuoteExpired(Conflict):
    ...     expired_on: date
    >>> str(QuoteExpired(expired_on=date(2026, 1, 31)))
    'quote expired (expired_on 2026-01-31)'
    """

    kind: ClassVar[Kind] = Kind.INVALID

    where: str = ""
    hint: str = ""

    @property
    def type(self) -> str:
        """The stable type of this refusal, for callers to switch on: the class name."""
        return self.__class__.__name__

    @property
    def facts(self) -> dict[str, object]:
        """The typed facts of this refusal, in the order of their declaration."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in {"where", "hint"}}

    @property
    def text(self) -> str:
        """What was wrong in one line; by default the class name in words and its facts. Override for a better one."""
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", self.type).lower()
        facts = ", ".join(f"{name} {plain(value)}" for name, value in self.facts.items())
        return f"{words} ({facts})" if facts else words

    def __str__(self) -> str:
        return f"{self.where}: {self.text}" if self.where else self.text

    def to_mapping(self) -> dict[str, object]:
        """Type, kind, text, where, hint and facts as plain JSON values (decimals and dates as strings)."""
        return {
            "type": self.type,
            "kind": self.kind.value,
            "text": self.text,
            "where": self.where,
            "hint": self.hint,
            "facts": {name: plain(value) for name, value in self.facts.items()},
        }


def plain(value: object) -> object:
    """A fact as a plain JSON value: decimals, dates and other values as strings, sequences as lists.

    >>> plain((Decimal("1.50"), date(2026, 1, 31), 3))
    ['1.50', '2026-01-31', 3]
    """
    if value is None or (isinstance(value, bool | int | str) and not isinstance(value, StrEnum)):
        return value
    if isinstance(value, Problem):
        return {"path": value.path, "message": value.message}
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value)


class Invalid(DomainError):
    """What was said is wrong in itself; the same again will be refused again."""

    kind = Kind.INVALID


class Conflict(DomainError):
    """What was said is right in itself, but does not fit the present state."""

    kind = Kind.CONFLICT


class NotFound(DomainError):
    """What was named does not exist."""

    kind = Kind.NOT_FOUND


class Forbidden(DomainError):
    """What was asked exists and fits, but not for the one who asks."""

    kind = Kind.FORBIDDEN


@dataclass(kw_only=True, eq=False)
class InvalidDocument(Invalid):
    """A document (price book, draft, policy) with all that is wrong in it, not only the first thing."""

    problems: tuple[Problem, ...]

    @property
    def text(self) -> str:
        return "; ".join(f"{p.path}: {p.message}" if p.path else p.message for p in self.problems)
