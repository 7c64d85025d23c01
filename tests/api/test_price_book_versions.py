"""What a new version of a price book changes, and a version as YAML that reads back to itself."""

from copy import deepcopy
from typing import Any

import yaml

from tests.api.conftest import Caller

TIERS = [{"up_to": "1000", "unit_price": "0.01", "flat_fee": "5"}, {"unit_price": "0.002"}]
BOOK: dict[str, Any] = {
    "name": "acme",
    "currency": "EUR",
    "valid_from": "2026-01-01",
    "valid_to": "2027-01-01",
    "segments": ["enterprise"],
    "entities": ["Acme GmbH"],
    "products": [
        {
            "id": "team",
            "name": "Acme Téam",
            "unit": "seat",
            "charges": [
                {"id": "monthly", "model": "per_unit", "per": "month", "unit_price": "12.50"},
                {"id": "calls", "model": "graduated", "per": "month", "tiers": TIERS},
            ],
        }
    ],
}


def dearer() -> dict[str, Any]:
    """Seats at 13.75, the second tier at 0.003, no more setup fee but a yearly price; ends a year later."""
    book = deepcopy(BOOK)
    team = book["products"][0]
    team["charges"][0]["unit_price"] = "13.75"
    team["charges"][1]["tiers"][1]["unit_price"] = "0.003"
    team["charges"].append({"id": "yearly", "model": "flat", "per": "year", "unit_price": "99"})
    book["valid_to"] = "2028-01-01"
    return book


async def test_a_diff_names_each_change_charge_by_charge(as_: dict[str, Caller]) -> None:
    first = (await as_["deal_desk"].post("/v1/price-books", BOOK)).json()
    second = (await as_["deal_desk"].post("/v1/price-books", dearer())).json()
    assert (first["valid_to"], first["segments"], first["entities"]) == ("2027-01-01", ["enterprise"], ["Acme GmbH"])
    found = (await as_["sales"].get("/v1/price-books/diff", **{"from": "acme@1", "to": second["id"]})).json()
    assert (found["old"]["id"], found["new"]["id"]) == (first["id"], second["id"])
    changes = {(each["product"], each["charge"]): (each["what"], each["fields"]) for each in found["changes"]}
    assert list(changes) == [("", ""), ("team", "monthly"), ("team", "calls"), ("team", "yearly")]
    what, fields = changes["", ""]
    assert (what, [(field["path"], field["old"], field["new"]) for field in fields]) == (
        "changed",
        [("valid_to", "2027-01-01", "2028-01-01")],
    )
    raised = {"path": "unit_price", "old": "12.5", "new": "13.75", "percent": "10"}
    assert changes["team", "monthly"] == ("changed", [raised])
    assert changes["team", "calls"][1] == [
        {"path": "tiers[1].unit_price", "old": "0.002", "new": "0.003", "percent": "50"}
    ]
    what, fields = changes["team", "yearly"]
    assert what == "added"
    assert {field["old"] for field in fields} == {""}
    back = (await as_["sales"].get("/v1/price-books/diff", **{"from": "acme", "to": "acme@1"})).json()
    assert [(each["charge"], each["what"]) for each in back["changes"]] == [
        ("", "changed"),
        ("monthly", "changed"),
        ("calls", "changed"),
        ("yearly", "removed"),
    ]
    same = (await as_["sales"].get("/v1/price-books/diff", **{"from": "acme@1", "to": "acme@1"})).json()
    assert same["changes"] == []


async def test_an_export_reads_back_to_the_same_version(as_: dict[str, Caller]) -> None:
    first = (await as_["deal_desk"].post("/v1/price-books", BOOK)).json()
    await as_["deal_desk"].post("/v1/price-books", dearer())
    exported = await as_["sales"].get("/v1/price-books/acme@1/export")
    assert exported.headers["content-type"].startswith("application/yaml")
    assert "- {id: monthly, model: per_unit, per: month, unit_price: '12.5'" in exported.text
    assert "Acme Téam" in exported.text
    read = yaml.safe_load(exported.text)
    assert read["products"][0]["charges"][1]["tiers"][1]["unit_price"] == "0.002"
    again = await as_["deal_desk"].post(
        "/v1/price-books", content=exported.content, headers={"Content-Type": "application/yaml"}
    )
    assert again.status_code == 201  # a third version: the newest one differs
    assert again.json()["content_hash"] == first["content_hash"]


async def test_a_book_that_is_not_there(as_: dict[str, Caller]) -> None:
    await as_["deal_desk"].post("/v1/price-books", BOOK)
    for path, params in (
        ("/v1/price-books/acme@2", {}),
        ("/v1/price-books/acme@one", {}),
        ("/v1/price-books/other/export", {}),
        ("/v1/price-books/diff", {"from": "acme", "to": "acme@99999999999999999999"}),
    ):
        answer = await as_["sales"].get(path, **params)
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:q2c:problem:UnknownPriceBook"), path
    incomplete = await as_["sales"].get("/v1/price-books/diff", **{"from": "acme"})
    assert incomplete.status_code == 422
