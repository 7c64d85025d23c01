"""What a quote bills: the preview is made from the plan, to the cent, and sums to what was committed."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import billing_plan, quote
from domain.billing_plan import PlanLine, has_arrears, invoice_lines, milestone_lines, preview, resolve_starts
from domain.calendar import Period, period
from domain.invoice import InvoiceLine
from tests.domain import quotes as some

ANCHOR = date(2026, 1, 31)


def amounts(found: tuple[billing_plan.PlannedInvoice, ...]) -> list[tuple[str, list[int]]]:
    return [(each.on.isoformat(), [line.amount_minor for line in each.lines]) for each in found]


def test_a_plain_line_is_billed_in_advance_from_the_anchor() -> None:
    found = preview(some.priced({"product": "seats", "quantity": 20}, term_months=3), anchor=ANCHOR)
    assert amounts(found) == [("2026-01-31", [25000]), ("2026-02-28", [25000]), ("2026-03-31", [25000])]
    assert found[1].lines == (
        InvoiceLine(
            description="Seats",
            quantity=found[1].lines[0].quantity,
            unit_label="seat",
            amount_minor=25000,
            period=Period(date(2026, 2, 28), date(2026, 3, 31)),
            revenue_account="revenue:seats",
            explain=("20 × 12.5",),
        ),
    )


def test_one_invoice_carries_the_next_period_and_the_last_ones_arrears() -> None:
    made = some.priced(
        {"product": "seats", "charge": "late", "quantity": 1},
        {"product": "seats", "quantity": 2},
        {"product": "calls", "charge": "committed", "quantity": 900},
        {"product": "calls", "charge": "free", "quantity": 900},
        {"product": "services", "charge": "setup", "quantity": 1},
        term_months=2,
    )
    assert amounts(preview(made, anchor=date(2026, 3, 1))) == [
        ("2026-03-01", [2500, 90000]),
        ("2026-04-01", [1300, 2500, 5000]),
        ("2026-05-01", [1300, 5000]),
    ]
    assert made.totals.usage_estimate_minor == 2 * 2 * 9000
    assert has_arrears(billing_plan.plan(made))


def test_nothing_is_left_to_bill_when_all_was_in_advance_or_uncommitted() -> None:
    made = some.priced(
        {"product": "seats", "quantity": 2},
        {"product": "calls", "charge": "free", "quantity": 900},
        {"product": "services", "charge": "golive", "quantity": 1, "milestone": "go live"},
    )
    assert not has_arrears(billing_plan.plan(made))


def test_a_milestone_is_billed_when_it_is_reached() -> None:
    made = some.priced(
        {"product": "seats", "quantity": 2},
        {"product": "services", "charge": "golive", "quantity": 1, "milestone": "go live"},
        term_months=1,
    )
    lines = billing_plan.plan(made)
    assert billing_plan.milestones(lines) == ("go live",)
    on = date(2026, 4, 5)
    [line] = milestone_lines(lines, milestone="go live", on=on)
    assert (line.amount_minor, line.period) == (500000, Period(on, date(2026, 4, 6)))
    assert milestone_lines(lines, milestone="never", on=on) == ()
    found = preview(made, anchor=date(2026, 4, 1), milestones={"go live": on})
    assert [(each.milestone, each.net_minor) for each in found] == [("", 2500), ("go live", 500000)]
    assert sum(each.net_minor for each in found) == made.totals.tcv_minor


@pytest.mark.parametrize(
    ("start", "billed"),
    [
        ("2026-06-16", [("2026-06-01", [1250]), ("2026-07-01", [2500]), ("2026-08-01", [2500])]),  # 15 of 30 days
        ("2026-07-01", [("2026-07-01", [2500]), ("2026-08-01", [2500])]),
        ("2026-05-01", [("2026-06-01", [2500]), ("2026-07-01", [2500]), ("2026-08-01", [2500])]),
        ("2026-08-31", [("2026-08-01", [81])]),  # 25.00 / 31
        ("2026-09-01", []),
    ],
)
def test_a_line_that_starts_inside_a_period_pays_it_by_day(start: str, billed: list[tuple[str, list[int]]]) -> None:
    made = some.priced({"product": "seats", "quantity": 2, "start": start}, term_months=3, start="2026-06-01")
    found = preview(made, anchor=date(2026, 6, 1))
    assert amounts(found) == billed
    assert made.totals.tcv_minor == made.totals.first_year_minor == sum(each.net_minor for each in found)
    assert made.totals.over_term["list"] == made.totals.tcv_minor


def test_a_prorated_line_says_so() -> None:
    made = some.priced({"product": "seats", "quantity": 2, "start": "2026-06-16"}, term_months=3, start="2026-06-01")
    [line] = preview(made, anchor=date(2026, 6, 1))[0].lines
    assert (line.explain, line.period) == (
        ("2 × 12.5", "15 of 30 days"),
        Period(date(2026, 6, 16), date(2026, 7, 1)),
    )


@pytest.mark.parametrize(
    ("start", "on"),
    [
        ("2026-05-01", "2026-06-01"),
        ("2026-06-01", "2026-06-01"),
        ("2026-06-02", "2026-07-01"),
        ("2026-08-01", "2026-08-01"),
        ("2026-08-02", "2026-09-01"),
        ("2027-01-01", "2026-09-01"),  # the last step bills what is left
    ],
)
def test_a_one_time_charge_is_billed_by_the_first_step_from_its_start_on(start: str, on: str) -> None:
    made = some.priced(
        {"product": "services", "charge": "setup", "quantity": 1, "start": start}, term_months=3, start="2026-06-01"
    )
    assert amounts(preview(made, anchor=date(2026, 6, 1))) == [(on, [90000])]
    assert made.totals.tcv_minor == made.totals.first_year_minor == 90000


@pytest.mark.parametrize(("start", "first_year"), [("2026-06-01", 90000), ("2026-06-02", 0)])
def test_a_one_time_charge_may_be_billed_after_the_first_year(start: str, first_year: int) -> None:
    line = {"product": "services", "charge": "setup", "quantity": 1, "start": start}
    made = some.priced(line, interval_months=12, start="2026-06-01")
    assert made.totals.first_year_minor == first_year


def line(**changes: Any) -> PlanLine:
    values: dict[str, Any] = {
        "line_no": 1, "segment": 0, "kind": "recurring", "timing": "advance", "from_period": 0, "to_period": 12,
        "product": "seats", "description": "Seats", "model": "per_unit", "unit_label": "seat", "quantity": 1,
        "amount_minor": 3000, "revenue_account": "revenue:seats", "explain": (),
    }  # fmt: skip
    return PlanLine(**values | changes)


def test_starts_are_resolved_when_their_days_are_known() -> None:
    starts = ("", "signature", "provisioning", "2026-07-04", "2026-01-01")
    found = resolve_starts(
        [line(starts=each) for each in starts],
        signed_on=date(2026, 6, 10),
        provisioned_on=date(2026, 6, 20),
        term_starts_on=date(2026, 6, 1),
    )
    assert [each.starts_on for each in found] == [
        None,
        date(2026, 6, 10),
        date(2026, 6, 20),
        date(2026, 7, 4),
        None,  # before the term: with the term
    ]
    [silent] = resolve_starts(
        [line(starts="signature")], signed_on=None, provisioned_on=date(2026, 6, 20), term_starts_on=date(2026, 6, 1)
    )
    assert silent.starts_on is None


def test_a_ramps_segments_are_billed_in_their_periods_alone() -> None:
    lines = [line(to_period=2, amount_minor=100), line(segment=1, from_period=2, to_period=4, amount_minor=200)]
    billed = [
        [
            each.amount_minor
            for each in invoice_lines(lines, index=n, periods=4, period_of=lambda i: period(ANCHOR, 1, i))
        ]
        for n in range(5)
    ]
    assert billed == [[100], [100], [200], [200], []]


@settings(max_examples=80)
@given(some.drafts(), st.dates(date(2026, 1, 1), date(2028, 12, 31)))
def test_the_preview_sums_to_what_was_committed(made: tuple[Any, Any, Any], anchor: date) -> None:
    draft, book, coupons = made
    found = quote.price(draft, book, on=some.TODAY, coupons=coupons)
    reached = dict.fromkeys(billing_plan.milestones(billing_plan.plan(found)), anchor)
    invoices = preview(found, anchor=anchor, milestones=reached)
    assert sum(each.net_minor for each in invoices) == found.totals.tcv_minor
    year = period(anchor, 12, 0)
    in_year = sum(each.net_minor for each in invoices if each.on in year and not each.milestone)
    assert in_year == found.totals.first_year_minor
    terms = found.terms
    lines = billing_plan.plan(found)
    again = [
        invoice_lines(
            lines, index=n, periods=terms.periods, period_of=lambda i: period(anchor, terms.interval_months, i)
        )
        for n in range(terms.periods + has_arrears(lines))
    ]
    assert [each for each in again if each] == [each.lines for each in invoices if not each.milestone]
    assert all(each.net_minor == sum(line.amount_minor for line in each.lines) for each in invoices)


@settings(max_examples=60)
@given(st.dates(date(2026, 6, 1), date(2027, 7, 1)), st.sampled_from(["seats", "calls"]), st.sampled_from([1, 3]))
def test_the_totals_of_a_line_with_its_own_start_are_those_of_its_preview(
    start: date, product: str, interval: int
) -> None:
    charge = "late" if product == "seats" else "committed"
    made = some.priced(
        {"product": product, "charge": charge, "quantity": 7, "start": start.isoformat(), "discount_percent": "33.3"},
        {"product": "platform", "quantity": 1},
        start="2026-06-01",
        interval_months=interval,
        discount_percent="7.7",
    )
    found = preview(made, anchor=date(2026, 6, 1))
    assert sum(each.net_minor for each in found) == made.totals.tcv_minor
    in_year = [each.net_minor for each in found if each.on < date(2027, 6, 1)]
    assert sum(in_year) == made.totals.first_year_minor
