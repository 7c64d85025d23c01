"""One-click links under attack: altered, expired, reused, for another version, by another person, opened by a mail scanner: nothing changes."""

from __future__ import annotations

import string
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.approving.token import DecisionLinks
from api.shares.token import Links, TokenAltered
from embedded.temporal import TemporalServer
from tests.api.approving import Asked, asked, people
from tests.api.house import DRAFT, House, house
from tests.api.sharing import books, until

LINKS = DecisionLinks(["a-secret-of-these-tests"], "https://q2c.example")
HASH = "9f" * 32
SCANNERS = ("", "Mozilla/5.0 (compatible; Mimecast)", "Slackbot-LinkExpanding 1.0", "curl/8", "BarracudaSentinel")


@pytest.fixture(scope="module")
async def home(
    module_database_url: str, temporal_server: TemporalServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    async with house(module_database_url, temporal_server.address, tmp_path_factory.mktemp("house")) as made:
        yield made


@pytest.fixture(scope="module")
async def account(home: House) -> str:
    made = await home.furnish()
    await people(home)
    return made


# --- the token alone ------------------------------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.sampled_from(string.ascii_letters + string.digits + "-_.~"))
@settings(max_examples=300, deadline=None)
def test_a_token_altered_in_one_place_is_no_token(place: int, letter: str) -> None:
    token = LINKS.token("dl_1", HASH)
    at = place % len(token)
    altered = token[:at] + letter + token[at + 1 :]
    if altered == token:
        assert LINKS.read(altered) == ("dl_1", HASH)
        return
    with pytest.raises(TokenAltered):
        LINKS.read(altered)


@given(st.text(max_size=600))
@settings(max_examples=200, deadline=None)
def test_what_is_no_token_is_refused(said: str) -> None:
    with pytest.raises(TokenAltered):
        LINKS.read(said)


@given(st.sampled_from(["approve", "reject"]), st.sampled_from(["dl_1", "dl_2"]))
def test_a_nonce_is_of_one_link_and_one_form(verb: str, link: str) -> None:
    nonce = LINKS.nonce("dl_1", "approve")
    if (verb, link) == ("approve", "dl_1"):
        assert LINKS.read_nonce(nonce, link, verb)
        return
    with pytest.raises(TokenAltered):
        LINKS.read_nonce(nonce, link, verb)


def test_a_share_link_decides_nothing_and_a_decision_shows_no_quote() -> None:
    shares = Links(["a-secret-of-these-tests"], "https://q2c.example")
    with pytest.raises(TokenAltered):
        LINKS.read(shares.token("dl_1", HASH))
    with pytest.raises(TokenAltered):
        shares.read(LINKS.token("dl_1", HASH))


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
