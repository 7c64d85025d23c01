"""The dates of an audit: the terms of a contract as its rows tell them, and whether a bill of them must have been made by now."""

from datetime import date, datetime, timedelta
from typing import Any

from domain import contract as contracts
from domain.billing_schedule import Term
from domain.state import Deal

GRACE = timedelta(hours=1)  # of a real deal: its worker may be busy


def terms_of(rows: list[dict[str, Any]], *, arrears: frozenset[int] = frozenset()) -> list[Term]:
    """The terms as the schedule counts them: all from the first one's anchor, one after the other.

    `arrears` are the numbers of those in which something is billed in arrears.
    """
    terms: list[Term] = []
    for row in rows:
        anchor = terms[0].anchor if terms else date.fromisoformat(row["starts_on"])
        before = terms[-1].from_month + terms[-1].months if terms else 0
        terms.append(
            Term(
                number=row["term"],
                anchor=anchor,
                from_month=before,
                months=row["months"],
                interval_months=row["interval_months"],
                order_number=0,
                arrears=row["term"] in arrears,
            )
        )
    return terms


def is_due(deal: Deal, at: datetime, now: datetime) -> bool | None:
    """Whether what falls due at an instant must be done by now; None: it may be, it need not.

    What is parked is not expected: it waits for an operator, and `deal list --parked` shows it.
    """
    running = deal.contract
    if running is None or running.parked:
        return None
    if running.stage == contracts.ENDED:
        ended = running.since or now
        return None if at == ended else at < ended
    if at <= now:
        return True
    return None if not deal.clock.virtual and at <= now + GRACE else False
