"""Cash application: by reference, then by amount and payer; never more than came."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given

from domain.cash_application import Application, Match, OpenInvoice, match
from domain.ledger import ReceiptNotPositive
from tests import strategies as some
from tests.strategies import ABankLine

ONE = OpenInvoice(
    invoice_id="inv_1",
    number="ACME-000042",
    currency="EUR",
    open_minor=7438,
    payer="Blue GmbH",
    due_on=date(2026, 3, 2),
)
TWO = replace(ONE, invoice_id="inv_2", number="ACME-000043", open_minor=1000, due_on=date(2026, 3, 1))


def came(amount_minor: int = 7438, *, currency: str = "EUR", payer: str = "someone", reference: str = "") -> ABankLine:
    return ABankLine(amount_minor, currency, payer, reference)


def tuple_of(*invoices: OpenInvoice) -> tuple[Application, ...]:
    return tuple(Application(invoice_id=each.invoice_id, amount_minor=each.open_minor) for each in invoices)


def matched(applications: tuple[Application, ...], rest: int, how: str) -> Match:
    return Match(applications=applications, unapplied_minor=rest, how=how)


@pytest.mark.parametrize(
    "reference",
    [
        "ACME-000042",
        "acme-000042",
        "Invoice ACME-000042, thanks",
        "ACME 000042",
        "acme000042",
        "RE:ACME -0000 42",
        "(ACME_000042)",
        "ACME-000042EUR",
    ],
)
def test_the_number_is_found_anywhere_in_the_reference(reference: str) -> None:
    assert match(came(reference=reference), [TWO, ONE]) == matched(tuple_of(ONE), 0, "reference")


@pytest.mark.parametrize(
    "reference", ["", "ACME-0000421", "XACME-000042", "1ACME-000042", "ACME-00042", "42", "000042"]
)
def test_what_only_resembles_the_number_is_not_the_number(reference: str) -> None:
    assert match(came(reference=reference), [ONE, TWO]) == matched((), 7438, "")


def test_the_longer_of_two_numbers_that_overlap_is_meant() -> None:
    short = replace(ONE, invoice_id="short", number="INV-1")
    long = replace(ONE, invoice_id="long", number="INV-1-2")
    assert match(came(reference="INV-1 2"), [short, long]) == matched(tuple_of(long), 0, "reference")
    assert match(came(14876, reference="INV-1-2 INV-1"), [short, long]) == matched(
        (Application(invoice_id="short", amount_minor=7438), Application(invoice_id="long", amount_minor=7438)),
        0,
        "reference",
    )


def test_a_number_without_signs_matches_nothing() -> None:
    assert match(came(reference="--"), [replace(ONE, number="-")]) == matched((), 7438, "")


def test_too_much_leaves_the_rest_unapplied() -> None:
    assert match(came(7500, reference="ACME-000042"), [ONE]) == matched(tuple_of(ONE), 62, "reference")


def test_too_little_pays_a_part() -> None:
    assert match(came(7000, reference="ACME-000042"), [ONE]) == matched(
        (Application(invoice_id="inv_1", amount_minor=7000),), 0, "reference"
    )


def test_several_numbers_are_paid_in_order_of_their_due_date() -> None:
    assert match(came(5000, reference="ACME-000042 and ACME-000043"), [ONE, TWO]) == matched(
        (Application(invoice_id="inv_2", amount_minor=1000), Application(invoice_id="inv_1", amount_minor=4000)),
        0,
        "reference",
    )
    assert match(came(1000, reference="ACME-000042 and ACME-000043"), [ONE, TWO]) == matched(
        tuple_of(TWO), 0, "reference"
    )


def test_without_a_number_the_exact_amount_of_the_payer_matches() -> None:
    assert match(came(payer="BLUE  GMBH"), [ONE]) == matched(tuple_of(ONE), 0, "amount_and_payer")
    assert match(came(payer="Red Ltd"), [ONE]) == matched((), 7438, "")
    assert match(came(7437, payer="Blue GmbH"), [ONE]) == matched((), 7437, "")
    assert match(came(payer=""), [replace(ONE, payer="")]) == matched((), 7438, "")


def test_of_several_equal_invoices_the_oldest_is_paid() -> None:
    younger = replace(ONE, invoice_id="younger", number="ACME-000044", due_on=date(2026, 4, 2))
    assert match(came(payer="Blue GmbH"), [younger, ONE]) == matched(tuple_of(ONE), 0, "amount_and_payer")


def test_currencies_must_agree() -> None:
    assert match(came(currency="USD", payer="Blue GmbH", reference="ACME-000042"), [ONE]) == matched((), 7438, "")


def test_a_paid_invoice_takes_no_more() -> None:
    assert match(came(reference="ACME-000042"), [replace(ONE, open_minor=0)]) == matched((), 7438, "")


@pytest.mark.parametrize("amount", [0, -5])
def test_only_money_that_came_is_matched(amount: int) -> None:
    with pytest.raises(ReceiptNotPositive):
        match(came(amount), [ONE])


@given(some.bank_lines, some.open_invoices())
def test_matching_never_creates_money(line: ABankLine, invoices: tuple[OpenInvoice, ...]) -> None:
    found = match(line, invoices)
    assert sum(each.amount_minor for each in found.applications) + found.unapplied_minor == line.amount_minor
    assert found.unapplied_minor >= 0
    by_id = {each.invoice_id: each for each in invoices}
    assert len({each.invoice_id for each in found.applications}) == len(found.applications)
    for each in found.applications:
        assert 0 < each.amount_minor <= by_id[each.invoice_id].open_minor
        assert by_id[each.invoice_id].currency == line.currency
    assert bool(found.applications) == bool(found.how)
    assert match(line, reversed(invoices)) == found
