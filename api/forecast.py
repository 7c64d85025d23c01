"""The forecast of a deal: its dated steps to the end of the term if all sign and pay, with what each bill invoices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession

from api.amount import AmountOut, amount
from api.caller import Anyone
from api.deal import deal_row
from api.schema import At, Id, Out
from api.store import Db
from domain.billing_plan import PlanLine
from domain.forecast import ForecastStep, forecast
from domain.invoice import InvoiceLine
from domain.preview.coming import agreed, bill
from domain.quote_version import PricedQuote, offer, offers
from domain.state import Deal
from models import contract as contracts
from models import quote as quotes
from models.contract import ContractLineRow
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plans:
    """What each term bills: as it was booked, else by the version that is offered, else as the term before, uplifted."""

    versions: Mapping[str, QuoteVersionRow]
    terms: Mapping[int, str]  # version by term
    booked: Mapping[int, Sequence[ContractLineRow]]
    offered: str
    _known: dict[int, tuple[PlanLine, ...]] = field(default_factory=dict)

    def of(self, step: ForecastStep) -> tuple[PlanLine, ...]:
        """The plan of a bill's term; none where nothing is known of it."""
        if step.term not in self._known:
            self._known[step.term] = self._read(step)
        return self._known[step.term]

    def _read(self, step: ForecastStep) -> tuple[PlanLine, ...]:
        if step.of is not None and (rows := self.booked.get(step.term)):
            return tuple(contracts.plan_line(row.model_dump(), periods=step.of.periods) for row in rows)
        base = max((number for number in self.terms if number < step.term), default=1)
        version = self.versions.get(self.terms.get(base, self.offered))
        if version is None:
            return ()
        return agreed(_offer(version), renewals=step.term - base)

    def bill(self, step: ForecastStep) -> tuple[InvoiceLine, ...]:
        """What a bill puts on its invoice."""
        if step.of is None:
            return ()
        return bill(self.of(step), step.of, step.number, periods=step.periods)


def _offer(version: QuoteVersionRow) -> PricedQuote:
    """The offer of a version: the one that the customer chose, or the recommended one while the choice is open."""
    if version.alternative:
        return offer(version.content, version.alternative)
    return offers(version.content).headline


async def _plans(session: AsyncSession, deal: Deal) -> _Plans:
    versions = await quotes.versions(session, deal.id)
    terms = await contracts.terms(session, deal.contract.id) if deal.contract is not None else ()
    booked = {row.term: await contracts.lines(session, row.contract_id, row.term) for row in terms}
    return _Plans(
        versions={row.id: row for row in versions},
        terms={row.term: row.quote_version_id for row in terms},
        booked=booked,
        offered=next((order.version_id for order in deal.orders if order.version_id), ""),
    )


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
        plans = await _plans(session, deal)
    steps = [(step, plans.bill(step)) for step in forecast(deal, until=until)]
    nets = [sum(line.amount_minor for line in lines) for _, lines in steps]
    return ForecastOut(
        deal_id=deal_id,
        steps=[_out(step, lines, deal.currency) for step, lines in steps if lines or step.of is None],
        net_total=amount(sum(nets), deal.currency),
    )


def _out(step: ForecastStep, lines: Sequence[InvoiceLine], currency: str) -> ForecastStepOut:
    known = {"at": step.at, "kind": step.kind, "subject": step.subject, "text": step.text}
    if step.period is None:
        return ForecastStepOut.model_validate(known)
    return ForecastStepOut.model_validate(
        {
            **known,
            "period_start": step.period.start,
            "period_end": step.period.last_day,
            "net": amount(sum(line.amount_minor for line in lines), currency),
        }
    )
