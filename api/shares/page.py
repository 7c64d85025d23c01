"""The page behind a share link: the customer reads the quote, asks, accepts or declines. HTML, no script, no session, no cookie."""

import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute

from api.document import pdf_response, quote_document
from api.errors import Refusal
from api.idempotency import body_of
from api.pages import HEADERS, form_of, page, page_words, stylesheet
from api.shares.act import Act, Incomplete, act
from api.shares.read import Opened, opened
from api.shares.token import TokenAltered, links_of
from api.store import Db
from domain.errors import DomainError
from domain.share_link import (
    Action,
    QuoteNotOffered,
    QuoteReplaced,
    ShareLinkExpired,
    ShareLinkRevoked,
    Showing,
    days_left,
)
from gateways.document_data import ACCENT
from gateways.quote_view import quote_view
from gateways.words import Words, language_of
from models.database import Database
from models.share import ShareViewRow

log = structlog.get_logger(__name__)

LARGEST_FORM = 30_000
MOST_FIELDS = 20
LONGEST_AGENT = 200
SAID_WELL = frozenset({"accepted", "declined", "asked", "heard"})
# An address may say anything: that a quote was accepted or declined is shown where it is so.
_SHOWN_IN = {"accepted": {Showing.ACCEPTED, Showing.SIGNED}, "declined": {Showing.DECLINED}}
# What only fetches a page to show a preview of it, or to have it ready, is nobody who looked.
_NOBODY = re.compile(
    r"bot\b|crawl|spider|preview|facebookexternalhit|slack|whatsapp|telegram|skypeuri|embedly|curl|wget|monitor",
    re.IGNORECASE,
)
_PROBLEMS: dict[type[Exception], tuple[int, str]] = {
    TokenAltered: (404, "unknown"),
    RequestValidationError: (404, "unknown"),
    ShareLinkExpired: (410, "expired"),
    ShareLinkRevoked: (410, "revoked"),
    QuoteReplaced: (410, "replaced"),
    QuoteNotOffered: (410, "withdrawn"),
}

Token = Annotated[str, Path(max_length=500)]


class PageRoute(APIRoute):
    """A route whose every answer, a failure as well, is a page that people can read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def readable(request: Request) -> Response:
            try:
                return await handler(request)
            except (TokenAltered, DomainError, Refusal, RequestValidationError) as error:
                return _problem(request, error)
            except Exception as error:
                log.error("page failed", exc_info=error)  # noqa: TRY400 - structlog takes the error itself
                return _problem(request, error)

        return readable


router = APIRouter(prefix="/q", route_class=PageRoute, include_in_schema=False)


@router.get("/look/{_version}/{accent}.css")
async def style(_version: str, accent: Annotated[str, Path(pattern="^[0-9a-f]{6}$")]) -> Response:
    """The stylesheet in the legal entity's accent."""
    return stylesheet(f"#{accent}")


@router.api_route("/{token}", methods=["GET", "HEAD"])
async def show(token: Token, request: Request, database: Db, said: str = "", lang: str = "") -> Response:
    """The quote, if the link still opens; whoever looks is counted."""
    found = await _open(request, database, token)
    found.shared.showing(found.now)
    if _is_somebody(request):
        await _count(request, database, found)
    return _page(request, found, said=said, lang=lang)


@router.get("/{token}/quote.pdf")
async def download(token: Token, request: Request, database: Db) -> Response:
    """The quote's document: the same bytes for everyone, for good."""
    found = await _open(request, database, token)
    found.shared.showing(found.now)
    _, document = await quote_document(database, found.version.id)
    response = pdf_response(document, f"quote-{found.deal.name}-{found.version.version}")
    response.headers.update({**HEADERS, "Content-Security-Policy": "frame-ancestors 'none'"})
    return response


@router.post("/{token}/{action}")
async def respond(token: Token, action: Action, request: Request, database: Db) -> Response:
    """Accept, decline or ask; answered by a redirect, so that a reload asks nothing twice."""
    form = form_of(await body_of(request, LARGEST_FORM), MOST_FIELDS)
    found = await _open(request, database, token)
    found.shared.showing(found.now)
    lang = form.get("lang", "")
    try:
        said = await act(request, database, found, Act(action=action, form=form))
    except Incomplete as error:
        return _page(request, found, lang=lang, errors=error.fields, values=form, status=422)
    asked = {"said": said, **({"lang": language_of(lang)} if lang else {})}
    return RedirectResponse(f"/q/{token}?{urlencode(asked)}#quote", status_code=303, headers=HEADERS)


async def _open(request: Request, database: Database, token: str) -> Opened:
    found = await opened(database, links_of(request), token)
    request.state.opened = found  # a page about a failure says whom to turn to, in the quote's language
    return found


def _is_somebody(request: Request) -> bool:
    ahead = request.headers.get("sec-purpose", "") + request.headers.get("purpose", "")
    agent = request.headers.get("user-agent", "")
    return request.method == "GET" and "prefetch" not in ahead and agent != "" and not _NOBODY.search(agent)


async def _count(request: Request, database: Database, found: Opened) -> None:
    address = request.client.host if request.client else ""
    view = ShareViewRow(
        share_id=found.link.id,
        at=found.now,
        agent=request.headers.get("user-agent", "")[:LONGEST_AGENT].replace("\x00", ""),
        ip_hash=links_of(request).address_hash(found.link.id, address),
    )
    async with database.transaction() as session:
        session.add(view)


# --- what is shown ---------------------------------------------------------------------------------------------------


def _page(
    request: Request,
    found: Opened,
    *,
    said: str = "",
    lang: str = "",
    errors: Mapping[str, str] | None = None,
    values: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    data = found.data()
    words = page_words(language_of(lang or data.language))
    showing, allowed = found.shared.showing(found.now), found.shared.allowed(found.now)
    said = said if showing in _SHOWN_IN.get(said, {showing}) else ""
    links, kept = links_of(request), values or {}
    recommended = found.offers.recommended
    return page(
        "quote.html",
        accent=data.seller.accent,
        words=words,
        status=status,
        values={
            "q": quote_view(data, words.language),
            "here": f"/q/{links.token(found.link.id, found.link.content_hash)}",
            "showing": showing.value,
            "state": words(f"state_{showing.value}", **_named(words, f"state_{showing.value}", data.signer)),
            "said": _said(words, said, data.signer),
            "said_well": said in SAID_WELL,
            "allowed": {each.value for each in allowed},
            "nonces": {each.value: links.nonce(found.link.id, each.value) for each in allowed},
            "days_left": _days_left(found, words) if Action.ACCEPT in allowed else "",
            "chosen": found.version.alternative or None,
            "shown_offer": kept.get("alternative") or found.version.alternative or recommended,
            "questions": [_question(found, each, words) for each in found.questions],
            "errors": {field: words(key) for field, key in (errors or {}).items()},
            "values": {name: kept.get(name, "") for name in ("name", "reason", "question")},
        },
    )


def _said(words: Words, said: str, signer: str) -> str:
    """What the page says after a form was sent: only what it knows, never what an address makes it say."""
    if words.has(f"said_{said}"):
        key = f"said_{said}"
    elif said.startswith("refused_"):
        known = "refused_Coupon" if said.startswith("refused_Coupon") else said
        key = known if words.has(known) else "refused_other"
    else:
        return ""
    return words(key, **_named(words, key, signer))


def _named(words: Words, key: str, signer: str) -> dict[str, str]:
    return {"signer": signer} if "{signer}" in str(words.texts.get(key, "")) else {}


def _days_left(found: Opened, words: Words) -> str:
    left = days_left(found.local(found.now), found.local(found.shared.expires_at))
    return words.count("days_left", left) if left else words("last_day")


def _question(found: Opened, row: Any, words: Words) -> dict[str, str]:
    return {
        "text": row.text,
        "asked": words("asked_on", on=words.long_date(found.local(row.at))),
        "reply": row.reply or "",
        "replied": words("answered_on", on=words.long_date(found.local(row.replied_at))) if row.replied_at else "",
    }


def _problem(request: Request, error: Exception) -> Response:
    """A page about what is wrong; it says no more than whoever has the link may know."""
    otherwise = error.status if isinstance(error, Refusal) else 503
    status, name = _PROBLEMS.get(type(error), (otherwise, "busy"))
    found: Opened | None = getattr(request.state, "opened", None)
    quoted = found.offers.headline.terms.language if found else ""
    words = page_words(language_of(request.query_params.get("lang") or quoted or _preferred(request)))
    until = {"on": words.long_date(found.local(found.shared.expires_at))} if name == "expired" and found else {}
    look = found.entity.look if found else {}
    contact = found.deal.owner if found else ""
    seller = (
        {"name": found.entity.name, "logo": look.get("logo") or found.entity.name, "email": contact} if found else None
    )
    return page(
        "problem.html",
        accent=str(look.get("accent", ACCENT)),
        words=words,
        status=status,
        values={
            "heading": words(f"problem_{name}"),
            "text": words(f"problem_{name}_text", **until),
            "seller": seller,
        },
    )


def _preferred(request: Request) -> str:
    return request.headers.get("accept-language", "")
