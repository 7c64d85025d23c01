"""A priced version as its row and as the deal's outcome: written by whoever prices, renews or moves a contract to new prices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.approving.condition import sheet
from domain.approving.evidence import seen
from domain.document import content_hash
from domain.ids import derived
from domain.outcome import Need, Priced, Terms
from domain.quote_version import QuoteOffers, content
from domain.state import Deal
from models.quote import QuoteVersionRow
from models.write import Update


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version that is about to be written. `kind`: quote, renewal or migration."""

    order_number: int
    number: int
    offers: QuoteOffers
    price_book_id: str
    at: datetime
    expires_at: datetime
    draft_id: str | None = None
    kind: str = "quote"
    status: str = "priced"

    def row(self, deal: Deal) -> QuoteVersionRow:
        """Its row. The columns are those of the offer that is spoken of; the content has them all."""
        priced = self.offers.headline
        terms, sums = priced.terms, priced.totals
        written = content(self.offers)
        return QuoteVersionRow(
            id=derived("qv", deal.id, self.order_number, self.number),
            deal_id=deal.id,
            order_number=self.order_number,
            version=self.number,
            status=self.status,
            kind=self.kind,
            draft_id=self.draft_id,
            price_book_id=self.price_book_id,
            currency=priced.currency,
            term_months=terms.term_months,
            interval_months=terms.interval_months,
            starts=terms.start,
            net_days=terms.net_days,
            method=terms.method,
            auto_renew=terms.auto_renew,
            notice_days=terms.notice_days,
            uplift=terms.uplift_percent / 100,
            total_minor=sums.tcv_minor,
            acv_minor=sums.acv_minor,
            list_minor=sums.over_term.get("list", 0) + sums.over_term.get("uplift", 0),
            discount_bps=int(sums.discount_percent * 100),
            expires_at=self.expires_at,
            content=written,
            content_hash=content_hash(written),
            created_at=self.at,
            sheet=dict(seen(sheet(self.offers.facts, entity=deal.entity_id))),
        )


def priced(row: QuoteVersionRow, offers: QuoteOffers, needs: tuple[Need, ...]) -> Priced:
    """The version as the deal learns of it."""
    return Priced(
        version=row.version,
        version_id=row.id,
        content_hash=row.content_hash,
        expires_at=row.expires_at,
        needs=needs,
        terms=Terms.of(offers.offers, offers.recommended),
    )


def status(version_id: str, to: str) -> Update:
    """The status of a version, as lists show it."""
    return Update(QuoteVersionRow, {"status": to}, {"id": version_id})
