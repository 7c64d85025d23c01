"""A draft is priced from a price book into a quote version, or a version is uplifted for its renewal; each line rounds once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

from domain.discount import after_line_discount, header_discount, share
from domain.document import content_hash
from domain.errors import Conflict, DomainError, Invalid
from domain.money import exact, round_half_up
from domain.price_book import PriceBook, charge_mapping, to_mapping
from domain.pricing import rate
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
from domain.quoting.priced import plain_segment

__all__ = [
    "Draft",
    "DraftInvalid",
    "DraftLine",
    "PriceBookNotYetValid",
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

_FOUR_DECIMALS = Decimal("0.0001")
_WIDE = Context(prec=60, rounding=ROUND_HALF_UP)


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
class UpliftOutOfRange(Invalid):
    """An uplift below zero or above 100 %."""

    percent: Decimal
    hint: str = "give an uplift of 0 to 100 percent"


def price(draft: Draft, book: PriceBook, *, on: date) -> PricedQuote:
    """Price a draft on a day: 20 seats at 12.50 EUR, 10 % off the line, 5 % off all: 250.00 → 225.00 → 213.75 a month.

    An error names its field (`lines[0].quantity`). Raises QuoteCurrencyMismatch, QuoteBookMismatch, PriceBookNotYetValid,
    UnknownProduct, UnknownCharge, DiscountTooLarge, AmountOutOfRange and the quantity errors of `pricing.py`.
    """
    _check(draft, book, on=on)
    rated = [_rated(draft, i, book) for i in range(len(draft.lines))]
    lines, shares = _with_header(draft, rated)
    lines = tuple(replace(line, segments=(plain_segment(line, draft.terms.periods),)) for line in lines)
    steps = (step for line in draft.lines for step in book.product(line.product).provisioning)
    return PricedQuote(
        price_book=book.name,
        price_book_version=book.version,
        price_book_hash=content_hash(to_mapping(book)),
        currency=book.currency,
        terms=draft.terms,
        lines=lines,
        totals=totals(lines, draft.terms, discount_percent=_whole_percent(lines, shares)),
        provisioning=tuple(dict.fromkeys(steps)),
    )


def price_offers(draft: Draft, book: PriceBook, *, on: date) -> QuoteOffers:
    """Price every alternative of a draft; a draft without any is one offer named ''. Raises what `price` raises."""
    return QuoteOffers(
        offers=tuple((name, price(each, book, on=on)) for name, each in draft.offers()), recommended=draft.recommended
    )


def uplifted(mapping: Mapping[str, object], percent: Decimal) -> PricedQuote:
    """The version of a content with every net line raised by `percent`, each rounded once, half up; all else as it was.

    The raise is a step of its own in the waterfall, so what was discounted stays readable: 213.75 and 5 % give 224.44.
    Raises UpliftOutOfRange, AmountOutOfRange.
    """
    if not percent.is_finite() or not 0 <= percent <= 100:  # noqa: PLR2004 — percent
        raise UpliftOutOfRange(percent=percent)
    quote = from_content(mapping)
    lines = []
    for line in quote.lines:
        with exact():
            net = round_half_up(line.net_minor * (100 + percent) / 100)
        raised = replace(line, net_minor=net, uplift_minor=line.uplift_minor + net - line.net_minor)
        lines.append(replace(raised, segments=(plain_segment(raised, quote.terms.periods),)))
    sums = totals(lines, quote.terms, discount_percent=quote.totals.discount_percent)
    return replace(quote, lines=tuple(lines), totals=sums)


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


def _rated(draft: Draft, index: int, book: PriceBook) -> tuple[PricedLine, Fraction]:
    """One line from list to after its own discount, and the share of the list that this discount takes as stated."""
    line = draft.lines[index]
    field = "product"
    try:
        product = book.product(line.product)
        field = "charge"
        charge = product.charge(line.charge)
        field = "quantity"
        rated = rate(charge, line.quantity, months=draft.terms.interval_months, currency=book.currency)
        field = "discount_amount"
        net = after_line_discount(rated.unrounded, line.discount, currency=book.currency)
    except DomainError as error:
        error.where = f"lines[{index}].{field}"
        raise
    priced = PricedLine(
        line_no=index + 1,
        product=product.id,
        description=product.name,
        charge=charge.id,
        model=charge.model,
        quantity=line.quantity,
        unit_label=product.unit,
        list_minor=rated.amount_minor,
        line_discount_minor=rated.amount_minor - net,
        header_discount_minor=0,
        uplift_minor=0,
        net_minor=net,
        discount_percent=Decimal(0),
        revenue_account=charge.revenue_account,
        explain=tuple(step.text for step in rated.steps),
        price=charge_mapping(charge),
    )
    return priced, share(line.discount, rated.unrounded, currency=book.currency)


def _with_header(
    draft: Draft, rated: list[tuple[PricedLine, Fraction]]
) -> tuple[tuple[PricedLine, ...], tuple[Fraction, ...]]:
    """The lines after the header's discount, and the share of each one's list that both discounts take as stated."""
    nets = [line.net_minor for line, _ in rated]
    try:
        parts = header_discount(nets, draft.discount, currency=draft.currency)
    except DomainError as error:
        error.where = "discount_amount"
        raise
    header = share(draft.discount, Decimal(sum(nets)), currency=draft.currency)
    shares = tuple(1 - (1 - own) * (1 - header) for _, own in rated)
    lines = tuple(
        replace(
            line,
            header_discount_minor=part,
            net_minor=line.net_minor - part,
            discount_percent=_percent(both),
        )
        for (line, _), part, both in zip(rated, parts, shares, strict=True)
    )
    return lines, shares


def _whole_percent(lines: tuple[PricedLine, ...], shares: tuple[Fraction, ...]) -> Decimal:
    """The discount on the list total: the lines' stated discounts, weighted by their list amounts."""
    whole = sum(line.list_minor for line in lines)
    off = sum((both * line.list_minor for line, both in zip(lines, shares, strict=True)), Fraction())
    return _percent(off / whole) if whole else Decimal(0)


def _percent(part: Fraction) -> Decimal:
    exact_percent = _WIDE.divide(Decimal(part.numerator * 100), Decimal(part.denominator))
    return exact_percent.quantize(_FOUR_DECIMALS, context=_WIDE)
