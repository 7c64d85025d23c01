"""A price book is read whole or refused with every problem named; a new content is a new version, and none ever changes."""

from typing import Any

import pytest
from sqlalchemy import text

from models.database import Database
from tests.api.conftest import Caller
from tests.api.house import BOOK, POLICY

YAML = b"""name: acme-2026
currency: EUR
valid_from: 2026-01-01
products:
  - id: team
    name: Acme Team
    unit: seat
    charges:
      - {id: monthly, model: per_unit, per: month, unit_price: 12.50}
"""


async def count(database: Database) -> int:
    async with database.session() as session:
        found: int = (await (await session.connection()).execute(text("SELECT count(*) FROM price_books"))).scalar_one()
    return found


async def test_a_new_content_is_a_new_version_and_the_same_is_the_same(as_: dict[str, Caller]) -> None:
    first = await as_["deal_desk"].post("/v1/price-books", BOOK)
    same = await as_["deal_desk"].post("/v1/price-books", {**BOOK, "version": 7})
    dearer = await as_["deal_desk"].post("/v1/price-books", {**BOOK, "source": "acme.example, 2026-02-01"})
    assert [answer.status_code for answer in (first, same, dearer)] == [201, 200, 201]
    assert same.json() == first.json()
    assert (first.json()["version"], dearer.json()["version"]) == (1, 2)
    listed = (await as_["sales"].get("/v1/price-books", name="acme-2026")).json()["items"]
    assert [book["version"] for book in listed] == [1, 2]
    assert (await as_["sales"].get(f"/v1/price-books/{first.json()['id']}")).json() == first.json()


async def test_yaml_says_the_same_as_json_and_no_price_passes_a_float(as_: dict[str, Caller]) -> None:
    by_yaml = await as_["deal_desk"].post("/v1/price-books", content=YAML, headers={"Content-Type": "application/yaml"})
    by_json = await as_["deal_desk"].post("/v1/price-books", BOOK)
    number = b'{"name": "acme-2026", "currency": "EUR", "valid_from": "2026-01-01", "products": [{"id": "team", "name": "Acme Team",'
    number += (
        b'"unit": "seat", "charges": [{"id": "monthly", "model": "per_unit", "per": "month", "unit_price": 12.50}]}]}'
    )
    by_number = await as_["deal_desk"].post("/v1/price-books", content=number)
    assert [answer.status_code for answer in (by_yaml, by_json, by_number)] == [201, 200, 200]
    assert by_yaml.json()["content"]["products"][0]["charges"][0]["unit_price"] == "12.5"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (YAML.replace(b"  - id: team", b"  - id: team\n   name: x"), "line 6, column 4"),
        (YAML.replace(b"currency: EUR", b"currency: EUR\ncurrency: USD"), "line 3, column 1"),
        (YAML.replace(b"name: Acme Team", b"name: [Acme"), "line 7, column 9"),
        (YAML.replace(b"name: Acme Team", b"name: &a Team\n    note: *a"), "line 7, column 11"),
        (YAML.replace(b"name: Acme Team", b"name: !!python/object:os.system x"), "line 6, column 11"),
        (b"- a\n- b\n", "line 1, column 1"),
        (b"\xff\xfe\xff", "body"),
    ],
    ids=["indentation", "a key twice", "not closed", "alias", "tag", "a list", "not text"],
)
async def test_malformed_yaml_names_line_and_column(
    body: bytes, where: str, as_: dict[str, Caller], database: Database
) -> None:
    answer = await as_["deal_desk"].post("/v1/price-books", content=body, headers={"Content-Type": "application/yaml"})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:q2c:problem:DocumentMalformed")
    assert answer.json()["where"] == where
    assert await count(database) == 0


async def test_every_problem_is_named_by_its_path(as_: dict[str, Caller], database: Database) -> None:
    charges: list[dict[str, Any]] = [
        {"id": "monthly", "model": "per_unit", "per": "month", "unit_price": "-1"},
        {"id": "calls", "model": "graduated", "per": "month", "tiers": [{"up_to": "10", "unit_price": "1"}]},
    ]
    book = {**BOOK, "currency": "EURO", "products": [{"id": "team", "charges": charges}]}
    answer = await as_["deal_desk"].post("/v1/price-books", book)
    said = answer.json()
    assert (answer.status_code, said["type"]) == (422, "urn:q2c:problem:PriceBookInvalid")
    assert {error["path"] for error in said["errors"]} == {
        "currency",
        "products[0].charges[0].unit_price",
        "products[0].charges[1].tiers[0].up_to",
    }
    assert await count(database) == 0


async def test_policies_have_versions_too(as_: dict[str, Caller]) -> None:
    first = await as_["deal_desk"].post("/v1/policies/approval", POLICY)
    same = await as_["deal_desk"].post("/v1/policies/approval", POLICY)
    other = await as_["deal_desk"].post("/v1/policies/approval", {"name": "standard", "rules": []})
    assert [answer.status_code for answer in (first, same, other)] == [201, 200, 201]
    assert [policy["version"] for policy in (await as_["ops"].get("/v1/policies/approval")).json()] == [1, 2]
    wrong = await as_["finance"].post("/v1/policies/dunning", {"card": {"retry_after_days": [5, 3]}})
    assert (wrong.status_code, wrong.json()["type"]) == (422, "urn:q2c:problem:DunningPolicyInvalid")
    right = await as_["finance"].post(
        "/v1/policies/dunning", {"name": "standard", "card": {"retry_after_days": [2, 4]}}
    )
    assert right.status_code == 201
    assert len((await as_["ops"].get("/v1/policies/dunning")).json()) == 1
