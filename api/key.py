"""API keys: shown once when made, stored as a hash, revoked and never deleted."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field
from sqlalchemy import text
from sqlmodel import col, select

from api.approving.world import note_change, reseat
from api.caller import SHOWN, Admin, Role, hash_of, new_secret
from api.errors import missing
from api.idempotency import OnceKey, WriteRoute
from api.pagination import Cursor, Limit, Page, decode, encode, page
from api.schema import At, Email, Id, Out, Schema
from api.store import Db, sql
from models.access import ApiKeyRow
from models.directory import SeatChangeRow

router = APIRouter(prefix="/v1/keys", tags=["keys"], route_class=WriteRoute)

Group = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9_.-]{0,63}$")]


_PERSON = text("""
    INSERT INTO people (email, name, groups, country, language, zone, slack)
    VALUES (:email, :name, :groups, '', 'en', 'UTC', '')
    ON CONFLICT (email) DO UPDATE
       SET groups = ARRAY(SELECT DISTINCT g FROM unnest(people.groups || excluded.groups) AS g ORDER BY g)
     WHERE NOT people.groups @> excluded.groups
    RETURNING email
""")


class KeyIn(Schema):
    person: Email = Field(examples=["dana@acme.example"])
    role: Role = Field(examples=["deal_desk"])
    groups: list[Group] = Field(
        default=[], max_length=50, examples=[["sales_manager"]], description="for which groups this person may approve"
    )


class KeyOut(Out):
    id: str
    prefix: str = Field(description="the beginning of the key, to tell keys apart")
    person: str
    role: Role
    groups: list[str]
    created_at: At
    revoked_at: At | None


class NewKeyOut(KeyOut):
    key: str | None = Field(description="the key itself: shown in the first answer only, in no repetition of it")


class Unrepeatable(Response):
    """An answer with a secret; what is kept for a repetition (`kept`) is without it."""

    def __init__(self, shown: NewKeyOut) -> None:
        super().__init__(shown.model_dump_json().encode(), status_code=201, media_type="application/json")
        self.kept = shown.model_copy(update={"key": None}).model_dump_json().encode()


# A repeat after a crash gives the same row a new secret: the old one was shown to nobody.
_INSERT = text("""
    INSERT INTO api_keys (id, key_hash, prefix, person, role, groups, created_at)
    VALUES (:id, :key_hash, :prefix, :person, :role, :groups, :created_at)
    ON CONFLICT (id) DO UPDATE SET key_hash = excluded.key_hash, prefix = excluded.prefix
""")


@router.post("", status_code=201, response_model=NewKeyOut)
async def create_key(key: KeyIn, request: Request, _caller: Admin, once: OnceKey, database: Db) -> Response:
    """Make a key for a person in a role. The key is in this answer and nowhere else.

    Whoever is to approve for a group is asked by name: so they become one of our people, where they are not yet, and are in
    these groups from now on, beside those they were in. Ending the key takes them out of none: POST /v1/people does.
    """
    secret = new_secret()
    row = ApiKeyRow(
        id=once.id("key"),
        key_hash=hash_of(secret),
        prefix=secret[:SHOWN],
        person=key.person,
        role=key.role.value,
        groups=sorted(set(key.groups)),
        created_at=datetime.now(tz=UTC),
    )
    change: SeatChangeRow | None = None
    async with database.transaction() as session:
        await sql(session, _INSERT, row.model_dump(exclude={"recorded_at", "revoked_at"}))
        person = {"email": key.person.lower(), "name": key.person, "groups": row.groups}
        if row.groups and (await sql(session, _PERSON, person)).all():
            reason = f"{key.person.lower()} may decide for {', '.join(row.groups)}"
            change = await note_change(session, key.person, reason, cause=row.id)
    if change is not None:
        await reseat(request, database, change)
    return Unrepeatable(NewKeyOut(key=secret, **KeyOut.model_validate(row).model_dump()))


@router.post("/{key_id}/revoke")
async def revoke_key(key_id: Id, _caller: Admin, _once: OnceKey, database: Db) -> KeyOut:
    """End a key at once; a second time changes nothing."""
    async with database.transaction() as session:
        await sql(
            session,
            text("UPDATE api_keys SET revoked_at = now() WHERE id = :id AND revoked_at IS NULL"),
            {"id": key_id},
        )
        row = await session.get(ApiKeyRow, key_id)
    if row is None:
        raise missing("key", key_id)
    return KeyOut.model_validate(row)


@router.get("")
async def list_keys(_caller: Admin, database: Db, limit: Limit = 50, cursor: Cursor = None) -> Page[KeyOut]:
    """All keys by id, without the keys themselves."""
    query = select(ApiKeyRow).order_by(col(ApiKeyRow.id)).limit(limit + 1)
    if cursor is not None:
        query = query.where(col(ApiKeyRow.id) > decode(cursor, str)[0])
    async with database.session() as session:
        rows = (await session.exec(query)).all()
    return page(rows, limit, lambda row: encode(row.id), KeyOut.model_validate)
