"""What a performed step came to. Expected outcomes are values; each is folded by `domain/deal.py: after`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from domain.message import Answer, Fact, Message
from domain.need import Ask
from domain.need import Need as Need  # noqa: PLC0414  (known from here)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What of a priced version the deal must know to plan: dates and counts, no amounts but the ACV shown in lists."""

    currency: str
    acv_minor: int
    term_months: int
    interval_months: int
    start: str  # provisioning, signature, or an ISO date
    method: str  # card, transfer
    net_days: int
    auto_renew: bool
    notice_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A message was taken in. The message itself is here: a run that lost it learns it from this outcome."""

    message: Message
    answer: Answer
    fact: Fact | None = None
    kind: Literal["taken"] = "taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    version: int
    version_id: str
    content_hash: str
    expires_at: datetime
    terms: Terms
    needs: tuple[Need, ...]
    kind: Literal["priced"] = "priced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """People were asked by name, reminded or escalated to, with the dates of what follows by their calendars."""

    asks: tuple[Ask, ...]
    kind: Literal["asked"] = "asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRefused:
    error: str
    reason: str
    kind: Literal["price_refused"] = "price_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    envelope_id: str
    document_sha256: str
    kind: Literal["sent"] = "sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """The signed version became (or extended) the contract. `provisioning`: the steps still to do, in order."""

    contract_id: str
    provisioning: tuple[str, ...]
    kind: Literal["booked"] = "booked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Activated:
    """Service begins: `anchor` is the local date from which all periods are counted."""

    anchor: date
    kind: Literal["activated"] = "activated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """One period became one invoice. `ladder` holds the dated rungs of its collection, as the policy of today says."""

    invoice_id: str
    invoice_number: str
    due_on: date
    method: str
    settled: bool  # nothing to collect (a total of zero)
    ladder: tuple[tuple[str, datetime], ...]
    kind: Literal["billed"] = "billed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged:
    """`status`: captured, declined, pending, unknown. On a first decline `ladder` dates what follows."""

    status: str
    code: str = ""
    decline: str = ""
    settled: bool = False
    ladder: tuple[tuple[str, datetime], ...] = ()
    kind: Literal["charged"] = "charged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """The renewal was offered: a priced version of a new order, from the terms of the running contract."""

    order_number: int
    priced: Priced
    kind: Literal["noticed"] = "noticed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The step is done and says no more than that."""

    kind: Literal["done"] = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The step failed for good. Provisioning compensates; anything else parks its subject with this reason."""

    reason: str
    kind: Literal["failed"] = "failed"


Outcome = Taken | Priced | Asked | PriceRefused | Sent | Booked | Activated | Billed | Charged | Noticed | Done | Failed
