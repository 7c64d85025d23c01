"""The token of a one-click link under attack: altered, cut, mixed with others, of another purpose or secret: it is no token."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.approving.token import DecisionLinks
from api.shares.token import Links, TokenAltered

LINKS = DecisionLinks(["a-secret-of-these-tests"], "https://q2c.example")
HASH = "9f" * 32
OTHERS = (  # the first two are good tokens, of another link and of a form
    LINKS.token("dl_2", "8e" * 32),
    LINKS.nonce("dl_1", "approve"),
    LINKS.nonce("dl_2", "approve"),
    Links(["a-secret-of-these-tests"], "").token("dl_1", HASH),
    Links(["a-secret-of-these-tests"], "").nonce("dl_1", "approve"),
    DecisionLinks(["another-secret-of-tests"], "").token("dl_1", HASH),
)


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


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_no_flipped_bit_no_cut_and_no_mixture_of_tokens_is_a_token(data: st.DataObject) -> None:
    """Bits flipped anywhere; cut off or grown; parts and signatures of other links, other purposes, other secrets put together."""
    token = LINKS.token("dl_1", HASH)
    attacked(data.draw, token)


def attacked(draw: Any, token: str) -> None:
    """One attack; it must open nothing, neither as a token nor as a form's nonce."""
    attack = draw(st.sampled_from(("flip", "cut", "grow", "mix", "twice")))
    if attack == "flip":
        bits = bytearray(token.encode())
        for place in draw(st.sets(st.integers(0, len(bits) * 8 - 1), min_size=1, max_size=3)):
            bits[place // 8] ^= 1 << place % 8
        said = bits.decode("latin-1")
    elif attack == "cut":
        first, last = sorted(draw(st.tuples(*[st.integers(0, len(token) - 1)] * 2)))
        said = token[first:last]
    elif attack == "grow":
        said = draw(st.sampled_from((" ", ".", "=", "/", "\n", "A"))).join(draw(st.permutations((token, ""))))
    elif attack == "twice":
        said = f"{token}.{token}"
    else:
        others = (token, *OTHERS)
        one, two = (draw(st.sampled_from(others)).split(".") for _ in range(2))
        at = draw(st.integers(0, len(one)))
        said = ".".join((*one[:at], *two[min(at, len(two)) :]))
        if said == token:
            return
    if said != OTHERS[0]:
        with pytest.raises(TokenAltered):
            LINKS.read(said)
    if said != OTHERS[1]:
        with pytest.raises(TokenAltered):
            LINKS.read_nonce(said, "dl_1", "approve")


def test_a_share_link_decides_nothing_and_a_decision_shows_no_quote() -> None:
    shares = Links(["a-secret-of-these-tests"], "https://q2c.example")
    with pytest.raises(TokenAltered):
        LINKS.read(shares.token("dl_1", HASH))
    with pytest.raises(TokenAltered):
        shares.read(LINKS.token("dl_1", HASH))
