"""A draft is checked whole before anything is stored: shape, price book, quantities, currency, and a trial pricing on the day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlmodel import select

from api.errors import Refusal
from domain import price_book as books
from domain import quote
from domain.calendar import local_date
from domain.document import content_hash
from domain.errors import DomainError, Invalid, InvalidDocument, Problem
from domain.quote import Draft
from models import price_book as price_books
from models.account import AccountRow
from models.database import Database
from models.entity import LegalEntityRow
from models.price_book import PriceBookRow
from models.quote import QuoteDraftRow

EXAMPLE = {
    "price_book": "acme-2026",
    "currency": "EUR",
    "term_months": 12,
    "interval_months": 1,
    "start": "provisioning",
    "method": "card",
    "auto_renew": True,
    "notice_days": 30,
    "uplift_percent": "5",
    "signer": {"name": "Gina Globex", "email": "gina@globex.example"},
    "lines": [{"product": "team", "quantity": 20, "discount_percent": "8"}],
}


@dataclass(kw_only=True, eq=False)
class UnknownPriceBook(Invalid):
    """A price book, or a version of it, that is not there."""

    price_book: str
    version: int | None
    hint: str = "name a price book that was added, or leave the version out for the newest"


@dataclass(kw_only=True, eq=False)
class DealCurrencyMismatch(Invalid):
    """A deal keeps the currency that it was opened in."""

    draft: str
    deal: str
    hint: str = "revise in the deal's currency, or open another deal"


def now_of(entity: LegalEntityRow) -> datetime:
    """The entity's now: a sandbox's clock, or the wall's."""
    return entity.clock_at if entity.clock_at is not None else datetime.now(tz=UTC)


async def checked(
    database: Database, content: Mapping[str, Any], *, entity: LegalEntityRow, account: AccountRow, currency: str = ""
) -> Draft:
    """The draft, priced once on trial. Raises the domain's errors, each with its path under `draft`."""
    try:
        draft = Draft.parse(content)
        if currency and draft.currency != currency:
            raise DealCurrencyMismatch(where="currency", draft=draft.currency, deal=currency)
        on = local_date(now_of(entity), entity.zone)
        quote.price(draft, await _book(database, draft, on), on=on)
    except DomainError as error:
        raise _under_draft(error) from None
    if draft.terms.method == "card" and not account.method_token:
        raise Refusal(
            422,
            "AccountHasNoCard",
            "the account has no payment method to charge",
            where="draft.method",
            hint="give the account a payment method, or quote with method transfer",
        )
    return draft


def _under_draft(error: DomainError) -> DomainError:
    """The same refusal, with its paths as the request spells them."""
    if isinstance(error, InvalidDocument):
        error.problems = tuple(
            Problem(f"draft.{each.path}" if each.path else "draft", each.message) for each in error.problems
        )
    else:
        error.where = f"draft.{error.where}" if error.where else "draft"
    return error


async def _book(database: Database, draft: Draft, on: date) -> books.PriceBook:
    """The version that the draft names, or the newest that is valid on the day."""
    async with database.session() as session:
        if draft.price_book_version is None:
            row = await price_books.latest(session, draft.price_book, on)
        else:
            named = (PriceBookRow.name == draft.price_book, PriceBookRow.version == draft.price_book_version)
            row = (await session.exec(select(PriceBookRow).where(*named))).first()
    if row is None:
        raise UnknownPriceBook(where="price_book", price_book=draft.price_book, version=draft.price_book_version)
    return books.parse(row.content)


def draft_row(
    *, draft_id: str, deal_id: str, content: Mapping[str, Any], by: str, opens: dict[str, Any] | None = None
) -> QuoteDraftRow:
    """The row that is stored before the deal hears of it; `opens` is what a first draft opens the deal with."""
    return QuoteDraftRow(
        id=draft_id,
        deal_id=deal_id,
        content=dict(content),
        content_hash=content_hash(content),
        by=by,
        created_at=datetime.now(tz=UTC),
        opens=opens,
    )
