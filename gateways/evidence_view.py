"""What the evidence of a deal's approvals says on paper: every entry of its document, with the chain of hashes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from gateways.document_data import Seller
from gateways.document_view import labels
from gateways.words import Words, words_of

FOLDER = Path(__file__).with_name("templates") / "evidence_words"
NO_VERSION = "0"
AMOUNTS = frozenset({"acv", "tcv", "one_time"})
Entry = Mapping[str, Any]


def evidence_view(made: Mapping[str, Any], seller: Seller, language: str = "en") -> dict[str, object]:
    """Every text of the paper, ready. `made` is what `domain.approving.evidence.document` made: nothing is added to it."""
    words = words_of(language, FOLDER)
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
        "entries": [_entry(each, words) for each in entries],
    }


def _entry(entry: Entry, words: Words) -> dict[str, object]:
    at = datetime.fromisoformat(entry["at"])
    return {
        "number": str(entry["number"]),
        "on": words.short_date(at.date()),
        "time": f"{at:%H:%M:%S}",
        "title": words(entry["kind"]) if words.has(entry["kind"]) else entry["kind"],
        "by": entry.get("by", ""),
        "version": words("version", order=str(entry.get("order", "")), version=str(entry.get("version", NO_VERSION))),
        "said": entry.get("reason", ""),
        "rows": [(words(f"row_{name}"), said) for name, said in _rows(entry, words) if said],
        "content": entry.get("content_hash", ""),
        "previous": entry["previous"],
        "sha256": entry["sha256"],
    }


def _rows(entry: Entry, words: Words) -> list[tuple[str, str]]:
    level = str(entry.get("level", ""))
    group = entry.get("group", "")
    channel = entry.get("channel", "")
    stands_on = entry.get("stands_on", "")
    own = [entry.get("by", "")]
    voices, hands = entry.get("voices", []), entry.get("hands", [])
    return [
        ("group", words("level", group=group, level=level) if group else ""),
        ("why", entry.get("why", "")),
        ("rules", ", ".join(entry.get("rules", []))),
        ("policy", entry.get("policy", "")),
        ("voices", ", ".join(voices) if voices != own and ", ".join(voices) != entry.get("to", "") else ""),
        ("hands", " → ".join(hands) if hands not in (own, voices) else ""),
        ("to", entry.get("to", "")),
        ("mentions", ", ".join(entry.get("mentions", []))),
        (
            "stands_on",
            words("stands_on", version=str(entry.get("stands_on_version", "")), ref=stands_on) if stands_on else "",
        ),
        ("channel", (words(f"channel_{channel}") if words.has(f"channel_{channel}") else channel) if channel else ""),
        (
            "seen",
            " · ".join(_fact(name, value, words) for name, value in entry.get("seen", {}).items() if value.strip("|")),
        ),
    ]


def _fact(name: str, value: str, words: Words) -> str:
    """One fact in words: amounts stand in minor units, and a list of words between bars."""
    said = ", ".join(part for part in value.split("|") if part) if value.startswith("|") else value
    figure, _, currency = value.partition(" ")
    if name in AMOUNTS and currency:
        said = f"{words.amount(int(figure), currency)} {currency}"
    return f"{words(f'fact_{name}') if words.has(f'fact_{name}') else name.replace('_', ' ')}: {said}"
