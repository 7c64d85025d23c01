"""What a charge can come to, and what a decline means for the next attempt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ChargeStatus(StrEnum):
    CAPTURED = "captured"
    DECLINED = "declined"
    PENDING = "pending"  # accepted, money comes or fails later (bank debit)
    UNKNOWN = "unknown"  # the answer was lost; resolved under its own key


class DeclineClass(StrEnum):
    """What a refusal means for the next attempt."""

    SOFT = "soft"  # retry by schedule
    HARD = "hard"  # no retry until there is a new method
    ACTION_REQUIRED = "action_required"  # only the customer can go on
    FRAUD = "fraud"  # stop


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeOutcome:
    """The answer of a gateway to one charge, in our words.

    `gateway_ref` is the gateway's id of the payment (Stripe: the payment intent), empty where it is unknown.
    `code` is the gateway's decline code as given, `captured_minor` the money that moved, in minor units.
    """

    status: ChargeStatus
    gateway_ref: str = ""
    code: str = ""
    captured_minor: int = 0


HARD = frozenset(
    {
        "expired_card",
        "incorrect_number",
        "invalid_number",
        "invalid_account",
        "account_closed",
        "debit_not_authorized",
        "no_account",
        "card_not_supported",
        "currency_not_supported",
        "new_account_information_available",
        "revocation_of_authorization",
        "revocation_of_all_authorizations",
    }
)
FRAUD = frozenset(
    {
        "fraudulent",
        "lost_card",
        "stolen_card",
        "pickup_card",
        "restricted_card",
        "security_violation",
        "merchant_blacklist",
    }
)
ACTION = frozenset({"authentication_required", "authentication_not_handled", "card_velocity_authentication"})


def classify(code: str) -> DeclineClass:
    """The class of a decline code (Stripe's list); an unknown code is soft: the schedule bounds it.

    >>> classify("insufficient_funds").value, classify("stolen_card").value
    ('soft', 'fraud')
    """
    if code in FRAUD:
        return DeclineClass.FRAUD
    if code in HARD:
        return DeclineClass.HARD
    if code in ACTION:
        return DeclineClass.ACTION_REQUIRED
    return DeclineClass.SOFT
