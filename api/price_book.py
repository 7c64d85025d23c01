"""Price books: a new content is a new version, the same content is the same version, and no version ever changes.

Where one is asked for, its id, `NAME@VERSION`, or `NAME` for its newest version, will do.
"""

import re
from datetime import date
from typing import Annotated, Any

import yaml
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from sqlalchemy import text
from sqlmodel import col, select

from api.caller import Anyone, DealDesk
from api.errors import missing
from api.exact import document_body, document_of
from api.idempotency import OnceKey, WriteRoute
from api.pagination import Cursor, Limit, Page, decode, encode, page
from api.schema import Id, Out
from api.store import Db, sql
from domain import price_book as rules
from domain.ids import derived
from domain.price_book_diff import change_mapping, diff
from models.database import Database
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


class PriceBookOut(Out):
    id: str
    name: str
    version: int
    currency: str
    valid_from: date
    valid_to: date | None = Field(description="the first day without these prices; null: open")
    segments: list[str] = Field(description="of the accounts that it is for; empty: all")
    entities: list[str] = Field(description="the legal entities that sell from it; empty: all")
    content_hash: str


class PriceBookFullOut(PriceBookOut):
    content: dict[str, Any]


@router.post("", status_code=201, openapi_extra=document_body(EXAMPLE))
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
            segments=list(book.segments),
            entities=list(book.entities),
            valid_to=book.valid_to,
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


class FieldChangeOut(Out):
    path: str = Field(examples=["tiers[1].unit_price"])
    old: str = Field(description="empty: it was not there")
    new: str = Field(description="empty: it is not there any more")
    percent: str | None = Field(description="by how much a number rose")


class ChangeOut(Out):
    """A charge; without `charge` a product's own fields; without `product`, too, those of the book, its rules, promotions."""

    product: str
    charge: str
    what: str = Field(examples=["changed"], description="added, removed or changed")
    fields: list[FieldChangeOut]


class DiffOut(Out):
    old: PriceBookOut
    new: PriceBookOut
    changes: list[ChangeOut]


@router.get("/diff")
async def diff_price_books(
    _caller: Anyone,
    database: Db,
    old: Annotated[str, Query(alias="from", max_length=100, examples=["acme-2026@1"])],
    new: Annotated[str, Query(alias="to", max_length=100, examples=["acme-2026@2"])],
) -> DiffOut:
    """What the second one changes, charge by charge and field by field."""
    was, will = await book_of(database, old), await book_of(database, new)
    changes = diff(rules.parse(was.content), rules.parse(will.content))
    return DiffOut(
        old=PriceBookOut.model_validate(was),
        new=PriceBookOut.model_validate(will),
        changes=[ChangeOut.model_validate(change_mapping(change)) for change in changes],
    )


@router.get("/{price_book_id}")
async def show_price_book(price_book_id: Id, _caller: Anyone, database: Db) -> PriceBookFullOut:
    """One version with all its products."""
    return PriceBookFullOut.model_validate(await book_of(database, price_book_id))


@router.get(
    "/{price_book_id}/export",
    response_class=Response,
    responses={200: {"content": {"application/yaml": {"schema": {"type": "string"}}}}},
)
async def export_price_book(price_book_id: Id, _caller: Anyone, database: Db) -> Response:
    """One version as YAML, which read in again is the same version: figures are text, nothing passes a float."""
    row = await book_of(database, price_book_id)
    written = yaml.safe_dump(
        rules.to_mapping(rules.parse(row.content)),
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=None,  # a tier or a flat charge stays on its line
        width=120,
    )
    name = {"Content-Disposition": f'attachment; filename="{row.name}-{row.version}.yaml"'}
    return Response(written, media_type="application/yaml", headers=name)


async def book_of(database: Database, said: str) -> PriceBookRow:
    """The price book of this id, NAME@VERSION or NAME (its newest version). Raises a 404 refusal."""
    name, _, version = said.partition("@")
    query = select(PriceBookRow).where(col(PriceBookRow.name) == name).order_by(col(PriceBookRow.version).desc())
    if version:
        known = int(version) if re.fullmatch(r"[0-9]{1,9}", version) else 0
        query = query.where(col(PriceBookRow.version) == known)
    async with database.session() as session:
        row = await session.get(PriceBookRow, said) or (await session.exec(query.limit(1))).first()
    if row is None:
        raise missing("price book", said)
    return row
