"""A price migration moves a contract: a new version of what was agreed, new lines from the next unbilled period on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.fence import Books, Effect, Told
from activities.lines import rows_of
from activities.reference import MissingReference
from activities.version import Version
from domain import price_book
from domain.billing_plan import PlanLine, plan
from domain.billing_schedule import Term
from domain.calendar import local_midnight
from domain.contract import Contract
from domain.errors import DomainError
from domain.money import Money, text
from domain.outcome import Done, PriceRefused
from domain.price_migration import Difference, difference, repriced
from domain.quote_version import PricedQuote, QuoteOffers
from domain.quoting.priced import PER_PERIOD
from models import contract as contracts
from models import price_migration as migrations
from models import quote as quotes
from models.account import AccountRow
from models.contract import ContractLineRow, ContractTermRow
from models.outbox import MailRow, OutboxRow
from models.price_book import PriceBookRow
from models.price_migration import PriceMigrationDealRow, PriceMigrationRow
from models.quote import QuoteVersionRow
from models.write import Update
from workflows import stubs
from workflows.stubs import Perform, Performed


class MigrationActivities(stubs.MigrationActivities):
    def __init__(self, books: Books) -> None:
        self.books = books

    @activity.defn
    async def reprice_contract(self, command: Perform) -> Performed:
        """Move the contract to the migration's price book; what cannot be priced from it stays as it is, and is said."""
        return await self.books.perform(command, lambda session: _reprice(session, command))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moved:
    """What one term's move writes."""

    difference: Difference
    starts_on: date
    acv_minor: int
    rows: list[SQLModel]
    updates: list[Update]


async def _reprice(session: AsyncSession, command: Perform) -> Effect:
    running = command.deal.contract
    migration = await session.get(PriceMigrationRow, running.migration) if running is not None else None
    place = await session.get(PriceMigrationDealRow, (migration.id, command.deal.id)) if migration is not None else None
    if running is None or migration is None or place is None:
        return _said(command, "failed", f"{running.migration if running else ''} is no price migration of this deal")
    if place.status == "done":
        return Effect(outcome=Done(), told=[Told(text=f"Price migration {migration.name} was done before")])
    try:
        moved = [each for term in running.terms if (each := await _moved(session, command, running, term, migration))]
    except DomainError as error:
        return _said(command, "failed", str(error), migration=migration)
    if not moved:
        return _said(command, "skipped", "no period is left that is billed from the old prices", migration=migration)
    return await _effect(session, command, running, migration, moved)


def _said(command: Perform, status: str, why: str, *, migration: PriceMigrationRow | None = None) -> Effect:
    """The contract keeps its prices, and the migration knows why."""
    updates = [_place(command, migration, {"status": status, "error": why})] if migration is not None else []
    name = migration.name if migration is not None else "unknown"
    return Effect(
        outcome=PriceRefused(error=status, reason=why),
        updates=updates,
        told=[Told(text=f"Price migration {name}: the contract keeps its prices: {why}")],
    )


def _place(command: Perform, migration: PriceMigrationRow, values: dict[str, object]) -> Update:
    where = {"migration_id": migration.id, "deal_id": command.deal.id}
    return Update(PriceMigrationDealRow, {**values, "at": command.now}, where)


async def _moved(
    session: AsyncSession, command: Perform, running: Contract, term: Term, migration: PriceMigrationRow
) -> _Moved | None:
    """The rest of one term at the new prices; None where nothing of it is left, or it was not on the old ones."""
    deal, first = command.deal, term.billed
    version = await migrations.running_version(session, running.id, term.number)
    agreed = await migrations.running(session, running.id, term.number, deal.zone)
    book = await session.get(PriceBookRow, migration.to_book_id)
    if version is None or agreed is None or book is None:
        raise MissingReference(what=f"what term {term.number} was priced from")
    if first >= term.periods_before(running.cancel_on) or version.price_book_id != migration.from_book_id:
        return None
    quote = repriced(agreed, price_book.parse(book.content))
    new = Version(
        order_number=version.order_number,
        number=await _next_number(session, version),
        offers=QuoteOffers(offers=(("", quote),)),
        price_book_id=book.id,
        at=command.now,
        expires_at=local_midnight(term.ends_on, deal.zone),
        kind="migration",
        status="booked",
    ).row(deal)
    rows = [row for row in await contracts.lines(session, running.id, term.number) if row.kind in PER_PERIOD]
    return _Moved(
        difference=difference(agreed.quote, quote, from_period=first),
        starts_on=term.period(first).start,
        acv_minor=new.acv_minor,
        rows=[new, *rows_of(running.id, term.number, quote, _rest(quote, rows, first))],
        updates=[
            *(_cut(row, first) for row in rows if row.to_period is None or row.to_period > first),
            Update(ContractTermRow, {"quote_version_id": new.id}, {"contract_id": running.id, "term": term.number}),
        ],
    )


def _rest(quote: PricedQuote, rows: Sequence[ContractLineRow], first: int) -> list[PlanLine]:
    """What the new version bills by period from number `first` on. Its segments stand beside those that they replace."""
    starts = {row.line_no: row.starts_on for row in rows}
    segment = max((row.segment for row in rows), default=-1) + 1
    return [
        replace(
            line,
            segment=segment + line.segment,
            from_period=max(line.from_period, first),
            starts_on=starts.get(line.line_no),
        )
        for line in plan(quote)
        if line.kind in PER_PERIOD and line.to_period > first
    ]


def _cut(row: ContractLineRow, first: int) -> Update:
    """An old line bills nothing from number `first` on."""
    return Update(ContractLineRow, {"to_period": max(row.from_period, first)}, {"id": row.id})


async def _next_number(session: AsyncSession, version: QuoteVersionRow) -> int:
    made = await quotes.versions(session, version.deal_id)
    return max(each.version for each in made if each.order_number == version.order_number) + 1


async def _effect(
    session: AsyncSession, command: Perform, running: Contract, migration: PriceMigrationRow, moved: list[_Moved]
) -> Effect:
    deal, first = command.deal, moved[0]
    account = await session.get(AccountRow, deal.account_id)
    sums = {
        name: sum(getattr(each.difference, name) for each in moved)
        for name in ("rest_before_minor", "rest_after_minor")
    }
    sums |= {"before_minor": first.difference.before_minor, "after_minor": first.difference.after_minor}
    before, after = (text(Money(sums[name], deal.currency)) for name in ("before_minor", "after_minor"))
    day = first.starts_on
    rows: list[SQLModel] = [row for each in moved for row in each.rows]
    rows.append(
        OutboxRow(
            key=f"{command.step.key(deal.id)}/contract.repriced",
            topic="contract.repriced",
            deal_id=deal.id,
            at=command.now,
            payload={"deal": deal.id, "contract": running.id, "migration": migration.id, "from": day.isoformat()},
        )
    )
    if account is not None and before != after:
        body = (
            f"Dear {account.name},\n\nfrom {day} your contract costs {after} per period, net of tax (until then "
            f"{before}).\n"
        )
        subject = f"{deal.name}: new prices from {day}"
        key = command.step.key(deal.id)
        rows.append(MailRow(key=key, deal_id=deal.id, to_=account.email, subject=subject, body=body, at=command.now))
    told = Told(
        text=f"Price migration {migration.name}: {before} per period becomes {after} from {day}",
        amount_minor=sums["rest_after_minor"] - sums["rest_before_minor"],
        data={"migration": migration.id, **sums},
    )
    return Effect(
        outcome=Done(),
        rows=rows,
        updates=[
            *(u for each in moved for u in each.updates),
            _place(command, migration, {"status": "done", **sums, "error": ""}),
        ],
        told=[told],
        acv_minor=moved[-1].acv_minor,
    )
