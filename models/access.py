"""Who may come in: API keys (only their SHA-256 is kept) and the people behind them."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from models.base import Recorded, Texts, one_of

ROLES = ("sales", "deal_desk", "finance", "ops", "admin")


class ApiKeyRow(SQLModel, table=True):
    __tablename__ = "api_keys"
    __table_args__ = (one_of("role", ROLES),)

    id: str = Field(primary_key=True)
    key_hash: str = Field(unique=True)
    prefix: str
    person: str
    role: str
    groups: Texts
    created_at: datetime
    revoked_at: datetime | None = None
    recorded_at: Recorded = None


class PersonRow(SQLModel, table=True):
    """`manager` is an email: where an approval escalates to."""

    __tablename__ = "people"

    email: str = Field(primary_key=True)
    name: str
    groups: Texts
    manager: str | None = None
    country: str = ""
    recorded_at: Recorded = None
