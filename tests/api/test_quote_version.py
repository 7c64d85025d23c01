"""Quote versions: shown with their alternatives, compared in money, answered by the customer; books and coupons are found for them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from embedded.temporal import TemporalServer
from models.database import Database
from tests.api.conftest import ACCOUNT, Caller
from tests.api.house import BOOK, DRAFT, House, house
from tests.api.sharing import ALTERNATIVES, shown
from tests.api.test_draft import furnished
from tests.api.test_roles import rows


@pytest.fixture
async def whole(database_url: str, temporal_server: TemporalServer, tmp_path: Path) -> AsyncIterator[House]:
    async with house(database_url, temporal_server.address, tmp_path) as made:
        yield made


async def _get(whole: House, path: str, **params: Any) -> Any:
    answer = await whole.as_["sales"].get(path, **params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_customer_chooses_asks_and_accepts_and_the_deals_page_says_so(whole: House) -> None:
    quote = await shown(whole, await whole.furnish(), alternatives=ALTERNATIVES)
    (order,) = (await whole.deal(quote.deal_id))["orders"]
    assert (order["stage"], order["delivery"], order["chosen"], order["answer"]) == ("presented", "link", "", "")
    assert [(each["name"], each["recommended"], each["acv"]["minor"]) for each in order["alternatives"]] == [
        ("good", False, 300_000),
        ("better", True, 540_000),
        ("best", False, 1_500_000),
    ]
    assert order["versions"][0]["discount_percent"] == "10"  # that of the recommended one

    version = await _get(whole, f"/v1/quote-versions/{quote.version_id}")
    assert [(each["name"], each["recommended"], each["totals"]["tcv"]["minor"]) for each in version["offers"]] == [
        ("good", False, 300_000),
        ("better", True, 540_000),
        ("best", False, 3_000_000),
    ]
    better = version["offers"][1]
    assert [(each["part"], each["amount"]["minor"]) for each in better["waterfall"]] == [
        ("list", 600_000),
        ("line_discount", -60_000),
        ("net", 540_000),
    ]
    assert better["lines"][0]["segments"][0]["explain"] == ["40 × 12.5"]

    await quote.send("ask", question="Is support included?", name="Gina Globex")
    (question,) = (await whole.deal(quote.deal_id))["questions"]
    assert (question["text"], question["reply"]) == ("Is support included?", None)
    replied = await whole.as_["sales"].post(f"/v1/questions/{question['id']}/reply", {"text": "It is."})
    assert replied.status_code == 200, replied.text
    (question,) = (await whole.deal(quote.deal_id))["questions"]
    assert (question["reply"], question["replied_by"]) == ("It is.", "sam@acme.example")

    accepted = await quote.accept(alternative="best")
    assert accepted.status_code == 303, accepted.text
    (order,) = (await whole.deal(quote.deal_id))["orders"]
    assert (order["chosen"], order["answer"]) == ("best", "accepted")
    assert (await _get(whole, f"/v1/quote-versions/{quote.version_id}"))["alternative"] == "best"
    forecast = await _get(whole, f"/v1/deals/{quote.deal_id}/forecast")
    assert [step["net"]["minor"] for step in forecast["steps"] if step["kind"] == "bill"] == [125_000] * 24


async def test_a_declined_quote_says_so(whole: House) -> None:
    quote = await shown(whole, await whole.furnish())
    await quote.send("decline", reason="too dear")
    (order,) = (await whole.deal(quote.deal_id))["orders"]
    assert (order["stage"], order["answer"], order["reason"]) == ("declined", "declined", "too dear")


async def test_two_versions_are_compared_in_money(whole: House) -> None:
    deal = (await whole.open(await whole.furnish()))["id"]
    line = {"product": "team", "quantity": 30, "discount_percent": "8"}
    draft = {**DRAFT, "term_months": 24, "lines": [line]}
    assert (await whole.as_["sales"].post(f"/v1/deals/{deal}/revise", {"draft": draft})).status_code == 200
    first, second = (each["id"] for each in await _get(whole, f"/v1/deals/{deal}/versions"))

    compared = await _get(whole, "/v1/quote-versions/compare", **{"from": first, "to": second})
    assert (compared["from"], compared["to"], compared["currency"]) == (first, second, "EUR")
    (offer,) = compared["offers"]
    assert (offer["what"], [each["name"] for each in offer["terms"]]) == ("changed", ["term_months"])
    assert offer["acv"]["delta"] == {"minor": 114_000, "currency": "EUR", "text": "1,140.00 EUR"}
    assert offer["tcv"]["delta"]["minor"] == 2 * 414_000 - 300_000
    (change,) = offer["lines"]
    assert (change["what"], change["net"]["before"]["minor"], change["net"]["after"]["minor"]) == (
        "changed",
        25_000,
        34_500,
    )
    assert change["fields"][0] == {"name": "quantity", "before": "20", "after": "30"}
    assert offer["texts"][0] == "per period 250.00 EUR → 345.00 EUR (+95.00)"

    same = await _get(whole, "/v1/quote-versions/compare", **{"from": first, "to": first})
    assert [(each["what"], each["texts"]) for each in same["offers"]] == [("same", [])]
    for params, status, type_ in (
        ({"from": first, "to": "qv_nothing"}, 404, "UnknownQuoteVersion"),
        ({"from": "qv_nothing", "to": first}, 404, "UnknownQuoteVersion"),
        ({"from": first}, 422, "RequestInvalid"),
    ):
        refused = await whole.as_["sales"].get("/v1/quote-versions/compare", **params)
        assert (refused.status_code, refused.json()["type"]) == (status, f"urn:q2c:problem:{type_}")


async def test_a_coupons_last_use_goes_to_one_deal_and_comes_back_when_that_is_withdrawn(whole: House) -> None:
    account = await whole.furnish(sandbox=None)
    coupon = {"code": "ONCE", "percent": "10", "total_uses": 1}
    assert (await whole.as_["deal_desk"].post("/v1/coupons", coupon)).status_code == 201
    first = await whole.open(account, coupons=["once"])  # codes are in capitals, however they are said
    assert first["acv"]["minor"] == 270_000

    before = await rows(whole.database)
    said = {"name": "Another", "account_id": account, "draft": {**DRAFT, "coupons": ["ONCE"]}}
    refused = await whole.as_["sales"].post("/v1/deals", said)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:q2c:problem:CouponUsedUp")
    assert await rows(whole.database) == before
    cloned = await whole.as_["sales"].post(f"/v1/deals/{first['id']}/clone", {})
    assert (cloned.status_code, cloned.json()["type"]) == (409, "urn:q2c:problem:CouponUsedUp")
    cloned = await whole.as_["sales"].post(f"/v1/deals/{first['id']}/clone", {"without_coupons": True})
    assert (cloned.status_code, cloned.json()["acv"]["minor"]) == (201, 300_000)
    # the deal that has it may revise with it
    revised = await whole.as_["sales"].post(f"/v1/deals/{first['id']}/revise", {"draft": said["draft"]})
    assert revised.status_code == 200, revised.text

    withdrawn = await whole.as_["sales"].post(f"/v1/deals/{first['id']}/withdraw", {"reason": "another time"})
    assert withdrawn.status_code == 200, withdrawn.text
    assert (await whole.as_["sales"].post("/v1/deals", said)).status_code == 201


async def test_the_price_book_is_the_accounts_own(as_: dict[str, Caller], database: Database) -> None:
    """Of those in force in the currency: for the legal entity and the segment, for one of them, for all."""
    await furnished(as_)
    product = BOOK["products"][0]
    for name, price, more in (
        ("enterprise", "10", {"segments": ["enterprise"]}),
        ("acme-enterprise", "9", {"segments": ["enterprise"], "entities": ["acme-de"]}),
        ("ended", "1", {"entities": ["acme-de"], "valid_to": "2026-02-01"}),
        ("by-name", "11", {"entities": ["Acme GmbH"]}),
    ):
        charges = [{**product["charges"][0], "unit_price": price}]
        book = {**BOOK, "name": name, "products": [{**product, "charges": charges}], **more}
        made = await as_["deal_desk"].post("/v1/price-books", book)
        assert made.status_code == 201, made.text
    draft = {name: value for name, value in DRAFT.items() if name != "price_book"}
    for segment, book_name, net in (("enterprise", "acme-enterprise", 18_000), ("", "by-name", 22_000)):
        account = await as_["sales"].post("/v1/accounts", {**ACCOUNT, "segment": segment, "language": "fr"})
        assert account.status_code == 201, account.text
        said = {"account_id": account.json()["id"], "draft": draft}
        previewed = (await as_["sales"].post("/v1/quotes/preview", said, key=None)).json()
        first = previewed["offers"][0]
        assert (previewed["price_book"], first["totals"]["first_period"]["minor"]) == (book_name, net)
        assert (first["terms"]["language"], previewed["facts"]["segment"]) == ("fr", segment)

    # a book that is named must be for the account
    before = await rows(database)
    plain = await as_["sales"].get("/v1/accounts")
    account_id = next(each["id"] for each in plain.json()["items"] if each["segment"] == "")
    said = {"account_id": account_id, "draft": {**DRAFT, "price_book": "enterprise"}}
    refused = await as_["sales"].post("/v1/quotes/preview", said, key=None)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:q2c:problem:PriceBookNotForAccount")
    assert refused.json()["where"] == "draft.price_book"
    assert await rows(database) == before


async def test_a_sandbox_sells_from_the_books_of_its_entity(whole: House) -> None:
    account = await whole.furnish()
    charges = [{**BOOK["products"][0]["charges"][0], "unit_price": "10"}]
    products = [{**BOOK["products"][0], "charges": charges}]
    own = {**BOOK, "name": "own", "entities": ["acme-de"], "products": products}
    assert (await whole.as_["deal_desk"].post("/v1/price-books", own)).status_code == 201
    page = await whole.open(account, price_book=None)
    assert page["acv"]["minor"] == 240_000
    version = await _get(whole, f"/v1/quote-versions/{page['orders'][0]['versions'][0]['id']}")
    assert (version["content"]["price_book"], version["status"]) == ("own", "priced")
