"""Accounts: who buys, of which legal entity, and how they pay. No card data ever: a payment method is the gateway's token."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field, model_validator
from sqlalchemy import text
from sqlmodel import col, select

from api.caller import Anyone, Finance, Sales
from api.entity import entity_of
from api.errors import Refusal, missing
from api.idempotency import OnceKey, WriteRoute
from api.pagination import Cursor, Limit, Page, decode, encode, page
from api.schema import At, Country, Currency, Email, Id, Language, Line, Out, Schema, Text, Zone
from api.store import Db, insert_once, sql
from models.account import AccountRow
from models.database import Database

router = APIRouter(prefix="/v1/accounts", tags=["accounts"], route_class=WriteRoute)

Method = Literal["card", "transfer"]
Token = Annotated[str, Field(max_length=100, pattern="^[A-Za-z0-9_]*$", examples=["pm_card_visa"])]

Segment = Annotated[str, Field(pattern="^([a-z0-9][a-z0-9_.-]{0,63})?$")]


class PaymentMethodIn(Schema):
    method: Method = Field(examples=["card"])
    method_token: Token = Field(default="", description="the gateway's token of the payment method; needed for a card")

    @model_validator(mode="after")
    def _a_card_has_a_token(self) -> "PaymentMethodIn":
        if self.method == "card" and not self.method_token:
            raise ValueError("a card needs a method_token")
        return self


class AccountIn(PaymentMethodIn):
    entity_id: Id = Field(examples=["acme-de"], description="who sells to it; an entity or a sandbox")
    name: Line = Field(examples=["Globex S.p.A."])
    email: Email = Field(examples=["ap@globex.example"])
    address: Text = Field(default="", examples=["Via Roma 1\n20121 Milano"])
    country: Country = Field(examples=["IT"])
    currency: Currency = Field(examples=["EUR"])
    zone: Zone = Field(examples=["Europe/Rome"])
    segment: Segment = Field(default="", examples=["enterprise"], description="which price books and rules are for it")
    language: Language = "en"


class AccountOut(Out):
    id: str
    entity_id: str
    name: str
    email: str
    address: str
    country: str
    currency: str
    zone: str
    segment: str
    language: str
    method: str
    method_token: str
    created_at: At


async def account_of(database: Database, account_id: str) -> AccountRow:
    """The account. Raises a 404 refusal."""
    async with database.session() as session:
        row = await session.get(AccountRow, account_id)
    if row is None:
        raise missing("account", account_id)
    return row


@router.post("", status_code=201)
async def create_account(account: AccountIn, _caller: Sales, once: OnceKey, database: Db) -> AccountOut:
    """Make an account of a legal entity or of a sandbox."""
    entity = await entity_of(database, account.entity_id)
    now = entity.clock_at or datetime.now(tz=UTC)
    row = AccountRow(id=once.id("acc"), created_at=now, **account.model_dump())
    async with database.transaction() as session:
        await insert_once(session, row)
    return AccountOut.model_validate(await account_of(database, row.id))


@router.post("/{account_id}/payment-method")
async def change_payment_method(
    account_id: Id, method: PaymentMethodIn, _caller: Finance, _once: OnceKey, database: Db
) -> AccountOut:
    """How the account pays from now on: the next charge uses it. A running contract keeps its terms of payment."""
    change = text("UPDATE accounts SET method = :method, method_token = :token WHERE id = :id")
    async with database.transaction() as session:
        values = {"id": account_id, "method": method.method, "token": method.method_token}
        result = await sql(session, change.bindparams(**values))
        if not getattr(result, "rowcount", 0):
            raise missing("account", account_id)
    return AccountOut.model_validate(await account_of(database, account_id))


class ProfileIn(Schema):
    email: Email | None = Field(default=None, description="where its mails go; as it is unless said")
    segment: Segment | None = Field(default=None, description="as it is unless said")
    language: Language | None = Field(default=None, description="as it is unless said")


@router.post("/{account_id}/profile")
async def change_profile(account_id: Id, said: ProfileIn, _caller: Sales, _once: OnceKey, database: Db) -> AccountOut:
    """Which price books and rules are for it, from its next quote on; where and how we write to it, from the next mail on."""
    async with database.transaction() as session:
        row = await session.get(AccountRow, account_id)
        if row is None:
            raise missing("account", account_id)
        for name, value in said.model_dump(exclude_none=True).items():
            setattr(row, name, value)
    return AccountOut.model_validate(await account_of(database, account_id))


@router.get("")
async def list_accounts(
    _caller: Anyone,
    database: Db,
    entity: Annotated[str | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AccountOut]:
    """Accounts by id; `entity` for those of one legal entity."""
    query = select(AccountRow).order_by(col(AccountRow.id)).limit(limit + 1)
    if entity is not None:
        query = query.where(col(AccountRow.entity_id) == entity)
    if cursor is not None:
        query = query.where(col(AccountRow.id) > decode(cursor, str)[0])
    async with database.session() as session:
        rows = (await session.exec(query)).all()
    return page(rows, limit, lambda row: encode(row.id), AccountOut.model_validate)


@router.get("/{account_id}")
async def show_account(account_id: Id, _caller: Anyone, database: Db) -> AccountOut:
    """One account."""
    return AccountOut.model_validate(await account_of(database, account_id))


def refuse_strangers(account: AccountRow, entity_id: str) -> None:
    """A deal's account must be of the deal's entity. Raises a 422 refusal."""
    if account.entity_id != entity_id:
        raise Refusal(
            422,
            "AccountOfAnotherEntity",
            "the account belongs to another legal entity",
            where="account_id",
            hint="use an account of this entity",
        )
