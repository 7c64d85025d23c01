"""The paper of evidence says all of its document in the reader's language, and where to find what it refers to."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.approving.condition import sheet
from domain.approving.evidence import Entry, document, seen
from domain.quoting.facts import Facts
from gateways.document_data import Seller
from gateways.documents import evidence_pages
from gateways.evidence_view import evidence_view
from gateways.words import LANGUAGES

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
SELLER = Seller(name="Acme", address="", tax_number="", bank_account="")
DEAL = {"id": "d_1", "number": "Q-1", "name": "Globex", "owner": "sam@x", "entity": "Acme", "account": "Globex"}
SEEN = seen(
    sheet(
        Facts(
            discount_percent=Decimal("17.5"), acv_minor=12000050, tcv_minor=1, term_months=36, net_days=60,
            currency="EUR", method="transfer", products=("team",),
        ),
        entity="ent_1",
    )
)  # fmt: skip
ASKED = Entry(
    at=NOW, kind="asked", by="q2c", ref="d_1/ask", order=1, version=1, content_hash="a" * 64, policy="standard/3",
    level=1, group="desk", rules=("steep",), why="discount of 17.5 % is over 10 %; always required", to="any member",
)  # fmt: skip
KINDS: dict[str, dict[str, Any]] = {
    "reminded": {"to": "ann@x"},
    "escalated": {"to": "max@x"},
    "approve": {"by": "gil@x", "ref": "m2", "channel": "link", "voices": ("ann@x",), "hands": ("ann@x", "gil@x"),
                "reason": "a good deal", "to": "", "seen": SEEN},
    "reject": {"by": "gil@x", "channel": "cli", "to": "", "hands": ("gil@x",)},
    "changes": {"by": "gil@x", "channel": "api", "to": ""},
    "delegate": {"by": "ann@x", "to": "gil@x", "channel": "link"},
    "abstain": {"by": "ann@x", "to": "", "channel": "link"},
    "comment": {"by": "ann@x", "to": "", "mentions": ("sam@x",), "group": "", "why": ""},
    "carried": {"version": 2, "to": "gil@x", "stands_on": "m2", "stands_on_version": 1},
    "reseated": {"by": "root@x", "to": "ann@x", "reason": "ann@x left"},
    "policy": {"by": "root@x", "to": "", "policy": "standard/4"},
    "expired": {"to": "", "reason": "nobody decided in time: desk at level 1"},
}  # fmt: skip
ENGLISH = re.compile(
    r"\b(asked?|of|over|always|required|member|approved|rejected|changes|handed|abstained|commented|carried|looked|"
    r"another|policy|expired|entry|order|version hash|previous|this|nobody|decided|left|discount|margin|known|transfer|"
    r"seller|owner|customer|channel|facts?|why|rules?|because|through|link|command line|reference|yes|no|none|term)\b",
    re.IGNORECASE,
)


def made() -> dict[str, Any]:
    entries = [
        replace(ASKED, at=NOW + timedelta(hours=hour), kind=kind, **{"ref": f"r{hour}", **more})
        for hour, (kind, more) in enumerate(KINDS.items(), start=1)
    ]
    return document({**DEAL, "opened_at": NOW.isoformat()}, [ASKED, *entries])


def texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [each for item in value.values() for each in texts(item)]
    return [each for item in value for each in texts(item)] if isinstance(value, list | tuple) else [str(value)]


def test_every_word_of_the_paper_is_french_for_a_french_reader() -> None:
    one, other = (evidence_view(made(), SELLER, language) for language in ("en", "fr"))
    assert one["labels"].keys() == other["labels"].keys()  # type: ignore[attr-defined]
    own = {"a good deal", "steep", "Référence", "Version"}  # what people wrote, and what both languages share
    outcomes: Any = other["outcomes"]
    shown = [{name: each[name] for name in each if name != "kind"} for each in outcomes]
    said = [each for each in texts([other["entries"], shown, other["facts"]]) if each not in own]
    assert [each for each in said if ENGLISH.search(re.sub(r"\S+/\S+", "", each))] == []
    assert any(each.startswith("remise de 17,5\u202f%") for each in said)
    assert "1er mars 2027" in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_of_the_document_is_missing_on_the_paper(language: str) -> None:
    document_ = made()
    shown = json.dumps(evidence_view(document_, SELLER, language), ensure_ascii=False)
    for entry in document_["entries"]:
        for name in ("ref", "sha256", "previous", "content_hash", "policy"):
            assert str(entry.get(name, "")) in shown
        for name in ("voices", "hands", "mentions", "rules"):
            assert all(each in shown for each in entry.get(name, ()))
    for fact, _ in SEEN:
        assert fact not in re.findall(r'\["(\w+)", ', shown)  # by its name in words, not by ours


def test_what_was_carried_over_leads_to_its_decision() -> None:
    view = evidence_view(made(), SELLER, "en")
    entries: Any = view["entries"]
    carried = next(each for each in entries if each["title"] == "Carried over")
    approved = next(each for each in entries if each["title"] == "Approved")
    rows = dict(carried["rows"])
    assert rows["Stands on"] == f"the decision on version 1 (m2) · see entry {approved['number']}"
    assert dict(approved["rows"])["Through"] == "ann@x → gil@x"
    outcomes: Any = view["outcomes"]
    assert [(each["said"], each["by"]) for each in outcomes] == [
        ("Approved", "gil@x"), ("Rejected", "gil@x"), ("Asked for changes", "gil@x"), ("Carried over", "gil@x"),
        ("Expired", ""),
    ]  # fmt: skip
    assert evidence_view(document({**DEAL, "opened_at": NOW.isoformat()}, []), SELLER, "fr")["entries"] == []


@pytest.mark.parametrize(("entries", "lines", "pages"), [(1, 140, 3), (6, 20, 5)])
def test_an_entry_goes_over_to_the_next_page_and_leaves_none_half_empty(entries: int, lines: int, pages: int) -> None:
    reason = "\n".join(f"{number}. as we said in the call" for number in range(lines))
    said = replace(ASKED, kind="comment", by="ann@x", reason=reason, seen=SEEN)
    view = evidence_view({**document(DEAL, [said] * entries), "deal": {**DEAL, "opened_at": NOW.isoformat()}}, SELLER)
    assert len(evidence_pages(view)) == pages
