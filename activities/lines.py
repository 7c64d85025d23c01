"""Lines of a contract, between a quote's billing plan and the table that keeps it: `domain/billing_plan.py` says what they bill."""

from __future__ import annotations

from collections.abc import Sequence

from domain.billing_plan import PlanLine, plan
from domain.document import decimal_text
from domain.ids import derived
from domain.quote_version import PricedQuote
from models.contract import ContractLineRow, plan_line

__all__ = ["plan_line", "rows_of"]


def rows_of(
    contract_id: str, term: int, quote: PricedQuote, lines: Sequence[PlanLine] | None = None
) -> list[ContractLineRow]:
    """The rows of a term's lines; `lines` where they are not the whole plan of the quote as it stands."""
    priced = {line.line_no: line for line in quote.lines}
    return [
        ContractLineRow(
            id=derived("cl", contract_id, term, line.line_no, line.segment, line.from_period),
            contract_id=contract_id,
            term=term,
            line_no=line.line_no,
            segment=line.segment,
            kind=line.kind,
            timing=line.timing,
            from_period=line.from_period,
            to_period=line.to_period,
            product=line.product,
            description=line.description,
            model=line.model,
            quantity=line.quantity,
            unit_label=line.unit_label,
            period_amount_minor=line.amount_minor,
            milestone=line.milestone,
            starts=line.starts,
            starts_on=line.starts_on,
            charge={
                "revenue_account": line.revenue_account,
                "price": dict(priced[line.line_no].price),
                "explain": list(line.explain),
                "discount_percent": decimal_text(priced[line.line_no].discount_percent),
            },
        )
        for line in (plan(quote) if lines is None else lines)
    ]
