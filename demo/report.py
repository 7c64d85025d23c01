"""What is printed when the play is over: each deal's timeline, invoices and payments, the books, the outside's count, where to look."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from demo.approved import Kept, approvals, shown
from demo.client import Json
from demo.expect import expected
from demo.furnish import House
from demo.quoted import quotes
from demo.story import Books, CaseStory, Story
from demo.timeline import lines_of
from domain import money
from domain.calendar import local_date

STYLES = {"active": "green", "suspended": "yellow", "ended": "dim", "quote": "yellow"}


def report(console: Console, house: House, story: Story, kept: Sequence[Kept], wrong: Sequence[str]) -> None:
    """Print all of it."""
    console.print()
    for case in story.cases:
        _deal(console, house, case)
    _ends(console, story)
    quotes(console, story)
    approvals(console, house, story, kept)
    _invoices(console, story)
    for books in story.books:
        _balance(console, books)
    _outside(console, story)
    _verdict(console, wrong)


def _minor(minor: int, currency: str) -> str:
    return money.text(money.Money(minor, currency))


def _deal(console: Console, house: House, case: CaseStory) -> None:
    """The timeline of one deal: one line per fact, the seller's local date where it changes."""
    page = case.page
    title = Text(case.deal.name, style="bold")
    title.append(f"  {page['account_name']} · {page['acv']['text']} a year · {page['owner']}", style="dim")
    console.print(title, soft_wrap=True)
    zone = house.book.entities[case.deal.entity].zone
    people = house.book.people

    def day(fact: Json) -> date:
        return local_date(datetime.fromisoformat(fact["at"]), zone)

    def name(email: str) -> str:
        return people[email].name if email in people else ""

    for on, lines in groupby(lines_of(case.timeline, day, name), key=lambda line: line.day):
        shown = str(on)
        for line in lines:
            console.print(f"  {shown:10}  {line.text}", highlight=False, markup=False, soft_wrap=True)
            shown = ""
    console.print(f"  → {page['stage']}, waits for {page['waits_for']}\n", style=STYLES.get(page["stage"], ""))


def _ends(console: Console, story: Story) -> None:
    table = Table(
        title=f"Where the deals are on {story.ends_at:%Y-%m-%d}",
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
    )
    for name in ("deal", "a year", "stage", "fate"):
        table.add_column(name, justify="right" if name == "a year" else "left", no_wrap=name != "fate")
    for case in story.cases:
        stage = Text(case.page["stage"], style=STYLES.get(case.page["stage"], ""))
        table.add_row(case.deal.name, case.page["acv"]["text"], stage, expected(case.deal, story.today(case.deal)).why)
    console.print(table)
    console.print()


def _invoices(console: Console, story: Story) -> None:
    """One row per deal: the numbers of its invoices and its money."""
    table = Table(title="Invoices and payments", title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("deal", no_wrap=True)
    table.add_column("invoices", no_wrap=True)
    for name in ("invoiced", "paid", "open", "given up", "charges", "declined"):
        table.add_column(name, justify="right", no_wrap=True)
    for case in story.cases:
        if case.invoices:
            table.add_row(*_money_row(case))
    console.print(table)
    console.print()


def _money_row(case: CaseStory) -> list[str]:
    currency = case.page["currency"]
    total = sum(i["total"]["minor"] for i in case.invoices)
    paid = sum(i["paid"]["minor"] for i in case.invoices)
    rest = dict.fromkeys(("open", "uncollectible"), 0)
    for invoice in case.invoices:
        if invoice["status"] in rest:
            rest[invoice["status"]] += invoice["total"]["minor"] - invoice["paid"]["minor"]
    numbers = [i["number"] for i in case.invoices]
    declined = sum(a["status"] in {"declined", "failed"} for a in case.attempts)
    return [
        case.deal.name,
        f"{len(numbers)} from {numbers[0]}",
        _minor(total, currency),
        _minor(paid, currency),
        _minor(rest["open"], currency) if rest["open"] else "",
        _minor(rest["uncollectible"], currency) if rest["uncollectible"] else "",
        str(len(case.attempts) or ""),
        str(declined or ""),
    ]


def _balance(console: Console, books: Books) -> None:
    name = books.sandbox.entity.name
    if not books.balance:
        console.print(f"Nothing was posted in the books of {name}.\n")
        return
    table = Table(title=f"Trial balance of {name}", title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("account", no_wrap=True)
    for column in ("debit", "credit", "balance"):
        table.add_column(column, justify="right", no_wrap=True)
    rows = sorted(books.balance, key=lambda row: (row["currency"], row["account"]))
    for currency, group in groupby(rows, key=lambda row: row["currency"]):
        for row in group:
            table.add_row(row["account"], row["debit"]["text"], row["credit"]["text"], row["balance"]["text"])
        total = books.sums[currency]
        verdict = "sums to zero" if total == 0 else "DOES NOT SUM TO ZERO"
        table.add_row(
            Text(verdict, style="green" if total == 0 else "bold red"),
            "",
            "",
            _minor(total, currency),
            end_section=True,
        )
    console.print(table)
    console.print()


def _outside(console: Console, story: Story) -> None:
    """Money in: our receipts beside what the card gateway and the bank say themselves."""
    title = "Money in, by our books and by the outside's own count"
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for name in ("seller", "from"):
        table.add_column(name, no_wrap=True)
    for name in ("our receipts", "their count"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    for books in story.books:
        for source in ("card", "bank"):
            ours, theirs = books.ours[source], books.outside[source]
            for currency in sorted({*ours, *theirs}):
                mine, other = ours.get(currency, (0, 0)), theirs.get(currency, (0, 0))
                same = Text("the same", style="green") if mine == other else Text("DIFFERENT", style="bold red")
                table.add_row(
                    books.sandbox.entity.name, source, _counted(mine, currency), _counted(other, currency), same
                )
    console.print(table)
    console.print()


def _counted(total: tuple[int, int], currency: str) -> str:
    return f"{total[0]} × = {_minor(total[1], currency)}" if total[0] else "none"


def _verdict(console: Console, wrong: Sequence[str]) -> None:
    if not wrong:
        console.print("Every deal came to what its customers' behaviour had in store.", style="green")
        return
    console.print(f"{len(wrong)} things are not as the fates say:", style="bold red")
    for line in wrong:
        console.print(f"  {line}", style="red", markup=False, highlight=False, soft_wrap=True)


def further(console: Console, house: House, story: Story, kept: Sequence[Kept]) -> None:
    """Where to look next."""
    count = sum(len(case.invoices) for case in story.cases)
    console.print("\nWhere to look next", style="bold")
    for line in (
        f"demo/deals.csv, quotes/ the {len(house.book.deals)} deals and their fates; change one and play again",
        "demo/approvals.yaml     what approvers do, and what their evidence must tell; the matrix is demo/policies/approval.yaml",
        *(
            f"q2c deal evidence       of an approval, checked: .venv/bin/q2c deal evidence --verify {shown(each.document)}"
            for each in kept
        ),
        "q2c preview quote       a quote without a server: .venv/bin/q2c preview quote demo/quotes/three-offers.yaml",
        f"make demo SERVE=1       the same, left up: its {count} invoices as PDF, a customer's and an approver's page, the API's docs",
        "docs/one-deal.md        one deal, file by file, from quote to cash",
        "make up                 a system of your own, with its data in ./.q2c; `q2c --help`",
    ):
        console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
