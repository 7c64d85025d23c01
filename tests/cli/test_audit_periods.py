"""Which periods must be invoiced by now, and what is said of those that are not, are twice, or never should have been."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from cli.audit_outside import compared
from cli.audit_periods import bills_made, lines_agreed
from domain.billing_schedule import Term
from domain.contract import ACTIVE, ENDED, Contract, Milestone
from domain.deal import opened
from domain.state import Deal
from gateways.ports import CapturedPayment
from workflows.converter import to_json

OPENED = datetime(2027, 1, 30, 9, tzinfo=UTC)
TERMS: list[dict[str, Any]] = [
    {"term": 1, "starts_on": "2027-01-31", "ends_on": "2027-04-30", "interval_months": 1, "months": 3},
    {"term": 2, "starts_on": "2027-04-30", "ends_on": "2027-07-31", "interval_months": 3, "months": 3},
]
JANUARY = {"id": "inv_1", "number": "A-1", "term": 1, "period_no": 0, "start": "2027-01-31", "end": "2027-02-28"}
FEBRUARY = {"id": "inv_2", "number": "A-2", "term": 1, "period_no": 1, "start": "2027-02-28", "end": "2027-03-31"}
MARCH = {"id": "inv_3", "number": "A-3", "term": 1, "period_no": 2, "start": "2027-03-31", "end": "2027-04-30"}
RENEWED = {"id": "inv_4", "number": "A-4", "term": 2, "period_no": 0, "start": "2027-04-30", "end": "2027-07-31"}


def a_line(**differs: Any) -> dict[str, Any]:
    """Seats at 100.00 a period, in both terms unless said."""
    known = {
        "term": 1,
        "line_no": 1,
        "segment": 0,
        "kind": "recurring",
        "timing": "advance",
        "from_period": 0,
        "to_period": None,
        "product": "seats",
        "description": "Seats",
        "model": "flat",
        "unit_label": "",
        "quantity": "2",
        "period_amount_minor": 10000,
        "charge": {"revenue_account": "revenue:seats", "explain": []},
        "milestone": "",
        "starts_on": None,
        "starts": "",
    }
    return known | differs


def of(invoice: dict[str, Any], *minors: int, **differs: Any) -> dict[str, Any]:
    """An invoice of these amounts, each for seats in its own period."""
    made = {"occasion": "", **invoice, **differs}
    lines = [["Seats", "2.000000000000", minor, made["start"], made["end"], "revenue:seats"] for minor in minors]
    return {"lines": lines, **made}


LINES = [a_line(), a_line(term=2)]


def a_deal(**contract: Any) -> Deal:
    deal = opened(
        deal_id="d_1",
        name="Blue",
        entity_id="trial",
        account_id="acc_1",
        owner="sam@acme.example",
        currency="EUR",
        zone="Europe/Berlin",
        virtual=True,
        now=OPENED,
    )
    term = Term(number=1, anchor=date(2027, 1, 31), from_month=0, months=3, interval_months=1, order_number=1)
    running = Contract(
        id="con_1",
        subject="contract-1",
        zone="Europe/Berlin",
        method="card",
        net_days=0,
        auto_renew=True,
        notice_days=30,
        stage=ACTIVE,
        terms=(term,),
    )
    return replace(deal, contract=replace(running, **contract))


def told(deal: Deal, invoices: list[dict[str, Any]], now: str, lines: list[dict[str, Any]] = LINES) -> list[str]:
    return [
        breach.text.partition(": ")[2]
        for breach in bills_made(a_row(deal, invoices, lines), datetime.fromisoformat(now))
    ]


def a_row(deal: Deal, invoices: list[dict[str, Any]], lines: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "contract": "con_1",
        "number": "C-1",
        "deal": "d_1",
        "state": to_json(deal),
        "terms": TERMS,
        "lines": lines,
        "invoices": [of(invoice) for invoice in invoices],
    }


@pytest.mark.parametrize(
    ("invoices", "now", "said"),
    [
        ([], "2027-01-30T22:59:59Z", []),
        ([], "2027-01-30T23:00:00Z", ["2027-01-31 to 2027-02-28 is due and not invoiced"]),
        ([JANUARY], "2027-02-20T00:00:00Z", []),
        ([JANUARY, FEBRUARY, MARCH, RENEWED], "2027-06-01T00:00:00Z", []),
        ([JANUARY, MARCH, RENEWED], "2027-06-01T00:00:00Z", ["2027-02-28 to 2027-03-31 is due and not invoiced"]),
        ([JANUARY, FEBRUARY], "2027-02-20T00:00:00Z", ["2027-02-28 to 2027-03-31 is invoiced and not due"]),
        (
            [JANUARY, {**JANUARY, "id": "inv_9"}],
            "2027-02-20T00:00:00Z",
            ["2027-01-31 to 2027-02-28 is invoiced 2 times"],
        ),
        (
            [JANUARY, {**FEBRUARY, "period_no": 7}],
            "2027-02-20T00:00:00Z",
            ["is invoiced and is no period of the contract"],
        ),
        (
            [{**JANUARY, "end": "2027-03-01"}],
            "2027-02-20T00:00:00Z",
            ["is 2027-01-31 to 2027-02-28, its invoice says 2027-01-31 to 2027-03-01"],
        ),
    ],
)
def test_a_running_contract(invoices: list[dict[str, Any]], now: str, said: list[str]) -> None:
    assert told(a_deal(), invoices, now) == said


def test_a_cancelled_contract_runs_to_the_end_of_what_is_invoiced() -> None:
    deal = a_deal(cancel_on=date(2027, 2, 28))
    assert told(deal, [JANUARY], "2027-06-01T00:00:00Z") == []
    assert told(deal, [JANUARY, FEBRUARY], "2027-06-01T00:00:00Z") == [
        "2027-02-28 to 2027-03-31 is invoiced and not due"
    ]


def test_an_ended_contract_owes_what_began_before_its_end() -> None:
    deal = a_deal(stage=ENDED, since=datetime(2027, 3, 10, tzinfo=UTC))
    assert told(deal, [JANUARY, FEBRUARY], "2027-06-01T00:00:00Z") == []
    assert told(deal, [JANUARY], "2027-06-01T00:00:00Z") == ["2027-02-28 to 2027-03-31 is due and not invoiced"]


def test_what_is_parked_waits_for_an_operator() -> None:
    assert told(a_deal(parked="no tax rate"), [], "2027-06-01T00:00:00Z") == []


ARREARS = [a_line(timing="arrears"), a_line(term=2)]
CLOSING = {**MARCH, "id": "inv_9", "number": "A-9", "period_no": 3}


def test_what_is_billed_in_arrears_is_due_with_the_next_period_and_at_the_end() -> None:
    """The first bill of the term has nothing on it, the one at its end has the last period."""
    whole = [FEBRUARY, MARCH, CLOSING, RENEWED]
    assert told(a_deal(), [], "2027-02-20T00:00:00Z", ARREARS) == []
    assert told(a_deal(), whole, "2027-06-01T00:00:00Z", ARREARS) == []
    assert told(a_deal(), [*whole[:2], RENEWED], "2027-06-01T00:00:00Z", ARREARS) == [
        "2027-03-31 to 2027-04-30 is due and not invoiced"
    ]
    assert told(a_deal(), [JANUARY], "2027-02-20T00:00:00Z", ARREARS) == [
        "2027-01-31 to 2027-02-28 is invoiced, and nothing is to be billed for it"
    ]


def test_a_cancelled_contract_owes_its_arrears() -> None:
    deal = a_deal(cancel_on=date(2027, 2, 28))
    closing = {**JANUARY, "id": "inv_9", "number": "A-9", "period_no": 1}
    assert told(deal, [closing], "2027-06-01T00:00:00Z", ARREARS) == []
    assert told(deal, [], "2027-06-01T00:00:00Z", ARREARS) == ["2027-01-31 to 2027-02-28 is due and not invoiced"]


GO_LIVE = {"id": "inv_5", "number": "A-5", "term": 1, "period_no": 0, "occasion": "go-live"}
GO_LIVE |= {"start": "2027-03-01", "end": "2027-03-02"}
MILESTONE = [*LINES, a_line(line_no=2, kind="milestone", milestone="go-live", period_amount_minor=50000)]


def test_a_milestone_is_billed_once_it_is_reached() -> None:
    waiting = Milestone(term=1, number=0, name="go-live")
    reached = replace(waiting, reached_at=datetime(2027, 3, 1, 9, tzinfo=UTC))
    told_of = {
        name: told(a_deal(milestones=milestones), [JANUARY, *invoices], "2027-02-20T00:00:00Z", MILESTONE)
        for name, milestones, invoices in (
            ("waits", (waiting,), []),
            ("waits, billed", (waiting,), [GO_LIVE]),
            ("reached", (reached,), []),
            ("billed", (), [GO_LIVE]),
            ("forgotten", (), []),
            ("another", (), [GO_LIVE, {**GO_LIVE, "id": "x", "occasion": "party"}]),
        )
    }
    assert told_of == {
        "waits": [],
        "waits, billed": ["the milestone is invoiced and not due"],
        "reached": [],
        "billed": [],
        "forgotten": ["the milestone is due and not invoiced"],
        "another": ["is invoiced and is no period of the contract"],
    }


@pytest.mark.parametrize(
    ("invoice", "said"),
    [
        (of(JANUARY, 10000), []),
        (of(MARCH, 20000), []),
        (of(GO_LIVE, 50000), []),
        (
            of(JANUARY, 9999),
            ["A-1 lacks Seats 2027-01-31 to 2027-02-27 of 10000 and bills Seats 2027-01-31 to 2027-02-27 of 9999"],
        ),
        (of(JANUARY, 10000, 10000), ["A-1 has its lines in another order, or one of them twice"]),
        (
            of(MARCH, 10000),
            ["A-3 lacks Seats 2027-03-31 to 2027-04-29 of 20000 and bills Seats 2027-03-31 to 2027-04-29 of 10000"],
        ),
        (of(JANUARY), ["A-1 lacks Seats 2027-01-31 to 2027-02-27 of 10000"]),
    ],
)
def test_an_invoice_bills_the_lines_of_its_contract(invoice: dict[str, Any], said: list[str]) -> None:
    """A ramp: 100.00 for two months, then 200.00; and a milestone of 500.00."""
    lines = [
        a_line(to_period=2),
        a_line(segment=1, from_period=2, period_amount_minor=20000),
        a_line(line_no=2, kind="milestone", milestone="go-live", period_amount_minor=50000),
    ]
    found = lines_agreed(a_row(a_deal(), [invoice], lines), datetime(2027, 6, 1, tzinfo=UTC))
    assert [breach.text.partition(": ")[2] for breach in found] == said


def a_payment(ref: str = "pi_1", **differs: Any) -> CapturedPayment:
    known: dict[str, Any] = {
        "key": f"d_1/charge/{ref}/1",
        "deal_id": "d_1",
        "invoice_id": "inv_1",
        "gateway_ref": ref,
        "amount_minor": 100,
        "currency": "EUR",
        "captured_at": OPENED,
    }
    return CapturedPayment(**(known | differs))


def a_receipt(ref: str = "pi_1", amount_minor: int = 100) -> dict[str, Any]:
    return {"id": f"rcp_{ref}", "gateway_ref": ref, "amount_minor": amount_minor, "currency": "EUR"}


@pytest.mark.parametrize(
    ("captured", "receipts", "said"),
    [
        ([a_payment()], [a_receipt()], []),
        ([a_payment(key="asked")], [], []),
        ([a_payment()], [], ["pi_1 of 100 EUR is captured and not in the ledger"]),
        ([], [a_receipt()], ["receipt rcp_pi_1 says pi_1, which the gateway never captured"]),
        ([a_payment()], [a_receipt(amount_minor=99)], ["pi_1: the gateway captured 100 EUR, the ledger says 99 EUR"]),
        (
            [a_payment(key="k"), a_payment("pi_2", key="k")],
            [a_receipt(), a_receipt("pi_2")],
            ["the gateway captured 2 times under k"],
        ),
    ],
)
def test_the_gateways_book_against_ours(
    captured: list[CapturedPayment], receipts: list[dict[str, Any]], said: list[str]
) -> None:
    assert [breach.text for breach in compared(captured, receipts, {"asked"})] == said
