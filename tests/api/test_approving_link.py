"""One-click links under attack: altered, expired, reused, for another version, by another person, opened by a mail scanner: nothing changes."""

from __future__ import annotations

import asyncio
import random
import string
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from api.approving.token import DecisionLinks
from api.shares.token import Links
from tests.api.approving import Asked, asked, people
from tests.api.house import DRAFT, House
from tests.api.sharing import books, one, rows, until

PREFETCH: tuple[dict[str, str], ...] = (
    {"Purpose": "prefetch"},
    {"Sec-Purpose": "prefetch;prerender", "Sec-Fetch-Mode": "no-cors"},
    {"X-Moz": "prefetch"},
    {"X-Purpose": "preview"},
    {"Range": "bytes=0-99"},
    {"X-HTTP-Method-Override": "POST", "X-Method-Override": "POST"},
    {"Content-Type": "application/x-www-form-urlencoded"},
)
SCANNERS = ("", "Mozilla/5.0 (compatible; Mimecast)", "Slackbot-LinkExpanding 1.0", "curl/8", "BarracudaSentinel")


@pytest.fixture(scope="module")
async def account(home: House) -> str:
    made = await home.furnish()
    await people(home)
    return made


# --- the page -------------------------------------------------------------------------------------------------------


async def _refused(ask: Asked, status: int, said: str, *, nonce: str = "") -> None:
    """Neither opening nor deciding does anything, and both say why."""
    before = await books(ask.house)
    links = DecisionLinks(ask.house.settings.link_secrets, "")
    form = {"verb": "approve", "nonce": nonce or links.nonce(ask.link_id, "approve"), "reason": "yes"}
    shown = await ask.get()
    decided = await ask.house.client.post(ask.path, data=form)
    assert (shown.status_code, decided.status_code) == (status, status)
    assert said in shown.text
    assert said in decided.text
    assert "script" not in shown.text
    assert await books(ask.house) == before


async def test_a_mail_scanner_may_open_it_as_often_as_it_likes(home: House, account: str) -> None:
    ask = await asked(home, account)
    before = await books(home)
    for agent in SCANNERS:
        for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"):
            answer = await home.client.request(method, ask.path, headers={"User-Agent": agent})
            assert answer.status_code in {200, 405}
    assert await books(home) == before


async def test_no_header_and_no_query_makes_a_look_a_decision(home: House, account: str) -> None:
    ask = await asked(home, account)
    form = {"verb": "approve", "nonce": await ask.nonce("approve"), "reason": "yes"}
    before = await books(home)
    for headers in PREFETCH:
        for method in ("GET", "HEAD"):
            answer = await home.client.request(method, ask.path, params=form, data=form, headers=headers)
            assert answer.status_code == 200
            assert (method == "HEAD") == (answer.content == b"")
            assert "You approved" not in answer.text
            assert answer.headers["cache-control"] == "no-store"
    assert await books(home) == before


async def test_a_form_that_is_not_the_pages_own_decides_nothing(home: House, account: str) -> None:
    ask, other = await asked(home, account), await asked(home, account)
    colleague = await ask.for_("denis@acme.example")
    shares = Links(home.settings.link_secrets, "")
    good = {"verb": "approve", "nonce": await ask.nonce("approve"), "reason": "yes"}
    wrong: list[dict[str, Any]] = [
        {},
        {"content": b""},
        {"content": b"\xff\xfe verb=approve"},
        {"content": b"x=1&" * 200 + urlencode(good).encode()},
        {"content": urlencode({**good, "reason": "y" * 50_000}).encode()},
        {"json": good},
        {"params": good},
        {"params": good, "data": {"verb": "approve"}},
        {"data": {name: value for name, value in good.items() if name != "nonce"}},
        {"data": {**good, "nonce": ""}},
        {"data": {**good, "nonce": good["nonce"][:-1]}},
        {"data": {**good, "verb": "reject"}},
        {"data": {**good, "verb": "APPROVE"}},
        {"data": {**good, "nonce": await other.nonce("approve")}},
        {"data": {**good, "nonce": await colleague.nonce("approve")}},
        {"data": {**good, "nonce": shares.nonce(ask.link_id, "approve")}},
        {"data": {**good, "nonce": ask.path.removeprefix("/a/")}},
    ]
    before = await books(home)
    for each in wrong:
        answer = await home.client.post(ask.path, **each)
        assert answer.status_code in {303, 404, 410, 413, 422, 503}, each
        assert answer.headers.get("location", "said=stale").endswith("said=stale"), each
        assert await books(home) == before, each
    # and the right one, at somebody else's link
    assert (await home.client.post(colleague.path, data=good)).headers["location"].endswith("said=stale")
    assert (await home.client.post(other.path, data=good)).headers["location"].endswith("said=stale")
    assert await books(home) == before
    assert (await home.client.post(ask.path, data=good)).headers["location"].endswith("said=approve")


async def test_two_browsers_at_once_decide_once(home: House, account: str) -> None:
    ask = await asked(home, account)
    verbs = ("approve", "reject", "abstain", "delegate", "changes")
    nonces = [(verb, await ask.nonce(verb)) for verb in verbs]

    answers = await asyncio.gather(
        *(ask.send(verb, nonce, reason="so", to="olga@acme.example", d0="", d1="5") for verb, nonce in nonces)
    )

    said = [each.headers["location"].rpartition("=")[2] for each in answers if each.status_code == 303]
    assert len(said) == 1
    assert [each.status_code for each in answers].count(410) == 4
    votes = "SELECT verb, by FROM approval_votes WHERE deal_id = :id"
    assert await rows(home, votes, id=ask.deal_id) == [(said[0], "dana@acme.example")]
    kept = "SELECT count(*) FROM link_messages WHERE deal_id = :id"
    assert await one(home, kept, id=ask.deal_id) == 1
    drafts = "SELECT count(*) FROM quote_drafts WHERE deal_id = :id"
    assert await one(home, drafts, id=ask.deal_id) == (2 if said == ["changes"] else 1)


async def test_forged_tokens_open_nothing_and_write_nothing(home: House, account: str) -> None:
    ask, other = await asked(home, account), await asked(home, account)
    nonce = await ask.nonce("approve")
    chance = random.Random(7)
    token, theirs = (each.path.removeprefix("/a/") for each in (ask, other))
    tokens = [theirs.rpartition(".")[0] + "." + token.rpartition(".")[2], token.replace("dl_", "dl_%2e", 1)]
    for _ in range(40):
        at = chance.randrange(len(token))
        tokens.append(token[:at] + chance.choice(string.ascii_letters + string.digits) + token[at + 1 :])
        tokens.append(token[: chance.randrange(1, len(token))])
    before = await books(home)
    form = {"verb": "approve", "nonce": nonce, "reason": "yes"}
    for forged_ in set(tokens) - {token}:
        for method in ("GET", "POST"):
            answer = await home.client.request(method, f"/a/{forged_}", data=form)
            assert answer.status_code == 404, forged_
            assert "Globex" not in answer.text
    assert await books(home) == before


async def test_altered_tokens_open_nothing(home: House, account: str) -> None:
    ask = await asked(home, account)
    before = await books(home)
    token = ask.path.removeprefix("/a/")
    for altered in (token[:-1], token + "A", token.replace(".", "-", 1), token[::-1], "x" * 900, f"{token}%00"):
        for method in ("GET", "POST"):
            answer = await home.client.request(method, f"/a/{altered}")
            assert answer.status_code == 404, altered
            assert "We do not know this link" in answer.text
    assert await books(home) == before


async def test_an_expired_link_says_so(home: House, account: str) -> None:
    ask = await asked(home, account)
    old = await ask.for_("dana@acme.example", expires_in=timedelta(seconds=-1))
    await _refused(old, 410, "This link has expired")


async def test_another_version_is_not_decided_by_an_old_link(home: House, account: str) -> None:
    ask = await asked(home, account)
    nonce = await ask.nonce("approve")
    revised = await home.as_["sales"].post(f"/v1/deals/{ask.deal_id}/revise", {"draft": DRAFT})
    assert revised.status_code == 200, revised.text
    await until(home, "SELECT max(version) FROM quote_versions WHERE deal_id = :id", 2, id=ask.deal_id)
    await _refused(ask, 410, "There is a newer version", nonce=nonce)


async def test_a_link_of_one_version_with_the_hash_of_another_is_unknown(home: House, account: str) -> None:
    ask = await asked(home, account)
    forged = await ask.for_("dana@acme.example", content_hash="0" * 64)
    await _refused(forged, 404, "We do not know this link")


@pytest.mark.parametrize(
    ("person", "said"),
    [
        ("sam@acme.example", "Nobody decides about a deal that they own"),
        ("olga@acme.example", "This is not yours to decide any more"),
        ("vera@acme.example", "This is not yours to decide any more"),
    ],
)
async def test_whoever_has_no_seat_decides_nothing(home: House, account: str, person: str, said: str) -> None:
    ask = await asked(home, account, person)
    await _refused(ask, 403, said)


async def test_nobody_is_no_person(home: House, account: str) -> None:
    ask = await asked(home, account)
    await _refused(await ask.for_("ghost@acme.example"), 404, "We do not know this link")


async def test_a_form_of_another_link_or_without_a_nonce_is_stale(home: House, account: str) -> None:
    ask, other = await asked(home, account), await asked(home, account)
    stolen = await other.nonce("approve")
    before = await books(home)
    for nonce in (stolen, "x", await ask.nonce("reject")):
        answer = await ask.send("approve", nonce, reason="yes")
        assert answer.status_code == 303
        assert answer.headers["location"].endswith("said=stale")
    assert await books(home) == before


async def test_a_link_for_one_word_says_no_other(home: House, account: str) -> None:
    ask = await asked(home, account)
    only = await ask.for_("dana@acme.example", verb="comment")
    links = DecisionLinks(home.settings.link_secrets, "")
    before = await books(home)

    answer = await only.send("approve", links.nonce(only.link_id, "approve"), reason="yes")

    assert answer.headers["location"].endswith("said=stale")
    assert 'value="approve"' not in (await only.get()).text
    assert await books(home) == before


async def test_who_answered_already_is_told_so(home: House, account: str) -> None:
    ask = await asked(home, account)
    second = await ask.for_("dana@acme.example")
    assert (await ask.send("abstain")).status_code == 303
    await _refused(second, 410, "You have answered already")


async def test_what_is_decided_is_decided(home: House, account: str) -> None:
    ask = await asked(home, account)
    late = await ask.for_("denis@acme.example")
    assert (await ask.send("reject", reason="too steep")).status_code == 303
    await _refused(late, 410, "C’est décidé")
