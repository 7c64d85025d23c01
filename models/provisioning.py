"""Provisioning: where each step of an order stands at the provisioner."""

from datetime import datetime

from sqlmodel import Field

from models.base import Recorded, Row, not_negative, one_of

STATUSES = ("pending", "running", "done", "failed", "compensating", "compensated")


class ProvisioningRow(Row, table=True):
    __tablename__ = "provisionings"
    __table_args__ = (one_of("status", STATUSES), not_negative("attempts"))

    deal_id: str = Field(primary_key=True, foreign_key="deals.id")
    order_number: int = Field(primary_key=True)
    step_no: int = Field(primary_key=True)
    step: str
    status: str
    ref: str = ""
    attempts: int = 0
    reason: str = ""
    performed_at: datetime | None = None
    recorded_at: Recorded = None
