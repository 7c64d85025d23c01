"""Contracts in service are moved to new list prices by a named migration: previewed, run, cut off and run again, each moved once."""

import asyncio
from collections.abc import AsyncIterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from embedded.temporal import TemporalServer
from tests.api.conftest import ACCOUNT
from tests.api.house import BOOK, House, house

MARCH = "2027-03-15T00:00:00Z"


@pytest.fixture
async def whole(database_url: str, temporal_server: TemporalServer, tmp_path: Path) -> AsyncIterator[House]:
    async with house(database_url, temporal_server.address, tmp_path) as made:
        yield made


def dearer(price: str = "15.00", **differs: Any) -> dict[str, Any]:
    """Seats at 15.00 instead of 12.50, from July on."""
    book = deepcopy(BOOK) | {"valid_from": "2027-07-01"} | differs
    book["products"][0]["charges"][0]["unit_price"] = price
    return book


async def in_service(whole: House, *drafts: dict[str, Any]) -> list[str]:
    """Deals signed on 2027-01-02 and billed until 2027-03-02; their ids."""
    account = await whole.furnish()
    deals = []
    for number, changes in enumerate(drafts):
        said = {**ACCOUNT, "entity_id": "trial", "name": f"Account {number}"}
        other = (await whole.as_["admin"].post("/v1/accounts", said)).json()["id"] if number else account
        deal = (await whole.open(other, **changes))["id"]
        submitted = await whole.as_["sales"].post(f"/v1/deals/{deal}/submit", {"version": 1})
        assert submitted.status_code == 200, submitted.text
        deals.append(deal)
    await whole.advance(MARCH)
    assert (await whole.as_["deal_desk"].post("/v1/price-books", dearer())).status_code == 201
    return deals


async def prepare(whole: House, name: str = "2027", **said: Any) -> httpx.Response:
    asked = {"name": name, "from": "acme-2026@1", "to": "acme-2026@2", **said}
    return await whole.as_["deal_desk"].post("/v1/price-migrations", asked)


async def run(whole: House, migration: str, *, until: int = 0, **said: Any) -> dict[str, Any]:
    """Told again, as an answer waits for the deals for some seconds only, until no more than so many are pending."""
    while True:
        answer = await whole.as_["deal_desk"].post(f"/v1/price-migrations/{migration}/run", said)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        if found["counts"].get("pending", 0) <= until:
            return found


async def sums(whole: House, deal: str) -> list[int]:
    """The net of each of its invoices."""
    invoices = (await whole.as_["finance"].get("/v1/invoices", deal=deal, limit=50)).json()["items"]
    return [invoice["net"]["minor"] for invoice in invoices]


async def rows(whole: House, table: str, alias: str = "") -> list[str]:
    async with whole.database.session() as session:
        found = await session.execute(text(f"SELECT {alias or table}::text FROM {table} ORDER BY 1"))  # noqa: S608 (our own)
    return list(found.scalars())


def figures(money: dict[str, Any]) -> list[int]:
    names = ("before", "after", "difference", "rest_before", "rest_after", "rest_difference")
    return [money[name]["minor"] for name in names]


async def test_a_migration_is_previewed_run_and_billed(whole: House) -> None:
    """20 seats without, and 10 seats with a coupon of 5 % that is over by now; three months of twelve are billed."""
    coupon = {"code": "FIVE", "percent": "5", "valid_to": "2027-02-01", "total_uses": 1}
    assert (await whole.as_["admin"].post("/v1/coupons", coupon)).status_code == 201
    lines = [{"product": "team", "quantity": 10}]
    plain, cut = await in_service(whole, {}, {"lines": lines, "coupons": ["FIVE"]})
    made = await prepare(whole)
    assert made.status_code == 201, made.text
    shown = made.json()
    assert (shown["from_book"], shown["to_book"], shown["counts"]) == ("acme-2026@1", "acme-2026@2", {"pending": 2})
    by_deal = {each["deal_id"]: figures(each) for each in shown["deals"]}
    assert by_deal[plain] == [25000, 30000, 5000, 225000, 270000, 45000]
    assert by_deal[cut] == [11875, 14250, 2375, 106875, 128250, 21375]
    assert figures(shown["whole"]) == [36875, 44250, 7375, 331875, 398250, 66375]
    assert [(each["deals"], each["difference"]["minor"]) for each in shown["accounts"]] == [(1, 2375), (1, 5000)]
    assert await sums(whole, plain) == [25000] * 3
    before = await rows(whole, "contract_lines")

    ran = await run(whole, shown["id"])
    assert (ran["counts"], ran["remaining"]) == ({"done": 2}, 0)
    assert ran["finished_at"] is not None
    assert [figures(each) for each in ran["deals"]] == [figures(each) for each in shown["deals"]]
    moved = await rows(whole, "contract_lines")
    assert len(moved) == 2 * len(before)
    again = await run(whole, shown["id"])
    assert again == ran
    assert await rows(whole, "contract_lines") == moved

    await whole.advance("2027-06-15T00:00:00Z")
    assert await sums(whole, plain) == [25000] * 3 + [30000] * 3
    assert await sums(whole, cut) == [11875] * 3 + [14250] * 3
    nothing = await prepare(whole, "again")
    assert (nothing.status_code, nothing.json()["type"]) == (409, "urn:q2c:problem:NothingToMigrate")
    back = await prepare(whole, "back", **{"from": "acme-2026@2", "to": "acme-2026@1"})
    assert figures(back.json()["whole"])[:3] == [44250, 36875, -7375]


async def test_a_run_that_is_cut_off_goes_on_and_moves_nothing_twice(whole: House) -> None:
    """Batches of one; the second call is dropped by its caller in the middle, and is made again."""
    deals = await in_service(whole, {}, {}, {})
    migration = (await prepare(whole)).json()["id"]
    first = await run(whole, migration, until=2, most=1)
    assert (first["counts"], first["remaining"], first["finished_at"]) == ({"done": 1, "pending": 2}, 2, None)
    cut_off = asyncio.create_task(run(whole, migration, most=2))
    await asyncio.sleep(0.02)
    cut_off.cancel()
    await asyncio.gather(cut_off, return_exceptions=True)
    ran, also = await asyncio.gather(run(whole, migration), run(whole, migration))
    last = await run(whole, migration)
    assert last["counts"] == {"done": 3}
    assert {ran["remaining"], also["remaining"]} <= {0, 1, 2}
    async with whole.database.session() as session:
        versions = await session.execute(
            text("SELECT deal_id, count(*) FROM quote_versions WHERE kind = 'migration' GROUP BY deal_id")
        )
        told = await session.execute(text("SELECT count(*) FROM mails WHERE subject LIKE '%new prices%'"))
        assert sorted(tuple(row) for row in versions) == sorted((deal, 1) for deal in deals)
        assert told.scalar_one() == 3
    await whole.advance("2027-04-15T00:00:00Z")
    assert [await sums(whole, deal) for deal in deals] == [[25000] * 3 + [30000]] * 3


async def test_what_cannot_move_stays_as_it_is_and_says_why(whole: House) -> None:
    """10 seats are too few for the new book: that deal fails, keeps its prices, and is tried again when asked for."""
    plain, few = await in_service(whole, {}, {"lines": [{"product": "team", "quantity": 10}]})
    strict = dearer(name="strict")
    strict["products"][0]["charges"][0]["minimum_quantity"] = "15"
    assert (await whole.as_["deal_desk"].post("/v1/price-books", strict)).status_code == 201
    shown = (await prepare(whole, to="strict")).json()
    assert shown["counts"] == {"pending": 1, "failed": 1}
    failed = next(each for each in shown["deals"] if each["status"] == "failed")
    assert (failed["deal_id"], figures(failed)[:3]) == (few, [12500, 12500, 0])
    assert "quantity" in failed["error"]
    lines = "contract_lines l JOIN contracts c ON c.id = l.contract_id AND c.deal_id = '" + few + "'"
    before = await rows(whole, lines, "l")
    ran = await run(whole, shown["id"])
    assert (ran["counts"], ran["finished_at"]) == ({"done": 1, "failed": 1}, None)
    assert await rows(whole, lines, "l") == before
    tried = await run(whole, shown["id"], retry_failed=True)
    assert tried["counts"] == {"done": 1, "failed": 1}
    await whole.advance("2027-04-15T00:00:00Z")
    assert await sums(whole, few) == [12500] * 4
    assert await sums(whole, plain) == [25000] * 3 + [30000]
    assert (await whole.deal(few))["parked"] == ""


async def test_a_deal_that_ended_before_its_turn_is_skipped(whole: House) -> None:
    (deal,) = await in_service(whole, {})
    migration = (await prepare(whole)).json()["id"]
    cancelled = await whole.as_["ops"].post(f"/v1/deals/{deal}/cancel", {"reason": "bankrupt"})
    assert cancelled.status_code == 200
    await whole.advance("2027-05-01T00:00:00Z")
    ran = await run(whole, migration)
    assert (ran["counts"], ran["remaining"]) == ({"skipped": 1}, 0)
    assert ran["finished_at"] is not None
    assert ran["deals"][0]["error"] != ""
    assert await sums(whole, deal) == [25000] * 3


async def test_a_contract_that_runs_out_has_nothing_left_to_move(whole: House) -> None:
    (deal,) = await in_service(whole, {})
    await whole.as_["ops"].post(f"/v1/deals/{deal}/cancel", {"reason": "sold"})
    (move,) = (await prepare(whole)).json()["deals"]
    assert (move["status"], figures(move)) == ("skipped", [0] * 6)


async def test_a_migration_that_makes_no_sense_is_refused_and_changes_nothing(whole: House) -> None:
    await in_service(whole, {})
    assert (await whole.as_["admin"].post("/v1/price-books", dearer(name="dollars", currency="USD"))).status_code == 201
    taken = (await prepare(whole, "taken")).json()
    before = [await rows(whole, table) for table in ("price_migrations", "price_migration_deals", "contract_lines")]
    cases: list[tuple[dict[str, Any], int, str]] = [
        ({"to": "acme-2026@9"}, 404, "UnknownPriceBook"),
        ({"to": "acme-2026@1"}, 422, "SameBook"),
        ({"to": "dollars"}, 422, "MigrationCurrencyMismatch"),
        ({"from": "acme-2026@2", "to": "acme-2026@1"}, 409, "NothingToMigrate"),
        ({"entity": "acme-de"}, 409, "NothingToMigrate"),
        ({"accounts": ["acc_none"]}, 409, "NothingToMigrate"),
        ({"effective": "now"}, 422, "RequestInvalid"),
        ({"name": "taken"}, 409, "MigrationExists"),
    ]
    for said, status, type_ in cases:
        refused = await prepare(whole, **{"name": "new", **said})
        assert (refused.status_code, refused.json()["type"]) == (status, f"urn:q2c:problem:{type_}"), said
    unknown = await whole.as_["deal_desk"].post("/v1/price-migrations/pm_none/run", {})
    assert (unknown.status_code, unknown.json()["type"]) == (404, "urn:q2c:problem:UnknownPriceMigration")
    for role in ("sales", "finance", "ops"):
        assert (await whole.as_[role].post(f"/v1/price-migrations/{taken['id']}/run", {})).status_code == 403
    after = [await rows(whole, table) for table in ("price_migrations", "price_migration_deals", "contract_lines")]
    assert after == before
    listed = (await whole.as_["sales"].get("/v1/price-migrations")).json()["items"]
    assert [(each["name"], each["finished_at"]) for each in listed] == [("taken", None)]
    assert (await whole.as_["sales"].get(f"/v1/price-migrations/{taken['id']}")).json() == taken
