"""The test inbox: what was mailed and posted, on pages that a person reads, with links that a person follows."""

from __future__ import annotations

import html
import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from sandbox import mail, slack
from sandbox.store import Data
from sandbox.world import world_of

router = APIRouter(prefix="/inbox")

MOST_SHOWN = 100  # of each: the newest
_ADDRESS = re.compile(r"https?://[^\s<>\"]+")
# nothing of a mail is run, and nothing is loaded from elsewhere
_POLICY = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; img-src data:"}


@router.get("", response_class=HTMLResponse)
async def show_inbox(
    request: Request,
    to: Annotated[str, Query(max_length=320)] = "",
    channel: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Mails and posts, newest first; of one recipient, or of one channel."""
    store = world_of(request).store
    mails = [] if channel else mail.kept(store, to.strip().lower(), last=MOST_SHOWN)
    posts = [] if to else [_readable(each) for each in slack.kept(store, channel)[-MOST_SHOWN:]]
    items = [("mail", each) for each in mails] + [("post", each) for each in posts]
    items.sort(key=lambda item: str(item[1]["received_at"]), reverse=True)
    people = sorted({str(each["to"]) for each in mail.kept(store, last=MOST_SHOWN)})
    channels = sorted({str(each["channel"]) for each in slack.kept(store)[-MOST_SHOWN:]})
    return _page("inbox.html", items=items, to=to, channel=channel, people=people, channels=channels, most=MOST_SHOWN)


@router.get("/mails/{ref}", response_class=HTMLResponse)
async def show_mail(request: Request, ref: int) -> Response:
    """One mail: its headers, its HTML in a frame of its own, its text, its attachments."""
    return _page("mail.html", mail=_mail(request, ref))


@router.get("/mails/{ref}/html", response_class=HTMLResponse)
async def show_html(request: Request, ref: int) -> Response:
    """The HTML part alone, as a mail program shows it; its links open beside it."""
    body = str(_mail(request, ref)["html"])
    if not body:
        raise HTTPException(404, "This mail has no HTML part.")
    return HTMLResponse(body.replace("<head>", '<head><base target="_blank">', 1), headers=_POLICY)


@router.get("/mails/{ref}/attachments/{number}")
async def open_attachment(request: Request, ref: int, number: int) -> Response:
    found = _mail(request, ref)
    content = mail.attachment(world_of(request).store, ref, number)
    if content is None:
        raise HTTPException(404, "There is no such attachment.")
    kind = (
        "application/pdf" if str(found["attachments"][number]["name"]).endswith(".pdf") else "application/octet-stream"
    )
    return Response(content, media_type=kind, headers={"x-content-type-options": "nosniff"})


def to_inbox() -> RedirectResponse:
    """From the server's own address to the inbox."""
    return RedirectResponse("/inbox")


def _mail(request: Request, ref: int) -> Data:
    found = mail.whole(world_of(request).store, ref)
    if found is None:
        raise HTTPException(404, "There is no such mail.")
    return found


def _readable(post: Data) -> Data:
    """A post whose texts are as Slack's clients show them: its three escaped characters are characters again."""
    return {**post, "text": html.unescape(str(post["text"])), "blocks": [_block(each) for each in post["blocks"]]}


def _block(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _block(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_block(each) for each in value]
    return html.unescape(value) if isinstance(value, str) else value


def linked(text: str) -> Markup:
    """Text with its addresses as links, everything else escaped.

    >>> linked("see https://x.test/a <b>")
    Markup('see <a href="https://x.test/a" target="_blank" rel="noopener">https://x.test/a</a> &lt;b&gt;')
    """
    made, end = Markup(""), 0
    for found in _ADDRESS.finditer(text):
        link = Markup('<a href="{0}" target="_blank" rel="noopener">{0}</a>').format(found[0])
        made, end = made + escape(text[end : found.start()]) + link, found.end()
    return made + escape(text[end:])


def _page(template: str, **shown: Any) -> Response:
    return HTMLResponse(_pages().get_template(template).render(**shown), headers=_POLICY)


@cache
def _pages() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("pages")), autoescape=True, undefined=StrictUndefined
    )
    made.filters["linked"] = linked
    made.filters["channel"] = lambda name: name if name.startswith("@") else f"#{name}"
    return made
