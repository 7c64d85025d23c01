"""What leaves us by mail or chat: it waits, or it left, or it was given up; `mails` and `notices` hold it alike."""

from datetime import datetime

from sqlalchemy import CheckConstraint

from models.base import Row, not_negative

WAITING = "sent_at IS NULL AND refused_at IS NULL"
GIVEN_UP = "refused_at IS NOT NULL"


class Leaving(Row):
    """It waits (until `next_at`, by the wall), or left (`sent_at`), or was given up (`refused_at`, and `error` says why).

    `at` is the moment of the step that wrote it.
    """

    at: datetime
    sent_at: datetime | None = None
    error: str = ""
    attempts: int = 0
    next_at: datetime | None = None
    refused_at: datetime | None = None


def settled_once() -> tuple[CheckConstraint, ...]:
    """What every such table keeps."""
    return not_negative("attempts"), CheckConstraint("sent_at IS NULL OR refused_at IS NULL", name="sent_or_refused")
