"""What the evidence of a deal's approvals says on paper: every entry of its document, with the chain of hashes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from gateways.document_data import Seller
from gateways.document_view import labels
from gateways.fact_words import fact_words, field, value
from gateways.reasons import reasons, system_words
from gateways.words import Words, words_of

FOLDER = Path(__file__).with_name("templates") / "evidence_words"
NO_VERSION = "0"
OUTCOMES = ("auto", "approve", "reject", "changes", "carried", "expired")  # what an index of the paper lists
SYSTEM = ("auto", "expired", "reseated")  # kinds whose reason the system gives
Entry = Mapping[str, Any]


def evidence_view(made: Mapping[str, Any], seller: Seller, language: str = "en") -> dict[str, object]:
    """Every text of the paper, ready. `made` is what `domain.approving.evidence.document` made: nothing is added to it."""
    words = Words(language, {**fact_words(language).texts, **words_of(language, FOLDER).texts})
    deal: Mapping[str, str] = made["deal"]
    entries: Sequence[Entry] = made["entries"]
    last = datetime.fromisoformat(entries[-1]["at"]) if entries else datetime.fromisoformat(deal["opened_at"])
    return {
        "language": words.language,
        "labels": {**labels(words_of(language)), **labels(words)},
        "seller": {
            "name": seller.name,
            "logo": seller.logo or seller.name,
            "footer": seller.footer,
            "address": seller.address,
            "tax_number": seller.tax_number,
            "email": seller.email,
            "accent": seller.accent,
            "sandbox": seller.sandbox,
        },
        "reference": deal["number"],
        "title": deal["name"],
        "deal_id": deal["id"],
        "issued_ymd": [last.year, last.month, last.day],
        "facts": [
            (words("entity"), deal["entity"]),
            (words("account"), deal["account"]),
            (words("owner"), deal["owner"]),
            (words("recorded"), words.count("entries", len(entries))),
        ],
        "sha256": made["sha256"],
        "outcomes": [_outcome(each, words) for each in entries if each["kind"] in OUTCOMES],
        "entries": [_entry(each, words, entries) for each in entries],
    }


def _outcome(entry: Entry, words: Words) -> dict[str, str]:
    """One line of the index: on which version, asked of whom, what was said by whom, when, and where it stands in full."""
    at = datetime.fromisoformat(entry["at"])
    by = entry.get("by", "") if entry["kind"] not in ("carried", "expired") else entry.get("to", "")
    return {
        "version": _version(entry, words),
        "group": _group(entry, words),
        "said": words(entry["kind"]),
        "kind": entry["kind"],
        "by": by,
        "on": words.short_date(at.date()),
        "time": f"{at:%H:%M}",
        "number": str(entry["number"]),
    }


def _version(entry: Entry, words: Words) -> str:
    return words("version", order=str(entry.get("order", "")), version=str(entry.get("version", NO_VERSION)))


def _group(entry: Entry, words: Words) -> str:
    group = entry.get("group", "")
    return words("level", group=group, level=str(entry.get("level", ""))) if group else ""


def _entry(entry: Entry, words: Words, entries: Sequence[Entry]) -> dict[str, object]:
    at = datetime.fromisoformat(entry["at"])
    return {
        "number": str(entry["number"]),
        "on": words.short_date(at.date()),
        "time": f"{at:%H:%M:%S} UTC",
        "title": words(entry["kind"]) if words.has(entry["kind"]) else entry["kind"],
        "by": entry.get("by", ""),
        "version": _version(entry, words),
        "said": _said(entry, words),
        "rows": [(words(f"row_{name}"), said) for name, said in _rows(entry, words, entries) if said],
        "seen": [_fact(name, said, words) for name, said in entry.get("seen", {}).items()],
        "hashes": [
            (words("content"), entry.get("content_hash", "")),
            (words("previous"), entry["previous"]),
            (words("hash"), entry["sha256"]),
        ],
    }


def _said(entry: Entry, words: Words) -> str:
    """The reason: a person's words stay theirs, the system's are told in the reader's language."""
    reason: str = entry.get("reason", "")
    return system_words(words.language, reason) if entry["kind"] in SYSTEM else reason


def _rows(entry: Entry, words: Words, entries: Sequence[Entry]) -> list[tuple[str, str]]:
    channel, own = entry.get("channel", ""), [entry.get("by", "")]
    to = system_words(words.language, entry.get("to", ""))
    voices, hands = entry.get("voices", []), entry.get("hands", [])
    return [
        ("group", _group(entry, words)),
        ("why", "; ".join(reasons(words.language, entry.get("why", "")))),
        ("rules", ", ".join(entry.get("rules", []))),
        ("policy", entry.get("policy", "")),
        ("voices", ", ".join(voices) if voices != own and ", ".join(voices) != entry.get("to", "") else ""),
        ("hands", " → ".join(hands) if hands not in (own, voices) else ""),
        (f"to_{entry['kind']}" if words.has(f"row_to_{entry['kind']}") else "to", to),
        ("mentions", ", ".join(entry.get("mentions", []))),
        ("stands_on", _stands_on(entry, words, entries)),
        ("channel", (words(f"channel_{channel}") if words.has(f"channel_{channel}") else channel) if channel else ""),
        ("ref", entry["ref"]),
    ]


def _stands_on(entry: Entry, words: Words, entries: Sequence[Entry]) -> str:
    """The decision that was carried over: its version, its entries in this paper, its reference."""
    refs = entry.get("stands_on", "").split()
    if not refs:
        return ""
    level = (entry.get("level"), entry.get("group"))
    found = [
        str(each["number"])
        for each in entries
        if each["kind"] == "approve" and each["ref"] in refs and (each.get("level"), each.get("group")) == level
    ]
    version = str(entry.get("stands_on_version", ""))
    said = words("stands_on", version=version, ref=", ".join(refs))
    return f"{said} · {words('see_entry', number=', '.join(found))}" if found else said


def _fact(name: str, said: str, words: Words) -> tuple[str, str]:
    """One fact in words; of what nobody knows the paper says so."""
    return field(words, name), value(words, name, said) if said else words("not_known")
