"""Quote versions: what was priced, line by line with its waterfall, and the order form that was sent of it."""

from typing import Any

from fastapi import APIRouter, Response
from pydantic import Field

from api.amount import AmountOut, amount
from api.caller import Anyone
from api.document import order_form_document, pdf_response, version_response
from api.errors import missing
from api.quotes.page import OfferOut
from api.schema import At, Id, Out
from api.store import Db
from domain import quote_version
from domain.preview import told
from models.quote import QuoteVersionRow

router = APIRouter(prefix="/v1/quote-versions", tags=["quotes"])


class QuoteVersionOut(Out):
    id: str
    deal_id: str
    order_number: int
    version: int
    kind: str = Field(description="quote, renewal or migration")
    status: str
    alternative: str = Field(description="the alternative that the customer chose")
    price_book_id: str
    total: AmountOut = Field(description="TCV, net of tax")
    acv: AmountOut
    list_total: AmountOut = Field(description="before discounts")
    expires_at: At
    created_at: At
    content_hash: str
    content: dict[str, Any] = Field(description="what is hashed")
    offers: list[OfferOut] = Field(description="the same for reading: several are alternatives")


@router.get("/{version_id}")
async def show_quote_version(version_id: Id, _caller: Anyone, database: Db) -> QuoteVersionOut:
    """One version, whole."""
    async with database.session() as session:
        row = await session.get(QuoteVersionRow, version_id)
    if row is None:
        raise missing("quote version", version_id)
    found = quote_version.offers(row.content)
    return QuoteVersionOut(
        id=row.id,
        deal_id=row.deal_id,
        order_number=row.order_number,
        version=row.version,
        kind=row.kind,
        status=row.status,
        alternative=row.alternative,
        price_book_id=row.price_book_id,
        total=amount(row.total_minor, row.currency),
        acv=amount(row.acv_minor, row.currency),
        list_total=amount(row.list_minor, row.currency),
        expires_at=row.expires_at,
        created_at=row.created_at,
        content_hash=row.content_hash,
        content=row.content,
        offers=[
            OfferOut.model_validate(told.offer(name, each, recommended=name == found.recommended))
            for name, each in found.offers
        ],
    )


@router.get("/{version_id}/pdf", response_class=Response, responses={200: {"content": {"application/pdf": {}}}})
async def show_order_form(version_id: Id, _caller: Anyone, database: Db) -> Response:
    """The order form: the very bytes that were sent for signature."""
    version, document = await order_form_document(database, version_id)
    return pdf_response(document, f"order-form-{version.deal_id}-{version.order_number}-{version.version}")


@router.get("/{version_id}/document", response_class=Response, responses={200: {"content": {"application/pdf": {}}}})
async def show_quote_document(version_id: Id, _caller: Anyone, database: Db) -> Response:
    """The quote as the customer gets it, the same bytes for good; of a version that is not approved, a draft that says so."""
    return await version_response(database, version_id)
