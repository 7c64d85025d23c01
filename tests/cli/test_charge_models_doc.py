"""docs/rules/charge-models.md is true: every example to the byte, and every field is told with its models and its default."""

from __future__ import annotations

import doctest
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli import rate_lines
from cli.rate_lines import answer
from domain.rating.charge import MODELS, Charge
from domain.rating.charge_document import FIELDS, known
from domain.rating.tier_document import TIER_FIELDS

DOC = Path(__file__).parents[2] / "docs/rules/charge-models.md"
TEXT = DOC.read_text(encoding="utf-8")
CONVENTIONS = ("tier_bound", "zero_usage", "beyond", "package_rounding", "included_order", "rounding")


def examples() -> Iterator[tuple[str, str]]:
    for block in re.findall(r"^```json\n(.*?)^```$", TEXT, flags=re.DOTALL | re.MULTILINE):
        lines = block.splitlines()
        yield from zip(lines[::2], lines[1::2], strict=True)


def rows(text: str) -> dict[str, list[str]]:
    """The tables of fields by their first cell: | `field` | type | default | models | meaning |."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| `") and len(cells) == 5:
            found[cells[0].strip("` ")] = cells
    return found


TIERS = TEXT[TEXT.index("\nA tier:\n") : TEXT.index("\n### flat\n")]
OF_A_TIER, OF_A_CHARGE = rows(TIERS), rows(TEXT.replace(TIERS, ""))


@pytest.mark.parametrize(("given", "expected"), list(examples()))
def test_each_example_comes_out_to_the_byte(given: str, expected: str) -> None:
    assert answer(given) == expected


def test_the_figures_in_the_docstrings_are_true() -> None:
    assert doctest.testmod(rate_lines).failed == 0


def test_each_model_and_each_convention_has_an_example() -> None:
    charges = [json.loads(given)["charge"] for given, _ in examples() if given.endswith("}")]
    assert {charge.get("model") for charge in charges} == set(MODELS)
    used = {name for charge in charges for name in charge} | {
        name for charge in charges for tier in charge.get("tiers", ()) for name in tier
    }
    untold = {"kind", "timing", "minimum_quantity", "maximum_quantity", "cost", "floor", "revenue_account"}
    assert set(FIELDS) - used <= untold
    assert {name for names in TIER_FIELDS.values() for name in names} <= used


def test_every_field_is_told_and_no_other() -> None:
    assert set(OF_A_CHARGE) == {name for model in MODELS for name in known(model)} - set(CONVENTIONS)
    assert set(OF_A_TIER) == {name for names in TIER_FIELDS.values() for name in names}
    for name in CONVENTIONS:
        default = getattr(Charge(id="c", model="flat"), name)
        (line,) = [line for line in TEXT.splitlines() if line.startswith("| ") and f" | `{name}` | " in line]
        assert f"| `{name}` | `{default}`" in line


@pytest.mark.parametrize("name", sorted(set(FIELDS) - set(CONVENTIONS)))
def test_the_models_of_each_field_are_told(name: str) -> None:
    told = OF_A_CHARGE[name][3]
    models = FIELDS[name].models
    named = set(re.findall(r"`(\w+)`", told.partition(";")[0]))
    if told.startswith("all but"):
        assert set(MODELS) - named == models
    elif told.startswith("all with tiers"):
        assert {model for model in MODELS if "tiers" in known(model)} == models
    elif told.startswith("all"):
        assert set(MODELS) == models
    else:
        assert named == models


def broken() -> st.SearchStrategy[str]:
    """An example of the document with one value somewhere replaced by anything."""
    odd: st.SearchStrategy[Any] = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-3, 10**20),
        st.sampled_from(
            ["", " ", "0", "-1", "1e9", "NaN", "eu", "graduated", "month", "\ud800", "2026-06-01T00:00:00Z"]
        ),
        st.sampled_from([[], {}, [[]], [{}], [None], {"amount": None}, {"": ""}]),
    )
    requests = [json.loads(given) for given, _ in examples() if given.endswith("}")]

    def change(request: Any, value: Any, draw: st.DrawFn) -> Any:
        if isinstance(request, dict | list) and request and draw(st.integers(0, 4)):
            copied = dict(request) if isinstance(request, dict) else list(request)
            place: Any = draw(st.sampled_from(sorted(copied) if isinstance(copied, dict) else range(len(copied))))
            copied[place] = change(copied[place], value, draw)
            return copied
        return value

    @st.composite
    def changed(draw: st.DrawFn) -> str:
        return json.dumps(change(draw(st.sampled_from(requests)), draw(odd), draw))

    return changed()


@settings(max_examples=400)
@given(broken())
def test_whatever_stands_in_a_line_it_is_answered(line: str) -> None:
    found = json.loads(answer(line))
    assert set(found) in ({"id", "amount", "unrounded", "explain"}, {"id", "error"})
    if "error" in found:
        assert set(found["error"]) == {"type", "field", "message"}
    else:
        steps = sum((Decimal(step["amount"]) for step in found["explain"]), Decimal(0))
        assert abs(steps - Decimal(found["amount"])) < Decimal("1e-20")
