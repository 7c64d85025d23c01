"""A write happens once per key and person; everything else about a key is refused and changes nothing."""

from typing import Any

from fastapi import FastAPI
from sqlalchemy import text

from models.database import Database
from tests.api.conftest import ENTITY, Caller


async def count(database: Database, table: str) -> int:
    async with database.session() as session:
        found: int = (
            await (await session.connection()).execute(
                text(f"SELECT count(*) FROM {table}")  # noqa: S608
            )
        ).scalar_one()
    return found


async def test_the_same_key_and_body_give_the_same_answer_once(as_: dict[str, Caller], database: Database) -> None:
    first = await as_["admin"].post("/v1/entities", ENTITY, key="k-1")
    again = await as_["admin"].post("/v1/entities", ENTITY, key="k-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert "idempotent-replay" not in first.headers
    assert again.headers["idempotent-replay"] == "true"
    assert again.headers["content-type"] == first.headers["content-type"]
    assert await count(database, "legal_entities") == 1


async def test_another_body_under_the_key_is_refused(as_: dict[str, Caller], database: Database) -> None:
    await as_["admin"].post("/v1/entities", ENTITY, key="k-1")
    other = await as_["admin"].post("/v1/entities", {**ENTITY, "id": "acme-fr"}, key="k-1")
    assert other.status_code == 422
    assert other.headers["content-type"] == "application/problem+json"
    assert other.json()["type"] == "urn:q2c:problem:IdempotencyKeyReused"
    assert await count(database, "legal_entities") == 1


async def test_the_same_key_of_another_person_is_another_key(as_: dict[str, Caller]) -> None:
    first = await as_["admin"].post("/v1/entities", ENTITY, key="k-1")
    other = await as_["sales"].post("/v1/entities", ENTITY, key="k-1")
    assert (first.status_code, other.status_code) == (201, 403)
    assert other.json()["type"] == "urn:q2c:problem:WrongRole"


async def test_a_write_without_a_key_is_refused(as_: dict[str, Caller], database: Database) -> None:
    for key in (None, "", " ", "x" * 201):
        answer = await as_["admin"].post("/v1/entities", ENTITY, key=key)
        assert answer.status_code == 400
        assert answer.json() == {
            "type": "urn:q2c:problem:IdempotencyKeyMissing",
            "title": "Idempotency key missing",
            "status": 400,
            "detail": "every write carries an Idempotency-Key of 1 to 200 printable characters",
            "where": "header.Idempotency-Key",
            "hint": "send a fresh UUID for a new write, the same one to ask again",
        }
    assert await count(database, "legal_entities") == 0
    assert await count(database, "idempotency_keys") == 0


async def _running(database: Database, age: int) -> None:
    """A row as a crashed call leaves it behind: the same body, still running."""
    async with database.transaction() as session:
        await (await session.connection()).execute(
            text(
                "UPDATE idempotency_keys SET state = 'running', status = NULL, created_at = now() - make_interval(secs => :age)"
            ),
            {"age": age},
        )
        await (await session.connection()).execute(text("DELETE FROM tax_rates"))
        await (await session.connection()).execute(text("DELETE FROM legal_entities"))


async def test_a_key_in_flight_is_409_and_a_crashed_one_is_taken_over(
    as_: dict[str, Caller], database: Database
) -> None:
    first = await as_["admin"].post("/v1/entities", ENTITY, key="k-1")
    await _running(database, age=30)
    busy = await as_["admin"].post("/v1/entities", ENTITY, key="k-1")
    assert (busy.status_code, busy.json()["type"]) == (409, "urn:q2c:problem:RequestInFlight")
    assert busy.headers["retry-after"] == "1"
    assert await count(database, "legal_entities") == 0
    await _running(database, age=61)
    taken = await as_["admin"].post("/v1/entities", ENTITY, key="k-1")
    assert (taken.status_code, taken.json()) == (201, first.json())
    assert await count(database, "legal_entities") == 1


async def test_a_refusal_is_kept_and_a_server_error_is_not(as_: dict[str, Caller], database: Database) -> None:
    bad: dict[str, Any] = {**ENTITY, "currency": "XYZ"}
    first = await as_["admin"].post("/v1/entities", bad, key="k-1")
    answer = await as_["admin"].post("/v1/entities", bad, key="k-1")
    assert (first.status_code, answer.status_code, answer.json()["where"]) == (422, 422, "currency")
    assert answer.headers["idempotent-replay"] == "true"
    # the outside does not answer: 503, nothing is kept under the key
    await as_["admin"].post("/v1/entities", ENTITY, key="k-2")
    sandbox = {"id": "trial", "name": "Trial", "starts_at": "2027-01-01T09:00:00Z"}
    for _ in range(2):
        silent = await as_["ops"].post("/v1/entities/acme-de/sandbox", sandbox, key="k-3")
        assert (silent.status_code, silent.json()["type"]) == (503, "urn:q2c:problem:OutsideSilent")
        assert "idempotent-replay" not in silent.headers
    assert await count(database, "idempotency_keys") == 2


async def test_an_unexpected_error_says_nothing_of_itself(app: FastAPI, as_: dict[str, Caller]) -> None:
    app.state.outside = None
    await as_["admin"].post("/v1/entities", ENTITY)
    sandbox = {"id": "trial", "name": "Trial", "starts_at": "2027-01-01T09:00:00Z"}
    broken = await as_["ops"].post("/v1/entities/acme-de/sandbox", sandbox)
    assert broken.status_code == 500
    assert broken.json()["type"] == "urn:q2c:problem:InternalError"
    assert "NoneType" not in broken.text
