"""Evidence is canonical, complete, and tells when a word of it was changed, left out, moved or put in."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.approving.evidence import BEGINNING, Entry, document, read, seen, verify
from domain.document import canonical, content_hash
from tests.domain.approving.desk import facts

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
ASKED = Entry(
    at=NOW,
    kind="asked",
    by="q2c",
    ref="d_1/ask/order-1/101",
    order=1,
    version=1,
    content_hash="h1",
    policy="standard/3",
    level=1,
    group="desk",
    rules=("steep",),
    why="discount of 15 % is over 10 %",
    to="ann@x, bob@x",
)
SAID = replace(
    ASKED,
    at=NOW + timedelta(hours=2),
    kind="approve",
    by="gil@x",
    ref="m7",
    seen=seen(facts(discount_percent=Decimal("15.00"))),
    voices=("ann@x",),
    hands=("ann@x", "gil@x"),
    channel="link",
    reason="the last deal of the quarter",
    to="",
)
CARRIED = replace(
    ASKED, at=NOW + timedelta(days=1), kind="carried", ref="m9", version=2, stands_on="m7", stands_on_version=1
)
DEAL = {"id": "d_1", "name": "Acme", "owner": "sales@x"}


def made() -> dict[str, Any]:
    return document(DEAL, [CARRIED, SAID, ASKED])


def test_every_word_is_there_in_its_order_and_what_is_empty_is_not() -> None:
    entries = made()["entries"]
    assert [(e["number"], e["kind"], e["ref"]) for e in entries] == [
        (1, "asked", "d_1/ask/order-1/101"),
        (2, "approve", "m7"),
        (3, "carried", "m9"),
    ]
    assert entries[0]["previous"] == BEGINNING
    assert entries[1] == {
        "at": "2027-03-01T11:00:00+00:00",
        "kind": "approve",
        "by": "gil@x",
        "ref": "m7",
        "order": 1,
        "version": 1,
        "content_hash": "h1",
        "policy": "standard/3",
        "level": 1,
        "group": "desk",
        "rules": ["steep"],
        "why": "discount of 15 % is over 10 %",
        "seen": {
            "acv": "100000 EUR",
            "currency": "EUR",
            "discount_percent": "15",
            "margin_percent": "60",
            "net_days": "30",
            "region": "EMEA",
        },
        "voices": ["ann@x"],
        "hands": ["ann@x", "gil@x"],
        "channel": "link",
        "reason": "the last deal of the quarter",
        "number": 2,
        "previous": entries[0]["sha256"],
        "sha256": entries[1]["sha256"],
    }
    assert (entries[2]["stands_on"], entries[2]["stands_on_version"]) == ("m7", 1)


def test_the_same_words_make_the_same_document() -> None:
    assert document(DEAL, [ASKED, SAID, CARRIED]) == made()
    again = json.loads(canonical(made()))
    assert verify(again) == ()
    assert again["sha256"] == made()["sha256"]


def test_what_was_said_at_one_instant_stands_in_the_order_of_its_steps() -> None:
    late = [replace(ASKED, ref=ref) for ref in ("z", "a", "m")]
    assert [e["ref"] for e in document(DEAL, late)["entries"]] == ["z", "a", "m"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("other", [None, [], "evidence", {"form": "q2c-approval-evidence/1", "entries": "x"}])
def test_what_is_no_evidence_is_told_as_that(other: Any) -> None:
    assert verify(other) == ("this is no evidence of an approval",)


def test_a_deal_without_approvals_has_evidence_of_that() -> None:
    assert verify(document(DEAL, [])) == ()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda d: d["entries"][1].update(reason="none"), "entry 2 is not what was written"),
        (lambda d: d["entries"].pop(1), "entry 2 does not follow the one before it"),
        (lambda d: d["entries"].pop(), "the document is not what was written"),
        (lambda d: d["entries"].reverse(), "entry 1 does not follow the one before it"),
        (lambda d: d["deal"].update(owner="other@x"), "the document is not what was written"),
        (lambda d: d["entries"].insert(0, "approved"), "entry 1 is no entry"),
        (lambda d: d.update(form="other"), "this is no evidence of an approval"),
    ],
)
def test_what_was_changed_is_told(change: Any, problem: str) -> None:
    document_ = copy.deepcopy(made())
    change(document_)
    assert problem in verify(document_)


def resealed(made: dict[str, Any], *entries: int) -> dict[str, Any]:
    """As somebody would leave it who computes the hashes of these entries, and that of the whole, anew."""
    for index in entries:
        made["entries"][index]["sha256"] = hashed(made["entries"][index])
    return {**made, "sha256": hashed(made)}


def hashed(body: dict[str, Any]) -> str:
    return content_hash({name: value for name, value in body.items() if name != "sha256"})


def test_a_word_that_was_changed_and_hashed_anew_is_told_by_the_next_one() -> None:
    document_ = copy.deepcopy(made())
    document_["entries"][1]["reason"] = "none"
    assert verify(resealed(document_, 1)) == ("entry 3 does not follow the one before it",)


@pytest.mark.parametrize("numbers", [(2, 3, 4), (1, 2, 4), (1, 1, 2)])
def test_an_entry_that_is_missing_between_is_told_by_its_number(numbers: tuple[int, ...]) -> None:
    document_ = copy.deepcopy(made())
    before = BEGINNING
    for entry, number in zip(document_["entries"], numbers, strict=True):
        entry.update(number=number, previous=before)
        before = entry["sha256"] = hashed(entry)
    wrong = [index for index, number in enumerate(numbers, start=1) if index != number]
    assert verify(resealed(document_)) == tuple(f"entry {index} does not follow the one before it" for index in wrong)


def test_entries_come_in_order_of_time_however_they_are_given() -> None:
    for given_ in ([SAID, CARRIED, ASKED], [CARRIED, ASKED, SAID]):
        assert document(DEAL, given_) == made()


@settings(deadline=None)
@given(st.integers(0, 2), st.sampled_from(sorted(SAID.to_mapping())), st.text(max_size=5))
def test_any_field_that_is_changed_is_told(index: int, name: str, value: str) -> None:
    document_ = copy.deepcopy(made())
    if document_["entries"][index].get(name) != value:
        document_["entries"][index][name] = value
        assert f"entry {index + 1} is not what was written" in verify(document_)


@pytest.mark.parametrize("odd", [1.5, float("nan"), "\ud800", [[1.0]], True])
@pytest.mark.parametrize("said", ["", None, 7])
def test_what_no_hash_was_ever_made_of_is_told(odd: Any, said: Any) -> None:
    document_: dict[str, Any] = copy.deepcopy(made())
    document_["entries"][1].update(reason=odd, sha256=said)
    document_.update(sha256=said)
    assert {"entry 2 is not what was written", "the document is not what was written"} <= set(verify(document_))


def test_a_field_that_is_there_twice_is_refused() -> None:
    """Who reads the first one is told another reason than the one that is hashed."""
    text = json.dumps(made())
    assert verify(read(text)) == ()
    twice = text.replace('"reason":', '"reason": "never mind", "reason":', 1)
    assert verify(json.loads(twice)) == ()
    with pytest.raises(ValueError, match="'reason' is there twice"):
        read(twice)
    with pytest.raises(ValueError, match="nested too deeply"):
        read("[" * 100_000)
