"""A draft that cannot be priced is refused at once: the reason, the place, and nothing stored."""

from typing import Any

import pytest

from models.database import Database
from tests.api.conftest import ACCOUNT, ENTITY, Caller
from tests.api.house import BOOK, DRAFT
from tests.api.test_roles import rows


async def furnished(as_: dict[str, Caller], **changes: Any) -> str:
    """An entity, a price book and an account; its id."""
    await as_["admin"].post("/v1/entities", ENTITY)
    await as_["admin"].post("/v1/price-books", BOOK)
    made = await as_["sales"].post("/v1/accounts", {**ACCOUNT, **changes})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def line(**changes: Any) -> list[dict[str, Any]]:
    return [{"product": "team", "quantity": 20, **changes}]


@pytest.mark.parametrize(
    ("changes", "type_", "where"),
    [
        ({"price_book": "nowhere"}, "UnknownPriceBook", "draft.price_book"),
        ({"price_book_version": 9}, "UnknownPriceBook", "draft.price_book"),
        ({"currency": "USD"}, "QuoteCurrencyMismatch", "draft.currency"),
        ({"lines": line(product="gold")}, "UnknownProduct", "draft.lines[0].product"),
        ({"lines": line(charge="yearly")}, "UnknownCharge", "draft.lines[0].charge"),
        ({"lines": line(quantity=-1)}, "DraftInvalid", "draft.lines[0].quantity"),
        ({"lines": line(quantity="1e30")}, "DraftInvalid", "draft.lines[0].quantity"),
        ({"lines": line(quantity=10**10)}, "DraftInvalid", "draft.lines[0].quantity"),
        ({"lines": line(quantity="many")}, "DraftInvalid", "draft.lines[0].quantity"),
        ({"lines": line(discount_percent=101)}, "DraftInvalid", "draft.lines[0].discount_percent"),
        ({"lines": []}, "DraftInvalid", "draft.lines"),
        ({"term_months": 0}, "DraftInvalid", "draft.term_months"),
        ({"interval_months": 5}, "DraftInvalid", "draft.interval_months"),
        ({"method": "barter"}, "DraftInvalid", "draft.method"),
        ({"colour": "red"}, "DraftInvalid", "draft.colour"),
    ],
)
async def test_a_draft_that_cannot_be_priced_is_refused(
    changes: dict[str, Any], type_: str, where: str, as_: dict[str, Caller], database: Database
) -> None:
    account = await furnished(as_)
    before = await rows(database)
    said = {"name": "A deal", "account_id": account, "draft": {**DRAFT, **changes}}
    answer = await as_["sales"].post("/v1/deals", said)
    assert (answer.status_code, answer.json()["type"]) == (422, f"urn:q2c:problem:{type_}")
    assert answer.json()["where"] == where
    assert answer.json()["detail"]
    assert await rows(database) == before


async def test_a_card_is_needed_to_charge_one(as_: dict[str, Caller], database: Database) -> None:
    account = await furnished(as_, method="transfer", method_token="")
    before = await rows(database)
    said = {"name": "A deal", "account_id": account, "draft": DRAFT}
    answer = await as_["sales"].post("/v1/deals", said)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:q2c:problem:AccountHasNoCard")
    assert await rows(database) == before
    wrong = await as_["finance"].post(f"/v1/accounts/{account}/payment-method", {"method": "card"})
    assert wrong.status_code == 422
    changed = await as_["finance"].post(
        f"/v1/accounts/{account}/payment-method", {"method": "card", "method_token": "pm_card_visa"}
    )
    assert (changed.status_code, changed.json()["method_token"]) == (200, "pm_card_visa")


async def test_nobody_opens_a_deal_for_somebody_else(as_: dict[str, Caller], database: Database) -> None:
    account = await furnished(as_)
    before = await rows(database)
    said = {"name": "A deal", "account_id": account, "draft": DRAFT, "owner": "dana@acme.example"}
    answer = await as_["sales"].post("/v1/deals", said)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:q2c:problem:OwnerIsNotCaller")
    assert await rows(database) == before


async def test_without_a_workflow_server_the_draft_is_kept_and_the_caller_told_to_come_again(
    as_: dict[str, Caller], database: Database
) -> None:
    account = await furnished(as_)
    said = {"name": "A deal", "account_id": account, "draft": DRAFT}
    for _ in range(2):
        answer = await as_["sales"].post("/v1/deals", said, key="k-1")
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:q2c:problem:NotAnswered")
        assert answer.headers["retry-after"] == "2"
    kept = await rows(database)
    assert (kept["quote_drafts"], kept["deals"]) == (1, 0)
