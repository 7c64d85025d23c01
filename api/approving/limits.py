"""What the rules look at: each fact with its limit, and whether it is why somebody is asked; and what each line earns."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlmodel import col, select

from api.approving.read import Case
from api.approving.words import field, value
from domain.approving.condition import AMOUNTS, EVERY_CURRENCY, Sheet, Test, leaves, sheet, written
from domain.approving.policy import Matrix
from domain.document import decimal_text
from domain.money import to_minor
from domain.need import Need
from domain.quote_version import PricedQuote
from domain.quoting.totals import totals
from gateways.words import Words
from models.database import Database
from models.policy import ApprovalPolicyRow

Row = dict[str, Any]


async def matrices(database: Database, labels: frozenset[str]) -> dict[str, Matrix]:
    """The policies that needs name, such as `standard/3`, each as it stood; what is not kept any more is left out."""
    names = {label.rpartition("/")[0] for label in labels}
    async with database.session() as session:
        query = select(ApprovalPolicyRow).where(col(ApprovalPolicyRow.name).in_(names))
        rows = (await session.exec(query)).all()
    wanted = [row for row in rows if f"{row.name}/{row.version}" in labels]
    return {f"{row.name}/{row.version}": Matrix.parse(row.content, version=row.version) for row in wanted}


def facts_of(case: Case) -> Sheet:
    """The facts of the version, as pricing looked at them."""
    return sheet(case.offers.facts, entity=case.deal.entity_id)


def limits(need: Need, matrix: Matrix | None, facts: Sheet, words: Words) -> list[Row]:
    """Each fact that the need's rules look at, its limit, and whether it asks. Without its policy: the facts as they were seen."""
    if matrix is None:
        return [
            {"fact": field(words, name), "value": value(words, name, said), "limit": "", "asks": False}
            for name, _, said in need.facts
        ]
    found: dict[tuple[str, str], Row] = {}
    for rule in matrix.rules:
        if rule.name in need.rules:
            for test, wanted in leaves(rule.when):
                row = _limit(test, facts, words, wanted=wanted)
                found.setdefault((test.fact, row["limit"]), row)
    return list(found.values())


def _limit(test: Test, facts: Sheet, words: Words, *, wanted: bool) -> Row:
    holds, _ = test.says(facts)
    bound = _bound(test, facts, words)
    said = words(f"limit_{test.kind}", limit=bound)
    return {
        "fact": field(words, test.fact),
        "value": value(words, test.fact, written(facts, test.fact)),
        "limit": said if wanted else words("limit_not", limit=said),
        # what nobody knows speaks for asking, but a margin that nobody knows meets no limit
        "asks": holds is wanted or (holds is None and test.fact != "margin_percent"),
    }


def _bound(test: Test, facts: Sheet, words: Words) -> str:
    if test.kind == "is":
        return words("yes" if test.flag else "no")
    if test.kind == "in":
        return ", ".join(test.words)
    table = dict(test.limits)
    if test.fact not in AMOUNTS:
        return value(words, test.fact, decimal_text(test.limits[0][1]))
    currency = str(facts.get("currency", ""))
    limit = table.get(currency, table.get(EVERY_CURRENCY))
    if limit is None:
        return words("limit_unset", currency=currency)
    return f"{words.amount(to_minor(limit, currency), currency)} {currency}"


# --- what each line earns ---------------------------------------------------------------------------------------------


def margins(case: Case, quote: PricedQuote, words: Words) -> list[Row]:
    """List, net, discount and margin of each line over the whole term, and of all; nothing where they would not add up."""
    start = quote.terms.start
    anchor = date.fromisoformat(start) if start[:1].isdigit() else case.local(case.version.created_at)
    rows, net, listed = [], 0, 0
    for line in quote.lines:
        own = totals([line], quote.terms, discount_percent=line.discount_percent, anchor=anchor)
        rows.append(
            {
                "what": line.called(words.language),
                "list": words.amount(own.over_term["list"], quote.currency),
                "net": words.amount(own.tcv_minor, quote.currency),
                "discount": words.percent(max(each.discount_percent for each in line.stretches(quote.terms.periods))),
                "margin": words("margin_unknown") if own.margin_percent is None else words.percent(own.margin_percent),
                "floor": any(each.below_floor for each in line.stretches(quote.terms.periods)),
                "sum": False,
            }
        )
        net, listed = net + own.tcv_minor, listed + own.over_term["list"]
    whole = quote.totals
    if net != whole.tcv_minor:
        return []
    margin = words("margin_unknown") if whole.margin_percent is None else words.percent(whole.margin_percent)
    return [
        *rows,
        {
            "what": words("in_all"),
            "list": words.amount(listed, quote.currency),
            "net": words.amount(net, quote.currency),
            "discount": words.percent(whole.discount_percent),
            "margin": margin,
            "floor": False,
            "sum": True,
        },
    ]
