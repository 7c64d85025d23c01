"""A coupon is a discount that a customer brings: a code with its dates and limits, each on what the one before left.

As a document:

    code: SPRING-20
    percent: "20"              # or amount and currency: major units per billing period
    valid_from: 2026-03-01     # at once unless said
    valid_to: 2026-06-01       # the first day without it; open unless said
    products: [seats]          # every product unless said
    minimum_amount: "500"      # of the lines it is for, after promotions and their own discounts, in the first billing
                               # period (needs currency); nothing unless said
    periods: 3                 # how many billing periods it lasts; the whole term unless said
    total_uses: 100            # by all deals; open unless said
    account_uses: 1            # by all deals of one account; open unless said
    first_order_only: true     # only for accounts without a contract; false unless said

Dates, currency, products and the minimum are checked as the quote is priced (`price`), uses and orders as it is redeemed
(`redeem`), by whoever can count them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.document import Reader, decimal_text
from domain.errors import Conflict, Invalid, InvalidDocument, Problem
from domain.money import LARGEST_MINOR, from_minor, minor_units

CODE = r"[A-Z0-9][A-Z0-9_-]{0,39}"
ID = r"[a-z0-9][a-z0-9_.-]{0,63}"
ID_SHAPE = "lower-case letters, digits, _ . -"
MOST_USES = 10**9
MOST_PERIODS = 120


class CouponInvalid(InvalidDocument):
    """A coupon with problems, each with its path."""


@dataclass(kw_only=True, eq=False)
class UnknownCoupon(Invalid):
    """A code that nobody issued."""

    code: str
    hint: str = "check the code, or leave it off"


@dataclass(kw_only=True, eq=False)
class CouponOutOfDate(Conflict):
    """A coupon before its first or after its last day."""

    code: str
    valid_from: date | None
    valid_to: date | None
    on: date
    hint: str = "leave the coupon off, or ask for one that is valid on that day"


@dataclass(kw_only=True, eq=False)
class CouponDoesNotFit(Conflict):
    """A coupon in another currency, for none of the lines, or for more than they come to."""

    code: str
    why: str
    hint: str = "leave the coupon off, or change the lines so that it fits"


@dataclass(kw_only=True, eq=False)
class CouponUsedUp(Conflict):
    """A coupon that has been taken as often as it may be, by all or by this account."""

    code: str
    uses: int
    limit: int
    by: str
    hint: str = "leave the coupon off"


@dataclass(kw_only=True, eq=False)
class CouponForFirstOrder(Conflict):
    """A coupon for new accounts, for one that has a contract."""

    code: str
    hint: str = "leave the coupon off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupon:
    """A percentage, or an amount of major units per billing period in one currency. `valid_to`: the first day without it."""

    code: str
    percent: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    currency: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    products: tuple[str, ...] = ()
    minimum_amount: Decimal = Decimal(0)
    periods: int | None = None
    total_uses: int | None = None
    account_uses: int | None = None
    first_order_only: bool = False

    @classmethod
    def parse(cls, mapping: Mapping[str, object]) -> Coupon:
        """Read a coupon; raises CouponInvalid with every problem in it.

        >>> Coupon.parse({"code": "SPRING-20", "amount": "5"})
        Traceback (most recent call last):
        domain.coupon.CouponInvalid: currency: is missing: an amount is of a currency
        """
        problems: list[Problem] = []
        reader = Reader(mapping, problems)
        coupon = cls(
            code=reader.text("code", pattern=CODE, shape="capitals, digits, _ and -"),
            percent=reader.decimal("percent", Decimal(0), minimum=0, maximum=100),
            amount=reader.decimal("amount", Decimal(0), minimum=0, maximum=LARGEST_MINOR),
            currency=reader.currency("currency") if reader.has("currency") else "",
            valid_from=reader.on("valid_from") if reader.has("valid_from") else None,
            valid_to=reader.on("valid_to") if reader.has("valid_to") else None,
            products=reader.texts("products", pattern=ID, shape=ID_SHAPE),
            minimum_amount=reader.decimal("minimum_amount", Decimal(0), minimum=0, maximum=LARGEST_MINOR),
            periods=_limit(reader, "periods", MOST_PERIODS),
            total_uses=_limit(reader, "total_uses", MOST_USES),
            account_uses=_limit(reader, "account_uses", MOST_USES),
            first_order_only=reader.flag("first_order_only", default=False),
        )
        reader.end()
        _check_document(coupon, reader)
        if problems:
            raise CouponInvalid(problems=tuple(problems))
        return coupon

    def to_mapping(self) -> dict[str, object]:
        """The coupon as a plain document, only with what it says."""
        mapping: dict[str, object] = {"code": self.code}
        for name in ("percent", "amount", "minimum_amount"):
            if value := getattr(self, name):
                mapping[name] = decimal_text(value)
        for name in ("valid_from", "valid_to"):
            if (on := getattr(self, name)) is not None:
                mapping[name] = on.isoformat()
        for name in ("currency", "periods", "total_uses", "account_uses", "first_order_only"):
            if value := getattr(self, name):
                mapping[name] = value
        return mapping | ({"products": list(self.products)} if self.products else {})

    def applies_to(self, product: str) -> bool:
        """Whether it takes anything from lines of this product."""
        return not self.products or product in self.products


def check(coupon: Coupon, *, on: date, currency: str, first_period_minor: int | None) -> None:
    """Whether a coupon may be taken on a day from lines that come to so much per first period (None: it fits no line).

    Raises CouponOutOfDate, CouponDoesNotFit.
    """
    if (coupon.valid_from and on < coupon.valid_from) or (coupon.valid_to and on >= coupon.valid_to):
        raise CouponOutOfDate(code=coupon.code, valid_from=coupon.valid_from, valid_to=coupon.valid_to, on=on)
    if coupon.currency and coupon.currency != currency:
        raise CouponDoesNotFit(code=coupon.code, why=f"it is in {coupon.currency}, the quote in {currency}")
    if first_period_minor is None:
        raise CouponDoesNotFit(code=coupon.code, why=f"it is for {', '.join(coupon.products)} only")
    if first_period_minor < minor_units(coupon.minimum_amount, currency):
        found = from_minor(first_period_minor, currency)
        why = f"it is for {decimal_text(coupon.minimum_amount)} {currency} or more per period, found {found}"
        raise CouponDoesNotFit(code=coupon.code, why=why)


def redeem(coupon: Coupon, *, uses: int, account_uses: int, first_order: bool) -> None:
    """Whether one more deal may take a coupon that so many others (of all, of this account) have taken.

    Raises CouponUsedUp, CouponForFirstOrder.

    >>> redeem(Coupon(code="ONCE", percent=Decimal(5), account_uses=1), uses=7, account_uses=1, first_order=False)
    Traceback (most recent call last):
    domain.coupon.CouponUsedUp: coupon used up (code ONCE, uses 1, limit 1, by this account)
    """
    if coupon.first_order_only and not first_order:
        raise CouponForFirstOrder(code=coupon.code)
    for count, limit, by in ((uses, coupon.total_uses, "all"), (account_uses, coupon.account_uses, "this account")):
        if limit is not None and count >= limit:
            raise CouponUsedUp(code=coupon.code, uses=count, limit=limit, by=by)


def _limit(reader: Reader, name: str, most: int) -> int | None:
    return reader.whole(name, minimum=1, maximum=most) if reader.has(name) else None


def _check_document(coupon: Coupon, reader: Reader) -> None:
    if bool(coupon.percent) == bool(coupon.amount):
        reader.problem("percent", "give percent or amount, one of them")
    if not coupon.currency and (coupon.amount or coupon.minimum_amount):
        reader.problem("currency", "is missing: an amount is of a currency")
    if coupon.valid_from and coupon.valid_to and coupon.valid_to <= coupon.valid_from:
        reader.problem("valid_to", f"is not after {coupon.valid_from}")
