"""What a step needs and does not find in the books."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.errors import NotFound
from domain.order import Order
from models.account import AccountRow
from models.entity import LegalEntityRow
from models.quote import QuoteVersionRow
from workflows.stubs import Perform


@dataclass(kw_only=True, eq=False)
class MissingReference(NotFound):
    """A price book, a policy, a draft, a tax rate … is not there; the step parks until it is, and is retried."""

    what: str
    hint: str = "load it through the API, then revise or retry"

    @property
    def text(self) -> str:
        return f"{self.what} is not there"


def order_of(command: Perform) -> Order:
    """The order that the step is about. Raises MissingReference."""
    order = command.deal.order(command.step.subject)
    if order is None:
        raise MissingReference(what=f"the order {command.step.subject}")
    return order


async def version_of(
    session: AsyncSession, command: Perform, order: Order
) -> tuple[QuoteVersionRow, LegalEntityRow, AccountRow]:
    """The order's present version, who sells and who buys, in one question. Raises MissingReference."""
    deal = command.deal
    query = (
        select(QuoteVersionRow, LegalEntityRow, AccountRow)
        .select_from(QuoteVersionRow)
        .join(LegalEntityRow, col(LegalEntityRow.id) == deal.entity_id)
        .join(AccountRow, col(AccountRow.id) == deal.account_id)
        .where(col(QuoteVersionRow.id) == order.version_id)
    )
    found = (await session.exec(query)).first()
    if found is None:
        raise MissingReference(what="the version, its entity or its account")
    return found
