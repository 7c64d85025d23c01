"""The page behind a one-click link: GET and HEAD show, a POST decides; whatever is wrong with a link is a page of its own."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from sqlmodel import col, select

from api.approving import figures, view
from api.approving.act import Incomplete, act
from api.approving.read import Closed, Opened, opened
from api.approving.story import told
from api.approving.token import decisions_of
from api.approving.words import approve_words
from api.document import version_response
from api.errors import Refusal
from api.idempotency import body_of
from api.pages import HEADERS, form_of, page
from api.shares.token import TokenAltered
from api.store import Db
from domain.approving.case import APPROVE
from domain.approving.machine import COMMENT
from domain.errors import DomainError
from domain.share_link import SHOWN
from gateways.document_data import ACCENT
from gateways.quote_view import quote_view
from gateways.words import Words, language_of
from models.access import PersonRow
from models.database import Database

log = structlog.get_logger(__name__)

LARGEST_FORM = 40_000
MOST_FIELDS = 100
MOST_COLLEAGUES = 500
SAID_WELL = frozenset({"approve", "reject", "changes", "delegate", "abstain", "comment", "heard", "spent"})

Token = Annotated[str, Path(max_length=500)]


class DecisionRoute(APIRoute):
    """A route whose every answer, a failure as well, is a page that people can read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def readable(request: Request) -> Response:
            try:
                return await handler(request)
            except (Closed, TokenAltered, DomainError, Refusal, RequestValidationError) as error:
                return _problem(request, error)
            except Exception as error:
                log.error("approve page failed", exc_info=error)  # noqa: TRY400 - structlog takes the error itself
                return _problem(request, error)

        return readable


router = APIRouter(prefix="/a", route_class=DecisionRoute, include_in_schema=False)


@router.api_route("/{token}", methods=["GET", "HEAD"])
async def show(token: Token, request: Request, database: Db, said: str = "", lang: str = "") -> Response:
    """What is asked and why. Nothing is written: a mail scanner may open it as often as it likes."""
    found = await _open(request, database, token)
    found.check()
    return await _page(request, database, found, said=said, lang=lang)


@router.get("/{token}/quote.pdf")
async def paper(token: Token, request: Request, database: Db) -> Response:
    """The quote as a paper; of a version that is not approved yet, a draft that says so."""
    found = await _open(request, database, token)
    found.check()
    response = await version_response(database, found.version.id)
    response.headers.update({**HEADERS, "Content-Security-Policy": "frame-ancestors 'none'"})
    return response


@router.post("/{token}")
async def decide(token: Token, request: Request, database: Db) -> Response:
    """Decide, once; answered by a redirect, so that a reload decides nothing twice."""
    form = form_of(await body_of(request, LARGEST_FORM), MOST_FIELDS)
    found = await _open(request, database, token)
    found.check()
    lang = form.get("lang", "")
    try:
        said = await act(request, database, decisions_of(request), found, form)
    except Incomplete as error:
        return await _page(request, database, found, lang=lang, errors=error.fields, values=form, status=422)
    asked = {"said": said, **({"lang": language_of(lang)} if lang else {})}
    return RedirectResponse(f"/a/{token}?{urlencode(asked)}", status_code=303, headers=HEADERS)


async def _open(request: Request, database: Database, token: str) -> Opened:
    found = await opened(database, decisions_of(request), token)
    request.state.opened = found  # a page about a failure is in the person's language, and names the owner
    return found


# --- what is shown ---------------------------------------------------------------------------------------------------


async def _page(
    request: Request,
    database: Database,
    found: Opened,
    *,
    said: str = "",
    lang: str = "",
    errors: Mapping[str, str] | None = None,
    values: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    words = approve_words(language_of(lang or found.person.language))
    links, kept, data = decisions_of(request), values or {}, found.data(draft=True)
    people = await _people(database)
    verbs = [] if found.is_spent else list(found.verbs)
    around = await view.around(database, found, asked=bool(verbs))
    names = view.Names(people, around.matrices, words.language)
    said = found.outcome(said)
    if found.is_spent and (said not in SAID_WELL or said == COMMENT):
        said = "spent"
    shown = {
        "q": quote_view(data, words.language),
        "here": f"/a/{links.token(found.link.id, found.link.content_hash)}",
        "person": found.person,
        "version": str(found.version.version),
        "verbs": verbs,
        "nonces": {verb: links.nonce(found.link.id, verb, found.question) for verb in verbs},
        "said": _said(words, said, spent=found.is_spent) + _moved(words, found, said),
        "said_well": said in SAID_WELL,
        "asks": view.asks(found, around, words, names) if verbs else [],
        "lead": view.lead(found, words, names, asked="approve" in verbs),
        "answer_by": view.answer_by(found, words) if "approve" in verbs else "",
        "figures": figures.figures(found, words),
        "below_floor": figures.below_floor(found, words),
        "earned": figures.earned(found, words),
        "is_draft": found.version.status not in SHOWN,
        "changed": view.changed(found, words),
        "history": await told(database, found, words, view.zone_of(found), names=names),
        **view.so_far(found, words, names, view.zone_of(found)),
        "proposals": view.proposals(found, words, kept),
        "colleagues": [each for each in people.values() if each.email not in found.approval.barred],
        "errors": {field: words(key) if words.has(key) else key for field, key in (errors or {}).items()},
        "values": {name: kept.get(name, "") for name in ("verb", "reason", "to")},
        # what the parts of the share page ask for
        "allowed": frozenset(),
        "chosen": found.version.alternative or None,
        "shown_offer": found.offers.recommended,
    }
    return page("approve.html", accent=data.seller.accent, words=words, status=status, values=shown)


def _said(words: Words, said: str, *, spent: bool) -> str:
    """What the page says after a form was sent: only what it knows, and that it was decided only where it was."""
    if said.startswith("refused_"):
        return words(said if words.has(said) else "refused_other")
    decided = said in SAID_WELL - {COMMENT, "heard"}
    return words(f"said_{said}") if words.has(f"said_{said}") and (spent or not decided) else ""


def _moved(words: Words, found: Opened, said: str) -> str:
    """What came of it: there is a newer version, others are still asked, or that was the last word."""
    if found.is_spent and not found.is_current:
        return " " + words("newer_since")
    if said != APPROVE or not found.is_spent:
        return ""
    return " " + words("waits_still" if found.is_waiting else "is_approved")


async def _people(database: Database) -> dict[str, PersonRow]:
    async with database.session() as session:
        query = select(PersonRow).order_by(col(PersonRow.email)).limit(MOST_COLLEAGUES)
        rows = (await session.exec(query)).all()
    return {row.email: row for row in rows if row.left_at is None}


def _problem(request: Request, error: Exception) -> Response:
    """A page about what is wrong; it shows nothing of the deal but whom to ask."""
    status, name = _named(error)
    found: Opened | None = getattr(request.state, "opened", None)
    wanted = request.query_params.get("lang") or (found.person.language if found else "")
    words = approve_words(language_of(wanted or request.headers.get("accept-language", "")))
    look = found.entity.look if found else {}
    seller = None
    if found is not None:
        logo = look.get("logo") or found.entity.name
        seller = {"name": found.entity.name, "logo": logo, "email": found.deal.owner}
    told_how = f"over_{found.version.status}" if found is not None and name == "over" else ""
    how = f" {words(told_how)}" if words.has(told_how) else ""
    shown = {"heading": words(f"problem_{name}"), "text": words(f"problem_{name}_text") + how, "seller": seller}
    return page("problem.html", accent=str(look.get("accent", ACCENT)), words=words, status=status, values=shown)


def _named(error: Exception) -> tuple[int, str]:
    if isinstance(error, Closed):
        return error.status, error.name
    if isinstance(error, TokenAltered | RequestValidationError):
        return 404, "unknown"
    return (error.status if isinstance(error, Refusal) else 503), "busy"
