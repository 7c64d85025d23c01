"""Legal entities, real ones and their sandbox copies, with one dated tax rate each."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.account import LANGUAGES
from models.base import Json, Recorded, Row, Share, currency_code, one_of


class LegalEntityRow(Row, table=True):
    """`clock_at` is the sandbox's virtual now; a real entity has none (CHECK), and cannot get one (trigger)."""

    __tablename__ = "legal_entities"
    __table_args__ = (
        UniqueConstraint("id", "virtual"),
        CheckConstraint(
            "virtual = (sandbox_of IS NOT NULL) AND virtual = (clock_at IS NOT NULL)", name="only_a_sandbox_has_a_clock"
        ),
        currency_code(),
        one_of("language", LANGUAGES),
    )

    id: str = Field(primary_key=True)
    name: str
    country: str
    currency: str
    zone: str
    invoice_prefix: str
    bank_account: str
    address: str = ""
    tax_number: str = ""
    virtual: bool = False
    sandbox_of: str | None = Field(default=None, foreign_key="legal_entities.id", index=True)
    clock_at: datetime | None = None
    template: str = ""
    look: Json = {}  # noqa: RUF012 (how its documents and pages look: accent colour, footer; never changed in place)
    language: str = "en"
    recorded_at: Recorded = None


class TaxRateRow(Row, table=True):
    """The rate that holds from `valid_from` until the next one begins; 0.2 is 20 %."""

    __tablename__ = "tax_rates"
    __table_args__ = (CheckConstraint("rate >= 0 AND rate < 1", name="rate"),)

    entity_id: str = Field(primary_key=True, foreign_key="legal_entities.id")
    valid_from: date = Field(primary_key=True)
    rate: Share
    name: str
    recorded_at: Recorded = None


async def tax_rate_on(session: AsyncSession, entity_id: str, on: date) -> TaxRateRow | None:
    """The rate that holds on `on`: the last one that began on it or before. None: no rate had begun."""
    query = (
        select(TaxRateRow)
        .where(col(TaxRateRow.entity_id) == entity_id, col(TaxRateRow.valid_from) <= on)
        .order_by(col(TaxRateRow.valid_from).desc())
        .limit(1)
    )
    return (await session.exec(query)).first()
