"""A French reader reads French: every sentence of a policy, every fact, with its figures as the language writes them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from domain.approving.condition import AMOUNTS, FLAGS, LISTS, NUMBERS, WORDS
from domain.approving.sentence import KINDS
from gateways.fact_words import fact_words, field, value
from gateways.reasons import FOLDER, reasons, system_words
from gateways.words import words_of

# words of our English sentences that no French one has
ENGLISH = re.compile(
    r"\b(of|is|not|over|below|the|known|whether|none|limit|set|for|always|required|discount|margin|days|months|"
    r"payment|quote|has|price|charge|floor|account|legal|entity|currency|product|region|clause|beside|our|standard|"
    r"terms|nobody|decided|time|level|left|away|back|stands|member|any|yes|no|other|groups|may|decide|ramp|its|under)\b"
)
SAID = [
    ("discount of 12.5 % is over 10 %", "remise de 12,5 %, au-dessus de 10 %"),
    ("margin of -3 % is below 20 %", "marge de −3 %, en dessous de 20 %"),
    ("term of 12 months is not over 36 months", "durée de 12 mois, pas au-dessus de 36 mois"),
    ("net payment of 1 days is not below 0 days", "délai de paiement de 1 jour, pas en dessous de 0 jour"),
    ("net payment of 60 days is over 30 days", "délai de paiement de 60 jours, au-dessus de 30 jours"),
    ("clauses beside our standard terms of 2 is over 0", "nombre de clauses particulières de 2, au-dessus de 0"),
    ("ACV of 120,000.50 EUR is over 100,000.00 EUR", "valeur annuelle de 120 000,50 EUR, au-dessus de 100 000,00 EUR"),
    ("one-time of 5,000 JPY is over 4,000 JPY", "montant unique de 5 000 JPY, au-dessus de 4 000 JPY"),
    ("no limit of TCV is set for USD", "aucun seuil n’est fixé en USD pour : valeur totale"),
    ("margin is not known", "marge : valeur inconnue"),
    ("whether the quote has a ramp is not known", "on ne sait pas si le devis a des paliers"),
    ("no price is below its floor", "aucun prix n’est sous son plancher"),
    ("payment method card", "mode de paiement carte"),
    ("region is none of EMEA, APAC", "région hors de : EMEA, APAC"),
    ("always required", "toujours demandé"),
]
SYSTEM = [
    "any member", "nobody decided in time: desk at level 2", "ann@x left", "ann@x is away", "ann@x is back",
    "ann@x is in other groups", "ann@x has another manager", "ann@x is new", "ann@x is new in desk, vp",
    "any of 500 members of desk", "bob@x stands in", "ann@x may decide", "nobody is left to decide for desk at level 2",
]  # fmt: skip


def plain(said: str) -> str:
    return said.replace("\u202f", " ").replace("\xa0", " ")


@pytest.mark.parametrize(("english", "french"), SAID)
def test_a_sentence_of_a_policy_in_french(english: str, french: str) -> None:
    [said] = reasons("fr", english)
    assert plain(said) == french
    assert not re.search(r" (%|:|EUR|JPY)", said)  # nothing that belongs to a figure is broken off it
    assert not ENGLISH.search(said)
    assert reasons("en", english) == [english]
    assert reasons("fr", f"{english}; {english}; Ada's own rule") == [said, said, "Ada's own rule"]


@pytest.mark.parametrize("said", SYSTEM)
def test_what_the_system_says_in_french(said: str) -> None:
    told = system_words("fr", said)
    assert told != said
    assert not ENGLISH.search(told)
    assert (system_words("en", said), system_words("fr", f"he {said}!")) == (said, f"he {said}!")


def test_nothing_that_a_condition_may_say_lacks_its_words() -> None:
    words = words_of("fr", FOLDER)
    for fact in {*NUMBERS, *AMOUNTS, *WORDS, *LISTS}:
        assert words.has(f"name_{fact}")
    for fact in FLAGS:
        assert words.has(f"{fact}_yes")
        assert words.has(f"{fact}_no")
    assert {kind for kind in KINDS if not words.has(kind)} == {"yes", "no"}


def test_every_fact_has_a_name_and_its_values_their_words_in_both_languages() -> None:
    one, other = fact_words("en"), fact_words("fr")
    assert set(one.texts) == set(other.texts)
    for name in {*NUMBERS, *AMOUNTS, *WORDS, *LISTS, *FLAGS}:
        assert field(one, name) != field(other, name) or name == "segment"
    assert plain(value(other, "margin_percent", "-12.5")) == "−12,5 %"
    assert [value(other, "ramp", said) for said in ("yes", "no", "")] == ["oui", "non", "aucun"]


FOLDERS = ["gateways/templates/words", "gateways/templates/fact_words", "gateways/templates/evidence_words",
           "api/pages/words", "api/pages/approve_words"]  # fmt: skip


@pytest.mark.parametrize("folder", FOLDERS)
def test_both_languages_say_the_same_things_and_french_breaks_no_line_before_a_colon(folder: str) -> None:
    root = Path(__file__).parents[2] / folder
    one, other = (json.loads((root / f"{name}.json").read_text("utf-8")) for name in ("en", "fr"))
    assert set(one) == set(other)
    flat = [text for said in other.values() for text in (said.values() if isinstance(said, dict) else [said])]
    assert [text for text in flat if re.search(r" [:;!?%]", text)] == []
    places = re.compile(r"\{\w+\}")
    for key, said in one.items():
        both = [set(places.findall(json.dumps(each))) for each in (said, other[key])]
        assert both[0] == both[1], key
