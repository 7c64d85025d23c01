"""What a price migration would change of each contract, in money: its unbilled periods re-priced by the same function as its run."""

from collections.abc import Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from domain import price_book as rules
from domain.errors import DomainError
from domain.price_book import PriceBook
from domain.price_migration import Difference, difference, repriced
from domain.state import Deal
from models import price_migration as migrations
from models.contract import ContractRow
from models.deal import DealRow
from models.price_book import PriceBookRow
from models.price_migration import PriceMigrationDealRow
from workflows.converter import from_json

NOTHING_LEFT = "every period that its contract still runs is billed"


async def moves_of(
    session: AsyncSession,
    migration_id: str,
    contracts: Sequence[ContractRow],
    from_book_id: str,
    to: PriceBookRow,
) -> list[PriceMigrationDealRow]:
    """One row per contract, pending with its figures; skipped where nothing is left to bill, failed where it cannot move."""
    book = rules.parse(to.content)
    return [await _move(session, migration_id, contract, from_book_id, book) for contract in contracts]


async def _move(
    session: AsyncSession, migration_id: str, contract: ContractRow, from_book_id: str, book: PriceBook
) -> PriceMigrationDealRow:
    row = PriceMigrationDealRow(migration_id=migration_id, deal_id=contract.deal_id, before_minor=0, after_minor=0)
    deal = await session.get(DealRow, contract.deal_id)
    state = None if deal is None else from_json(Deal, deal.state)
    if state is None or state.contract is None:
        row.status, row.error = "skipped", NOTHING_LEFT
        return row
    stop_on = state.contract.cancel_on
    open_terms = [term for term in state.contract.terms if term.billed < term.periods_before(stop_on)]
    found = []
    for term in open_terms:
        version = await migrations.running_version(session, contract.id, term.number)
        running = await migrations.running(session, contract.id, term.number, state.zone)
        if version is None or running is None or version.price_book_id != from_book_id:
            continue
        try:
            after = repriced(running, book)
        except DomainError as error:
            row.status, row.error = "failed", str(error)
            after = running.quote
        found.append(difference(running.quote, after, from_period=term.billed))
    if not found:
        row.status, row.error = "skipped", NOTHING_LEFT
    return _with(row, found)


def _with(row: PriceMigrationDealRow, found: Sequence[Difference]) -> PriceMigrationDealRow:
    """The next period is that of the first open term, the rest are all that are left in all of them."""
    if found:
        row.before_minor, row.after_minor = found[0].before_minor, found[0].after_minor
    row.rest_before_minor = sum(each.rest_before_minor for each in found)
    row.rest_after_minor = sum(each.rest_after_minor for each in found)
    return row
