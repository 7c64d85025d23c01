"""A draft is priced from a price book into an offer or several, or an offer is uplifted for its renewal; each line rounds once.

Waterfall of a line: list → promotion → its own discount → its group's → the header's → coupons → partner margin → net. What
lines share is spread over them, in every billing period, by largest remainder. Where a ramp or a coupon changes anything,
the other lines may split into segments that differ by a cent: so every period's parts sum to its whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from domain.configuration import refuse_broken
from domain.coupon import Coupon
from domain.document import content_hash
from domain.errors import Conflict, DomainError, Invalid, InvalidDocument, Problem
from domain.money import exact, round_half_up, round_to
from domain.price_book import PriceBook, to_mapping
from domain.quote_draft import Draft, DraftInvalid, DraftLine, QuoteTerms
from domain.quote_version import (
    PricedLine,
    PricedQuote,
    QuoteOffers,
    Totals,
    UnknownAlternative,
    content,
    from_content,
    offer,
    offers,
    totals,
)
from domain.quoting.asked import LineDoesNotFit
from domain.quoting.offer import priced_lines
from domain.quoting.priced import PER_PERIOD, PricedSegment

__all__ = [
    "Draft",
    "DraftInvalid",
    "DraftLine",
    "LineDoesNotFit",
    "PriceBookNotForAccount",
    "PriceBookNotYetValid",
    "PriceBookOutOfDate",
    "PricedLine",
    "PricedQuote",
    "QuoteBookMismatch",
    "QuoteCurrencyMismatch",
    "QuoteOffers",
    "QuoteTerms",
    "Totals",
    "UnknownAlternative",
    "UpliftOutOfRange",
    "content",
    "content_hash",
    "from_content",
    "offer",
    "offers",
    "price",
    "price_offers",
    "uplifted",
]

_NO_COUPONS: Mapping[str, Coupon] = MappingProxyType({})


@dataclass(kw_only=True, eq=False)
class QuoteCurrencyMismatch(Invalid):
    """A draft in another currency than its price book."""

    draft: str
    price_book: str
    hint: str = "quote in the price book's currency, or take a price book in yours"


@dataclass(kw_only=True, eq=False)
class QuoteBookMismatch(Invalid):
    """A draft that names another price book, or another version of it, than the one it is priced from."""

    draft: str
    price_book: str
    hint: str = "price a draft from the price book it names"


@dataclass(kw_only=True, eq=False)
class PriceBookNotYetValid(Conflict):
    """A price book whose prices begin after the day of pricing."""

    price_book: str
    valid_from: date
    on: date
    hint: str = "price with the version that is valid on that day"


@dataclass(kw_only=True, eq=False)
class PriceBookOutOfDate(Conflict):
    """A price book whose prices ended on or before the day of pricing."""

    price_book: str
    valid_to: date
    on: date
    hint: str = "price with the version that is valid on that day"


@dataclass(kw_only=True, eq=False)
class PriceBookNotForAccount(Conflict):
    """A price book for other account segments, or of other legal entities."""

    price_book: str
    is_for: tuple[str, ...]
    found: str
    hint: str = "take a price book that is for this account"


@dataclass(kw_only=True, eq=False)
class UpliftOutOfRange(Invalid):
    """An uplift below zero or above 100 %."""

    percent: Decimal
    hint: str = "give an uplift of 0 to 100 percent"


def price(
    draft: Draft,
    book: PriceBook,
    *,
    on: date,
    coupons: Mapping[str, Coupon] = _NO_COUPONS,
    segment: str = "",
    entity: str = "",
) -> PricedQuote:
    """Price a draft on a day: 20 seats at 12.50 EUR, 10 % off the line, 5 % off all: 250.00 → 225.00 → 213.75 a month.

    Of a draft with alternatives, the recommended one. `coupons` are those the draft names, by code; `segment` is the
    account's; `entity` sells ('' is not checked). A line with a start date of its own counts from the term's start date,
    or from `on` where that is not known yet. An error names its field (`lines[0].quantity`).

    Raises QuoteCurrencyMismatch, QuoteBookMismatch, PriceBookNotYetValid, PriceBookOutOfDate, PriceBookNotForAccount,
    ConfigurationBroken, LineDoesNotFit, UnknownProduct, UnknownCharge, DiscountTooLarge, TargetAboveList, UnknownCoupon,
    CouponOutOfDate, CouponDoesNotFit, AmountOutOfRange, and what `pricing.rate` raises.
    """
    draft = dict(draft.offers())[draft.recommended]
    _check(draft, book, on=on)
    _check_account(book, segment=segment, entity=entity)
    refuse_broken(draft.lines, book.rules, draft.terms)
    offered = priced_lines(draft, book, on=on, coupons=coupons)
    start = draft.terms.start
    anchor = date.fromisoformat(start) if start[:1].isdigit() else on
    return PricedQuote(
        price_book=book.name,
        price_book_version=book.version,
        price_book_hash=content_hash(to_mapping(book)),
        currency=book.currency,
        terms=draft.terms,
        lines=offered.lines,
        totals=totals(offered.lines, draft.terms, discount_percent=offered.discount_percent, anchor=anchor),
        provisioning=tuple(dict.fromkeys(step for product in offered.products for step in product.provisioning)),
        coupons=draft.coupons,
        segment=segment,
        entity=entity,
    )


def price_offers(
    draft: Draft,
    book: PriceBook,
    *,
    on: date,
    coupons: Mapping[str, Coupon] = _NO_COUPONS,
    segment: str = "",
    entity: str = "",
) -> QuoteOffers:
    """Price every alternative of a draft; a draft without any is one offer named ''.

    Raises what `price` raises; the path of an error in an alternative begins with it (`alternatives[1].lines[0].quantity`).
    """
    priced = []
    for number, (name, each) in enumerate(draft.offers()):
        try:
            priced.append((name, price(each, book, on=on, coupons=coupons, segment=segment, entity=entity)))
        except DomainError as error:
            if name:
                _say_where(error, f"alternatives[{number}].")
            raise
    return QuoteOffers(offers=tuple(priced), recommended=draft.recommended)


def uplifted(mapping: Mapping[str, object], percent: Decimal, chosen: str = "") -> PricedQuote:
    """The version of a content (of several offers, the `chosen` one) for the next term, its nets raised by `percent`.

    What recurs goes on as it was in its last period: the last segment's quantity and net, raised once, half up. What was
    paid once is not repeated, nor are own starts: every line starts with the term. Coupons and promotions that still
    lasted stay in the waterfall; the raise is a step of its own in it: 213.75 and 5 % give 224.44.
    Raises UpliftOutOfRange, AmountOutOfRange, UnknownAlternative.
    """
    if not percent.is_finite() or not 0 <= percent <= 100:  # noqa: PLR2004 — percent
        raise UpliftOutOfRange(percent=percent)
    quote = offer(mapping, chosen)
    periods = quote.terms.periods
    lines = tuple(_raised(line, periods, percent) for line in quote.lines if line.kind in PER_PERIOD)
    kept = len(lines) == len(quote.lines) and all(len(line.stretches(periods)) == 1 for line in quote.lines)
    discount = quote.totals.discount_percent if kept else _weighted_discount(lines)
    return replace(quote, lines=lines, totals=totals(lines, quote.terms, discount_percent=discount), coupons=())


def _raised(line: PricedLine, periods: int, percent: Decimal) -> PricedLine:
    last = line.stretches(periods)[-1]
    with exact():
        net = round_half_up(last.net_minor * (100 + percent) / 100)
    uplift = last.uplift_minor + net - last.net_minor
    segment = replace(last, from_period=0, to_period=periods, net_minor=net, uplift_minor=uplift)
    return replace(
        line,
        **{name: getattr(segment, name) for name in _SAME},
        start="",
        ramp=False,
        segments=(segment,),
    )


# what a line says of its first segment
_SAME = tuple(field.name for field in fields(PricedSegment) if field.name in {each.name for each in fields(PricedLine)})


def _weighted_discount(lines: tuple[PricedLine, ...]) -> Decimal:
    """The discount on the list total where lines have changed: those of the lines, weighted by their lists, 4 decimals."""
    whole = sum(line.list_minor for line in lines)
    if not whole:
        return Decimal(0)
    with exact():
        off = sum((line.discount_percent * line.list_minor for line in lines), Decimal(0))
    return round_to(off, Decimal(whole), 4, "half_up")


def _say_where(error: DomainError, path: str) -> None:
    """Put the path of an alternative before the paths that an error names."""
    if isinstance(error, InvalidDocument):
        error.problems = tuple(
            Problem(", ".join(f"{path}{each}" for each in problem.path.split(", ")), problem.message)
            for problem in error.problems
        )
    else:
        error.where = f"{path}{error.where}"


def _check(draft: Draft, book: PriceBook, *, on: date) -> None:
    if draft.price_book != book.name or draft.price_book_version not in {None, book.version}:
        wanted = (
            draft.price_book if draft.price_book_version is None else f"{draft.price_book}@{draft.price_book_version}"
        )
        raise QuoteBookMismatch(where="price_book", draft=wanted, price_book=f"{book.name}@{book.version}")
    if draft.currency != book.currency:
        raise QuoteCurrencyMismatch(where="currency", draft=draft.currency, price_book=book.currency)
    if on < book.valid_from:
        raise PriceBookNotYetValid(where="price_book", price_book=book.name, valid_from=book.valid_from, on=on)
    if book.valid_to is not None and on >= book.valid_to:
        raise PriceBookOutOfDate(where="price_book", price_book=book.name, valid_to=book.valid_to, on=on)


def _check_account(book: PriceBook, *, segment: str, entity: str) -> None:
    for is_for, found, said in (
        (book.segments, segment, segment or "an account without a segment"),
        (book.entities if entity else (), entity, entity),
    ):
        if is_for and found not in is_for:
            raise PriceBookNotForAccount(where="price_book", price_book=book.name, is_for=is_for, found=said)
