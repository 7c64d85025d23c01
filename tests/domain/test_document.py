"""Documents: canonical, hashed, every problem named by its path."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.document import Reader, canonical, content_hash, decimal_text
from domain.errors import Problem

json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=5), json_values, max_size=6), st.randoms())
def test_the_hash_is_stable_under_the_order_of_keys(mapping: dict[str, object], chance: object) -> None:
    names = list(mapping)
    chance.shuffle(names)  # type: ignore[attr-defined]
    assert content_hash({name: mapping[name] for name in names}) == content_hash(mapping)


def test_the_canonical_form_and_its_hash_never_change() -> None:
    assert canonical({"b": [1, {"z": None, "y": "ü"}], "a": "0.10"}) == '{"a":"0.10","b":[1,{"y":"ü","z":null}]}'
    assert content_hash({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


@pytest.mark.parametrize("mapping", [{"a": 0.1}, {"a": [1, (0.5,)]}, {"a": {"b": 1.0}}])
def test_a_float_is_never_hashed(mapping: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="a float"):
        content_hash(mapping)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**15), max_value=10**15))
def test_a_decimal_has_one_text(value: Decimal) -> None:
    said = decimal_text(value)
    assert Decimal(said) == value
    assert decimal_text(value * Decimal("1.000")) == said
    assert "E" not in said


def reading(**fields: object) -> tuple[Reader, list[Problem]]:
    problems: list[Problem] = []
    return Reader(fields, problems, "at"), problems


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0.1, 'a number with a fraction must be text, such as "0.10": a float is not exact'),
        (True, "expected a number, found True"),
        ("1e5", "expected a number, found '1e5'"),
        ("NaN", "expected a number, found 'NaN'"),
        (Decimal("NaN"), "expected a number, found Decimal('NaN')"),
        ("1_000", "expected a number, found '1_000'"),
        ("٣", "expected a number, found '٣'"),
        ([1], "expected a number, found a list"),
        ({"a": 1}, "expected a number, found fields by name"),
        (None, "is missing"),
        ("", "is missing"),
        (" null ", "is missing"),
        ("-1", "expected 0 to 100, found -1"),
        ("100.01", "expected 0 to 100, found 100.01"),
        ("0.1234567890123", "has more than 12 decimals: 0.1234567890123"),
        ("12345678901234567890.1234567890123", "has more than 12 decimals: 12345678901234567890.1234567890123"),
    ],
)
def test_what_is_not_an_exact_number_is_named(value: object, message: str) -> None:
    reader, problems = reading(n=value)
    reader.decimal("n", minimum=0, maximum=100)
    assert problems == [Problem("at.n", message)]


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("12.50", "12.50"),
        (" 7 ", "7"),
        (7, "7"),
        ("+7", "7"),
        (Decimal("1E+1"), "10"),
        ("0.100000000000000", "0.1"),
        (None, "3"),
    ],
)
def test_an_exact_number_is_read(value: object, number: str) -> None:
    reader, problems = reading(n=value)
    assert reader.decimal("n", Decimal(3), minimum=0, maximum=100) == Decimal(number)
    assert problems == []


def test_a_whole_number_has_no_fraction() -> None:
    reader, problems = reading(a="1.5", b="2.0", c="x", d="11")
    assert [reader.whole(name, minimum=0, maximum=10) for name in "abcd"] == [1, 2, 0, 11]
    assert problems == [
        Problem("at.a", "expected a whole number, found 1.5"),
        Problem("at.c", "expected a number, found 'x'"),
        Problem("at.d", "expected 0 to 10, found 11"),
    ]


def test_text_is_short_and_in_shape() -> None:
    reader, problems = reading(a="x" * 501, b={"c": 1}, d=1.5, e="No!", f=7)
    assert reader.text("f") == "7"
    assert reader.text("gone", "there") == "there"
    for name in "abd":
        reader.text(name)
    reader.text("e", pattern="[a-z]+", shape="a word")
    assert problems == [
        Problem("at.a", "is longer than 500 characters"),
        Problem("at.b", "expected text, found fields by name"),
        Problem("at.d", "expected text, found 1.5"),
        Problem("at.e", "expected a word, found 'No!'"),
    ]


def test_null_is_a_name_where_a_name_is_required() -> None:
    reader, problems = reading(a="Null", b="null", c="~", d="  ")
    assert [reader.text("a"), reader.text("b", "default"), reader.text("c", "")] == ["Null", "default", ""]
    assert reader.text("d") == ""
    assert problems == [Problem("at.d", "is missing")]


def test_a_choice_is_one_of_its_words() -> None:
    reader, problems = reading(a="Card", b="cash")
    assert reader.choice("a", ("card", "transfer")) == "card"
    assert reader.choice("b", ("card", "transfer")) == "card"
    assert reader.choice("c", ("card", "transfer"), "transfer") == "transfer"
    assert reader.choice("d", ("card", "transfer")) == "card"
    assert problems == [
        Problem("at.b", "expected one of card, transfer, found 'cash'"),
        Problem("at.d", "is missing"),
    ]


def test_flags_and_dates_and_currencies() -> None:
    reader, problems = reading(
        a=True,
        b="no",
        c="maybe",
        d="2026-02-30",
        e=date(2026, 1, 1),
        f=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        g="XAU",
        h="JPY",
    )
    assert [reader.flag(name, default=True) for name in ("a", "b", "c", "gone")] == [True, False, False, True]
    assert [reader.on(name) for name in ("d", "e", "f", "none")] == [
        date.min,
        date(2026, 1, 1),
        date(2026, 1, 2),
        date.min,
    ]
    assert [reader.currency(name) for name in ("g", "h")] == ["EUR", "JPY"]
    assert problems == [
        Problem("at.c", "expected true or false, found 'maybe'"),
        Problem("at.d", "expected a date as in 2026-01-31, found '2026-02-30'"),
        Problem("at.none", "is missing"),
        Problem("at.g", "'XAU' is not an ISO 4217 currency with a minor unit"),
    ]


def test_lists_are_lists() -> None:
    reader, problems = reading(a=[], b="x", c=[{"n": 1}, 2], d=["ok", "NO"], e=["1", "x"])
    assert reader.sections("a") == []
    assert reader.sections("b") == []
    assert [each.path for each in reader.sections("c")] == ["at.c[0]", "at.c[1]"]
    assert reader.sections("gone", required=False) == []
    assert reader.texts("d", pattern="[a-z]+", shape="a word") == ("ok", "NO")
    assert reader.texts("gone", ("w",), pattern="[a-z]+", shape="a word") == ("w",)
    assert reader.wholes("e", (), minimum=0, maximum=9) == (1, 0)
    assert reader.wholes("gone", (4,), minimum=0, maximum=9) == (4,)
    assert problems == [
        Problem("at.a", "is empty"),
        Problem("at.b", "expected a list, found 'x'"),
        Problem("at.c[1]", "expected fields by name, found 2"),
        Problem("at.d[1]", "expected a word, found 'NO'"),
        Problem("at.e[1]", "expected a number, found 'x'"),
    ]


def test_a_misspelt_field_is_named_with_those_that_are_known() -> None:
    reader, problems = reading(quantiy=1)
    reader.has("quantity")
    reader.end()
    assert problems == [Problem("at.quantiy", "unknown field; known here: quantity")]
    Reader(3, problems).problem("", "x")
    assert problems[1:] == [Problem("", "expected fields by name, found 3"), Problem("", "x")]
