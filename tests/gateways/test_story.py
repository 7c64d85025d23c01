"""The story of a deal is told in French line by line; what is no line of ours stays as it was written."""

from __future__ import annotations

import doctest
import json
import re

import pytest

from gateways import story
from gateways.story import FOLDER, told

LINES = json.loads((FOLDER / "fr.json").read_text("utf-8"))
ENGLISH = re.compile(
    r"\b(new|draft|priced|needs|approval|could|not|be|submitted|is|asked|to|approve|reminded|for|waits|since|"
    r"escalated|has|answered|may|decide|from|now|nobody|goes|back|sales|approved|rejected|changes|handed|"
    r"comment|who|looked|anew|another|policy|applied|the|order|withdrawn|cancelled|refused|quote|expired|unsigned|shown|"
    r"share|until|sent|envelope|was|left|known|away|without|deputy|and|so|voice|would|come)\b",
    re.IGNORECASE,
)
FILLED = {
    "n": "3", "draft": "qd_7", "group": "desk", "to": "bob@x", "at": "2027-03-01 09:30 UTC", "why": "ann@x is away",
    "who": "ann@x, fay@x", "said": "Z", "priced": "1,200.00 EUR per period, 20 % off list", "groups": "desk, cfo",
}  # fmt: skip


@pytest.mark.parametrize("english", LINES)
def test_every_line_in_french(english: str) -> None:
    said = english.format(**FILLED)
    line = told("fr", said)
    assert line is not None
    assert set(re.findall(r"\{(\w+)\}", english)) == set(re.findall(r"\{(\w+)\}", LINES[english]))
    assert not ENGLISH.search(line)
    assert not re.search(r" [:;%]", line)
    assert told("en", said) == said
    if "{at}" in english:
        assert "1er mars 2027, 09:30 (UTC)" in line


def test_figures_and_reasons_within_a_line_are_told_as_well() -> None:
    assert doctest.testmod(story).failed == 0
    assert told("fr", "Version 2 goes back to sales: nobody decided in time: desk at level 1") == (
        "La version 2 revient aux ventes\xa0: personne n’a décidé à temps\xa0: desk, niveau 1"
    )
    assert told("fr", "Version 2 approved: \na good deal:\nyes") == "Version 2 approuvée\xa0: \na good deal:\nyes"


@pytest.mark.parametrize("said", ["", "Version x submitted", "Invoice INV-1 issued", "A new draft of a poem"])
def test_what_is_no_line_of_ours_is_none(said: str) -> None:
    assert told("fr", said) is None
