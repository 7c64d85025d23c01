"""A priced quote in a terminal: offers side by side, lines with how they came about, the waterfall, what would be billed."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli import show

Told = dict[str, Any]

PART = {
    "list": "list",
    "promotion": "promotion",
    "line_discount": "line discount",
    "group_discount": "group discount",
    "header_discount": "header discount",
    "coupon": "coupons",
    "partner": "partner margin",
    "uplift": "uplift",
    "net": "net",
}
FIGURES = (
    ("ACV", "acv"),
    ("TCV", "tcv"),
    ("first year", "first_year"),
    ("a full first period", "first_period"),
    ("recurring", "recurring"),
    ("one-time", "one_time"),
    ("milestones", "milestones"),
    ("usage, committed", "usage_committed"),
    ("usage, estimated", "usage_estimate"),
)
ALWAYS = frozenset({"acv", "tcv", "first_year"})
BILLED = {1: "monthly", 3: "quarterly", 12: "yearly"}
STARTS = {"provisioning": "when provisioned", "signature": "when signed"}


def print_quote(out: Console, offers: Sequence[Told]) -> None:
    """All offers side by side, then each with its lines and its waterfall."""
    heading(out, "Alternatives" if len(offers) > 1 else "Totals")
    print_side_by_side(out, offers)
    for offer in offers:
        heading(out, f"{named(offer)}lines, for a period")
        print_lines(out, offer)
        heading(out, f"{named(offer)}waterfall of the whole term")
        print_waterfall(out, offer)


def heading(out: Console, said: str) -> None:
    """What follows."""
    out.print()
    out.print(Text(said[:1].upper() + said[1:], style=show.BOLD))


def named(offer: Told) -> str:
    """The alternative before what is said of it; nothing where there is but one offer."""
    return f"{offer['name']}: " if offer["name"] else ""


def print_side_by_side(out: Console, offers: Sequence[Told]) -> None:
    """Alternatives in columns: how long, how billed, what they come to."""
    names = [_title(each) for each in offers]
    made = show.table("", *names, right=names, heading=len(offers) > 1)
    made.add_row("term", *(_term(each) for each in offers))
    for name, key in FIGURES:
        figures = [each["totals"][key] for each in offers]
        if key in ALWAYS or any(figure["minor"] for figure in figures):
            made.add_row(name, *(figure["text"] for figure in figures))
    made.add_row("discount", *(f"{each['totals']['discount_percent']} %" for each in offers))
    if any(each["totals"]["margin_percent"] is not None for each in offers):
        made.add_row("margin", *(_margin(each["totals"]) for each in offers))
    show.put(out, made, 2)


def _title(offer: Told) -> str:
    return (offer["name"] or "offer") + (" (recommended)" if offer["recommended"] and offer["name"] else "")


def _term(offer: Told) -> str:
    terms = offer["terms"]
    return f"{terms['term_months']} months, billed {BILLED[terms['interval_months']]}"


def _margin(totals: Told) -> str:
    return "" if totals["margin_percent"] is None else f"{totals['margin_percent']} %"


def print_lines(out: Console, offer: Told) -> None:
    """Every line with its segments: from list to net, and how the list amount came about."""
    made = show.table("", "what", "quantity", "list", "net", right=("quantity", "list", "net"))
    group = ""
    for line in offer["lines"]:
        if line["group"] != group:
            group = line["group"]
            made.add_row("", Text(group or "others", style=show.BOLD))
        what = Text(line["description"]) + Text(f"  {_remarks(line)}", style=show.DIM)
        for number, segment in enumerate(line["segments"]):
            first = number == 0
            several = len(line["segments"]) > 1
            named = what if first else Text("")
            if several and first:
                made.add_row(str(line["line_no"]), named)
            span = Text(f"  months {segment['from_month']}–{segment['to_month']}") if several else named
            _segment(made, "" if several else str(line["line_no"]), span, line, segment)
    show.put(out, made, 2)


def _segment(made: Table, number: str, what: Text, line: Told, segment: Told) -> None:
    parts = {each["part"]: each["amount"] for each in segment["waterfall"]}
    quantity = f"{segment['quantity']} {line['unit']}".strip()
    made.add_row(number, what, quantity, parts["list"]["text"], segment["net"]["text"])
    for step in segment["explain"]:
        made.add_row("", Text(f"    {step}", style=show.DIM))
    taken = [f"{PART[name]} {amount['text']}" for name, amount in parts.items() if name not in {"list", "net"}]
    if taken:
        made.add_row("", Text(f"    {', '.join(taken)}", style=show.DIM))
    if segment["usage_estimate"]:
        made.add_row("", Text(f"    expected usage: {segment['usage_estimate']['text']} a period", style=show.DIM))
    if segment["below_floor"]:
        made.add_row("", Text("    below the floor of the price book", style="yellow"))


def _remarks(line: Told) -> str:
    """What a line is, where it is more than a recurring charge from the term's start, billed in advance."""
    said = [f"{name} {value}" for name, value in line["attributes"].items()]
    if line["kind"] != "recurring":
        said.append({"one_time": "once", "usage": "by usage", "milestone": "when reached"}[line["kind"]])
    if line["milestone"]:
        said.append(f"milestone {line['milestone']}")
    if line["timing"] == "arrears" and line["kind"] == "recurring":
        said.append("in arrears")
    if line["start"]:
        said.append(STARTS.get(line["start"], f"from {line['start']}"))
    if line["promotion"]:
        said.append(f"promotion {line['promotion']}")
    return ", ".join(said)


def print_waterfall(out: Console, offer: Told) -> None:
    """The whole term from list to net."""
    made = show.table("part", "amount", right=("amount",), heading=False)
    for each in offer["waterfall"]:
        style = show.BOLD if each["part"] == "net" else ""
        made.add_row(Text(PART[each["part"]], style=style), Text(each["amount"]["text"], style=style))
    show.put(out, made, 2)


def print_approvals(out: Console, approvals: Sequence[Told] | None) -> None:
    """Who would have to approve, and why."""
    if approvals is None:
        out.print(Text("  not known: name the policy's file with --policy", style=show.DIM))
        return
    if not approvals:
        out.print(Text("  nobody: it goes out as it is", style="green"))
        return
    made = show.table("level", "group", "because", "then")
    for need in approvals:
        patience = f"reminded after {need['remind_after_hours']} h"
        if need["escalate_to"]:
            patience += f", to {need['escalate_to']} after {need['escalate_after_hours']} h"
        made.add_row(str(need["level"]), Text(need["group"], style="yellow"), "; ".join(need["reasons"]), patience)
    show.put(out, made, 2)


def print_invoices(out: Console, offer: Told) -> None:
    """Every invoice of the term by date; lines that are the same as on the invoice before are not told again."""
    made = show.table("on", "for", "what", "quantity", "net", right=("quantity", "net"), whole=("on", "for"))
    before: object = None
    for invoice in offer["invoices"]:
        lines = [_billed(each, invoice) for each in invoice["lines"]]
        span = f"{invoice['period_start']} until {invoice['period_end']}"
        same = lines == before
        what = Text("as before", style=show.DIM) if same else ""
        made.add_row(invoice["on"], span, what, "", Text(invoice["net"]["text"], style=show.BOLD))
        if not same:
            show.rows(made, [("", "", *each) for each in lines])
        before = lines
    for each in offer["milestones"]:
        made.add_row("when reached", "", Text(f"milestone {each['milestone']}"), "", each["net"]["text"])
    show.put(out, made, 2)


def _billed(line: Told, invoice: Told) -> tuple[str, str, str]:
    """A line's cells; where its days are not the invoice's own, it says which."""
    start, end = line["period_start"], line["period_end"]
    days = f" ({start} until {end})"
    if (start, end) == (invoice["period_start"], invoice["period_end"]):
        days = ""
    elif end == invoice["period_start"]:
        days = " (the period before)"
    elif date.fromisoformat(end) - date.fromisoformat(start) == timedelta(days=1):
        days = " (once)"
    return line["description"] + days, f"{line['quantity']} {line['unit_label']}".strip(), line["amount"]["text"]
