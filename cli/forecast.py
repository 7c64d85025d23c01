"""`q2c deal forecast`: the dated steps of a whole term; of a file, without any server: priced here, played forward here."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from cli import show
from cli.client import api_of
from cli.coupon_file import load_coupons
from cli.deal_id import found
from cli.deal_page import zone_of
from cli.draft_file import Asked, asked, in_file
from cli.draft_file import day as day_of
from cli.home import FOLDER, Folder
from demo.load import load_price_book
from domain.deal import opened
from domain.document import content_hash
from domain.forecast import ForecastStep, forecast
from domain.money import Money, text
from domain.order import opened as order_of
from domain.outcome import Priced, Terms
from domain.preview.coming import agreed, bill
from domain.price_book import PriceBook
from domain.quote import price_offers
from domain.quote_draft import Draft
from domain.quote_version import PricedQuote, QuoteOffers, content
from domain.state import Deal

MORNING = 9  # o'clock: when a forecast without a server begins


def forecast_(
    what: Annotated[str, typer.Argument(help="A deal, or a file as for `deal open`.", metavar="DEAL|FILE")],
    until: Annotated[str, typer.Option(help="A date; the end of the term unless said.")] = "",
    price_book: Annotated[Path | None, typer.Option(help="With a FILE: the price book's file.")] = None,
    coupons: Annotated[Path | None, typer.Option(help="With a FILE: the file of the coupons that it names.")] = None,
    entity_zone: Annotated[str, typer.Option("--zone", help="With a FILE: the legal entity's time zone.")] = "UTC",
    on: Annotated[str, typer.Option(help="With a FILE: the day to begin with; today unless said.")] = "",
    folder: Folder = FOLDER,
) -> None:
    """What comes and when, to the end of the term, if all sign and pay. Nothing is changed, nobody is asked."""
    path = Path(what)
    if path.suffix in {".yaml", ".yml", ".json"} or path.is_file():
        said = asked(path, whole=False)
        begin = day_of(on, "--on") or datetime.now(tz=ZoneInfo(entity_zone)).date()
        book = load_price_book(price_book) if price_book is not None else said.price_book
        offers = _offers(said, book, coupons, begin)
        _of_file(said.name or path.stem, offers, entity_zone, begin, day_of(until, "--until"))
        return
    api = api_of(folder)
    id_ = found(api, what)
    told = api.get(f"/v1/deals/{id_}/forecast", until=until or None)
    _print(told["steps"], zone_of(api, api.get(f"/v1/deals/{id_}")), told["net_total"]["text"])


def _offers(said: Asked, book: PriceBook | None, coupons: Path | None, on: date) -> QuoteOffers:
    if book is None:
        raise typer.BadParameter("a file is priced from a price book's file", param_hint="--price-book")
    issued = load_coupons(coupons) if coupons is not None else {}
    with in_file(said):
        return price_offers(Draft.parse({"price_book": book.name, **said.draft}), book, on=on, coupons=issued)


def _of_file(name: str, offers: QuoteOffers, zone: str, on: date, until: date | None) -> None:
    """The recommended offer played forward: what each bill puts on its invoice, nothing being one less invoice."""
    steps = [
        (step, _billed(step, offers.headline))
        for step in forecast(_deal(offers, name=name, zone=zone, on=on), until=until)
    ]
    currency = offers.headline.currency
    lines = [
        {
            "at": step.at.isoformat(),
            "kind": step.kind,
            "text": step.text,
            "net": {"text": text(Money(net, currency))} if net is not None else None,
        }
        for step, net in steps
        if net is not None or step.of is None
    ]
    _print(lines, zone, text(Money(sum(net or 0 for _, net in steps), currency)))


def _billed(step: ForecastStep, quote: PricedQuote) -> int | None:
    """The net of a bill, in minor units; None where it bills nothing, or is none."""
    if step.of is None:
        return None
    lines = bill(agreed(quote, renewals=step.term - 1), step.of, step.number, periods=step.periods)
    return sum(line.amount_minor for line in lines) if lines else None


def _deal(offers: QuoteOffers, *, name: str, zone: str, on: date) -> Deal:
    """A deal that was opened on a morning and is priced, as it would stand at the server; nobody need approve it."""
    now = datetime(on.year, on.month, on.day, MORNING, tzinfo=ZoneInfo(zone))
    quote = offers.headline
    deal = opened(
        deal_id="d_forecast",
        name=name,
        entity_id="",
        account_id="",
        owner="",
        currency=quote.currency,
        zone=zone,
        virtual=True,
        now=now,
    )
    version = Priced(
        version=1,
        version_id="",
        content_hash=content_hash(content(offers)),
        expires_at=now + timedelta(days=quote.terms.valid_days),
        terms=Terms.of(offers.offers, offers.recommended),
        needs=(),
    )
    order = order_of(number=1, draft_id="", draft_hash="", by="", at=now).priced(version, now)
    return replace(deal, orders=(order,), next_order=2)


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
