"""What the demo's files say, as values: who sells, who works here, who buys, and each deal with the fate that awaits it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import cast

from demo import fates
from demo.positions import Row

EMAIL = r"[^@\s]+@[^@\s]+"
TOKENS = {(False, "card"): "pm_card_visa", (True, "card"): "pm_sepaDebit"}  # Stripe's own test tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRate:
    valid_from: date
    rate: Decimal  # a fraction: 0.2 is 20 %
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A legal entity that sells, with its dated tax rates, oldest first."""

    id: str
    name: str
    country: str
    currency: str
    zone: str
    invoice_prefix: str
    bank_account: str
    address: str
    tax_number: str
    email: str
    accent: str
    tax_rates: tuple[TaxRate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone of ours: `role` is what their API key may do, `groups` are asked by the approval policy.

    `slack` is the channel where they read what they are asked, beside their mail; '' they have none.
    """

    email: str
    name: str
    role: str
    groups: tuple[str, ...]
    manager: str
    country: str
    zone: str = "UTC"
    language: str = "en"
    slack: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Someone who buys; `contact` signs. `address` has one line per line."""

    account: str
    name: str
    entity: str
    contact: str
    email: str
    address: str
    country: str
    currency: str
    zone: str
    tax_number: str
    segment: str = ""  # which price books and approval rules are for it
    language: str = "en"  # of its documents


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """What sales asks for, and what the outside will do: a row of deals.csv, or a row of quotes.csv with its quote's file.

    `terms` is a draft without its signer; of a quote's file (`whole`), the draft as the file has it.
    """

    row: Row
    name: str
    entity: str
    account: str
    owner: str
    start: date  # the day on which sales opens it
    terms: Mapping[str, object]
    sepa: bool
    card_script: tuple[str, ...]
    desk: fates.Desk | None
    signer: fates.Signer
    provisioning: fates.Provisioning
    payer: fates.Payer | None
    renewal_signer: fates.Signer
    whole: bool = False
    visits: tuple[fates.Visit, ...] | None = None  # None: the quote is not shown on a page
    reply: str = ""  # of sales, to what the customer asks
    revised: Mapping[str, object] | None = None  # the draft that sales comes back with when the customer declines
    milestones: tuple[tuple[str, int], ...] = ()  # name, days after the opening

    @property
    def chosen(self) -> str:
        """The offer that the customer picks; '' where there is no choice."""
        return next((visit.text for visit in self.visits or () if visit.action == "accepts"), "")

    @property
    def agreed(self) -> Mapping[str, object]:
        """The terms that come to be signed: those of the last draft and of the offer that is picked."""
        last = self.terms if self.revised is None else self.revised
        offers = cast("list[Mapping[str, object]]", last.get("alternatives", []))
        return {**last, **next((offer for offer in offers if offer["name"] == self.chosen), {})}

    @property
    def method(self) -> str:
        """How the deal is paid: card or transfer."""
        return str(self.terms.get("method", "card"))

    @property
    def method_token(self) -> str:
        """The payment method token to attach; '' for a transfer."""
        return TOKENS.get((self.sepa, self.method), "")

    def draft(self, account: Account, *, discount_percent: Decimal | None = None) -> dict[str, object]:
        """The draft as the API takes it; `discount_percent` revises the header's discount."""
        if self.whole:
            return dict(self.terms)
        revised = {} if discount_percent is None else {"discount_percent": str(discount_percent)}
        return {
            **self.terms,
            **revised,
            "currency": account.currency,
            "signer": {"name": account.contact, "email": account.email},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRise:
    """A new version of a price book, and the accounts whose running contracts are moved to it on that day."""

    name: str
    on: date
    entity: str
    from_: str
    price_book: Path
    accounts: tuple[str, ...]
