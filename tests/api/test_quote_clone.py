"""A quote is cloned: a new deal from the same draft, for the same account or another; what cannot be cloned changes nothing."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from embedded.temporal import TemporalServer
from tests.api.conftest import ACCOUNT
from tests.api.house import House, house
from tests.api.test_roles import rows


@pytest.fixture
async def whole(database_url: str, temporal_server: TemporalServer, tmp_path: Path) -> AsyncIterator[House]:
    async with house(database_url, temporal_server.address, tmp_path) as made:
        yield made


async def _other(whole: House, **changes: Any) -> str:
    said = {**ACCOUNT, "name": "Initech GmbH", "email": "ap@initech.example", "entity_id": "trial", **changes}
    made = await whole.as_["admin"].post("/v1/accounts", said)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def test_a_clone_is_a_deal_of_its_own_from_the_draft_of_a_version(whole: House) -> None:
    account = await whole.furnish()
    page = await whole.open(account)
    deal = page["id"]
    line = {"product": "team", "quantity": 30}
    revised = await whole.as_["sales"].post(
        f"/v1/deals/{deal}/revise", {"draft": {**(await _draft(whole, deal)), "lines": [line]}}
    )
    assert revised.status_code == 200, revised.text

    listed = (await whole.as_["finance"].get(f"/v1/deals/{deal}/versions")).json()
    assert [(v["order_number"], v["version"], v["status"], v["acv"]["minor"]) for v in listed] == [
        (1, 1, "superseded", 300_000),
        (1, 2, "priced", 450_000),
    ]

    newest = await whole.as_["sales"].post(f"/v1/deals/{deal}/clone", {}, key="again")
    repeated = await whole.as_["sales"].post(f"/v1/deals/{deal}/clone", {}, key="again")
    assert (newest.status_code, newest.content) == (201, repeated.content)
    assert (newest.json()["name"], newest.json()["acv"]["minor"]) == (page["name"], 450_000)
    assert newest.json()["id"] != deal

    first = await whole.as_["sales"].post(f"/v1/deals/{deal}/clone", {"version": 1, "name": "As it was"})
    assert (first.json()["name"], first.json()["acv"]["minor"]) == ("As it was", 300_000)
    assert (await whole.deal(deal))["orders"][0]["version"] == 2


async def test_a_clone_for_another_account_is_signed_by_its_own_person(whole: House) -> None:
    deal = (await whole.open(await whole.furnish()))["id"]
    other = await _other(whole)
    signer = {"name": "Ines Initech", "email": "ines@initech.example"}
    made = await whole.as_["sales"].post(f"/v1/deals/{deal}/clone", {"account_id": other, "signer": signer})
    assert made.status_code == 201, made.text
    assert (made.json()["account_id"], made.json()["account_name"]) == (other, "Initech GmbH")
    draft = await _draft(whole, made.json()["id"])
    assert draft == {**(await _draft(whole, deal)), "signer": signer}


async def test_what_cannot_be_cloned_changes_nothing(whole: House) -> None:
    deal = (await whole.open(await whole.furnish()))["id"]
    other = await _other(whole)
    cardless = await _other(whole, name="Hooli", method="transfer", method_token="")
    signer = {"name": "Ines", "email": "ines@initech.example"}
    before = await rows(whole.database)
    for body, status, type_, where in (
        ({"version": 9}, 404, "UnknownQuoteVersion", "quote_version"),
        ({"version": 0}, 422, "RequestInvalid", "version"),
        ({"account_id": "acc_nobody", "signer": signer}, 404, "UnknownAccount", "account"),
        ({"account_id": other}, 422, "SignerNeeded", "signer"),
        ({"account_id": cardless, "signer": signer}, 422, "AccountHasNoCard", "draft.method"),
        ({"signer": {"name": "Ines", "email": "ines"}}, 422, "RequestInvalid", "signer.email"),
        ({"colour": "red"}, 422, "RequestInvalid", "colour"),
    ):
        refused = await whole.as_["sales"].post(f"/v1/deals/{deal}/clone", body)
        said = refused.json()
        assert (refused.status_code, said["type"], said["where"]) == (status, f"urn:q2c:problem:{type_}", where), said
    unknown = await whole.as_["sales"].post("/v1/deals/d_nothing/clone", {})
    assert (unknown.status_code, unknown.json()["type"]) == (404, "urn:q2c:problem:UnknownDeal")
    wrong = await whole.as_["finance"].post(f"/v1/deals/{deal}/clone", {})
    assert (wrong.status_code, wrong.json()["type"]) == (403, "urn:q2c:problem:WrongRole")
    assert (await whole.as_["finance"].get("/v1/deals/d_nothing/versions")).status_code == 404
    assert await rows(whole.database) == before


async def _draft(whole: House, deal: str) -> dict[str, Any]:
    async with whole.database.session() as session:
        query = text("SELECT content FROM quote_drafts WHERE deal_id = :id ORDER BY created_at DESC LIMIT 1")
        found: dict[str, Any] = (await session.execute(query, {"id": deal})).scalar_one()
    return found
