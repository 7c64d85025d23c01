"""A quote is shown by its share link: read, asked about, accepted, declined; each act once, and every refusal in words."""

from __future__ import annotations

import asyncio
import doctest
import re
from html import unescape

import httpx
import pytest
from sqlalchemy import text

from api import pages
from api.document import pdf_response
from api.pages import page_words
from api.shares.token import Links
from domain.order import MOST_QUESTIONS
from domain.share_link import SHOWN
from models.quote import STATUSES
from tests.api.conftest import ACCOUNT
from tests.api.house import DRAFT, House
from tests.api.sharing import ALTERNATIVES, LINES, READER, Shown, books, one, rows, shown, until


@pytest.fixture(scope="module")
async def account(home: House) -> str:
    """Whose signers never sign: what goes out for signature stays there."""
    made = await home.furnish()
    await home.control("behaviour", {"party": "signature", "account": "trial", "email": "*", "action": "ignore"})
    return made


def heading(page: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", page, re.DOTALL)
    assert found is not None
    return unescape(found[1])


def notices(page: str) -> list[str]:
    return [unescape(each) for each in re.findall(r'<p class="notice[^>]*>(.*?)</p>', page)]


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in before if before[name] != after[name]}


async def views(quote: Shown) -> int:
    return int(await one(quote.house, "SELECT count(*) FROM share_views WHERE share_id = :id", id=quote.share_id))


def test_every_status_of_a_version_is_judged() -> None:
    unseen = {
        "draft",
        "priced",
        "refused",
        "in_approval",
        "rejected",
        "changes_asked",
        "withdrawn",
        "superseded",
        "expired",
    }
    assert SHOWN | unseen == set(STATUSES)


async def test_the_page_shows_the_quote_to_people_and_to_nobody_else(home: House, account: str) -> None:
    quote = await shown(home, account)

    answer = await quote.get()

    assert answer.status_code == 200
    assert notices(answer.text)[1:] == ["This quote is waiting for your answer."]
    for text_ in ("Globex S.p.A.", "Trial", "Acme Team", "250.00", "Valid until 31 January 2027", "30 days left"):
        assert text_ in answer.text
    assert "<script" not in answer.text
    assert {name: answer.headers[name] for name in ("referrer-policy", "x-robots-tag", "cache-control")} == {
        "referrer-policy": "no-referrer",
        "x-robots-tag": "noindex, nofollow",
        "cache-control": "no-store",
    }
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self';")


async def test_the_stylesheet_may_be_kept_for_good(home: House, account: str) -> None:
    quote = await shown(home, account)
    address = re.search(r'<link rel="stylesheet" href="([^"]+)">', (await quote.get()).text)
    assert address is not None

    style = await home.client.get(address[1])

    assert (style.status_code, style.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert style.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "--accent: #17456b" in style.text


async def test_a_look_is_recorded_and_a_preview_is_not(home: House, account: str) -> None:
    quote = await shown(home, account)

    await quote.get(headers={"User-Agent": "Slackbot-LinkExpanding 1.0"})
    await quote.get(headers={**READER, "Sec-Purpose": "prefetch"})
    head = await home.client.head(quote.path, headers=READER)
    assert (head.status_code, head.content, await views(quote)) == (200, b"", 0)
    await quote.get()
    await quote.get(headers={"User-Agent": "x" * 300})

    found = (await home.as_["finance"].get(f"/v1/deals/{quote.deal_id}/shares")).json()
    first, second = found["links"][0]["views"]
    assert (first["agent"], second["agent"]) == (READER["User-Agent"], "x" * 200)
    assert first["at"] == "2027-01-01T09:00:00Z"
    assert first["ip_hash"] == second["ip_hash"]
    assert "127.0.0.1" not in first["ip_hash"]


async def test_the_customer_picks_an_alternative_and_accepts_it(home: House, account: str) -> None:
    quote = await shown(home, account, alternatives=ALTERNATIVES)
    page = (await quote.get()).text
    assert re.findall(r'<input type="radio" name="alternative" value="(\w+)"[^>]*?( checked)?>', page) == [
        ("good", ""),
        ("better", " checked"),
        ("best", ""),
    ]

    answer = await quote.accept(alternative="best")

    assert (answer.status_code, answer.headers["location"]) == (303, f"{quote.path}?said=accepted#quote")
    page = (await quote.get(said="accepted")).text
    assert notices(page)[1] == "Thank you. You accepted the quote; the order form goes to Gina Globex for signature."
    assert "<form" in page  # a question may still be asked
    assert "/accept" not in page
    assert "/decline" not in page
    told = [(who, said) for who, said in await quote.timeline() if "accepted" in said]
    assert told == [("gina@globex.example", "Gina Globex accepted version 1 (best)")]
    await until(home, "SELECT status FROM quote_versions WHERE id = :id", "out_for_signature", id=quote.version_id)
    assert await one(home, "SELECT alternative FROM quote_versions WHERE id = :id", id=quote.version_id) == "best"
    form = await home.as_["sales"].get(f"/v1/quote-versions/{quote.version_id}/pdf")
    assert form.status_code == 200
    assert '<span class="badge">Accepted</span>' in (await quote.get()).text


async def test_a_real_entitys_quote_is_dated_by_the_wall(home: House, account: str) -> None:
    del account  # the house is furnished
    real = await home.as_["admin"].post("/v1/accounts", {**ACCOUNT, "entity_id": "acme-de"})
    quote = await shown(home, real.json()["id"])
    assert notices((await quote.get()).text) == ["This quote is waiting for your answer."]  # and no word of a sandbox

    answer = await quote.accept()

    assert answer.headers["location"] == f"{quote.path}?said=accepted#quote"
    at = await one(
        home, "SELECT max(at) > now() - interval '1 minute' FROM timeline WHERE deal_id = :id", id=quote.deal_id
    )
    assert at is True
    seen = "SELECT at > now() - interval '1 minute' FROM share_views WHERE share_id = :id LIMIT 1"
    assert await one(home, seen, id=quote.share_id) is True


async def test_a_second_click_acts_once(home: House, account: str) -> None:
    quote = await shown(home, account)
    nonce = await quote.nonce("accept")

    clicks = [*await asyncio.gather(*(quote.accept(nonce) for _ in range(3))), await quote.accept(nonce)]

    assert [click.headers["location"] for click in clicks] == [f"{quote.path}?said=accepted#quote"] * 4
    told = [said for _, said in await quote.timeline() if "accepted" in said]
    assert told == ["Gina Globex accepted version 1"]
    await until(home, "SELECT status FROM quote_versions WHERE id = :id", "out_for_signature", id=quote.version_id)
    assert await one(home, "SELECT count(*) FROM envelopes WHERE deal_id = :id", id=quote.deal_id) == 1


async def test_who_declines_with_a_reason_may_return(home: House, account: str) -> None:
    quote = await shown(home, account)

    declined = await quote.send("decline", reason="Too dear.\r\nAsk again in spring.")

    assert declined.headers["location"] == f"{quote.path}?said=declined#quote"
    assert (await quote.timeline())[-1] == (
        "gina@globex.example",
        "gina@globex.example declined version 1: Too dear.\nAsk again in spring.",
    )
    assert await quote.status() == "declined"
    page = (await quote.get()).text
    assert notices(page)[1] == "You declined this quote. As long as it is valid you can still accept it."
    assert "/decline" not in page

    returned = await quote.accept()

    assert returned.headers["location"] == f"{quote.path}?said=accepted#quote"
    await until(home, "SELECT status FROM quote_versions WHERE id = :id", "out_for_signature", id=quote.version_id)


async def test_a_question_is_answered_on_the_page_and_by_mail(home: House, account: str) -> None:
    quote = await shown(home, account)
    nonce = await quote.nonce("ask")

    asked = await quote.send("ask", nonce, question="Can we begin in June? <b>")
    again = await quote.send("ask", nonce, question="Can we begin in June? <b>")

    assert (asked.headers["location"], again.headers["location"]) == (f"{quote.path}?said=asked#quote",) * 2
    (question,) = (await home.as_["sales"].get(f"/v1/deals/{quote.deal_id}/shares")).json()["questions"]
    assert (question["text"], question["by"], question["reply"]) == (
        "Can we begin in June? <b>",
        "gina@globex.example",
        None,
    )
    assert "Can we begin in June? &lt;b&gt;" in (await quote.get()).text
    mails = await rows(home, "SELECT to_, subject FROM mails WHERE deal_id = :id ORDER BY at, key", id=quote.deal_id)
    assert ("sam@acme.example", "Globex: 20 seats: gina@globex.example asks about version 1") in mails

    path, said = f"/v1/questions/{question['id']}/reply", {"text": "Yes, on the first."}
    assert (await home.as_["finance"].post(path, said)).status_code == 403
    answered = await home.as_["sales"].post(path, said)

    assert answered.status_code == 200, answered.text
    assert (answered.json()["reply"], answered.json()["replied_by"]) == ("Yes, on the first.", "sam@acme.example")
    assert "Yes, on the first." in (await quote.get()).text
    before = await books(home)
    other = await home.as_["sales"].post(path, {"text": "No."}, key="another-answer")
    assert (other.status_code, other.json()["type"]) == (409, "urn:q2c:problem:QuestionAnswered")
    assert changed(before, await books(home)) == {"idempotency_keys"}
    to_customer = await one(
        home,
        "SELECT body FROM mails WHERE deal_id = :id AND to_ = 'gina@globex.example' ORDER BY at DESC, key DESC LIMIT 1",
        id=quote.deal_id,
    )
    assert f"{{{{share:{quote.share_id}}}}}" in to_customer


async def test_who_asks_and_asks_is_told_to_wait(home: House, account: str) -> None:
    quote = await shown(home, account)
    for number in range(MOST_QUESTIONS):
        asked = await quote.send("ask", question=f"Question {number}?")
        assert asked.headers["location"] == f"{quote.path}?said=asked#quote"
    nonce = await quote.nonce("ask")
    before = await books(home)

    answer = await quote.send("ask", nonce, question="One more?")

    assert answer.headers["location"] == f"{quote.path}?said=refused_TooManyQuestions#quote"
    assert await books(home) == before
    said = notices((await quote.get(said="refused_TooManyQuestions")).text)[1]
    assert said == "Several of your questions are still open. Please wait for the answers before asking more."


@pytest.mark.parametrize(
    ("action", "form", "fields"),
    [
        ("accept", {"name": " ", "agree": "yes", "alternative": "good"}, {"name"}),
        ("accept", {"name": "Gina", "alternative": "good"}, {"agree"}),
        ("accept", {"name": "Gina", "agree": "yes"}, {"alternative"}),
        ("accept", {"name": "Gina", "agree": "yes", "alternative": "cheapest"}, {"alternative"}),
        ("accept", {"name": "x" * 201, "alternative": ""}, {"name", "agree", "alternative"}),
        ("decline", {"reason": "\n"}, {"reason"}),
        ("ask", {"question": "x" * 2001}, {"question"}),
    ],
)
async def test_an_incomplete_form_comes_back_and_changes_nothing(
    home: House, account: str, action: str, form: dict[str, str], fields: set[str]
) -> None:
    quote = await shown(home, account, alternatives=ALTERNATIVES)
    nonce = await quote.nonce(action)
    before = await books(home)

    answer = await quote.send(action, nonce, **form)

    assert answer.status_code == 422
    assert set(re.findall(r'<li><a href="#(\w+)">', answer.text)) == fields
    assert await books(home) == before


async def test_a_form_of_another_link_or_of_none_changes_nothing(home: House, account: str) -> None:
    quote, other = await shown(home, account), await shown(home, account)
    theirs, decline = await other.nonce("accept"), await quote.nonce("decline")
    before = await books(home)

    for nonce in (theirs, decline, "none", theirs[:-1]):
        answer = await quote.accept(nonce)
        assert answer.headers["location"] == f"{quote.path}?said=stale#quote"

    assert await books(home) == before


async def test_a_version_that_was_replaced_says_so(home: House, account: str) -> None:
    quote = await shown(home, account)
    nonce = await quote.nonce("accept")
    draft = {**DRAFT, "delivery": "link", "lines": [{"product": "team", "quantity": 9}]}
    revised = await home.as_["sales"].post(f"/v1/deals/{quote.deal_id}/revise", {"draft": draft})
    assert revised.status_code == 200, revised.text
    await until(home, "SELECT status FROM quote_versions WHERE id = :id", "superseded", id=quote.version_id)
    before = await books(home)

    read, accepted = await quote.get(), await quote.accept(nonce)

    for answer in (read, accepted):
        assert (answer.status_code, heading(answer.text)) == (410, "There is a newer version of this quote")
        assert "sam@acme.example" in answer.text
    assert await books(home) == before


async def test_a_link_that_was_taken_back_opens_no_more(home: House, account: str) -> None:
    quote = await shown(home, account)
    nonce = await quote.nonce("accept")
    path = f"/v1/share-links/{quote.share_id}/revoke"
    assert (await home.as_["finance"].post(path)).status_code == 403

    revoked = await home.as_["sales"].post(path)

    assert (revoked.status_code, revoked.json()["revoked_by"]) == (200, "sam@acme.example")
    before = await books(home)
    for answer in (await quote.get(), await quote.get("/quote.pdf"), await quote.accept(nonce)):
        assert (answer.status_code, heading(answer.text)) == (410, "This link was taken back")
    assert await books(home) == before
    again = await home.as_["sales"].post(path, key="once-more")
    assert again.json() == revoked.json()


async def test_our_people_make_more_links_to_a_version_that_stands(home: House, account: str) -> None:
    quote = await shown(home, account)
    path = f"/v1/quote-versions/{quote.version_id}/share-links"

    made = await home.as_["sales"].post(path, {"expires_at": "2027-01-05T00:00:00Z"})

    assert made.status_code == 201, made.text
    listed = (await home.as_["finance"].get(path)).json()
    assert {link["id"] for link in listed} == {quote.share_id, made.json()["id"]}
    assert (await home.client.get(made.json()["url"], headers=READER)).status_code == 200
    for at in ("2027-01-01T09:00:00Z", "2027-02-01T00:00:00Z"):
        refused = await home.as_["sales"].post(path, {"expires_at": at})
        assert (refused.status_code, refused.json()["type"]) == (422, "urn:q2c:problem:LinkValidityImpossible")
    assert (await home.as_["deal_desk"].post(path)).status_code == 403


async def test_a_version_that_is_not_approved_is_not_shared(home: House, account: str) -> None:
    page = await home.open(account, lines=[{"product": "team", "quantity": 20, "discount_percent": "30"}])
    version_id = await one(home, "SELECT id FROM quote_versions WHERE deal_id = :id", id=page["id"])

    refused = await home.as_["sales"].post(f"/v1/quote-versions/{version_id}/share-links")

    assert (refused.status_code, refused.json()["type"]) == (409, "urn:q2c:problem:VersionNotShareable")
    assert await rows(home, "SELECT id FROM share_links WHERE version_id = :id", id=version_id) == []


async def test_the_document_is_the_same_for_good(home: House, account: str) -> None:
    quote = await shown(home, account, alternatives=ALTERNATIVES)

    first = await quote.get("/quote.pdf")
    async with home.database.transaction() as session:
        await session.execute(text("UPDATE accounts SET name = 'Renamed' WHERE id = :id"), {"id": account})
    ours = await home.as_["finance"].get(f"/v1/quote-versions/{quote.version_id}/document")
    async with home.database.transaction() as session:
        await session.execute(text("UPDATE accounts SET name = 'Globex S.p.A.' WHERE id = :id"), {"id": account})

    assert (first.status_code, first.headers["content-type"], first.content[:8]) == (
        200,
        "application/pdf",
        b"%PDF-1.7",
    )
    assert ours.content == first.content
    kept = await rows(
        home, "SELECT sha256, bytes FROM documents WHERE deal_id = :id AND kind = 'quote'", id=quote.deal_id
    )
    assert [(f'"{sha256}"', bytes_) for sha256, bytes_ in kept] == [(first.headers["etag"], first.content)]


def test_a_file_has_a_name_that_every_system_takes() -> None:
    response = pdf_response(b"%PDF", "Łódź: Cœur/1")

    assert response.headers["content-disposition"] == 'inline; filename="--d---C-ur-1.pdf"'


async def test_a_version_that_is_not_approved_has_a_draft_that_is_not_kept(home: House, account: str) -> None:
    page = await home.open(account, lines=[{"product": "team", "quantity": 20, "discount_percent": "30"}])
    version_id = await one(home, "SELECT id FROM quote_versions WHERE deal_id = :id", id=page["id"])

    draft = await home.as_["sales"].get(f"/v1/quote-versions/{version_id}/document")

    assert (draft.status_code, draft.content[:8]) == (200, b"%PDF-1.7")
    assert "draft-" in draft.headers["content-disposition"]
    assert await rows(home, "SELECT id FROM documents WHERE deal_id = :id", id=page["id"]) == []


async def test_french_is_spoken_to_whom_it_is_quoted_in_or_who_asks(home: House, account: str) -> None:
    french, english = await shown(home, account, language="fr"), await shown(home, account)

    for answer in (await french.get(), await english.get(lang="fr")):
        assert '<html lang="fr">' in answer.text
        assert notices(answer.text)[1] == "Ce devis attend votre réponse."
        assert "Valable jusqu’au 31 janvier 2027" in answer.text
    sent = await english.accept(lang="fr")
    assert sent.headers["location"] == f"{english.path}?said=accepted&lang=fr#quote"


async def test_the_address_makes_the_page_say_nothing_of_its_own(home: House, account: str) -> None:
    quote = await shown(home, account)

    for said in ('"><b>sold</b>', "accepted", "declined", "offered"):
        page = (await quote.get(said=said)).text
        assert notices(page)[1:] == ["This quote is waiting for your answer."]


@pytest.mark.parametrize("error", ["QuoteExpired", "CouponUsedUp", "SomethingNew"])
async def test_a_refusal_is_a_sentence(home: House, account: str, error: str) -> None:
    quote = await shown(home, account)

    said = notices((await quote.get(said=f"refused_{error}")).text)[1]

    assert "Nothing was changed" in said
    assert error not in said


def test_an_accent_is_darkened_until_it_can_be_read() -> None:
    assert doctest.testmod(pages).failed == 0


def test_both_languages_of_the_page_say_the_same() -> None:
    english, french = page_words("en").texts, page_words("fr").texts

    assert list(english) == list(french)
    for key, text_ in english.items():
        assert set(re.findall(r"\{\w+\}", str(text_))) == set(re.findall(r"\{\w+\}", str(french[key]))), key


async def test_the_mail_carries_the_link_and_the_books_do_not(home: House, account: str) -> None:
    quote = await shown(home, account)
    assert await one(home, "SELECT body LIKE '%{{share:%' FROM mails WHERE deal_id = :id", id=quote.deal_id)

    while await rows(home, "SELECT key FROM mails WHERE sent_at IS NULL LIMIT 1"):
        await home.app.state.relay.lanes.round()

    body = await one(home, "SELECT body FROM mails WHERE deal_id = :id", id=quote.deal_id)
    assert f"{{{{share:{quote.share_id}}}}}" in body
    async with httpx.AsyncClient(base_url=home.outside.url, trust_env=False) as outside:
        mails = (await outside.get("/control/mails", params={"to": "gina@globex.example"})).json()["mails"]
    assert any(f"{home.settings.public_url}{quote.path}" in str(mail) for mail in mails)
    assert (
        await one(home, "SELECT count(*) FROM documents WHERE deal_id = :id AND kind = 'quote'", id=quote.deal_id) == 1
    )


async def test_an_old_secret_still_opens_and_a_forgotten_one_does_not(home: House, account: str) -> None:
    quote = await shown(home, account)
    content_hash = await one(home, "SELECT content_hash FROM share_links WHERE id = :id", id=quote.share_id)
    _, old = home.settings.link_secrets

    for secret, status in ((old, 200), ("a-secret-of-last-year", 404)):
        token = Links([secret], "").token(quote.share_id, content_hash)
        assert (await home.client.get(f"/q/{token}", headers=READER)).status_code == status


async def test_a_quote_that_expires_while_it_is_read_is_refused(home: House, account: str) -> None:
    quote = await shown(home, account, lines=LINES, valid_days=1)
    nonce = await quote.nonce("accept")
    await home.advance("2027-01-02T10:00:00Z")
    before = await books(home)

    for answer in (await quote.get(), await quote.accept(nonce), await quote.send("ask", nonce, question="Still?")):
        assert (answer.status_code, heading(answer.text)) == (410, "This quote has expired")
        assert "It was valid until 2 January 2027." in answer.text

    assert await books(home) == before
