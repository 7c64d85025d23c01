"""A quote version as it is kept: priced lines with their waterfall, terms and totals, written to one canonical content.

Waterfall of a line: list → line discount → header discount → uplift (renewals only) → net, in minor units per billing period.
The net of all periods of the term is the TCV; the net of twelve months is the ACV.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from typing import cast

from domain.approval_policy import Facts
from domain.document import decimal_text
from domain.money import LARGEST_MINOR, AmountOutOfRange
from domain.quote_draft import QuoteTerms

MONTHS_IN_YEAR = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedLine:
    """One line, in minor units per billing period; `explain` tells how the list amount came about.

    `discount_percent` is the line's and the header's discount together as they were stated, 4 decimals. `price` is the
    charge as a document, as it stood in the price book.
    """

    line_no: int
    product: str
    description: str
    charge: str
    model: str
    quantity: Decimal
    unit_label: str
    list_minor: int
    line_discount_minor: int
    header_discount_minor: int
    uplift_minor: int
    net_minor: int
    discount_percent: Decimal
    revenue_account: str
    explain: tuple[str, ...]
    price: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums per billing period, the number of periods, and what they come to, in minor units."""

    list_minor: int
    line_discount_minor: int
    header_discount_minor: int
    uplift_minor: int
    net_minor: int
    periods: int
    tcv_minor: int
    acv_minor: int
    discount_percent: Decimal  # of the list total, as stated, 4 decimals


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedQuote:
    """One priced version. `provisioning`: the steps of all its products, each once, in order."""

    price_book: str
    price_book_version: int
    price_book_hash: str
    currency: str
    terms: QuoteTerms
    lines: tuple[PricedLine, ...]
    totals: Totals
    provisioning: tuple[str, ...]

    @property
    def facts(self) -> Facts:
        """What an approval policy looks at; its discount is the highest of the total and of any line."""
        return Facts(
            discount_percent=max(self.totals.discount_percent, *(line.discount_percent for line in self.lines)),
            acv_minor=self.totals.acv_minor,
            tcv_minor=self.totals.tcv_minor,
            term_months=self.terms.term_months,
            net_days=self.terms.net_days,
            currency=self.currency,
        )


def totals(lines: Sequence[PricedLine], terms: QuoteTerms, *, discount_percent: Decimal) -> Totals:
    """Add up the lines. Raises AmountOutOfRange.

    >>> terms = QuoteTerms(term_months=36, interval_months=3, start="signature", net_days=30, method="transfer",
    ...     auto_renew=False, notice_days=30, uplift_percent=Decimal(0), valid_days=30, signer_name="", signer_email="")
    >>> totals([], terms, discount_percent=Decimal(0)).periods
    12
    """
    net = sum(line.net_minor for line in lines)
    periods = terms.term_months // terms.interval_months
    if net * max(periods, MONTHS_IN_YEAR) > LARGEST_MINOR:
        raise AmountOutOfRange(minor=net * periods)
    return Totals(
        list_minor=sum(line.list_minor for line in lines),
        line_discount_minor=sum(line.line_discount_minor for line in lines),
        header_discount_minor=sum(line.header_discount_minor for line in lines),
        uplift_minor=sum(line.uplift_minor for line in lines),
        net_minor=net,
        periods=periods,
        tcv_minor=net * periods,
        acv_minor=net * MONTHS_IN_YEAR // terms.interval_months,  # exact: an interval divides the year
        discount_percent=discount_percent,
    )


def content(quote: PricedQuote) -> dict[str, object]:
    """The canonical content of a version: plain JSON values, decimals as text. Its hash is the version's hash."""
    return {
        "price_book": quote.price_book,
        "price_book_version": quote.price_book_version,
        "price_book_hash": quote.price_book_hash,
        "currency": quote.currency,
        "terms": _plain(asdict(quote.terms)),
        "lines": [_plain(asdict(line)) for line in quote.lines],
        "totals": _plain(asdict(quote.totals)),
        "provisioning": list(quote.provisioning),
    }


def from_content(mapping: Mapping[str, object]) -> PricedQuote:
    """The version that `content` wrote; the two undo each other."""
    terms = cast("dict[str, object]", mapping["terms"])
    lines = cast("list[dict[str, object]]", mapping["lines"])
    return PricedQuote(
        price_book=cast("str", mapping["price_book"]),
        price_book_version=cast("int", mapping["price_book_version"]),
        price_book_hash=cast("str", mapping["price_book_hash"]),
        currency=cast("str", mapping["currency"]),
        terms=QuoteTerms(**_typed(QuoteTerms, terms)),  # type: ignore[arg-type] # by the field's own annotation
        lines=tuple(PricedLine(**_typed(PricedLine, line)) for line in lines),  # type: ignore[arg-type]
        totals=Totals(**_typed(Totals, cast("dict[str, object]", mapping["totals"]))),  # type: ignore[arg-type]
        provisioning=tuple(cast("list[str]", mapping["provisioning"])),
    )


def _plain(values: Mapping[str, object]) -> dict[str, object]:
    return {name: _plain_value(value) for name, value in values.items()}


def _plain_value(value: object) -> object:
    if isinstance(value, Decimal):
        return decimal_text(value)
    return list(value) if isinstance(value, tuple) else value


def _typed(cls: type, values: Mapping[str, object]) -> dict[str, object]:
    """Text back to Decimal and lists to tuples, as the fields of `cls` are annotated."""
    found = {}
    for field in fields(cls):
        value = values[field.name]
        if field.type == "Decimal":
            value = Decimal(cast("str", value))
        elif isinstance(value, list):
            value = tuple(value)
        found[field.name] = value
    return found
