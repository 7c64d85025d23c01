"""What a quote and an order form say, as plain values: one offer or several, each with its lines, stretches and waterfall."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Literal

from gateways.document_data import Buyer, DocumentInconsistent, Seller

Kind = Literal["recurring", "one_time", "milestone", "usage"]
Parts = tuple[tuple[str, int], ...]  # of a waterfall: name as in the words file (`part_…`), signed minor units


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteStretch:
    """Billing periods `[from_period, to_period)` of one line at one quantity; amounts are minor units of one period.

    For a one-time or milestone price the amounts are the whole, and the periods say nothing.
    """

    from_period: int
    to_period: int
    quantity: Decimal
    list_minor: int
    parts: Parts
    net_minor: int
    estimate_minor: int = 0  # what the expected usage comes to; part of no total
    detail: tuple[str, ...] = ()  # how the list amount came about, where it is not told by the price alone


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteLine:
    """One line. `price` is the charge as a price book has it; `starts` is "" (with the term), a word or an ISO date."""

    description: str
    unit_label: str
    stretches: tuple[QuoteStretch, ...]
    kind: Kind = "recurring"
    timing: Literal["advance", "arrears"] = "advance"
    group: str = ""
    starts: str = ""
    milestone: str = ""
    price: Mapping[str, object] | None = None
    attributes: Mapping[str, str] | None = None
    names: Mapping[str, str] = field(default_factory=dict)  # the description and the unit in other languages
    unit_names: Mapping[str, str] = field(default_factory=dict)

    def called(self, language: str) -> QuoteLine:
        """The line with its product and its unit as a reader of this language calls them."""
        name, unit = self.names.get(language, self.description), self.unit_names.get(language, self.unit_label)
        return replace(self, description=name, unit_label=unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteOffer:
    """One complete offer; totals are minor units without tax, `list_minor` and `parts` of the whole term.

    `net_minor` is the first billing period; `starts` is "provisioning", "signature" or an ISO date.
    """

    lines: tuple[QuoteLine, ...]
    term_months: int
    interval_months: int
    starts: str
    net_minor: int
    list_minor: int
    parts: Parts
    tcv_minor: int
    acv_minor: int
    first_year_minor: int | None = None
    recurring_minor: int = 0
    one_time_minor: int = 0
    milestone_minor: int = 0
    usage_minor: int = 0  # what of usage is committed to
    usage_estimate_minor: int = 0
    name: str = ""
    recommended: bool = False

    @property
    def plain(self) -> bool:
        """Recurring lines alone, each the same from the term's first day to its last: a billing period tells all."""
        return all(line.kind == "recurring" and len(line.stretches) == 1 and not line.starts for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteData:
    """All that a quote says, or an order form (then of one offer); the percentage is points at each renewal."""

    seller: Seller
    buyer: Buyer
    signer: str
    number: str
    version: int
    title: str
    prepared_by: str
    issued_on: date
    expires_on: date
    currency: str
    net_days: int
    method: Literal["card", "transfer"]
    auto_renew: bool
    notice_days: int
    uplift_percent: Decimal
    offers: tuple[QuoteOffer, ...]
    clauses: tuple[str, ...] = ()
    partner: str = ""
    language: str = "en"
    draft: bool = False

    def __post_init__(self) -> None:
        for offer in self.offers:
            for number, line in enumerate(offer.lines, 1):
                for stretch in line.stretches:
                    if stretch.net_minor != stretch.list_minor + sum(minor for _, minor in stretch.parts):
                        raise DocumentInconsistent(f"line {number}: list less discounts is not the net amount")
            if offer.tcv_minor != offer.list_minor + sum(minor for _, minor in offer.parts):
                raise DocumentInconsistent("list less discounts is not the total of the term")
            if offer.plain and offer.net_minor != sum(line.stretches[0].net_minor for line in offer.lines):
                raise DocumentInconsistent("the net amount of a period is not the sum of its lines")
