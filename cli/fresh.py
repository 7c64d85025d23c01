"""What a fresh system gets: the first admin key, made once and stored hashed, and the standard policies where there are none."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.caller import SHOWN, Role, hash_of, new_secret
from demo.positions import load_yaml
from domain.approving.policy import Matrix
from domain.dunning_policy import DunningPolicy
from domain.ids import derived
from models.access import ApiKeyRow
from models.database import Database
from models.policy import ApprovalPolicyRow, DunningPolicyRow, latest_approval, latest_dunning

APPROVAL = Path(__file__).with_name("standard") / "approval.yaml"  # of nobody's people
DUNNING = Path(__file__).resolve().parent.parent / "demo" / "policies" / "dunning.yaml"
STANDARD = "standard"


async def furnish(database_url: str, person: str) -> str | None:
    """The first admin key's secret where it was made just now; None where an admin has a key already."""
    database = Database(database_url, pool_size=1, application_name="q2c-up")
    try:
        async with database.transaction() as session:
            await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('q2c up', 0))"))
            await _policies(session)
            return await _first_key(session, person)
    finally:
        await database.dispose()


async def _first_key(session: AsyncSession, person: str) -> str | None:
    admins = select(ApiKeyRow.id).where(col(ApiKeyRow.role) == Role.ADMIN.value, col(ApiKeyRow.revoked_at).is_(None))
    if (await session.exec(admins.limit(1))).first() is not None:
        return None
    secret = new_secret()
    made = ApiKeyRow(
        id=derived("key", "first", hash_of(secret)),
        key_hash=hash_of(secret),
        prefix=secret[:SHOWN],
        person=person,
        role=Role.ADMIN.value,
        groups=[],
        created_at=datetime.now(tz=UTC),
    )
    session.add(made)
    return secret


async def _policies(session: AsyncSession) -> None:
    if await latest_approval(session, STANDARD) is None:
        content = _content(APPROVAL)
        Matrix.parse(content)
        session.add(ApprovalPolicyRow(id=derived("ap", STANDARD, 1), name=STANDARD, version=1, content=content))
    if await latest_dunning(session, STANDARD) is None:
        content = _content(DUNNING)
        DunningPolicy.parse(content)
        session.add(DunningPolicyRow(id=derived("dp", STANDARD, 1), name=STANDARD, version=1, content=content))


def _content(path: Path) -> dict[str, Any]:
    content: Mapping[str, Any] = load_yaml(path).mapping
    return dict(content)
