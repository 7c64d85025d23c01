"""One of each document: an order of two lines, a choice of two offers with every kind of charge, an invoice."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from gateways.documents import (
    Buyer,
    InvoiceData,
    InvoiceDocumentLine,
    QuoteData,
    QuoteLine,
    QuoteOffer,
    QuoteStretch,
    Seller,
)

SELLER = Seller(
    name="Northwind Cloud SAS",
    address="14 rue de la Bourse\n75002 Paris\nFrance",
    tax_number="FR 40 123 456 824",
    bank_account="FR76 3000 6000 0112 3456 7890 189",
)
BUYER = Buyer(
    name="Brasserie Cœur & Łódź SA",
    address="3 quai de Saône\n69001 Lyon\nFrance",
    email="compta@coeur.example",
    tax_number="FR 13 987 654 324",
)


def stretch(quantity: int, list_minor: int, *parts: tuple[str, int], months: tuple[int, int] = (0, 8)) -> QuoteStretch:
    net = list_minor + sum(minor for _, minor in parts)
    return QuoteStretch(
        from_period=months[0],
        to_period=months[1],
        quantity=Decimal(quantity),
        list_minor=list_minor,
        parts=parts,
        net_minor=net,
    )


OFFICE = QuoteLine(
    description="Office standard",
    unit_label="user",
    price={"model": "per_unit", "per": "month", "unit_price": "10.83"},
    stretches=(stretch(120, 389880, ("line_discount", -38988), ("header_discount", -17545)),),
)
ANALYTICS = QuoteLine(
    description="Web analytics",
    unit_label="page view",
    price={
        "model": "volume",
        "per": "month",
        "tiers": [{"up_to": "1000000", "flat_fee": "69"}, {"unit_price": "0.00002"}],
    },
    stretches=(stretch(1000000, 20700, ("header_discount", -1035)),),
)
OFFER = QuoteOffer(
    lines=(OFFICE, ANALYTICS),
    term_months=24,
    interval_months=3,
    starts="provisioning",
    net_minor=353012,
    list_minor=410580 * 8,
    parts=(("line_discount", -38988 * 8), ("header_discount", -18580 * 8)),
    tcv_minor=2824096,
    acv_minor=1412048,
    first_year_minor=1412048,
    recurring_minor=2824096,
)
ORDER = QuoteData(
    seller=SELLER,
    buyer=BUYER,
    signer="Anaïs Lefèvre",
    number="Q-2026-0042",
    version=2,
    title="Office suite for 120 people",
    prepared_by="Marc Dubois",
    issued_on=date(2026, 1, 5),
    expires_on=date(2026, 2, 4),
    currency="EUR",
    net_days=30,
    method="transfer",
    auto_renew=True,
    notice_days=60,
    uplift_percent=Decimal("3.5"),
    offers=(OFFER,),
)
CALLS = QuoteLine(
    description="Interface calls",
    unit_label="call",
    kind="usage",
    timing="arrears",
    price={
        "model": "graduated",
        "kind": "usage",
        "per": "month",
        "tiers": [{"up_to": "1000", "unit_price": "0.010", "flat_fee": "5"}, {"unit_price": "0.000002"}],
        "minimum_amount": "50",
    },
    stretches=(replace(stretch(0, 0), estimate_minor=12345),),
)
SETUP = QuoteLine(
    description="Onboarding",
    unit_label="day",
    kind="one_time",
    price={"model": "per_unit", "kind": "one_time", "unit_price": "1500"},
    stretches=(stretch(1, 150000, ("coupon", -7500), months=(0, 1)),),
)
GO_LIVE = QuoteLine(
    description="Migration",
    unit_label="project",
    kind="milestone",
    milestone="go-live",
    price={"model": "flat", "kind": "milestone", "unit_price": "5000"},
    stretches=(stretch(1, 500000, months=(0, 1)),),
)
RAMP = replace(
    OFFICE,
    group="data-platform",
    stretches=(stretch(20, 64980, months=(0, 4)), stretch(40, 129960, ("group_discount", -12996), months=(4, 8))),
)
WIDE = replace(
    OFFER,
    name="better",
    recommended=True,
    lines=(RAMP, SETUP, GO_LIVE, CALLS),
    net_minor=64980,
    list_minor=64980 * 4 + 129960 * 4 + 650000,
    parts=(("group_discount", -12996 * 4), ("coupon", -7500)),
    tcv_minor=727776 + 142500 + 500000,
    acv_minor=363888,
    first_year_minor=402420,
    recurring_minor=727776,
    one_time_minor=142500,
    milestone_minor=500000,
    usage_estimate_minor=98760,
)
CHOICE = replace(
    ORDER, offers=(replace(OFFER, name="good"), WIDE), clauses=("Liability is limited.",), partner="Resell Ltd"
)
INVOICE = InvoiceData(
    seller=SELLER,
    buyer=BUYER,
    number="FR-2026-000017",
    contract_number="C-2026-0042",
    payment_reference="RF18 FR2026000017",
    issued_on=date(2026, 2, 1),
    due_on=date(2026, 3, 3),
    currency="EUR",
    method="transfer",
    lines=(
        InvoiceDocumentLine(
            description="Office standard",
            quantity=Decimal(120),
            unit_label="user",
            amount_minor=333347,
            period_start=date(2026, 2, 1),
            period_end=date(2026, 5, 1),
            detail=("10.83 per user and month, less 10 % and 5 %",),
        ),
        InvoiceDocumentLine(
            description="Web analytics",
            quantity=Decimal(1000000),
            unit_label="page view",
            amount_minor=19665,
            period_start=date(2026, 2, 1),
            period_end=date(2026, 5, 1),
        ),
    ),
    net_minor=353012,
    tax_name="TVA",
    tax_rate=Decimal("0.2"),
    tax_minor=70602,
    total_minor=423614,
)
