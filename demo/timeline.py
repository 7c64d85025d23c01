"""A deal's timeline as a person reads it: what belongs together in one line, and what only repeats itself told once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from demo.client import Json

PROVISIONED = "Provisioned "
FEWEST = 3  # invoices that went the same smooth way, until they are told as one
_SMOOTH = re.compile(r"Under way: |Reminder 1 to .* is due on ")
_ID = re.compile(r" (qd|pm)_[a-z2-7]{26}")
_INVOICE = re.compile(r"Invoice (\S+) for ")


@dataclass(slots=True)
class Line:
    """One line: `day` is the seller's local date. `smooth`: an invoice that was simply paid, its number and its amount."""

    day: date
    text: str
    smooth: tuple[str, str] | None = None


def lines_of(facts: Sequence[Json], day: Callable[[Json], date], name: Callable[[str], str]) -> list[Line]:
    """The timeline; `day` is a fact's local date, `name` the name of a person of ours ('' for everybody else)."""
    lines: list[Line] = []
    for invoice in _by_invoice(facts):
        first, *later = invoice
        number = _INVOICE.match(str(first["text"]))
        if number and _simply_paid(first, later):
            days = {day(fact) for fact in invoice}
            text = f"{first['text']}; paid" + ("" if len(days) == 1 else f" on {max(days)}")
            lines.append(Line(day(first), text, (number[1], first["amount"]["text"])))
        else:
            for fact in invoice:
                _add(lines, fact, day(fact), name(str(fact["actor"])))
    return _told_once(lines)


def _add(lines: list[Line], fact: Json, on: date, person: str) -> None:
    text = _ID.sub("", str(fact["text"]))
    if lines and lines[-1].text.startswith(PROVISIONED) and text.startswith(PROVISIONED) and lines[-1].day == on:
        lines[-1].text += f", {text.removeprefix(PROVISIONED)}"
    else:
        lines.append(Line(on, f"{text} ({person})" if person else text))


def _by_invoice(facts: Sequence[Json]) -> list[list[Json]]:
    """Every invoice with what came after it, up to its payment in full; everything else by itself."""
    groups: list[list[Json]] = []
    for fact in facts:
        following = bool(groups) and groups[-1][0]["kind"] == "bill" and not _is_paid(groups[-1])
        if following and fact["kind"] != "bill" and (_SMOOTH.match(fact["text"]) or _pays(groups[-1][0], fact)):
            groups[-1].append(fact)
        else:
            groups.append([fact])
    return groups


def _is_paid(invoice: Sequence[Json]) -> bool:
    return len(invoice) > 1 and _pays(invoice[0], invoice[-1])


def _simply_paid(first: Json, later: Sequence[Json]) -> bool:
    return bool(later) and _pays(first, later[-1])


def _pays(bill: Json, fact: Json) -> bool:
    """The fact pays this invoice, whole and at once."""
    text, amount = str(fact["text"]), (bill["amount"] or {}).get("text", "")
    number = _INVOICE.match(str(bill["text"]))
    if number is None:
        return False
    return text == f"Paid: {amount} for invoice {number[1]}, charge 1" or text.endswith(f": {amount} pays {number[1]}")


def _told_once(lines: Sequence[Line]) -> list[Line]:
    """Invoices of one amount that follow each other and were all simply paid, as one line."""
    told: list[Line] = []
    run: list[Line] = []

    def close() -> None:
        if len(run) < FEWEST:
            told.extend(run)
        else:
            (first, amount), (last, _) = run[0].smooth or ("", ""), run[-1].smooth or ("", "")
            text = f"{len(run)} invoices until {run[-1].day}, {first} … {last}: {amount} each, paid"
            told.append(Line(run[0].day, text))
        run.clear()

    for line in lines:
        if run and (line.smooth is None or run[-1].smooth is None or line.smooth[1] != run[-1].smooth[1]):
            close()
        if line.smooth is None:
            told.append(line)
        else:
            run.append(line)
    close()
    return told
