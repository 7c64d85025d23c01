"""One click from the notice: the page shows what is asked and why, a POST decides once, and the deal moves on."""

from __future__ import annotations

import asyncio
import re
from html.parser import HTMLParser

from tests.api.approving import asked
from tests.api.house import BOOK, DRAFT, House
from tests.api.sharing import books, one, rows, until


async def test_the_page_shows_what_is_asked_and_why_and_writes_nothing(home: House, account: str) -> None:
    ask = await asked(home, account)
    before = await books(home)

    page = await ask.get()
    head = await home.client.head(ask.path)

    assert (page.status_code, head.status_code) == (200, 200)
    for said in ("Dana Desk (dana@acme.example)", "discount of 20 % is over 10 %", "Nobody has decided yet.", "20 %"):
        assert said in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script" not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert await books(home) == before


async def test_the_page_names_each_fact_with_its_limit_and_shows_the_paper(home: House, account: str) -> None:
    ask = await asked(home, account)

    page = (await ask.get()).text
    paper = await home.client.get(f"{ask.path}/quote.pdf")

    assert "(standard/1: rule 1)" in page
    assert re.search(r'<tr role="row" class="asks"><td role="cell">Discount</td>.*20.%.*over 10.%.*met', page)
    assert f'href="{ask.path}/quote.pdf"' in page
    assert re.search(r"<small>[^<]* · Sam Sales</small>Version 1 submitted", page)
    assert (paper.status_code, paper.content[:4]) == (200, b"%PDF")
    assert (paper.headers["cache-control"], paper.headers["referrer-policy"]) == ("no-store", "no-referrer")
    altered = await home.client.get(f"{ask.path}x/quote.pdf")
    assert (altered.status_code, altered.headers["content-type"]) == (404, "text/html; charset=utf-8")


async def test_one_click_approves_and_the_deal_moves_on(home: House, account: str) -> None:
    ask = await asked(home, account)

    answer = await ask.send("approve", reason="strategic account")

    assert answer.status_code == 303, answer.text
    shown = await home.client.get(answer.headers["location"])
    assert "You approved this version." in shown.text
    assert 'method="post"' not in shown.text
    await until(home, "SELECT status FROM approval_requests WHERE deal_id = :id", "approved", id=ask.deal_id)
    assert await ask.status() in {"approved", "out_for_signature"}
    decided = "SELECT decided_by, comment FROM approval_requests WHERE deal_id = :id"
    assert await rows(home, decided, id=ask.deal_id) == [("dana@acme.example", "strategic account")]
    assert (await ask.spent_on()).startswith("msg_")


async def test_a_double_click_decides_once(home: House, account: str) -> None:
    ask = await asked(home, account)
    nonce = await ask.nonce("approve")

    answers = await asyncio.gather(*(ask.send("approve", nonce, reason="yes") for _ in range(3)))

    assert {answer.status_code for answer in answers} <= {303, 410}
    assert 303 in {answer.status_code for answer in answers}
    told = "SELECT count(*) FROM timeline WHERE deal_id = :id AND actor = 'dana@acme.example'"
    assert await one(home, told, id=ask.deal_id) == 1


async def test_a_used_link_decides_nothing_more(home: House, account: str) -> None:
    ask = await asked(home, account)
    other = await ask.nonce("reject")
    await ask.send("abstain", reason="not mine to say")
    before = await books(home)

    refused = await ask.send("reject", other, reason="second thoughts")

    assert refused.status_code == 410
    assert "This link was used already" in refused.text
    shown = await ask.get()
    assert shown.status_code == 200
    assert 'method="post"' not in shown.text
    assert await books(home) == before


async def test_a_rejection_needs_a_reason_and_goes_back_to_sales(home: House, account: str) -> None:
    ask = await asked(home, account)

    empty = await ask.send("reject", reason="  ")
    assert empty.status_code == 422
    assert "Say it in words" in empty.text
    assert await ask.spent_on() == ""

    assert (await ask.send("reject", reason="too steep")).status_code == 303
    await until(home, "SELECT status FROM quote_versions WHERE deal_id = :id", "rejected", id=ask.deal_id)
    late = await (await ask.for_("denis@acme.example")).get(lang="en")
    assert (late.status_code, "does not wait for approval any more. It was rejected." in late.text) == (410, True)


async def test_a_counter_proposal_becomes_the_next_version_by_the_approver(home: House, account: str) -> None:
    ask = await asked(home, account)

    wrong = await ask.send("changes", reason="less", d1="a lot")
    assert wrong.status_code == 422
    assert "A percentage from 0 to 100" in wrong.text

    answer = await ask.send("changes", reason="at most ten", d0="", d1="10")
    assert answer.status_code == 303, answer.text
    count = "SELECT count(*) FROM quote_versions WHERE deal_id = :id"
    await until(home, count, 2, id=ask.deal_id)
    drafts = "SELECT by, content -> 'lines' -> 0 ->> 'discount_percent' FROM quote_drafts WHERE deal_id = :id ORDER BY created_at"
    assert await rows(home, drafts, id=ask.deal_id) == [("sam@acme.example", "20"), ("dana@acme.example", "10")]


async def test_changes_without_a_proposal_go_back_with_words(home: House, account: str) -> None:
    ask = await asked(home, account)

    assert (await ask.send("changes", reason="a longer term, please", d0="", d1="20")).status_code == 303

    await until(home, "SELECT status FROM quote_versions WHERE deal_id = :id", "changes_asked", id=ask.deal_id)
    assert await one(home, "SELECT count(*) FROM quote_drafts WHERE deal_id = :id", id=ask.deal_id) == 1


async def test_a_comment_tells_whom_it_mentions_and_decides_nothing(home: House, account: str) -> None:
    ask = await asked(home, account)

    unknown = await ask.send("comment", reason="what do you say, @nobody?")
    assert unknown.status_code == 422
    assert (await ask.send("comment", reason="what do you say, @vera?")).status_code == 303

    comments = "SELECT by, text, mentions FROM approval_comments WHERE deal_id = :id"
    said = ("dana@acme.example", "what do you say, @vera?", ["vera@acme.example"])
    assert await rows(home, comments, id=ask.deal_id) == [said]
    assert await ask.status() == "in_approval"
    assert await ask.spent_on() == ""
    assert "what do you say, @vera?" in (await ask.get()).text


async def test_a_delegate_decides_by_a_link_of_their_own(home: House, account: str) -> None:
    ask = await asked(home, account)

    stranger = await ask.send("delegate", to="who@acme.example")
    assert stranger.status_code == 422
    assert await ask.spent_on() == ""
    owner = await ask.send("delegate", to="sam@acme.example")
    assert "refused_DelegationRefused" in owner.headers["location"]
    assert await ask.spent_on() == ""

    assert (await ask.send("delegate", to="olga@acme.example", reason="knows them")).status_code == 303
    olga = await ask.for_("olga@acme.example")
    page = await olga.get()
    assert "you speak for Dana Desk" in page.text
    assert (await olga.send("approve")).status_code == 303
    await until(home, "SELECT status FROM approval_requests WHERE deal_id = :id", "approved", id=ask.deal_id)


async def test_the_page_speaks_the_language_of_its_person(home: House, account: str) -> None:
    ask = await asked(home, account, "denis@acme.example")

    page = await ask.get()

    assert '<html lang="fr">' in page.text
    assert "remise de 20\u202f%, au-dessus de 10\u202f%" in page.text
    assert "Approval asked for" in (await ask.get(lang="en")).text


class Words(HTMLParser):
    """The words of a page, but those that it says are of another language, or a person's own."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self._hidden: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("style", "title", "datalist", "textarea") or (tag == "a" and dict(attrs).get("lang") == "en"):
            self._hidden.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._hidden and self._hidden[-1] == tag:
            self._hidden.pop()

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.words.append(data.strip())


ENGLISH = re.compile(
    r"\b(the|of|is|are|asked|decide[ds]?|draft|new|priced|submitted|needs|over|below|met|rules?|why|until|owner|customer|"
    r"discount|margin|approve[ds]?|reject(ed)?|changes|hand(ed)?|comments?|level|any|all|them|nobody|yet|not|may|deal|"
    r"version \d priced|per|list|month|billed|card|starts?|term of|from|what|your|you|this|answer)\b",
    re.IGNORECASE,
)


async def test_a_french_reader_s_page_has_no_english_word_of_ours(home: House, account: str) -> None:
    ask = await asked(home, account)
    await ask.send("comment", reason="Ça va ?")
    page = await home.client.get(ask.path, params={"lang": "fr"})
    own = re.compile(r"\S+@\S+|Sam Sales|Globex: 20 seats|Acme Team|par seat|sales[ _]manager|rule 1|Trial")
    words = Words(page.text).words
    assert 'lang="en"' not in page.text.replace('hreflang="en"', "").replace('?lang=en" lang="en"', "")
    assert [said for said in words if ENGLISH.search(own.sub("", said))] == []
    assert [said for said in words if re.search(r"\w [:;%]( |$)", own.sub("", said))] == ["Ça va ?"] * 0
    assert any("Version 1 chiffrée" in said for said in words)


TWO_LEVELS = {
    "name": "standard",
    "stands_days": 90,
    "rules": [
        {
            "when": {"discount_percent_over": "10"},
            "require": [{"level": 1, "group": "sales_manager"}, {"level": 2, "group": "vp"}],
        }
    ],
}


async def test_what_only_some_decided_on_is_not_called_approved(home: House, account: str) -> None:
    assert (await home.as_["admin"].post("/v1/policies/approval", TWO_LEVELS)).status_code == 201
    ask = await asked(home, account)
    first = await ask.send("approve", reason="a reference")
    page = (await home.client.get(first.headers["location"])).text
    assert "Others are still asked: it goes out when they agree." in page
    await until(home, "SELECT count(*) FROM approval_requests WHERE deal_id = :id AND level = 2", 1, id=ask.deal_id)
    vera = await ask.for_("vera@acme.example")
    assert (await vera.send("changes", reason="with more seats")).status_code == 303
    lines = [{"product": "team", "quantity": 30, "discount_percent": "22"}]
    revised = await home.as_["sales"].post(f"/v1/deals/{ask.deal_id}/revise", {"draft": {**DRAFT, "lines": lines}})
    assert revised.status_code == 200, revised.text
    await until(home, "SELECT count(*) FROM quote_versions WHERE deal_id = :id", 2, id=ask.deal_id)

    assert "There is a newer version since." in (await ask.get()).text
    assert (await home.as_["sales"].post(f"/v1/deals/{ask.deal_id}/submit", {"version": 2})).status_code == 200
    again = await (await ask.for_("dana@acme.example", version=2)).get()
    assert "What differs from version 1, the last that somebody decided on" in again.text
    assert "the last that was approved" not in again.text


async def test_groups_rules_and_products_are_called_as_the_reader_s_language_has_them(
    home: House, account: str
) -> None:
    product = {**BOOK["products"][0], "names": {"fr": "Équipe Acme"}, "unit_names": {"fr": "siège"}}
    book = {**BOOK, "name": "acme-fr", "products": [product]}
    assert (await home.as_["admin"].post("/v1/price-books", book)).status_code == 201
    rule = {
        "name": "steep discount",
        "names": {"fr": "Remise forte"},
        "when": {"discount_percent_over": "10"},
        "require": [{"level": 1, "group": "sales_manager"}, {"level": 2, "group": "vp"}],
        "escalate": [{"after": "2 days", "to": "board"}],
    }
    named = {"sales_manager": {"fr": "Responsables des ventes"}, "board": {"en": "Board of Acme"}}
    policy = {"name": "standard", "rules": [rule], "group_names": named}
    assert (await home.as_["admin"].post("/v1/policies/approval", policy)).status_code == 201
    ask = await asked(home, account, price_book="acme-fr")

    french, english = [(await ask.get(lang=each)).text for each in ("fr", "en")]

    for said in (
        "Responsables des ventes, niveau 1",
        ": Remise forte)",
        "vp, niveau 2",
        "board est aussi",
        "Équipe Acme",
        "20 <small>siège",
    ):
        assert said in french
    for said in (
        "sales manager, level 1",
        ": steep discount)",
        "Board of Acme is asked as well",
        "Acme Team",
        "20 <small>seat",
    ):
        assert said in english
    assert "Acme Team" not in french
