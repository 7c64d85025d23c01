"""Renewal in dates only: when the notice is given, and when the term ends (the uplift is priced in `quote.py`)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from domain.billing_schedule import Term
from domain.calendar import local_midnight
from domain.step import Step, StepKind

GRACE = timedelta(days=1)  # a notice given on its day is in time


def missed(at: datetime, *, running_since: datetime | None, now: datetime) -> bool:
    """Was a notice due at `at` given a day or more too late? One that was due before service began is not late."""
    due = at if running_since is None else max(at, running_since)
    return now - due >= GRACE


def ends_at(last: Term, *, zone: str, cancel_on: date | None) -> datetime:
    """The instant at which the contract ends unless it is renewed: the end of its last term, or its cancellation."""
    end = last.ends_on if cancel_on is None else min(cancel_on, last.ends_on)
    return local_midnight(end, zone)


def steps(
    last: Term,
    *,
    subject: str,
    zone: str,
    notice_days: int,
    noticed: int,
    cancel_on: date | None,
    end_held: bool = False,
) -> tuple[Step, ...]:
    """The notice of renewal, once per term; after it (or without it, for a contract that was cancelled) the end.

    Before the notice nobody knows whether the term will end or go on, so no end is on the agenda. `end_held`: a renewal
    that is noticed or signed but not booked yet, or that an operator has to decide about, holds the end.
    """
    if cancel_on is None and noticed < last.number:
        day = max(last.ends_on - timedelta(days=notice_days), last.starts_on)
        return (Step(kind=StepKind.NOTICE, subject=subject, number=last.number, at=local_midnight(day, zone)),)
    if end_held:
        return ()
    end = ends_at(last, zone=zone, cancel_on=cancel_on)
    return (Step(kind=StepKind.END, subject=subject, number=last.number, at=end),)
