"""Periods follow each other without gap or overlap, and a clean paid one costs few statements; a wrong hash parks."""

import itertools
from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import text

from domain.message import Retry, Submit, Verdict
from domain.step import StepKind
from models.entity import TaxRateRow
from sandbox.process import SandboxProcess
from tests.activities.hand import Hand, hand

MOST_STATEMENTS = 8  # of one clean paid period, besides BEGIN and COMMIT (issue 2)


@pytest.fixture
async def h(database_url: str, outside: SandboxProcess) -> AsyncIterator[Hand]:
    async with hand(database_url, outside) as made:
        made.twice = False
        yield made


async def test_three_terms_are_billed_without_gap_or_overlap(h: Hand) -> None:
    await h.sold(auto_renew=True, uplift_percent="10", interval_months=3, term_months=6)
    await h.until("2028-06-30")
    periods = await h.place.rows(
        "SELECT term, period_no, period_start::text, period_end::text, net_minor FROM invoices ORDER BY sequence"
    )
    days = ["2027-01-01", "2027-04-01", "2027-07-01", "2027-10-01", "2028-01-01", "2028-04-01", "2028-07-01"]
    net = {1: 75000, 2: 82500, 3: 90750}
    assert periods == [
        (number // 2 + 1, number % 2, start, end, net[number // 2 + 1])
        for number, (start, end) in enumerate(itertools.pairwise(days))
    ]
    numbers = [number for (number,) in await h.place.rows("SELECT sequence FROM invoices ORDER BY sequence")]
    assert numbers == [1, 2, 3, 4, 5, 6]
    assert await h.place.rows("SELECT term, starts_on::text, ends_on::text FROM contract_terms ORDER BY term") == [
        (1, "2027-01-01", "2027-07-01"),
        (2, "2027-07-01", "2028-01-01"),
        (3, "2028-01-01", "2028-07-01"),
    ]


async def test_a_clean_paid_period_costs_few_statements(h: Hand) -> None:
    await h.sold()
    with h.place.database.counting() as tally:
        await h.until("2027-02-01")
    assert h.kinds()[-2:] == [StepKind.BILL, StepKind.CHARGE]
    print(f"one clean paid period: {len(tally)} statements")
    assert len(tally) <= MOST_STATEMENTS, tally.statements


async def test_a_signature_under_another_paper_parks(h: Hand) -> None:
    """The hash that comes back must be the one that was sent."""
    await h.revise()
    await h.say(Submit(version=1))
    answer = await h.signed(sha256="0" * 64)
    assert answer.verdict is Verdict.UNEXPECTED
    sent = await h.place.one("SELECT document_sha256 FROM envelopes")
    reason = f"the signed document's hash 000000000000 is not the one sent, {sent[:12]}"
    assert h.deal.parkings == (("order-1", reason),)
    assert await h.place.one("SELECT parked FROM deals") == f"order-1: {reason}"
    assert await h.place.one("SELECT count(*) FROM contracts") == 0


async def test_a_missing_tax_rate_parks_the_billing_and_is_retried(h: Hand) -> None:
    await h.revise()
    await h.say(Submit(version=1))
    async with h.place.database.transaction() as session:
        await session.execute(text("DELETE FROM tax_rates"))
    await h.signed()
    ((subject, reason),) = h.deal.parkings
    assert (subject, reason) == (
        "contract-1",
        f"MissingReference: a tax rate of {h.place.entity} for 2027-01-01 is not there",
    )
    assert await h.place.one("SELECT count(*) FROM invoices") == 0
    assert await h.place.one("SELECT count(*) FROM series WHERE last > 0") == 0  # no number was used up
    rate = TaxRateRow(entity_id=h.place.entity, valid_from=date(2027, 1, 1), rate=Decimal("0.2"), name="VAT")
    await h.place.add([rate])
    await h.say(Retry())
    assert h.deal.parkings == ()
    assert await h.place.rows("SELECT number, tax_minor FROM invoices") == [("ACME-000001", 5000)]
