"""What stands before an auditor: every word of an approval with who, on which version, seen facts, policy, channel, time, reason.

The document is canonical JSON; each entry holds the hash of the one before it, so that nothing can be changed, left out
or put in between without every later hash telling. Its own hash (`sha256`) is over all the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.approving.condition import AMOUNTS, Sheet, written
from domain.document import content_hash

FORM = "q2c-approval-evidence/1"
BEGINNING = "0" * 64
AUTO = "auto"  # the kind of an entry: by its policy, a version needs nobody
NO_RULE = "no rule of the policy holds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that was asked or said. `kind`: auto (as it was priced: nobody needs to be asked), asked, reminded,
    escalated, approve, reject, changes, delegate, abstain, comment, carried, reseated, policy, and what ended it
    undecided: expired, withdrawn, cancelled, superseded. `ref` is the
    id of the message or step; `seen` are the facts of the version as they stood before the person; `voices` whose voices
    were used, `hands` through whom they came.
    """

    at: datetime
    kind: str
    by: str
    ref: str
    order: int
    version: int
    content_hash: str
    policy: str = ""
    level: int = 0
    group: str = ""
    rules: tuple[str, ...] = ()
    why: str = ""
    seen: tuple[tuple[str, str], ...] = ()
    voices: tuple[str, ...] = ()
    hands: tuple[str, ...] = ()
    channel: str = ""
    reason: str = ""
    to: str = ""
    mentions: tuple[str, ...] = ()
    stands_on: str = ""  # for `carried`: the ref of the decision, and the version it was about
    stands_on_version: int = 0

    def to_mapping(self) -> dict[str, object]:
        """As plain JSON values; what is empty is left out."""
        found: dict[str, object] = {
            name: list(value) if isinstance(value, tuple) else value
            for name in self.__dataclass_fields__
            if name not in ("at", "seen") and (value := getattr(self, name))
        }
        found["at"] = self.at.isoformat()
        if self.seen:
            found["seen"] = dict(self.seen)
        return found


def seen(facts: Sheet) -> tuple[tuple[str, str], ...]:
    """All facts of a version, as text, in order: what a person had before them.

    >>> seen({"acv_minor": 1200, "currency": "EUR", "ramp": False})
    (('acv', '1200 EUR'), ('currency', 'EUR'), ('ramp', 'no'))
    """
    names = {name.removesuffix("_minor") if name.removesuffix("_minor") in AMOUNTS else name for name in facts}
    return tuple((name, written(facts, name)) for name in sorted(names))


def document(deal: Mapping[str, str], entries: Iterable[Entry]) -> dict[str, object]:
    """The evidence of one deal: who it is about (`deal`: id, name, owner, entity, account …), then every entry in order
    of time (of one instant: as they are given, the order of their steps), chained, and the hash of the whole.

    >>> from datetime import UTC
    >>> one = Entry(at=datetime(2027, 3, 1, tzinfo=UTC), kind="approve", by="a@x", ref="m1", order=1, version=1,
    ...     content_hash="h", reason="a good deal")
    >>> made = document({"id": "d_1"}, [one])
    >>> len(made["entries"]), verify(made)
    (1, ())
    >>> made["entries"][0]["reason"] = "another reason"
    >>> verify(made)
    ('entry 1 is not what was written', 'the document is not what was written')
    """
    chained: list[dict[str, object]] = []
    before = BEGINNING
    for entry in sorted(entries, key=lambda each: each.at):
        body = {**entry.to_mapping(), "number": len(chained) + 1, "previous": before}
        before = content_hash(body)
        chained.append({**body, "sha256": before})
    whole: dict[str, object] = {"form": FORM, "deal": dict(deal), "entries": chained}
    return {**whole, "sha256": content_hash(whole)}


def verify(made: object) -> tuple[str, ...]:
    """What is wrong with a document of evidence, in words; empty where it is as it was written.

    Whoever changes an entry and every hash after it makes another document, whose own hash is not the one that was
    exported: it stands on the paper, and in the system that keeps what it exported.
    """
    problems: list[str] = []
    if not isinstance(made, Mapping) or made.get("form") != FORM or not isinstance(made.get("entries"), list):
        return ("this is no evidence of an approval",)
    entries: list[object] = made["entries"]
    before = BEGINNING
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, Mapping):
            return (*problems, f"entry {number} is no entry")
        body = {name: value for name, value in entry.items() if name != "sha256"}
        if body.get("number") != number or body.get("previous") != before:
            problems.append(f"entry {number} does not follow the one before it")
        if not _is_sealed(body, entry.get("sha256")):
            problems.append(f"entry {number} is not what was written")
        before = str(entry.get("sha256"))
    whole = {name: value for name, value in made.items() if name != "sha256"}
    if not _is_sealed(whole, made.get("sha256")):
        problems.append("the document is not what was written")
    return tuple(problems)


def read(text: str) -> object:
    """A document of evidence as it is in a file. A field that is there twice shows one thing and proves another: it is
    refused. Raises ValueError.
    """

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) != len(pairs):
            twice = next(name for name, _ in pairs if [each for each, _ in pairs].count(name) > 1)
            raise ValueError(f"{twice!r} is there twice")
        return found

    try:
        return json.loads(text, object_pairs_hook=once)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _is_sealed(body: Mapping[str, object], said: object) -> bool:
    """Is this its hash? No hash of ours was ever made of a float, half of a character, or a depth without end."""
    try:
        return content_hash(body) == said
    except (TypeError, ValueError, RecursionError):
        return False
