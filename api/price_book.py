"""Price books: a new content is a new version, the same content is the same version, and no version ever changes."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import text
from sqlmodel import col, select

from api.caller import Anyone, DealDesk
from api.errors import missing
from api.exact import document_of
from api.idempotency import OnceKey, WriteRoute
from api.pagination import Cursor, Limit, Page, decode, encode, page
from api.schema import Id, Out
from api.store import Db, sql
from domain import price_book as rules
from domain.ids import derived
from models.price_book import PriceBookRow

router = APIRouter(prefix="/v1/price-books", tags=["price books"], route_class=WriteRoute)

EXAMPLE = {
    "name": "acme-2026",
    "currency": "EUR",
    "valid_from": "2026-01-01",
    "source": "acme.example/pricing, 2026-01-05",
    "products": [
        {
            "id": "team",
            "name": "Acme Team",
            "unit": "seat",
            "charges": [{"id": "monthly", "model": "per_unit", "per": "month", "unit_price": "12.50"}],
        }
    ],
}
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "object"}, "example": EXAMPLE},
            "application/yaml": {"schema": {"type": "string"}},
        },
    }
}


class PriceBookOut(Out):
    id: str
    name: str
    version: int
    currency: str
    valid_from: date
    content_hash: str


class PriceBookFullOut(PriceBookOut):
    content: dict[str, Any]


@router.post("", status_code=201, openapi_extra=BODY)
async def add_price_book(
    request: Request, response: Response, _caller: DealDesk, _once: OnceKey, database: Db
) -> PriceBookFullOut:
    """Read a price book (JSON or YAML), name every problem in it by its path, and keep it as a new version.

    200 instead of 201: the newest version has this content already.
    """
    book = rules.parse(await document_of(request))
    content = rules.to_mapping(book)
    content.pop("version", None)  # ours to count
    hash_ = rules.content_hash(content)
    async with database.transaction() as session:
        await sql(session, text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 1))"), {"name": book.name})
        newest = (
            await session.exec(
                select(PriceBookRow)
                .where(col(PriceBookRow.name) == book.name)
                .order_by(col(PriceBookRow.version).desc())
                .limit(1)
            )
        ).first()
        if newest is not None and newest.content_hash == hash_:
            response.status_code = 200
            return PriceBookFullOut.model_validate(newest)
        version = 1 if newest is None else newest.version + 1
        row = PriceBookRow(
            id=derived("pb", book.name, version),
            name=book.name,
            version=version,
            currency=book.currency,
            valid_from=book.valid_from,
            content={**content, "version": version},
            content_hash=hash_,
        )
        session.add(row)
    return PriceBookFullOut.model_validate(row)


@router.get("")
async def list_price_books(
    _caller: Anyone, database: Db, name: Annotated[str | None, Query()] = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[PriceBookOut]:
    """Price books by name and version; `name` for the versions of one."""
    query = select(PriceBookRow).order_by(col(PriceBookRow.name), col(PriceBookRow.version)).limit(limit + 1)
    if name is not None:
        query = query.where(col(PriceBookRow.name) == name)
    if cursor is not None:
        after = decode(cursor, str, int)
        query = query.where(
            (col(PriceBookRow.name) > after[0])
            | ((col(PriceBookRow.name) == after[0]) & (col(PriceBookRow.version) > after[1]))
        )
    async with database.session() as session:
        rows = (await session.exec(query)).all()
    return page(rows, limit, lambda row: encode(row.name, row.version), PriceBookOut.model_validate)


@router.get("/{price_book_id}")
async def show_price_book(price_book_id: Id, _caller: Anyone, database: Db) -> PriceBookFullOut:
    """One version with all its products."""
    async with database.session() as session:
        row = await session.get(PriceBookRow, price_book_id)
    if row is None:
        raise missing("price book", price_book_id)
    return PriceBookFullOut.model_validate(row)
