"""Who buys has a segment and a language, who sells has a look: said once, changed by their own routes, refused where wrong."""

from typing import Any

import pytest

from models.database import Database
from tests.api.conftest import ACCOUNT, ENTITY, Caller
from tests.api.test_roles import rows


async def test_an_account_has_a_segment_and_a_language(as_: dict[str, Caller]) -> None:
    await as_["admin"].post("/v1/entities", ENTITY)
    plain = (await as_["sales"].post("/v1/accounts", ACCOUNT)).json()
    assert (plain["segment"], plain["language"]) == ("", "en")
    said = {**ACCOUNT, "segment": "enterprise", "language": "fr"}
    large = (await as_["sales"].post("/v1/accounts", said)).json()
    assert (large["segment"], large["language"]) == ("enterprise", "fr")
    for changes, expected in (({"language": "fr"}, ("", "fr")), ({"segment": "startup"}, ("startup", "fr"))):
        changed = await as_["sales"].post(f"/v1/accounts/{plain['id']}/profile", changes)
        assert (changed.json()["segment"], changed.json()["language"]) == expected
    assert (await as_["finance"].get(f"/v1/accounts/{large['id']}")).json() == large
    moved = await as_["sales"].post(f"/v1/accounts/{plain['id']}/profile", {"email": "bills@globex.example"})
    assert moved.json() == {**plain, "segment": "startup", "language": "fr", "email": "bills@globex.example"}


async def test_an_entity_has_a_look(as_: dict[str, Caller]) -> None:
    said = {**ENTITY, "look": {"accent": "#17456b"}, "language": "fr"}
    made = (await as_["admin"].post("/v1/entities", said)).json()
    assert (made["look"], made["language"]) == ({"accent": "#17456b"}, "fr")
    changed = await as_["admin"].post("/v1/entities/acme-de/look", {"accent": "#0a7d4f", "footer": "Acme · HRB 12345"})
    assert changed.json()["look"] == {"accent": "#0a7d4f", "footer": "Acme · HRB 12345"}


@pytest.mark.parametrize(
    ("path", "body", "status", "where"),
    [
        ("/v1/accounts", {**ACCOUNT, "language": "de"}, 422, "language"),
        ("/v1/accounts", {**ACCOUNT, "segment": "Big Ones"}, 422, "segment"),
        ("/v1/accounts/{account}/profile", {"segment": "a" * 65}, 422, "segment"),
        ("/v1/accounts/{account}/profile", {"email": "nobody"}, 422, "email"),
        ("/v1/accounts/{account}/profile", {"tongue": "fr"}, 422, "tongue"),
        ("/v1/accounts/acc_nobody/profile", {"language": "fr"}, 404, "account"),
        ("/v1/entities/acme-de/look", {"accent": "red"}, 422, "accent"),
        ("/v1/entities/acme-de/look", {"footer": "x" * 2001}, 422, "footer"),
        ("/v1/entities/nobody/look", {"accent": "#17456b"}, 404, "entity"),
        ("/v1/entities", {**ENTITY, "id": "acme-fr", "look": {"colour": "red"}}, 422, "look.colour"),
    ],
)
async def test_what_is_wrong_changes_nothing(
    as_: dict[str, Caller], database: Database, path: str, body: dict[str, Any], status: int, where: str
) -> None:
    await as_["admin"].post("/v1/entities", ENTITY)
    account = (await as_["sales"].post("/v1/accounts", ACCOUNT)).json()["id"]
    before = await rows(database), await _shown(as_)
    refused = await as_["admin"].post(path.format(account=account), body)
    assert (refused.status_code, refused.json()["where"]) == (status, where), refused.text
    assert (await rows(database), await _shown(as_)) == before


async def _shown(as_: dict[str, Caller]) -> list[Any]:
    """Accounts and entities as anyone sees them."""
    return [(await as_["finance"].get(path)).json()["items"] for path in ("/v1/accounts", "/v1/entities")]
