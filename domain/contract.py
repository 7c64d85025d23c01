"""The running contract as the deal carries it: terms, notice, access, cancellation. Its lines and amounts are in the database."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from domain import billing_schedule, renewal
from domain.billing_schedule import Term
from domain.calendar import local_date
from domain.errors import Conflict
from domain.outcome import Terms
from domain.step import Step, StepKind


@dataclass(kw_only=True, eq=False)
class UnknownMilestone(Conflict):
    """The running contract waits for no such milestone."""

    milestone: str
    waiting: tuple[str, ...]
    hint: str = "name a milestone that is not reached yet"


@dataclass(kw_only=True, eq=False)
class MigrationUnderWay(Conflict):
    """Another price migration is about to move the contract."""

    migration: str
    hint: str = "try again when it is done"


BOOKED, ACTIVE, ENDED = "booked", "active", "ended"
NONE, FULL, SUSPENDED, REVOKED = "none", "full", "suspended", "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """Milestone `number` (from 0) of a term, waiting to be reached, then to be billed."""

    term: int
    number: int
    name: str
    reached_at: datetime | None = None


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
    delivery: str = "signature"  # how its renewals reach the customer
    parked: str = ""
    access_parked: str = ""  # access and the notice fail alone: billing goes on
    notice_parked: str = ""
    milestones: tuple[Milestone, ...] = ()
    migration: str = ""  # the price migration that is to move it, asked for at `migration_at`
    migration_at: datetime | None = None
    migrations: int = 0

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
        first = _term(1, anchor=anchor, from_month=0, terms=terms, order_number=order_number)
        return replace(
            self,
            stage=ACTIVE,
            terms=(first,),
            access=FULL,
            access_wanted=FULL,
            since=at,
            delivery=terms.delivery,
            milestones=_milestones(1, terms),
        )

    def renewed(self, *, terms: Terms, order_number: int) -> Contract:
        """One more term, beginning where the last one ends: no gap, no overlap, counted from the same anchor."""
        last = self.last
        following = _term(
            last.number + 1,
            anchor=last.anchor,
            from_month=last.from_month + last.months,
            terms=terms,
            order_number=order_number,
        )
        kept = tuple(term for term in self.terms if not term.closed)  # closed terms leave the state
        return replace(
            self,
            terms=(*kept, following),
            milestones=(*self.milestones, *_milestones(following.number, terms)),
            method=terms.method,
            net_days=terms.net_days,
            auto_renew=terms.auto_renew,
            notice_days=terms.notice_days,
            delivery=terms.delivery,
        )

    def billed(self, term_number: int, index: int) -> Contract:
        """Bill `index` of a term was made."""
        return replace(
            self,
            terms=tuple(
                replace(term, billed=max(term.billed, index + 1)) if term.number == term_number else term
                for term in self.terms
            ),
        )

    def reached(self, name: str, at: datetime) -> Contract:
        """A milestone is reached, of the earliest term that waits for it. Raises UnknownMilestone."""
        found = next((m for m in self.milestones if m.name == name and m.reached_at is None), None)
        if found is None:
            waiting = tuple(dict.fromkeys(m.name for m in self.milestones if m.reached_at is None))
            raise UnknownMilestone(milestone=name, waiting=waiting, where="milestone")
        there = replace(found, reached_at=at)
        return replace(self, milestones=tuple(there if m is found else m for m in self.milestones))

    def milestone_billed(self, term_number: int, number: int) -> Contract:
        """Its invoice was made; it leaves the state."""
        rest = tuple(m for m in self.milestones if (m.term, m.number) != (term_number, number))
        return replace(self, milestones=rest)

    def migrating(self, migration_id: str, at: datetime) -> Contract:
        """A price migration is to move it. Raises MigrationUnderWay."""
        if self.migration and self.migration != migration_id:
            raise MigrationUnderWay(migration=self.migration, where="migration_id")
        return replace(self, migration=migration_id, migration_at=self.migration_at or at)

    def migrated(self) -> Contract:
        """The migration was performed, whatever came of it."""
        return replace(self, migration="", migration_at=None, migrations=self.migrations + 1)

    @property
    def owes_bills(self) -> bool:
        """Something is still to be billed before it can end: in arrears, or for a milestone that is reached."""
        reached = any(m.reached_at is not None for m in self.milestones)
        return reached or any(t.arrears and t.billed < t.bills_before(self.cancel_on) for t in self.terms)

    @property
    def parkings(self) -> tuple[tuple[str, str], ...]:
        """What of it is parked: its billing, its access, its notice; each alone."""
        reasons = {"": self.parked, "-access": self.access_parked, "-notice": self.notice_parked}
        return tuple((f"{self.subject}{what}", reason) for what, reason in reasons.items() if reason)

    def parking(self, subject: str, reason: str) -> Contract:
        """One of these subjects is parked; '' brings it back."""
        if subject == f"{self.subject}-access":
            return replace(self, access_parked=reason)
        if subject == f"{self.subject}-notice":
            return replace(self, notice_parked=reason)
        return replace(self, parked=reason) if subject == self.subject else self

    def brought_back(self) -> Contract:
        """Nothing of it is parked any more."""
        return replace(self, parked="", access_parked="", notice_parked="")

    def ended(self, at: datetime, reason: str, *, alone: bool = True) -> Contract:
        """It ended: there is nothing left to bill or to announce, and what never had access needs none taken away."""
        wanted = NONE if self.access == NONE else REVOKED
        over = replace(self, parked="", notice_parked="") if alone else self
        return replace(over, stage=ENDED, access_wanted=wanted, cancel_reason=self.cancel_reason or reason, since=at)

    def wanting(self, access: str, at: datetime) -> Contract:
        """Access should be `access` from `at`; a contract that is not running keeps what it has."""
        if self.stage != ACTIVE or self.access_wanted == access:
            return self
        parked = self.access_parked if access != self.access else ""
        return replace(self, access_wanted=access, access_parked=parked, since=at)

    def accessed(self) -> Contract:
        """The provisioner was told."""
        return replace(self, access=self.access_wanted, access_changes=self.access_changes + 1)


def _term(number: int, *, anchor: date, from_month: int, terms: Terms, order_number: int) -> Term:
    return Term(
        number=number,
        anchor=anchor,
        from_month=from_month,
        months=terms.term_months,
        interval_months=terms.interval_months,
        order_number=order_number,
        method=terms.method,
        net_days=terms.net_days,
        arrears=terms.arrears,
    )


def _milestones(term: int, terms: Terms) -> tuple[Milestone, ...]:
    return tuple(Milestone(term=term, number=number, name=name) for number, name in enumerate(terms.milestones))


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


def steps(contract: Contract, *, end_held: bool = False, alone: bool = True) -> tuple[Step, ...]:
    """What it does next; each of billing, renewal and access goes on where another one is parked (unless not `alone`).

    `end_held`: a renewal holds the end.
    """
    if contract.parked and not alone:
        return ()
    found: list[Step] = []
    if contract.stage == ACTIVE and not contract.parked:
        found.extend(_running_steps(contract, end_held=end_held))
    undone = contract.stage == BOOKED and contract.cancel_on is not None
    if undone and contract.since is not None and not contract.parked:
        found.append(Step(kind=StepKind.END, subject=contract.subject, number=0, at=contract.since))
    return (*found, *_access_steps(contract))


def _running_steps(contract: Contract, *, end_held: bool) -> tuple[Step, ...]:
    """Bill the next period and what is reached, move to new prices, offer the renewal, end (unless `end_held`)."""
    subject = contract.subject
    found = list(
        billing_schedule.steps(contract.terms, subject=subject, zone=contract.zone, stop_on=contract.cancel_on)
    )
    found.extend(
        Step(kind=StepKind.MILESTONE, subject=f"{subject}.{m.term}", number=m.number, at=m.reached_at)
        for m in contract.milestones
        if m.reached_at is not None
    )
    if contract.migration and contract.migration_at is not None:
        found.append(Step(kind=StepKind.REPRICE, subject=subject, number=contract.migrations, at=contract.migration_at))
    renewing = renewal.steps(
        contract.last,
        subject=subject,
        zone=contract.zone,
        notice_days=contract.notice_days,
        noticed=contract.noticed,
        cancel_on=contract.cancel_on,
        end_held=end_held or contract.owes_bills,
    )
    found.extend(step for step in renewing if not (contract.notice_parked and step.kind is StepKind.NOTICE))
    return tuple(found)


def _access_steps(contract: Contract) -> tuple[Step, ...]:
    """Bring access to what it should be."""
    if contract.access == contract.access_wanted or contract.since is None or contract.access_parked:
        return ()
    return (Step(kind=StepKind.ACCESS, subject=contract.subject, number=contract.access_changes, at=contract.since),)
