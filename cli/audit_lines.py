"""Audit of contracts: what a term bills is what its version says, as it was signed, renewed or moved to new prices."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.lines import plan_line
from domain.billing_plan import PlanLine, plan
from domain.document import decimal_text
from domain.quote_version import PricedQuote, offer
from domain.quoting.priced import PER_PERIOD
from models.audit import Breach

CHECK = "contract_lines_are_those_agreed"

_TERMS = text("""
    SELECT c.number, c.deal_id AS deal, c.id AS contract, t.term, v.id AS version, v.kind, v.alternative, v.content,
           (SELECT jsonb_agg(to_jsonb(l) || jsonb_build_object('quantity', l.quantity::text)
                    ORDER BY l.line_no, l.from_period, l.segment)
              FROM contract_lines l WHERE l.contract_id = c.id AND l.term = t.term) AS lines
      FROM contract_terms t JOIN contracts c ON c.id = t.contract_id JOIN quote_versions v ON v.id = t.quote_version_id
     ORDER BY c.id, t.term
""")


async def contract_lines_are_those_agreed(session: AsyncSession) -> list[Breach]:
    """The lines of each term are the plan of its quote version; of one that was moved to new prices, those not yet billed then."""
    found: list[Breach] = []
    async for row in (await session.stream(_TERMS)).mappings():
        said = differs(dict(row))
        if said:
            about = {name: row[name] for name in ("deal", "contract", "term", "version")}
            which = f"contract {row['number']} of {row['deal']}, term {row['term']}"
            found.append(Breach(check=CHECK, text=f"{which}: {said}", rows=(about,)))
    return found


def differs(row: dict[str, Any]) -> str:
    """How the lines of one term differ from its version; '' is not at all."""
    agreed = offer(row["content"], row["alternative"])
    lines = [plan_line(each, periods=agreed.terms.periods) for each in row["lines"] or []]
    if row["kind"] == "migration":
        wanted, there = _last_period(plan(agreed), agreed), _last_period(lines, agreed)
    else:
        wanted, there = _known(plan(agreed)), _known(lines)
    wrong = sorted(key for key in {*wanted, *there} if wanted.get(key) != there.get(key))
    return "; ".join(f"line {key[0]} should be {wanted.get(key, 'none')}, is {there.get(key, 'none')}" for key in wrong)


def _known(lines: Sequence[PlanLine]) -> dict[tuple[int, int], str]:
    """What each segment of each line bills, in words."""
    return {
        (
            line.line_no,
            line.segment,
        ): f"{line.kind} {line.amount_minor} for {decimal_text(line.quantity)} "
        f"{line.milestone + ' ' if line.milestone else ''}in periods {line.from_period} to {line.to_period} {line.timing}"
        for line in lines
    }


def _last_period(lines: Sequence[PlanLine], agreed: PricedQuote) -> dict[tuple[int, int], str]:
    """What each line bills in the last period of the term."""
    last = agreed.terms.periods - 1
    sums: dict[int, int] = defaultdict(int)
    for line in lines:
        if line.kind in PER_PERIOD and line.from_period <= last < line.to_period:
            sums[line.line_no] += line.amount_minor
    return {(line_no, 0): f"{minor} in period {last}" for line_no, minor in sums.items()}
