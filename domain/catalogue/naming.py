"""A name may be given in other languages besides: `names: {fr: Remise forte}`; who reads in none of them reads the name itself."""

from __future__ import annotations

import re

from domain.document import Reader

LANGUAGE = r"[a-z]{2}"
Names = tuple[tuple[str, str], ...]  # language (ISO 639-1) and name, by language


def read_names(reader: Reader, field: str = "names") -> Names:
    """The names under `field`, none where it is absent. A language that is none, or an empty name, is a problem."""
    section = reader.section(field, required=False)
    found = []
    for language in section.names():
        if not re.fullmatch(LANGUAGE, language):
            section.problem(language, "is no language: expected two letters, as in fr")
        found.append((language, section.text(language)))
    section.end()
    return tuple(sorted(found))


def in_language(names: Names, language: str, name: str) -> str:
    """What something of this name is called in a language.

    >>> in_language((("fr", "Remise forte"),), "fr", "steep discount"), in_language((), "fr", "steep discount")
    ('Remise forte', 'steep discount')
    """
    return dict(names).get(language, name)
