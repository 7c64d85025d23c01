"""Accounts (who buys) and what the payment gateway calls them."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from models.base import Recorded, Row, currency_code, one_of

METHODS = ("card", "transfer")
LANGUAGES = ("en", "fr")


class AccountRow(Row, table=True):
    """An account belongs to one legal entity: a sandbox has its own copies, so no sandbox deal can reach a real card."""

    __tablename__ = "accounts"
    __table_args__ = (
        UniqueConstraint("id", "entity_id"),
        currency_code(),
        one_of("method", METHODS),
        one_of("language", LANGUAGES),
    )

    id: str = Field(primary_key=True)
    entity_id: str = Field(foreign_key="legal_entities.id", index=True)
    name: str
    email: str
    address: str = ""
    country: str
    currency: str
    zone: str
    method: str
    method_token: str = ""
    created_at: datetime
    segment: str = ""  # which price books are for it: 'enterprise', …
    language: str = "en"  # of the documents it gets
    recorded_at: Recorded = None


class GatewayCustomerRow(Row, table=True):
    """The gateway's ids for an account and its payment method, filled by the payment activity."""

    __tablename__ = "gateway_customers"

    account_id: str = Field(primary_key=True, foreign_key="accounts.id")
    customer_ref: str
    method_ref: str = ""
    method_token: str = ""
    recorded_at: Recorded = None
