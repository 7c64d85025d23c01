"""What a performed step came to. Expected outcomes are values; each is folded by `domain/deal.py: after`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

from domain import need
from domain.message import Answer, Fact, Message
from domain.need import Need as Need  # noqa: PLC0414  (known from here)
from domain.quoting.alternative import UnknownAlternative

if TYPE_CHECKING:
    from domain.quote_version import PricedQuote

LINK = "link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One alternative of a version: what of its terms is its own."""

    name: str
    acv_minor: int
    term_months: int
    interval_months: int
    arrears: bool = False
    milestones: tuple[str, ...] = ()
    recommended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What of a priced version the deal must know to plan: dates and counts, no amounts but the ACV shown in lists.

    With `alternatives` these are the terms of the recommended one, until the customer chooses. `delivery`: signature, or
    link (it is shown by a share link and accepted there before it is signed). `arrears`: something is billed after its
    period.
    """

    currency: str
    acv_minor: int
    term_months: int
    interval_months: int
    start: str  # provisioning, signature, or an ISO date
    method: str  # card, transfer
    net_days: int
    auto_renew: bool
    notice_days: int
    delivery: str = "signature"
    arrears: bool = False
    alternatives: tuple[Choice, ...] = ()
    milestones: tuple[str, ...] = ()

    @classmethod
    def of(cls, offers: Sequence[tuple[str, PricedQuote]], recommended: str = "") -> Terms:
        """The terms of a priced version: of its one offer, or of the recommended one of several.

        A version that has several is always shown by a link: the customer has to choose.
        """
        choices = tuple(_choice(name, priced, recommended=name == recommended) for name, priced in offers)
        index = next((i for i, choice in enumerate(choices) if choice.recommended), 0)
        priced, choice = offers[index][1], choices[index]
        terms = priced.terms
        several = len(offers) > 1
        return cls(
            currency=priced.currency,
            acv_minor=choice.acv_minor,
            term_months=choice.term_months,
            interval_months=choice.interval_months,
            start=terms.start,
            method=terms.method,
            net_days=terms.net_days,
            auto_renew=terms.auto_renew,
            notice_days=terms.notice_days,
            delivery=LINK if several else terms.delivery,
            arrears=choice.arrears,
            alternatives=choices if several else (),
            milestones=choice.milestones,
        )

    def chosen(self, name: str) -> Terms:
        """The terms of the alternative `name`, which stays among those it was chosen from. Raises UnknownAlternative."""
        if not self.alternatives and not name:
            return self
        choice = next((each for each in self.alternatives if each.name == name), None)
        if choice is None:
            names = tuple(each.name for each in self.alternatives)
            raise UnknownAlternative(alternative=name, offered=names, where="alternative")
        return replace(
            self,
            acv_minor=choice.acv_minor,
            term_months=choice.term_months,
            interval_months=choice.interval_months,
            arrears=choice.arrears,
            milestones=choice.milestones,
        )

    @property
    def recommended(self) -> str:
        """The alternative that is recommended; '' where there is no choice."""
        return next((each.name for each in self.alternatives if each.recommended), "")


def _choice(name: str, priced: PricedQuote, *, recommended: bool) -> Choice:
    from domain.billing_plan import has_arrears, plan  # noqa: PLC0415  (who only carries terms computes no amounts)

    lines = plan(priced)
    return Choice(
        name=name,
        acv_minor=priced.totals.acv_minor,
        term_months=priced.terms.term_months,
        interval_months=priced.terms.interval_months,
        arrears=has_arrears(lines),
        milestones=tuple(dict.fromkeys(line.milestone for line in lines if line.milestone)),
        recommended=recommended,
    )


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

    asks: tuple[need.Ask, ...]
    kind: Literal["asked"] = "asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRefused:
    error: str
    reason: str
    kind: Literal["price_refused"] = "price_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """The version is shown to the customer by the share link `share_id`."""

    share_id: str
    kind: Literal["presented"] = "presented"


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
    """One period, or one milestone, became one invoice. `ladder` holds the dated rungs of its collection, as the policy of
    today says. Where there was nothing to bill, `invoice_id` is empty and it is settled.
    """

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


Outcome = (
    Taken
    | Priced
    | Asked
    | PriceRefused
    | Presented
    | Sent
    | Booked
    | Activated
    | Billed
    | Charged
    | Noticed
    | Done
    | Failed
)
