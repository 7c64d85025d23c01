"""Coupons: issued once under their code, never changed; how often each is used is counted over versions that are alive."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import Field

from api.caller import Anyone, DealDesk
from api.errors import Refusal, missing
from api.exact import document_body, document_of
from api.idempotency import OnceKey, WriteRoute
from api.pagination import Cursor, Limit, Page, decode, encode, page
from api.schema import At, Out
from api.store import Db, insert_once
from domain.coupon import Coupon
from domain.document import content_hash
from models import coupon as coupons
from models.coupon import CouponRow

router = APIRouter(prefix="/v1/coupons", tags=["price books"], route_class=WriteRoute)

EXAMPLE = {"code": "SPRING-20", "percent": "20", "valid_to": "2026-06-01", "total_uses": 100}


class CouponOut(Out):
    code: str = Field(examples=["SPRING-20"])
    created_at: At
    content: dict[str, Any]
    uses: int = Field(description="by real deals, in a version that is neither refused nor over")


@router.post("", status_code=201, openapi_extra=document_body(EXAMPLE))
async def add_coupon(
    request: Request, response: Response, _caller: DealDesk, _once: OnceKey, database: Db
) -> CouponOut:
    """Read a coupon (JSON or YAML), name every problem in it by its path, and issue it. 200: it was issued already.

    A code with another content is refused: what was promised is not changed.
    """
    coupon = Coupon.parse(await document_of(request))
    content = coupon.to_mapping()
    row = CouponRow(
        code=coupon.code, content=content, content_hash=content_hash(content), created_at=datetime.now(tz=UTC)
    )
    async with database.transaction() as session:
        if await insert_once(session, row, "code"):
            return _out(row, 0)
        known = await session.get(CouponRow, coupon.code)
        if known is None or known.content_hash != row.content_hash:
            raise Refusal(
                409,
                "CouponExists",
                f"the code {coupon.code} was issued with another content",
                where="code",
                hint="issue another code: a coupon never changes",
            )
        response.status_code = 200
        return _out(known, await coupons.uses(session, coupon.code))


@router.get("")
async def list_coupons(_caller: Anyone, database: Db, limit: Limit = 50, cursor: Cursor = None) -> Page[CouponOut]:
    """Coupons by code."""
    after = str(decode(cursor, str)[0]) if cursor is not None else ""
    async with database.session() as session:
        rows = await coupons.page(session, limit=limit + 1, after=after)
    return page(rows, limit, lambda row: encode(row[0].code), lambda row: _out(*row))


@router.get("/{code}")
async def show_coupon(code: Annotated[str, Path(max_length=100)], _caller: Anyone, database: Db) -> CouponOut:
    """One coupon and how often it is used."""
    async with database.session() as session:
        row = await session.get(CouponRow, code.upper())
        if row is None:
            raise missing("coupon", code)
        return _out(row, await coupons.uses(session, row.code))


def _out(row: CouponRow, uses: int) -> CouponOut:
    return CouponOut(code=row.code, created_at=row.created_at, content=row.content, uses=uses)
