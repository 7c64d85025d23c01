"""A price migration moves running contracts to the list prices of another price book: all else stays as it was agreed.

Quantities, terms, coupons and discounts stay as the signed version's draft states them: a percentage stays a percentage, an
amount an amount, a target a target. Promotions stay those that the old book gave on the day of pricing; the new book's are
for new sales, and so are its product rules. What past renewals raised falls away: the new list takes its place. Only periods
that are not billed yet change; one-time and milestone charges keep their price.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from domain.billing_plan import has_arrears, plan
from domain.coupon import Coupon
from domain.document import content_hash
from domain.errors import Invalid
from domain.price_book import PriceBook, parse, to_mapping
from domain.quote import price, uplifted
from domain.quote_draft import Draft
from domain.quote_version import PricedQuote, UnknownAlternative, content, offer
from domain.quoting.priced import PER_PERIOD, USAGE


@dataclass(kw_only=True, eq=False)
class MigrationCurrencyMismatch(Invalid):
    """A price book in another currency than the one it is to take the place of."""

    found: str
    expected: str
    hint: str = "move contracts to a price book in their own currency"


@dataclass(kw_only=True, eq=False)
class MigrationChangesBilling(Invalid):
    """A charge that the new book bills in another way than was agreed: once instead of by period, or what it never did."""

    product: str
    charge: str
    agreed: str
    found: str
    hint: str = "agree on it with a new quote: a migration changes prices alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What the running term of a contract was priced from.

    `content` is that of its quote version, `alternative` the offer of it that holds; `draft` is what was asked for, by
    its version or, if that is `renewed`, by the one that began the contract, on the day `priced_on`; `chosen` is the
    offer of it that was picked. `book` is the price book of that day, `coupons` those of the deal, by code.
    """

    content: Mapping[str, object]
    draft: Mapping[str, object]
    priced_on: date
    book: Mapping[str, object]
    coupons: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    alternative: str = ""
    chosen: str = ""
    renewed: bool = False

    @property
    def quote(self) -> PricedQuote:
        """The offer that holds now."""
        return offer(self.content, self.alternative)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a contract pays before and after, net in minor units: in its next unbilled period, and in all that are left."""

    before_minor: int
    after_minor: int
    rest_before_minor: int
    rest_after_minor: int


def repriced(running: Running, book: PriceBook) -> PricedQuote:
    """The running offer at the list prices of `book`.

    Raises MigrationCurrencyMismatch, MigrationChangesBilling, UnknownAlternative, and what `quote.price` raises where the book does not sell what the
    contract has: UnknownProduct, UnknownCharge, the quantity errors, DiscountTooLarge.
    """
    now = running.quote
    if book.currency != now.currency:
        raise MigrationCurrencyMismatch(where="to", found=book.currency, expected=now.currency)
    asked = dict(Draft.parse(running.draft).offers())
    if running.chosen not in asked:
        raise UnknownAlternative(alternative=running.chosen, offered=tuple(asked))
    found = price(
        replace(asked[running.chosen], price_book=book.name, price_book_version=None),
        _prices_alone(book, parse(running.book)),
        on=running.priced_on,
        coupons={code: Coupon.parse(each) for code, each in running.coupons.items()},
        segment=now.segment,
        entity=now.entity,
    )
    if running.renewed:  # in the shape that a renewal has, without raising anything
        found = uplifted(content(found), Decimal(0))
    _refuse_other_billing(now, found)
    return replace(found, price_book_hash=content_hash(to_mapping(book)))


def _prices_alone(book: PriceBook, old: PriceBook) -> PriceBook:
    """The new list prices, billed as before, with the promotions of the old book: all else is for new sales."""
    agreed = {(product.id, charge.id): charge.timing for product in old.products for charge in product.charges}
    products = tuple(
        replace(
            product,
            charges=tuple(
                replace(charge, timing=agreed.get((product.id, charge.id), charge.timing)) for charge in product.charges
            ),
        )
        for product in book.products
    )
    return replace(
        book,
        products=products,
        valid_from=old.valid_from,
        valid_to=old.valid_to,
        segments=(),
        entities=(),
        rules=(),
        promotions=old.promotions,
    )


def _refuse_other_billing(before: PricedQuote, after: PricedQuote) -> None:
    """A line stays of its kind, and what is billed in arrears was so: the contract counts its bills by that."""
    agreed = {line.line_no: line for line in before.lines}
    late = has_arrears(plan(before))
    for line in after.lines:
        was, is_ = agreed[line.line_no].kind, line.kind
        if is_ == USAGE and not late and has_arrears(plan(replace(after, lines=(line,)))):
            was, is_ = "usage without a commitment", "usage with one"
        if was != is_:
            raise MigrationChangesBilling(
                where=f"lines[{line.line_no - 1}].charge",
                product=line.product,
                charge=line.charge,
                agreed=was,
                found=is_,
            )


def difference(before: PricedQuote, after: PricedQuote, *, from_period: int) -> Difference:
    """What two offers of one term come to in the periods from number `from_period` (from 0) on, for what recurs.

    A line that starts inside the term counts with whole periods. From the last period on nothing is left: all zero.
    """
    was, will = _per_period(before), _per_period(after)
    return Difference(
        before_minor=sum(was[from_period : from_period + 1]),
        after_minor=sum(will[from_period : from_period + 1]),
        rest_before_minor=sum(was[from_period:]),
        rest_after_minor=sum(will[from_period:]),
    )


def _per_period(quote: PricedQuote) -> list[int]:
    periods = quote.terms.periods
    net = [0] * periods
    for line in quote.lines:
        if line.kind in PER_PERIOD:
            for segment in line.stretches(periods):
                for number in range(segment.from_period, min(segment.to_period, periods)):
                    net[number] += segment.net_minor
    return net
