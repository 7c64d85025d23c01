"""A share link shows one quote version, as it was priced, and lets the customer act on it for as long as it stands.

What a link allows is judged here from the link and its version alone; the deal judges once more what it is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from domain.errors import Conflict, Invalid

LONGEST_NAME = 200
LONGEST_TEXT = 2000


class Action(StrEnum):
    """What a customer does on the page."""

    ACCEPT = "accept"
    DECLINE = "decline"
    ASK = "ask"


class Showing(StrEnum):
    """How a version stands with the customer who looks at it."""

    OFFERED = "offered"  # to be accepted or declined
    APPROVED = "approved"  # it stands, but its acceptance is asked for elsewhere
    DECLINED = "declined"  # the customer may return
    ACCEPTED = "accepted"  # the order form is on its way
    SIGNED = "signed"


SHOWING = {
    "presented": Showing.OFFERED,
    "approved": Showing.APPROVED,
    "declined": Showing.DECLINED,
    "accepted": Showing.ACCEPTED,
    "out_for_signature": Showing.ACCEPTED,
    "noticed": Showing.ACCEPTED,
    "signed": Showing.SIGNED,
    "booked": Showing.SIGNED,
    "provisioning": Showing.SIGNED,
    "done": Showing.SIGNED,
}
_ALLOWED = {
    Showing.OFFERED: frozenset(Action),
    Showing.APPROVED: frozenset({Action.ASK}),
    Showing.DECLINED: frozenset({Action.ACCEPT, Action.ASK}),
    Showing.ACCEPTED: frozenset({Action.ASK}),
    Showing.SIGNED: frozenset[Action](),
}
SHOWN = frozenset(SHOWING)  # statuses of a version that a customer may see
SHAREABLE = frozenset({"approved", "presented"})  # statuses of a version that a new link may be made for


@dataclass(kw_only=True, eq=False)
class ShareLinkRevoked(Conflict):
    """A link that we took back."""

    hint: str = "ask the seller for a new link"


@dataclass(kw_only=True, eq=False)
class ShareLinkExpired(Conflict):
    """A link, or its quote, whose validity is over."""

    expired_at: datetime
    hint: str = "ask the seller for a new quote"


@dataclass(kw_only=True, eq=False)
class QuoteReplaced(Conflict):
    """A version that a newer one took the place of."""

    hint: str = "ask the seller for the new version"


@dataclass(kw_only=True, eq=False)
class QuoteNotOffered(Conflict):
    """A version that is not on offer: withdrawn, rejected, or not yet approved."""

    status: str
    hint: str = "ask the seller how it stands"


@dataclass(kw_only=True, eq=False)
class NotPossibleNow(Conflict):
    """An act that the version does not allow any more, or not yet."""

    action: str
    showing: str
    hint: str = "read the page again: it says what can be done"


@dataclass(kw_only=True, eq=False)
class AlternativeNeeded(Invalid):
    """A version of several offers accepted without saying which, or one that it does not have."""

    known: tuple[str, ...]
    hint: str = "pick one of the offers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """A link with its version. `was_sent`: its order form went out already, so a decline was that of the signer."""

    status: str
    expires_at: datetime
    revoked_at: datetime | None
    was_sent: bool = False

    def showing(self, now: datetime) -> Showing:
        """How the version stands at `now`. Raises ShareLinkRevoked, QuoteReplaced, QuoteNotOffered, ShareLinkExpired.

        >>> from datetime import UTC
        >>> link = Shared(status="presented", expires_at=datetime(2026, 3, 31, tzinfo=UTC), revoked_at=None)
        >>> link.showing(datetime(2026, 3, 30, tzinfo=UTC)).value
        'offered'
        """
        if self.revoked_at is not None:
            raise ShareLinkRevoked
        if self.status == "superseded":
            raise QuoteReplaced
        if self.status == "expired" or (self.status in SHOWN and now > self.expires_at):
            raise ShareLinkExpired(expired_at=self.expires_at)
        if self.status not in SHOWN:
            raise QuoteNotOffered(status=self.status)
        return SHOWING[self.status]

    def allowed(self, now: datetime) -> frozenset[Action]:
        """What the customer may do at `now`. Raises what `showing` raises."""
        showing = self.showing(now)
        if showing is Showing.DECLINED and self.was_sent:
            return frozenset({Action.ASK})
        return _ALLOWED[showing]

    def check(self, action: Action, now: datetime) -> None:
        """Raises what `showing` raises, and NotPossibleNow."""
        if action not in self.allowed(now):
            raise NotPossibleNow(action=action.value, showing=self.showing(now).value)


def picked(alternative: str, known: tuple[str, ...]) -> str:
    """The offer that is accepted; of one offer it need not be said. Raises AlternativeNeeded.

    >>> picked("", ("",)), picked("good", ("good", "better"))
    ('', 'good')
    """
    if alternative not in known:
        raise AlternativeNeeded(known=known, where="alternative")
    return alternative


def days_left(today: date, last_day: date) -> int:
    """Whole days after today on which the quote still stands; 0 on its last day.

    >>> days_left(date(2026, 3, 30), date(2026, 3, 31))
    1
    """
    return max(0, (last_day - today).days)
