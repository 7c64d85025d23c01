"""From what the books hold to what a document says: the quote and the order form of a version, the paper of an invoice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Protocol, cast

from domain.quote_version import PricedLine, PricedQuote, QuoteOffers
from domain.quoting.priced import TAKEN
from gateways.document_data import ACCENT, Buyer, InvoiceData, InvoiceDocumentLine, Seller
from gateways.quote_data import Kind, Parts, QuoteData, QuoteLine, QuoteOffer, QuoteStretch
from gateways.words import language_of

UPLIFT = "uplift_minor"


class Entity(Protocol):
    """The legal entity, as its row holds it."""

    name: str
    address: str
    tax_number: str
    bank_account: str
    virtual: bool
    look: dict[str, Any]


class Account(Protocol):
    """The account, as its row holds it."""

    name: str
    address: str
    email: str
    language: str


class Invoice(Protocol):
    """The invoice, as its row holds it."""

    number: str
    issued_on: date
    due_on: date
    currency: str
    method: str
    net_minor: int
    tax_name: str
    tax_rate: Decimal
    tax_minor: int
    total_minor: int


class InvoiceLine(Protocol):
    """One line, as its row holds it."""

    description: str
    quantity: Decimal
    unit_label: str
    amount_minor: int
    period_start: date
    period_end: date
    explain: dict[str, Any] | None


def seller(entity: Entity) -> Seller:
    look = {name: str(value) for name, value in entity.look.items()}
    return Seller(
        name=entity.name,
        address=entity.address,
        tax_number=entity.tax_number,
        bank_account=entity.bank_account,
        email=look.get("email", ""),
        accent=look.get("accent", ACCENT),
        logo=look.get("logo", ""),
        footer=look.get("footer", ""),
        sandbox=entity.virtual,
    )


def buyer(account: Account) -> Buyer:
    return Buyer(name=account.name, address=account.address, email=account.email)


def quote_number(deal_id: str, order_number: int) -> str:
    """The number printed on a quote and on its order form."""
    return f"{deal_id.removeprefix('d_')[:8].upper()}-{order_number}"


def order_form_data(  # noqa: PLR0913  (a form has that many fields)
    *,
    entity: Entity,
    account: Account,
    quote: PricedQuote,
    number: str,
    version: int,
    title: str,
    prepared_by: str,
    issued_on: date,
    expires_on: date,
) -> QuoteData:
    """The order form of one priced offer: where there were several, the one that the customer chose."""
    return quote_data(
        entity=entity,
        account=account,
        quote=QuoteOffers(offers=(("", quote),)),
        number=number,
        version=version,
        title=title,
        prepared_by=prepared_by,
        issued_on=issued_on,
        expires_on=expires_on,
    )


def quote_data(  # noqa: PLR0913  (a quote has that many fields)
    *,
    entity: Entity,
    account: Account,
    quote: QuoteOffers,
    number: str,
    version: int,
    title: str,
    prepared_by: str,
    issued_on: date,
    expires_on: date,
    draft: bool = False,
) -> QuoteData:
    """The quote of a priced version with all its offers; `draft`: it was not approved, and its pages say so."""
    terms = quote.headline.terms
    return QuoteData(
        seller=seller(entity),
        buyer=buyer(account),
        signer=terms.signer_name or account.name,
        number=number,
        version=version,
        title=title,
        prepared_by=prepared_by,
        issued_on=issued_on,
        expires_on=expires_on,
        currency=quote.headline.currency,
        net_days=terms.net_days,
        method="card" if terms.method == "card" else "transfer",
        auto_renew=terms.auto_renew,
        notice_days=terms.notice_days,
        uplift_percent=terms.uplift_percent,
        offers=tuple(_offer(each, name=name, recommended=name == quote.recommended) for name, each in quote.offers),
        clauses=terms.clauses,
        partner=terms.partner_name,
        language=terms.language,
        draft=draft,
    )


def _offer(quote: PricedQuote, *, name: str, recommended: bool) -> QuoteOffer:
    terms, totals = quote.terms, quote.totals
    term = totals.over_term
    return QuoteOffer(
        name=name,
        recommended=recommended,
        lines=tuple(_quote_line(line, terms.periods) for line in quote.lines),
        term_months=terms.term_months,
        interval_months=terms.interval_months,
        starts=terms.start,
        net_minor=totals.net_minor,
        list_minor=term["list"],
        parts=_parts({f"{part}_minor": minor for part, minor in term.items()}),
        tcv_minor=totals.tcv_minor,
        acv_minor=totals.acv_minor,
        first_year_minor=totals.first_year_minor,
        recurring_minor=totals.recurring_minor,
        one_time_minor=totals.one_time_minor,
        milestone_minor=totals.milestone_minor,
        usage_minor=totals.usage_minor,
        usage_estimate_minor=totals.usage_estimate_minor,
    )


def _quote_line(line: PricedLine, periods: int) -> QuoteLine:
    segments = line.stretches(periods)
    return QuoteLine(
        description=line.description,
        unit_label=line.unit_label,
        stretches=tuple(
            QuoteStretch(
                from_period=segment.from_period,
                to_period=segment.to_period,
                quantity=segment.quantity,
                list_minor=segment.list_minor,
                parts=_parts({name: getattr(segment, name) for name in (*TAKEN, UPLIFT)}),
                net_minor=segment.net_minor,
                detail=segment.explain,
                estimate_minor=segment.estimate_minor,
            )
            for segment in segments
        ),
        kind=cast("Kind", line.kind),
        timing="arrears" if line.timing == "arrears" else "advance",
        group=line.group,
        starts=line.start,
        milestone=line.milestone,
        price=line.price,
        attributes=line.attributes,
        names=line.names,
        unit_names=line.unit_names,
    )


def _parts(waterfall: Mapping[str, int]) -> Parts:
    """What lies between list and net, as it is signed: what is taken off is negative."""
    taken = [(name.removesuffix("_minor"), -waterfall[name]) for name in TAKEN]
    return tuple((name, minor) for name, minor in [*taken, ("uplift", waterfall[UPLIFT])] if minor)


def invoice_data(
    *,
    entity: Entity,
    account: Account,
    invoice: Invoice,
    lines: Sequence[InvoiceLine],
    contract_number: str,
) -> InvoiceData:
    """The paper of one invoice; its number is the reference to pay under."""
    return InvoiceData(
        seller=seller(entity),
        buyer=buyer(account),
        number=invoice.number,
        contract_number=contract_number,
        payment_reference=invoice.number,
        issued_on=invoice.issued_on,
        due_on=invoice.due_on,
        currency=invoice.currency,
        method="card" if invoice.method == "card" else "transfer",
        lines=tuple(
            InvoiceDocumentLine(
                description=line.description,
                quantity=line.quantity,
                unit_label=line.unit_label,
                amount_minor=line.amount_minor,
                period_start=line.period_start,
                period_end=line.period_end,
                detail=tuple(str(step) for step in (line.explain or {}).get("steps", ())),
            )
            for line in lines
        ),
        net_minor=invoice.net_minor,
        tax_name=invoice.tax_name,
        tax_rate=invoice.tax_rate,
        tax_minor=invoice.tax_minor,
        total_minor=invoice.total_minor,
        language=language_of(account.language),
    )
