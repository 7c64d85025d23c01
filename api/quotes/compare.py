"""Two quote versions compared: what changed in lines and terms, and what it comes to in money, as data and in words."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from api.amount import AmountOut, amount
from api.caller import Anyone
from api.errors import Refusal, missing
from api.schema import Out
from api.store import Db
from domain.quote_diff import FieldChange, LineChange, MoneyChange, OfferChange, diff
from models.database import Database
from models.quote import QuoteVersionRow

router = APIRouter(prefix="/v1/quote-versions", tags=["quotes"])

Id = Annotated[str, Query(min_length=1, max_length=100)]


class FieldChangeOut(Out):
    name: str = Field(examples=["net_days"])
    before: str
    after: str


class MoneyChangeOut(Out):
    before: AmountOut
    after: AmountOut
    delta: AmountOut


class LineChangeOut(Out):
    what: str = Field(description="added, removed or changed")
    product: str
    charge: str
    description: str
    before_line: int = Field(description="its number in the earlier version; 0: it is not there")
    after_line: int
    fields: list[FieldChangeOut]
    net: MoneyChangeOut = Field(description="of the first billing period; of what is paid once, the whole")
    over_term: MoneyChangeOut
    text: str


class OfferChangeOut(Out):
    name: str
    what: str = Field(description="added, removed, changed or same")
    terms: list[FieldChangeOut]
    lines: list[LineChangeOut]
    per_period: MoneyChangeOut = Field(description="of the first billing period")
    acv: MoneyChangeOut
    tcv: MoneyChangeOut
    texts: list[str] = Field(description="all of it in words, the money first")


class ComparedOut(Out):
    """Amounts are net of tax, later less earlier."""

    from_: str = Field(serialization_alias="from", description="the earlier version")
    to: str
    currency: str
    offers: list[OfferChangeOut]


@router.get("/compare")
async def compare(_caller: Anyone, database: Db, to: Id, from_: Annotated[Id, Query(alias="from")]) -> ComparedOut:
    """What changed from one version to another, offer by offer. They may be of different deals, in one currency."""
    before, after = await _version(database, from_), await _version(database, to)
    if before.currency != after.currency:
        raise Refusal(
            409,
            "CurrenciesDiffer",
            f"the versions are in {before.currency} and {after.currency}",
            where="to",
            hint="compare versions in one currency",
        )
    offers = [_offer(each) for each in diff(before.content, after.content)]
    return ComparedOut(from_=before.id, to=after.id, currency=after.currency, offers=offers)


async def _version(database: Database, version_id: str) -> QuoteVersionRow:
    async with database.session() as session:
        row = await session.get(QuoteVersionRow, version_id)
    if row is None:
        raise missing("quote version", version_id)
    return row


def _offer(change: OfferChange) -> OfferChangeOut:
    return OfferChangeOut(
        name=change.name,
        what=change.what,
        terms=_fields(change.terms),
        lines=[_line(each, change.currency) for each in change.lines],
        per_period=_money(change.per_period, change.currency),
        acv=_money(change.acv, change.currency),
        tcv=_money(change.tcv, change.currency),
        texts=list(change.texts),
    )


def _line(change: LineChange, currency: str) -> LineChangeOut:
    return LineChangeOut(
        what=change.what,
        product=change.product,
        charge=change.charge,
        description=change.description,
        before_line=change.before_line,
        after_line=change.after_line,
        fields=_fields(change.fields),
        net=_money(change.net, currency),
        over_term=_money(change.over_term, currency),
        text=change.text,
    )


def _fields(changes: tuple[FieldChange, ...]) -> list[FieldChangeOut]:
    return [FieldChangeOut.model_validate(each) for each in changes]


def _money(change: MoneyChange, currency: str) -> MoneyChangeOut:
    return MoneyChangeOut(
        before=amount(change.before_minor, currency),
        after=amount(change.after_minor, currency),
        delta=amount(change.delta_minor, currency),
    )
