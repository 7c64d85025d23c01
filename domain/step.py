"""One thing a deal will do: what, about whom, which time, and when. The agenda is made of these."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.ids import operation_key


class StepKind(StrEnum):
    """All that a deal ever does, in the order in which steps of one instant are performed."""

    TAKE = "take"  # take in one message: a command is judged, a fact is booked
    PRICE = "price"
    ASK = "ask"  # ask one level of approvers
    LOOK = "look"  # who decides is looked up anew: somebody is away, is back, or leaves from now on
    REMIND = "remind"
    ESCALATE = "escalate"
    EXPIRE = "expire"
    VOID = "void"  # take an envelope back that must not be signed any more
    PRESENT = "present"  # the version is shown to the customer by a share link
    SEND = "send"  # the order form goes out for signature
    BOOK = "book"
    PROVISION = "provision"
    COMPENSATE = "compensate"
    ACTIVATE = "activate"
    NOTICE = "notice"  # before the end, which it may put off
    END = "end"
    REPRICE = "reprice"  # a price migration moves the contract
    BILL = "bill"
    MILESTONE = "milestone"  # what was reached is invoiced
    CHARGE = "charge"
    RESOLVE = "resolve"  # find out what became of a charge whose answer was lost
    MESSAGE = "message"
    SUSPEND = "suspend"
    CANCEL = "cancel"  # the last rung of dunning
    ACCESS = "access"  # bring the customer's access to what it should be


RANK: dict[StepKind, int] = {kind: rank for rank, kind in enumerate(StepKind)}

# Steps that only write our own books: they keep `at` as their service date, however late they are performed.
BOOK_STEPS = frozenset(
    {
        StepKind.ACTIVATE,
        StepKind.END,
        StepKind.REPRICE,
        StepKind.BILL,
        StepKind.MILESTONE,
        StepKind.EXPIRE,
        StepKind.NOTICE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`subject` names what it is about (`order-1`, `contract-1`, an invoice id, a message id).

    `number` counts within kind and subject; together they make the operation key, which is unique forever.
    `at` is when it is due (aware UTC).
    """

    kind: StepKind
    subject: str
    number: int
    at: datetime

    def key(self, deal_id: str) -> str:
        """The operation key, as PostgreSQL keeps it and as gateways get it."""
        return operation_key(deal_id, self.kind.value, self.subject, self.number)

    @property
    def order(self) -> tuple[datetime, int, str, int]:
        """Agenda order: by date, then by rank of the kind, then by subject."""
        return (self.at, RANK[self.kind], self.subject, self.number)
