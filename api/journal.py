"""The books of a legal entity: its trial balance on a day, and the journal entries of a deal."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from api.amount import AmountOut, amount
from api.caller import Finance
from api.entity import entity_of
from api.schema import Id, Out
from api.store import Db
from models import ledger

router = APIRouter(prefix="/v1/journal", tags=["journal"])


class BalanceOut(Out):
    account: str
    currency: str
    debit: AmountOut
    credit: AmountOut
    balance: AmountOut = Field(description="debit less credit; all balances of one currency sum to zero")


class EntryLineOut(Out):
    line_no: int
    account: str
    amount: AmountOut = Field(description="debit positive, credit negative")
    memo: str


class EntryOut(Out):
    id: str
    on_date: date
    kind: str
    source_kind: str
    source_id: str
    lines: list[EntryLineOut]


@router.get("/trial-balance")
async def trial_balance(
    _caller: Finance, database: Db, entity: Annotated[Id, Query()], on: Annotated[date | None, Query()] = None
) -> list[BalanceOut]:
    """Every account of the entity's books, up to and including `on`."""
    await entity_of(database, entity)
    async with database.session() as session:
        rows = await ledger.trial_balance(session, entity, on)
    return [
        BalanceOut(
            account=row.account,
            currency=row.currency,
            debit=amount(row.debit_minor, row.currency),
            credit=amount(row.credit_minor, row.currency),
            balance=amount(row.balance_minor, row.currency),
        )
        for row in rows
    ]


@router.get("")
async def list_entries(_caller: Finance, database: Db, deal: Annotated[Id, Query()]) -> list[EntryOut]:
    """The journal entries of one deal, by date."""
    async with database.session() as session:
        found = await ledger.entries_of_deal(session, deal)
    return [
        EntryOut(
            id=entry.id,
            on_date=entry.on_date,
            kind=entry.kind,
            source_kind=entry.source_kind,
            source_id=entry.source_id,
            lines=[
                EntryLineOut(
                    line_no=line.line_no,
                    account=line.account,
                    amount=amount(line.amount_minor, entry.currency),
                    memo=line.memo,
                )
                for line in lines
            ],
        )
        for entry, lines in found
    ]
