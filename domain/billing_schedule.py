"""What falls due on which date: the periods of a contract's terms, all counted from one anchor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from domain.calendar import Period, add_months, local_midnight
from domain.step import Step, StepKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One term of a contract. Dates count from the contract's anchor, so a renewal never drifts (31 January stays).

    `billed` is how many of its periods have been invoiced.
    """

    number: int
    anchor: date
    from_month: int
    months: int
    interval_months: int
    order_number: int
    billed: int = 0
    method: str = ""  # how this term is paid: a renewal agreed early changes nothing before it begins
    net_days: int = 0

    @property
    def starts_on(self) -> date:
        return add_months(self.anchor, self.from_month)

    @property
    def ends_on(self) -> date:
        return add_months(self.anchor, self.from_month + self.months)

    @property
    def periods(self) -> int:
        """How many periods the term has; a last one that the interval does not fill is a short one."""
        return -(-self.months // self.interval_months)

    def period(self, index: int) -> Period:
        """Period `index` (from 0), half-open.

        >>> term = Term(number=1, anchor=date(2027, 1, 31), from_month=0, months=12, interval_months=1, order_number=1)
        >>> term.period(1)
        Period(start=datetime.date(2027, 2, 28), end=datetime.date(2027, 3, 31))
        """
        first = self.from_month + index * self.interval_months
        last = min(first + self.interval_months, self.from_month + self.months)
        return Period(start=add_months(self.anchor, first), end=add_months(self.anchor, last))

    @property
    def billed_through(self) -> date:
        return self.period(self.billed).start if self.billed < self.periods else self.ends_on


def steps(terms: tuple[Term, ...], *, subject: str, zone: str, stop_on: date | None) -> tuple[Step, ...]:
    """The next period to bill, in advance, at local midnight of its first day; none from `stop_on` on."""
    for term in terms:
        if term.billed < term.periods:
            start = term.period(term.billed).start
            if stop_on is not None and start >= stop_on:
                return ()
            at: datetime = local_midnight(start, zone)
            return (Step(kind=StepKind.BILL, subject=f"{subject}.{term.number}", number=term.billed, at=at),)
    return ()


def split_subject(subject: str) -> tuple[str, int]:
    """`contract-1.2` is term 2 of `contract-1`."""
    contract, _, term = subject.rpartition(".")
    return contract, int(term)
