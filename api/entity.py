"""Legal entities: who sells. Each has its own number series, currency, zone, bank account and dated tax rate."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.caller import Admin, Anyone
from api.errors import Refusal, missing
from api.idempotency import OnceKey, WriteRoute
from api.pagination import Cursor, Limit, Page, decode, encode, page
from api.schema import At, Country, Currency, Email, Figure, Language, Line, Out, OwnId, Schema, Share, Text, Zone
from api.store import Db, insert_once, taken
from models.database import Database
from models.entity import LegalEntityRow, TaxRateRow

router = APIRouter(prefix="/v1/entities", tags=["legal entities"], route_class=WriteRoute)


class TaxRateIn(Schema):
    valid_from: date
    rate: Share = Field(description="0.19 is 19 %", examples=["0.19"])
    name: Line = Field(examples=["VAT"])


class LookIn(Schema):
    """How the entity's documents and pages look."""

    accent: str | None = Field(default=None, pattern="^#[0-9a-f]{6}$", examples=["#17456b"])
    logo: Line | None = Field(default=None, description="the name as the masthead sets it", examples=["acme"])
    email: Email | None = Field(default=None, examples=["sales@acme.example"])
    footer: Text | None = Field(default=None, examples=["Acme GmbH · HRB 12345 · acme.example"])


class EntityIn(Schema):
    id: OwnId | None = Field(default=None, examples=["acme-de"])
    name: Line = Field(examples=["Acme GmbH"])
    country: Country = Field(examples=["DE"])
    currency: Currency = Field(examples=["EUR"])
    zone: Zone = Field(examples=["Europe/Berlin"])
    invoice_prefix: str = Field(pattern="^[A-Z0-9-]{1,12}$", examples=["ACME-DE"])
    bank_account: str = Field(pattern="^[A-Z0-9-]{5,40}$", examples=["DE02120300000000202051"])
    address: Text = Field(default="", examples=["Unter den Linden 1\n10117 Berlin"])
    tax_number: Text = Field(default="", examples=["DE123456789"])
    look: LookIn = Field(default=LookIn())
    language: Language = "en"
    tax_rates: list[TaxRateIn] = Field(default=[], max_length=100)


class TaxRateOut(Out):
    valid_from: date
    rate: Figure
    name: str


class EntityOut(Out):
    id: str
    name: str
    country: str
    currency: str
    zone: str
    invoice_prefix: str
    bank_account: str
    address: str
    tax_number: str
    virtual: bool = Field(description="true: a sandbox, on a virtual clock")
    sandbox_of: str | None
    look: dict[str, Any]
    language: str
    clock_at: At | None = Field(description="a sandbox's now; null: the wall clock")
    tax_rates: list[TaxRateOut] = Field(default=[])


async def entity_of(database: Database, entity_id: str) -> LegalEntityRow:
    """The entity. Raises a 404 refusal."""
    async with database.session() as session:
        row = await session.get(LegalEntityRow, entity_id)
    if row is None:
        raise missing("entity", entity_id)
    return row


async def out(database: Database, row: LegalEntityRow) -> EntityOut:
    """An entity with its tax rates, by date."""
    async with database.session() as session:
        query = select(TaxRateRow).where(col(TaxRateRow.entity_id) == row.id).order_by(col(TaxRateRow.valid_from))
        rates = (await session.exec(query)).all()
    shown = EntityOut.model_validate(row)
    shown.tax_rates = [TaxRateOut.model_validate(rate) for rate in rates]
    return shown


@router.post("", status_code=201)
async def create_entity(entity: EntityIn, _caller: Admin, once: OnceKey, database: Db) -> EntityOut:
    """Make a legal entity, with its tax rates."""
    id_ = entity.id or once.id("ent")
    said = entity.model_dump(exclude={"id", "tax_rates"})
    row = LegalEntityRow(id=id_, **{**said, "look": entity.look.model_dump(exclude_none=True)})
    dates = [rate.valid_from for rate in entity.tax_rates]
    if len(set(dates)) < len(dates):
        raise Refusal(422, "TaxRateTwice", "two tax rates begin on one day", where="tax_rates", hint="one rate per day")
    try:
        async with database.transaction() as session:
            await _refuse_other(session, row)
            await insert_once(session, row)
            for rate in entity.tax_rates:
                await insert_once(session, TaxRateRow(entity_id=id_, **rate.model_dump()), "entity_id", "valid_from")
    except IntegrityError as error:
        raise taken(error, "Entity", "id") from error
    return await out(database, await entity_of(database, id_))


async def _refuse_other(session: AsyncSession, row: LegalEntityRow) -> None:
    """An id or a bank account that another entity has is refused: a statement must belong to one entity."""
    query = select(LegalEntityRow).where(
        (col(LegalEntityRow.id) == row.id) | (col(LegalEntityRow.bank_account) == row.bank_account)
    )
    for other in (await session.exec(query)).all():
        same = other.id == row.id and other.name == row.name and other.bank_account == row.bank_account
        if not same:
            where = "id" if other.id == row.id else "bank_account"
            raise Refusal(
                409, "EntityExists", f"another entity has this {where}", where=where, hint=f"choose another {where}"
            )


@router.post("/{entity_id}/tax-rates", status_code=201)
async def add_tax_rate(entity_id: str, rate: TaxRateIn, _caller: Admin, _once: OnceKey, database: Db) -> EntityOut:
    """A rate from a day on. A rate that began is never changed."""
    row = await entity_of(database, entity_id)
    async with database.transaction() as session:
        new = await insert_once(
            session, TaxRateRow(entity_id=entity_id, **rate.model_dump()), "entity_id", "valid_from"
        )
        known = await session.get(TaxRateRow, (entity_id, rate.valid_from))
    if not new and (known is None or (known.rate, known.name) != (rate.rate, rate.name)):
        raise Refusal(
            409, "TaxRateExists", "another rate begins on this day", where="valid_from", hint="choose a later day"
        )
    return await out(database, row)


@router.post("/{entity_id}/look")
async def change_look(entity_id: str, look: LookIn, _caller: Admin, _once: OnceKey, database: Db) -> EntityOut:
    """How its documents look from now on. What was rendered stays as it is."""
    async with database.transaction() as session:
        row = await session.get(LegalEntityRow, entity_id)
        if row is None:
            raise missing("entity", entity_id)
        row.look = look.model_dump(exclude_none=True)
    return await out(database, row)


@router.get("")
async def list_entities(
    _caller: Anyone,
    database: Db,
    sandboxes: Annotated[bool | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[EntityOut]:
    """All legal entities by id; `sandboxes` true or false for only these or only the real ones."""
    query = select(LegalEntityRow).order_by(col(LegalEntityRow.id)).limit(limit + 1)
    if sandboxes is not None:
        query = query.where(col(LegalEntityRow.virtual) == sandboxes)
    if cursor is not None:
        query = query.where(col(LegalEntityRow.id) > decode(cursor, str)[0])
    async with database.session() as session:
        rows = (await session.exec(query)).all()
    return page(rows, limit, lambda row: encode(row.id), EntityOut.model_validate)


@router.get("/{entity_id}")
async def show_entity(entity_id: str, _caller: Anyone, database: Db) -> EntityOut:
    """One legal entity with its tax rates."""
    return await out(database, await entity_of(database, entity_id))
