"""Policies are data: who must approve, and how an unpaid invoice is chased. Versions are immutable."""

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from models.base import Json, Recorded, positive


class ApprovalPolicyRow(SQLModel, table=True):
    __tablename__ = "approval_policies"
    __table_args__ = (UniqueConstraint("name", "version"), positive("version"))

    id: str = Field(primary_key=True)
    name: str
    version: int
    content: Json
    recorded_at: Recorded = None


class DunningPolicyRow(SQLModel, table=True):
    __tablename__ = "dunning_policies"
    __table_args__ = (UniqueConstraint("name", "version"), positive("version"))

    id: str = Field(primary_key=True)
    name: str
    version: int
    content: Json
    recorded_at: Recorded = None
