"""The forecast of a deal: its dated steps to the end of the term if all sign and pay, with the net amount of each period."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession

from api.caller import Anyone
from api.deal import deal_row
from api.deal_page import AmountOut, amount
from api.schema import At, Id, Out
from api.store import Db
from domain.forecast import ForecastStep, forecast
from domain.quote import uplifted
from domain.quote_version import content, from_content
from domain.state import Deal
from models import contract as contracts
from models import quote as quotes
from models.quote import QuoteVersionRow
from workflows.converter import from_json

router = APIRouter(prefix="/v1/deals/{deal_id}/forecast", tags=["deals"])


class ForecastStepOut(Out):
    at: At
    kind: str = Field(examples=["bill"])
    subject: str
    text: str = Field(examples=["invoice for 2026-02-01 to 2026-02-28"])
    period_start: date | None = None
    period_end: date | None = Field(default=None, description="the last day of the period")
    net: AmountOut | None = Field(default=None, description="before tax; for invoices")


class ForecastOut(Out):
    deal_id: str
    steps: list[ForecastStepOut]
    net_total: AmountOut = Field(description="of the invoices above, before tax")


class _Amounts:
    """The net amount of one period, by term: the term's own version, or the last known one with its uplift."""

    def __init__(self, versions: Sequence[QuoteVersionRow], by_term: dict[int, str], open_version: str) -> None:
        self._contents = {row.id: row.content for row in versions}
        self._by_term = by_term
        self._open = open_version

    def of(self, term: int) -> int:
        """Minor units. A term that is not agreed yet costs what the one before costs, with the agreed uplift."""
        known = self._by_term.get(term)
        if known is None and term <= 1:
            known = self._open
        if known is not None:
            return from_content(self._contents[known]).totals.net_minor if known in self._contents else 0
        base = max((number for number in self._by_term if number < term), default=1)
        start = self._by_term.get(base, self._open)
        if start not in self._contents:
            return 0
        quote = from_content(self._contents[start])
        percent: Decimal = quote.terms.uplift_percent
        for _ in range(term - base):
            quote = uplifted(content(quote), percent)
        return quote.totals.net_minor


async def _amounts(session: AsyncSession, deal: Deal) -> _Amounts:
    versions = await quotes.versions(session, deal.id)
    terms = await contracts.terms(session, deal.contract.id) if deal.contract is not None else ()
    by_term = {row.term: row.quote_version_id for row in terms}
    open_version = next((order.version_id for order in deal.orders if order.version_id), "")
    return _Amounts(versions, by_term, open_version)


@router.get("")
async def show_forecast(
    deal_id: Id,
    _caller: Anyone,
    database: Db,
    until: Annotated[date | None, Query(description="the end of the running or coming term, unless said")] = None,
) -> ForecastOut:
    """Play the deal forward from where it stands: nothing is changed, nobody is asked."""
    row = await deal_row(database, deal_id)
    deal = from_json(Deal, row.state)
    async with database.session() as session:
        amounts = await _amounts(session, deal)
    steps = forecast(deal, until=until)
    nets = [amounts.of(step.term) for step in steps if step.period is not None]
    return ForecastOut(
        deal_id=deal_id,
        steps=[_out(step, amounts, deal.currency) for step in steps],
        net_total=amount(sum(nets), deal.currency),
    )


def _out(step: ForecastStep, amounts: _Amounts, currency: str) -> ForecastStepOut:
    known = {"at": step.at, "kind": step.kind, "subject": step.subject, "text": step.text}
    if step.period is None:
        return ForecastStepOut.model_validate(known)
    return ForecastStepOut.model_validate(
        {
            **known,
            "period_start": step.period.start,
            "period_end": step.period.last_day,
            "net": amount(amounts.of(step.term), currency),
        }
    )
