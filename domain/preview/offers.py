"""A draft played through without storing anything: its offers priced, who would have to approve, what it would bill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from domain.approving.condition import sheets
from domain.approving.needing import needs
from domain.approving.policy import Matrix
from domain.billing_plan import PlannedInvoice, preview
from domain.coupon import Coupon
from domain.need import Need
from domain.price_book import PriceBook
from domain.quote import price_offers
from domain.quote_draft import Draft
from domain.quote_version import PricedQuote, QuoteOffers
from domain.quoting.facts import Facts
from domain.quoting.terms import STARTS
from domain.quoting.totals import totals


@dataclass(frozen=True, slots=True, kw_only=True)
class Previewed:
    """A draft as it would be priced on `on`, with its term from `starts_on`; `approvals` None: no policy was given."""

    on: date
    starts_on: date
    offers: QuoteOffers
    facts: Facts
    approvals: tuple[Need, ...] | None

    def invoices(self, quote: PricedQuote) -> tuple[PlannedInvoice, ...]:
        """The dated invoices of one offer's whole term, by date; what hangs on a milestone is not among them."""
        return preview(quote, anchor=self.starts_on, signed_on=self.starts_on)


def previewed(
    draft: Draft,
    book: PriceBook,
    *,
    on: date,
    starts_on: date | None = None,
    policy: Matrix | None = None,
    coupons: Mapping[str, Coupon] | None = None,
    segment: str = "",
    entity: str = "",
) -> Previewed:
    """Price a draft on a day, as the server would. Its term starts on `starts_on`, on its own date, or on that day.

    Where that is another day, the totals are those of a term from it; what a policy looks at is as it was priced.
    Raises what `price_offers` raises; an error names its field.
    """
    offers = price_offers(draft, book, on=on, coupons=coupons or {}, segment=segment, entity=entity)
    fixed = draft.terms.start
    own = on if fixed in STARTS else date.fromisoformat(fixed)
    start = starts_on or own
    counted = tuple((name, _from(quote, start)) for name, quote in offers.offers)
    return Previewed(
        on=on,
        starts_on=start,
        offers=offers if start == own else replace(offers, offers=counted),
        facts=offers.facts,
        approvals=None if policy is None else needs(policy, *sheets(offers.facts, offers.apart, entity=entity)),
    )


def _from(quote: PricedQuote, start: date) -> PricedQuote:
    """The same prices over a term from another day: lines with a date of their own bill more or less of it."""
    percent = quote.totals.discount_percent
    return replace(quote, totals=totals(quote.lines, quote.terms, discount_percent=percent, anchor=start))
