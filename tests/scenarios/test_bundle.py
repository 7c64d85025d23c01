"""A bundle with a broken rule: refused with its lines and its cure, mended, sold, and billed as it was mended."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from embedded.temporal import TemporalServer
from sandbox.process import SandboxProcess
from tests.place import DRAFT
from tests.quotes import SUITE_BOOK
from tests.world import World, world

SUITE = {"product": "suite", "quantity": 1}
SEATS = {"product": "seats", "quantity": 3}
SILVER, GOLD = {"product": "silver", "quantity": 1}, {"product": "gold", "quantity": 1}


@pytest.fixture
async def w(database_url: str, temporal_server: TemporalServer, outside: SandboxProcess) -> AsyncIterator[World]:
    async with world(database_url, temporal_server.address, outside) as made:
        yield made


def draft(*lines: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**DRAFT, "price_book": "cloud-eur", "lines": list(lines), **changes}


async def test_a_bundle_with_a_broken_rule_is_mended(w: World) -> None:
    made = await w.post("/v1/price-books", SUITE_BOOK, by="desk")
    assert made.status_code == 201, made.text
    account = await w.account()
    before = await w.look()

    # 2027-01-01: the suite without its support, and too few seats: both are told at once, with their cures
    said = {"name": "Globex: suite", "account_id": account, "draft": draft(SUITE, SEATS)}
    refused = await w.post("/v1/deals", said, by="sales")
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:q2c:problem:ConfigurationBroken")
    assert refused.json()["errors"] == [
        {
            "path": "draft.lines[0]",
            "message": "suite takes at least 1 line of support, found 0: add 1 of silver or gold",
        },
        {
            "path": "draft.lines[1].quantity",
            "message": "the quantity of seats, 3, is below the minimum of 5: add 2 or remove seats",
        },
    ]
    assert await w.look() == before

    # the same day: the cures are taken, one too many of them
    both = draft(SUITE, {**SEATS, "quantity": 5}, SILVER, GOLD)
    refused = await w.post("/v1/deals", {**said, "draft": both}, by="sales")
    assert refused.json()["errors"] == [
        {
            "path": "draft.lines[0], draft.lines[2], draft.lines[3]",
            "message": "suite takes at most 1 line of support, found 2: remove 1 of silver or gold",
        }
    ]
    assert await w.look() == before

    # mended: 100.00 less the launch promotion of 10 %, 5 seats at 12.50, and support at 50.00 a month
    opened = await w.post("/v1/deals", {**said, "draft": draft(SUITE, {**SEATS, "quantity": 5}, SILVER)}, by="sales")
    assert opened.status_code == 201, opened.text
    deal = opened.json()["id"]
    assert await w.rows("SELECT version, status, total_minor FROM quote_versions") == [
        (1, "priced", 3 * 9_000 + 9 * 10_000 + 12 * (6_250 + 5_000))
    ]

    # a revision that breaks it again leaves the deal as it is
    standing = await w.look()
    broken = await w.post(f"/v1/deals/{deal}/revise", {"draft": draft(SUITE)}, by="sales")
    assert (broken.status_code, broken.json()["where"]) == (422, "draft.lines[0]")
    assert await w.look() == standing

    # 2027-01-02: signed; the promotion lasts three periods, to 2027-04-02
    await w.say(deal, "submit", {"version": 1})
    await w.settled(deal, "signature")
    await w.advance("2027-04-03")
    assert [(number, line, amount, start) for number, line, _, _, amount, start, _ in await w.lines(deal)] == [
        (f"ACME-{number:06d}", line, amount, start)
        for number, start, suite in (
            (1, "2027-01-02", 9_000),
            (2, "2027-02-02", 9_000),
            (3, "2027-03-02", 9_000),
            (4, "2027-04-02", 10_000),
        )
        for line, amount in ((1, suite), (2, 6_250), (3, 5_000))
    ]
    assert await w.balances() == {
        "cash_clearing": 3 * 24_098 + 25_288,  # 202.50 and 38.48 of tax; 212.50 and 40.38
        "deferred_revenue:seats": -25_000,
        "deferred_revenue:silver": -20_000,
        "deferred_revenue:suite": -37_000,
        "tax_payable": -(3 * 3_848 + 4_038),
    }
