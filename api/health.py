"""Is this process fit to serve: the database and Temporal answer. Open to everybody, and says no more than that."""

import asyncio
from datetime import timedelta
from typing import Literal

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from api.store import Db

log = structlog.get_logger(__name__)

router = APIRouter(tags=["health"])

PATIENCE = 2.0  # seconds


class HealthOut(BaseModel):
    status: Literal["ok", "failing"]
    database: bool
    temporal: bool


@router.get("/health", responses={503: {"model": HealthOut}})
async def health(request: Request, response: Response, database: Db) -> HealthOut:
    """200 where both answer within two seconds, 503 otherwise."""
    fit = {"database": False, "temporal": False}
    try:
        async with asyncio.timeout(PATIENCE):
            await database.ping()
        fit["database"] = True
    except Exception as error:  # noqa: BLE001 - whatever the driver raises, the answer is no
        log.warning("database does not answer", error=str(error))
    try:
        client = request.app.state.temporal
        fit["temporal"] = await client.service_client.check_health(timeout=timedelta(seconds=PATIENCE))
    except Exception as error:  # noqa: BLE001
        log.warning("temporal does not answer", error=str(error))
    if not all(fit.values()):
        response.status_code = 503
    return HealthOut(status="ok" if all(fit.values()) else "failing", **fit)
