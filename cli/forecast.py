"""`q2c deal forecast`: the dated steps of a whole term; of a file, without any server: priced here, played forward here."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from cli import show
from cli.client import api_of
from cli.deal_id import found
from cli.deal_page import zone_of
from cli.draft_file import asked, in_file
from cli.draft_file import day as day_of
from cli.home import FOLDER, Folder
from demo.load import load_price_book
from domain import quote
from domain.deal import opened
from domain.document import content_hash
from domain.forecast import ForecastStep, forecast
from domain.money import Money, text
from domain.order import opened as order_of
from domain.outcome import Priced, Terms
from domain.price_book import PriceBook
from domain.quote_draft import Draft
from domain.quote_version import PricedQuote, content
from domain.state import Deal

MORNING = 9  # o'clock: when a forecast without a server begins


def forecast_(
    what: Annotated[str, typer.Argument(help="A deal, or a file as for `deal open`.", metavar="DEAL|FILE")],
    until: Annotated[str, typer.Option(help="A date; the end of the term unless said.")] = "",
    price_book: Annotated[Path | None, typer.Option(help="With a FILE: the price book's file.")] = None,
    entity_zone: Annotated[str, typer.Option("--zone", help="With a FILE: the legal entity's time zone.")] = "UTC",
    on: Annotated[str, typer.Option(help="With a FILE: the day to begin with; today unless said.")] = "",
    folder: Folder = FOLDER,
) -> None:
    """What comes and when, to the end of the term, if all sign and pay. Nothing is changed, nobody is asked."""
    path = Path(what)
    if path.suffix in {".yaml", ".yml", ".json"} or path.is_file():
        if price_book is None:
            raise typer.BadParameter("a file is priced from a price book's file", param_hint="--price-book")
        _of_file(path, price_book, entity_zone, day_of(on, "--on"), day_of(until, "--until"))
        return
    api = api_of(folder)
    id_ = found(api, what)
    said = api.get(f"/v1/deals/{id_}/forecast", until=until or None)
    _print(said["steps"], zone_of(api, api.get(f"/v1/deals/{id_}")), said["net_total"]["text"])


def _of_file(path: Path, book_path: Path, zone: str, on: date | None, until: date | None) -> None:
    said = asked(path, whole=False)
    book = load_price_book(book_path)
    day = on or datetime.now(tz=ZoneInfo(zone)).date()
    with in_file(said):
        priced = quote.price(Draft.parse(said.draft), book, on=day)
    deal = deal_of(priced, book, name=said.name or path.stem, zone=zone, on=day)
    net = priced.totals.net_minor
    steps = forecast(deal, until=until)
    total = net * sum(step.period is not None for step in steps)
    lines = [_line(step, net, priced.currency) for step in steps]
    _print(lines, zone, text(Money(total, priced.currency)))


def deal_of(priced: PricedQuote, book: PriceBook, *, name: str, zone: str, on: date) -> Deal:
    """A deal that was opened on a morning and is priced, as it would stand at the server; nobody need approve it."""
    now = datetime(on.year, on.month, on.day, MORNING, tzinfo=ZoneInfo(zone))
    deal = opened(
        deal_id="d_forecast",
        name=name,
        entity_id="",
        account_id="",
        owner="",
        currency=book.currency,
        zone=zone,
        virtual=True,
        now=now,
    )
    terms = priced.terms
    agreed = Terms(
        currency=priced.currency,
        acv_minor=priced.totals.acv_minor,
        term_months=terms.term_months,
        interval_months=terms.interval_months,
        start=terms.start,
        method=terms.method,
        net_days=terms.net_days,
        auto_renew=terms.auto_renew,
        notice_days=terms.notice_days,
    )
    version = Priced(
        version=1,
        version_id="",
        content_hash=content_hash(content(priced)),
        expires_at=now + timedelta(days=terms.valid_days),
        terms=agreed,
        needs=(),
    )
    order = order_of(number=1, draft_id="", draft_hash="", by="", at=now).priced(version, now)
    return replace(deal, orders=(order,), next_order=2)


def _line(step: ForecastStep, net_minor: int, currency: str) -> dict[str, Any]:
    net = {"text": text(Money(net_minor, currency))} if step.period is not None else None
    return {"at": step.at.isoformat(), "kind": step.kind, "text": step.text, "net": net}


def _print(steps: list[dict[str, Any]], zone: str, total: str) -> None:
    made = show.table("when", "step", "what", "net", right=("net",), whole=("when", "step"))
    for step in steps:
        made.add_row(
            show.instant(step["at"], zone), step["kind"], step["text"], step["net"]["text"] if step["net"] else ""
        )
    out = show.console()
    out.print(f"If all sign and pay; times in {zone}, amounts before tax", style="dim")
    show.put(out, made)
    out.print(f"invoiced in all: {total}", style="bold")
