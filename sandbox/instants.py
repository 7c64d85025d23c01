"""An instant is a whole number of microseconds since 1970 in UTC: it sorts, adds and compares exactly."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def wall() -> int:
    """The machine's clock."""
    return time.time_ns() // 1000


def as_datetime(instant: int) -> datetime:
    return _EPOCH + timedelta(microseconds=instant)


def iso(instant: int) -> str:
    return as_datetime(instant).isoformat()


def parse(text: str) -> int:
    """Read an ISO instant; a missing offset is read as UTC. Raises ValueError on anything else."""
    read = datetime.fromisoformat(text)
    if read.tzinfo is None:
        read = read.replace(tzinfo=UTC)
    return (read - _EPOCH) // timedelta(microseconds=1)


def noon(day: date) -> int:
    """Twelve o'clock UTC: the same calendar day in nearly every zone on earth."""
    return (datetime(day.year, day.month, day.day, 12, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


def seconds(instant: int) -> int:
    """Whole seconds, as Stripe writes its dates."""
    return instant // SECOND
