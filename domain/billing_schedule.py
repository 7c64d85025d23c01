"""What falls due on which date: the periods of a contract's terms, all counted from one anchor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from domain.calendar import Period, add_months, local_midnight
from domain.step import Step, StepKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One term of a contract. Dates count from the contract's anchor, so a renewal never drifts (31 January stays).

    `billed` is how many of its bills were made. Bill `index` bills period `index` in advance and the one before it in
    arrears; where anything is billed in arrears, one more bill at the end closes the term.
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
    arrears: bool = False

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

    @property
    def bills(self) -> int:
        """How many bills the whole term takes."""
        return self.periods + self.arrears

    @property
    def closed(self) -> bool:
        """Everything of it is billed."""
        return self.billed >= self.bills

    def periods_before(self, stop_on: date | None) -> int:
        """How many of its periods begin before service stops on `stop_on` (None: it does not)."""
        if stop_on is None:
            return self.periods
        return sum(self.period(index).start < stop_on for index in range(self.periods))

    def bills_before(self, stop_on: date | None) -> int:
        """How many bills it takes when service stops on `stop_on`: the periods begun, and what they owe in arrears."""
        begun = self.periods_before(stop_on)
        return begun + (self.arrears and begun > 0)

    def bills_on(self, index: int) -> date:
        """The day of bill `index`: the first one of the period that it bills in advance, or the end of the term."""
        return self.period(index).start if index < self.periods else self.ends_on

    def billed_period(self, index: int, stop_on: date | None = None) -> Period:
        """The period that bill `index` is about: the one it bills in advance; of a closing bill, the last one."""
        return self.period(min(index, self.periods_before(stop_on) - 1))

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
    """The next bill, at local midnight of its day; when service stops, one more closes what is billed in arrears."""
    for term in terms:
        if term.billed < term.bills_before(stop_on):
            at: datetime = local_midnight(term.bills_on(term.billed), zone)
            return (Step(kind=StepKind.BILL, subject=f"{subject}.{term.number}", number=term.billed, at=at),)
    return ()


def split_subject(subject: str) -> tuple[str, int]:
    """`contract-1.2` is term 2 of `contract-1`."""
    contract, _, term = subject.rpartition(".")
    return contract, int(term)
