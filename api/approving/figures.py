"""The money of the approve page: the three figures that matter first, what is below its floor, what each line earns."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from api.approving.limits import margins
from api.approving.read import Case
from gateways.quote_view import shown
from gateways.words import Words

Row = dict[str, Any]
SPACE = "\N{NO-BREAK SPACE}"  # an amount stays with its currency


def figures(case: Case, words: Words) -> list[Row]:
    """The three figures that matter first, each with what is to be said beside it; of several offers, the worst of each."""
    version, facts = case.version, case.offers.facts
    margin = facts.margin_percent
    shown_first = (
        (
            words("tcv"),
            _amount(version.total_minor, case, words),
            words("a_year", acv=_amount(version.acv_minor, case, words)),
        ),
        (words("discount"), words.percent(_points(facts.discount_percent)), _whole(case, words)),
        (words("margin"), words("margin_unknown") if margin is None else words.percent(margin), ""),
    )
    return [
        {"name": name, "value": said, "note": note, "known": said != words("margin_unknown")}
        for name, said, note in shown_first
    ]


def _amount(minor: int, case: Case, words: Words) -> str:
    return f"{words.amount(minor, case.version.currency)}{SPACE}{case.version.currency}"


def _points(percent: Decimal) -> Decimal:
    return percent.normalize() + Decimal(0)


def _whole(case: Case, words: Words) -> str:
    """The rules look at the highest discount of any line: how much it is in all, where that is less."""
    whole = _points(max(quote.totals.discount_percent for _, quote in case.offers.offers))
    if whole == _points(case.offers.facts.discount_percent):
        return ""
    return words("discount_whole", whole=words.percent(whole))


def below_floor(case: Case, words: Words) -> str:
    """The lines that are sold below their floor."""
    found = [
        line.called(words.language)
        for _, quote in case.offers.offers
        for line in quote.lines
        if any(each.below_floor for each in line.stretches(quote.terms.periods))
    ]
    return ", ".join(dict.fromkeys(found))


def earned(case: Case, words: Words) -> list[Row]:
    """Of each offer, what its lines earn."""
    unknown = words("margin_unknown")
    found = [(name, margins(case, quote, words)) for name, quote in case.offers.offers]
    return [
        {
            "name": shown(name),
            "rows": rows,
            "partly": any(row["margin"] == unknown for row in rows) and rows[-1]["margin"] != unknown,
        }
        for name, rows in found
    ]
