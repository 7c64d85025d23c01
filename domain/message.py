"""What may be said to a deal: commands (judged, answered) and facts (booked, never refused)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

from domain import need


@dataclass(frozen=True, slots=True, kw_only=True)
class Revise:
    """A new draft for the open order, stored by the API under `draft_id`; a deal's first draft opens order 1."""

    draft_id: str
    draft_hash: str
    kind: Literal["revise"] = "revise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """Ask for approval of the priced version, then send it for signature."""

    version: int
    kind: Literal["submit"] = "submit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """A decision of the deal desk on one version. `groups` are the groups of the person who decides.

    `verb`: approve, reject, changes, delegate, abstain, comment; '' means what `approve` says. `group` narrows it to one
    of the groups asked. A counter-proposal is a stored draft; `to` takes a delegation; `mentions` are told of it.
    """

    version: int
    content_hash: str
    approve: bool
    reason: str
    groups: tuple[str, ...] = ()
    verb: str = ""
    group: str = ""
    to: str = ""
    draft_id: str = ""
    draft_hash: str = ""
    mentions: tuple[str, ...] = ()
    kind: Literal["decide"] = "decide"

    @property
    def what(self) -> str:
        return self.verb or ("approve" if self.approve else "reject")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reseat:
    """Who is asked was looked up anew since `person` left, is away or named a deputy: the seats of open requests."""

    version: int
    person: str
    asks: tuple[need.Ask, ...]
    reason: str
    kind: Literal["reseat"] = "reseat"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyPolicy:
    """An admin applies another version of the policy to an approval in flight: what the version needs by it."""

    version: int
    content_hash: str
    needs: tuple[need.Need, ...]
    reason: str
    kind: Literal["apply_policy"] = "apply_policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """Take the open order back: nothing of it can be signed any more; a later revision reopens it."""

    reason: str
    kind: Literal["withdraw"] = "withdraw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Before a contract: end the deal, undoing what was provisioned. After: end it with the period paid for."""

    reason: str
    kind: Literal["cancel"] = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Bring back what is parked (all of it, or one subject), or charge an open collection again now."""

    subject: str = ""
    kind: Literal["retry"] = "retry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Respond:
    """The customer's word on the version that the share link `share_id` showed: accept (one alternative) or decline."""

    version: int
    content_hash: str
    share_id: str
    answer: Literal["accept", "decline"]
    alternative: str = ""
    reason: str = ""
    name: str = ""
    kind: Literal["respond"] = "respond"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """The customer's question about a version, stored by the API under `question_id`."""

    version: int
    question_id: str
    kind: Literal["ask"] = "ask"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer to a question, stored by the API beside it."""

    question_id: str
    kind: Literal["reply"] = "reply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """A milestone of the running contract is reached: it is invoiced."""

    milestone: str
    kind: Literal["reach"] = "reach"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reprice:
    """A price migration moves the contract, from its next unbilled period on."""

    migration_id: str
    kind: Literal["reprice"] = "reprice"


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeUp:
    """Go on under rule set `rules` (see `Deal.rules`)."""

    rules: int
    kind: Literal["take_up"] = "take_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class FactCame:
    """A fact from outside waits in the inbox under `inbox_id`."""

    inbox_id: str
    kind: Literal["fact_came"] = "fact_came"


Command = (
    Revise
    | Submit
    | Decide
    | Reseat
    | ApplyPolicy
    | Withdraw
    | Cancel
    | Retry
    | Respond
    | Ask
    | Reply
    | Reach
    | Reprice
    | TakeUp
)
Body = Command | FactCame


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message. `id` is the caller's idempotency key: the same id is taken once. `at` is set when it is accepted."""

    id: str
    by: str
    body: Body
    channel: str = "api"
    at: datetime | None = None


class Verdict(StrEnum):
    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOTHING_NEW = "nothing_new"  # a fact that we already knew
    UNEXPECTED = "unexpected"  # a fact that fits nothing: recorded and shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of a message. `error` is the stable type of a refusal, `reason` its sentence."""

    message_id: str
    verdict: Verdict
    error: str = ""
    reason: str = ""


# --- facts, as the deal understands them ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureFact:
    """`event`: signed, declined, expired, voided. `sha256` is that of the document the provider holds."""

    event: str
    envelope_id: str
    sha256: str
    reason: str
    happened_at: datetime
    kind: Literal["signature"] = "signature"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFact:
    """A gateway tells what became of the charge under `key`. `settled`: the invoice has nothing left open."""

    key: str
    invoice_id: str
    status: str  # captured, declined, pending
    code: str
    decline: str  # DeclineClass, empty where captured
    settled: bool
    ladder: tuple[tuple[str, datetime], ...] = ()  # for a late decline: rungs, dated
    kind: Literal["payment"] = "payment"


@dataclass(frozen=True, slots=True, kw_only=True)
class CashFact:
    """A bank line applied to an invoice. `settled`: the invoice has nothing left open."""

    bank_line_id: str
    invoice_id: str
    settled: bool
    booked_on: date
    kind: Literal["cash"] = "cash"


Fact = SignatureFact | PaymentFact | CashFact
