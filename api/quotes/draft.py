"""A draft is checked whole before anything is stored: shape, price book, quantities, currency, and a trial pricing on the day."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.errors import Refusal
from domain import price_book as books
from domain.approving.policy import Matrix
from domain.calendar import local_date
from domain.coupon import Coupon, redeem
from domain.document import content_hash
from domain.errors import DomainError, Invalid, InvalidDocument, Problem
from domain.preview.offers import Previewed, previewed
from domain.quote_draft import Draft
from domain.quoting.terms import LANGUAGES
from models import coupon as coupons
from models import policy as policies
from models import price_book as price_books
from models.account import AccountRow
from models.coupon import CouponRow
from models.database import Database
from models.deal import DealRow
from models.entity import LegalEntityRow
from models.price_book import PriceBookRow
from models.quote import QuoteDraftRow

POLICY = "standard"
DEFAULT_LANGUAGE = LANGUAGES[0]
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
class NoPriceBook(Invalid):
    """A draft names no price book, and none holds for its currency and the account's segment and legal entity."""

    currency: str
    segment: str
    on: date
    hint: str = "name a price book, or add one for this currency, segment and entity"


@dataclass(kw_only=True, eq=False)
class DealCurrencyMismatch(Invalid):
    """A deal keeps the currency that it was opened in."""

    draft: str
    deal: str
    hint: str = "revise in the deal's currency, or open another deal"


def now_of(entity: LegalEntityRow) -> datetime:
    """The entity's now: a sandbox's clock, or the wall's."""
    return entity.clock_at if entity.clock_at is not None else datetime.now(tz=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A draft that can be priced: what is stored of it, and what it comes to today."""

    draft: Draft
    content: dict[str, Any]
    found: Previewed


async def tried(
    database: Database,
    content: Mapping[str, Any],
    *,
    entity: LegalEntityRow,
    account: AccountRow,
    deal: DealRow | None = None,
    starts_on: date | None = None,
) -> Tried:
    """The draft, priced once on trial, for a deal that is there or a new one; its language is the account's unless said.

    Raises the domain's errors, each with its path under `draft`, and 404 and 422 refusals.
    """
    said = dict(content)
    if not said.get("language") and account.language != DEFAULT_LANGUAGE:
        said["language"] = account.language
    on = local_date(now_of(entity), entity.zone)
    try:
        draft = Draft.parse(said)
        if deal is not None and draft.currency != deal.currency:
            raise DealCurrencyMismatch(where="currency", draft=draft.currency, deal=deal.currency)
        async with database.session() as session:
            book = await _book(session, draft, account, on)
            found = previewed(
                replace(draft, price_book=book.name),
                books.parse(book.content),
                on=on,
                starts_on=starts_on,
                policy=await _policy(session),
                coupons=await _coupons(session, draft, account, deal, virtual=entity.virtual),
                segment=account.segment,
                entity=await price_books.seller(session, book, entity.id),
            )
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
    return Tried(draft=draft, content=said, found=found)


async def _policy(session: AsyncSession) -> Matrix | None:
    """The approval policy that a version would be judged by; None: there is none yet."""
    row = await policies.latest_approval(session, POLICY)
    return Matrix.parse(row.content) if row is not None else None


async def _coupons(
    session: AsyncSession, draft: Draft, account: AccountRow, deal: DealRow | None, *, virtual: bool
) -> dict[str, Coupon]:
    """The coupons that the draft names, by code, each still to be had; the pricing step judges again, under a lock.

    Uses in a sandbox are its own: before its deal is there they are left to that step. Raises CouponUsedUp,
    CouponForFirstOrder.
    """
    codes = {code for _, offer in draft.offers() for code in offer.coupons}
    found = {}
    except_deal = deal.id if deal is not None else ""
    issued = select(CouponRow).where(col(CouponRow.code).in_(codes)).order_by(col(CouponRow.code))
    for row in (await session.exec(issued)).all():
        coupon = found[row.code] = Coupon.parse(row.content)
        if virtual and deal is None:
            continue
        redeem(
            coupon,
            uses=await coupons.uses(session, row.code, except_deal),
            account_uses=await coupons.uses(session, row.code, except_deal, account_id=account.id),
            first_order=await coupons.is_first_order(session, account.id, except_deal),
        )
    return found


def _under_draft(error: DomainError) -> DomainError:
    """The same refusal, with its paths as the request spells them."""
    if isinstance(error, InvalidDocument):
        error.problems = tuple(Problem(_draft_path(each.path), each.message) for each in error.problems)
    else:
        error.where = _draft_path(error.where)
    return error


def _draft_path(where: str) -> str:
    """A path under `draft`; of a rule that several lines break, each line's (`lines[0], lines[2]`)."""
    return ", ".join(f"draft.{each}" for each in where.split(", ")) if where else "draft"


async def _book(session: AsyncSession, draft: Draft, account: AccountRow, on: date) -> PriceBookRow:
    """The book that the pricing step will take, too. Raises NoPriceBook, UnknownPriceBook."""
    row = await price_books.for_draft(
        session,
        name=draft.price_book,
        version=draft.price_book_version,
        currency=draft.currency,
        segment=account.segment,
        entity=account.entity_id,
        on=on,
    )
    if row is not None:
        return row
    if not draft.price_book:
        raise NoPriceBook(where="price_book", currency=draft.currency, segment=account.segment, on=on)
    raise UnknownPriceBook(where="price_book", price_book=draft.price_book, version=draft.price_book_version)


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
