"""Each kind of notice has its text in both languages; what people wrote stays text, in a mail and in chat."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.notices.render import FOLDER, KINDS, Told, Wanted, render
from gateways.words import LANGUAGES

TOLD = Told(
    kind="ask",
    language="en",
    deal="Globex: 20 seats",
    account="Globex S.p.A.",
    owner="sam@acme.example",
    version=2,
    total="2,400.00 EUR",
    list="3,000.00 EUR",
    discount="20 %",
    acv="2,400.00 EUR",
    term="12 months",
    asks=(Wanted(group="deal_desk", level=1, reason="discount 20 is over 10"),),
    members=("boss@acme.example",),
    others=("fin@acme.example",),
    until="2 March 2027, 18:00 (Europe/Paris)",
    by="dana@acme.example",
    verb="approve",
    link="https://q2c.example/a/token",
)


def test_a_mail_says_what_is_asked_why_how_much_who_else_until_when_and_where() -> None:
    text = render(TOLD)
    assert text.subject == "Your approval: Globex: 20 seats, 2,400.00 EUR"
    assert text.mail() == (
        "sam@acme.example asks for your approval of Globex: 20 seats for Globex S.p.A. (version 2).\n"
        "\n"
        "Why (deal_desk, level 1): discount 20 is over 10\n"
        "You stand in for: boss@acme.example\n"
        "Value: 2,400.00 EUR over 12 months, 20 % below the list price of 3,000.00 EUR\n"
        "A year: 2,400.00 EUR\n"
        "Owner: sam@acme.example\n"
        "Asked as well: fin@acme.example\n"
        "Until: 2 March 2027, 18:00 (Europe/Paris)\n"
        "\n"
        "Look and decide\n"
        "https://q2c.example/a/token\n"
        "\n"
        "The link is yours alone, works once and opens a page; only its button decides.\n"
    )


def test_the_same_in_french_and_as_a_post() -> None:
    text, blocks = render(replace(TOLD, language="fr", kind="changes", text="18 %, pas plus.\nMerci")).post()
    assert text == (
        "dana@acme.example demande des modifications : Globex: 20 seats\n"
        "dana@acme.example demande des modifications de Globex: 20 seats pour Globex S.p.A. (version 2). "
        "La main revient aux ventes.\n<https://q2c.example/a/token|Voir>"
    )
    assert [block["type"] for block in blocks] == ["header", "section", "section", "section", "actions"]
    assert blocks[2]["text"] == {"type": "plain_text", "text": "18 %, pas plus.\nMerci", "emoji": False}
    assert blocks[3]["text"]["text"].startswith("Motif (deal_desk, niveau 1) : discount 20 is over 10\n")
    assert blocks[4]["elements"][0]["url"] == "https://q2c.example/a/token"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_written_in_every_language_also_with_the_least(kind: str, language: str) -> None:
    least = Told(kind=kind, language=language, deal="D", account="A", owner="o@x", version=1)
    assert render(least).subject
    assert len(render(least).facts) == 1  # the owner
    assert "D" in render(least).lead
    full = render(replace(TOLD, kind=kind, language=language, sandbox=True))
    other = render(replace(TOLD, kind=kind, language="en" if language == "fr" else "fr", sandbox=True))
    assert full.subject != other.subject
    assert full.lead != other.lead
    assert full.foot
    assert len(full.facts) == len(other.facts) == 7


def test_both_languages_have_the_same_files() -> None:
    names = {language: sorted(file.name for file in (FOLDER / language).iterdir()) for language in LANGUAGES}
    assert names["en"] == names["fr"] == sorted([*(f"{kind}.txt" for kind in KINDS), "frame.txt"])


@pytest.mark.parametrize("verb", ["approve", "reject", "abstain", "delegate", "", "unheard of"])
def test_every_verb_has_its_words(verb: str) -> None:
    for language in LANGUAGES:
        assert "2" in render(replace(TOLD, kind="decided", language=language, verb=verb)).lead


def test_what_has_no_template_is_refused() -> None:
    for wrong in ({"kind": "frame"}, {"kind": "../en/ask"}, {"language": "de"}):
        with pytest.raises(LookupError):
            render(replace(TOLD, **wrong))  # type: ignore[arg-type]


TEXTS = [one.name for one in fields(Told) if one.name in {"deal", "account", "owner", "by", "until", "text"}]


@given(
    wild=st.text(alphabet=st.sampled_from("ab<!>&|*`{}%#_\r\n\t\x00\u2028\u0085é@:>"), max_size=400),
    kind=st.sampled_from(KINDS),
    language=st.sampled_from(LANGUAGES),
)
def test_nothing_that_somebody_wrote_becomes_a_line_a_header_or_markup(wild: str, kind: str, language: str) -> None:
    values: dict[str, Any] = dict.fromkeys(TEXTS, wild)
    told = replace(TOLD, kind=kind, language=language, **values, asks=[Wanted(group=wild, level=1, reason=wild)])
    text = render(told)
    EmailMessage()["Subject"] = text.subject  # a line break would be refused here
    assert len(text.facts) <= 7
    assert all("\n" not in fact for fact in text.facts)
    assert all(len(part) <= 2000 for part in (text.subject, text.lead, text.said, *text.facts))
    fallback, blocks = text.post()
    said = fallback.replace("<https://q2c.example/a/token|", "", 1)
    assert "<" not in said
    assert ">" not in said.removesuffix(">")
    for block in json.loads(json.dumps(blocks)):
        assert block["type"] != "section" or 0 < len(block["text"]["text"]) <= 3000
        assert block["type"] != "header" or 0 < len(block["text"]["text"]) <= 150
    assert "mrkdwn" not in json.dumps(blocks)
