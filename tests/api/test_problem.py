"""Every error is problem+json: a stable type, what was wrong, where, and how to mend it."""

from typing import Any

import httpx
import pytest

from api.errors import path_of
from api.pagination import decode, encode
from tests.api.conftest import ENTITY, Caller


@pytest.mark.parametrize(
    ("body", "status", "type_", "where"),
    [
        (b"{", 400, "BodyMalformed", "line 1, column 2"),
        (b'{"name": NaN}', 400, "BodyMalformed", "line 1, column 10"),
        (b"[" * 100_000, 400, "BodyMalformed", "line 1, column 1"),
        (b'{"name": "\xff"}', 400, "BodyMalformed", "line 1, column 11"),
        (b'{"name":\n\n "x",,}', 400, "BodyMalformed", "line 3, column 6"),
        (b"[]", 422, "RequestInvalid", "body"),
        (b"{}", 422, "RequestInvalid", "name"),
    ],
    ids=["cut off", "NaN", "too deep", "not UTF-8", "two commas", "a list", "empty"],
)
async def test_a_malformed_body_is_named(
    body: bytes, status: int, type_: str, where: str, as_: dict[str, Caller]
) -> None:
    answer = await as_["admin"].post("/v1/entities", content=body, headers={"Content-Type": "application/json"})
    said = answer.json()
    assert (answer.status_code, said["type"], said["where"]) == (status, f"urn:q2c:problem:{type_}", where)
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(said) >= {"type", "title", "status", "detail", "where", "hint"}


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"currency": "EURO"}, "currency"),
        ({"currency": "XXX"}, "currency"),
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"country": "Germany"}, "country"),
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"color": "red"}, "color"),
        ({"tax_rates": [{"valid_from": "2020-01-01", "rate": "19", "name": "VAT"}]}, "tax_rates[0].rate"),
        ({"tax_rates": [{"valid_from": "soon", "rate": "0.19", "name": "VAT"}]}, "tax_rates[0].valid_from"),
        ({"id": "No Such Id"}, "id"),
    ],
)
async def test_a_wrong_field_is_named_by_its_path(changes: dict[str, Any], where: str, as_: dict[str, Caller]) -> None:
    answer = await as_["admin"].post("/v1/entities", {**ENTITY, **changes})
    assert answer.status_code == 422
    assert answer.json()["where"] == where
    assert [error["path"] for error in answer.json()["errors"]] == [where]
    assert (await as_["admin"].get("/v1/entities")).json() == {"items": [], "next_cursor": None}


async def test_what_is_not_there_is_404_and_a_wrong_method_405(
    as_: dict[str, Caller], client: httpx.AsyncClient
) -> None:
    for path, type_ in (
        ("/v1/deals/d_0", "UnknownDeal"),
        ("/v1/deals/d_0/timeline", "UnknownDeal"),
        ("/v1/deals/d_0/forecast", "UnknownDeal"),
        ("/v1/invoices/inv_0", "UnknownInvoice"),
        ("/v1/invoices/inv_0/pdf", "UnknownInvoice"),
        ("/v1/quote-versions/qv_0/pdf", "UnknownQuoteVersion"),
        ("/v1/contracts/con_0", "UnknownContract"),
        ("/v1/price-books/pb_0", "UnknownPriceBook"),
        ("/v1/people/nobody@acme.example", "UnknownPerson"),
        ("/nowhere", "NotFound"),
    ):
        answer = await as_["admin"].get(path)
        assert (answer.status_code, answer.json()["type"]) == (404, f"urn:q2c:problem:{type_}"), path
    wrong = await client.delete("/v1/deals")
    assert (wrong.status_code, wrong.json()["type"]) == (405, "urn:q2c:problem:MethodNotAllowed")


async def test_a_body_without_end_is_refused(as_: dict[str, Caller]) -> None:
    answer = await as_["admin"].post("/v1/entities", content=b"x" * 4_000_001)
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:q2c:problem:BodyTooLarge")


async def test_a_cursor_that_is_not_ours_is_refused(as_: dict[str, Caller]) -> None:
    for path in ("/v1/deals", "/v1/invoices", "/v1/payments", "/v1/entities", "/v1/price-books"):
        for cursor in ("x", "W10", encode(1), encode("a", "b", "c"), "\u00e9"):
            answer = await as_["admin"].get(path, cursor=cursor)
            assert (answer.status_code, answer.json()["where"]) == (422, "query.cursor"), (path, cursor)


async def test_pages_follow_each_other_without_gap_or_repeat(as_: dict[str, Caller]) -> None:
    names = [f"ent-{number}" for number in range(5)]
    for number, name in enumerate(names):
        made = await as_["admin"].post("/v1/entities", {**ENTITY, "id": name, "bank_account": f"DE0{number}000"})
        assert made.status_code == 201
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": 2} if cursor is None else {"limit": 2, "cursor": cursor}
        page = (await as_["admin"].get("/v1/entities", **params)).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == names


async def test_the_description_has_examples_and_its_pages_need_no_other_host(client: httpx.AsyncClient) -> None:
    described = (await client.get("/openapi.json")).json()
    assert described["paths"]["/v1/deals"]["post"]["requestBody"]
    schema = described["components"]["schemas"]["EntityIn"]["properties"]["zone"]
    assert schema["examples"] == ["Europe/Berlin"]
    keys = [p["name"] for p in described["paths"]["/v1/deals"]["post"]["parameters"]]
    assert "Idempotency-Key" in keys
    for path in ("/docs", "/redoc"):
        page = await client.get(path)
        assert page.status_code == 200
        assert "https://cdn" not in page.text
    assert (await client.get("/static-offline-docs/swagger-ui-bundle.js")).status_code == 200


async def test_health_says_what_does_not_answer(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health")
    assert (answer.status_code, answer.json()) == (503, {"status": "failing", "database": True, "temporal": False})


def test_paths_read_as_in_the_document() -> None:
    assert path_of(("body", "lines", 0, "quantity")) == "lines[0].quantity"
    assert path_of(("query", "limit")) == "query.limit"
    assert decode(encode("a", 1), str, int) == ("a", 1)
