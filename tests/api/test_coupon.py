"""A coupon is issued once under its code: the same again is the same, another content is refused, and bad ones change nothing."""

from typing import Any

import pytest
from sqlalchemy import text

from models.database import Database
from tests.api.conftest import Caller

SPRING: dict[str, Any] = {"code": "SPRING-20", "percent": "20", "valid_to": "2026-06-01", "total_uses": 100}
YAML = b"code: SPRING-20\npercent: 20.0\nvalid_to: 2026-06-01\ntotal_uses: 100\n"


async def codes(database: Database) -> list[tuple[str, str]]:
    async with database.session() as session:
        found = await session.execute(text("SELECT code, content_hash FROM coupons ORDER BY code"))
    return [(row.code, row.content_hash) for row in found]


async def test_a_coupon_is_issued_once(as_: dict[str, Caller], database: Database) -> None:
    first = await as_["deal_desk"].post("/v1/coupons", SPRING)
    same = await as_["deal_desk"].post("/v1/coupons", content=YAML, headers={"Content-Type": "application/yaml"})
    assert [answer.status_code for answer in (first, same)] == [201, 200]
    assert same.json() == first.json()
    assert first.json()["content"] == SPRING
    assert first.json()["uses"] == 0
    before = await codes(database)
    other = await as_["deal_desk"].post("/v1/coupons", {**SPRING, "percent": "25"})
    assert (other.status_code, other.json()["type"]) == (409, "urn:q2c:problem:CouponExists")
    assert await codes(database) == before
    assert (await as_["sales"].get("/v1/coupons/spring-20")).json() == first.json()
    assert (await as_["sales"].get("/v1/coupons/AUTUMN")).status_code == 404


async def test_coupons_are_listed_by_code_page_by_page(as_: dict[str, Caller]) -> None:
    for code in ("C-3", "A-1", "B-2"):
        assert (await as_["admin"].post("/v1/coupons", {"code": code, "percent": "5"})).status_code == 201
    first = (await as_["sales"].get("/v1/coupons", limit=2)).json()
    second = (await as_["sales"].get("/v1/coupons", limit=2, cursor=first["next_cursor"])).json()
    assert [each["code"] for each in (*first["items"], *second["items"])] == ["A-1", "B-2", "C-3"]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("said", "paths"),
    [
        ({"code": "spring", "percent": "5"}, ["code"]),
        ({"code": "A", "percent": "5", "amount": "3", "currency": "EUR"}, ["percent"]),
        ({"code": "A", "amount": "3"}, ["currency"]),
        ({"code": "A", "percent": "5", "total_uses": "0", "periods": "x"}, ["periods", "total_uses"]),
        ({"code": "A", "percent": "5", "limit": "3"}, ["limit"]),
        ({"code": "A", "percent": "5", "valid_from": "2026-02-01", "valid_to": "2026-02-01"}, ["valid_to"]),
    ],
)
async def test_every_problem_is_named_and_nothing_is_kept(
    said: dict[str, Any], paths: list[str], as_: dict[str, Caller], database: Database
) -> None:
    answer = await as_["deal_desk"].post("/v1/coupons", said)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:q2c:problem:CouponInvalid")
    assert sorted(error["path"] for error in answer.json()["errors"]) == paths
    assert await codes(database) == []


async def test_only_the_deal_desk_issues_coupons(as_: dict[str, Caller], database: Database) -> None:
    for role in ("sales", "finance", "ops"):
        answer = await as_[role].post("/v1/coupons", SPRING)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:q2c:problem:WrongRole")
    assert await codes(database) == []
