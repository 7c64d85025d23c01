"""Each kind of notice has its text in both languages; what people wrote stays text, in a mail and in chat."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from dataclasses import fields, replace
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.notices.chat import post
from api.notices.render import FOLDER, KINDS, MOST_ASKS, Told, Wanted, render
from gateways.words import LANGUAGES
from sandbox.slack import read

ENGLISH = re.compile(
    r"\b(your|approval|asks?|for|changes|approved|rejected|handed|decided|by|the|escalated|nobody|has|answered|"
    r"may|now|why|level|you|stand|value|over|below|list|year|owner|asked|well|until|this|sandbox|nothing|link|is|yours|"
    r"look|not|time|back|with|sales|mentions?|comment|on|still|waiting|waits|it|of|and|decide|months?|approvers)\b",
    re.IGNORECASE,
)

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
    asks=(Wanted(group="deal_desk", level=1, reasons=("discount of 20 % is over 10 %", "region EMEA")),),
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
        "Why (deal_desk, level 1): discount of 20 % is over 10 %; region EMEA\n"
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
    text, blocks = post(render(replace(TOLD, language="fr", kind="changes", text="18 %, pas plus.\nMerci")))
    assert text == (
        "dana@acme.example demande des modifications\xa0: Globex: 20 seats\n"
        "dana@acme.example demande des modifications de Globex: 20 seats pour Globex S.p.A. (version 2). "
        "La main revient aux ventes.\n<https://q2c.example/a/token|Voir>"
    )
    assert [block["type"] for block in blocks] == ["header", "section", "section", "section", "actions"]
    assert blocks[2]["text"] == {"type": "plain_text", "text": "«\u202f18 %, pas plus.\nMerci\u202f»", "emoji": False}
    why = "Motif (deal_desk, niveau 1)\xa0: discount of 20 % is over 10 %\u202f; region EMEA\n"
    assert blocks[3]["text"]["text"].startswith(why)
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
    assert full.sandbox
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
    wild=st.text(alphabet=st.sampled_from("ab<!>&|*`{}%#_\r\n\t\x00\u2028\u0085é@:>😀"), max_size=400),
    kind=st.sampled_from(KINDS),
    language=st.sampled_from(LANGUAGES),
)
def test_nothing_that_somebody_wrote_becomes_a_line_a_header_or_markup(wild: str, kind: str, language: str) -> None:
    values: dict[str, Any] = dict.fromkeys(TEXTS, wild)
    told = replace(TOLD, kind=kind, language=language, **values, asks=[Wanted(group=wild, level=1, reasons=(wild,))])
    text = render(told)
    EmailMessage()["Subject"] = text.subject  # a line break would be refused here
    assert len(text.facts) <= 7
    assert all("\n" not in fact for fact in text.fact_lines)
    assert all(len(part) <= 2000 for part in (text.subject, text.lead, text.said, *text.fact_lines))
    fallback, blocks = post(text)
    said = fallback.replace("<https://q2c.example/a/token|", "", 1)
    assert "<" not in said
    assert ">" not in said.removesuffix(">")
    assert "mrkdwn" not in json.dumps(blocks)
    assert slack_takes(fallback, blocks)
    assert tags(text.html()) == tags(render(replace(told, deal="D", text="t" if text.said else "")).html())


class Tags(HTMLParser):
    """Every tag of a page with the addresses that it leads to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs).get("href")))


def tags(page: str) -> list[tuple[str, str | None]]:
    parser = Tags()
    parser.feed(page)
    return parser.found


def slack_takes(fallback: str, blocks: Sequence[dict[str, Any]]) -> bool:
    """Whether the sandbox's webhook takes it, which knows Slack's limits."""
    return bool(read(json.dumps({"text": fallback, "blocks": blocks}).encode()))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_longest_names_fit_what_slack_takes(kind: str, language: str) -> None:
    for each in ("x", "&", "😀", "<!channel>"):
        long = each * 5000
        asks = [Wanted(group=long, level=level, reasons=(long,) * 20) for level in range(MOST_ASKS)]
        values: dict[str, Any] = dict.fromkeys(TEXTS, long)
        told = replace(TOLD, kind=kind, language=language, asks=asks, members=[long], others=[long] * 9, **values)
        fallback, blocks = post(render(told))
        assert slack_takes(fallback, blocks)
        assert len(fallback) <= 4000
        assert blocks[-2 if blocks[-1]["type"] == "context" else -1]["elements"][0]["url"] == TOLD.link


@pytest.mark.parametrize("kind", KINDS)
def test_no_english_word_is_left_for_a_french_reader(kind: str) -> None:
    french = replace(
        TOLD, kind=kind, language="fr", sandbox=True, term="12 mois", until="2 mars 2027, 18:00 (Europe/Paris)",
        deal="D", account="A", text="T", asks=[Wanted(group="g", level=1, reasons=("R",))],
        total="2\u202f400,00\xa0EUR", acv="2\u202f400,00\xa0EUR", list="3\u202f000,00\xa0EUR", discount="20\u202f%",
    )  # fmt: skip
    for verb in ("approve", "reject", "abstain", "delegate", "changes", "comment", ""):
        text = render(replace(french, verb=verb))
        said = [text.subject, text.lead, text.button, text.foot, text.sandbox, *text.fact_lines]
        assert [each for each in said if ENGLISH.search(each)] == []
        assert [each for each in said if re.search(r" [:;!?%]", each)] == []  # no line begins with a colon
        assert render(replace(french, verb=verb, language="en")).subject != text.subject


def test_the_html_says_what_the_text_says_and_leads_to_the_same_page() -> None:
    text = render(replace(TOLD, text="18 %, no more.\nR&D <b>bold</b>", deal="Globex & <Co>", sandbox=True))
    page = text.html()
    for said in (
        text.subject,
        text.lead,
        text.button,
        text.foot,
        text.sandbox,
        *(part for fact in text.facts for part in fact),
    ):
        assert html.escape(said) in page
    assert '<html lang="en">' in page
    assert "R&amp;D &lt;b&gt;bold&lt;/b&gt;" in page
    assert [where for tag, where in tags(page) if tag == "a"] == [TOLD.link]
    assert page.count('<th scope="row"') == len(text.facts)
    assert "http" not in page.replace(
        TOLD.link, ""
    )  # nothing is loaded from elsewhere: no picture tells that it was read
