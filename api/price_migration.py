"""Price migrations: contracts move to another price book only by name: first a preview in money, then a run that can be resumed.

Each contract is moved by its own deal, from its next unbilled period on. The command that tells it has an id made of the
migration and the deal, so that a run that was cut off, or made twice, moves nothing twice.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field
from sqlalchemy import text
from sqlmodel import col, select

from api.caller import Anyone, Caller, DealDesk
from api.clock_lock import refuse_while_moving
from api.deal import virtual_now
from api.door import Door, door_of
from api.entity import entity_of
from api.errors import Refusal
from api.idempotency import OnceKey, WriteRoute
from api.migration_page import MigrationFullOut, MigrationOut, books_of, head, migration_row, shown
from api.migration_preview import moves_of
from api.pagination import Cursor, Limit, Page, decode, encode, page
from api.price_book import book_of
from api.schema import Id, Line, Schema
from api.store import Db, insert_once, sql
from domain.ids import derived
from domain.judge import DealClosed, NotInService
from domain.message import Message, Reprice, Verdict
from domain.price_migration import MigrationCurrencyMismatch
from models import price_migration as migrations
from models.database import Database
from models.deal import DealRow
from models.price_book import PriceBookRow
from models.price_migration import PriceMigrationDealRow, PriceMigrationRow

router = APIRouter(prefix="/v1/price-migrations", tags=["price books"], route_class=WriteRoute)

MOST_DEALS = 2_000
SETTLED_WITHIN = 10.0  # seconds that a run waits for the deals that it told
GLANCE = 0.05
NOT_ANSWERED, SILENT_IN_A_ROW = 503, 2
OVER = frozenset({DealClosed.__name__, NotInService.__name__})  # nothing of the contract is left to move


class MigrationIn(Schema):
    name: Line = Field(examples=["list prices of 2027"])
    from_: Id = Field(alias="from", examples=["acme-2026@1"], description="id, NAME@VERSION, or NAME")
    to: Id = Field(examples=["acme-2026@2"])
    effective: Literal["next_period"] = "next_period"
    entity: Id | None = Field(default=None, description="only contracts of this legal entity, such as a sandbox")
    accounts: list[Id] = Field(default=[], max_length=500, description="only contracts of these accounts; empty: all")


class RunIn(Schema):
    most: int = Field(default=50, ge=1, le=500, description="deals in this call")
    retry_failed: bool = Field(default=False, description="try again what failed")


@router.post("", status_code=201)
async def prepare_migration(said: MigrationIn, caller: DealDesk, once: OnceKey, database: Db) -> MigrationFullOut:
    """Name a migration and see what it would change, per account and in all. Nothing is moved before it is run."""
    was, will = await book_of(database, said.from_), await book_of(database, said.to)
    if was.id == will.id:
        raise Refusal(422, "SameBook", "from and to are the same price book", where="to", hint="name another version")
    if was.currency != will.currency:
        raise MigrationCurrencyMismatch(where="to", found=will.currency, expected=was.currency)
    row = PriceMigrationRow(
        id=once.id("pm"),
        name=said.name,
        from_book_id=was.id,
        to_book_id=will.id,
        effective=said.effective,
        content={"entity": said.entity, "accounts": sorted(set(said.accounts))},
        created_by=caller.person,
        created_at=datetime.now(tz=UTC),
    )
    async with database.transaction() as session:
        await sql(session, text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 3))"), {"name": said.name})
        known = await migrations.named(session, said.name)
        if known is not None and known.id != row.id:
            raise Refusal(
                409,
                "MigrationExists",
                f"there is a migration {said.name!r} already",
                where="name",
                hint="look at it, or choose another name",
            )
        if known is None:
            contracts = await migrations.contracts_on(session, was.id, entity=said.entity, accounts=said.accounts)
            _refuse_size(len(contracts), was)
            moves = await moves_of(session, row.id, contracts, was.id, will)
            await insert_once(session, row)
            session.add_all(moves)
    return await shown(database, row.id)


def _refuse_size(count: int, book: PriceBookRow) -> None:
    if not count:
        raise Refusal(
            409,
            "NothingToMigrate",
            f"no contract in service is on {book.name}@{book.version}",
            where="from",
            hint="name the price book that the contracts are on; look at the filters",
        )
    if count > MOST_DEALS:
        raise Refusal(
            422,
            "TooManyContracts",
            f"{count} contracts are more than one migration takes ({MOST_DEALS})",
            where="accounts",
            hint="make several migrations, by entity or by accounts",
        )


@router.get("")
async def list_migrations(
    _caller: Anyone,
    database: Db,
    name: Annotated[str | None, Query(max_length=200)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[MigrationOut]:
    """Migrations by name."""
    query = select(PriceMigrationRow).order_by(col(PriceMigrationRow.name)).limit(limit + 1)
    if name is not None:
        query = query.where(col(PriceMigrationRow.name) == name)
    if cursor is not None:
        query = query.where(col(PriceMigrationRow.name) > decode(cursor, str)[0])
    async with database.session() as session:
        rows = (await session.exec(query)).all()
        books = await books_of(session, rows)
    return page(rows, limit, lambda row: encode(row.name), lambda row: MigrationOut(**head(row, books)))


@router.get("/{migration_id}")
async def show_migration(migration_id: Id, _caller: Anyone, database: Db) -> MigrationFullOut:
    """One migration with the state of each deal."""
    return await shown(database, migration_id)


@router.post("/{migration_id}/run")
async def run_migration(
    migration_id: Id, said: RunIn, request: Request, caller: DealDesk, _once: OnceKey, database: Db
) -> MigrationFullOut:
    """Tell the next deals to move, and wait a little for them. Ask again, under a fresh key, until nothing remains."""
    await migration_row(database, migration_id)
    if said.retry_failed:
        again = text(
            "UPDATE price_migration_deals SET status = 'pending', error = '' WHERE migration_id = :id AND status = 'failed'"
        )
        async with database.transaction() as session:
            await sql(session, again, {"id": migration_id})
    async with database.session() as session:
        batch = await migrations.pending(session, migration_id, said.most)
    await _refuse_moving_clocks(database, batch)
    await _tell_all(database, door_of(request), caller, batch)
    await _settled(database, migration_id, batch)
    finished = text(
        "UPDATE price_migrations SET finished_at = now() WHERE id = :id AND finished_at IS NULL AND NOT EXISTS "
        "(SELECT FROM price_migration_deals WHERE migration_id = :id AND status IN ('pending', 'failed'))"
    )
    async with database.transaction() as session:
        await sql(session, finished, {"id": migration_id})
    return await shown(database, migration_id)


async def _refuse_moving_clocks(database: Database, batch: Sequence[PriceMigrationDealRow]) -> None:
    entities = select(DealRow.entity_id).where(col(DealRow.id).in_([move.deal_id for move in batch])).distinct()
    async with database.session() as session:
        found = (await session.exec(entities)).all()
    for entity_id in found:
        await refuse_while_moving(database, await entity_of(database, entity_id))


async def _tell_all(database: Database, door: Door, caller: Caller, batch: Sequence[PriceMigrationDealRow]) -> None:
    """One deal that does not answer holds up no other; where none answers any more, the refusal is raised."""
    silent = 0
    for move in batch:
        try:
            await _tell(database, door, caller, move)
            silent = 0
        except Refusal as refusal:
            silent += 1
            if refusal.status != NOT_ANSWERED or silent == SILENT_IN_A_ROW:
                raise


async def _tell(database: Database, door: Door, caller: Caller, move: PriceMigrationDealRow) -> None:
    """Say it to the deal; what it refuses is kept beside it. A deal that does not answer stays pending."""
    tried = move.at.isoformat() if move.at else ""  # a deal remembers what it refused: another try is another message
    message = Message(
        id=derived("msg", move.migration_id, move.deal_id, tried),
        by=caller.person,
        body=Reprice(migration_id=move.migration_id),
        at=await virtual_now(database, move.deal_id),
    )
    answer = await door.command(move.deal_id, message)
    if answer is None or answer.verdict is not Verdict.REFUSED:
        return
    status = "skipped" if answer.error in OVER else "failed"
    refused = text(
        "UPDATE price_migration_deals SET status = :status, error = :error, at = now() "
        "WHERE migration_id = :id AND deal_id = :deal_id AND status = 'pending'"
    )
    told = {"status": status, "error": answer.reason, "id": move.migration_id, "deal_id": move.deal_id}
    async with database.transaction() as session:
        await sql(session, refused, told)


async def _settled(database: Database, migration_id: str, batch: Sequence[PriceMigrationDealRow]) -> None:
    """Wait until the deals of the batch have done what they were told, or for a few seconds."""
    until = time.monotonic() + SETTLED_WITHIN
    table = PriceMigrationDealRow
    waiting = select(table.deal_id).where(
        col(table.migration_id) == migration_id,
        col(table.deal_id).in_([move.deal_id for move in batch]),
        col(table.status) == "pending",
    )
    while batch and time.monotonic() < until:
        async with database.session() as session:
            if (await session.exec(waiting.limit(1))).first() is None:
                return
        await asyncio.sleep(GLANCE)
