"""What is printed of quotes: their waterfalls, what customers did on their pages, previews beside invoices, a price rise."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from demo.client import Json
from demo.compare import Pair
from demo.story import CaseStory, Story
from domain import money

PARTS = {
    "promotion": "promotion",
    "line_discount": "discounts",
    "group_discount": "discounts",
    "header_discount": "discounts",
    "coupon": "coupons",
    "partner": "partner",
}
QUOTED = ("list", "promotion", "discounts", "coupons", "partner", "net", "margin")


def quotes(console: Console, story: Story) -> None:
    """All of it; nothing where the book has no quotes of its own."""
    whole = [case for case in story.cases if case.deal.whole]
    if whole:
        _waterfalls(console, whole)
        _pages(console, [case for case in whole if case.shares is not None])
    _previews(console, story)
    for before, after in story.rises:
        _rise(console, before, after)
    if whole:
        _explained(console, whole)


def table(title: str, *left: str, right: Sequence[str] = (), last: Sequence[str] = ()) -> Table:
    """A plain table: columns of text, of figures, and of text that may wrap."""
    made = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for name in left:
        made.add_column(name, no_wrap=True)
    for name in right:
        made.add_column(name, justify="right", no_wrap=True)
    for name in last:
        made.add_column(name)
    return made


def _shown(console: Console, made: Table) -> None:
    if made.row_count:
        console.print(made)
        console.print()


def _text(minor: int, currency: str) -> str:
    return money.text(money.Money(minor, currency)) if minor else ""


def _offer(case: CaseStory) -> Json:
    """The offer that was picked, or the one that is recommended."""
    offers = case.version["offers"]
    chosen = [offer for offer in offers if offer["name"] == case.order["chosen"]]
    return (chosen or [offer for offer in offers if offer["recommended"]] or offers)[0]


def _waterfalls(console: Console, cases: Sequence[CaseStory]) -> None:
    made = table("What was quoted: from list to net, over the whole term", "deal", right=QUOTED)
    for case in cases:
        offer, currency = _offer(case), case.page["currency"]
        sums = dict.fromkeys(QUOTED, 0)
        for part in offer["waterfall"]:
            name = PARTS.get(part["part"], part["part"])
            sums[name] = sums.get(name, 0) + part["amount"]["minor"]
        margin = offer["totals"]["margin_percent"]
        figures = [_text(sums[name], currency) for name in QUOTED[:-1]]
        made.add_row(case.deal.name, *figures, f"{float(margin):.1f} %" if margin is not None else "")
    _shown(console, made)


def _pages(console: Console, cases: Sequence[CaseStory]) -> None:
    made = table("Shown by a link: what the customer did on the page", "deal", right=("looked",), last=("and then",))
    for case in cases:
        views = sum(len(link["views"]) for link in case.shares["links"])
        made.add_row(case.deal.name, f"{views} ×" if views else "never", "\n".join(_did(case)))
    _shown(console, made)


def _did(case: CaseStory) -> list[str]:
    """What the customer said, in its own words, and what it chose."""
    said = [f"asked “{each['text']}”, was told “{each['reply']}”" for each in case.shares["questions"]]
    versions = case.order["versions"]
    visits = case.deal.visits or ()
    said += [f"declined version 1: “{visit.text}”" for visit in visits if visit.action == "declines"]
    if case.order["chosen"]:
        offers = [f"{each['name']} ({each['totals']['tcv']['text']})" for each in case.version["offers"]]
        said.append(f"chose {case.order['chosen']} of {', '.join(offers)}")
    elif case.page["contract_id"]:
        said.append(f"accepted version {versions[-1]['version']}")
    return said or [f"the quote {versions[-1]['status']}"]


def _previews(console: Console, story: Story) -> None:
    """The preview from before the deal beside the invoices that were made."""
    made = table(
        "Previewed before the deal was opened, and invoiced since",
        "deal",
        right=("invoices", "previewed, net", "invoiced, net"),
        last=("",),
    )
    others = 0
    for case in story.cases:
        if not case.deal.whole:
            others += len(case.pairs)
        elif case.pairs:
            made.add_row(*_compared(case))
    _shown(console, made)
    pairs = [pair for case in story.cases for pair in case.pairs]
    same = sum(pair.equal for pair in pairs)
    text = f"{same} of {len(pairs)} invoices of first terms are what was previewed, to the cent"
    style = "green" if same == len(pairs) else "bold red"
    console.print(f"{text} ({others} of them of the rows of deals.csv).\n", style=style, highlight=False)


def _compared(case: CaseStory) -> list[str | Text]:
    currency = case.page["currency"]
    before, after = sum(pair.net[0] for pair in case.pairs), sum(pair.net[1] for pair in case.pairs)
    same = all(pair.equal for pair in case.pairs)
    verdict = Text("the same, line by line", style="green") if same else Text("DIFFERENT", style="bold red")
    return [case.deal.name, str(len(case.pairs)), _text(before, currency), _text(after, currency), verdict]


def _rise(console: Console, before: Json, after: Json) -> None:
    """What the preview of a price migration said, and what became of each contract."""
    made = table(
        f"Price migration “{before['name']}”: {before['from_book']} → {before['to_book']}",
        "account",
        right=("a period before", "after", "difference", "rest of the term"),
        last=("",),
    )
    came = {move["deal_id"]: move for move in after["deals"]}
    for move in before["deals"]:
        done = came[move["deal_id"]]
        figures = [move[name]["text"] for name in ("before", "after", "difference", "rest_difference")]
        if move["status"] == "skipped":
            figures = ["", "", "", ""]
        made.add_row(move["account"], *figures, done["status"] + (f": {done['error']}" if done["error"] else ""))
    whole = before["whole"]
    made.add_row("in all", *(whole[name]["text"] for name in ("before", "after", "difference", "rest_difference")))
    _shown(console, made)


def _explained(console: Console, cases: Sequence[CaseStory]) -> None:
    """The one invoice line that took most steps, with all of them."""
    lines = [(pair, line) for case in cases for pair in case.pairs for line in pair.invoice["lines"]]
    if lines:  # the longest one, of a charge with most to tell
        _explain(console, *max(lines, key=lambda each: _to_tell(each[1])))


def _to_tell(line: Json) -> tuple[int, int]:
    """How much there is to tell: steps of the charge, then all of them."""
    steps = line["explain"]
    own = next((i for i, step in enumerate(steps) if step.startswith("list ")), len(steps))
    return (len(steps), own)


def _explain(console: Console, pair: Pair, line: Json) -> None:
    console.print("One amount, explained", style="bold")
    what = f"{line['description']}, {line['quantity']} {line['unit_label']}"
    console.print(f"  {pair.invoice['number']}: {what}", highlight=False, markup=False)
    for step in line["explain"]:
        console.print(f"    {step}", highlight=False, markup=False)
    console.print(f"    = {line['amount']['text']}\n", highlight=False, markup=False)
