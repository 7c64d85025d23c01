"""A share link's token opens exactly what it was signed for: altered in any letter it is nobody's, and nothing is changed by trying."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote as quoted

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.errors import Refusal
from api.shares.token import Links, TokenAltered
from embedded.temporal import TemporalServer
from tests.api.house import house
from tests.api.sharing import READER, Shown, books, shown

NEW, OLD, OTHER = "the-new-secret-of-links", "the-old-secret-of-links", "somebody-elses-secret"
HASH, OTHER_HASH = "a" * 64, "b" * 64
LINKS = Links([NEW, OLD], "https://quotes.example/")
TOKEN = LINKS.token("shl_one", HASH)

letters = st.characters(min_codepoint=1, max_codepoint=0x2FF)


def test_a_token_says_which_link_and_which_content() -> None:
    assert LINKS.read(TOKEN) == ("shl_one", HASH)
    assert LINKS.url("shl_one", HASH) == f"https://quotes.example/q/{TOKEN}"
    assert LINKS.token("shl_one", HASH) == TOKEN


def test_a_token_altered_in_any_one_letter_is_not_read() -> None:
    for place, letter in enumerate(TOKEN):
        for bit in range(7):
            with pytest.raises(TokenAltered):
                LINKS.read(TOKEN[:place] + chr(ord(letter) ^ 1 << bit) + TOKEN[place + 1 :])


@given(text=st.one_of(st.text(letters, max_size=200), st.text(max_size=20).map(lambda more: TOKEN + more)))
def test_what_we_did_not_sign_is_not_read(text: str) -> None:
    if text != TOKEN:
        with pytest.raises(TokenAltered):
            LINKS.read(text)


@given(
    share_id=st.from_regex(r"[a-z0-9_]{1,40}", fullmatch=True),
    content_hash=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
)
def test_each_link_and_content_has_a_token_of_its_own(share_id: str, content_hash: str) -> None:
    token = LINKS.token(share_id, content_hash)

    assert LINKS.read(token) == (share_id, content_hash)
    signature = token.rpartition(".")[2]
    for made_up in (f"shl_one.{content_hash}.{signature}", f"{share_id}.{OTHER_HASH}.{signature}"):
        if made_up != token:
            with pytest.raises(TokenAltered):
                LINKS.read(made_up)


def test_a_token_of_an_old_secret_is_read_until_the_secret_is_dropped() -> None:
    old = Links([OLD], "").token("shl_one", HASH)

    assert old != TOKEN
    assert LINKS.read(old) == ("shl_one", HASH)
    for keys in ([NEW], [OTHER], []):
        with pytest.raises(TokenAltered):
            Links(keys, "").read(old)


def test_without_a_secret_there_are_no_links() -> None:
    with pytest.raises(Refusal, match="no secret"):
        Links([], "").token("shl_one", HASH)


def test_a_forms_nonce_is_good_for_one_form_of_one_link() -> None:
    nonce = LINKS.nonce("shl_one", "accept")

    own = LINKS.read_nonce(nonce, "shl_one", "accept")
    assert own != LINKS.read_nonce(LINKS.nonce("shl_one", "accept"), "shl_one", "accept")
    for share_id, action in (("shl_two", "accept"), ("shl_one", "decline")):
        with pytest.raises(TokenAltered):
            LINKS.read_nonce(nonce, share_id, action)
    with pytest.raises(TokenAltered):
        LINKS.read(nonce)
    with pytest.raises(TokenAltered):
        LINKS.read_nonce(TOKEN, "shl_one", "accept")


def test_a_looker_is_told_apart_by_link_but_not_known() -> None:
    assert LINKS.address_hash("shl_one", "192.0.2.1") == LINKS.address_hash("shl_one", "192.0.2.1")
    assert LINKS.address_hash("shl_one", "192.0.2.1") != LINKS.address_hash("shl_two", "192.0.2.1")
    assert LINKS.address_hash("shl_one", "192.0.2.1") != Links([OTHER], "").address_hash("shl_one", "192.0.2.1")


@pytest.fixture(scope="module")
async def quotes(
    module_database_url: str, temporal_server: TemporalServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Shown, Shown]]:
    """Two deals, each with a quote shown by a link."""
    folder = tmp_path_factory.mktemp("house")
    async with house(module_database_url, temporal_server.address, folder) as home:
        account = await home.furnish()
        made = await shown(home, account), await shown(home, account)
        before = await books(home)
        yield made
        assert await books(home) == before  # nothing that was tried wrote anything


def forged(one: str, other: str) -> st.SearchStrategy[str]:
    """Tokens that nobody signed: one of ours altered, cut, lengthened, or spliced from two."""
    places = st.integers(min_value=0, max_value=len(one) - 1)
    pieces, others = one.split("."), other.split(".")
    spliced = st.tuples(*(st.sampled_from([pieces[i], others[i]]) for i in range(3))).map(".".join)
    signed_with_another = st.builds(
        lambda key: Links([key], "").token(pieces[0], pieces[1]), st.text("abcdefgh", min_size=16, max_size=20)
    )
    altered = st.builds(lambda i, letter: one[:i] + letter + one[i + 1 :], places, letters)
    cut = places.map(lambda i: one[:i])
    longer = st.text(letters, min_size=1, max_size=3).map(lambda more: one + more)
    return st.one_of(altered, cut, longer, spliced, signed_with_another).filter(lambda made: made not in {one, other})


@settings(max_examples=150, deadline=None)
@given(data=st.data())
async def test_a_forged_token_shows_nothing_and_changes_nothing(
    quotes: tuple[Shown, Shown], data: st.DataObject
) -> None:
    quote, other = quotes
    token = data.draw(forged(quote.path.removeprefix("/q/"), other.path.removeprefix("/q/")))
    client, path = quote.house.client, f"/q/{quoted(token, safe='')}"
    form = {"nonce": LINKS.nonce("shl_one", "accept"), "name": "Mallory", "agree": "yes"}

    answers = [
        await client.get(path, headers=READER),
        await client.get(f"{path}/quote.pdf", headers=READER),
        await client.post(f"{path}/accept", data=form, headers=READER),
    ]

    for answer in answers:
        assert answer.status_code in {307, 404, 405}  # with a slash in it, it is another page's path, or none's
        assert "Globex" not in answer.text


async def test_what_belongs_to_no_form_is_refused(quotes: tuple[Shown, Shown]) -> None:
    quote, other = quotes
    nonce = Links(quote.house.settings.link_secrets, "").nonce(other.share_id, "accept")

    answers = [
        await quote.house.client.get(f"{quote.path}x", headers=READER),
        await quote.house.client.post(f"{other.path}x/accept", data={"nonce": nonce}, headers=READER),
        await quote.house.client.post(f"{quote.path}/sign", data={"nonce": nonce}, headers=READER),
        await quote.house.client.post(f"{quote.path}/ask", content=b"x" * 40_000, headers=READER),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404, 413]
