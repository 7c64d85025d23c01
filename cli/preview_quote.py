"""`q2c preview quote FILE`: a quote file priced here, without server, database or network, and all that would come of it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from cli import show
from cli.coupon_file import load_coupons
from cli.draft_file import Asked, asked, day, in_file
from cli.quote_page import heading, named, print_approvals, print_invoices, print_quote
from cli.trouble import Trouble
from demo.load import load_approval_policy, load_price_book
from domain.preview import told
from domain.preview.offers import previewed
from domain.price_book import PriceBook
from domain.quote_draft import Draft

File = Annotated[Path, typer.Argument(help="YAML or JSON, as for `deal open`; name and account may be left out.")]
BookFile = Annotated[Path | None, typer.Option(help="The price book's file, where the quote's file names none.")]
PolicyFile = Annotated[Path | None, typer.Option(help="The approval policy's file: who would have to approve?")]
CouponsFile = Annotated[Path | None, typer.Option(help="The file of the coupons that may be used.")]


def quote(
    file: File,
    price_book: BookFile = None,
    policy: PolicyFile = None,
    coupons: CouponsFile = None,
    on: Annotated[str, typer.Option(help="The day of pricing; today unless said.")] = "",
    starts: Annotated[str, typer.Option(help="The day the term starts; that of pricing unless said.")] = "",
    segment: Annotated[str, typer.Option(help="The account's segment.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Everything, for machines.")] = False,
) -> None:
    """What a quote file comes to: waterfall, totals, approvals, every invoice of its term. Nothing is stored."""
    said = asked(file, whole=False)
    book = price_book_of(said, price_book)
    rules = load_approval_policy(policy) if policy is not None else None
    issued = load_coupons(coupons) if coupons is not None else {}
    with in_file(said):
        found = previewed(
            Draft.parse({"price_book": book.name, **said.draft}),
            book,
            on=day(on, "--on") or datetime.now(tz=UTC).date(),
            starts_on=day(starts, "--starts"),
            policy=rules,
            coupons=issued,
            segment=segment,
        )
    shown = told.preview(found)
    if as_json:
        print(json.dumps(shown, ensure_ascii=False))
    else:
        _print(show.console(), said.name or file.stem, shown)


def price_book_of(said: Asked, file: Path | None) -> PriceBook:
    """The price book that the option or the quote's file names. Raises Trouble where neither does, FileProblems."""
    book = load_price_book(file) if file is not None else said.price_book
    if book is None:
        raise Trouble(
            "a file is priced from a price book's file",
            where=said.at("price_book"),
            mend="name it with --price-book, or let price_book be its path",
        )
    return book


def _print(out: Console, name: str, shown: dict[str, Any]) -> None:
    offers = shown["offers"]
    out.print(Text(name, style=show.BOLD))
    book = f"{shown['price_book']}, version {shown['price_book_version']}"
    out.print(f"  priced from {book}, on {shown['on']}; the term from {shown['starts_on']}; net of tax", style=show.DIM)
    print_quote(out, offers)
    heading(out, "Approvals")
    print_approvals(out, shown["approvals"])
    for offer in offers:
        heading(out, f"{named(offer)}invoices")
        print_invoices(out, offer)
