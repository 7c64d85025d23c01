"""(f) A ramp of three years in euros, by the year, and in yen, by the quarter: what was previewed is what is invoiced."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from domain.billing_plan import preview
from domain.quote_version import offer
from embedded.temporal import TemporalServer
from sandbox.process import SandboxProcess
from tests.place import SIGNER
from tests.suite import book_row
from tests.world import World, world

RAMP = {
    "product": "seats",
    "ramp": [
        {"months": 12, "quantity": 10, "discount_percent": "10"},
        {"months": 12, "quantity": 20},
        {"months": 12, "quantity": 40, "discount_percent": "5"},
    ],
}


@pytest.fixture
async def w(database_url: str, temporal_server: TemporalServer, outside: SandboxProcess) -> AsyncIterator[World]:
    async with world(database_url, temporal_server.address, outside) as made:
        await made.add([book_row(), book_row("JPY", factor=161)])
        yield made


async def sold(w: World, currency: str, **changes: Any) -> str:
    account = await w.account(currency=currency, email=f"{currency.lower()}@globex.example")
    return await w.sold(
        account, price_book=f"suite-{currency.lower()}", currency=currency, term_months=36, notice_days=30,
        lines=[RAMP, {"product": "support", "quantity": 1}], **changes,
    )  # fmt: skip


async def planned(w: World, deal: str, anchor: date) -> list[tuple[str, int]]:
    """Day and net of each invoice, as the quote foretold them."""
    content = await w.one("SELECT content FROM quote_versions WHERE deal_id = :id AND order_number = 1", id=deal)
    return [(each.on.isoformat(), each.net_minor) for each in preview(offer(content), anchor=anchor)]


async def billed(w: World, deal: str) -> list[tuple[str, int]]:
    found = await w.rows(
        "SELECT issued_on::text, net_minor FROM invoices WHERE deal_id = :id ORDER BY sequence", id=deal
    )
    return [(on, net) for on, net in found]


async def lines(w: World, deal: str) -> list[tuple[Any, ...]]:
    """Every invoice line without the invoice's number: two deals that bill on one day draw theirs in either order."""
    return [line[1:] for line in await w.lines(deal)]


async def test_three_years_in_two_currencies(w: World) -> None:
    # 2027-01-01: quoted in both; the ACV of a ramp is a year's share of the whole
    euros, yen = await sold(w, "EUR", interval_months=12), await sold(w, "JPY", interval_months=3)
    assert await w.rows("SELECT currency, total_minor, acv_minor FROM quote_versions ORDER BY currency") == [
        ("EUR", 108_000 + 240_000 + 456_000 + 3 * 108_000, 376_000),
        ("JPY", 173_880 + 386_400 + 734_160 + 3 * 173_880, 605_360),
    ]

    # 2027-01-02: signed and in service; the first year in euros, the first quarter in yen
    await w.advance("2027-01-03")
    assert await lines(w, euros) == [(1, "Seats", "10", 108_000, "2027-01-02", "2028-01-02")]
    assert await lines(w, yen) == [(1, "Seats", "10", 43_470, "2027-01-02", "2027-04-02")]

    # 2028-01-02: the second step of the ramp, and what the first year owes for support
    await w.advance("2028-01-03")
    assert (await lines(w, euros))[1:] == [
        (1, "Seats", "20", 240_000, "2028-01-02", "2029-01-02"),
        (2, "Support", "1", 108_000, "2027-01-02", "2028-01-02"),
    ]
    assert (await lines(w, yen))[-2:] == [
        (1, "Seats", "20", 96_600, "2028-01-02", "2028-04-02"),
        (2, "Support", "1", 43_470, "2027-10-02", "2028-01-02"),
    ]

    # 2029-01-02: the third step
    await w.advance("2029-01-03")
    assert (await lines(w, euros))[3][1:4] == ("Seats", "40", 456_000)

    # 2029-12-03: a renewal is offered, and nobody signs it
    await w.behave("signature", email=SIGNER, action="ignore")

    # 2030-01-02: the term ends; its last arrears are billed, then nothing more
    await w.advance("2030-03-01")
    assert [await w.standing(deal) for deal in (euros, yen)] == [("ended", "nothing"), ("ended", "nothing")]
    for deal, count in ((euros, 4), (yen, 13)):
        found = await billed(w, deal)
        assert len(found) == count
        assert found == await planned(w, deal, date(2027, 1, 2))
        total = await w.one("SELECT total_minor FROM quote_versions WHERE deal_id = :id AND order_number = 1", id=deal)
        assert sum(net for _, net in found) == total
    captured = {each["currency"]: 0 for each in await w.effects("charge.captured")}
    for each in await w.effects("charge.captured"):
        captured[each["currency"]] += each["amount_minor"]
    assert captured == {
        row[0]: row[1]
        for row in await w.rows(
            "SELECT currency, sum(total_minor)::bigint FROM invoices WHERE status = 'paid' GROUP BY 1"
        )
    }
