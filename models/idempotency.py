"""Idempotency keys of the API: same key and body, the same answer, byte for byte."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlmodel import Field

from models.base import Recorded, Row, one_of

STATES = ("running", "done")


class IdempotencyKeyRow(Row, table=True):
    """`running` while the first call is in flight; `done` keeps its status, media type and body."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        one_of("state", STATES),
        CheckConstraint("(state = 'done') = (status IS NOT NULL)", name="done_has_an_answer"),
    )

    person: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    method: str
    path: str
    body_hash: str
    state: str = "running"
    status: int | None = None
    media_type: str = ""
    body: bytes | None = None
    created_at: datetime = Field(index=True)
    recorded_at: Recorded = None
