"""How a priced quote is shown: each offer with its totals, its waterfall, its lines by segments, and what it would bill."""

from datetime import date
from typing import Any

from pydantic import Field

from api.amount import AmountOut
from api.schema import Figure, Out


class PartOut(Out):
    """A part of a waterfall: from list to net, what is taken off below zero. The parts up to the net add up to it."""

    part: str = Field(examples=["line_discount"])
    amount: AmountOut


class SegmentOut(Out):
    """Billing periods [from_period, to_period) at one quantity. Amounts are of one period; of a one-time or milestone
    charge, of the whole.
    """

    from_period: int
    to_period: int
    from_month: int | None = Field(description="of the term, from 1; null for what is charged once")
    to_month: int | None
    quantity: Figure
    discount_percent: Figure
    waterfall: list[PartOut]
    net: AmountOut
    cost: AmountOut | None
    below_floor: bool = Field(description="the net is under the lowest price that needs no blessing")
    usage_estimate: AmountOut | None
    explain: list[str] = Field(description="how the list amount came about, step by step")


class QuoteLineOut(Out):
    line_no: int
    product: str
    description: str
    charge: str
    model: str = Field(examples=["graduated"])
    kind: str = Field(examples=["recurring"], description="recurring, one_time, usage or milestone")
    timing: str = Field(examples=["advance"])
    unit: str
    group: str
    start: str = Field(description="empty: with the term")
    milestone: str
    attributes: dict[str, str]
    promotion: str
    segments: list[SegmentOut]


class TotalsOut(Out):
    """Net of tax."""

    periods: int
    first_period: AmountOut
    acv: AmountOut = Field(description="a year's worth of what recurs")
    tcv: AmountOut = Field(description="what is committed to over the term, without the estimate of usage")
    first_year: AmountOut = Field(description="invoiced in the first twelve months, milestones left out")
    recurring: AmountOut
    one_time: AmountOut
    milestones: AmountOut
    usage_committed: AmountOut
    usage_estimate: AmountOut
    cost: AmountOut | None
    margin_percent: Figure | None
    discount_percent: Figure


class OfferOut(Out):
    """One complete offer; several are alternatives, of which the customer picks one."""

    name: str
    recommended: bool
    terms: dict[str, Any]
    totals: TotalsOut
    waterfall: list[PartOut] = Field(description="over the whole term")
    lines: list[QuoteLineOut]
    provisioning: list[str]


class PlannedLineOut(Out):
    description: str
    quantity: Figure
    unit_label: str
    amount: AmountOut
    period_start: date
    period_end: date
    explain: list[str]


class PlannedInvoiceOut(Out):
    on: date
    period_start: date
    period_end: date = Field(description="the first day after the period")
    net: AmountOut
    lines: list[PlannedLineOut]


class MilestoneOut(Out):
    milestone: str
    net: AmountOut


class PreviewedOfferOut(OfferOut):
    invoices: list[PlannedInvoiceOut] = Field(description="of the whole term, by date, as they will be billed")
    milestones: list[MilestoneOut] = Field(description="invoiced when reached")


class NeedOut(Out):
    level: int
    group: str = Field(examples=["deal_desk"])
    reasons: list[str] = Field(examples=[["discount of 15 % is over 10 %"]])
    remind_after_hours: int
    escalate_after_hours: int
    escalate_to: str


class PreviewOut(Out):
    price_book: str
    price_book_version: int
    currency: str
    on: date = Field(description="the day of pricing")
    starts_on: date = Field(description="the day from which the periods are counted")
    offers: list[PreviewedOfferOut]
    facts: dict[str, Any] = Field(description="what the approval policy looks at")
    approvals: list[NeedOut] | None = Field(
        description="who would have to approve, and why; empty: nobody; null: there is no policy yet"
    )
