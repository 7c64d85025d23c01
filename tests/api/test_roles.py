"""Each door opens for its roles and for no other; a refusal changes nothing."""

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from models.database import Database
from tests.api.conftest import ENTITY, PEOPLE, Caller

WRITES: list[tuple[str, set[str]]] = [
    ("/v1/entities", {"admin"}),
    ("/v1/entities/acme-de/tax-rates", {"admin"}),
    ("/v1/entities/acme-de/look", {"admin"}),
    ("/v1/entities/acme-de/sandbox", {"ops", "admin"}),
    ("/v1/sandboxes/acme-de/clock/advance", {"ops", "admin"}),
    ("/v1/people", {"admin"}),
    ("/v1/keys", {"admin"}),
    ("/v1/keys/key_ops/revoke", {"admin"}),
    ("/v1/accounts", {"sales", "admin"}),
    ("/v1/accounts/acc_1/payment-method", {"finance", "admin"}),
    ("/v1/accounts/acc_1/profile", {"sales", "admin"}),
    ("/v1/price-books", {"deal_desk", "admin"}),
    ("/v1/policies/approval", {"deal_desk", "admin"}),
    ("/v1/policies/dunning", {"finance", "admin"}),
    ("/v1/deals", {"sales", "admin"}),
    ("/v1/deals/d_1/revise", {"sales", "admin"}),
    ("/v1/deals/d_1/submit", {"sales", "admin"}),
    ("/v1/deals/d_1/withdraw", {"sales", "admin"}),
    ("/v1/deals/d_1/clone", {"sales", "admin"}),
    ("/v1/deals/d_1/milestones/go-live/reach", {"sales", "finance", "admin"}),
    ("/v1/deals/d_1/decide", {"deal_desk", "finance", "ops", "admin"}),
    ("/v1/deals/d_1/apply-policy", {"admin"}),
    ("/v1/approval-policies/try", {"deal_desk", "admin"}),
    ("/v1/calendars", {"admin"}),
    ("/v1/deals/d_1/cancel", {"ops", "admin"}),
    ("/v1/deals/d_1/retry", {"ops", "admin"}),
    ("/v1/quotes/preview", {"sales", "admin"}),
    ("/v1/quote-versions/qv_1/share-links", {"sales", "admin"}),
    ("/v1/share-links/shl_1/revoke", {"sales", "admin"}),
    ("/v1/questions/qq_1/reply", {"sales", "admin"}),
]
BOOKS = ["/v1/journal?deal=d_1", "/v1/journal/trial-balance?entity=acme-de"]


async def rows(database: Database) -> dict[str, int]:
    """How many rows every table has, but for the idempotency keys."""
    async with database.session() as session:
        connection = await session.connection()
        tables = (
            (await connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")))
            .scalars()
            .all()
        )
        found = {}
        for table in tables:
            if table != "idempotency_keys":
                found[table] = (await connection.execute(text(f'SELECT count(*) FROM "{table}"'))).scalar_one()  # noqa: S608
    return found


@pytest.mark.parametrize(("path", "allowed"), WRITES, ids=[path for path, _ in WRITES])
async def test_a_write_is_for_its_roles(
    path: str, allowed: set[str], as_: dict[str, Caller], database: Database
) -> None:
    await as_["admin"].post("/v1/entities", ENTITY)
    before = await rows(database)
    for role in set(PEOPLE) - allowed:
        answer = await as_[role].post(path, {})
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:q2c:problem:WrongRole"), role
        assert answer.json()["hint"] == f"use a key of one of these roles: {', '.join(sorted(allowed))}"
    for role in allowed:
        answer = await as_[role].post(path, {"unknown": 1})
        assert answer.json().get("type") != "urn:q2c:problem:WrongRole", role
        assert 200 <= answer.status_code < 500
    changed = {"api_keys"} if path.endswith("/revoke") else set()
    assert {name: count for name, count in (await rows(database)).items() if name not in changed} == {
        name: count for name, count in before.items() if name not in changed
    }


@pytest.mark.parametrize("path", BOOKS)
async def test_the_books_are_read_by_finance(path: str, as_: dict[str, Caller]) -> None:
    await as_["admin"].post("/v1/entities", ENTITY)
    for role in PEOPLE:
        answer = await as_[role].get(path)
        assert answer.status_code == (200 if role in {"finance", "admin"} else 403), role


async def test_without_a_key_or_with_a_wrong_one_nothing_opens(
    as_: dict[str, Caller], client: httpx.AsyncClient
) -> None:
    asked: list[tuple[dict[str, str], str]] = [
        ({}, "NoKey"),
        ({"Authorization": "Basic abc"}, "NoKey"),
        ({"Authorization": "Bearer "}, "NoKey"),
        ({"Authorization": "Bearer q2c_nobody"}, "KeyInvalid"),
    ]
    assert as_
    for headers, type_ in asked:
        for method, path in (("GET", "/v1/deals"), ("POST", "/v1/deals"), ("GET", "/v1/keys")):
            answer = await client.request(method, path, headers=headers)
            assert (answer.status_code, answer.json()["type"]) == (401, f"urn:q2c:problem:{type_}")
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_key_is_shown_once_stored_hashed_and_can_be_revoked(as_: dict[str, Caller], database: Database) -> None:
    said: dict[str, Any] = {"person": "new@acme.example", "role": "sales", "groups": []}
    made = await as_["admin"].post("/v1/keys", said, key="k-1")
    again = await as_["admin"].post("/v1/keys", said, key="k-1")
    secret = made.json()["key"]
    assert made.status_code == again.status_code == 201
    assert again.json() == {**made.json(), "key": None}
    async with database.session() as session:
        connection = await session.connection()
        stored = (await connection.execute(text("SELECT row_to_json(k)::text FROM api_keys k"))).scalars().all()
        kept = (
            (await connection.execute(text("SELECT convert_from(body, 'UTF8') FROM idempotency_keys"))).scalars().all()
        )
    assert not any(secret in line for line in [*stored, *kept])

    new = Caller(as_["admin"].client, secret)
    assert (await new.get("/v1/deals")).status_code == 200
    revoked = await as_["admin"].post(f"/v1/keys/{made.json()['id']}/revoke")
    assert revoked.json()["revoked_at"] is not None
    assert (await new.get("/v1/deals")).json()["type"] == "urn:q2c:problem:KeyInvalid"
    listed = (await as_["admin"].get("/v1/keys")).json()["items"]
    assert len(listed) == len(PEOPLE) + 1
    assert all("key" not in item for item in listed)
