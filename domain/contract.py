"""The running contract as the deal carries it: terms, notice, access, cancellation. Its lines and amounts are in the database."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from domain import billing_schedule, renewal
from domain.billing_schedule import Term
from domain.calendar import local_date
from domain.outcome import Terms
from domain.step import Step, StepKind

BOOKED, ACTIVE, ENDED = "booked", "active", "ended"
NONE, FULL, SUSPENDED, REVOKED = "none", "full", "suspended", "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One contract of one deal. `access` is what the provisioner was last told, `access_wanted` what it should be."""

    id: str
    subject: str
    zone: str
    method: str
    net_days: int
    auto_renew: bool
    notice_days: int
    stage: str = BOOKED
    terms: tuple[Term, ...] = ()
    noticed: int = 0  # number of the last term whose renewal was offered
    cancel_on: date | None = None
    cancel_reason: str = ""
    access: str = NONE
    access_wanted: str = NONE
    access_changes: int = 0
    since: datetime | None = None
    parked: str = ""

    @property
    def last(self) -> Term:
        return self.terms[-1]

    @property
    def ends_on(self) -> date | None:
        if not self.terms:
            return None
        return self.last.ends_on if self.cancel_on is None else min(self.cancel_on, self.last.ends_on)

    @property
    def billed_through(self) -> date:
        """The first day that is not invoiced yet."""
        for term in self.terms:
            if term.billed < term.periods:
                return term.billed_through
        return self.last.ends_on

    def activated(self, *, terms: Terms, order_number: int, anchor: date, at: datetime) -> Contract:
        """Service begins: the first term, counted from `anchor`."""
        first = Term(
            number=1,
            anchor=anchor,
            from_month=0,
            months=terms.term_months,
            interval_months=terms.interval_months,
            order_number=order_number,
            method=terms.method,
            net_days=terms.net_days,
        )
        return replace(self, stage=ACTIVE, terms=(first,), access=FULL, access_wanted=FULL, since=at)

    def renewed(self, *, terms: Terms, order_number: int) -> Contract:
        """One more term, beginning where the last one ends: no gap, no overlap, counted from the same anchor."""
        last = self.last
        following = Term(
            number=last.number + 1,
            anchor=last.anchor,
            from_month=last.from_month + last.months,
            months=terms.term_months,
            interval_months=terms.interval_months,
            order_number=order_number,
            method=terms.method,
            net_days=terms.net_days,
        )
        kept = tuple(term for term in self.terms if term.billed < term.periods)  # closed terms leave the state
        return replace(
            self,
            terms=(*kept, following),
            method=terms.method,
            net_days=terms.net_days,
            auto_renew=terms.auto_renew,
            notice_days=terms.notice_days,
        )

    def billed(self, term_number: int, index: int) -> Contract:
        """Period `index` of a term has been invoiced."""
        return replace(
            self,
            terms=tuple(
                replace(term, billed=max(term.billed, index + 1)) if term.number == term_number else term
                for term in self.terms
            ),
        )

    def ended(self, at: datetime, reason: str) -> Contract:
        """It ended; what never had access needs none taken away."""
        wanted = NONE if self.access == NONE else REVOKED
        return replace(self, stage=ENDED, access_wanted=wanted, cancel_reason=self.cancel_reason or reason, since=at)

    def wanting(self, access: str, at: datetime) -> Contract:
        """Access should be `access` from `at`; a contract that is not running keeps what it has."""
        if self.stage != ACTIVE or self.access_wanted == access:
            return self
        return replace(self, access_wanted=access, since=at)

    def accessed(self) -> Contract:
        """The provisioner was told."""
        return replace(self, access=self.access_wanted, access_changes=self.access_changes + 1)


def anchored_on(start: str, *, signed_at: datetime | None, zone: str, now: datetime) -> date:
    """From which local date service counts: the end of provisioning, the signature, or the date that was agreed.

    `start` is "provisioning", "signature" or an ISO date; `now` is when provisioning ended.
    """
    if start == "provisioning":
        return local_date(now, zone)
    if start == "signature":
        return local_date(signed_at or now, zone)
    return date.fromisoformat(start)


def end_of_paid_period(contract: Contract) -> date:
    """A contract that is cancelled runs to the end of what is invoiced.

    >>> t = Term(number=1, anchor=date(2027, 1, 31), from_month=0, months=12, interval_months=1, order_number=1, billed=1)
    >>> c = Contract(id="c", subject="contract-1", zone="UTC", method="card", net_days=0, auto_renew=False, notice_days=30,
    ...              terms=(t,))
    >>> end_of_paid_period(c), add_months(t.anchor, 1)
    (datetime.date(2027, 2, 28), datetime.date(2027, 2, 28))
    """
    return contract.billed_through


def steps(contract: Contract, *, end_held: bool = False) -> tuple[Step, ...]:
    """Bill the next period, offer the renewal, end (unless `end_held`); and bring access to what it should be."""
    if contract.parked:
        return ()
    found: list[Step] = []
    if contract.stage == ACTIVE:
        found.extend(
            billing_schedule.steps(
                contract.terms, subject=contract.subject, zone=contract.zone, stop_on=contract.cancel_on
            )
        )
        found.extend(
            renewal.steps(
                contract.last,
                subject=contract.subject,
                zone=contract.zone,
                notice_days=contract.notice_days,
                noticed=contract.noticed,
                cancel_on=contract.cancel_on,
                end_held=end_held,
            )
        )
    if contract.stage == BOOKED and contract.cancel_on is not None and contract.since is not None:
        found.append(Step(kind=StepKind.END, subject=contract.subject, number=0, at=contract.since))
    if contract.access != contract.access_wanted and contract.since is not None:
        found.append(
            Step(kind=StepKind.ACCESS, subject=contract.subject, number=contract.access_changes, at=contract.since)
        )
    return tuple(found)
