"""Whatever a condition says is read back as it was meant, so that it can be told in another language."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.approving.condition import AMOUNTS, EVERY_CURRENCY, FLAGS, LISTS, NUMBERS, WORDS, Test
from domain.approving.sentence import AMONG, KINDS, NO_LIMIT, NONE_OF, UNKNOWN, UNKNOWN_FLAG, Sentence, read
from domain.money import exponent

figures = st.decimals(min_value=-10_000_000, max_value=10_000_000, places=2)
a_word = st.text(st.characters(whitelist_categories=["L", "N"]), min_size=1, max_size=8)
currencies = st.sampled_from(["EUR", "JPY", "BHD"])


@st.composite
def limited(draw: st.DrawFn) -> tuple[Test, dict[str, Any], Sentence]:
    """A number or an amount against its limit, over and below, known and not."""
    fact, kind = draw(st.sampled_from([*NUMBERS, *AMOUNTS])), draw(st.sampled_from(["over", "below"]))
    value, limit = draw(figures), draw(figures)
    if fact in NUMBERS:
        unit, sheet = NUMBERS[fact][1], {fact: value}
    else:
        unit = draw(currencies)
        places = Decimal(1).scaleb(-exponent(unit))
        value, limit = value.quantize(places), limit.quantize(places)
        sheet = {f"{fact}_minor": int(value.scaleb(exponent(unit))), "currency": unit}  # type: ignore[dict-item]
    holds = value > limit if kind == "over" else value < limit
    said = Sentence(kind=kind if holds else f"not_{kind}", fact=fact, value=value, limit=limit, unit=unit)
    return Test(fact, kind, ((EVERY_CURRENCY, limit),)), sheet, said


@settings(max_examples=200, deadline=None)
@given(limited())
def test_every_figure_against_its_limit_is_read_back(case: tuple[Test, dict[str, Any], Sentence]) -> None:
    test, sheet, meant = case
    assert read(test.says(sheet)[1]) == meant


@given(st.sampled_from([*WORDS, *LISTS]), st.lists(a_word, min_size=1, max_size=4, unique=True), st.booleans())
def test_every_list_of_words_is_read_back(fact: str, words: list[str], found: bool) -> None:
    test = Test(fact, "in", words=tuple(words))
    said = test.says({fact: tuple(words) if found else ("elsewhere!",)})[1]
    meant = read(said)
    assert meant is not None
    assert (meant.kind, meant.fact, meant.words) == (AMONG if found else NONE_OF, fact, tuple(words))


def test_what_nobody_knows_is_read_back() -> None:
    for fact in NUMBERS:
        assert read(Test(fact, "over", ((EVERY_CURRENCY, Decimal(1)),)).says({})[1]) == Sentence(
            kind=UNKNOWN, fact=fact
        )
    for fact in AMOUNTS:
        one = Test(fact, "over", (("EUR", Decimal(1)),))
        assert read(one.says({"currency": "EUR"})[1]) == Sentence(kind=UNKNOWN, fact=fact)
        assert read(one.says({"currency": "USD"})[1]) == Sentence(kind=NO_LIMIT, fact=fact, unit="USD")
    for fact in FLAGS:
        for value in (True, False, None):
            said = read(Test(fact, "is").says({} if value is None else {fact: value})[1])
            assert said == Sentence(kind={True: "yes", False: "no", None: UNKNOWN_FLAG}[value], fact=fact)


@given(st.text(max_size=60))
def test_anything_else_is_nobody_s_sentence(said: str) -> None:
    found = read(said)
    assert found is None or found.kind in KINDS


def test_a_person_s_own_words_are_left_alone() -> None:
    for said in (
        "",
        "discount",
        "discount of 15 is over 10",
        "ACV of 5 EUR is over 4 USD",
        "term of 3 days is over 2 days",
    ):
        assert read(said) is None
