"""Hypothesis strategies for the values of the domain: amounts, dates, charges, price books, drafts, open invoices, bank lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from domain.cash_application import OpenInvoice
from domain.discount import Discount
from domain.money import EXPONENTS, Money
from domain.price_book import Charge, PriceBook, Product, Tier
from domain.quote import Draft, DraftLine, QuoteTerms


@dataclass(frozen=True)
class ABankLine:
    amount_minor: int
    currency: str
    payer: str
    reference: str


currencies = st.sampled_from(sorted(EXPONENTS))
few_currencies = st.sampled_from(["EUR", "USD", "JPY", "BHD", "CLF"])
minors = st.integers(-(10**15), 10**15)
moneys = st.builds(Money, minors, few_currencies)
dates = st.dates(date(1990, 1, 1), date(2090, 12, 31))
weights = st.lists(
    st.one_of(st.integers(0, 10**9), st.decimals(0, 10**6, places=6)),
    min_size=1,
    max_size=20,
)
quantities = st.decimals(0, 10**6, places=3)
unit_prices = st.decimals(0, 10**4, places=6)
percents = st.decimals(0, 100, places=2)


@st.composite
def tiers(draw: st.DrawFn) -> tuple[Tier, ...]:
    """Ascending bounds, the last one open."""
    bounds = sorted(draw(st.sets(st.integers(1, 10**6), max_size=4)))
    return tuple(
        Tier(
            up_to=None if bound is None else Decimal(bound),
            unit_price=draw(unit_prices),
            flat_fee=draw(st.decimals(0, 100, places=2)),
        )
        for bound in (*bounds, None)
    )


@st.composite
def charges(draw: st.DrawFn, models: tuple[str, ...] = ("flat", "per_unit", "graduated", "volume")) -> Charge:
    """Any charge without bounds of quantity."""
    model = draw(st.sampled_from(models))
    tiered = model in {"graduated", "volume"}
    return Charge(
        id=draw(st.sampled_from(["base", "seats", "calls"])),
        model=model,
        months=draw(st.sampled_from([1, 3, 6, 12])),
        unit_price=Decimal(0) if tiered else draw(unit_prices),
        tiers=draw(tiers()) if tiered else (),
        revenue_account=draw(st.sampled_from(["revenue:base", "revenue:seats"])),
    )


@st.composite
def price_books(draw: st.DrawFn) -> PriceBook:
    """One to three products with one charge each."""
    return PriceBook(
        name="book",
        version=draw(st.integers(1, 9)),
        currency=draw(few_currencies),
        valid_from=date(2026, 1, 1),
        products=tuple(
            Product(id=f"product-{i}", name=f"Product {i}", unit="seat", charges=(draw(charges()),))
            for i in range(draw(st.integers(1, 3)))
        ),
        source="made up",
    )


def terms(*, term_months: int = 12, interval_months: int = 1, net_days: int = 30) -> QuoteTerms:
    """Plain terms of a transfer paid in 30 days."""
    return QuoteTerms(
        term_months=term_months,
        interval_months=interval_months,
        start="provisioning",
        net_days=net_days,
        method="transfer",
        auto_renew=True,
        notice_days=60,
        uplift_percent=Decimal(5),
        valid_days=30,
        signer_name="Ada Blue",
        signer_email="ada@blue.example",
    )


@st.composite
def quoted(draw: st.DrawFn) -> tuple[Draft, PriceBook]:
    """A price book and a draft over it, with percentages off."""
    book = draw(price_books())
    interval = draw(st.sampled_from([1, 3, 12]))
    lines = st.builds(
        DraftLine,
        product=st.sampled_from([product.id for product in book.products]),
        charge=st.just(""),
        quantity=st.decimals(1, 5000, places=2),
        discount=st.builds(Discount, percent=percents),
    )
    draft = Draft(
        price_book=book.name,
        price_book_version=None,
        currency=book.currency,
        terms=terms(term_months=interval * draw(st.integers(1, 5)), interval_months=interval),
        discount=draw(st.builds(Discount, percent=percents)),
        lines=tuple(draw(st.lists(lines, min_size=1, max_size=5))),
    )
    return draft, book


@st.composite
def open_invoices(draw: st.DrawFn) -> tuple[OpenInvoice, ...]:
    """Open invoices with numbers of one series, in two currencies, of two payers."""
    return tuple(
        OpenInvoice(
            invoice_id=f"inv_{i}",
            number=f"ACME-{i:06d}",
            currency=draw(st.sampled_from(["EUR", "EUR", "USD"])),
            open_minor=draw(st.sampled_from([0, 100, 100, 7438, 99999])),
            payer=draw(st.sampled_from(["Blue GmbH", "Red Ltd"])),
            due_on=date(2026, 1, 1) + timedelta(days=draw(st.integers(0, 60))),
        )
        for i in range(draw(st.integers(0, 6)))
    )


bank_lines = st.builds(
    ABankLine,
    amount_minor=st.one_of(st.sampled_from([50, 100, 7438]), st.integers(1, 200000)),
    currency=st.sampled_from(["EUR", "EUR", "USD"]),
    payer=st.sampled_from(["BLUE GMBH", "Red Ltd", "nobody", ""]),
    reference=st.lists(
        st.sampled_from(["ACME-000000", "acme 000001", "Acme000002", "ACME-000003", "invoice", "thanks"]), max_size=4
    ).map(" ".join),
)
