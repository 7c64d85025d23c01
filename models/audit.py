"""The books audited by the database itself: each check is one named query that finds nothing in sound books."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

SHOWN = 200  # breaches of one check at most: more say nothing new

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """One thing that must not be: the check that found it, in words, and the rows it is about."""

    check: str
    text: str
    rows: tuple[Values, ...] = ()


Check = Callable[[AsyncSession], Awaitable[list[Breach]]]


async def breaches(session: AsyncSession, check: str, query: str, told: str) -> list[Breach]:
    """One breach per row that the query finds; `told` says it in words, with the row's columns in braces."""
    found = (await session.execute(text(query), {"most": SHOWN})).mappings().all()
    rows = [{name: _whole(value) for name, value in row.items()} for row in found]
    return [Breach(check=check, text=told.format(**row), rows=(row,)) for row in rows]


def _whole(value: Any) -> Any:
    """A sum of minor units comes as NUMERIC: -1E+4 is -10000."""
    return int(value) if isinstance(value, Decimal) else value
