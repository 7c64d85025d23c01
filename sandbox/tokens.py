"""Stripe's public test tokens: what each one does when it is attached and when it is charged."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """`at_attach` and `at_charge` are "succeed" or a decline code."""

    type: str = "card"  # or "sepa_debit"
    brand: str = "visa"
    last4: str = "4242"
    at_attach: str = "succeed"
    at_charge: str = "succeed"


def _refused(code: str, last4: str) -> Token:
    """Stripe refuses these cards as soon as they are attached to a customer, with the same code as a charge."""
    return Token(at_attach=code, at_charge=code, last4=last4)


def _debit(code: str, last4: str) -> Token:
    return Token(type="sepa_debit", brand="", last4=last4, at_charge=code)


TOKENS = {
    "pm_card_visa": Token(),
    "pm_card_visa_debit": Token(last4="5556"),
    "pm_card_mastercard": Token(brand="mastercard", last4="4444"),
    "pm_card_amex": Token(brand="amex", last4="8431"),
    "pm_card_discover": Token(brand="discover", last4="9424"),
    "pm_card_de": Token(last4="0001"),
    "pm_card_us": Token(last4="4242"),
    "pm_card_visa_chargeDeclined": _refused("generic_decline", "0002"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": _refused("insufficient_funds", "9995"),
    "pm_card_visa_chargeDeclinedLostCard": _refused("lost_card", "9987"),
    "pm_card_visa_chargeDeclinedStolenCard": _refused("stolen_card", "9979"),
    "pm_card_visa_chargeDeclinedVelocityLimitExceeded": _refused("card_velocity_exceeded", "6975"),
    "pm_card_chargeDeclined": _refused("generic_decline", "0002"),
    "pm_card_chargeDeclinedInsufficientFunds": _refused("insufficient_funds", "9995"),
    "pm_card_chargeDeclinedLostCard": _refused("lost_card", "9987"),
    "pm_card_chargeDeclinedStolenCard": _refused("stolen_card", "9979"),
    "pm_card_chargeDeclinedExpiredCard": _refused("expired_card", "0069"),
    "pm_card_chargeDeclinedIncorrectCvc": _refused("incorrect_cvc", "0127"),
    "pm_card_chargeDeclinedProcessingError": _refused("processing_error", "0119"),
    "pm_card_radarBlock": Token(at_charge="fraudulent", last4="0019"),
    # Attaches, and every charge fails: the one for a card that goes bad later.
    "pm_card_chargeCustomerFail": Token(at_charge="generic_decline", last4="0341"),
    "pm_card_authenticationRequired": Token(at_charge="authentication_required", last4="3184"),
    # Attached without a setup intent, so its bank still asks.
    "pm_card_authenticationRequiredOnSetup": Token(at_charge="authentication_required", last4="3155"),
    "pm_card_authenticationRequiredSetupForOffSession": Token(last4="0446"),
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": Token(
        at_charge="insufficient_funds", last4="3178"
    ),
    "pm_sepaDebit": _debit("succeed", "3000"),
    "pm_sepaDebit_failed": _debit("insufficient_funds", "3001"),
    "pm_success_de": _debit("succeed", "3000"),
    "pm_failed_de": _debit("generic_decline", "3001"),
    "pm_insufficientFunds_de": _debit("insufficient_funds", "0003"),
}

# Codes that Stripe gives as the error's own code; every other decline is `card_declined` with a `decline_code`.
OWN_CODE = frozenset(
    {"expired_card", "incorrect_cvc", "processing_error", "incorrect_number", "authentication_required"}
)
