"""The test inbox shows mails and posts as a person reads them: links can be followed, and nobody's words become markup."""

from __future__ import annotations

import doctest
from datetime import UTC, datetime
from html.parser import HTMLParser
from urllib.parse import quote

from gateways.ports import Mail
from sandbox import inbox
from tests.outside import Account

LINK = "https://q2c.example/a/dl_1.token"
WILD = "R&D <script>alert(1)</script>"


class Page(HTMLParser):
    """A page's words and the addresses of its links and frames."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.words += data


def test_addresses_become_links_and_nothing_else_does() -> None:
    assert doctest.testmod(inbox).failed == 0


async def page(account: Account, path: str) -> Page:
    answer = await account.http.get(path)
    assert answer.status_code == 200, answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    return Page(answer.text)


async def test_a_mail_is_listed_and_read_as_html_and_as_text(account: Account) -> None:
    to = f"{account.name}@acme.example"
    mail = Mail(
        key=f"{account.name}/1", to=to, subject=f"Your approval: {WILD}", body=f"Look and decide\n{LINK}\n",
        html=f'<html><head></head><body><p>{WILD}</p><a href="{LINK}">Look</a></body></html>',
        reply_to="sam@acme.example", sent_at=datetime(2027, 3, 1, 9, tzinfo=UTC), attachments=(("form.pdf", b"%PDF-1"),),
    )  # fmt: skip
    await account.parties.mailer.send(mail)

    listed = await page(account, f"/inbox?to={quote(to)}")
    assert f"Your approval: {WILD}" in listed.words
    assert "script" not in listed.tags
    [own] = [link for link in listed.links if link.startswith("/inbox/mails/")]
    shown = await page(account, own)
    assert LINK in shown.links
    for said in (to, "sam@acme.example", "auto-generated", "form.pdf", "Look and decide"):
        assert said in shown.words
    assert f"{own}/html" in shown.links
    framed = await page(account, f"{own}/html")
    assert LINK in framed.links
    attached = await account.http.get(f"{own}/attachments/0")
    assert (attached.content, attached.headers["content-type"]) == (b"%PDF-1", "application/pdf")
    for none in ("/inbox/mails/999999", f"{own}/attachments/1", "/inbox/mails/999999/html"):
        assert (await account.http.get(none)).status_code == 404


async def test_a_post_is_shown_as_slack_shows_it_with_its_button(account: Account) -> None:
    channel = f"inbox-{account.name}"
    escaped = WILD.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": f"Deal {escaped}"}},
        {"type": "section", "text": {"type": "plain_text", "text": f"see {LINK}?a=1"}},
        {"type": "actions", "elements": [
            {"type": "button", "text": {"type": "plain_text", "text": "Look and decide"}, "url": LINK}]},
        {"type": "context", "elements": [{"type": "plain_text", "text": "yours alone"}]},
    ]  # fmt: skip
    await account.http.post(f"/slack/{channel}", json={"text": "x", "blocks": blocks})
    await account.http.post(f"/slack/{channel}", json={"text": "plain words"})

    shown = await page(account, f"/inbox?channel={channel}")
    for said in (f"Deal {WILD}", "Look and decide", "yours alone", "plain words", f"#{channel}"):
        assert said in shown.words
    assert {LINK, f"{LINK}?a=1"} <= set(shown.links)
    assert "script" not in shown.tags
    assert "Mail" not in shown.words.partition("Show all")[2]


async def test_an_empty_inbox_says_so_and_the_server_s_address_leads_there(account: Account) -> None:
    assert "Nothing was sent there yet." in (await page(account, "/inbox?to=nobody@acme.example")).words
    assert (await account.http.get("/")).headers["location"] == "/inbox"
