"""Working days and hours by country: a new content is a new version; dates that were told stay as they are."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import text

from api.caller import Admin, Anyone
from api.exact import document_of
from api.idempotency import OnceKey, WriteRoute
from api.schema import At, Out
from api.store import Db, sql
from domain.approving.calendar import Calendars
from domain.document import content_hash
from models import directory
from models.directory import CalendarRow

router = APIRouter(prefix="/v1/calendars", tags=["approvals"], route_class=WriteRoute)

EXAMPLE = {
    "DE": {"zone": "Europe/Berlin", "opens": "09:00", "closes": "17:00", "holidays": ["2027-03-26", "2027-03-29"]}
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "object"}, "example": EXAMPLE},
            "application/yaml": {"schema": {"type": "string"}},
        },
    }
}


class CalendarOut(Out):
    country: str
    version: int
    content: dict[str, Any]
    created_by: str
    created_at: At


@router.post("", status_code=201, openapi_extra=_BODY)
async def save_calendars(
    request: Request, response: Response, caller: Admin, _once: OnceKey, database: Db
) -> list[CalendarOut]:
    """Calendars by country (`*` for all others), JSON or YAML; every problem is named. Returns those that are new."""
    content = await document_of(request)
    Calendars.parse(content)
    made: list[CalendarRow] = []
    async with database.transaction() as session:
        await sql(session, text("SELECT pg_advisory_xact_lock(hashtextextended('calendars', 4))"))
        known = {row.country: row for row in await directory.calendars(session)}
        for country, said in content.items():
            before = known.get(country)
            if before is not None and content_hash(before.content) == content_hash(said):
                continue
            row = CalendarRow(
                country=country,
                version=before.version + 1 if before else 1,
                content=said,
                created_by=caller.person,
                created_at=datetime.now(tz=UTC),
            )
            session.add(row)
            made.append(row)
    response.status_code = 201 if made else 200
    return [CalendarOut.model_validate(row) for row in made]


@router.get("")
async def list_calendars(_caller: Anyone, database: Db) -> list[CalendarOut]:
    """The latest calendar of every country; one that is not listed works Monday to Friday, 9 to 17 UTC."""
    async with database.session() as session:
        rows = await directory.calendars(session)
    return [CalendarOut.model_validate(row) for row in rows]
