"""A sandbox's clock moves forward only, one caller at a time, and no command is taken while it moves; a real one never moves."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api.clock_lock import held
from models.database import Database
from models.entity import LegalEntityRow
from tests.api.conftest import ACCOUNT, ENTITY, Caller
from tests.api.house import BOOK, DRAFT
from tests.api.test_roles import rows

START = datetime(2027, 1, 1, 9, tzinfo=UTC)


async def furnished(as_: dict[str, Caller], database: Database) -> str:
    """An entity, its sandbox (made beside the API, which needs the outside for it), a price book, an account."""
    await as_["admin"].post("/v1/entities", ENTITY)
    await as_["admin"].post("/v1/price-books", BOOK)
    values: dict[str, Any] = {
        name: value for name, value in ENTITY.items() if name not in {"tax_rates", "id", "bank_account"}
    }
    async with database.transaction() as session:
        session.add(
            LegalEntityRow(**values, id="trial", bank_account="SB1", virtual=True, sandbox_of="acme-de", clock_at=START)
        )
    account = await as_["sales"].post("/v1/accounts", {**ACCOUNT, "entity_id": "trial"})
    return str(account.json()["id"])


async def test_a_real_entitys_clock_is_never_moved(as_: dict[str, Caller], database: Database) -> None:
    await as_["admin"].post("/v1/entities", ENTITY)
    before = await rows(database)
    for role in ("ops", "admin"):
        answer = await as_[role].post("/v1/sandboxes/acme-de/clock/advance", {"to": "2030-01-01T00:00:00Z"})
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:q2c:problem:RealClock")
    refused = 0
    for sql in (
        "UPDATE legal_entities SET clock_at = now() WHERE id = 'acme-de'",
        "UPDATE legal_entities SET clock_at = now(), virtual = true WHERE id = 'acme-de'",
        "UPDATE legal_entities SET clock_at = now(), virtual = true, sandbox_of = 'acme-de' WHERE id = 'acme-de'",
    ):
        try:
            async with database.transaction() as session:
                await (await session.connection()).execute(text(sql))
        except DBAPIError:
            refused += 1
    assert refused == 3
    assert await rows(database) == before
    assert (await as_["ops"].get("/v1/entities/acme-de")).json()["clock_at"] is None


async def test_a_clock_never_goes_backwards(as_: dict[str, Caller], database: Database) -> None:
    await furnished(as_, database)
    answer = await as_["ops"].post("/v1/sandboxes/trial/clock/advance", {"to": "2026-12-31T00:00:00Z"})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:q2c:problem:ClockBackwards")
    naive = await as_["ops"].post("/v1/sandboxes/trial/clock/advance", {"to": "2027-12-31T00:00:00"})
    assert (naive.status_code, naive.json()["where"]) == (422, "to")
    assert (await as_["ops"].get("/v1/entities/trial")).json()["clock_at"] == "2027-01-01T09:00:00Z"


async def test_while_it_moves_neither_a_second_move_nor_a_command_is_taken(
    as_: dict[str, Caller], database: Database
) -> None:
    account = await furnished(as_, database)
    before = await rows(database)
    said = {"name": "A deal", "account_id": account, "draft": DRAFT}
    async with held(database, "trial"):
        for _ in range(2):
            opened = await as_["sales"].post("/v1/deals", said, key="k-1")
            moved = await as_["ops"].post(
                "/v1/sandboxes/trial/clock/advance", {"to": "2027-02-01T00:00:00Z"}, key="k-2"
            )
            for answer in (opened, moved):
                assert (answer.status_code, answer.json()["type"]) == (409, "urn:q2c:problem:ClockMoving")
                assert answer.headers["retry-after"] == "1"
    assert await rows(database) == before
    # free again: the same keys do the work (and find neither workflow server nor outside in this test)
    opened = await as_["sales"].post("/v1/deals", said, key="k-1")
    moved = await as_["ops"].post("/v1/sandboxes/trial/clock/advance", {"to": "2027-02-01T00:00:00Z"}, key="k-2")
    assert (opened.status_code, moved.status_code) == (503, 503)


async def test_a_sandbox_of_a_sandbox_is_refused(as_: dict[str, Caller], database: Database) -> None:
    await furnished(as_, database)
    said = {"id": "trial-2", "name": "Trial 2", "starts_at": "2027-01-01T09:00:00Z"}
    answer = await as_["ops"].post("/v1/entities/trial/sandbox", said)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:q2c:problem:NotARealEntity")
